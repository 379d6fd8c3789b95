"""Where the verification code is kept: a secret of Secrets Manager, or a SecureString of the Parameter Store.

What such a store holds is `store_content`'s business, and writing into it `store_write`'s.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

_LIKE_THE_END_OF_AN_ARN = re.compile(r"-[A-Za-z0-9]{6}$")
"""Secrets Manager appends a hyphen and six characters to a secret's name to make its ARN."""


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


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name the store of the code; the command gets it as `store`, None if they name none."""

    @wraps(command)
    def with_store(
        *arguments: Any, secret_id: str | None, json_field: str | None, parameter: str | None, **others: Any
    ) -> Any:
        return command(*arguments, store=_chosen(secret_id, json_field, parameter), **others)

    decorated: Callable[..., Any] = with_store
    for option in (
        click.option("--parameter", metavar="NAME", help="A SecureString of the SSM Parameter Store."),
        click.option("--json-field", metavar="FIELD", help="The field of the secret, if it is a JSON object."),
        click.option("--secret-id", metavar="NAME|ARN", help="A secret of Secrets Manager."),
    ):
        decorated = option(decorated)
    return decorated


def _chosen(secret_id: str | None, json_field: str | None, parameter: str | None) -> CodeStore | None:
    if secret_id and parameter:
        raise click.UsageError("Name one store: --secret-id or --parameter.")
    if json_field and not secret_id:
        raise click.UsageError("--json-field belongs to --secret-id.")
    return CodeStore(secret_id, json_field, parameter) if secret_id or parameter else None


def is_code(text: str) -> bool:
    """Whether a text is a verification code: six digits."""
    return re.fullmatch(r"[0-9]{6}", text) is not None


def caution_of_name(secret_name: str) -> str:
    """What speaks against the name of a secret; empty if nothing does."""
    if not _LIKE_THE_END_OF_AN_ARN.search(secret_name):
        return ""
    return (
        f"The name {secret_name} ends in a hyphen and six characters, which Secrets Manager may take for the end of an "
        "ARN: give the stack the secret's full ARN, or use another name."
    )
