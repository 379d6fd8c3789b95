"""The stack outputs of a partner: how they are called and exported, and which names are refused."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from constructs import Construct, IConstruct

from partner_account import ExportNames, PartnerAccount, PartnerAccountError
from tests.construct.apps import (
    errors_of,
    new_app,
    new_stack,
    partner_in,
    properties_of,
    resource_of,
    synth_error_of,
    template_of,
)

pytestmark = pytest.mark.versions

ATTRIBUTES = ("Arn", "Id", "ProfileId")


def exports_of(scope: Construct) -> dict[str, str | None]:
    """The export name of each output of a stack."""
    outputs: dict[str, Any] = template_of(scope).get("Outputs", {})
    return {name: output.get("Export", {}).get("Name") for name, output in outputs.items()}


def test_each_attribute_is_an_output_named_after_the_construct_and_exported_under_the_stacks_name() -> None:
    """Arn, Id and ProfileId."""
    stack = new_stack()
    partner_in(stack)
    outputs = template_of(stack)["Outputs"]
    assert {name: (output["Value"], output["Export"]) for name, output in outputs.items()} == {
        f"Partner{attribute}": (
            {"Fn::GetAtt": ["Partner776273A3", attribute]},
            {"Name": f"Demo-Partner-{attribute}"},
        )
        for attribute in ATTRIBUTES
    }


def test_names_consist_of_the_letters_and_digits_of_the_path_below_the_stack() -> None:
    """The stack's own name has the stage's in it."""
    stack = cdk.Stack(cdk.Stage(new_app(), "Prod"), "Demo")
    partner_in(Construct(stack, "A-1"), "My_Partner")
    assert exports_of(stack) == {
        f"A1MyPartner{attribute}": f"Prod-Demo-A1MyPartner-{attribute}" for attribute in ATTRIBUTES
    }


def test_custom_export_name_replaces_the_default() -> None:
    """The others stay; a token may be in it."""
    stack = new_stack()
    partner_in(stack, export_names=ExportNames(partner_id="apn:partner-id", profile_id=f"id-of-{stack.region}"))
    assert exports_of(stack) == {
        "PartnerArn": "Demo-Partner-Arn",
        "PartnerId": "apn:partner-id",
        "PartnerProfileId": {"Fn::Join": ["", ["id-of-", {"Ref": "AWS::Region"}]]},
    }


def test_outputs_can_be_left_out() -> None:
    """Then there is nothing to follow a condition, and the handler gets no prefix of their names."""
    stack = new_stack()
    conditioned(partner_in(stack, outputs=False), stack)
    assert exports_of(stack) == {}
    assert resource_of(stack)["Condition"] == "Wanted"
    assert "OutputPrefix" not in properties_of(stack)


def test_a_nested_stack_has_outputs_and_exports_nothing() -> None:
    """Its name has a random suffix. Nor do its outputs collide with those of its parent."""
    stack = new_stack()
    nested = cdk.NestedStack(stack, "Nested")
    partner_in(stack, legal_name="One Corp")
    partner_in(nested, legal_name="Two Corp")
    assert exports_of(nested) == {"PartnerArn": None, "PartnerId": None, "PartnerProfileId": None}
    assert set(exports_of(stack)) == {"PartnerArn", "PartnerId", "PartnerProfileId"}


def test_duplicate_output_name_is_rejected() -> None:
    """A partner whose path has the same letters is rejected here, the user's own output by CDK."""
    stack = new_stack()
    partner_in(Construct(stack, "A"), "Partner", legal_name="One Corp")
    with pytest.raises(PartnerAccountError, match="export_names: 'Demo/A/Partner' exports 'Demo-APartner-Arn' too"):
        partner_in(stack, "APartner", legal_name="Two Corp")
    stack = new_stack()
    partner_in(stack)
    cdk.CfnOutput(stack, "PartnerArn", value="x")
    assert "section 'Outputs' already contains 'PartnerArn'" in synth_error_of(stack)


def test_stack_that_uses_an_output_value_imports_it() -> None:
    """Outputs and attributes alike are references."""
    app = new_app()
    partner = partner_in(cdk.Stack(app, "Demo"))
    output = partner.node.find_child("Arn")
    assert isinstance(output, cdk.CfnOutput)
    other = cdk.Stack(app, "Other")
    values = (str(output.value), partner.partner_arn, partner.partner_id, partner.profile_id)
    for number, value in enumerate(values):
        cdk.CfnOutput(other, f"Copy{number}", value=value)
    exported = {
        one["Export"]["Name"]: one["Value"]["Fn::GetAtt"][1] for one in template_of(partner)["Outputs"].values()
    }
    copies = [exported[one["Value"]["Fn::ImportValue"]] for one in template_of(other)["Outputs"].values()]
    assert copies == ["Arn", "Arn", "Id", "ProfileId"]


@pytest.mark.parametrize(
    ("props", "error"),
    [
        (
            {"outputs": False, "export_names": ExportNames(partner_arn="x")},
            "export_names: without outputs nothing is exported; remove it or outputs=False",
        ),
        (
            {"export_names": ExportNames(partner_arn="a_b")},
            "export_names: 'a_b' can contain only letters, digits, colons and hyphens",
        ),
        ({"export_names": ExportNames(profile_id="")}, "export_names: the name '' … has 0 characters"),
        ({"export_names": ExportNames(partner_id="x" * 256)}, "has 256 characters; allowed are 1 to 255"),
    ],
)
def test_names_that_cloudformation_would_refuse_are_refused(props: dict[str, Any], error: str) -> None:
    """It would do so after the partner exists."""
    (found,) = errors_of(**props)
    assert error in found


def test_path_that_makes_invalid_names_is_reported_with_alternatives() -> None:
    """Too long, or without a letter that CloudFormation accepts; a nested stack has no names to export."""
    with pytest.raises(ValueError, match=r"(?s)outputs: the name .*has 259 characters; allowed are 1.*outputs=False"):
        partner_in(Construct(new_stack(), "x" * 200), "y" * 50)
    with pytest.raises(ValueError, match="outputs: the path below the stack has no letter"):
        partner_in(new_stack(), "会社")
    with pytest.raises(ValueError, match="export_names: a nested stack exports nothing"):
        partner_in(cdk.NestedStack(new_stack(), "Nested"), export_names=ExportNames(partner_arn="x"))


def test_an_export_name_of_255_characters_passes() -> None:
    """The most that CloudFormation accepts."""
    stack = new_stack()
    partner_in(stack, "y" * 240)
    assert exports_of(stack)["y" * 240 + "ProfileId"] == f"Demo-{'y' * 240}-ProfileId"


def conditioned(partner: PartnerAccount, stack: cdk.Stack) -> None:
    """Put the partner under a condition, as a user does."""
    condition = cdk.CfnCondition(stack, "Wanted", expression=cdk.Fn.condition_equals(cdk.Aws.REGION, "eu-west-1"))
    resource = partner.node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.cfn_options.condition = condition


@jsii.implements(cdk.IAspect)
class Conditions:
    """Puts one partner of the stack under a condition."""

    def visit(self, node: IConstruct) -> None:
        """Whatever it is."""
        if isinstance(node, PartnerAccount) and node.node.id == "Partner":
            conditioned(node, cdk.Stack.of(node))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("by_aspect", [False, True])
def test_outputs_follow_the_condition_of_their_partner_unless_they_have_their_own(
    nested: bool, by_aspect: bool
) -> None:
    """CloudFormation refuses an output of a resource that isn't there; another partner's outputs are left alone."""
    stack: cdk.Stack = cdk.NestedStack(new_stack(), "Nested") if nested else new_stack()
    partner = partner_in(stack)
    partner_in(stack, "Other", legal_name="Other Corp")
    if by_aspect:
        cdk.Aspects.of(stack).add(Conditions())
    else:
        conditioned(partner, stack)
    output = partner.node.find_child("Arn")
    assert isinstance(output, cdk.CfnOutput)
    output.condition = cdk.CfnCondition(stack, "Own", expression=cdk.Fn.condition_equals("a", "b"))
    conditions = {name: output.get("Condition") for name, output in template_of(stack)["Outputs"].items()}
    assert conditions == {"PartnerArn": "Own", "PartnerId": "Wanted", "PartnerProfileId": "Wanted"} | {
        f"Other{attribute}": None for attribute in ATTRIBUTES
    }
