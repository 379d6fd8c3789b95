"""`partner-account drift`: compares a deployed stack with Partner Central, field by field. It changes neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import click
from botocore.exceptions import ClientError

from partner_account_cli import partners, rendering
from partner_account_cli.aws import Access
from partner_account_cli.deployed_stack import PARTNER, PROFILE, UNRESOLVED, DeployedResource, Value, deployed_resources
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import reason_of
from partner_account_cli.options import NAME, aws_options, output_option, show_contact_option
from partner_account_cli.partners import CONTACT, PartnerRecord
from partner_account_handler import identity
from partner_account_handler.identity import OWNER_TAG, Owner

DRIFTED = 2
"""The exit status."""

ABSENT = "(absent)"

_PROFILE_MEMBERS = (
    "DisplayName",
    "Description",
    "WebsiteUrl",
    "LogoUrl",
    "PrimarySolutionType",
    "IndustrySegments",
    "TranslationSourceLocale",
    "LocalizedContents",
    "Headquarters",
)


class FieldStatus(StrEnum):
    """How a field of the template compares with the service."""

    SAME = "same"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    RUNNING = "running"
    """The service has another value until a profile task in progress succeeds."""
    UNMANAGED = "unmanaged"
    """It was set elsewhere, and no deployment changes it: a tag, or the solution type of a profile."""


_STYLES = {
    FieldStatus.SAME: rendering.GOOD,
    FieldStatus.DRIFTED: rendering.BAD,
    FieldStatus.UNKNOWN: rendering.OPEN,
    FieldStatus.RUNNING: rendering.OPEN,
    FieldStatus.UNMANAGED: rendering.FAINT,
}


@dataclass(frozen=True)
class ComparedField:
    """A member of a partner or profile: its value in the template, None if unknown, and in the service."""

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
@click.option("--stack-name", type=NAME, required=True, metavar="NAME", help="The name or ARN of the deployed stack.")
@show_contact_option
@output_option
@aws_options("Partner Central")
def drift(access: Access, *, stack_name: str, show_contact: bool, output: str) -> int:
    """Compare a deployed stack with Partner Central, field by field.

    Values from outside the template (a hidden parameter, another resource) are unknown, and not drift. Nothing is
    changed. The exit status is 0 if there is no drift, 2 if there is, and 1 if the comparison fails.
    """
    read: dict[str, PartnerRecord | None] = {}
    compared: list[tuple[DeployedResource, list[ComparedField], list[str]]] = []
    with rendering.working("Reading the stack and Partner Central"):
        for one in deployed_resources(access.client("cloudformation"), stack_name):
            if one.partner not in read:
                read[one.partner] = _read(access, one)
            fields = list(_compare(one, read[one.partner]))
            compared.append((one, fields, _next_steps(access, one, read[one.partner], fields)))
    drifted = any(field.status is FieldStatus.DRIFTED for _, fields, _ in compared for field in fields)
    if not show_contact:
        compared = [(one, list(map(_masked, fields)), steps) for one, fields, steps in compared]
    if output == "json":
        told: dict[str, list[dict[str, Any]]] = {PARTNER: [], PROFILE: []}
        for one, fields, steps in compared:
            members = [
                {"Field": field.name, "Template": field.template, "Service": field.service, "Status": field.status}
                for field in fields
            ]
            next_steps = {"NextSteps": steps} if one.type == PROFILE else {}
            arn = partner.members["Arn"] if (partner := read[one.partner]) else one.partner
            entry = {"LogicalResourceId": one.logical_id, "Arn": arn, "Fields": members, **next_steps}
            told[one.type].append(entry)
        lists = {"Partners": told[PARTNER], "Profiles": told[PROFILE]}
        rendering.document({"StackName": stack_name, "Drifted": drifted, **lists})
    else:
        for one, fields, steps in compared:
            rendering.say(f"{one.logical_id}: {one.partner}", "bold")
            for field in fields:
                rendering.say(str(field), _STYLES[field.status], label=field.status, width=max(map(len, FieldStatus)))
            for step in steps:
                rendering.say(step)
    return DRIFTED if drifted else 0


def _read(access: Access, one: DeployedResource) -> PartnerRecord | None:
    """The partner in the service; None if it doesn't exist there."""
    if not one.exists:
        what = "partner" if one.type == PARTNER else "profile"
        remedy = "Deploy it successfully, then compare."
        raise CommandError(f"{one.logical_id} has no {what}: its creation has not succeeded", remedy)
    for catalog in one.catalogs:
        try:
            return partners.read(access.partner_central(), catalog, one.partner)
        except ClientError as error:
            if reason_of(error) != "PARTNER_NOT_FOUND":
                raise
    return None


def _next_steps(
    access: Access, one: DeployedResource, partner: PartnerRecord | None, fields: Iterable[ComparedField]
) -> list[str]:
    differs = any(field.status in {FieldStatus.DRIFTED, FieldStatus.RUNNING} for field in fields)
    if partner is None or one.type == PARTNER or not differs:
        return []
    visibility = one.properties.get("Visibility", UNRESOLVED)
    return partners.next_steps_of_profile(access, partner, "" if visibility is UNRESOLVED else visibility)


def _compare(one: DeployedResource, partner: PartnerRecord | None) -> Iterator[ComparedField]:
    if partner is None:
        yield ComparedField("Partner", one.partner, ABSENT, FieldStatus.DRIFTED)
        return
    needed = ("AllianceLeadContact", "Tags") if one.type == PARTNER else ("ProfileTask", "Visibility")
    for member in needed:
        if member in partner.unread:
            raise partner.unread[member]
    yield from (_compare_partner if one.type == PARTNER else _compare_profile)(one, partner.members)
    # The outputs Arn and Id follow from the physical id, by which the partner was looked up.
    if one.profile_id:
        yield _field("Outputs.ProfileId", one.profile_id, partner.members.get("ProfileId", "pending"))


def _compare_partner(one: DeployedResource, actual: Mapping[str, Any]) -> Iterator[ComparedField]:
    expected = one.properties
    yield _field("Catalog", expected.get("Catalog"), actual["Catalog"])
    yield _field("LegalName", expected.get("LegalName"), actual["LegalName"], identity.folded)
    profile = actual.get("Profile", {})
    solution = _field(
        "PrimarySolutionType", expected.get("PrimarySolutionType"), profile.get("PrimarySolutionType", ABSENT)
    )
    if solution.status is FieldStatus.DRIFTED and "DisplayName" in profile:
        solution = replace(solution, status=FieldStatus.UNMANAGED)
    yield solution
    contact, has = expected.get("AllianceLeadContact"), actual.get("AllianceLeadContact", {})
    for name in CONTACT:
        value = contact.get(name, ABSENT) if isinstance(contact, dict) else UNRESOLVED
        # The service may store an address in another form.
        fold = identity.folded if name == "Email" else identity.normalized
        yield _field(f"AllianceLeadContact.{name}", value, has.get(name, ABSENT), fold)
    yield from _compare_tags(one, actual)


def _compare_profile(one: DeployedResource, actual: Mapping[str, Any]) -> Iterator[ComparedField]:
    """What the template omits is not compared, but localized contents that it lacks are drift."""
    task = actual.get("ProfileTask", {})
    expected, shown, of_task = map(_texts, (one.properties, actual.get("Profile", {}), task.get("TaskDetails", {})))
    if task.get("Status") == "SUCCEEDED":
        # The service may show a logo at a URL of its own; the task has the given URL.
        shown |= {name: text for name, text in of_task.items() if name.endswith("LogoUrl")}
    is_running = task.get("Status") == "IN_PROGRESS"
    if "LocalizedContents" not in expected:
        localized = (name for name in {**shown, **of_task} if name.startswith("LocalizedContents."))
        expected = {**dict.fromkeys(localized, ABSENT), **expected}
    for name, text in expected.items():
        field = _field(name, text, shown.get(name, ABSENT))
        if field.template == field.service == ABSENT:
            continue
        if field.status is FieldStatus.DRIFTED and is_running and of_task.get(name, ABSENT) == text:
            field = replace(field, status=FieldStatus.RUNNING)
        yield field
    is_own = all(text in {UNRESOLVED, of_task.get(name, ABSENT)} for name, text in expected.items())
    if is_running or (task.get("Status") == "FAILED" and is_own):
        status = FieldStatus.RUNNING if is_running and is_own else FieldStatus.DRIFTED
        yield ComparedField("ProfileTask", "SUCCEEDED", f"{task['TaskId']} {partners.describe_task(task)}", status)
    if "Visibility" in one.properties:
        yield _field("Visibility", one.properties["Visibility"], actual.get("Visibility", ABSENT))


def _texts(profile: Mapping[str, Any]) -> dict[str, Value]:
    """The members of a profile by their paths, such as `LocalizedContents.de-DE.LogoUrl`."""
    return dict(text for name in _PROFILE_MEMBERS if name in profile for text in _texts_below(name, profile[name]))


def _texts_below(path: str, value: Value) -> Iterator[tuple[str, Value]]:
    match value:
        case dict():
            for name, inner in value.items():
                yield f"{path}.{name}", inner
        case [{"Locale": _}, *_] if not any(content["Locale"] is UNRESOLVED for content in value):
            for content in value:
                for name in _PROFILE_MEMBERS[:4]:
                    yield f"{path}.{content['Locale']}.{name}", content[name]
        case [str(), *_]:
            yield path, UNRESOLVED if UNRESOLVED in value else ", ".join(sorted(value))
        case []:
            pass
        case _:
            yield path, UNRESOLVED if isinstance(value, list) else value


def _compare_tags(one: DeployedResource, actual: Mapping[str, Any]) -> Iterator[ComparedField]:
    has, listed = actual.get("Tags", {}), one.properties.get("Tags", [])
    if not isinstance(listed, list) or any(not isinstance(tag, dict) for tag in listed):
        yield ComparedField("Tags", None, ABSENT, FieldStatus.UNKNOWN)
        return
    expected = {tag["Key"]: tag["Value"] for tag in listed if tag["Key"] is not UNRESOLVED}
    for key, value in expected.items():
        yield _field(f"Tags.{key}", value, has.get(key, ABSENT))
    if OWNER_TAG in has or actual["Catalog"] != "Sandbox":  # which may have refused the tag
        owner, tag = one.properties.get("Owner"), UNRESOLVED
        if isinstance(owner, dict) and UNRESOLVED not in owner.values():
            tag = Owner.of(one.stack_id, owner["StackName"], owner["ConstructPath"]).to_tag()
        yield _field(f"Tags.{OWNER_TAG}", tag, has.get(OWNER_TAG, ABSENT), _without_mark)
    for key in sorted(set(has) - {*expected, OWNER_TAG}):
        yield ComparedField(f"Tags.{key}", ABSENT, has[key], FieldStatus.UNMANAGED)


def _without_mark(tag: str) -> str:
    """The ownership tag without the mark that moving a construct leaves in it."""
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
