"""`partner-account verification`: verifies the business and its registrant before a partner is created."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from botocore.exceptions import ClientError

from partner_account_cli import rendering
from partner_account_cli.aws import Access, require_valid
from partner_account_cli.explanations import code_of
from partner_account_cli.options import aws_options, output_option
from partner_account_cli.partners import without_metadata

TYPES = {"business": "BUSINESS_VERIFICATION", "registrant": "REGISTRANT_VERIFICATION"}
NOT_STARTED = "NOT_STARTED"
"""This command's status for a verification that the service doesn't have."""

# The durations that AWS documents: docs/what-it-means.md names the page.
_DURATIONS = {"business": "which takes up to an hour", "registrant": "which takes less than a minute"}
_STYLES = {
    "SUCCEEDED": rendering.GOOD,
    "FAILED": rendering.BAD,
    "REJECTED": rendering.BAD,
    "PENDING_CUSTOMER_ACTION": rendering.OPEN,
    "IN_PROGRESS": rendering.OPEN,
    NOT_STARTED: rendering.OPEN,
}


@click.group()
def verification() -> None:
    """Verify the business and its registrant.

    Both must succeed before a partner can be created in catalog AWS.
    """


@verification.group()
def start() -> None:
    """Start a verification.

    If a human must complete it, the output includes the URL, which expires.
    """


@start.command()
@click.option("--legal-name", required=True, metavar="NAME", help="The registered name, which the partner should have.")
@click.option("--registration-id", required=True, metavar="ID", help="The tax ID or registration number.")
@click.option("--country-code", required=True, metavar="CC", help="The country by ISO 3166-1: two capital letters.")
@click.option("--jurisdiction-of-incorporation", metavar="CC", help="The state or province, if there is one.")
@output_option
@aws_options("Partner Central")
def business(access: Access, /, *, output: str, **options: str | None) -> None:
    """Start the verification of the business.

    AWS's check takes up to an hour: wait with `verification status business --watch`.
    """
    details = {name.title().replace("_", ""): value for name, value in options.items() if value is not None}
    access.conceal(details["LegalName"])
    access.conceal(details["RegistrationId"])
    _start(access, "business", {"BusinessVerificationDetails": details}, output)


@start.command()
@output_option
@aws_options("Partner Central")
def registrant(access: Access, *, output: str) -> None:
    """Start the verification of the registrant.

    The registrant must present an identity document at the completion URL, which expires. The check takes less than a
    minute. Three attempts are allowed in 24 hours.
    """
    _start(access, "registrant", {"RegistrantVerificationDetails": {}}, output)


def _start(access: Access, kind: str, details: Mapping[str, Any], output: str) -> None:
    require_valid("StartVerification", {"VerificationDetails": details})
    with rendering.working("Starting the verification"):
        answer = access.partner_central().start_verification(VerificationDetails=details)
    _write({kind: without_metadata(answer)}, output)


@verification.command()
@click.argument(
    "kinds", metavar="[business] [registrant]", nargs=-1, type=click.Choice(list(TYPES), case_sensitive=False)
)
@click.option("--watch", is_flag=True, help="Wait until each has ended, even for a human.")
@click.option(
    "--interval",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="The polling interval of --watch.",
)
@output_option
@aws_options("Partner Central")
def status(access: Access, *, kinds: Sequence[str], watch: bool, interval: int, output: str) -> int:
    """Show the status of the verifications.

    Both are shown unless one is specified. The exit status is 0 if they have succeeded, and 1 otherwise.
    """
    client = access.partner_central()
    told: set[str] = set()
    with rendering.working(f"Polling every {interval} s; Ctrl-C stops it" if watch else "Calling Partner Central"):
        while True:
            seen = {kind: describe(client, kind) for kind in kinds or TYPES}
            if not watch or not any(_is_pending(one) for one in seen.values()):
                break
            lines = [", ".join(f"{kind}: {one['VerificationStatus']}" for kind, one in seen.items())]
            for kind, one in seen.items():
                if one["VerificationStatus"] == "PENDING_CUSTOMER_ACTION":
                    step, url = next_step(kind, one)
                    lines += [f"{kind}: {step}", url]
            for line in lines:
                if line and line not in told:
                    rendering.note(line)
            told.update(lines)
            time.sleep(interval)
    _write(seen, output)
    return 0 if all(one["VerificationStatus"] == "SUCCEEDED" for one in seen.values()) else 1


def describe(client: Any, kind: str) -> dict[str, Any]:
    """A verification in the service; one that it doesn't have is NOT_STARTED."""
    try:
        return without_metadata(client.get_verification(VerificationType=TYPES[kind]))
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return {"VerificationType": TYPES[kind], "VerificationStatus": NOT_STARTED}


def next_step(kind: str, seen: Mapping[str, Any]) -> tuple[str, str]:
    """The next step for a verification that has not succeeded, and the URL for a human, if any."""
    status, details = seen["VerificationStatus"], _completion(seen)
    expires, url = details.get("CompletionUrlExpiresAt"), details.get("CompletionUrl", "")
    if status == "IN_PROGRESS":
        return f"AWS is checking it, {_DURATIONS[kind]}. Wait: partner-account verification status {kind} --watch", ""
    if status == "PENDING_CUSTOMER_ACTION" and not url:
        return "AWS waits for a human, but returns no completion URL: see Partner Central in the AWS console.", ""
    if status == "PENDING_CUSTOMER_ACTION" and _is_pending(seen):
        until = f" until {rendering.when(expires)}" if expires else ""
        return f"A human must complete it{until} at this URL.", url
    why = {NOT_STARTED: "Start it", "PENDING_CUSTOMER_ACTION": "Its completion URL has expired. Start it again"}
    if status in {"FAILED", "REJECTED"} and kind == "business":
        why[status] = (
            "It also fails if the company is an AWS Partner already: then migrate that account. "
            "Otherwise correct the details and start it again"
        )
    return f"{why.get(status, 'Start it again')}: partner-account verification start {kind}", ""


def _completion(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(seen.get("VerificationResponseDetails", {}).values()), {})


def _is_pending(seen: Mapping[str, Any]) -> bool:
    """Whether AWS or a human is to complete it; nobody can at an expired completion URL."""
    expires = _completion(seen).get("CompletionUrlExpiresAt")
    is_expired = expires is not None and expires < datetime.now(UTC)
    status = seen["VerificationStatus"]
    return status == "IN_PROGRESS" or (status == "PENDING_CUSTOMER_ACTION" and not is_expired)


def _write(seen: Mapping[str, Mapping[str, Any]], output: str) -> None:
    if output == "json":
        rendering.document({"Verifications": list(seen.values())})
        return
    times = ("StartedAt", "CompletedAt")
    cells = [
        (kind, one["VerificationStatus"], *(rendering.when(one[at]) if at in one else "-" for at in times))
        for kind, one in seen.items()
    ]
    rendering.rows(("Verification", "Status", "Started", "Ended"), cells, _STYLES)
    for kind, one in seen.items():
        if reason := one.get("VerificationStatusReason"):
            rendering.say(f"{kind}: {reason}")
        if one["VerificationStatus"] != "SUCCEEDED":
            step, url = next_step(kind, one)
            rendering.say(f"{kind}: {step}")
            if url:  # alone, so that it can be copied
                rendering.say(url)
