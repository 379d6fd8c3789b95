"""Makes it of the code that grants: `python -m tests.construct.permission_table > docs/permissions.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.aws_kms import IKey

from partner_account import Catalog, PartnerAccount, permissions
from partner_account.permissions import Permission

HEAD = """\
# IAM permissions of the function, and what you may grant

Generated from the code that grants them: `python -m tests.construct.permission_table > docs/permissions.md`. A test
fails if this page differs. It shows a partner in catalog AWS; for one in the Sandbox, replace `AWS` with `Sandbox`.
For each `*`, cdk-nag gets the same reason. Values in `<…>` are known only at deployment.

## What the function may do

The role belongs to the stack's `PartnerAccountProvider`. It can write its own log; each partner and each profile
adds a policy that grants the rest.
"""

GRANTS = """\
## What you may grant

`grant_read` allows your role, function or user to read one partner. `grant` allows the actions that you name,
of those that accept a partner's ARN; `TagResource` and `UntagResource` exclude the ownership tag.
"""

NOTES = {
    "AskOwnStack": "For partners and profiles.",
    "AskParentStack1": "For partners and profiles in a nested stack; one for each parent stack.",
    "LookForImports": "For partners and profiles.",
    "ReadProfile": "Granted with a `PartnerProfile`.",
    "UpdateProfile": "Granted with a `PartnerProfile`.",
    "UpdateProfileVisibility": "Granted with a `PartnerProfile` that has a `visibility`.",
    "CreatePartner": "Not granted with `existing_partner_id`.",
    "UpdateTags": "In the Sandbox only `TagResource`, for the ownership tag.",
    "TagAtCreation": "Not granted in the Sandbox, nor with `existing_partner_id`.",
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
        permissions.read_code("Secret", "secretsmanager:GetSecretValue", "<the secret>"),
        permissions.read_code("ParameterStore", "ssm:GetParameter", "<the parameter>"),
        permissions.decrypt_code("Secret", key, "secretsmanager.<Region of the secret>"),
        permissions.decrypt_code("ParameterStore", key, f"ssm.{Aws.REGION}"),
        *permissions.of_profile("<the partner>", sets_visibility=True),
        *permissions.of_stack(Stack()),
        permissions.ask_parent_stack("<the stack around it>"),
        permissions.write_log("<the own log group>:*"),
    ]


def grant_read() -> list[dict[str, Any]]:
    """The statements of `grant_read`, and of a `grant` of both actions that tag."""
    stack = Stack()
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    arn = "arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/partner-abcDEF1234567"
    partner = PartnerAccount.from_partner_arn(stack, "Partner", arn)
    partner.grant_read(role)
    partner.grant(role, "partnercentral:TagResource", "partnercentral:UntagResource")
    policy: Any = role.node.find_child("DefaultPolicy")
    statements = json.dumps(stack.resolve(policy.document)["Statement"]).replace(arn, "<the partner>")
    found: list[dict[str, Any]] = json.loads(statements)
    return found


def page() -> str:
    """The whole page."""
    rows = []
    for one in (all_granted := [*granted(), *permissions.join_vpc()]):
        service = one.actions[0].partition(":")[0]
        actions = ", ".join(f"`{action.removeprefix(f'{service}:')}`" for action in one.actions)
        why = f"{one.reason} {NOTES.get(one.sid, '')}".strip()
        rows.append(f"| `{one.sid}` | {service}: {actions} | {why} |")
    statements = [iam.PolicyStatement.from_json(found.to_statement()).to_json() for found in all_granted]
    table = "\n".join(["| Sid | actions | why |", "| --- | --- | --- |", *rows])
    return "\n".join([HEAD, table, "", _statements(statements), GRANTS, _statements(grant_read())])


def _statements(made: Sequence[object]) -> str:
    """As IAM gets them, but for the values that are known at the deployment only."""
    text = json.dumps(made, indent=2, ensure_ascii=False)
    for token, placeholder in PLACEHOLDERS.items():
        text = text.replace(token, placeholder)
    return f"As IAM statements:\n\n```json\n{text}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
