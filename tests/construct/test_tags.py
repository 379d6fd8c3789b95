"""Which tags reach a partner, from any level of the app, and which are rejected."""

from __future__ import annotations

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk.assertions import Annotations, Match
from constructs import Construct

from partner_account import PartnerAccount
from tests.construct.apps import (
    new_app,
    new_stack,
    partner_in,
    properties_of,
    resource_of,
    resources_of,
    sandbox_partner_in,
    synth_error_of,
)

pytestmark = pytest.mark.versions

RESOURCE = "Custom::PartnerAccount"


def tags_of(partner: PartnerAccount) -> dict[str, str]:
    """The tags that the handler gets for the only partner of a stack."""
    return {tag["Key"]: tag["Value"] for tag in properties_of(partner).get("Tags", [])}


@pytest.mark.parametrize("level", ["partner", "around it", "stack", "app"])
@pytest.mark.parametrize("explicit", [True, False])
def test_tags_come_from_every_level(level: str, explicit: bool) -> None:
    """`Tags.of` works alike on the partner and on all that is around it, with CDK's `explicitStackTags` and without."""
    app = new_app()
    app.node.set_context("@aws-cdk/core:explicitStackTags", explicit)
    stack = cdk.Stack(app, "Demo")
    around = Construct(stack, "Around")
    partner = partner_in(around)
    tagged = {"partner": partner, "around it": around, "stack": stack, "app": app}[level]
    cdk.Tags.of(tagged).add("team", "alliances")
    assert tags_of(partner) == {"team": "alliances"}


def test_tags_of_a_stage_reach_its_partners() -> None:
    """CDK lets those of the app into no stage, of whatever resource."""
    app = new_app()
    stage = cdk.Stage(app, "Prod")
    partner = partner_in(cdk.Stack(stage, "Demo"))
    cdk.Tags.of(app).add("of", "app")
    cdk.Tags.of(stage).add("team", "alliances")
    assert tags_of(partner) == {"team": "alliances"}


def test_a_tag_of_the_stack_reaches_all_of_its_partners_but_those_in_the_sandbox() -> None:
    """And one of a partner only that one. They are sorted, so that their order makes no change."""
    stack = new_stack()
    _, two = [partner_in(stack, name, legal_name=name) for name in ("One", "Two")]
    sandbox_partner_in(stack, "Rehearsal")
    cdk.Tags.of(stack).add("team", "alliances")
    cdk.Tags.of(two).add("size", "large")
    found = resources_of(stack, RESOURCE)
    tags = {name.rstrip("0123456789ABCDEF"): resource["Properties"].get("Tags") for name, resource in found.items()}
    team = {"Key": "team", "Value": "alliances"}
    assert tags == {"One": [team], "Two": [{"Key": "size", "Value": "large"}, team], "Rehearsal": None}


def test_nearest_tag_with_a_key_wins() -> None:
    """The partner's own beats the stack's, that beats what the stack was born with, and a nested one its parent's.

    `Stack(tags=…)` reaches the partner, which neither CloudFormation nor CDK does by itself.
    """
    stack = new_stack(tags={"a": "outer", "b": "outer", "c": "outer", "d": "outer"})
    nested = cdk.NestedStack(stack, "Nested")
    nested.tags.set_tag("b", "inner")
    partner = partner_in(nested)
    cdk.Tags.of(nested).add("c", "nested")
    cdk.Tags.of(nested).add("d", "nested")
    cdk.Tags.of(partner).add("d", "partner")
    assert tags_of(partner) == {"a": "outer", "b": "inner", "c": "nested", "d": "partner"}


def test_tags_may_include_or_exclude_the_resource_type_of_partners() -> None:
    """An excluded one doesn't sneak in by the stack's own tags; an included one reaches no other resource."""
    stack = new_stack()
    partner = partner_in(stack)
    cdk.Tags.of(stack).add("cost", "1", exclude_resource_types=[RESOURCE])
    cdk.Tags.of(stack.node.root).add("kind", "partner", include_resource_types=[RESOURCE])
    cdk.Tags.of(stack).add("other", "queue", include_resource_types=["AWS::SQS::Queue"])
    assert tags_of(partner) == {"kind": "partner"}
    function_tags = resource_of(stack, "AWS::Lambda::Function")["Properties"]["Tags"]
    assert [tag["Key"] for tag in function_tags] == ["cost"]


@pytest.mark.parametrize("born", [True, False])
def test_tag_can_be_removed_whatever_its_source(born: bool) -> None:
    """By `Tags.of(partner).remove`."""
    stack = new_stack(tags={"team": "x"} if born else {})
    cdk.Tags.of(stack).add("team", "y")
    partner = partner_in(stack)
    cdk.Tags.of(partner).remove("team")
    assert tags_of(partner) == {}


@pytest.mark.parametrize("in_stage", [True, False])
def test_sandbox_partner_gets_no_tags_and_a_note(in_stage: bool) -> None:
    """It refuses them in CreatePartner."""
    app = new_app()
    stack = cdk.Stack(cdk.Stage(app, "Beta") if in_stage else app, "Demo", tags={"a": "1"})
    cdk.Tags.of(sandbox_partner_in(stack)).add("b", "2")
    assert "Tags" not in properties_of(stack)
    notes = Annotations.from_stack(stack).find_info("*", Match.any_value())
    assert [(note.id, note.entry.data) for note in notes] == [
        (
            f"/{stack.node.path}/Partner",
            "The Sandbox refuses tags in CreatePartner: those of this PartnerAccount are not sent.",
        )
    ]


def test_sandbox_partner_without_tags_adds_no_note() -> None:
    """There is nothing to report."""
    stack = new_stack()
    sandbox_partner_in(stack)
    assert Annotations.from_stack(stack).find_info("*", Match.any_value()) == []


@jsii.implements(cdk.IStableStringProducer)
class Produced:
    """A value that is known only in the end."""

    def __init__(self, value: str | None) -> None:
        """Produce that one."""
        self._value = value

    def produce(self) -> str | None:
        """The value."""
        return self._value


def test_all_invalid_tags_of_a_partner_are_reported_at_once() -> None:
    """At synth, when each `Lazy` has its value; of several partners the one is named whose tags are wrong."""
    stack = new_stack()
    partner_in(stack, "One", legal_name="One Corp")
    two = partner_in(stack, "Two", legal_name="Two Corp")
    for key, value in {
        "aws:x": "1",
        "AWS:y": "1",
        "cdk-partner-account:owner": "me",
        "CDK-Partner-Account:Owner": "me",
        "k" * 129: "1",
        "long": "v" * 257,
        "later": cdk.Lazy.string(Produced("v" * 257)),
    }.items():
        cdk.Tags.of(two).add(key, value)
    told = synth_error_of(two)
    for error in (
        "the key 'aws:x' begins with aws:, which is reserved for AWS; rename it",
        "the key 'AWS:y' begins with aws:, which is reserved for AWS; rename it",
        "the key 'cdk-partner-account:owner' is reserved for this construct's ownership tag; rename it",
        "the key 'CDK-Partner-Account:Owner' is reserved for this construct's ownership tag; rename it",
        "a key has 129 characters; allowed are 1 to 128",
        "the value of 'long' has 257 characters; allowed are up to 256",
        "the value of 'later' has 257 characters; allowed are up to 256",
    ):
        assert f"[Demo/Two] tags: {error}" in told
    assert "Demo/One" not in told


@pytest.mark.parametrize(("count", "passes"), [(199, True), (200, False)])
def test_a_partner_takes_199_tags_beside_the_ownership_tag(count: int, passes: bool) -> None:
    """CreatePartner accepts 200; keys and values of maximum length, and empty values, pass."""
    partner = partner_in(new_stack())
    for number in range(count - 1):
        partner.cdk_tag_manager.set_tag(f"key{number}", "")
    cdk.Tags.of(partner).add("k" * 128, "v" * 256)
    if passes:
        assert len(tags_of(partner)) == 199
    else:
        assert "tags: 200 are too many; the service accepts 199 besides the construct's own" in synth_error_of(partner)


def test_tag_parts_known_only_at_deployment_are_left_to_the_service() -> None:
    """It is passed on as it is; a value that turns out to be none, too."""
    stack = new_stack()
    partner = partner_in(stack)
    cdk.Tags.of(partner).add("none", cdk.Lazy.string(Produced(None)))
    cdk.Tags.of(partner).add("stage", "v" * 256 + cdk.CfnParameter(stack, "Stage").value_as_string)
    none, stage = properties_of(stack)["Tags"]
    assert none["Key"] == "none"
    assert stage["Value"] == {"Fn::Join": ["", ["v" * 256, {"Ref": "Stage"}]]}
