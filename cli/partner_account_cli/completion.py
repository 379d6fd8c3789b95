"""`partner-account completion`: the script by which a shell completes what is typed."""

import click
from click.shell_completion import get_completion_class

from partner_account_cli.options import debug_option

SHELLS = [shell for shell in ("bash", "fish", "powershell", "zsh") if get_completion_class(shell)]
"""Those that this version of click knows."""


@click.command()
@click.option("-s", "--shell", type=click.Choice(SHELLS, case_sensitive=False), required=True, help="Your shell.")
@debug_option
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script that completes commands, options, their values and profiles.

    For bash, put into ~/.bashrc, and for zsh, by its name, into ~/.zshrc:

    eval "$(partner-account completion -s bash)"

    For fish, into ~/.config/fish/config.fish:

    partner-account completion -s fish | source
    """
    complete = get_completion_class(shell)
    assert complete  # noqa: S101 - the choice has no other
    click.echo(complete(context.find_root().command, {}, "partner-account", "_PARTNER_ACCOUNT_COMPLETE").source())
