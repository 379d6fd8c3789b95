"""Which tags a partner gets, and the rules they must keep. Applying them is the handler's work."""

from collections.abc import Iterator, Mapping, Sequence

import jsii
from aws_cdk import Annotations, IAspect, IResolvable, Stack, TagManager, TagType
from constructs import IConstruct, IValidation

from partner_account.once import once

OWNERSHIP_TAG_KEY = "cdk-partner-account:owner"
RESOURCE_TYPE = "Custom::PartnerAccount"

# CreatePartner takes 200 tags, and the handler adds the ownership tag.
MOST_TAGS = 199
LONGEST_KEY = 128
LONGEST_VALUE = 256


def tag_manager_in(stack: Stack) -> TagManager:
    """A tag manager that starts with the tags given to `Stack(tags=…)`.

    CloudFormation hands stack tags on to no custom resource, and CDK's aspects bring only what
    `Tags.of` was told. They are taken as they are now, before any aspect has run, so that
    `Tags.of(stack).add(…, exclude_resource_types=["Custom::PartnerAccount"])` keeps its meaning.
    """
    tags = TagManager(TagType.KEY_VALUE, RESOURCE_TYPE)
    for ancestor_tags in _outermost_first(stack):
        for key, value in ancestor_tags.tag_values().items():
            tags.set_tag(key, value, _BELOW_TAGS_OF)
    return tags


# The priority that CDK gives to tags a resource is born with; `Tags.of(…).add` has 100.
_BELOW_TAGS_OF = 50


@once
def _outermost_first(stack: Stack) -> list[TagManager]:
    parent = stack.nested_stack_parent
    return [*(_outermost_first(parent) if parent else []), stack.tags]


@jsii.implements(IValidation)
class TagRules:
    """Reports every tag of a stack's partners that CreatePartner would refuse, once all aspects have run."""

    def __init__(self, stack: Stack) -> None:
        """Start without any partner; use `of`."""
        self._stack = stack
        self._tags: dict[str, IResolvable] = {}
        stack.node.add_validation(self)

    @staticmethod
    @once
    def of(stack: Stack) -> "TagRules":
        """The rules for a stack's partners."""
        return TagRules(stack)

    def watch(self, path: str, tags: IResolvable) -> None:
        """Watch what `TagManager.rendered_tags` is of the partner at `path`."""
        self._tags[path] = tags

    def validate(self) -> list[str]:
        """Say what is wrong with the tags; nothing if they are all right. What holds a token is left to the service."""
        # One question for all. What holds a token is no text in the answer.
        resolved: Mapping[str, Sequence[Mapping[str, object]]] = self._stack.resolve(self._tags)
        return [f"{path}: {mistake}" for path, tags in resolved.items() for mistake in _mistakes(tags)]


def _mistakes(tags: Sequence[Mapping[str, object]]) -> Iterator[str]:
    for tag in tags:
        yield from _key_mistakes(tag.get("Key"))
        yield from _value_mistakes(tag.get("Key"), tag.get("Value"))
    if len(tags) > MOST_TAGS:
        yield f"tags: {len(tags)} are too many; the service takes {MOST_TAGS} beside our own"


def _key_mistakes(key: object) -> Iterator[str]:
    if not isinstance(key, str):
        return
    if key.lower().startswith("aws:"):
        yield f"tags: the key {key!r} begins with aws:, which is reserved for AWS; rename it"
    if key == OWNERSHIP_TAG_KEY:
        yield f"tags: the key {key!r} is how this construct knows its partner; rename it"
    if not 0 < len(key) <= LONGEST_KEY:
        yield f"tags: a key of {len(key)} characters; allowed are 1 to {LONGEST_KEY}"


def _value_mistakes(key: object, value: object) -> Iterator[str]:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        yield f"tags: the value of {key!r} has {len(value)} characters; allowed are up to {LONGEST_VALUE}"


@jsii.implements(IAspect)
class SandboxTagNotice:
    """Tells the user that the tags meant for a partner in the Sandbox are not sent."""

    def __init__(self, partner: IConstruct, tags: TagManager) -> None:
        """Watch these tags of that partner."""
        self._partner = partner
        self._tags = tags

    def visit(self, node: IConstruct) -> None:
        """Leave a note on the partner if it has tags."""
        if node is self._partner and self._tags.tag_values():
            Annotations.of(node).add_info(
                "The Sandbox refuses tags in CreatePartner: those of this PartnerAccount are not sent."
            )
