"""Which tags reach a partner, from wherever in the app they come, and which are refused."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk.assertions import Annotations, Match
from constructs import Construct

from partner_account import PartnerAccount
from tests.construct.test_partners_of_an_app import (
    new_app,
    new_stack,
    partner_in,
    properties_of,
    resource_of,
    resources_of,
    sandbox_partner_in,
)

RESOURCE = "Custom::PartnerAccount"


def tags_of(partner: PartnerAccount) -> dict[str, str]:
    """The tags that the handler gets for the only partner of a stack."""
    return {tag["Key"]: tag["Value"] for tag in properties_of(partner).get("Tags", [])}


def refusal_of(partner: PartnerAccount) -> str:
    """The text with which synth stops."""
    with pytest.raises(RuntimeError) as refused:
        properties_of(partner)
    return str(refused.value)


def test_without_tags_the_property_is_absent() -> None:
    """A partner without tags has no property Tags at all."""
    stack = new_stack()
    partner_in(stack)
    assert "Tags" not in properties_of(stack)


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


def test_tags_of_a_stage() -> None:
    """A stage's tags reach its partners. CDK lets those of the app into no stage, of whatever resource."""
    app = new_app()
    stage = cdk.Stage(app, "Prod")
    stack = cdk.Stack(stage, "Demo")
    partner = partner_in(stack)
    cdk.Tags.of(app).add("of", "app")
    cdk.Tags.of(stage).add("team", "alliances")
    assert tags_of(partner) == {"team": "alliances"}


def test_the_tags_of_the_stack_itself() -> None:
    """`Stack(tags=…)` reaches the partner, which neither CloudFormation nor CDK does by itself."""
    assert tags_of(partner_in(new_stack(tags={"team": "alliances"}))) == {"team": "alliances"}


def test_every_partner_of_a_stack_is_tagged() -> None:
    """A tag of the stack reaches all of its partners, one of a partner only that one, and one in the Sandbox none."""
    stack = new_stack()
    _, two = [partner_in(stack, name, legal_name=name) for name in ("One", "Two")]
    sandbox_partner_in(stack, "Rehearsal")
    cdk.Tags.of(stack).add("team", "alliances")
    cdk.Tags.of(two).add("size", "large")
    found = resources_of(stack, RESOURCE)
    tags = {name.rstrip("0123456789ABCDEF"): resource["Properties"].get("Tags") for name, resource in found.items()}
    team = {"Key": "team", "Value": "alliances"}
    assert tags == {"One": [team], "Two": [{"Key": "size", "Value": "large"}, team], "Rehearsal": None}


def test_the_nearer_tag_wins() -> None:
    """The partner's own tag beats the stack's, and the stack's beats what the stack was born with."""
    stack = new_stack(tags={"a": "born", "b": "born", "c": "born"})
    partner = partner_in(stack)
    cdk.Tags.of(stack).add("b", "stack")
    cdk.Tags.of(stack).add("c", "stack")
    cdk.Tags.of(partner).add("c", "partner")
    assert tags_of(partner) == {"a": "born", "b": "stack", "c": "partner"}


def test_tags_that_exclude_partners() -> None:
    """A tag of the stack that excludes this resource type doesn't sneak in by the stack's own tags."""
    stack = new_stack()
    partner = partner_in(stack)
    cdk.Tags.of(stack).add("cost", "1", exclude_resource_types=[RESOURCE])
    assert tags_of(partner) == {}


def test_tags_that_include_partners_only() -> None:
    """A tag of the app that includes this resource type alone reaches the partner and no other resource."""
    stack = new_stack()
    partner = partner_in(stack)
    cdk.Tags.of(stack.node.root).add("kind", "partner", include_resource_types=[RESOURCE])
    cdk.Tags.of(stack).add("other", "queue", include_resource_types=["AWS::SQS::Queue"])
    assert tags_of(partner) == {"kind": "partner"}
    assert "Tags" not in resource_of(stack, "AWS::Lambda::Function")["Properties"]


@pytest.mark.parametrize("born", [True, False])
def test_tags_can_be_removed(born: bool) -> None:
    """`Tags.of(partner).remove` takes a tag away, wherever it came from."""
    stack = new_stack(tags={"team": "x"} if born else {})
    cdk.Tags.of(stack).add("team", "y")
    partner = partner_in(stack)
    cdk.Tags.of(partner).remove("team")
    assert tags_of(partner) == {}


def test_the_parents_tags_reach_a_nested_stack() -> None:
    """A partner in a nested stack gets the tags that its outermost stack was born with."""
    nested = cdk.NestedStack(new_stack(tags={"team": "x"}), "Nested")
    assert tags_of(partner_in(nested)) == {"team": "x"}


def test_order_does_not_matter() -> None:
    """Tags are sorted, so that the order in which they were added makes no change set."""
    templates = []
    for order in ("ab", "ba"):
        partner = partner_in(new_stack())
        for key in order:
            cdk.Tags.of(partner).add(key, "1")
        templates.append(properties_of(partner))
    assert templates[0] == templates[1]


def test_the_sandbox_gets_none() -> None:
    """The Sandbox refuses tags in CreatePartner, so none are sent, and a note says so."""
    stack = new_stack(tags={"a": "1"})
    partner = sandbox_partner_in(stack)
    cdk.Tags.of(partner).add("b", "2")
    assert "Tags" not in properties_of(stack)
    notes = Annotations.from_stack(stack).find_info("*", Match.any_value())
    assert [(note.id, note.entry.data) for note in notes] == [
        (
            "/Demo/Partner",
            "The Sandbox refuses tags in CreatePartner: those of this PartnerAccount are not sent.",
        )
    ]


def test_no_note_without_tags() -> None:
    """Who has no tags hears nothing about them."""
    stack = new_stack()
    sandbox_partner_in(stack)
    assert Annotations.from_stack(stack).find_info("*", Match.any_value()) == []


def test_all_mistaken_tags_at_once() -> None:
    """Every tag that the service or this construct refuses is named in one error."""
    partner = partner_in(new_stack())
    for key, value in {
        "aws:x": "1",
        "AWS:y": "1",
        "cdk-partner-account:owner": "me",
        "k" * 129: "1",
        "long": "v" * 257,
    }.items():
        cdk.Tags.of(partner).add(key, value)
    said = refusal_of(partner)
    assert "the key 'aws:x' begins with aws:, which is reserved for AWS; rename it" in said
    assert "the key 'AWS:y' begins with aws:" in said
    assert "the key 'cdk-partner-account:owner' is how this construct knows its partner; rename it" in said
    assert "a key of 129 characters; allowed are 1 to 128" in said
    assert "the value of 'long' has 257 characters; allowed are up to 256" in said


def add_many(partner: PartnerAccount, count: int) -> None:
    """Give the partner this many tags."""
    for number in range(count):
        partner.cdk_tag_manager.set_tag(f"key{number}", "")


def test_the_most_tags() -> None:
    """199 tags, at their greatest lengths, and an empty value pass: the ownership tag is the 200th."""
    partner = partner_in(new_stack())
    add_many(partner, 198)
    cdk.Tags.of(partner).add("k" * 128, "v" * 256)
    assert len(tags_of(partner)) == 199


def test_each_mistake_names_its_partner() -> None:
    """Of several partners the one is named whose tag is wrong."""
    stack = new_stack()
    partner_in(stack, "One", legal_name="One Corp")
    two = partner_in(stack, "Two", legal_name="Two Corp")
    cdk.Tags.of(two).add("aws:team", "x")
    said = refusal_of(two)
    assert "Demo/Two: tags: the key 'aws:team'" in said
    assert "Demo/One" not in said


def test_a_nested_stack_has_the_last_word() -> None:
    """Of one key that both stacks are given at birth, the nested one's value counts."""
    stack = cdk.Stack(new_app(), "Demo", tags={"team": "outer", "cost": "outer"})
    nested = cdk.NestedStack(stack, "Nested")
    nested.tags.set_tag("team", "inner")
    assert tags_of(partner_in(nested)) == {"team": "inner", "cost": "outer"}


@jsii.implements(cdk.IStableStringProducer)
class Produced:
    """A value that is known only in the end."""

    def __init__(self, value: str | None) -> None:
        """Produce that one."""
        self._value = value

    def produce(self) -> str | None:
        """The value."""
        return self._value


def test_values_that_only_synth_knows() -> None:
    """Tags are judged as they will stand in the template; what holds a token is left to the service."""
    partner = partner_in(new_stack())
    cdk.Tags.of(partner).add("none", cdk.Lazy.string(Produced(None)))
    cdk.Tags.of(partner).add("token", "v" * 256 + cdk.Aws.REGION)
    assert {tag["Key"] for tag in properties_of(partner)["Tags"]} == {"none", "token"}


def test_a_long_value_that_only_synth_knows() -> None:
    """It is refused as any other."""
    partner = partner_in(new_stack())
    cdk.Tags.of(partner).add("long", cdk.Lazy.string(Produced("v" * 257)))
    assert "tags: the value of 'long' has 257 characters" in refusal_of(partner)


def test_too_many_tags() -> None:
    """The 200th tag of the user has no room beside the ownership tag."""
    partner = partner_in(new_stack())
    add_many(partner, 200)
    assert "tags: 200 are too many; the service takes 199 beside our own" in refusal_of(partner)


def test_values_known_only_at_deployment() -> None:
    """A tag's value may be a token, which is passed on."""
    stack = new_stack()
    partner = partner_in(stack)
    cdk.Tags.of(partner).add("stage", cdk.CfnParameter(stack, "Stage").value_as_string)
    tags: list[Any] = properties_of(stack)["Tags"]
    assert tags == [{"Key": "stage", "Value": {"Ref": "Stage"}}]


def test_the_note_stands_in_stages() -> None:
    """Tags of a stage, too, are noted on a Sandbox partner that doesn't get them."""
    stage = cdk.Stage(new_app(), "Beta")
    stack = cdk.Stack(stage, "Demo")
    sandbox_partner_in(stack)
    cdk.Tags.of(stage).add("team", "x")
    assert len(Annotations.from_stack(stack).find_info("*", Match.any_value())) == 1
