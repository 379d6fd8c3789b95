"""The three stack outputs of a partner, and the names under which they are exported."""

import re
from collections.abc import Iterator, Mapping

from aws_cdk import CfnOutput, CfnResource, Stack
from constructs import Construct, IConstruct

from partner_account.errors import string_error
from partner_account.props import ExportNames
from partner_account.tokens import holds_token

_MAX_NAME_LENGTH = 255

_DESCRIPTIONS = {
    "Arn": "ARN of the AWS Partner Central account",
    "Id": "Id of the AWS Partner Central account",
    "ProfileId": "Id of the partner's profile, or pending while the service has given none",
}


class OutputNames:
    """The names of a partner's outputs, and those under which they are exported."""

    def __init__(self, partner: Construct, *, outputs: bool, export_names: ExportNames | None) -> None:
        """Derive them from the partner's path below its stack, and from the names that the user gives."""
        stack = Stack.of(partner)
        path = path_below(stack, partner)
        self._outputs = outputs
        self._export_names = export_names
        self._name = _letters_and_digits(path)
        self._is_nested = stack.nested
        self.logical_ids: Mapping[str, str] = (
            {attribute: f"{self._name}{attribute}" for attribute in _DESCRIPTIONS} if outputs else {}
        )
        """By attribute; empty if no outputs are wanted."""

        given = export_names if isinstance(export_names, ExportNames) else ExportNames()
        chosen = {"Arn": given.partner_arn, "Id": given.partner_id, "ProfileId": given.profile_id}
        # A nested stack's name has a random suffix, so an export named after it would help nobody.
        exported = chosen if outputs and not self._is_nested else {}
        self.exports: Mapping[str, str] = {
            attribute: export_name(stack.stack_name, path, attribute) if name is None else name
            for attribute, name in exported.items()
        }
        """By attribute; empty in a nested stack."""

    def errors(self) -> Iterator[str]:
        """Which names CloudFormation would refuse."""
        if not isinstance(self._outputs, bool):
            yield "outputs: must be True or False"
        if self._export_names is not None and not isinstance(self._export_names, ExportNames):
            yield (
                'export_names: must be an ExportNames, such as ExportNames(partner_arn="my-partner-arn"), '
                "or a dict of its fields"
            )
        if self._export_names and not self._outputs:
            yield "export_names: without outputs nothing is exported; leave them or outputs=False out"
        if self._export_names and self._is_nested:
            yield "export_names: a nested stack exports nothing; leave them out, or export in the parent"
        if self._outputs and not self._name:
            yield "outputs: the path below the stack has no letter (A-Z) or digit to name them by; rename it"
        for logical_id in self.logical_ids.values():
            yield from _length_errors("outputs: the name", logical_id)
        for name in self.exports.values():
            yield from _export_errors(name)

    def add(self, partner: Construct, resource: CfnResource) -> list[CfnOutput]:
        """Add the outputs to the stack."""
        outputs = []
        for attribute, logical_id in self.logical_ids.items():
            output = CfnOutput(
                partner,
                attribute,
                value=resource.get_att(attribute).to_string(),
                description=_DESCRIPTIONS[attribute],
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
    """The construct path below the stack, by which a deployment knows the construct whatever app it comes from."""
    return construct.node.path.removeprefix(f"{stack.node.path}/")


def export_name(stack_name: str, partner_path: str, attribute: str) -> str:
    """The name under which an attribute of a partner is exported by default."""
    return f"{stack_name}-{_letters_and_digits(partner_path)}-{attribute}"


def _letters_and_digits(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", path)


def _export_errors(name: object) -> Iterator[str]:
    if not isinstance(name, str):
        yield string_error("export_names", name)
    elif not holds_token(name):
        yield from _length_errors("export_names: the name", name)
        if not re.fullmatch(r"[A-Za-z0-9:-]*", name):
            yield f"export_names: {name!r} may hold only letters, digits, colons and hyphens"


def _length_errors(what: str, name: str) -> Iterator[str]:
    if not 0 < len(name) <= _MAX_NAME_LENGTH:
        yield (
            f"{what} {name[:40]!r} … has {len(name)} characters; allowed are 1 to {_MAX_NAME_LENGTH}: shorten "
            "the construct's ids, choose other export_names, or say outputs=False"
        )
