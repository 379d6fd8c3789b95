"""`partner-account drift`: a deployed stack against Partner Central, field by field. It changes neither."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import click
from botocore.exceptions import ClientError

from partner_account_cli import deployed, partners, rendering
from partner_account_cli.aws import Access, aws_options, pass_access
from partner_account_cli.deployed import UNRESOLVED, DeployedPartner
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import reason_of
from partner_account_cli.options import output_option, show_contact_option
from partner_account_cli.partners import CONTACT, PartnerRecord
from partner_account_handler import identity
from partner_account_handler.identity import OWNER_TAG, Owner

DRIFTED = 2
"""The exit status."""

ABSENT = "(absent)"

_WIDEST = 60


class Verdict(StrEnum):
    """How a field of the template stands to the service."""

    SAME = "same"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    LEFT_ALONE = "left alone"
    """The service has it, and the template says nothing of it: a tag from elsewhere."""


_STYLES: Mapping[str, str] = {
    Verdict.SAME: rendering.GOOD,
    Verdict.DRIFTED: rendering.BAD,
    Verdict.UNKNOWN: rendering.OPEN,
    Verdict.LEFT_ALONE: rendering.FAINT,
}


@dataclass(frozen=True)
class Field:
    """One field of a partner.

    Attributes:
        name: the member in the service's words.
        template: what the template says; None if it can't be known.
        service: what the service has.
        verdict: what follows.
    """

    name: str
    template: str | None
    service: str
    verdict: Verdict


@click.command()
@click.option("--stack-name", required=True, metavar="NAME", help="The deployed stack, by its name or its ARN.")
@show_contact_option
@output_option
@aws_options("Partner Central")
@pass_access
def drift(access: Access, *, stack_name: str, show_contact: bool, output: str) -> int:
    """Compare a deployed stack with Partner Central, field by field.

    What the template takes from elsewhere (a hidden parameter, another resource) is unknown, and no drift. Nothing is
    changed. The exit status is 0 if there is no drift, 2 if there is, and 1 if it can't be told.
    """
    with rendering.working("Reading the stack and Partner Central"):
        found = deployed.partners(access.client("cloudformation"), stack_name)
        compared = [(one, list(_compare(one, _read(access, one)))) for one in found]
    drifted = any(field.verdict is Verdict.DRIFTED for _, fields in compared for field in fields)
    if not show_contact:
        compared = [(one, list(map(_masked, fields))) for one, fields in compared]
    if output == "json":
        told = [
            {
                "LogicalResourceId": one.logical_id,
                "Arn": one.arn,
                "Fields": [
                    {
                        "Field": field.name,
                        "Template": field.template,
                        "Service": field.service,
                        "Verdict": field.verdict,
                    }
                    for field in fields
                ],
            }
            for one, fields in compared
        ]
        rendering.document({"StackName": stack_name, "Drifted": drifted, "Partners": told})
    else:
        for one, fields in compared:
            rendering.say(f"{one.logical_id}: {one.arn}")
            cells = [(field.name, _short(field.template), _short(field.service), field.verdict) for field in fields]
            rendering.rows(("Field", "Template", "Service", "Verdict"), cells, _STYLES)
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


def _compare(one: DeployedPartner, partner: PartnerRecord | None) -> Iterator[Field]:
    if partner is None:
        yield Field("Partner", one.arn, ABSENT, Verdict.DRIFTED)
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
    if output := one.outputs.get("ProfileId"):
        yield _field("Outputs.ProfileId", output, actual.get("ProfileId", "pending"))


def _compare_tags(one: DeployedPartner, actual: Mapping[str, Any]) -> Iterator[Field]:
    has = actual.get("Tags", {})
    listed = one.properties.get("Tags", [])
    if not isinstance(listed, list) or any(not isinstance(tag, dict) for tag in listed):
        yield Field("Tags", None, ABSENT, Verdict.UNKNOWN)
        return
    expected = {tag["Key"]: tag["Value"] for tag in listed if tag["Key"] is not UNRESOLVED}
    for key, value in expected.items():
        yield _field(f"Tags.{key}", value, has.get(key, ABSENT))
    if OWNER_TAG in has or actual["Catalog"] != "Sandbox":  # which may have refused it
        # A construct that was moved leaves a mark in the tag.
        yield _field(f"Tags.{OWNER_TAG}", owner_tag(one), has.get(OWNER_TAG, ABSENT), _without_move)
    for key in sorted(set(has) - {*expected, OWNER_TAG}):
        yield Field(f"Tags.{key}", ABSENT, has[key], Verdict.LEFT_ALONE)


def owner_tag(one: DeployedPartner) -> str | None:
    """The value of the ownership tag that this partner should have; None if it can't be known."""
    owner = one.properties.get("Owner")
    if not isinstance(owner, dict) or UNRESOLVED in owner.values():
        return None
    return Owner.of(one.stack_id, owner["StackName"], owner["ConstructPath"]).to_tag()


def _without_move(tag: str) -> str:
    return replace(Owner.from_tag(tag), move="").to_tag()


def _field(name: str, expected: Any, actual: str, fold: Callable[[str], str] = str) -> Field:
    if expected is UNRESOLVED or expected is None:
        return Field(name, None, actual, Verdict.UNKNOWN)
    verdict = Verdict.SAME if fold(str(expected)) == fold(actual) else Verdict.DRIFTED
    return Field(name, str(expected), actual, verdict)


def _masked(field: Field) -> Field:
    if not field.name.startswith("AllianceLeadContact."):
        return field
    template = None if field.template is None else rendering.masked(field.template)
    return replace(field, template=template, service=rendering.masked(field.service))


def _short(value: str | None) -> str:
    """A value as a cell bears it; JSON has all of it."""
    if value is None:
        return "?"
    return value if len(value) <= _WIDEST else f"{value[:12]}…"
