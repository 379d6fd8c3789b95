"""The stack outputs of a partner and of a profile, and the names under which they are exported."""

import re
from collections.abc import Iterator, Mapping

from aws_cdk import CfnOutput, CfnResource, Stack
from constructs import Construct, IConstruct

from partner_account.errors import string_error
from partner_account.tokens import holds_token

_MAX_NAME_LENGTH = 255

_PROFILE_ID = {"ProfileId": "Id of the partner's profile, or pending until the service returns one"}

PARTNER_ATTRIBUTES = {
    "Arn": "ARN of the AWS Partner Central account",
    "Id": "Id of the AWS Partner Central account",
    **_PROFILE_ID,
}
"""The attributes that the custom resource of a partner returns, with their descriptions."""

PROFILE_ATTRIBUTES = {
    **_PROFILE_ID,
    "TaskStatus": "SUCCEEDED if the profile matches the template, IN_PROGRESS while AWS validates or reviews it",
}
"""The attributes that the custom resource of a profile returns, with their descriptions."""


class OutputNames:
    """The names of a construct's outputs, and those under which they are exported."""

    def __init__(
        self,
        construct: Construct,
        attributes: Mapping[str, str],
        *,
        outputs: bool,
        prop: str,
        chosen: Mapping[str, str | None],
    ) -> None:
        """Derive them from the construct's path below its stack, and from the names that the user chooses.

        Args:
            construct: The construct with the outputs.
            attributes: The attributes of its custom resource, each with the description of its output.
            outputs: Whether there are any.
            prop: The prop that sets the export names.
            chosen: Those names, by the attributes that are exported; None leaves the default.
        """
        stack = Stack.of(construct)
        path = path_below(stack, construct)
        self._attributes = attributes
        self._outputs = outputs
        self.prop = prop
        """The prop that sets the export names."""

        self._has_chosen = any(name is not None for name in chosen.values())
        self._is_nested = stack.nested
        self.prefix = _letters_and_digits(path)
        """The prefix of all output names."""

        self.logical_ids: Mapping[str, str] = (
            {attribute: f"{self.prefix}{attribute}" for attribute in attributes} if outputs else {}
        )
        """By attribute; empty without outputs."""

        # A nested stack's name has a random suffix, so an export named after it would be useless.
        exported = chosen if outputs and not self._is_nested else {}
        self.exports: Mapping[str, str] = {
            attribute: export_name(stack.stack_name, path, attribute) if name is None else name
            for attribute, name in exported.items()
        }
        """By attribute; empty in a nested stack."""

    def errors(self) -> Iterator[str]:
        """The names that CloudFormation would refuse."""
        if not isinstance(self._outputs, bool):
            yield "outputs: must be True or False"
        if self._has_chosen and not self._outputs:
            yield f"{self.prop}: without outputs nothing is exported; remove it or outputs=False"
        if self._has_chosen and self._is_nested:
            yield f"{self.prop}: a nested stack exports nothing; remove it, or export in the parent"
        if self._outputs and not self.prefix:
            yield "outputs: the path below the stack has no letter (A-Z) or digit to name them by; rename it"
        for logical_id in self.logical_ids.values():
            yield from self._length_errors("outputs: the name", logical_id)
        for name in self.exports.values():
            yield from self._export_errors(name)

    def _export_errors(self, name: object) -> Iterator[str]:
        if not isinstance(name, str):
            yield string_error(self.prop, name)
        elif not holds_token(name):
            yield from self._length_errors(f"{self.prop}: the name", name)
            if not re.fullmatch(r"[A-Za-z0-9:-]*", name):
                yield f"{self.prop}: {name!r} can contain only letters, digits, colons and hyphens"

    def _length_errors(self, what: str, name: str) -> Iterator[str]:
        if not 0 < len(name) <= _MAX_NAME_LENGTH:
            yield (
                f"{what} {name[:40]!r} … has {len(name)} characters; allowed are 1 to {_MAX_NAME_LENGTH}: shorten "
                f"the construct's ids, choose other names with {self.prop}, or set outputs=False"
            )

    def add(self, construct: Construct, resource: CfnResource) -> list[CfnOutput]:
        """Add the outputs to the stack."""
        outputs = []
        for attribute, logical_id in self.logical_ids.items():
            output = CfnOutput(
                construct,
                attribute,
                value=resource.get_att(attribute).to_string(),
                description=self._attributes[attribute],
                export_name=self.exports.get(attribute),
            )
            output.override_logical_id(logical_id)
            outputs.append(output)
        return outputs


def root_stack(stack: Stack) -> Stack:
    """The stack that is deployed by itself: the outermost one around a nested stack."""
    parent = stack.nested_stack_parent
    return root_stack(parent) if parent else stack


def path_below(stack: Stack, construct: IConstruct) -> str:
    """The construct path below the stack, which identifies the construct in a deployment, whichever app deploys it."""
    return construct.node.path.removeprefix(f"{stack.node.path}/")


def export_name(stack_name: str, construct_path: str, attribute: str) -> str:
    """The name under which an attribute is exported by default."""
    return f"{stack_name}-{_letters_and_digits(construct_path)}-{attribute}"


def _letters_and_digits(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", path)
