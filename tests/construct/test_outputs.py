"""The stack outputs of a partner: how they are called and exported, and which names are refused."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from constructs import Construct, IConstruct

from partner_account import ExportNames, PartnerAccount, PartnerAccountError
from tests.construct.test_partners_of_an_app import new_app, new_stack, partner_in, resource_of, template_of


def exports_of(scope: Construct) -> dict[str, str | None]:
    """The export name of each output of a stack."""
    outputs: dict[str, Any] = template_of(scope).get("Outputs", {})
    return {name: output.get("Export", {}).get("Name") for name, output in outputs.items()}


def refusal_of(scope: Construct) -> str:
    """The text with which synth stops."""
    with pytest.raises(RuntimeError) as refused:
        template_of(scope)
    return str(refused.value)


def test_three_outputs() -> None:
    """Arn, Id and ProfileId are outputs named after the construct, exported under the stack's name."""
    stack = new_stack()
    partner_in(stack)
    assert exports_of(stack) == {
        "PartnerArn": "Demo-Partner-Arn",
        "PartnerId": "Demo-Partner-Id",
        "PartnerProfileId": "Demo-Partner-ProfileId",
    }


def test_outputs_hold_the_attributes() -> None:
    """Each output holds the attribute it is named after."""
    stack = new_stack()
    partner_in(stack)
    values = {name: output["Value"] for name, output in template_of(stack)["Outputs"].items()}
    assert values == {
        "PartnerArn": {"Fn::GetAtt": ["Partner776273A3", "Arn"]},
        "PartnerId": {"Fn::GetAtt": ["Partner776273A3", "Id"]},
        "PartnerProfileId": {"Fn::GetAtt": ["Partner776273A3", "ProfileId"]},
    }


def test_names_of_a_deeper_partner() -> None:
    """The name is made of the letters and digits of the path below the stack."""
    stack = cdk.Stack(cdk.Stage(new_app(), "Prod"), "Demo")
    partner_in(Construct(stack, "A-1"), "My_Partner")
    assert exports_of(stack) == {
        "A1MyPartnerArn": "Prod-Demo-A1MyPartner-Arn",
        "A1MyPartnerId": "Prod-Demo-A1MyPartner-Id",
        "A1MyPartnerProfileId": "Prod-Demo-A1MyPartner-ProfileId",
    }


def test_own_export_names() -> None:
    """An export name that is given replaces the default; the others stay."""
    stack = new_stack()
    partner_in(stack, export_names=ExportNames(partner_id="apn:partner-id"))
    assert exports_of(stack) == {
        "PartnerArn": "Demo-Partner-Arn",
        "PartnerId": "apn:partner-id",
        "PartnerProfileId": "Demo-Partner-ProfileId",
    }


def test_no_outputs() -> None:
    """Who wants no outputs gets none."""
    stack = new_stack()
    partner_in(stack, outputs=False)
    assert exports_of(stack) == {}


def test_a_nested_stack_exports_nothing() -> None:
    """A nested stack has outputs, but no exports: its name changes with every deployment elsewhere."""
    nested = cdk.NestedStack(new_stack(), "Nested")
    partner_in(nested)
    assert exports_of(nested) == {"PartnerArn": None, "PartnerId": None, "PartnerProfileId": None}


@pytest.mark.parametrize("name", ["PartnerArn", "Partner-Arn"])
def test_an_output_of_the_user_with_the_same_name(name: str) -> None:
    """An output that the stack has already is told by its logical id, with what can be done."""
    stack = new_stack()
    partner_in(stack)
    cdk.CfnOutput(stack, name, value="x")
    said = refusal_of(stack)
    assert "[Demo] 2 outputs of this stack have the logical id PartnerArn; rename one, or give" in said
    assert "outputs=False" in said


def test_two_partners_whose_names_become_one() -> None:
    """`A/Partner` and `APartner` would have the same outputs, and all six collisions are told at once."""
    stack = new_stack()
    partner_in(Construct(stack, "A"), "Partner", legal_name="One Corp")
    partner_in(stack, "APartner", legal_name="Two Corp")
    said = refusal_of(stack)
    assert said.count("2 outputs of this stack have the logical id APartner") == 3
    assert said.count("2 outputs of this stack have the export name Demo-APartner-") == 3


def test_an_export_of_the_user_with_the_same_name() -> None:
    """An export name that the stack has already is found before CloudFormation finds it."""
    stack = new_stack()
    partner_in(stack)
    cdk.CfnOutput(stack, "Other", value="x", export_name="Demo-Partner-Id")
    assert "2 outputs of this stack have the export name Demo-Partner-Id" in refusal_of(stack)


def test_a_collision_that_an_escape_hatch_resolves() -> None:
    """Whoever gives our output other names than it was made with, may use these for their own."""
    stack = new_stack()
    output = partner_in(stack).node.find_child("Arn")
    assert isinstance(output, cdk.CfnOutput)
    output.override_logical_id("TheirArn")
    output.export_name = "their-arn"
    cdk.CfnOutput(stack, "PartnerArn", value="x", export_name="Demo-Partner-Arn")
    assert exports_of(stack)["PartnerArn"] == "Demo-Partner-Arn"
    assert exports_of(stack)["TheirArn"] == "their-arn"


def test_a_collision_that_an_escape_hatch_makes() -> None:
    """CloudFormation would find it only in the deployment."""
    stack = new_stack()
    output = partner_in(stack).node.find_child("Arn")
    assert isinstance(output, cdk.CfnOutput)
    output.export_name = "their-arn"
    cdk.CfnOutput(stack, "Other", value="x", export_name="their-arn")
    assert "2 outputs of this stack have the export name their-arn" in refusal_of(stack)


def test_an_output_of_ours_is_a_reference() -> None:
    """Another stack that takes the value of an output imports it."""
    app = new_app()
    output = partner_in(cdk.Stack(app, "Demo")).node.find_child("Arn")
    assert isinstance(output, cdk.CfnOutput)
    other = cdk.Stack(app, "Other")
    cdk.CfnOutput(other, "Copy", value=str(output.value))
    assert "Fn::ImportValue" in template_of(other)["Outputs"]["Copy"]["Value"]


def test_collisions_inside_a_stage() -> None:
    """Collisions are found in a stage's stacks as well."""
    stack = cdk.Stack(cdk.Stage(new_app(), "Prod"), "Demo")
    partner_in(stack)
    cdk.CfnOutput(stack, "PartnerId", value="x")
    assert "2 outputs of this stack have the logical id PartnerId" in refusal_of(stack)


def test_a_nested_stack_has_its_own_names() -> None:
    """A nested stack's outputs don't collide with those of its parent."""
    stack = new_stack()
    partner_in(stack, legal_name="One Corp")
    partner_in(cdk.NestedStack(stack, "Nested"), legal_name="Two Corp")
    assert set(exports_of(stack)) == {"PartnerArn", "PartnerId", "PartnerProfileId"}


def test_one_export_name_in_two_stacks() -> None:
    """Export names are unique per AWS account and region: two stacks of one app can't share one."""
    app = new_app()
    names = ExportNames(partner_arn="apn-arn")
    partner_in(cdk.Stack(app, "One"), legal_name="One Corp", export_names=names)
    with pytest.raises(PartnerAccountError, match="export_names: 'One/Partner' exports 'apn-arn' too"):
        partner_in(cdk.Stack(app, "Two"), legal_name="Two Corp", export_names=names)


def test_one_export_name_in_two_regions() -> None:
    """Stacks of different regions may share an export name."""
    app = new_app()
    names = ExportNames(partner_arn="apn-arn")
    stacks = [
        cdk.Stack(app, region, env=cdk.Environment(account="111111111111", region=region))
        for region in ("eu-west-1", "eu-central-1")
    ]
    for stack in stacks:
        partner_in(stack, legal_name=f"{stack.region} Corp", export_names=names)
    assert [exports_of(stack)["PartnerArn"] for stack in stacks] == ["apn-arn", "apn-arn"]


@pytest.mark.parametrize(
    ("props", "mistake"),
    [
        (
            {"outputs": False, "export_names": ExportNames(partner_arn="x")},
            "export_names: without outputs nothing is exported; leave them or outputs=False out",
        ),
        (
            {"export_names": ExportNames(partner_arn="a/b")},
            "export_names: 'a/b' may hold only letters, digits, colons and hyphens",
        ),
        ({"export_names": ExportNames(profile_id="")}, "export_names: the name '' … has 0 characters"),
        ({"export_names": ExportNames(partner_id="x" * 256)}, "has 256 characters; allowed are 1 to 255"),
    ],
)
def test_names_that_are_refused(props: dict[str, Any], mistake: str) -> None:
    """Names that CloudFormation would refuse after the partner exists are refused before."""
    with pytest.raises(PartnerAccountError) as refused:
        partner_in(new_stack(), **props)
    assert mistake in str(refused.value)


def test_names_too_long() -> None:
    """Names that a deep path makes longer than 255 characters are told, with the ways out."""
    with pytest.raises(PartnerAccountError) as refused:
        partner_in(Construct(new_stack(), "x" * 200), "y" * 50)
    said = str(refused.value)
    assert "outputs: the name" in said
    assert "has 259 characters; allowed are 1 to 255" in said
    assert "outputs=False" in said


def test_names_just_short_enough() -> None:
    """An export name of 255 characters passes."""
    stack = new_stack()
    partner_in(stack, "y" * 240)
    assert exports_of(stack)["y" * 240 + "ProfileId"] == f"Demo-{'y' * 240}-ProfileId"


def test_a_path_without_letters() -> None:
    """An id without a letter or digit that CloudFormation knows can't name an output."""
    with pytest.raises(PartnerAccountError, match="outputs: the path below the stack has no letter"):
        partner_in(new_stack(), "会社")


def test_own_names_in_a_nested_stack() -> None:
    """Export names given in a nested stack would be ignored, so they are refused."""
    nested = cdk.NestedStack(new_stack(), "Nested")
    with pytest.raises(PartnerAccountError, match="export_names: a nested stack exports nothing"):
        partner_in(nested, export_names=ExportNames(partner_arn="x"))


def conditioned(partner: PartnerAccount, stack: cdk.Stack) -> cdk.CfnCondition:
    """Put the partner under a condition, as a user does."""
    condition = cdk.CfnCondition(stack, "Wanted", expression=cdk.Fn.condition_equals(cdk.Aws.REGION, "eu-west-1"))
    resource = partner.node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.cfn_options.condition = condition
    return condition


def conditions_of(stack: cdk.Stack) -> dict[str, str | None]:
    """The condition of each output."""
    return {name: output.get("Condition") for name, output in template_of(stack)["Outputs"].items()}


@pytest.mark.parametrize("nested", [False, True])
def test_outputs_follow_the_condition_of_their_partner(nested: bool) -> None:
    """CloudFormation refuses an output of a resource that isn't there; another partner's outputs are left alone."""
    stack: cdk.Stack = cdk.NestedStack(new_stack(), "Nested") if nested else new_stack()
    conditioned(partner_in(stack), stack)
    partner_in(stack, "Other", legal_name="Other Corp")
    assert conditions_of(stack) == {
        f"{partner}{attribute}": condition
        for partner, condition in {"Partner": "Wanted", "Other": None}.items()
        for attribute in ("Arn", "Id", "ProfileId")
    }


def test_an_aspect_may_set_the_condition() -> None:
    """It is looked at when all aspects have run."""

    @jsii.implements(cdk.IAspect)
    class Conditions:
        """Puts each partner of the stack under a condition."""

        def visit(self, node: IConstruct) -> None:
            """Whatever it is."""
            if isinstance(node, PartnerAccount):
                conditioned(node, cdk.Stack.of(node))

    stack = new_stack()
    partner_in(stack)
    cdk.Aspects.of(stack).add(Conditions())
    assert set(conditions_of(stack).values()) == {"Wanted"}


def test_an_output_keeps_its_own_condition() -> None:
    """Whoever has set one on it means it."""
    stack = new_stack()
    partner = partner_in(stack)
    conditioned(partner, stack)
    output = partner.node.find_child("Arn")
    assert isinstance(output, cdk.CfnOutput)
    output.condition = cdk.CfnCondition(stack, "Own", expression=cdk.Fn.condition_equals("a", "b"))
    assert conditions_of(stack) == {"PartnerArn": "Own", "PartnerId": "Wanted", "PartnerProfileId": "Wanted"}


def test_a_condition_needs_no_outputs() -> None:
    """Without outputs there is nothing to follow."""
    stack = new_stack()
    conditioned(partner_in(stack, outputs=False), stack)
    assert resource_of(stack)["Condition"] == "Wanted"
