"""`partner-account show`: what Partner Central has of this account."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from partner_account_cli import partners, rendering
from partner_account_cli.aws import Access, aws_options, pass_access
from partner_account_cli.explanations import explain
from partner_account_cli.options import catalog_option, output_option, show_contact_option
from partner_account_cli.partners import Partner


@click.command()
@catalog_option
@show_contact_option
@output_option
@aws_options("Partner Central")
@pass_access
def show(access: Access, *, catalog: str, show_contact: bool, output: str) -> int:
    """Show the partners of this AWS account.

    Of each: profile, alliance lead contact, visibility, tags, and the latest profile task. Nothing is changed.
    The exit status is 1 if a part of it could not be read.
    """
    client = access.partner_central()
    with rendering.working("Reading from Partner Central"):
        found = [partners.partner(client, catalog, arn) for arn in partners.arns(client, catalog)]
    if not show_contact:
        for partner in found:
            mask(partner.members)
    _write(catalog, found, output)
    return max([_tell_unread(access, partner) for partner in found], default=0)


def mask(members: dict[str, Any]) -> None:
    """Leave a letter of the contact's personal data."""
    if contact := members.get("AllianceLeadContact"):
        members["AllianceLeadContact"] = {name: rendering.masked(value) for name, value in contact.items()}


def _write(catalog: str, found: Sequence[Partner], output: str) -> None:
    if output == "json":
        rendering.document({"Catalog": catalog, "Partners": [partner.members for partner in found]})
    elif not found:
        rendering.say(f"This account has no partner in catalog {catalog}.")
    for partner in found if output == "text" else []:
        rendering.facts(partner.members["Id"], dict(_facts(partner)))


def _facts(partner: Partner) -> Iterator[tuple[str, str]]:
    members = partner.members
    profile = members.get("Profile", {})
    yield "Catalog", members["Catalog"]
    yield "ARN", members["Arn"]
    yield "Legal name", members["LegalName"]
    yield "Created", rendering.when(members["CreatedAt"])
    yield "Solution type", profile.get("PrimarySolutionType", "-")
    yield "Display name", profile.get("DisplayName", "-")
    yield "Website", profile.get("WebsiteUrl", "-")
    yield "Profile id", members.get("ProfileId", "none yet")
    yield "Visibility", _or_unread(partner, "Visibility", members.get("Visibility", "none yet"))
    yield "Contact", _or_unread(partner, "AllianceLeadContact", _contact(members.get("AllianceLeadContact", {})))
    yield "Tags", _or_unread(partner, "Tags", _tags(members))
    yield "Profile task", _or_unread(partner, "ProfileTask", _task(members.get("ProfileTask")))


def _or_unread(partner: Partner, member: str, told: str) -> str:
    return "could not be read" if member in partner.unread else told


def _contact(contact: Mapping[str, str]) -> str:
    return "{FirstName} {LastName}, {BusinessTitle}, {Email}".format_map(contact) if contact else "-"


def _tags(members: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in members.get("Tags", {}).items()) or "none"


def _task(task: Mapping[str, Any] | None) -> str:
    if task is None:
        return "none"
    reasons = [f"{error['Reason']} ({error['Locale']})" for error in task.get("ErrorDetailList", [])]
    return ", ".join([f"{task['Status']} since {rendering.when(task['StartedAt'])}", *reasons])


def _tell_unread(access: Access, partner: Partner) -> int:
    for member, error in partner.unread.items():
        problem = explain(error)
        rendering.note(access.without_secrets(f"{member} could not be read: {problem}"))
        rendering.note(problem.remedy)
    return 1 if partner.unread else 0
