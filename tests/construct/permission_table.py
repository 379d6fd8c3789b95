"""Makes it of the code that grants: `python -m tests.construct.permission_table > docs/permissions.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace

from aws_cdk import Aws
from aws_cdk.aws_kms import IKey

from partner_account import Catalog, permissions, provider_permissions
from partner_account.permissions import Permission

HEAD = """\
# Permissions

Made of the code that grants them: `python -m tests.construct.permission_table > docs/permissions.md`. A test fails if
this page says anything else. It shows a partner in catalog AWS; for one in the Sandbox `Sandbox` stands in place of
`AWS`. The same reasons are told to cdk-nag for each `*`. What stands in `<…>` is known at the deployment only.

## What the function may do

The role belongs to the stack's `PartnerAccountProvider`. It may write its own log; the rest is granted by a policy
that the partners of a stack share: one for each catalog, and another one for those that are adopted.
"""

GRANTS = """\
## What you may grant

To a role, a function or a user of yours, on one partner.
"""

NOTES = {
    "CreatePartner": "Not granted with `ExistingPartner.adopt`.",
    "UpdateTags": "In the Sandbox `TagResource` alone, for the ownership tag.",
    "TagAtCreation": "Not granted in the Sandbox, nor with `ExistingPartner.adopt`.",
    "ReadCodeFromSecret": "Granted with `VerificationCode.from_secrets_manager`.",
    "ReadCodeFromParameterStore": "Granted with `VerificationCode.from_ssm_parameter`.",
    "DecryptCodeFromSecret": "Granted if the secret has a key of your own.",
    "DecryptCodeFromParameterStore": "Granted if the parameter has a key of your own.",
    "LookForNetworkInterfaces": "Granted in a VPC.",
    "ConnectToVpc": "Granted in a VPC.",
}
PLACEHOLDERS = {
    Aws.PARTITION: "<Partition>",
    Aws.ACCOUNT_ID: "<Account>",
    Aws.REGION: "<Region>",
    Aws.STACK_ID: "<the own stack>",
}


def granted() -> list[Permission]:
    """Every permission that the function can have outside a VPC, each in its fullest form."""
    key: IKey = SimpleNamespace(key_arn="<the key>")  # all that is asked of it
    return [
        *permissions.of_partner(Catalog.AWS, may_create=True),
        permissions.read_secret("<the secret>"),
        permissions.read_parameter("<the parameter>"),
        permissions.decrypt_secret(key, "<Region of the secret>"),
        permissions.decrypt_parameter(key),
        provider_permissions.write_log("<the own log group>:*"),
    ]


def grants() -> Iterator[tuple[str, Permission]]:
    """The statements of the partner's grants, with the method that makes them."""
    for method, made in (
        ("grant_read", permissions.to_read("<the partner>")),
        ("grant_manage_contact", permissions.to_manage_contact("<the partner>", Catalog.AWS)),
        ("grant_manage_tags", permissions.to_manage_tags("<the partner>")),
    ):
        yield from ((method, permission) for permission in made)


def page() -> str:
    """The whole page."""
    all_granted = [*granted(), *provider_permissions.join_vpc()]
    function = [[f"`{found.sid}`", _actions(found), _why(found)] for found in all_granted]
    users = [[f"`{method}`", _actions(found)] for method, found in grants()]
    return "\n".join(
        [
            HEAD,
            _table(["Sid", "actions", "why"], function),
            "",
            _statements(all_granted),
            GRANTS,
            _table(["method", "actions"], [*users, ["`grant`", "those of `partnercentral:` that you name"]]),
            "",
            _statements([found for _, found in grants()]),
        ]
    )


def _actions(permission: Permission) -> str:
    """The service once, then its actions."""
    service = permission.actions[0].partition(":")[0]
    return f"{service}: " + ", ".join(f"`{action.removeprefix(f'{service}:')}`" for action in permission.actions)


def _why(permission: Permission) -> str:
    return f"{permission.reason} {NOTES.get(permission.sid, '')}".strip()


def _statements(made: Sequence[Permission]) -> str:
    """As IAM gets them, but for the values that are known at the deployment only."""
    # One by one, since grants have no Sid to tell them apart.
    statements = [statement.to_json() for one in made for statement in permissions.to_statements([one]).values()]
    text = _readable(json.dumps(statements, indent=2, ensure_ascii=False))
    return f"As IAM statements:\n\n```json\n{text}\n```\n"


def _readable(text: str) -> str:
    for token, placeholder in PLACEHOLDERS.items():
        text = text.replace(token, placeholder)
    return text


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
