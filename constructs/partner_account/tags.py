"""Which tags a partner gets, and the rules they must keep. Applying them is the handler's work."""

from collections.abc import Iterator, Mapping, Sequence

from aws_cdk import Stack, TagManager, TagType

from partner_account.resource import RESOURCE_TYPE
from partner_account_handler.identity import OWNER_TAG

# CreatePartner takes 200 tags, and the handler adds the ownership tag.
MAX_TAGS = 199
MAX_KEY_LENGTH = 128
MAX_VALUE_LENGTH = 256

# The priority that CDK gives to tags a resource is born with; `Tags.of(…).add` has 100.
_BELOW_TAGS_OF = 50


def tag_manager_in(stack: Stack) -> TagManager:
    """A tag manager that starts with the tags given to `Stack(tags=…)`.

    CloudFormation hands stack tags on to no custom resource, and CDK's aspects bring only what
    `Tags.of` was told. They are taken as they are now, before any aspect has run, so that
    `Tags.of(stack).add(…, exclude_resource_types=["Custom::PartnerAccount"])` keeps its meaning.
    """
    tags = TagManager(TagType.KEY_VALUE, RESOURCE_TYPE)
    for key, value in _stack_tags(stack).items():
        tags.set_tag(key, value, _BELOW_TAGS_OF)
    return tags


def _stack_tags(stack: Stack) -> dict[str, str]:
    parent = stack.nested_stack_parent
    return {**(_stack_tags(parent) if parent else {}), **stack.tags.tag_values()}


def tag_errors(tags: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """What CreatePartner would refuse of rendered tags, or the construct keeps for itself.

    A key or value that is no string holds a token, and is left to the service.
    """
    for tag in tags:
        key, value = tag.get("Key"), tag.get("Value")
        if isinstance(key, str):
            if key.lower().startswith("aws:"):
                yield f"tags: the key {key!r} begins with aws:, which is reserved for AWS; rename it"
            # The service may take keys that differ in case for one.
            if key.casefold() == OWNER_TAG:
                yield f"tags: the key {key!r} is how this construct knows its partner; rename it"
            if not 0 < len(key) <= MAX_KEY_LENGTH:
                yield f"tags: a key has {len(key)} characters; allowed are 1 to {MAX_KEY_LENGTH}"
        if isinstance(value, str) and len(value) > MAX_VALUE_LENGTH:
            yield f"tags: the value of {key!r} has {len(value)} characters; allowed are up to {MAX_VALUE_LENGTH}"
    if len(tags) > MAX_TAGS:
        yield f"tags: {len(tags)} are too many; the service takes {MAX_TAGS} beside the construct's own"
