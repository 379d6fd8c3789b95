"""docs/permissions.md, made of the code that grants: `python -m tests.permission_table > docs/permissions.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import SimpleNamespace

from aws_cdk import Aws
from aws_cdk.aws_kms import IKey

from partner_account import Catalog, permissions
from partner_account.permissions import Permission

HEAD = """\
# Permissions

Made of the code that grants them: `python -m tests.permission_table > docs/permissions.md`. A test fails if this page
says anything else. `<Catalog>` is the catalog of the partner, `<Account>` the account that the stack is deployed to.
The same reasons are told to cdk-nag for each `*`.

## What the function may do

The role belongs to the stack's `PartnerAccountProvider`. It may write its own log; the rest is granted by a policy
beside each partner.
"""

GRANTS = """\
## What you may grant

To a role, a function or a user of yours, on one partner.
"""

NOTES = {
    "CreatePartner": "Not granted with `ExistingPartner.adopt`.",
    "ReadTags": "Not granted in the Sandbox.",
    "UpdateTags": "Not granted in the Sandbox.",
    "TagAtCreation": "Not granted in the Sandbox, nor with `ExistingPartner.adopt`.",
    "ReadCodeFromSecret": "Granted with `VerificationCode.from_secrets_manager`.",
    "ReadCodeFromParameterStore": "Granted with `VerificationCode.from_ssm_parameter`.",
    "DecryptCode": "Granted if that store has a key of your own.",
}
PLACEHOLDERS = {
    Aws.PARTITION: "<Partition>",
    Aws.ACCOUNT_ID: "<Account>",
    Aws.REGION: "<Region>",
    Aws.STACK_ID: "<the own stack>",
    "catalog/AWS": "catalog/<Catalog>",
}


def granted() -> list[Permission]:
    """Every permission that the function can have, each in its fullest form."""
    key: IKey = SimpleNamespace(key_arn="<the key>")  # all that is asked of it
    return [
        *permissions.of_partner(Catalog.AWS, may_create=True),
        permissions.read_secret("<the secret>"),
        permissions.read_parameter("<the parameter>"),
        *permissions.decrypt(key, "<its service>"),
        permissions.write_log("<the own log group>:*"),
    ]


def grants() -> Iterator[tuple[str, Permission]]:
    """The statements of the partner's grants, with the method that makes them."""
    for method, made in (
        ("grant_read", permissions.to_read("<the partner>")),
        ("grant_manage_contact", permissions.to_manage_contact("<the partner>", "<Catalog>")),
        ("grant_manage_tags", permissions.to_manage_tags("<the partner>")),
    ):
        yield from ((method, permission) for permission in made)


def page() -> str:
    """The whole page."""
    return f"{HEAD}\n{function_table()}\n\n{GRANTS}\n{grant_table()}"


def function_table() -> str:
    """What the function may do."""
    rows = [
        [f"`{found.sid}`", *_statement(found), f"{found.reason} {NOTES.get(found.sid, '')}".strip()]
        for found in granted()
    ]
    return _table(["Sid", "actions", "resource", "why"], rows)


def grant_table() -> str:
    """What users may grant."""
    rows = [[f"`{method}`", *_statement(found)] for method, found in grants()]
    rows.append(["`grant`", "those you name, of `partnercentral:`", "`<the partner>`"])
    return _table(["method", "actions", "resource"], rows) + "\n"


def _statement(permission: Permission) -> list[str]:
    actions = ", ".join(f"`{action}`" for action in permission.actions)
    return [actions, f"`{_readable(permission.resource)}`{_condition(permission.conditions)}"]


def _condition(conditions: Mapping[str, Mapping[str, str]]) -> str:
    told = [
        f", if `{operator}` `{key}`: `{'<Catalog>' if key == 'partnercentral:Catalog' else _readable(value)}`"
        for operator, pairs in conditions.items()
        for key, value in pairs.items()
    ]
    return "".join(told)


def _readable(text: str) -> str:
    for token, placeholder in PLACEHOLDERS.items():
        text = text.replace(token, placeholder)
    return text


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
