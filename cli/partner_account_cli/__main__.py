"""The command line of `partner-account`: what can be asked for."""

import click

from partner_account_cli.rehearse import rehearse


@click.group()
def main() -> None:
    """Creates and looks after an AWS Partner Central account."""


main.add_command(rehearse)


if __name__ == "__main__":
    main(prog_name="partner-account")
