"""Every IAM permission of the function, and why it exists. `policy` attaches them to the function's role.

Sources: the Service Authorization References of Partner Central, Secrets Manager, Systems Manager, KMS,
CloudFormation, CloudWatch Logs and EC2; the Lambda Developer Guide on functions in a VPC; the CloudWatch Logs User
Guide on encryption.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, Aws, ScopedAws, Stack, Token
from aws_cdk import aws_iam as iam

from partner_account.props import Catalog
from partner_account_handler.identity import OWNER_TAG
from partner_account_handler.service import SERVICE_REGION

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One IAM statement and the reason why it exists."""

    sid: str
    """What it is for; letters and digits, as IAM requires."""

    actions: Sequence[str]
    resource: str
    reason: str
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def to_statement(self) -> Mapping[str, Any]:
        """The statement of a policy, as IAM has it."""
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": self.resource,
            "Condition": self.conditions,
        }


# --- For each custom resource ---


def of_stack(stack: Stack) -> list[Permission]:
    """The permissions to ask CloudFormation about the stack, and about those that it is nested in."""
    return [
        Permission(
            sid="AskOwnStack",
            actions=["cloudformation:DescribeStacks"],
            resource=Aws.STACK_ID,
            reason="Before each change the handler checks whether the stack still waits for it: an "
            "event may arrive after CloudFormation has given up.",
        ),
        *(ask_parent_stack(ScopedAws(parent).stack_name, level) for level, parent in enumerate(parents_of(stack), 1)),
        Permission(
            sid="LookForImports",
            actions=["cloudformation:ListImports"],
            resource="*",
            reason="CloudFormation refuses to change an export that another stack imports, so the handler checks "
            "before it returns another value; ListImports has no resource type. It only reads stack names.",
        ),
    ]


def ask_parent_stack(name: str, level: int = 1) -> Permission:
    """Read the outputs of a stack that this one is nested in, `level` levels above it."""
    stacks = f"arn:{Aws.PARTITION}:cloudformation:{Aws.REGION}:{Aws.ACCOUNT_ID}:stack"
    return Permission(
        sid=f"AskParentStack{level}",
        actions=["cloudformation:DescribeStacks"],
        resource=f"{stacks}/{name}/*",
        reason="A nested stack exports nothing itself, but its parent may, so the handler looks for its exports "
        "there; only CloudFormation knows the part of the ARN after the name.",
    )


def parents_of(stack: Stack) -> list[Stack]:
    """The stacks that it is nested in, from the inside to the outside."""
    parent = stack.nested_stack_parent
    return [parent, *parents_of(parent)] if parent else []


# --- For a partner ---


def of_partner(catalog: Catalog, *, may_create: bool) -> list[Permission]:
    """The permissions to manage one partner, except reading its verification code."""
    in_catalog = {"StringEquals": {"partnercentral:Catalog": catalog.value}}
    partners = f"arn:{Aws.PARTITION}:partnercentral:{SERVICE_REGION}:{Aws.ACCOUNT_ID}:catalog/{catalog.value}/partner/*"
    permissions = [
        Permission(
            sid="LookForPartners",
            actions=["partnercentral:ListPartners"],
            resource="*",
            conditions=in_catalog,
            reason="Before it creates a partner, the handler looks for an existing one; "
            "ListPartners has no resource type, so it is limited to the catalog instead.",
        ),
        Permission(
            sid="ReadPartner",
            actions=[
                "partnercentral:GetAllianceLeadContact",
                "partnercentral:GetPartner",
                "partnercentral:GetProfileVisibility",
            ],
            resource=partners,
            reason="An update compares before it writes, and the profile's id may take a call of its own; "
            "the partner's id isn't known before the partner exists.",
        ),
        Permission(
            sid="UpdateContact",
            actions=["partnercentral:PutAllianceLeadContact"],
            resource=partners,
            reason="The alliance lead contact follows the template; the partner's id isn't known "
            "before the partner exists.",
        ),
        Permission(
            sid="ReadTags",
            actions=["partnercentral:ListTagsForResource"],
            resource="*",
            reason="The ownership tag identifies a partner's owner. Sources differ: the Service Authorization "
            "Reference lists no resource type for ListTagsForResource, while AWS's policy for the Sandbox grants it on "
            "partners; and its request has no catalog. It only reads.",
        ),
        Permission(
            sid="UpdateTags",
            # In the Sandbox there is the ownership tag alone, if the Sandbox takes it.
            actions=[
                "partnercentral:TagResource",
                *(["partnercentral:UntagResource"] if catalog == Catalog.AWS else []),
            ],
            resource=partners,
            reason="Tags follow the template; the partner's id isn't known before the partner exists.",
        ),
    ]
    if may_create:
        permissions.append(
            Permission(
                sid="CreatePartner",
                actions=["partnercentral:CreatePartner"],
                resource="*",
                conditions=in_catalog,
                reason="The construct's purpose; CreatePartner has no resource type, so it is limited to the catalog "
                "instead.",
            )
        )
    if may_create and catalog == Catalog.AWS:  # the Sandbox refuses tags in CreatePartner
        permissions.append(
            Permission(
                sid="TagAtCreation",
                actions=["partnercentral:TagResource"],
                resource="*",
                conditions={**in_catalog, "Null": {f"aws:RequestTag/{OWNER_TAG}": "false"}},
                reason="CreatePartner with tags also needs TagResource, and the resource that it is checked against "
                "isn't documented; limited to the catalog, which CreatePartner names, and to requests with the "
                "ownership tag.",
            )
        )
    return permissions


def read_code(store: str, action: str, arn: str) -> Permission:
    """Read the verification code from where it is stored: a `Secret`, or the `ParameterStore`."""
    reason = "The verification code is read when a call needs it."
    return Permission(sid=f"ReadCodeFrom{store}", actions=[action], resource=arn, reason=reason)


def decrypt_code(store: str, key: "IKey", service: str) -> Permission:
    """Decrypt the code if a customer-managed key protects it; `service` is that of the store, with its region."""
    return Permission(
        sid=f"DecryptCodeFrom{store}",
        actions=["kms:Decrypt"],
        resource=key.key_arn,
        conditions={"StringEquals": {"kms:ViaService": f"{service}.amazonaws.com"}},
        reason="The code's store is encrypted with a customer-managed key; limited to decryption by that store.",
    )


# --- For a profile ---


def of_profile(partner_arn: str, *, sets_visibility: bool) -> list[Permission]:
    """The permissions to manage the profile of one partner."""
    permissions = [
        Permission(
            sid="ReadProfile",
            actions=[
                "partnercentral:GetPartner",
                "partnercentral:GetProfileUpdateTask",
                "partnercentral:GetProfileVisibility",
            ],
            resource=partner_arn,
            reason="A deployment compares before it writes, follows the task it has started, and returns the profile's "
            "id.",
        ),
        Permission(
            sid="UpdateProfile",
            actions=["partnercentral:CancelProfileUpdateTask", "partnercentral:StartProfileUpdateTask"],
            resource=partner_arn,
            reason="The profile follows the template. A task that this stack has started is canceled before another "
            "starts; a partner has one at a time.",
        ),
    ]
    if sets_visibility:
        permissions.append(
            Permission(
                sid="UpdateProfileVisibility",
                actions=["partnercentral:PutProfileVisibility"],
                resource=partner_arn,
                reason="The visibility follows the template.",
            )
        )
    return permissions


def partner_operations() -> frozenset[str]:
    """The operations of Partner Central that the function can be allowed: it calls no others."""
    granted = [*of_partner(Catalog.AWS, may_create=True), *of_profile("*", sets_visibility=True)]
    actions = (action.partition(":") for permission in granted for action in permission.actions)
    return frozenset(operation for service, _, operation in actions if service == "partnercentral")


# --- For the function itself, whatever partners it serves ---


def write_log(log_group_arn: str) -> Permission:
    """Write the function's own log; `log_group_arn` ends with `:*`, as CloudFormation returns it."""
    return Permission(
        sid="WriteOwnLog",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resource=log_group_arn,
        reason="The log records what was done to a partner; no other log group is included.",
    )


# Calls by a function's code carry this key, Lambda's own calls with the function's role don't.
_BY_LAMBDA_ITSELF = {"Null": {"lambda:SourceFunctionArn": "true"}}


def join_vpc() -> list[Permission]:
    """The permissions with which Lambda connects the function to a VPC, and which the function's code can't use.

    AWS's managed policy AWSLambdaVPCAccessExecutionRole allows the code the same, and every log group besides.
    """
    return [
        Permission(
            sid="LookForNetworkInterfaces",
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            resource="*",
            conditions=_BY_LAMBDA_ITSELF,
            reason="Lambda finds the function's network interfaces; neither action has a resource type. "
            "The function's code can't use it.",
        ),
        Permission(
            sid="ConnectToVpc",
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resource=f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:*:*/*",
            conditions=_BY_LAMBDA_ITSELF,
            reason="Lambda creates and deletes the function's network interfaces; their ids aren't known before, it "
            "doesn't work with fewer of the region's, and a shared subnet is another account's. "
            "The function's code can't use it.",
        ),
    ]


def encrypt_log(stack: Stack) -> iam.PolicyStatement:
    """For the key's own policy: CloudWatch Logs may use the key for the log groups of this stack only."""
    # The group's own ARN would be a circular dependency: the group needs the key. A group is named after its stack.
    log_groups = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name="*" if Token.is_unresolved(stack.stack_name) else f"{stack.stack_name}-*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    return iam.PolicyStatement(
        sid="EncryptPartnerAccountLog",
        principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
        actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        resources=["*"],
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
    )
