"""Partners that an app only refers to; and the grants that all partners have."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from partner_account import Catalog, IPartnerAccount, PartnerAccount, PartnerAccountError
from partner_account.grants import _ACTIONS_ON_PARTNER
from partner_account.service_model import service_model, shapes
from tests.construct.apps import new_stack, partner_in, template_of

ID = "partner-abcDEF1234567"
ARN = f"arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/{ID}"
PROFILE_ID = "pprofile-abcDEF1234567"


def attributes(partner: IPartnerAccount) -> tuple[str, str, str, str]:
    """All four, as any partner has them; mypy holds each use against the common type."""
    return partner.partner_arn, partner.partner_id, partner.profile_id, partner.catalog


def test_literal_arn_yields_id_and_catalog_at_synth() -> None:
    """So they can decide things there."""
    partner = PartnerAccount.from_partner_attributes(new_stack(), "Known", partner_arn=ARN, profile_id=PROFILE_ID)
    assert attributes(partner) == (ARN, ID, PROFILE_ID, Catalog.AWS)
    assert isinstance(partner.catalog, Catalog)


def test_token_arn_is_split_at_deployment() -> None:
    """By intrinsic functions."""
    stack = new_stack()
    partner = PartnerAccount.from_partner_arn(stack, "Known", cdk.CfnParameter(stack, "PartnerArn").value_as_string)
    split = {"Fn::Split": ["/", {"Ref": "PartnerArn"}]}
    assert stack.resolve([partner.partner_arn, partner.partner_id, partner.catalog]) == [
        {"Ref": "PartnerArn"},
        {"Fn::Select": [3, split]},
        {"Fn::Select": [1, split]},
    ]


def test_a_partner_known_by_its_arn_alone_has_no_profile_id() -> None:
    """Reading it raises an error with the remedy."""
    partner = PartnerAccount.from_partner_arn(new_stack(), "Known", ARN)
    with pytest.raises(PartnerAccountError, match=r"'Demo/Known' has no profile_id.*from_partner_attributes"):
        _ = partner.profile_id


def test_another_app_finds_the_default_exports_by_stack_name_and_construct_path() -> None:
    """What is imported is what `PartnerAccount` exports."""
    stack = new_stack()
    partner_in(stack, "Alliances/Partner")
    exported = {output["Export"]["Name"] for output in template_of(stack)["Outputs"].values()}
    reader = cdk.Stack(cdk.App(), "Reader")
    partner = PartnerAccount.from_stack_exports(
        reader, "Known", stack_name=stack.stack_name, partner_path="Alliances/Partner"
    )
    imported = reader.resolve([partner.partner_arn, partner.partner_id, partner.profile_id])
    assert {value["Fn::ImportValue"] for value in imported} == exported
    assert reader.resolve(partner.catalog) == {"Fn::Select": [1, {"Fn::Split": ["/", imported[0]]}]}


def test_only_used_attributes_are_imported() -> None:
    """An import locks its export, so a reader of the ARN must not lock the ProfileId."""
    reader = cdk.Stack(cdk.App(), "Reader")
    partner = PartnerAccount.from_stack_exports(reader, "Known", stack_name="Stack", partner_path="Partner")
    cdk.CfnOutput(reader, "Arn", value=partner.partner_arn)
    assert template_of(reader)["Outputs"] == {"Arn": {"Value": {"Fn::ImportValue": "Stack-Partner-Arn"}}}


def test_invalid_partner_reference_is_rejected() -> None:
    """All errors in one, each with what is allowed: another form, a path for a name, or a token for a name."""
    stack = new_stack()
    with pytest.raises(PartnerAccountError) as told:
        PartnerAccount.from_partner_attributes(
            stack, "Known", partner_arn=ARN.replace("partner/", "Partner/"), profile_id="pending"
        )
    assert "has 2 errors:\n  - partner_arn: " in str(told.value)
    assert "\n  - profile_id: 'pending' is not pprofile- followed by 13" in str(told.value)
    with pytest.raises(PartnerAccountError) as told:
        PartnerAccount.from_stack_exports(stack, "Exported", stack_name="Prod/Alliances", partner_path="/")
    assert "has 2 errors:\n  - stack_name: 'Prod/Alliances' is not a stack name" in str(told.value)
    assert "\n  - partner_path: '/' has no letter or digit" in str(told.value)
    token = cdk.CfnParameter(stack, "Name").value_as_string
    with pytest.raises(PartnerAccountError, match="1 error:\n  - partner_path: is a token"):
        PartnerAccount.from_stack_exports(stack, "Other", stack_name=token, partner_path=token)


def test_values_that_are_not_strings_are_reported_by_prop() -> None:
    """With how to get a string."""
    stack = new_stack()
    parameter: Any = cdk.CfnParameter(stack, "P")
    with pytest.raises(PartnerAccountError) as told:
        PartnerAccount.from_partner_attributes(stack, "One", partner_arn=parameter, profile_id=parameter)
    assert str(told.value).count(": must be a string; for a CfnParameter, use .value_as_string") == 2
    with pytest.raises(PartnerAccountError) as told:
        PartnerAccount.from_stack_exports(stack, "Two", stack_name=parameter, partner_path=parameter)
    assert str(told.value).count(": must be a string; for a CfnParameter, use .value_as_string") == 2


# --- Grants ---

READ_TAGS = {"Action": "partnercentral:ListTagsForResource", "Effect": "Allow", "Resource": "*"}


def granted(scope: cdk.Stack, *grants: str) -> list[dict[str, Any]]:
    """What a role of the user's may do after these actions of a partner known by its ARN were granted to it."""
    known = PartnerAccount.from_partner_arn(scope, "Known", ARN)
    known.grant(iam.Role(scope, "Reader", assumed_by=iam.AccountRootPrincipal()), *grants).assert_success()
    return statements_of_reader(scope)


def statements_of_reader(stack: cdk.Stack) -> list[dict[str, Any]]:
    """What the user's role may do."""
    resources = template_of(stack)["Resources"]
    policies = [found["Properties"] for name, found in resources.items() if name.startswith("ReaderDefaultPolicy")]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


@pytest.mark.parametrize("created", [True, False])
def test_grant_read_is_limited_to_the_partner_except_for_its_tags(created: bool) -> None:
    """The action that reads tags has no resource type; a created partner's ARN is known at deployment."""
    stack = new_stack()
    partner = partner_in(stack) if created else PartnerAccount.from_partner_arn(stack, "Known", ARN)
    partner.grant_read(iam.Role(stack, "Reader", assumed_by=iam.AccountRootPrincipal())).assert_success()
    reading = ["GetAllianceLeadContact", "GetPartner", "GetProfileUpdateTask", "GetProfileVisibility"]
    assert statements_of_reader(stack) == [
        {
            "Action": [f"partnercentral:{name}" for name in reading],
            "Effect": "Allow",
            "Resource": {"Fn::GetAtt": ["Partner776273A3", "Arn"]} if created else ARN,
        },
        READ_TAGS,
    ]


@pytest.mark.parametrize("name", sorted(_ACTIONS_ON_PARTNER - {"TagResource", "UntagResource"}))
def test_each_action_that_takes_a_partners_arn_can_be_granted(name: str) -> None:
    """As the Service Authorization Reference has it."""
    assert granted(new_stack(), f"partnercentral:{name}") == [
        {"Action": f"partnercentral:{name}", "Effect": "Allow", "Resource": ARN}
    ]


def test_a_grant_to_tag_leaves_the_ownership_tag_out() -> None:
    """In any case: the tag identifies the partner's owner. Other actions of the grant have no condition."""
    assert granted(
        new_stack(), "partnercentral:TagResource", "partnercentral:GetPartner", "partnercentral:UntagResource"
    ) == [
        {"Action": "partnercentral:GetPartner", "Effect": "Allow", "Resource": ARN},
        {
            "Action": ["partnercentral:TagResource", "partnercentral:UntagResource"],
            "Condition": {"ForAllValues:StringNotEqualsIgnoreCase": {"aws:TagKeys": "cdk-partner-account:owner"}},
            "Effect": "Allow",
            "Resource": ARN,
        },
    ]


OPERATIONS = service_model()["operations"]


def takes_a_partner(operation: str) -> bool:
    """Whether the service model has the partner's ARN, or that of a tagged resource, in the operation's request."""
    members = shapes()[OPERATIONS[operation]["input"]["shape"]]["members"]
    pattern = shapes()[members["Identifier"]["shape"]].get("pattern", "") if "Identifier" in members else ""
    return "partner/partner-" in pattern or "ResourceArn" in members


def test_the_actions_that_take_a_partners_arn_are_the_operations_whose_requests_name_a_partner() -> None:
    """By the service model; but for ListTagsForResource, for which the reference names no resource type."""
    assert len(_ACTIONS_ON_PARTNER) == 17
    named = set(filter(takes_a_partner, OPERATIONS))
    assert named - _ACTIONS_ON_PARTNER == {"ListTagsForResource"}
    assert _ACTIONS_ON_PARTNER & OPERATIONS.keys() <= named


OTHERS = sorted(OPERATIONS.keys() - _ACTIONS_ON_PARTNER - {"ListTagsForResource"})


@pytest.mark.parametrize(
    ("actions", "error"),
    [
        *(((f"partnercentral:{name}",), f"{name}' doesn't accept a partner's ARN; only these do") for name in OTHERS),
        (("partnercentral:GetOpportunity",), "'partnercentral:GetOpportunity' doesn't accept a partner's ARN"),
        (("partnercentral:getpartner",), "'partnercentral:getpartner' doesn't accept a partner's ARN"),
        (("partnercentral:Get*",), "'partnercentral:Get*' has a wildcard, which could also grant future actions"),
        (("partnercentral:*",), "'partnercentral:*' has a wildcard"),
        (("partnercentral:ListTagsForResource",), "has no documented resource type; grant_read grants it"),
        (("GetPartner", "s3:GetObject"), "'GetPartner' is not a Partner Central action"),
        (("GetPartner", "s3:GetObject"), "'s3:GetObject' is not a Partner Central action"),
        ((), "name at least one action, such as 'partnercentral:GetPartner'"),
        ((["partnercentral:GetPartner"],), "each action must be a string and a separate argument"),
    ],
)
def test_action_that_cannot_be_granted_on_a_partner_is_rejected(actions: Any, error: str) -> None:
    """With the reason and the remedy; nothing is granted."""
    stack = new_stack()
    with pytest.raises(PartnerAccountError) as told:
        granted(stack, *actions)
    assert error in str(told.value)
    assert statements_of_reader(stack) == []


def test_object_that_is_no_grantee_is_rejected() -> None:
    """For an ARN the error shows how to import a role; a user of another account gets what its own policy allows."""
    known = PartnerAccount.from_partner_arn(new_stack(), "Known", ARN)
    name: Any = "arn:aws:iam::111111111111:role/platform"
    with pytest.raises(PartnerAccountError, match=r"grantee: must be a grantable, such as Role\.from_role_arn"):
        known.grant_read(name)
    assert not known.grant_read(iam.AccountPrincipal("222222222222")).success
