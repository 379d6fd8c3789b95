"""Where the verification code is kept: a secret of Secrets Manager, or a SecureString of the Parameter Store.

It tells what kind of value a store holds; the value itself leaves this module only by `fields`.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import wraps
from typing import Any

import click

NOT_THERE = {"ResourceNotFoundException", "ParameterNotFound"}
"""The codes of the error that there is no such store, or nothing in it yet."""


class Content(StrEnum):
    """What a store, or the field of a secret, holds."""

    NOTHING = "nothing"
    CODE = "six digits"
    OBJECT = "a JSON object"
    NO_OBJECT = "no JSON object"
    """Though a field of one is to be read."""
    OTHER = "something that is no code"


@dataclass(frozen=True)
class CodeStore:
    """Which store, as the options name it.

    Attributes:
        secret_id: name or ARN of a secret.
        json_field: the field that holds the code, if the secret is a JSON object.
        parameter: name of a parameter.
    """

    secret_id: str | None
    json_field: str | None
    parameter: str | None

    def __str__(self) -> str:
        """The store by its name."""
        if self.parameter:
            return f"the parameter {self.parameter}"
        return f"the secret {self.secret_id}" + (f" (field {self.json_field})" if self.json_field else "")

    @property
    def option(self) -> str:
        """The options that name the store, as a shell takes them."""
        named = {"--parameter": self.parameter, "--secret-id": self.secret_id, "--json-field": self.json_field}
        return " ".join(f"{option} {shlex.quote(value)}" for option, value in named.items() if value)

    @property
    def is_arn(self) -> bool:
        """Whether the secret is named by its ARN, by which none can be created."""
        return (self.secret_id or "").startswith("arn:")

    @property
    def caution(self) -> str:
        """What speaks against the secret's name as the options give it; an ARN doesn't tell where its name ends."""
        return "" if self.is_arn else caution_of_name(self.secret_id or "")

    def instead_of(self, content: Content) -> str:
        """What to do if the store holds something else than a code, without harm to what it holds."""
        if content is Content.NO_OBJECT:
            return "Leave --json-field out, or name another secret"
        if content is Content.OBJECT and not self.json_field:
            return "Name the field of the code by --json-field"
        return f"Name another {'field' if self.json_field else 'store'}"


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name the store of the code; the command gets it as `store`, None if they name none."""

    @wraps(command)
    def with_store(
        *arguments: Any, secret_id: str | None, json_field: str | None, parameter: str | None, **others: Any
    ) -> Any:
        if secret_id and parameter:
            raise click.UsageError("Name one store: --secret-id or --parameter.")
        if json_field and not secret_id:
            raise click.UsageError("--json-field belongs to --secret-id.")
        store = CodeStore(secret_id, json_field, parameter) if secret_id or parameter else None
        return command(*arguments, store=store, **others)

    decorated: Callable[..., Any] = with_store
    for option in (
        click.option("--parameter", metavar="NAME", help="A SecureString of the SSM Parameter Store."),
        click.option("--json-field", metavar="FIELD", help="The field of the secret, if it is a JSON object."),
        click.option("--secret-id", metavar="NAME|ARN", help="A secret of Secrets Manager."),
    ):
        decorated = option(decorated)
    return decorated


@dataclass(frozen=True)
class Stored:
    """What `doctor` tells of a store.

    Attributes:
        content: its kind.
        since: when it was stored.
        caution: what speaks against this store, though the code can be read from it; empty if nothing does.
    """

    content: Content
    since: datetime
    caution: str


def read(client: Callable[[str], Any], store: CodeStore) -> Stored:
    """Look at what is stored.

    Raises:
        ClientError: it is not there, or can't be read.
    """
    if store.parameter:
        found = client("ssm").get_parameter(Name=store.parameter, WithDecryption=True)["Parameter"]
        caution = "" if found["Type"] == "SecureString" else f"It is a {found['Type']}, whose value isn't encrypted."
        return Stored(content_of(found["Value"]), found["LastModifiedDate"], caution)
    found = client("secretsmanager").get_secret_value(SecretId=store.secret_id)
    return Stored(content_of_secret(found, store.json_field), found["CreatedDate"], caution_of_name(found["Name"]))


def content_of_secret(found: Mapping[str, Any], json_field: str | None) -> Content:
    """What a secret holds, or its field, if it is a JSON object."""
    text = found.get("SecretString", "")
    content = fields(text)
    if "SecretBinary" in found:
        return Content.OTHER
    if content is None:
        is_wrong = json_field and content_of(text) is not Content.NOTHING
        return Content.NO_OBJECT if is_wrong else content_of(text)
    if json_field is None:
        return Content.OBJECT
    value = content.get(json_field)
    # The function reads a number as it reads a text.
    return Content.NOTHING if value is None else content_of(str(value))


def content_of(text: str) -> Content:
    """What a text is."""
    if not text.strip():
        return Content.NOTHING
    return Content.CODE if is_code(text.strip()) else Content.OTHER


def is_code(text: str) -> bool:
    """Whether a text is a verification code: six digits."""
    return re.fullmatch(r"[0-9]{6}", text) is not None


def fields(text: str) -> dict[str, Any] | None:
    """The fields of a JSON object; None if the text is none."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def caution_of_name(secret_name: str) -> str:
    """What speaks against the name of a secret; empty if nothing does."""
    # Secrets Manager appends a hyphen and six characters to a secret's name to make its ARN.
    if not re.search(r"-[A-Za-z0-9]{6}$", secret_name):
        return ""
    return (
        f"The name {secret_name} ends in a hyphen and six characters, which Secrets Manager may take for the end of an "
        "ARN: give the stack the secret's full ARN, or use another name."
    )
