"""`partner-account completion`: the shell completion script."""

import click
from click.shell_completion import get_completion_class

from partner_account_cli.options import debug_option

SHELLS = [shell for shell in ("bash", "fish", "powershell", "zsh") if get_completion_class(shell)]
"""The shells that this version of click supports."""


@click.command()
@click.option("-s", "--shell", type=click.Choice(SHELLS, case_sensitive=False), required=True, help="Your shell.")
@debug_option
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the shell completion script for commands, options, values and profiles.

    For bash, add to ~/.bashrc (for zsh, with its name, to ~/.zshrc):

    eval "$(partner-account completion -s bash)"

    For fish, add to ~/.config/fish/config.fish:

    partner-account completion -s fish | source
    """
    complete = get_completion_class(shell)
    assert complete  # noqa: S101 - the choice has no other
    click.echo(complete(context.find_root().command, {}, "partner-account", "_PARTNER_ACCOUNT_COMPLETE").source())
