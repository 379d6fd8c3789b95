"""`partner-account drift`: a deployed stack against Partner Central. It changes neither."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click
from botocore.exceptions import ClientError

from partner_account_cli import comparison, deployed, partners, rendering
from partner_account_cli.aws import Access, aws_options, pass_access
from partner_account_cli.comparison import Field, Verdict
from partner_account_cli.deployed import Deployed
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import reason_of
from partner_account_cli.options import output_option, show_contact_option
from partner_account_cli.partners import Partner

DRIFTED = 2

_WIDEST = 60

_STYLES: Mapping[str, str] = {
    Verdict.SAME: rendering.GOOD,
    Verdict.DRIFTED: rendering.BAD,
    Verdict.UNKNOWN: rendering.OPEN,
    Verdict.LEFT_ALONE: rendering.FAINT,
}


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
        compared = {one.logical_id: comparison.compare(one, _seen(access, one)) for one in found}
    drifted = comparison.has_drifted(compared)
    if not show_contact:
        compared = {name: comparison.masked(fields, rendering.masked) for name, fields in compared.items()}
    if output == "json":
        rendering.document(_document(stack_name, found, compared, drifted=drifted))
    else:
        _tell(found, compared)
    return DRIFTED if drifted else 0


def _catalog(one: Deployed) -> str:
    """As the ARN tells it, or the template, should the service write ARNs in another form."""
    found = re.search(r":catalog/([^/]+)/", one.arn)
    return found[1] if found else str(one.properties.get("Catalog"))


def _seen(access: Access, one: Deployed) -> Partner | None:
    if not one.arn.startswith("arn:"):
        remedy = "Deploy it until it succeeds, then compare."
        raise CommandError(f"{one.logical_id} has no partner: its creation has not succeeded", remedy)
    try:
        seen = partners.partner(access.partner_central(), _catalog(one), one.arn)
    except ClientError as error:
        if reason_of(error) == "PARTNER_NOT_FOUND":
            return None
        raise
    for unread in ("AllianceLeadContact", "Tags"):
        if unread in seen.unread:
            raise seen.unread[unread]
    return seen


def _tell(found: Sequence[Deployed], compared: Mapping[str, list[Field]]) -> None:
    for one in found:
        rendering.say(f"{one.logical_id}: {one.arn}")
        fields = compared[one.logical_id]
        told = [(field.name, _short(field.template), _short(field.service), str(field.verdict)) for field in fields]
        rendering.rows(("Field", "Template", "Service", "Verdict"), told, _STYLES)


def _short(value: str | None) -> str:
    """A value as a cell bears it; JSON has all of it."""
    if value is None:
        return "?"
    return value if len(value) <= _WIDEST else f"{value[:12]}…"


def _document(
    stack_name: str, found: Sequence[Deployed], compared: Mapping[str, list[Field]], *, drifted: bool
) -> dict[str, Any]:
    return {
        "StackName": stack_name,
        "Drifted": drifted,
        "Partners": [
            {
                "LogicalResourceId": one.logical_id,
                "Arn": one.arn,
                "Fields": [_members(field) for field in compared[one.logical_id]],
            }
            for one in found
        ],
    }


def _members(field: Field) -> dict[str, str | None]:
    return {"Field": field.name, "Template": field.template, "Service": field.service, "Verdict": field.verdict}
