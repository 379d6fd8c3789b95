"""`partner-account store-code`: puts the code from the e-mail where the stack finds it, past screen and history.

Nothing else that is there is lost.
"""

import json
import sys
from contextlib import suppress
from typing import Any

import click

from partner_account_cli import code_store, rendering
from partner_account_cli.aws import Access, aws_options, pass_access
from partner_account_cli.code_store import CodeStore, Content, store_options
from partner_account_cli.errors import CommandError


# Extra arguments are allowed to get here, since click's own refusal would repeat the code.
@click.command(context_settings={"allow_extra_args": True})
@store_options
@click.option("--create", is_flag=True, help="Create the secret or the parameter if it is not there.")
@click.option("--overwrite", is_flag=True, help="Replace what is there, even if it is no code, or may not be read.")
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
    access.conceal(code)
    with rendering.working(f"Storing the code in {store}"):
        if store.parameter:
            caution = ""
            _write_parameter(access.own_client("ssm"), store, code, create=create, overwrite=overwrite)
        else:
            name = _write_secret(access, store, code, create=create, overwrite=overwrite)
            caution = code_store.caution_of_name(name)
    rendering.say(f"Stored in {store}. Deploy within minutes: how long a code lives is not documented,")
    rendering.say("and five a day are sent to one address.")
    if caution:
        rendering.note(caution)


def _ask() -> str:
    def six_digits(text: str) -> str:
        if not code_store.is_code(text.strip()):
            raise click.UsageError("A code is six digits.")
        return text.strip()

    return str(click.prompt("Verification code (six digits)", hide_input=True, value_proc=six_digits))


def _read() -> str:
    # As bytes: a terminal's encoding, or a byte order mark of Windows, is no reason to refuse six digits.
    code = sys.stdin.buffer.readline().decode("utf-8-sig", "replace").strip()
    if not code_store.is_code(code):
        raise CommandError("standard input is not six digits", "Pipe the code from the e-mail, and nothing else.")
    return code


def _write_secret(access: Access, store: CodeStore, code: str, *, create: bool, overwrite: bool) -> str:
    """Store the code; the secret's name, which the store may know by its ARN only.

    The other fields of a JSON object are kept even if it is to be overwritten.
    """
    client = access.own_client("secretsmanager")
    before: dict[str, Any] = {}
    if store.json_field or not overwrite:
        with suppress(client.exceptions.ResourceNotFoundException):  # or there is nothing in it yet
            before = client.get_secret_value(SecretId=store.secret_id)
    if before and not overwrite:
        _require_replaceable(store, code_store.content_of_secret(before, store.json_field))
    text = code
    if store.json_field:
        former = before.get("SecretString", "")
        kept = code_store.fields(former) or {}
        if kept and _exactly(former) != _exactly(json.dumps(kept)):
            happened = f"{store} has a number or a repeated field that would change if it were written again"
            raise CommandError(happened, "Store the code in a secret of its own.")
        text = json.dumps({**kept, store.json_field: code})
        access.conceal(text)
    try:
        written = client.put_secret_value(SecretId=store.secret_id, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        if not create:
            raise _missing(store) from None
        written = client.create_secret(Name=store.secret_id, SecretString=text)
    return str(written["Name"])


def _exactly(text: str) -> Any:
    """A JSON text with its numbers as they are written, and with fields that occur twice."""
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=list)


def _write_parameter(client: Any, store: CodeStore, code: str, *, create: bool, overwrite: bool) -> None:
    name = {"Key": "Name", "Option": "Equals", "Values": [store.parameter]}
    # A page may be empty, and the next one not.
    pages = client.get_paginator("describe_parameters").paginate(ParameterFilters=[name])
    before = next((found for page in pages for found in page["Parameters"]), None)
    written = {"Name": store.parameter, "Value": code, "Type": "SecureString"}
    if before is None:
        if not create:
            raise _missing(store)
        client.put_parameter(**written)
        return
    if before["Type"] != "SecureString":
        raise CommandError(
            f"{store} is a {before['Type']}, whose value isn't encrypted",
            "Name a SecureString, or a new name and --create.",
        )
    if not overwrite:
        found = client.get_parameter(Name=store.parameter, WithDecryption=True)["Parameter"]
        _require_replaceable(store, code_store.content_of(found["Value"]))
    # It loses what isn't said again: without its key it goes back to the AWS-managed one.
    kept = {name: before[name] for name in ("AllowedPattern", "Description", "KeyId", "Tier") if before.get(name)}
    client.put_parameter(**written, **kept, Overwrite=True)


def _require_replaceable(store: CodeStore, content: Content) -> None:
    if content not in {Content.CODE, Content.NOTHING}:
        raise CommandError(
            f"{store} holds {content}", f"{store.instead_of(content)}; --overwrite replaces what is there."
        )


def _missing(store: CodeStore) -> CommandError:
    remedy = "Correct its ARN." if store.is_arn else "Correct its name or the --region, or add --create."
    return CommandError(f"{store} is not there", remedy)
