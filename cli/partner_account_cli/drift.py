"""`partner-account drift`: a deployed stack against Partner Central, field by field. It changes neither.

What CloudFormation has of the stack comes last: its partners, and their properties as far as they can be worked out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import click
from botocore.exceptions import ClientError

from partner_account_cli import partners, rendering
from partner_account_cli.aws import Access
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import code_of, reason_of
from partner_account_cli.options import NAME, aws_options, output_option, show_contact_option
from partner_account_cli.partners import CONTACT, PartnerRecord
from partner_account_handler import identity
from partner_account_handler.identity import OWNER_TAG, Owner

RESOURCE_TYPE = "Custom::PartnerAccount"

DRIFTED = 2
"""The exit status."""

ABSENT = "(absent)"

Value = Any
"""A value of a template, or UNRESOLVED."""

UNRESOLVED: Value = object()
"""Stands for a value that only CloudFormation knows."""


class FieldStatus(StrEnum):
    """How a field of the template stands to the service."""

    SAME = "same"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    UNMANAGED = "unmanaged"
    """The service has it, and the template says nothing of it: a tag from elsewhere, which is left alone."""


_STYLES = {
    FieldStatus.SAME: rendering.GOOD,
    FieldStatus.DRIFTED: rendering.BAD,
    FieldStatus.UNKNOWN: rendering.OPEN,
    FieldStatus.UNMANAGED: rendering.FAINT,
}


@dataclass(frozen=True)
class ComparedField:
    """A member of a partner in the template, None if that can't be known, and in the service."""

    name: str
    template: str | None
    service: str
    status: FieldStatus

    def __str__(self) -> str:
        """Both values, or the one that both have."""
        if self.status in {FieldStatus.SAME, FieldStatus.UNMANAGED}:
            return f"{self.name}: {self.service}"
        return f"{self.name}: template {'?' if self.template is None else self.template}, service {self.service}"


@click.command()
@click.option(
    "--stack-name", type=NAME, required=True, metavar="NAME", help="The deployed stack, by its name or its ARN."
)
@show_contact_option
@output_option
@aws_options("Partner Central")
def drift(access: Access, *, stack_name: str, show_contact: bool, output: str) -> int:
    """Compare a deployed stack with Partner Central, field by field.

    What the template takes from elsewhere (a hidden parameter, another resource) is unknown, and no drift. Nothing is
    changed. The exit status is 0 if there is no drift, 2 if there is, and 1 if it can't be told.
    """
    with rendering.working("Reading the stack and Partner Central"):
        found = deployed_partners(access.client("cloudformation"), stack_name)
        compared = [(one, list(_compare(one, _read(access, one)))) for one in found]
    drifted = any(field.status is FieldStatus.DRIFTED for _, fields in compared for field in fields)
    if not show_contact:
        compared = [(one, list(map(_masked, fields))) for one, fields in compared]
    if output == "json":
        told = []
        for one, fields in compared:
            members = [
                {"Field": field.name, "Template": field.template, "Service": field.service, "Status": field.status}
                for field in fields
            ]
            told.append({"LogicalResourceId": one.logical_id, "Arn": one.arn, "Fields": members})
        rendering.document({"StackName": stack_name, "Drifted": drifted, "Partners": told})
    else:
        for one, fields in compared:
            rendering.say(f"{one.logical_id}: {one.arn}", "bold")
            for field in fields:
                rendering.say(str(field), _STYLES[field.status], label=field.status, width=max(map(len, FieldStatus)))
    return DRIFTED if drifted else 0


def _read(access: Access, one: DeployedPartner) -> PartnerRecord | None:
    """What the service has; None if it has no such partner."""
    if not identity.is_partner_arn(one.arn):
        remedy = "Deploy it until it succeeds, then compare."
        raise CommandError(f"{one.logical_id} has no partner: its creation has not succeeded", remedy)
    catalog = identity.catalog_of(one.arn) or str(one.properties.get("Catalog"))
    try:
        partner = partners.read(access.partner_central(), catalog, one.arn)
    except ClientError as error:
        if reason_of(error) == "PARTNER_NOT_FOUND":
            return None
        raise
    for member in ("AllianceLeadContact", "Tags"):
        if member in partner.unread:
            raise partner.unread[member]
    return partner


def _compare(one: DeployedPartner, partner: PartnerRecord | None) -> Iterator[ComparedField]:
    if partner is None:
        yield ComparedField("Partner", one.arn, ABSENT, FieldStatus.DRIFTED)
        return
    expected, actual = one.properties, partner.members
    yield _field("Catalog", expected.get("Catalog"), actual["Catalog"])
    yield _field("LegalName", expected.get("LegalName"), actual["LegalName"], identity.folded)
    solution = actual.get("Profile", {}).get("PrimarySolutionType", ABSENT)
    yield _field("PrimarySolutionType", expected.get("PrimarySolutionType"), solution)
    contact, has = expected.get("AllianceLeadContact"), actual.get("AllianceLeadContact", {})
    for name in CONTACT:
        value = contact.get(name, ABSENT) if isinstance(contact, dict) else UNRESOLVED
        # The service may write an address in its own way.
        fold = identity.folded if name == "Email" else identity.normalized
        yield _field(f"AllianceLeadContact.{name}", value, has.get(name, ABSENT), fold)
    yield from _compare_tags(one, actual)
    # The outputs Arn and Id follow from the physical id, by which the partner was looked for.
    if one.profile_id:
        yield _field("Outputs.ProfileId", one.profile_id, actual.get("ProfileId", "pending"))


def _compare_tags(one: DeployedPartner, actual: Mapping[str, Any]) -> Iterator[ComparedField]:
    has, listed = actual.get("Tags", {}), one.properties.get("Tags", [])
    if not isinstance(listed, list) or any(not isinstance(tag, dict) for tag in listed):
        yield ComparedField("Tags", None, ABSENT, FieldStatus.UNKNOWN)
        return
    expected = {tag["Key"]: tag["Value"] for tag in listed if tag["Key"] is not UNRESOLVED}
    for key, value in expected.items():
        yield _field(f"Tags.{key}", value, has.get(key, ABSENT))
    if OWNER_TAG in has or actual["Catalog"] != "Sandbox":  # which may have refused it
        owner, tag = one.properties.get("Owner"), UNRESOLVED
        if isinstance(owner, dict) and UNRESOLVED not in owner.values():
            tag = Owner.of(one.stack_id, owner["StackName"], owner["ConstructPath"]).to_tag()
        yield _field(f"Tags.{OWNER_TAG}", tag, has.get(OWNER_TAG, ABSENT), _without_mark)
    for key in sorted(set(has) - {*expected, OWNER_TAG}):
        yield ComparedField(f"Tags.{key}", ABSENT, has[key], FieldStatus.UNMANAGED)


def _without_mark(tag: str) -> str:
    """The ownership tag without the mark that a construct which was moved leaves in it."""
    return replace(Owner.from_tag(tag), move="").to_tag()


def _field(name: str, expected: Any, actual: str, fold: Callable[[str], str] = str) -> ComparedField:
    if expected is UNRESOLVED or expected is None:
        return ComparedField(name, None, actual, FieldStatus.UNKNOWN)
    status = FieldStatus.SAME if fold(str(expected)) == fold(actual) else FieldStatus.DRIFTED
    return ComparedField(name, str(expected), actual, status)


def _masked(field: ComparedField) -> ComparedField:
    if not field.name.startswith("AllianceLeadContact."):
        return field
    template = None if field.template is None else rendering.masked(field.template)
    return replace(field, template=template, service=rendering.masked(field.service))


@dataclass(frozen=True)
class DeployedPartner:
    """A partner of a deployed stack: its physical id, its properties as far as they are known, an output."""

    stack_id: str
    logical_id: str
    arn: str
    properties: Mapping[str, Value]
    profile_id: str


def deployed_partners(client: Any, stack_name: str) -> list[DeployedPartner]:
    """The partners of a stack.

    Raises:
        CommandError: there is no such stack, no partner in it, or its template is not JSON.
    """
    try:
        (stack,) = client.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        remedy = "Correct its name, the --region or the --profile."
        raise CommandError(f"there is no stack {stack_name}", remedy) from None
    template = client.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    if isinstance(template, str):  # botocore has read it if it is JSON
        remedy = "Deploy it by the CDK, with its default synthesizer."
        raise CommandError(f"the template of the stack {stack_name} is not JSON", remedy)
    resources = {name: one for name, one in template["Resources"].items() if one.get("Type") == RESOURCE_TYPE}
    if not resources:
        remedy = "Name the stack that the PartnerAccount is in; a nested stack by its own name."
        raise CommandError(f"the stack {stack_name} has no resource of type {RESOURCE_TYPE}", remedy)
    arns = {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack_name)
        for one in page["StackResourceSummaries"]
    }
    known = values_of_ref(stack, template.get("Parameters", {}))
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    found = []
    for name, resource in resources.items():
        properties = {key: resolve(value, known) for key, value in resource["Properties"].items()}
        expression = {"Fn::GetAtt": [name, "ProfileId"]}
        declared = [key for key, output in template.get("Outputs", {}).items() if output.get("Value") == expression]
        profile_id = next((outputs[key] for key in declared if key in outputs), "")
        found.append(DeployedPartner(stack["StackId"], name, arns.get(name, ""), properties, profile_id))
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
