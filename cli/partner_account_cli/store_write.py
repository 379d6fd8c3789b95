"""Puts the verification code into its store, and loses nothing else that is there."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError

from partner_account_cli import store_content
from partner_account_cli.aws import Access
from partner_account_cli.code_store import CodeStore, caution_of_name
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import explain, is_denied
from partner_account_cli.store_content import Content

_KEPT = ("AllowedPattern", "Description", "KeyId", "Tier")
"""What an overwritten parameter loses if it isn't said again: without its key it goes back to the AWS-managed one."""


def write(access: Access, store: CodeStore, code: str, *, create: bool, overwrite: bool) -> str:
    """Store the code; what speaks against the store, or nothing.

    What is not there yet is made if `create` says so. What is neither empty nor a code is overwritten if `overwrite`
    says so; the other fields of a JSON object are kept in any case.

    Raises:
        CommandError: the store isn't there, holds something else, or isn't fit for a code.
    """
    access.conceal(code)
    if store.parameter:
        _write_parameter(access.own_client("ssm"), store, code, create=create, overwrite=overwrite)
        return ""
    return caution_of_name(_write_secret(access, store, code, create=create, overwrite=overwrite))


def _write_secret(access: Access, store: CodeStore, code: str, *, create: bool, overwrite: bool) -> str:
    """The name of the secret, which the store may know by its ARN only."""
    client = access.own_client("secretsmanager")
    looks = bool(store.json_field) or not overwrite
    before = _secret(client, store) if looks else None
    if before and not overwrite:
        _require_replaceable(store, store_content.of_secret(before, store.json_field))
    text = code
    if store.json_field:
        former = (before or {}).get("SecretString", "")
        kept = store_content.fields(former) or {}
        if kept and not store_content.is_kept(former):
            happened = f"{store} has a number or a repeated field that would change if it were written again"
            raise CommandError(happened, "Store the code in a secret of its own.")
        for other in _texts(kept):
            access.conceal(other)
        text = json.dumps({**kept, store.json_field: code})
    try:
        written = client.put_secret_value(SecretId=store.secret_id, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        if not create:
            raise _missing(store) from None
        written = client.create_secret(Name=store.secret_id, SecretString=text)
    else:
        if looks:
            _require_no_other_writer(client, store, before)
    return str(written["Name"])


def _secret(client: Any, store: CodeStore) -> Mapping[str, Any] | None:
    """The secret's value; None if there is no such secret, or nothing in it yet."""
    with _readable(store):
        try:
            found: Mapping[str, Any] = client.get_secret_value(SecretId=store.secret_id)
        except client.exceptions.ResourceNotFoundException:
            return None
    return found


def _require_replaceable(store: CodeStore, content: Content) -> None:
    if content not in {Content.CODE, Content.NOTHING}:
        raise CommandError(
            f"{store} holds {content}",
            f"{store_content.elsewhere(store, content)}; --overwrite replaces what is there.",
        )


def _texts(value: Any) -> Iterator[str]:
    """All texts within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _require_no_other_writer(client: Any, store: CodeStore, before: Mapping[str, Any] | None) -> None:
    """Secrets Manager has no write on condition; but it keeps the version that was replaced, which tells afterwards."""
    with suppress(ClientError):  # none was replaced, or it may not be read
        replaced = client.get_secret_value(SecretId=store.secret_id, VersionStage="AWSPREVIOUS")
        if replaced["VersionId"] != (before or {}).get("VersionId"):
            raise CommandError(
                f"{store} was changed by somebody else at the same moment",
                "Compare its versions AWSCURRENT and AWSPREVIOUS: one of them may hold what must not be lost.",
            )


def _write_parameter(client: Any, store: CodeStore, code: str, *, create: bool, overwrite: bool) -> None:
    described = _described(client, store)
    if described is None:
        if not create:
            raise _missing(store)
        client.put_parameter(Name=store.parameter, Value=code, Type="SecureString")
        return
    if described["Type"] != "SecureString":
        raise CommandError(
            f"{store} is a {described['Type']}, whose value isn't encrypted",
            "Name a SecureString, or a new name and --create.",
        )
    if not overwrite:
        with _readable(store):
            found = client.get_parameter(Name=store.parameter, WithDecryption=True)["Parameter"]
        _require_replaceable(store, store_content.of_text(found["Value"]))
    kept = {name: described[name] for name in _KEPT if described.get(name)}
    written = client.put_parameter(Name=store.parameter, Value=code, Type="SecureString", Overwrite=True, **kept)
    if not overwrite and written["Version"] != found["Version"] + 1:
        raise CommandError(
            f"{store} was changed by somebody else at the same moment",
            "See its history (aws ssm get-parameter-history): a version in it may hold what must not be lost.",
        )


def _described(client: Any, store: CodeStore) -> Mapping[str, Any] | None:
    name = {"Key": "Name", "Option": "Equals", "Values": [store.parameter]}
    # A page may be empty, and the next one not.
    pages = client.get_paginator("describe_parameters").paginate(ParameterFilters=[name])
    return next((found for page in pages for found in page["Parameters"]), None)


@contextmanager
def _readable(store: CodeStore) -> Iterator[None]:
    """Say what not being allowed to read means for who wants to write."""
    try:
        yield
    except ClientError as error:
        if not (is_denied(error) or error.response["Error"]["Code"] == "DecryptionFailure"):
            raise
        problem = explain(error)
        otherwise = "" if store.json_field else ", or replace what is there, whatever it is, by --overwrite"
        raise CommandError(
            f"whether {store} holds a code or something else can't be read: {problem}",
            f"{problem.remedy.rstrip('.')}{otherwise}.",
        ) from None


def _missing(store: CodeStore) -> CommandError:
    remedy = "Correct its ARN." if store.is_arn else "Correct its name or the --region, or add --create."
    return CommandError(f"{store} is not there", remedy)
