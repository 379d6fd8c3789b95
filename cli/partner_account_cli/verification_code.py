"""`partner-account send-code` and `store-code`: the code of an e-mail, from AWS to where the stack finds it.

It goes past screen and history, and nothing else that is there is lost. `doctor` is told what kind of value a store
holds, never the value.
"""

import json
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import wraps
from typing import Any

import click

from partner_account_cli import rendering
from partner_account_cli.aws import Access
from partner_account_cli.errors import CommandError
from partner_account_cli.options import NAME, aws_options, catalog_option, email_option, output_option

NOT_THERE = {"ResourceNotFoundException", "ParameterNotFound"}
"""The codes of the error that there is no such store, or nothing in it yet."""


class StoreContent(StrEnum):
    """What a store, or the field of a secret, holds."""

    NOTHING = "nothing"
    CODE = "six digits"
    OBJECT = "a JSON object"
    NO_OBJECT = "no JSON object"
    """Though a field of one is to be read."""
    OTHER = "something that is no code"


@dataclass(frozen=True)
class NamedStore:
    """A secret by its name or ARN, maybe with the field that holds the code, or a parameter: as the options name it."""

    secret_id: str | None
    json_field: str | None
    parameter: str | None

    def __str__(self) -> str:
        """The store by its name."""
        if self.parameter:
            return f"the parameter {self.parameter}"
        return f"the secret {self.secret_id}" + (f" (field {self.json_field})" if self.json_field else "")

    @property
    def options(self) -> str:
        """The options that name the store, as a shell takes them."""
        named = {"--parameter": self.parameter, "--secret-id": self.secret_id, "--json-field": self.json_field}
        return " ".join(f"{option} {shlex.quote(value)}" for option, value in named.items() if value)

    @property
    def is_arn(self) -> bool:
        """Whether the secret is named by its ARN, by which none can be created."""
        return (self.secret_id or "").startswith("arn:")

    def instead_of(self, content: StoreContent) -> str:
        """What to do if the store holds something else than a code, without harm to what it holds."""
        if content is StoreContent.NO_OBJECT:
            return "Leave --json-field out, or name another secret"
        if content is StoreContent.OBJECT and not self.json_field:
            return "Name the field of the code by --json-field"
        return f"Name another {'field' if self.json_field else 'store'}"


@dataclass(frozen=True)
class StoredCode:
    """What a store holds, since when, and what speaks against it though the code can be read from it."""

    content: StoreContent
    since: datetime
    caution: str


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name the store of the code; the command gets it as `store`, None if they name none."""

    @click.option("--secret-id", type=NAME, metavar="NAME|ARN", help="A secret of Secrets Manager.")
    @click.option("--json-field", type=NAME, metavar="FIELD", help="The field of the secret, if it is a JSON object.")
    @click.option("--parameter", type=NAME, metavar="NAME", help="A SecureString of the SSM Parameter Store.")
    @wraps(command)
    def with_store(
        *arguments: Any, secret_id: str | None, json_field: str | None, parameter: str | None, **others: Any
    ) -> Any:
        if secret_id and parameter:
            raise click.UsageError("Name one store: --secret-id or --parameter.")
        if json_field and not secret_id:
            raise click.UsageError("--json-field belongs to --secret-id.")
        store = NamedStore(secret_id, json_field, parameter) if secret_id or parameter else None
        return command(*arguments, store=store, **others)

    return with_store


@click.command()
@catalog_option
@email_option("The alliance lead contact's address.", required=True)
@output_option
@aws_options("Partner Central")
def send_code(access: Access, *, catalog: str, email: str, output: str) -> None:
    """Have a verification code sent by e-mail.

    Five a day are sent to one address. How long a code lives is not documented: store it, and deploy, within minutes.
    """
    with rendering.working("Asking Partner Central for a code"):
        access.partner_central().send_email_verification_code(Catalog=catalog, Email=email)
    if output == "json":
        rendering.document({"Catalog": catalog, "Email": email, "IsSent": catalog != "Sandbox"})
    elif catalog == "Sandbox":
        rendering.say("Accepted. The Sandbox sends no e-mail: any six digits will do as its code.")
    else:
        rendering.say(f"A code of six digits is on its way to {email}. Five a day are sent to one address.")
        rendering.say("Store it by `partner-account store-code`, and deploy within minutes.")


# Extra arguments are allowed to get here, since click's own refusal would repeat the code.
@click.command(context_settings={"allow_extra_args": True})
@store_options
@click.option("--create", is_flag=True, help="Create the secret or the parameter if it is not there.")
@click.option("--overwrite", is_flag=True, help="Replace what is there, even if it is no code, or may not be read.")
@output_option
@aws_options("the store")
def store_code(access: Access, *, store: NamedStore | None, create: bool, overwrite: bool, output: str) -> None:
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
    code = _read_code()
    access.conceal(code)
    caution = ""
    with rendering.working("Storing the code"):
        client = access.client("ssm" if store.parameter else "secretsmanager", endpoint_url=access.endpoint_url)
        if store.parameter:
            written = {
                "ParameterName": store.parameter,
                "Version": _write_parameter(client, store, code, create=create, overwrite=overwrite),
            }
        else:
            secret = _write_secret(client, access, store, code, create=create, overwrite=overwrite)
            caution = caution_of_name(secret["Name"])
            written = {"SecretArn": secret["ARN"], "VersionId": secret["VersionId"]}
    if output == "json":
        rendering.document(written)
    else:
        rendering.say(
            f"Stored in {store}. Deploy within minutes: how long a code lives is not documented, and five a day are "
            "sent to one address."
        )
    if caution:
        rendering.note(caution)


def _read_code() -> str:
    def six_digits(text: str) -> str:
        if content_of(text) is not StoreContent.CODE:
            raise click.UsageError("A code is six digits.")
        return text.strip()

    if sys.stdin.isatty():
        return str(click.prompt("Verification code (six digits)", hide_input=True, value_proc=six_digits))
    # As bytes: a terminal's encoding, or a byte order mark of Windows, is no reason to refuse six digits.
    piped = sys.stdin.buffer.readline().decode("utf-8-sig", "replace")
    if content_of(piped) is not StoreContent.CODE:
        raise CommandError("standard input is not six digits", "Pipe the code from the e-mail, and nothing else.")
    return piped.strip()


def _write_secret(
    client: Any, access: Access, store: NamedStore, code: str, *, create: bool, overwrite: bool
) -> Mapping[str, Any]:
    """Store the code; Secrets Manager's answer, which has the name of a secret that is named by its ARN.

    The other fields of a JSON object are kept even if it is to be overwritten.
    """
    before: dict[str, Any] = {}
    if store.json_field or not overwrite:
        with suppress(client.exceptions.ResourceNotFoundException):  # or there is nothing in it yet
            before = client.get_secret_value(SecretId=store.secret_id)
    if before and not overwrite:
        _require_replaceable(store, _content_of_secret(before, store.json_field))
    text = code
    if store.json_field:
        former = before.get("SecretString", "")
        kept = _fields(former) or {}
        if kept and _exactly(former) != _exactly(json.dumps(kept)):
            happened = f"{store} has a number or a repeated field that would change if it were written again"
            raise CommandError(happened, "Store the code in a secret of its own.")
        text = json.dumps({**kept, store.json_field: code})
        access.conceal(text)
    try:
        written: Mapping[str, Any] = client.put_secret_value(SecretId=store.secret_id, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        if not create:
            raise _missing(store) from None
        written = client.create_secret(Name=store.secret_id, SecretString=text)
    return written


def _exactly(text: str) -> Any:
    """A JSON text with its numbers as they are written, and with fields that occur twice."""
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=list)


def _write_parameter(client: Any, store: NamedStore, code: str, *, create: bool, overwrite: bool) -> int:
    """Store the code; the parameter's version."""
    name = {"Key": "Name", "Option": "Equals", "Values": [store.parameter]}
    # A page may be empty, and the next one not.
    pages = client.get_paginator("describe_parameters").paginate(ParameterFilters=[name])
    before = next((found for page in pages for found in page["Parameters"]), None)
    written = {"Name": store.parameter, "Value": code, "Type": "SecureString"}
    if before is None:
        if not create:
            raise _missing(store)
        return int(client.put_parameter(**written)["Version"])
    if before["Type"] != "SecureString":
        raise CommandError(
            f"{store} is a {before['Type']}, whose value isn't encrypted",
            "Name a SecureString, or a new name and --create.",
        )
    if not overwrite:
        found = client.get_parameter(Name=store.parameter, WithDecryption=True)["Parameter"]
        _require_replaceable(store, content_of(found["Value"]))
    # It loses what isn't said again: without its key it goes back to the AWS-managed one.
    kept = {name: before[name] for name in ("AllowedPattern", "Description", "KeyId", "Tier") if before.get(name)}
    return int(client.put_parameter(**written, **kept, Overwrite=True)["Version"])


def _require_replaceable(store: NamedStore, content: StoreContent) -> None:
    if content not in {StoreContent.CODE, StoreContent.NOTHING}:
        raise CommandError(
            f"{store} holds {content}", f"{store.instead_of(content)}; --overwrite replaces what is there."
        )


def _missing(store: NamedStore) -> CommandError:
    remedy = "Correct its ARN." if store.is_arn else "Correct its name or the --region, or add --create."
    return CommandError(f"{store} is not there", remedy)


def read_store(access: Access, store: NamedStore) -> StoredCode:
    """Look at what is stored.

    Raises:
        ClientError: it is not there, or can't be read.
    """
    if store.parameter:
        found = access.client("ssm").get_parameter(Name=store.parameter, WithDecryption=True)["Parameter"]
        caution = "" if found["Type"] == "SecureString" else f"It is a {found['Type']}, whose value isn't encrypted."
        return StoredCode(content_of(found["Value"]), found["LastModifiedDate"], caution)
    found = access.client("secretsmanager").get_secret_value(SecretId=store.secret_id)
    return StoredCode(_content_of_secret(found, store.json_field), found["CreatedDate"], caution_of_name(found["Name"]))


def _content_of_secret(found: Mapping[str, Any], json_field: str | None) -> StoreContent:
    if "SecretBinary" in found:
        return StoreContent.OTHER
    text = found.get("SecretString", "")
    fields, content = _fields(text), content_of(text)
    if fields is None:
        return StoreContent.NO_OBJECT if json_field and content is not StoreContent.NOTHING else content
    if json_field is None:
        return StoreContent.OBJECT
    value = fields.get(json_field)
    # The function reads a number as it reads a text.
    return StoreContent.NOTHING if value is None else content_of(str(value))


def _fields(text: str) -> dict[str, Any] | None:
    """The fields of a JSON object; None if the text is none."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def content_of(text: str) -> StoreContent:
    """What a text is; a code may have blanks around it."""
    if not text.strip():
        return StoreContent.NOTHING
    return StoreContent.CODE if re.fullmatch(r"[0-9]{6}", text.strip()) else StoreContent.OTHER


def caution_of_name(secret_name: str) -> str:
    """What speaks against the name of a secret; empty if nothing does."""
    # Secrets Manager appends a hyphen and six characters to a secret's name to make its ARN.
    if not re.search(r"-[A-Za-z0-9]{6}$", secret_name):
        return ""
    return (
        f"The name {secret_name} ends in a hyphen and six characters, which Secrets Manager may take for the end of an "
        "ARN: give the stack the secret's full ARN, or use another name."
    )
