"""A deployed stack as CloudFormation has it: its partners, and their properties as far as they can be worked out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from partner_account_cli.errors import CommandError

RESOURCE_TYPE = "Custom::PartnerAccount"

Value = Any
"""A value of a template, or UNRESOLVED."""

UNRESOLVED: Value = object()
"""Stands for a value that only CloudFormation knows."""


@dataclass(frozen=True)
class DeployedPartner:
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


def partners(client: Any, stack_name: str) -> list[DeployedPartner]:
    """The partners of a stack.

    Raises:
        CommandError: there is no such stack, no partner in it, or its template is not JSON.
    """
    try:
        (stack,) = client.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        remedy = "Correct its name, the --region or the --profile."
        raise CommandError(f"there is no stack {stack_name}", remedy) from None
    template = client.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    if isinstance(template, str):  # botocore has read it if it is JSON
        remedy = "Deploy it by the CDK, with its default synthesizer."
        raise CommandError(f"the template of the stack {stack_name} is not JSON", remedy)
    resources = {
        name: resource for name, resource in template["Resources"].items() if resource.get("Type") == RESOURCE_TYPE
    }
    if not resources:
        remedy = "Name the stack that the PartnerAccount is in; a nested stack by its own name."
        raise CommandError(f"the stack {stack_name} has no resource of type {RESOURCE_TYPE}", remedy)
    arns = {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack_name)
        for one in page["StackResourceSummaries"]
    }
    known = values_of_ref(stack, template.get("Parameters", {}))
    return [
        DeployedPartner(
            name,
            arns.get(name, ""),
            {key: resolve(value, known) for key, value in resource["Properties"].items()},
            _outputs(template, stack, name),
            stack["StackId"],
        )
        for name, resource in resources.items()
    ]


def _outputs(template: Mapping[str, Any], stack: Mapping[str, Any], logical_id: str) -> dict[str, str]:
    values = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    found = {}
    for key, output in template.get("Outputs", {}).items():
        match output.get("Value"):
            case {"Fn::GetAtt": [name, attribute]} if name == logical_id and key in values:
                found[attribute] = values[key]
    return found


def values_of_ref(stack: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Value]:
    """What `Ref` is known to give: the pseudo parameters, and the parameters that are not hidden."""
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
        is_hidden = str(declared.get(name, {}).get("NoEcho", "false")).lower() == "true"
        # CloudFormation shows stars in place of a hidden value; how many, its documentation tells in several ways.
        if not is_hidden and not re.fullmatch(r"\*{4,}", value):
            known[name] = value
    return known


def resolve(value: Value, known: Mapping[str, Value]) -> Value:  # noqa: PLR0911 - one for each kind of value
    """A template's value with `Ref` and `Fn::Join` worked out; UNRESOLVED where only CloudFormation can."""
    match value:
        case {"Ref": str(name)}:
            return resolve(known.get(name, UNRESOLVED), {})
        case {"Fn::Join": [separator, list(parts)]}:
            texts = resolve(parts, known)
            return UNRESOLVED if UNRESOLVED in texts else resolve(separator.join(map(str, texts)), {})
        case dict() if any(name == "Ref" or name.startswith("Fn::") for name in value):
            return UNRESOLVED
        case dict():
            return {key: resolve(inner, known) for key, inner in value.items()}
        case list():
            return [resolve(inner, known) for inner in value]
        case str() if "{{resolve:ssm:" in value:  # CloudFormation resolves no other dynamic reference here
            return UNRESOLVED
    return value
