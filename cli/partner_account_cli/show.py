"""`partner-account show`: the partners of this account."""

import click

from partner_account_cli import partners, rendering
from partner_account_cli.aws import Access
from partner_account_cli.explanations import explain
from partner_account_cli.options import aws_options, catalog_option, output_option, show_contact_option
from partner_account_cli.partners import PartnerRecord

_UNREAD = {"AllianceLeadContact": "Contact", "ProfileTask": "Profile task"}


@click.command()
@catalog_option
@show_contact_option
@output_option
@aws_options("Partner Central")
def show(access: Access, *, catalog: str, show_contact: bool, output: str) -> int:
    """Show the partners of this AWS account.

    For each: profile, alliance lead contact, visibility, tags, and the latest profile task, with its next step. Nothing
    is changed.
    The exit status is 1 if part of it could not be read.
    """
    client = access.partner_central()
    with rendering.working("Reading from Partner Central"):
        found = [partners.read(client, catalog, arn) for arn in partners.list_arns(client, catalog)]
    for partner in found if not show_contact else []:
        if contact := partner.members.get("AllianceLeadContact"):
            contact |= {name: rendering.masked(value) for name, value in contact.items()}
    if output == "json":
        rendering.document({"Catalog": catalog, "Partners": [partner.members for partner in found]})
    elif not found:
        rendering.say(f"This account has no partner in catalog {catalog}.")
    else:
        for partner in found:
            rendering.facts(partner.members["Id"], _facts(partner))
            for step in partners.next_steps_of_profile(access, partner, "PUBLIC"):
                rendering.say(step)
    for partner in found:
        for member, error in partner.unread.items():
            problem = explain(error)
            rendering.note(access.without_secrets(f"{member} could not be read: {problem}"))
            rendering.note(problem.remedy)
    return 1 if any(partner.unread for partner in found) else 0


def _facts(partner: PartnerRecord) -> dict[str, str]:
    members = partner.members
    profile, contact, task = (members.get(name, {}) for name in ("Profile", "AllianceLeadContact", "ProfileTask"))
    tags = [f"{key}={value}" for key, value in members.get("Tags", {}).items()]
    told = {
        "Catalog": members["Catalog"],
        "ARN": members["Arn"],
        "Legal name": members["LegalName"],
        "Created": rendering.when(members["CreatedAt"]),
        "Solution type": profile.get("PrimarySolutionType", "-"),
        "Display name": profile.get("DisplayName", "-"),
        "Website": profile.get("WebsiteUrl", "-"),
        "Profile id": members.get("ProfileId", "none yet"),
        "Visibility": members.get("Visibility", "none yet"),
        "Contact": "{FirstName} {LastName}, {BusinessTitle}, {Email}".format_map(contact) if contact else "-",
        "Tags": ", ".join(tags) or "none",
        "Profile task": partners.describe_task(task) if task else "none",
    }
    return told | {_UNREAD.get(member, member): "could not be read" for member in partner.unread}
