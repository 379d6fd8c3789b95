"""Every permission that a partner takes, and why. What the function itself needs is told in `provider_permissions`.

No other module writes IAM statements. Sources: the Service Authorization Reference of AWS Partner
Central, Secrets Manager, Systems Manager, KMS and CloudFormation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Aws
from aws_cdk import aws_iam as iam

from partner_account.props import Catalog
from partner_account.tags import OWNERSHIP_TAG_KEY

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey

# The service has one endpoint, in this region, whatever the stack's region.
SERVICE_REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One IAM statement and the reason why it exists."""

    sid: str
    """What it is for; letters and digits, as IAM wants it."""

    actions: Sequence[str]
    resource: str
    reason: str
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def to_statements(permissions: Sequence[Permission]) -> dict[str, iam.PolicyStatement]:
    """The statements that grant these permissions, by their Sid, which IAM lets stand once in a policy."""
    return {permission.sid: _to_statement(permission) for permission in permissions}


def _to_statement(permission: Permission) -> iam.PolicyStatement:
    return iam.PolicyStatement.from_json(
        {
            "Sid": permission.sid,
            "Effect": "Allow",
            "Action": list(permission.actions),
            "Resource": permission.resource,
            "Condition": permission.conditions,
        }
    )


def of_partner(catalog: Catalog, *, may_create: bool) -> list[Permission]:
    """What managing one partner takes, apart from reading its verification code."""
    permissions = [_list_partners(catalog), _read_partner(catalog), _write_contact(catalog), _ask_stack()]
    if may_create:
        permissions.append(_create_partner(catalog))
    permissions += [_read_tags(), _write_tags(catalog)]
    # The Sandbox refuses tags in CreatePartner.
    if may_create and catalog == Catalog.AWS:
        permissions.append(_tag_at_creation(catalog))
    return permissions


def _list_partners(catalog: Catalog) -> Permission:
    return Permission(
        sid="LookForPartners",
        actions=["partnercentral:ListPartners"],
        resource="*",
        conditions=_only_in(catalog),
        reason="Before it creates, the handler looks for a partner that is there already; "
        "ListPartners has no resource type, so it is narrowed to the catalog instead.",
    )


def _create_partner(catalog: Catalog) -> Permission:
    return Permission(
        sid="CreatePartner",
        actions=["partnercentral:CreatePartner"],
        resource="*",
        conditions=_only_in(catalog),
        reason="The purpose of it all; CreatePartner has no resource type, so it is narrowed to the catalog instead.",
    )


def _read_partner(catalog: Catalog) -> Permission:
    return Permission(
        sid="ReadPartner",
        actions=[
            "partnercentral:GetAllianceLeadContact",
            "partnercentral:GetPartner",
            "partnercentral:GetProfileVisibility",
        ],
        resource=_partners(catalog),
        reason="An update compares before it writes, and the profile's id may have to be asked "
        "for; the partner's id isn't known before the partner exists.",
    )


def _write_contact(catalog: Catalog) -> Permission:
    return Permission(
        sid="UpdateContact",
        actions=["partnercentral:PutAllianceLeadContact"],
        resource=_partners(catalog),
        reason="The alliance lead contact follows the template; the partner's id isn't known "
        "before the partner exists.",
    )


def _read_tags() -> Permission:
    return Permission(
        sid="ReadTags",
        actions=["partnercentral:ListTagsForResource"],
        resource="*",
        reason="The ownership tag tells whose a partner is. Sources differ: the Service Authorization Reference names "
        "no resource type for ListTagsForResource, while AWS's policy for the Sandbox grants it on partners; and its "
        "request carries no catalog. It only reads.",
    )


def _write_tags(catalog: Catalog) -> Permission:
    # In the Sandbox there is the ownership tag alone, if the Sandbox takes it.
    untagging = ["partnercentral:UntagResource"] if catalog == Catalog.AWS else []
    return Permission(
        sid="UpdateTags",
        actions=["partnercentral:TagResource", *untagging],
        resource=_partners(catalog),
        reason="Tags follow the template; the partner's id isn't known before the partner exists.",
    )


def _tag_at_creation(catalog: Catalog) -> Permission:
    return Permission(
        sid="TagAtCreation",
        actions=["partnercentral:TagResource"],
        resource="*",
        conditions={**_only_in(catalog), "Null": {f"aws:RequestTag/{OWNERSHIP_TAG_KEY}": "false"}},
        reason="CreatePartner with tags needs TagResource as well, and which resource that is checked against is "
        "documented nowhere; narrowed to the catalog, which CreatePartner names, and to requests that carry the "
        "ownership tag.",
    )


@cache
def _ask_stack() -> Permission:
    return Permission(
        sid="AskOwnStack",
        actions=["cloudformation:DescribeStacks"],
        resource=Aws.STACK_ID,
        reason="Before it creates, the handler asks whether the stack still waits for it: an "
        "event may arrive hours late.",
    )


def read_secret(secret_arn: str) -> Permission:
    """Read the verification code from Secrets Manager."""
    return Permission(
        sid="ReadCodeFromSecret",
        actions=["secretsmanager:GetSecretValue"],
        resource=secret_arn,
        reason="The verification code is read when a call needs it.",
    )


def read_parameter(parameter_arn: str) -> Permission:
    """Read the verification code from the SSM Parameter Store."""
    return Permission(
        sid="ReadCodeFromParameterStore",
        actions=["ssm:GetParameter"],
        resource=parameter_arn,
        reason="The verification code is read when a call needs it.",
    )


def decrypt_secret(key: "IKey", region: str) -> Permission:
    """Decrypt the verification code if its secret has a customer-managed key; `region` is the secret's."""
    return _decrypt("DecryptCodeFromSecret", key, f"secretsmanager.{region}")


def decrypt_parameter(key: "IKey") -> Permission:
    """Decrypt the verification code if its SSM parameter, always of the stack's own region, has such a key."""
    return _decrypt("DecryptCodeFromParameterStore", key, f"ssm.{Aws.REGION}")


def _decrypt(sid: str, key: "IKey", store: str) -> Permission:
    return Permission(
        sid=sid,
        actions=["kms:Decrypt"],
        resource=key.key_arn,
        conditions={"StringEquals": {"kms:ViaService": f"{store}.amazonaws.com"}},
        reason="The code's store is encrypted with a customer-managed key; narrowed to decryption by that store.",
    )


ON_PARTNER = frozenset(
    {
        "AssociateAwsTrainingCertificationEmailDomain",
        "CancelProfileUpdateTask",
        "DisassociateAwsTrainingCertificationEmailDomain",
        "GetAllianceLeadContact",
        "GetPartner",
        "GetProfileUpdateTask",
        "GetProfileVisibility",
        "GetQualificationsAssociationDetails",
        "GetQualificationsAssociationTask",
        "GetQualificationsDisassociationTask",
        "PutAllianceLeadContact",
        "PutProfileVisibility",
        "StartProfileUpdateTask",
        "StartQualificationsAssociationTask",
        "StartQualificationsDisassociationTask",
        "TagResource",
        "UntagResource",
    }
)
"""The 17 actions for which the Service Authorization Reference names a partner's ARN: others have no effect on one."""


def on_partner(partner_arn: str, actions: Sequence[str]) -> Permission:
    """Some actions on one partner, for a grantee of the user's."""
    return Permission(sid="", actions=actions, resource=partner_arn, reason="The user grants it.")


def to_read(partner_arn: str) -> list[Permission]:
    """Read everything about one partner."""
    return [
        on_partner(
            partner_arn,
            [
                "partnercentral:GetAllianceLeadContact",
                "partnercentral:GetPartner",
                "partnercentral:GetProfileUpdateTask",
                "partnercentral:GetProfileVisibility",
            ],
        ),
        _read_tags(),
    ]


def to_manage_contact(partner_arn: str, catalog: str) -> list[Permission]:
    """Read and replace the contact of one partner, and have a code sent to a new address."""
    contact = ["partnercentral:GetAllianceLeadContact", "partnercentral:PutAllianceLeadContact"]
    sending = Permission(
        sid="RequestCode",
        actions=["partnercentral:SendEmailVerificationCode"],
        resource="*",
        conditions=_only_in(catalog),
        reason="A new address is proved by a code; the action has no resource type, so it is narrowed to the catalog.",
    )
    return [on_partner(partner_arn, contact), sending]


def to_manage_tags(partner_arn: str) -> list[Permission]:
    """Read and write the tags of one partner, except the ownership tag."""
    writing = Permission(
        sid="",
        actions=["partnercentral:TagResource", "partnercentral:UntagResource"],
        resource=partner_arn,
        conditions={"ForAllValues:StringNotEquals": {"aws:TagKeys": OWNERSHIP_TAG_KEY}},
        reason="The user grants it; the ownership tag is the construct's own.",
    )
    return [writing, _read_tags()]


def acknowledgments(permissions: Sequence[Permission]) -> list[Acknowledgment]:
    """Tell cdk-nag why the wildcards in these permissions are there, one by one.

    Its rule AwsSolutions-IAM5 reports each distinct resource with a wildcard once per policy.
    """
    reasons: dict[str, list[str]] = {}
    for permission in permissions:
        if permission.resource.endswith("*"):
            reasons.setdefault(permission.resource, []).append(f"{permission.sid}: {permission.reason}")
    return [
        Acknowledgment(
            id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{_as_cdk_nag_writes_it(resource)}]",
            reason=" ".join(why),
        )
        for resource, why in reasons.items()
    ]


@cache
def _as_cdk_nag_writes_it(resource: str) -> str:
    for token, name in {
        Aws.PARTITION: "AWS::Partition",
        Aws.REGION: "AWS::Region",
        Aws.ACCOUNT_ID: "AWS::AccountId",
    }.items():
        resource = resource.replace(token, f"<{name}>")
    return resource


def _only_in(catalog: str) -> Mapping[str, Mapping[str, str]]:
    return {"StringEquals": {"partnercentral:Catalog": str(catalog)}}


@cache
def _partners(catalog: Catalog) -> str:
    return f"arn:{Aws.PARTITION}:partnercentral:{SERVICE_REGION}:{Aws.ACCOUNT_ID}:catalog/{catalog.value}/partner/*"
