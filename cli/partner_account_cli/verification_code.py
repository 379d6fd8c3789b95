"""`partner-account send-code` and `store-code`: the code of an e-mail, from AWS to where the stack reads it.

It never appears on the screen or in the history, and no other stored value is lost. `doctor` learns what kind of value
a store holds, never the value.
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
"""The error codes for a store that doesn't exist, or is still empty."""


class StoreContent(StrEnum):
    """What a store, or the field of a secret, holds."""

    NOTHING = "nothing"
    CODE = "six digits"
    OBJECT = "a JSON object"
    NO_OBJECT = "no JSON object"
    """Though a field is to be read."""
    OTHER = "something other than a code"


@dataclass(frozen=True)
class NamedStore:
    """The store in the options: a secret by its name or ARN, possibly with the code's field, or a parameter."""

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
        """The options that specify the store, quoted for a shell."""
        named = {"--parameter": self.parameter, "--secret-id": self.secret_id, "--json-field": self.json_field}
        return " ".join(f"{option} {shlex.quote(value)}" for option, value in named.items() if value)

    @property
    def is_arn(self) -> bool:
        """Whether the secret is given by its ARN, which can't create one."""
        return (self.secret_id or "").startswith("arn:")

    def instead_of(self, content: StoreContent) -> str:
        """What to do if the store holds something other than a code, without losing what it holds."""
        if content is StoreContent.NO_OBJECT:
            return "Omit --json-field, or use another secret"
        if content is StoreContent.OBJECT and not self.json_field:
            return "Specify the code's field with --json-field"
        return f"Use another {'field' if self.json_field else 'store'}"


@dataclass(frozen=True)
class StoredCode:
    """What a store holds, since when, and a caution, if any, although the code can be read."""

    content: StoreContent
    since: datetime
    caution: str


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for the code's store; the command gets it as `store`, None if there are none."""

    @click.option("--secret-id", type=NAME, metavar="NAME|ARN", help="A secret of Secrets Manager.")
    @click.option("--json-field", type=NAME, metavar="FIELD", help="The field of the secret, if it is a JSON object.")
    @click.option("--parameter", type=NAME, metavar="NAME", help="A SecureString of the SSM Parameter Store.")
    @wraps(command)
    def with_store(
        *arguments: Any, secret_id: str | None, json_field: str | None, parameter: str | None, **others: Any
    ) -> Any:
        if secret_id and parameter:
            raise click.UsageError("Specify one store: --secret-id or --parameter.")
        if json_field and not secret_id:
            raise click.UsageError("--json-field requires --secret-id.")
        store = NamedStore(secret_id, json_field, parameter) if secret_id or parameter else None
        return command(*arguments, store=store, **others)

    return with_store


@click.command()
@catalog_option
@email_option("The alliance lead contact's address.", required=True)
@output_option
@aws_options("Partner Central")
def send_code(access: Access, *, catalog: str, email: str, output: str) -> None:
    """Request a verification code by e-mail.

    At most five a day are sent to an address. How long one is valid is undocumented: store it, deploy within minutes.
    """
    with rendering.working("Requesting a code from Partner Central"):
        access.partner_central().send_email_verification_code(Catalog=catalog, Email=email)
    if output == "json":
        rendering.document({"Catalog": catalog, "Email": email, "IsSent": catalog != "Sandbox"})
    elif catalog == "Sandbox":
        rendering.say("Accepted. The Sandbox sends no e-mail, and accepts any six digits as a code.")
    else:
        rendering.say(f"A six-digit code is on its way to {email}. At most five a day are sent to an address.")
        rendering.say("Store it with `partner-account store-code`, and deploy within minutes.")


# Extra arguments are allowed, since click's own error message would repeat the code.
@click.command(context_settings={"allow_extra_args": True})
@store_options
@click.option("--create", is_flag=True, help="Create the secret or parameter if it doesn't exist.")
@click.option("--overwrite", is_flag=True, help="Replace the stored value, even if it is not a code or can't be read.")
@output_option
@aws_options("the store")
def store_code(access: Access, *, store: NamedStore | None, create: bool, overwrite: bool, output: str) -> None:
    """Store the verification code where the stack reads it.

    The command prompts for the code without echo; in a pipeline, it reads the first line of standard input. It can't be
    an argument, which the shell's history and the process list would show. An existing value must be a code, or empty.
    """
    if click.get_current_context().args:
        raise click.UsageError("The code can't be an argument: type it when prompted, or pipe it in.")
    if store is None:
        raise click.UsageError("Specify the store: --secret-id or --parameter.")
    if create and store.is_arn:
        raise click.UsageError("--create requires a name: a secret can't be created by ARN.")
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
            f"Stored in {store}. Deploy within minutes: how long a code is valid is undocumented, and at most five a "
            "day are sent to an address."
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
    # As bytes: a terminal's encoding, or a byte order mark of Windows, must not invalidate six digits.
    piped = sys.stdin.buffer.readline().decode("utf-8-sig", "replace")
    if content_of(piped) is not StoreContent.CODE:
        raise CommandError("standard input is not six digits", "Pipe the code from the e-mail, and nothing else.")
    return piped.strip()


def _write_secret(
    client: Any, access: Access, store: NamedStore, code: str, *, create: bool, overwrite: bool
) -> Mapping[str, Any]:
    """Store the code, and return Secrets Manager's response, which has the name of a secret given by its ARN.

    The other fields of a JSON object are kept even with `overwrite`.
    """
    before: dict[str, Any] = {}
    if store.json_field or not overwrite:
        with suppress(client.exceptions.ResourceNotFoundException):  # or the secret is still empty
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
    """Parse JSON with numbers as they are written, and with repeated fields."""
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=list)


def _write_parameter(client: Any, store: NamedStore, code: str, *, create: bool, overwrite: bool) -> int:
    """Store the code, and return the parameter's version."""
    name = {"Key": "Name", "Option": "Equals", "Values": [store.parameter]}
    # A page may be empty although the next one is not.
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
            "Use a SecureString, or a new name with --create.",
        )
    if not overwrite:
        found = client.get_parameter(Name=store.parameter, WithDecryption=True)["Parameter"]
        _require_replaceable(store, content_of(found["Value"]))
    # Omitted settings are lost: without its key, the parameter reverts to the AWS managed key.
    kept = {name: before[name] for name in ("AllowedPattern", "Description", "KeyId", "Tier") if before.get(name)}
    return int(client.put_parameter(**written, **kept, Overwrite=True)["Version"])


def _require_replaceable(store: NamedStore, content: StoreContent) -> None:
    if content not in {StoreContent.CODE, StoreContent.NOTHING}:
        raise CommandError(f"{store} holds {content}", f"{store.instead_of(content)}; --overwrite replaces the value.")


def _missing(store: NamedStore) -> CommandError:
    remedy = "Correct its ARN." if store.is_arn else "Correct its name or the --region, or add --create."
    return CommandError(f"{store} doesn't exist", remedy)


def read_store(access: Access, store: NamedStore) -> StoredCode:
    """Read what is stored.

    Raises:
        ClientError: it doesn't exist, or can't be read.
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
    # The function reads a number as it reads a string.
    return StoreContent.NOTHING if value is None else content_of(str(value))


def _fields(text: str) -> dict[str, Any] | None:
    """The fields of a JSON object; None if the text is not one."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def content_of(text: str) -> StoreContent:
    """What a text is; a code may have whitespace around it."""
    if not text.strip():
        return StoreContent.NOTHING
    return StoreContent.CODE if re.fullmatch(r"[0-9]{6}", text.strip()) else StoreContent.OTHER


def caution_of_name(secret_name: str) -> str:
    """A caution about the name of a secret; empty if there is none."""
    # Secrets Manager appends a hyphen and six characters to a secret's name to make its ARN.
    if not re.search(r"-[A-Za-z0-9]{6}$", secret_name):
        return ""
    return (
        f"The name {secret_name} ends in a hyphen and six characters, which Secrets Manager may mistake for the end of "
        "an ARN: give the stack the secret's full ARN, or use another name."
    )
