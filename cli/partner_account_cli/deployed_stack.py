"""The partners and profiles of a deployed stack, with their properties as far as CloudFormation shows them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import code_of
from partner_account_handler import identity

PARTNER, PROFILE = "Custom::PartnerAccount", "Custom::PartnerProfile"

Value = Any
"""A value of a template, or UNRESOLVED."""

UNRESOLVED: Value = object()
"""Stands for a value that only CloudFormation knows."""

_PROFILE_OF = "profile-of-"
"""The prefix of a profile's physical id, before the partner's id."""


@dataclass(frozen=True)
class DeployedResource:
    """A partner or profile of a deployed stack: its ids, its properties as far as they are known, and an output."""

    stack_id: str
    logical_id: str
    type: str
    physical_id: str
    properties: Mapping[str, Value]
    profile_id: str

    @property
    def exists(self) -> bool:
        """Whether it was ever created."""
        return identity.is_partner_arn(self.physical_id) or self.physical_id.startswith(_PROFILE_OF)

    @property
    def partner(self) -> str:
        """The ARN of the partner; of a profile whose partner's ARN only CloudFormation knows, the partner's id."""
        if self.type == PROFILE and isinstance(arn := self.properties["PartnerArn"], str):
            return arn
        return self.physical_id.removeprefix(_PROFILE_OF)

    @property
    def catalogs(self) -> list[str]:
        """The catalogs that the partner may be in."""
        catalog = identity.catalog_of(self.partner) or self.properties.get("Catalog")
        return ["AWS", "Sandbox"] if catalog is None else [str(catalog)]


def deployed_resources(client: Any, stack_name: str) -> list[DeployedResource]:
    """The partners and profiles of a stack.

    Raises:
        CommandError: the stack doesn't exist, has none of these, or its template is not JSON.
    """
    try:
        (stack,) = client.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        remedy = "Correct its name, the --region or the --profile."
        raise CommandError(f"there is no stack {stack_name}", remedy) from None
    template = client.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    if isinstance(template, str):  # botocore parses a JSON template
        remedy = "Deploy it with the CDK's default synthesizer."
        raise CommandError(f"the template of the stack {stack_name} is not JSON", remedy)
    resources = {name: one for name, one in template["Resources"].items() if one.get("Type") in {PARTNER, PROFILE}}
    if not resources:
        remedy = "Specify the stack with the PartnerAccount; for a nested stack, its own name."
        raise CommandError(f"the stack {stack_name} has no resource of type {PARTNER} or {PROFILE}", remedy)
    ids = {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack_name)
        for one in page["StackResourceSummaries"]
    }
    known = values_of_ref(stack, template.get("Parameters", {}))
    arns = {name: ids.get(name, "") for name, one in resources.items() if one["Type"] == PARTNER}
    known |= {**arns, **{f"{name}.Arn": arn for name, arn in arns.items()}}
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    found = []
    for name, resource in resources.items():
        properties = {key: resolve(value, known) for key, value in resource["Properties"].items()}
        expression = {"Fn::GetAtt": [name, "ProfileId"]}
        declared = [key for key, output in template.get("Outputs", {}).items() if output.get("Value") == expression]
        profile_id = next((outputs[key] for key in declared if key in outputs), "")
        kind, physical_id = resource["Type"], ids.get(name, "")
        found.append(DeployedResource(stack["StackId"], name, kind, physical_id, properties, profile_id))
    return found


def values_of_ref(stack: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Value]:
    """The known values of `Ref`: the pseudo parameters, and the parameters that are not hidden."""
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
        # CloudFormation shows asterisks in place of a hidden value; its documentation varies on how many.
        if not is_hidden and not re.fullmatch(r"\*{4,}", value):
            known[name] = value
    return known


def resolve(value: Value, known: Mapping[str, Value]) -> Value:  # noqa: PLR0911 - one for each kind of value
    """A template value with `Ref`, `Fn::Join` and partner ARNs resolved; UNRESOLVED where only CloudFormation can."""
    match value:
        case {"Ref": str(name)}:
            return resolve(known.get(name, UNRESOLVED), {})
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return known.get(f"{name}.{attribute}", UNRESOLVED)
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
