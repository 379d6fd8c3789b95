"""The command line of `partner-account`: what can be asked for, and how an error is told."""

from pathlib import Path

import click

from partner_account_cli.demo import DemoError, tell
from partner_account_cli.processes import ProcessError
from partner_account_cli.rehearse import rehearse


@click.group()
def main() -> None:
    """Creates and looks after an AWS Partner Central account."""


main.add_command(rehearse)


@main.command()
@click.option("--keep", is_flag=True, help="Leave the local AWS running in the end, and tell how to use it.")
def demo(*, keep: bool) -> None:
    """Deploy the example app in this directory, on a simulated AWS on this machine."""
    if not Path("cdk.json").exists():
        raise click.ClickException("there is no cdk.json here: run this in the directory of the example app")
    try:
        tell(Path.cwd(), keep=keep)
    except (DemoError, ProcessError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="partner-account")
