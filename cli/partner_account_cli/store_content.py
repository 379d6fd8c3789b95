"""What a store of the verification code holds, told in kind: no value of it ever leaves this module but by `fields`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from partner_account_cli.code_store import CodeStore, caution_of_name, is_code

NOT_THERE = {"ResourceNotFoundException", "ParameterNotFound"}
"""The codes of the error that there is no such store, or nothing in it yet."""


class Content(StrEnum):
    """What a store, or the field of a secret, holds."""

    NOTHING = "nothing"
    CODE = "six digits"
    TEXT = "text that is no code"
    VALUE = "a JSON value that is no code"
    OBJECT = "a JSON object"
    NO_OBJECT = "no JSON object"
    """Though a field of one is to be read."""
    BINARY = "binary data"


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
        return Stored(of_text(found["Value"]), found["LastModifiedDate"], caution)
    found = client("secretsmanager").get_secret_value(SecretId=store.secret_id)
    return Stored(of_secret(found, store.json_field), found["CreatedDate"], caution_of_name(found["Name"]))


def of_secret(found: Mapping[str, Any], json_field: str | None) -> Content:
    """What a secret holds, or its field, if it is a JSON object."""
    if "SecretBinary" in found:
        return Content.BINARY
    text = found.get("SecretString", "")
    content = fields(text)
    if content is None:
        kind = of_text(text)
        return Content.NO_OBJECT if json_field and kind is not Content.NOTHING else kind
    return _of_field(content.get(json_field)) if json_field else Content.OBJECT


def of_text(text: str) -> Content:
    """What a text is."""
    if not text.strip():
        return Content.NOTHING
    return Content.CODE if is_code(text.strip()) else Content.TEXT


def elsewhere(store: CodeStore, content: Content) -> str:
    """What to do about a store that holds something else than a code, without harm to what it holds."""
    if content is Content.NO_OBJECT:
        return "Leave --json-field out, or name another secret"
    if content is Content.OBJECT and not store.json_field:
        return "Name the field of the code by --json-field"
    return f"Name another {'field' if store.json_field else 'store'}"


def fields(text: str) -> dict[str, Any] | None:
    """The fields of a JSON object; None if the text is none."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def is_kept(text: str) -> bool:
    """Whether a JSON object is the same when it is written again: not each number is, nor a field that occurs twice."""
    return bool(_exactly(text) == _exactly(json.dumps(json.loads(text))))


def _exactly(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=list)


def _of_field(value: Any) -> Content:
    match value:
        case None:
            return Content.NOTHING
        case str():
            return of_text(value)
        case dict():
            return Content.OBJECT
        case _:
            # The function reads a number as it reads a text.
            return Content.CODE if is_code(str(value)) else Content.VALUE
