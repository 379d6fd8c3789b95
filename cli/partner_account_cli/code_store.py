"""Where the verification code is kept: a secret of Secrets Manager, or a SecureString of the Parameter Store."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

import click
from botocore.exceptions import ClientError

from partner_account_cli.errors import CommandError

_NOT_THERE = {"ResourceNotFoundException", "ParameterNotFound"}


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
        """The options that name the store."""
        if self.parameter:
            return f"--parameter {self.parameter}"
        return f"--secret-id {self.secret_id}" + (f" --json-field {self.json_field}" if self.json_field else "")


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


def write(client: Callable[[str], Any], store: CodeStore, code: str, *, create: bool) -> None:
    """Store the code; what is not there yet is made if `create` says so.

    Raises:
        CommandError: the store isn't there, or isn't fit for a code.
    """
    if store.parameter:
        _write_parameter(client("ssm"), store, code, create=create)
    else:
        _write_secret(client("secretsmanager"), store, code, create=create)


def _write_secret(client: Any, store: CodeStore, code: str, *, create: bool) -> None:
    try:
        text = _with_field(client, store, code) if store.json_field else code
        client.put_secret_value(SecretId=store.secret_id, SecretString=text)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_THERE:
            raise
        if not create:
            raise _missing(store) from None
        text = json.dumps({store.json_field: code}) if store.json_field else code
        client.create_secret(Name=store.secret_id, SecretString=text)


def _with_field(client: Any, store: CodeStore, code: str) -> str:
    """The secret as it is, with the code in its field."""
    content = _fields(client.get_secret_value(SecretId=store.secret_id).get("SecretString", ""))
    if content is None:
        raise CommandError(f"{store} is no JSON object", "Leave --json-field out, or name another secret.")
    return json.dumps({**content, store.json_field: code})


def _write_parameter(client: Any, store: CodeStore, code: str, *, create: bool) -> None:
    name = {"Key": "Name", "Option": "Equals", "Values": [store.parameter]}
    described = client.describe_parameters(ParameterFilters=[name])["Parameters"]
    if not described and not create:
        raise _missing(store)
    kind = described[0]["Type"] if described else "SecureString"
    if kind != "SecureString":
        raise CommandError(
            f"{store} is a {kind}, whose value lies open", "Name a SecureString, or let --create make one."
        )
    # Without its key, an overwritten parameter would go back to the AWS-managed one.
    key = {"KeyId": described[0]["KeyId"]} if described and "KeyId" in described[0] else {}
    client.put_parameter(Name=store.parameter, Value=code, Type="SecureString", Overwrite=bool(described), **key)


def _missing(store: CodeStore) -> CommandError:
    return CommandError(f"{store} is not there", "Correct its name or the --region, or add --create.")


def read(client: Callable[[str], Any], store: CodeStore) -> tuple[str, datetime]:
    """What is stored, and since when.

    Raises:
        CommandError: the secret has no such field.
        ClientError: it is not there, or can't be read.
    """
    if store.parameter:
        found = client("ssm").get_parameter(Name=store.parameter, WithDecryption=True)["Parameter"]
        return found["Value"].strip(), found["LastModifiedDate"]
    found = client("secretsmanager").get_secret_value(SecretId=store.secret_id)
    text = found.get("SecretString", "")
    if store.json_field:
        text = (_fields(text) or {}).get(store.json_field, "")
    return str(text).strip(), found["CreatedDate"]


def _fields(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
