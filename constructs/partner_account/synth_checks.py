"""Validates what is known only at the end of synth, when all aspects have run: a partner's tags, `Lazy` values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsii
from aws_cdk import Annotations, CfnOutput, CfnResource, Stack, TagManager, TagType
from constructs import Construct, IValidation

from partner_account.grants import IPartnerAccount
from partner_account.props import Catalog
from partner_account.resource import PARTNER_TYPE, retain
from partner_account.tokens import holds_token, literal_in_resolved
from partner_account_handler.identity import OWNER_TAG
from partner_account_handler.texts import text_errors

# CreatePartner takes 200 tags, and the handler adds the ownership tag.
_MAX_TAGS = 199
_MAX_KEY_LENGTH = 128
_MAX_VALUE_LENGTH = 256

# The priority that CDK gives to a resource's initial tags; `Tags.of(…).add` has 100.
_BELOW_TAGS_OF = 50


@jsii.implements(IValidation)
class SynthChecks:
    """Validates the texts of a partner or a profile, as a validation of its construct."""

    def __init__(
        self, construct: Construct, texts: Mapping[str, str], resource: CfnResource, outputs: Sequence[CfnOutput]
    ) -> None:
        """Validate these texts, by prop; `outputs` are those of `resource`."""
        self._construct = construct
        self._texts = {prop: text for prop, text in texts.items() if holds_token(text)}
        self._resource = resource
        self._outputs = outputs

    def validate(self) -> list[str]:
        """The errors; also brings the resource and its outputs up to date."""
        retain(self._resource)  # once more, after all aspects: the last override wins
        # CloudFormation refuses an output of a resource that doesn't exist.
        if condition := self._resource.cfn_options.condition:
            for output in self._outputs:
                output.condition = output.condition or condition
        resolved: Mapping[str, Any] = Stack.of(self._construct).resolve(self._texts)
        texts = {prop: literal_in_resolved(value) for prop, value in resolved.items()}
        return [f"{prop}: {error}" for prop, text in texts.items() for error in text_errors(text)]


@jsii.implements(IValidation)
class TagChecks:
    """Validates a partner's tags, as a validation of its construct."""

    def __init__(self, partner: IPartnerAccount, tags: TagManager) -> None:
        """Validate these tags of that partner."""
        self._partner = partner
        self._tags = tags

    def validate(self) -> list[str]:
        """The errors; in the Sandbox, where no tags are sent, a note instead."""
        if self._partner.catalog == Catalog.AWS:
            return list(_tag_errors(Stack.of(self._partner).resolve(self._tags.rendered_tags) or []))
        if self._tags.tag_values():
            Annotations.of(self._partner).add_info(
                "The Sandbox refuses tags in CreatePartner: those of this PartnerAccount are not sent."
            )
        return []


def tag_manager_in(stack: Stack) -> TagManager:
    """A tag manager that starts with the tags given to `Stack(tags=…)`.

    CloudFormation doesn't propagate stack tags to custom resources, and CDK's aspects apply only
    those of `Tags.of`. They are read now, before any aspect has run, so that
    `Tags.of(stack).add(…, exclude_resource_types=["Custom::PartnerAccount"])` keeps its meaning.
    """
    tags = TagManager(TagType.KEY_VALUE, PARTNER_TYPE)
    for key, value in _stack_tags(stack).items():
        tags.set_tag(key, value, _BELOW_TAGS_OF)
    return tags


def _stack_tags(stack: Stack) -> dict[str, str]:
    parent = stack.nested_stack_parent
    return {**(_stack_tags(parent) if parent else {}), **stack.tags.tag_values()}


def _tag_errors(tags: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """The rendered tags that CreatePartner would refuse, or that the construct reserves.

    A key or value that isn't a string contains a token, and is left to the service.
    """
    for tag in tags:
        key, value = tag.get("Key"), tag.get("Value")
        if isinstance(key, str):
            if key.lower().startswith("aws:"):
                yield f"tags: the key {key!r} begins with aws:, which is reserved for AWS; rename it"
            # The service may treat keys that differ only in case as one.
            if key.casefold() == OWNER_TAG:
                yield f"tags: the key {key!r} is reserved for this construct's ownership tag; rename it"
            if not 0 < len(key) <= _MAX_KEY_LENGTH:
                yield f"tags: a key has {len(key)} characters; allowed are 1 to {_MAX_KEY_LENGTH}"
        if isinstance(value, str) and len(value) > _MAX_VALUE_LENGTH:
            yield f"tags: the value of {key!r} has {len(value)} characters; allowed are up to {_MAX_VALUE_LENGTH}"
    if len(tags) > _MAX_TAGS:
        yield f"tags: {len(tags)} are too many; the service accepts {_MAX_TAGS} besides the construct's own"
