"""Which tags a partner gets, and the rules they must keep. Applying them is the handler's work."""

import jsii
from aws_cdk import Annotations, IAspect, Stack, TagManager, TagType
from constructs import IConstruct, IValidation

from partner_account.tokens import holds_token

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
    for ancestor in _outermost_first(stack):
        for key, value in ancestor.tags.tag_values().items():
            tags.set_tag(key, value, _BELOW_TAGS_OF)
    return tags


# The priority that CDK gives to tags a resource is born with; `Tags.of(…).add` has 100.
_BELOW_TAGS_OF = 50


def _outermost_first(stack: Stack) -> list[Stack]:
    parent = stack.nested_stack_parent
    return [*(_outermost_first(parent) if parent else []), stack]


@jsii.implements(IValidation)
class TagRules:
    """Reports every tag that CreatePartner would refuse, once all aspects have run."""

    def __init__(self, tags: TagManager) -> None:
        """Watch these tags."""
        self._tags = tags

    def validate(self) -> list[str]:
        """Say what is wrong with the tags; nothing if they are all right."""
        tags = self._tags.tag_values()
        mistakes = [mistake for key, value in tags.items() for mistake in _mistakes(key, value)]
        if len(tags) > MOST_TAGS:
            mistakes.append(f"tags: {len(tags)} are too many; the service takes {MOST_TAGS} beside our own")
        return mistakes


def _mistakes(key: str, value: str) -> list[str]:
    found = []
    if key.lower().startswith("aws:"):
        found.append(f"tags: the key {key!r} begins with aws:, which is reserved for AWS; rename it")
    if key == OWNERSHIP_TAG_KEY:
        found.append(f"tags: the key {key!r} is how this construct knows its partner; rename it")
    if not key or _longer(key, LONGEST_KEY):
        found.append(f"tags: a key of {len(key)} characters; allowed are 1 to {LONGEST_KEY}")
    if _longer(value, LONGEST_VALUE):
        found.append(f"tags: the value of {key!r} has {len(value)} characters; allowed are up to {LONGEST_VALUE}")
    return found


def _longer(text: str, limit: int) -> bool:
    return len(text) > limit and not holds_token(text)


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
                "The Sandbox catalog refuses tags: those of this PartnerAccount are not sent."
            )
