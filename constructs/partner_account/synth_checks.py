"""What of a partner can be judged only at the end of synth: when all aspects have run and each `Lazy` has its value."""

from collections.abc import Mapping, Sequence
from typing import Any

import jsii
from aws_cdk import Annotations, CfnOutput, CfnResource, Stack, TagManager
from constructs import IValidation

from partner_account.grants import IPartnerAccount
from partner_account.props import Catalog
from partner_account.tags import tag_errors
from partner_account.tokens import holds_token, literal_in_resolved
from partner_account_handler.texts import text_errors


@jsii.implements(IValidation)
class SynthChecks:
    """Judges one partner, by the validation of its construct."""

    def __init__(
        self,
        partner: IPartnerAccount,
        texts: Mapping[str, str],
        tags: TagManager,
        resource: CfnResource,
        outputs: Sequence[CfnOutput],
    ) -> None:
        """Judge these texts, by their props, and tags; `outputs` are those of `resource`."""
        self._partner = partner
        self._texts = {prop: text for prop, text in texts.items() if holds_token(text)}
        self._tags = tags
        self._resource = resource
        self._outputs = outputs

    def validate(self) -> list[str]:
        """What is wrong; and bring the outputs and the notes up to date."""
        # CloudFormation refuses an output of a resource that isn't there.
        if condition := self._resource.cfn_options.condition:
            for output in self._outputs:
                output.condition = output.condition or condition
        watched: dict[str, Any] = {"texts": self._texts}
        if self._partner.catalog == Catalog.AWS:
            watched["tags"] = self._tags.rendered_tags
        elif self._tags.tag_values():
            Annotations.of(self._partner).add_info(
                "The Sandbox refuses tags in CreatePartner: those of this PartnerAccount are not sent."
            )
        resolved: Mapping[str, Any] = Stack.of(self._partner).resolve(watched)
        texts = {prop: literal_in_resolved(value) for prop, value in resolved["texts"].items()}
        errors = [f"{prop}: {error}" for prop, text in texts.items() for error in text_errors(text)]
        return [*errors, *tag_errors(resolved.get("tags", []))]
