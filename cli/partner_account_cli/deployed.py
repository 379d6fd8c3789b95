"""A deployed stack as CloudFormation has it: its partners, and their properties as far as they can be worked out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from botocore.exceptions import ClientError

from partner_account_cli.errors import CommandError

RESOURCE_TYPE = "Custom::PartnerAccount"

Value = Any
"""A value of a template, or UNRESOLVED."""


class _Unresolved:
    """Stands for a value that only CloudFormation knows."""

    def __repr__(self) -> str:
        return "UNRESOLVED"


UNRESOLVED = _Unresolved()


@dataclass(frozen=True)
class Deployed:
    """A partner of a deployed stack.

    Attributes:
        logical_id: its name in the template.
        arn: the partner's ARN, which is its physical id.
        properties: what the template says; UNRESOLVED stands for what can't be known from outside.
        outputs: the stack's outputs that are attributes of this partner, by attribute.
        stack_id: the stack that it is in.
    """

    logical_id: str
    arn: str
    properties: Mapping[str, Value]
    outputs: Mapping[str, str]
    stack_id: str


def partners(client: Any, stack_name: str) -> list[Deployed]:
    """The partners of a stack.

    Raises:
        CommandError: there is no such stack, or no partner in it.
    """
    stack = _described(client, stack_name)
    template = _template(client, stack_name)
    resources = template.get("Resources", {})
    ours = {name: resource for name, resource in resources.items() if resource.get("Type") == RESOURCE_TYPE}
    if not ours:
        remedy = "Name the stack that the PartnerAccount is in; a nested stack by its own name."
        raise CommandError(f"the stack {stack_name} has no resource of type {RESOURCE_TYPE}", remedy)
    physical = _physical_ids(client, stack_name)
    resolve = Resolver(_known(stack, template.get("Parameters", {}))).resolve
    return [
        Deployed(
            name,
            physical.get(name, ""),
            {key: resolve(value) for key, value in resource["Properties"].items()},
            _outputs(template, stack, name),
            stack["StackId"],
        )
        for name, resource in ours.items()
    ]


def _described(client: Any, stack_name: str) -> Mapping[str, Any]:
    try:
        (stack,) = client.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        remedy = "Correct its name, the --region or the --profile."
        raise CommandError(f"there is no stack {stack_name}", remedy) from None
    described: Mapping[str, Any] = stack
    return described


def _template(client: Any, stack_name: str) -> dict[str, Any]:
    body = client.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    # botocore reads JSON; YAML it leaves as text.
    read: Callable[[str, Any], dict[str, Any]] = yaml.load
    return read(body, _Loader) if isinstance(body, str) else dict(body)


def _physical_ids(client: Any, stack_name: str) -> dict[str, str]:
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    return {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
        for page in pages
        for one in page["StackResourceSummaries"]
    }


def _outputs(template: Mapping[str, Any], stack: Mapping[str, Any], logical_id: str) -> dict[str, str]:
    values = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    found = {}
    for key, output in template.get("Outputs", {}).items():
        match output.get("Value"):
            case {"Fn::GetAtt": [name, attribute]} if name == logical_id and key in values:
                found[attribute] = values[key]
    return found


def _known(stack: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Value]:
    """What `Ref` is known to give: the parameters that are not hidden, and the pseudo parameters."""
    _, partition, _, region, account, _ = stack["StackId"].split(":", 5)
    known: dict[str, Value] = {
        "AWS::AccountId": account,
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": stack["StackId"],
        "AWS::StackName": stack["StackName"],
    }
    for parameter in stack.get("Parameters", []):
        name, value = parameter["ParameterKey"], parameter.get("ResolvedValue") or parameter.get("ParameterValue", "")
        if not _is_hidden(declared.get(name, {}), value):
            known[name] = value
    return known


def _is_hidden(declared: Mapping[str, Any], value: str) -> bool:
    """Whether CloudFormation shows stars in place of the value; how many, its documentation tells in several ways."""
    return str(declared.get("NoEcho", "false")).lower() == "true" or re.fullmatch(r"\*{4,}", value) is not None


class Resolver:
    """Works out a template's values, as far as `known` (what `Ref` gives) allows."""

    def __init__(self, known: Mapping[str, Value]) -> None:
        """Take what is known."""
        self._known = known
        self._functions: Mapping[str, Callable[[Any], Value]] = {
            "Ref": lambda name: self._known.get(name, UNRESOLVED),
            "Fn::Join": self._join,
            "Fn::Sub": self._sub,
        }

    def resolve(self, value: Value) -> Value:
        """The value with everything worked out; UNRESOLVED where that is impossible."""
        match value:
            case dict() if len(value) == 1 and _is_function(name := next(iter(value))):
                function = self._functions.get(name)
                return _without_reference(function(value[name])) if function else UNRESOLVED
            case dict():
                return {key: self.resolve(inner) for key, inner in value.items()}
            case list():
                return [self.resolve(inner) for inner in value]
            case _:
                return _without_reference(value)

    def _join(self, arguments: Any) -> Value:
        separator, parts = arguments[0], self.resolve(arguments[1])
        if not isinstance(parts, list) or UNRESOLVED in parts:
            return UNRESOLVED
        return separator.join(map(str, parts))

    def _sub(self, arguments: Any) -> Value:
        text, own = (arguments, {}) if isinstance(arguments, str) else arguments
        known = {**self._known, **self.resolve(own)}
        names = re.findall(r"\$\{([^!}][^}]*)\}", text)
        if any(known.get(name, UNRESOLVED) is UNRESOLVED for name in names):
            return UNRESOLVED
        replaced = re.sub(r"\$\{([^!}][^}]*)\}", lambda found: str(known[found[1]]), text)
        return replaced.replace("${!", "${")


def _without_reference(value: Value) -> Value:
    """What a dynamic reference to an SSM parameter stands for, only CloudFormation knows; it resolves no other here."""
    return UNRESOLVED if isinstance(value, str) and "{{resolve:ssm:" in value else value


def _is_function(name: str) -> bool:
    return name == "Ref" or name.startswith("Fn::")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads a template in YAML, with the short forms of its functions."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {name: str(text).split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)
