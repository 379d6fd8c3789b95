"""`partner-account store-code`: puts the code from the e-mail where the stack finds it, past screen and history."""

import sys

import click

from partner_account_cli import code_store, rendering, store_write
from partner_account_cli.aws import Access, aws_options, pass_access
from partner_account_cli.code_store import CodeStore, store_options
from partner_account_cli.errors import CommandError


# Extra arguments are allowed to get here, since click's own refusal would repeat the code.
@click.command(context_settings={"allow_extra_args": True})
@store_options
@click.option("--create", is_flag=True, help="Create the secret or the parameter if it is not there.")
@click.option("--overwrite", is_flag=True, help="Replace what is there, even if it is no code.")
@aws_options("the store")
@pass_access
def store_code(access: Access, *, store: CodeStore | None, create: bool, overwrite: bool) -> None:
    """Store the verification code where the stack finds it.

    It is asked for without showing it; in a pipeline it is the first line of standard input. It can't be an argument,
    which the shell's history and the list of processes would show. What is there already must be a code, or nothing.
    """
    if click.get_current_context().args:
        raise click.UsageError("The code can't be an argument: type it when asked, or pipe it in.")
    if store is None:
        raise click.UsageError("Name the store: --secret-id or --parameter.")
    if create and store.is_arn:
        raise click.UsageError("--create takes a name: no secret can be created by an ARN.")
    code = _ask() if sys.stdin.isatty() else _read()
    with rendering.working(f"Storing the code in {store}"):
        caution = store_write.write(access, store, code, create=create, overwrite=overwrite)
    rendering.say(f"Stored in {store}. Deploy within minutes: how long a code lives is not documented,")
    rendering.say("and five a day are sent to one address.")
    if caution:
        rendering.note(caution)


def _ask() -> str:
    return str(click.prompt("Verification code (six digits)", hide_input=True, value_proc=_six_digits))


def _six_digits(text: str) -> str:
    if not code_store.is_code(text.strip()):
        raise click.UsageError("A code is six digits.")
    return text.strip()


def _read() -> str:
    # As bytes: a terminal's encoding, or a byte order mark of Windows, is no reason to refuse six digits.
    code = sys.stdin.buffer.readline().decode("utf-8-sig", "replace").strip()
    if not code_store.is_code(code):
        raise CommandError("standard input is not six digits", "Pipe the code from the e-mail, and nothing else.")
    return code
