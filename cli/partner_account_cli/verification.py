"""`partner-account verification`: the business and its registrant, verified before a partner can be created."""

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
"""What this command calls the status of a verification that the service knows nothing of."""

# How long AWS says that it checks: docs/what-it-means.md names the page.
_DURATIONS = {"business": "it takes up to an hour", "registrant": "it takes less than a minute"}
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

    Both must have succeeded before a partner can be created in catalog AWS.
    """


@verification.group()
def start() -> None:
    """Start a verification.

    Where a human must complete it, the answer holds the URL, which expires.
    """


@start.command()
@click.option("--legal-name", required=True, metavar="NAME", help="The registered name; the partner should have it.")
@click.option("--registration-id", required=True, metavar="ID", help="The tax ID or registration number.")
@click.option("--country-code", required=True, metavar="CC", help="The country, by ISO 3166-1: two capital letters.")
@click.option("--jurisdiction-of-incorporation", metavar="CC", help="The state or province, where there is one.")
@output_option
@aws_options("Partner Central")
def business(access: Access, /, *, output: str, **options: str | None) -> None:
    """Start the verification of the business.

    AWS checks it, which takes up to an hour: wait by `verification status business --watch`.
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

    At the completion URL, which expires, the registrant has to show an identity document. The check takes less than a
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
@click.option("--watch", is_flag=True, help="Wait until each has ended, for a human as well.")
@click.option(
    "--interval",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How often --watch asks.",
)
@output_option
@aws_options("Partner Central")
def status(access: Access, *, kinds: Sequence[str], watch: bool, interval: int, output: str) -> int:
    """Show how far the verifications are.

    Both are shown, unless one is named. The exit status is 0 if they have succeeded, and 1 otherwise.
    """
    client = access.partner_central()
    told: set[str] = set()
    with rendering.working(f"Asking every {interval} s; Ctrl-C ends this" if watch else "Asking Partner Central"):
        while True:
            seen = {kind: describe(client, kind) for kind in kinds or TYPES}
            if not watch or not any(_goes_on(one) for one in seen.values()):
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
    """A verification as the service has it; one that it knows nothing of is NOT_STARTED."""
    try:
        return without_metadata(client.get_verification(VerificationType=TYPES[kind]))
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return {"VerificationType": TYPES[kind], "VerificationStatus": NOT_STARTED}


def next_step(kind: str, seen: Mapping[str, Any]) -> tuple[str, str]:
    """What is to be done about a verification that has not succeeded, and the URL at which a human does it, if any."""
    status, details = seen["VerificationStatus"], _completion(seen)
    expires, url = details.get("CompletionUrlExpiresAt"), details.get("CompletionUrl", "")
    if status == "IN_PROGRESS":
        return f"AWS checks it; {_DURATIONS[kind]}. Wait: partner-account verification status {kind} --watch", ""
    if status == "PENDING_CUSTOMER_ACTION" and not url:
        return "AWS waits for a human, and tells no completion URL: see Partner Central in the AWS console.", ""
    if status == "PENDING_CUSTOMER_ACTION" and _goes_on(seen):
        until = f" until {rendering.when(expires)}" if expires else ""
        return f"A human completes it{until} at this address.", url
    why = {NOT_STARTED: "Start it", "PENDING_CUSTOMER_ACTION": "Its completion URL has expired. Start it again"}
    if status in {"FAILED", "REJECTED"} and kind == "business":
        why[status] = (
            "It also fails if the company is an AWS Partner already: then migrate that account. "
            "Otherwise correct the details and start it again"
        )
    return f"{why.get(status, 'Start it again')}: partner-account verification start {kind}", ""


def _completion(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(seen.get("VerificationResponseDetails", {}).values()), {})


def _goes_on(seen: Mapping[str, Any]) -> bool:
    """Whether AWS or a human is at work; nobody is at a completion URL that has expired."""
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
