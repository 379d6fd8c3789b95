"""The three stack outputs of a partner: their names, their exports, and what makes names unfit."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import jsii
from aws_cdk import CfnOutput, CfnResource, Stack
from constructs import Construct, IValidation, Node

from partner_account.kinds import no_text
from partner_account.once import jsii_name, once
from partner_account.place import Place
from partner_account.policy import SharedPolicies
from partner_account.props import ExportNames
from partner_account.provider import PartnerAccountProvider
from partner_account.tokens import holds_token

_LONGEST_NAME = 255

_DESCRIPTIONS = {
    "Arn": "ARN of the AWS Partner Central account",
    "Id": "Id of the AWS Partner Central account",
    "ProfileId": "Id of the partner's profile, or pending while the service has given none",
}


class OutputNames:
    """How the outputs of one partner are called, and under which names they are exported."""

    def __init__(self, place: Place, *, outputs: bool, own: ExportNames | None) -> None:
        """Derive the names from the partner's place in its stack, and from the user's own ones."""
        self._name = _letters_and_digits(place.path_below_stack)
        self._nested = place.home.is_nested
        self._wanted = outputs
        self._own = own
        self.logical_ids: Mapping[str, str] = (
            {attribute: f"{self._name}{attribute}" for attribute in _DESCRIPTIONS} if outputs else {}
        )
        """The outputs' logical ids by attribute; empty if no outputs are wanted."""
        # A nested stack's name has a random suffix, so a name made of it would help nobody.
        self.exports: Mapping[str, str] = self._chosen(place.home.name) if outputs and not self._nested else {}
        """The export names by attribute; empty in a nested stack."""

    def _chosen(self, stack_name: str) -> Mapping[str, str]:
        own = self._own if isinstance(self._own, ExportNames) else ExportNames()
        chosen = {"Arn": own.partner_arn, "Id": own.partner_id, "ProfileId": own.profile_id}
        return {
            attribute: export_name(stack_name, self._name, attribute) if name is None else name
            for attribute, name in chosen.items()
        }

    def mistakes(self) -> Iterator[str]:
        """Say which names CloudFormation would refuse."""
        if not isinstance(self._wanted, bool):
            yield "outputs: must be True or False"
        if self._own is not None and not isinstance(self._own, ExportNames):
            yield 'export_names: must be an ExportNames, such as ExportNames(partner_arn="my-partner-arn")'
        if self._own and not self._wanted:
            yield "export_names: without outputs nothing is exported; leave them or outputs=False out"
        if self._own and self._nested:
            yield "export_names: a nested stack exports nothing; leave them out, or export in the parent"
        if self._wanted and not self._name:
            yield "outputs: the path below the stack has no letter (A-Z) or digit to name them by; rename it"
        for logical_id in self.logical_ids.values():
            yield from _length_mistakes("outputs: the name", logical_id)
        for name in self.exports.values():
            yield from _export_mistakes(name)


def export_name(stack_name: str, partner: str, attribute: str) -> str:
    """The name under which an attribute of a partner, named by its path below its stack, is exported by default."""
    return f"{stack_name}-{_letters_and_digits(partner)}-{attribute}"


@jsii.implements(IValidation)
class StackOutputs:
    """The outputs of one stack: makes those of its partners, and reports at synth which share a name."""

    def __init__(self, stack: Stack) -> None:
        """Start without any partner's; use `of`."""
        self._stack = stack
        self._logical_ids: dict[str, str] = {}
        self._nodes: dict[str, Node] = {}
        self._partners: list[tuple[CfnResource, list[CfnOutput]]] = []
        stack.node.add_validation(self)

    @staticmethod
    @once
    def of(stack: Stack) -> "StackOutputs":
        """The outputs of a stack."""
        return StackOutputs(stack)

    def add(self, partner: Construct, place: Place, names: OutputNames, resource: CfnResource) -> None:
        """Make an output for each attribute of a partner."""
        self._nodes[jsii_name(partner)] = place.node
        outputs = []
        for attribute, logical_id in names.logical_ids.items():
            output = CfnOutput(
                partner,
                attribute,
                value=resource.get_att(attribute).to_string(),
                description=_DESCRIPTIONS[attribute],
                export_name=names.exports.get(attribute),
            )
            output.override_logical_id(logical_id)
            self._logical_ids[jsii_name(output)] = logical_id
            outputs.append(output)
        if outputs:
            self._partners.append((resource, outputs))

    def validate(self) -> list[str]:
        """Say which names several outputs have; nothing if each has its own.

        Before that, outputs get the condition of their partner: it may be set until now, and CloudFormation refuses an
        output of a resource that isn't there.
        """
        self._follow_conditions()
        outputs = self._own()
        logical_ids = [self._logical_ids.get(jsii_name(output)) or self._logical_id(output) for output in outputs]
        if _repeated(logical_ids):
            # Those made here may have got another one since.
            logical_ids = [self._logical_id(output) for output in outputs]
        exports = [name for output in outputs if (name := output.export_name)]
        return [*_collisions("logical id", logical_ids), *_collisions("export name", exports)]

    def _follow_conditions(self) -> None:
        options = [resource.cfn_options for resource, _ in self._partners]
        # One question for all, since hardly any has one.
        resolved: Sequence[Mapping[str, object]] = self._stack.resolve(options)
        for one, (_, outputs), found in zip(options, self._partners, resolved, strict=True):
            if "condition" in found:
                for output in outputs:
                    output.condition = output.condition or one.condition

    def _logical_id(self, output: CfnOutput) -> str:
        return str(self._stack.resolve(output.logical_id))

    def _own(self) -> list[CfnOutput]:
        nodes = [self._nodes.get(jsii_name(child)) or child.node for child in self._children()]
        inside = [found for node in nodes for found in node.find_all()]
        outputs = [found for found in inside if isinstance(found, CfnOutput)]
        has_nested_stacks = any(isinstance(found, Stack) for found in inside)
        return [output for output in outputs if Stack.of(output) is self._stack] if has_nested_stacks else outputs

    def _children(self) -> list[Construct]:
        # An imported secret, say, is no Construct to Python, and has no outputs.
        children = [child for child in self._stack.node.children if isinstance(child, Construct)]
        # To look at the function's parts would make Python load all of aws_s3.
        without_outputs = (PartnerAccountProvider, SharedPolicies)
        return [child for child in children if not isinstance(child, without_outputs)]


def _collisions(kind: str, names: Sequence[str]) -> list[str]:
    return [
        f"{count} outputs of this stack have the {kind} {name}; rename one, or give the PartnerAccount "
        "another id, export_names or outputs=False"
        for name, count in _repeated(names).items()
    ]


def _repeated(names: Sequence[str]) -> dict[str, int]:
    return {name: count for name, count in Counter(names).items() if count > 1}


def _letters_and_digits(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", path)


def _export_mistakes(name: object) -> Iterator[str]:
    if holds_token(name):
        return
    if not isinstance(name, str):
        yield no_text("export_names", name)
        return
    yield from _length_mistakes("export_names: the name", name)
    if not re.fullmatch(r"[A-Za-z0-9:-]*", name):
        yield f"export_names: {name!r} may hold only letters, digits, colons and hyphens"


def _length_mistakes(what: str, name: str) -> Iterator[str]:
    if not 0 < len(name) <= _LONGEST_NAME:
        yield (
            f"{what} {name[:40]!r} … has {len(name)} characters; allowed are 1 to {_LONGEST_NAME}: shorten "
            "the construct's ids, choose other export_names, or say outputs=False"
        )
