"""Grants on a partner: least privilege, narrowed to it where the service allows it."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from partner_account import IPartnerAccount, PartnerAccount, PartnerAccountError
from partner_account.permissions import ON_PARTNER
from partner_account.service_model import service_model, shapes
from tests.construct.test_partners_of_an_app import new_stack, partner_in, sandbox_partner_in, template_of

ARN = "arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/partner-abcDEF1234567"
READING = [
    "partnercentral:GetAllianceLeadContact",
    "partnercentral:GetPartner",
    "partnercentral:GetProfileUpdateTask",
    "partnercentral:GetProfileVisibility",
]
TAGS = {"Action": "partnercentral:ListTagsForResource", "Effect": "Allow", "Resource": "*"}


def role_in(stack: cdk.Stack) -> iam.Role:
    """A role of the user's."""
    return iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def known_in(stack: cdk.Stack) -> IPartnerAccount:
    """A partner by its literal ARN."""
    return PartnerAccount.from_partner_arn(stack, "Known", ARN)


def statements_of(stack: cdk.Stack) -> list[dict[str, Any]]:
    """What the user's role may do."""
    policies = [
        resource["Properties"]
        for name, resource in template_of(stack)["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and name.startswith("Reader")
    ]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def test_reading() -> None:
    """One partner is read; only the tags' action knows no resource."""
    stack = new_stack()
    known_in(stack).grant_read(role_in(stack)).assert_success()
    assert statements_of(stack) == [{"Action": READING, "Effect": "Allow", "Resource": ARN}, TAGS]


def test_reading_a_created_partner() -> None:
    """The grant follows the partner's ARN, which is known at deployment."""
    stack = new_stack()
    partner_in(stack).grant_read(role_in(stack)).assert_success()
    assert statements_of(stack)[0]["Resource"] == {"Fn::GetAtt": ["Partner776273A3", "Arn"]}


def test_managing_the_contact() -> None:
    """And asking for the code that a new address takes, in this catalog only."""
    stack = new_stack()
    known_in(stack).grant_manage_contact(role_in(stack)).assert_success()
    assert statements_of(stack) == [
        {
            "Action": ["partnercentral:GetAllianceLeadContact", "partnercentral:PutAllianceLeadContact"],
            "Effect": "Allow",
            "Resource": ARN,
        },
        {
            "Action": "partnercentral:SendEmailVerificationCode",
            "Condition": {"StringEquals": {"partnercentral:Catalog": "AWS"}},
            "Effect": "Allow",
            "Resource": "*",
        },
    ]


def test_managing_tags() -> None:
    """All but the tag that says whose the partner is."""
    stack = new_stack()
    known_in(stack).grant_manage_tags(role_in(stack)).assert_success()
    assert statements_of(stack) == [
        {
            "Action": ["partnercentral:TagResource", "partnercentral:UntagResource"],
            "Condition": {"ForAllValues:StringNotEquals": {"aws:TagKeys": "cdk-partner-account:owner"}},
            "Effect": "Allow",
            "Resource": ARN,
        },
        TAGS,
    ]


def test_tags_of_the_sandbox_can_be_granted() -> None:
    """It refuses them in CreatePartner; AWS's own policy for tests there grants TagResource and UntagResource."""
    stack = new_stack()
    sandbox_partner_in(stack).grant_manage_tags(role_in(stack)).assert_success()


def test_any_action_on_the_partner() -> None:
    """Named as IAM does."""
    stack = new_stack()
    known_in(stack).grant(role_in(stack), "partnercentral:StartProfileUpdateTask").assert_success()
    assert statements_of(stack) == [
        {"Action": "partnercentral:StartProfileUpdateTask", "Effect": "Allow", "Resource": ARN}
    ]


@pytest.mark.parametrize("operation", sorted(ON_PARTNER))
def test_each_action_that_takes_a_partners_arn_can_be_granted(operation: str) -> None:
    """The 17 for which the Service Authorization Reference names the partner as a resource."""
    stack = new_stack()
    known_in(stack).grant(role_in(stack), f"partnercentral:{operation}").assert_success()
    assert statements_of(stack) == [{"Action": f"partnercentral:{operation}", "Effect": "Allow", "Resource": ARN}]


OPERATIONS = service_model()["operations"]
OTHERS = sorted(OPERATIONS.keys() - ON_PARTNER)


def takes_a_partner(operation: str) -> bool:
    """Whether the service model has the partner's ARN, or that of a tagged resource, in the operation's request."""
    members = shapes()[OPERATIONS[operation]["input"]["shape"]]["members"]
    pattern = shapes()[members["Identifier"]["shape"]].get("pattern", "") if "Identifier" in members else ""
    return "partner/partner-" in pattern or "ResourceArn" in members


def test_the_actions_that_take_a_partners_arn_are_the_operations_whose_requests_name_a_partner() -> None:
    """By the service model; but for ListTagsForResource, for which the reference names no resource type."""
    assert len(ON_PARTNER) == 17
    named = set(filter(takes_a_partner, OPERATIONS))
    assert named - ON_PARTNER == {"ListTagsForResource"}
    assert ON_PARTNER & OPERATIONS.keys() <= named


@pytest.mark.parametrize("operation", [*OTHERS, "GetOpportunity", "Nonsense", "Get*", "*", "getpartner"])
def test_an_action_that_takes_no_partners_arn_is_refused_with_the_reason(operation: str) -> None:
    """On a partner's ARN it would silently have no effect, or nobody could tell what it allows."""
    stack = new_stack()
    with pytest.raises(PartnerAccountError) as refused:
        known_in(stack).grant(role_in(stack), "partnercentral:GetPartner", f"partnercentral:{operation}")
    assert f"'partnercentral:{operation}' would have no effect: it is none of the actions that take" in str(
        refused.value
    )


def test_wrong_actions_are_told_together() -> None:
    """And so is none at all."""
    stack = new_stack()
    partner, role = known_in(stack), role_in(stack)
    with pytest.raises(PartnerAccountError, match=r"'GetPartner' is no action.*'s3:GetObject' is no action"):
        partner.grant(role, "GetPartner", "s3:GetObject", "partnercentral:GetPartner")
    with pytest.raises(PartnerAccountError, match="name at least one action"):
        partner.grant(role)


def test_a_user_of_another_account_gets_what_a_policy_of_its_own_allows() -> None:
    """A partner has no resource policy: CDK says which statement couldn't be added."""
    stack = new_stack()
    grant = known_in(stack).grant_read(iam.AccountPrincipal("222222222222"))
    assert not grant.success
