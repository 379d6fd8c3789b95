"""Partners that an app only refers to: their attributes, as tokens or values, and what is refused."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from constructs import IConstruct

from partner_account import Catalog, IPartnerAccount, PartnerAccount, PartnerAccountError
from tests.construct.test_partners_of_an_app import new_stack, partner_in, template_of

ID = "partner-abcDEF1234567"
ARN = f"arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/{ID}"
PROFILE_ID = "pprofile-abcDEF1234567"


def attributes(partner: IPartnerAccount) -> tuple[str, str, str, str]:
    """All four, as any partner has them."""
    return partner.partner_arn, partner.partner_id, partner.profile_id, partner.catalog


def test_a_literal_arn_tells_id_and_catalog() -> None:
    """Known at synth, so they can decide things there."""
    partner = PartnerAccount.from_partner_attributes(new_stack(), "Known", partner_arn=ARN, profile_id=PROFILE_ID)
    assert attributes(partner) == (ARN, ID, PROFILE_ID, Catalog.AWS)
    assert isinstance(partner.catalog, Catalog)


def test_a_token_is_taken_apart_at_deployment() -> None:
    """An ARN from a parameter gives id and catalog by intrinsic functions."""
    stack = new_stack()
    arn = cdk.CfnParameter(stack, "PartnerArn").value_as_string
    partner = PartnerAccount.from_partner_arn(stack, "Known", arn)
    split = {"Fn::Split": ["/", {"Ref": "PartnerArn"}]}
    assert stack.resolve([partner.partner_arn, partner.partner_id, partner.catalog]) == [
        {"Ref": "PartnerArn"},
        {"Fn::Select": [3, split]},
        {"Fn::Select": [1, split]},
    ]


def test_an_arn_alone_has_no_profile_id() -> None:
    """Using it is an error that says how to give it."""
    partner = PartnerAccount.from_partner_arn(new_stack(), "Known", ARN)
    with pytest.raises(PartnerAccountError, match=r"'Demo/Known' has no profile_id.*from_partner_attributes"):
        _ = partner.profile_id


def test_what_can_be_no_partner_is_refused() -> None:
    """All mistakes in one, each with what is allowed."""
    with pytest.raises(PartnerAccountError) as caught:
        PartnerAccount.from_partner_attributes(
            new_stack(), "Known", partner_arn=ARN.replace("partner/", "Partner/"), profile_id="pending"
        )
    text = str(caught.value)
    assert "2 mistakes" in text
    assert "partner_arn: " in text
    assert "profile_id: 'pending' is not pprofile-" in text


def test_the_exports_are_those_that_the_construct_makes() -> None:
    """By stack and construct path another app finds what `PartnerAccount` exports by default."""
    stack = new_stack()
    partner_in(stack, "Alliances/Partner")
    exported = {output["Export"]["Name"] for output in template_of(stack)["Outputs"].values()}
    reader = cdk.Stack(cdk.App(), "Reader")
    partner = PartnerAccount.from_stack_exports(
        reader, "Known", stack_name=stack.stack_name, partner="Alliances/Partner"
    )
    imported = reader.resolve([partner.partner_arn, partner.partner_id, partner.profile_id])
    assert {value["Fn::ImportValue"] for value in imported} == exported
    assert reader.resolve(partner.catalog) == {"Fn::Select": [1, {"Fn::Split": ["/", imported[0]]}]}


def test_names_that_no_export_has_are_refused() -> None:
    """A path for a name, a token where the export's name is made at synth, or nothing: told before the deployment."""
    stack = new_stack()
    with pytest.raises(PartnerAccountError) as caught:
        PartnerAccount.from_stack_exports(stack, "Known", stack_name="Prod/Alliances", partner="/")
    text = str(caught.value)
    assert "2 mistakes" in text
    assert "stack_name: 'Prod/Alliances' is not the name of a stack" in text
    assert "partner: '/' has no letter or digit" in text
    token = cdk.CfnParameter(stack, "Name").value_as_string
    with pytest.raises(PartnerAccountError, match="partner: is a token"):
        PartnerAccount.from_stack_exports(stack, "Other", stack_name=token, partner=token)


def test_only_what_is_used_is_imported() -> None:
    """An import locks its export, so a reader of the ARN must not lock the ProfileId."""
    reader = cdk.Stack(cdk.App(), "Reader")
    partner = PartnerAccount.from_stack_exports(reader, "Known", stack_name="Stack", partner="Partner")
    cdk.CfnOutput(reader, "Arn", value=partner.partner_arn)
    template = template_of(reader)
    assert template["Outputs"] == {"Arn": {"Value": {"Fn::ImportValue": "Stack-Partner-Arn"}}}


def test_all_partners_have_one_type() -> None:
    """A function that takes an `IPartnerAccount` takes a created one, too; mypy holds it against the protocol."""
    stack = new_stack()
    created: IPartnerAccount = partner_in(stack)
    assert [cdk.Token.is_unresolved(value) for value in attributes(created)] == [True, True, True, False]


def path_of(construct: IConstruct) -> str:
    """What any construct has."""
    return construct.node.path


def test_all_partners_are_constructs_to_type_checkers() -> None:
    """A function that takes an `IPartnerAccount` may use its node, and hand it on as a construct: mypy reads this."""
    stack = new_stack()
    partners: list[IPartnerAccount] = [
        partner_in(stack),
        PartnerAccount.from_partner_arn(stack, "Known", ARN),
        PartnerAccount.from_stack_exports(stack, "Exported", stack_name="Stack", partner="Partner"),
    ]
    assert [path_of(partner) for partner in partners] == [partner.node.path for partner in partners]
    assert IConstruct in IPartnerAccount.__mro__
