"""`partner-account verification`: the business and its registrant, verified before a partner can be created."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click
from botocore.exceptions import ClientError

from partner_account_cli import rendering
from partner_account_cli.aws import Access, aws_options, pass_access
from partner_account_cli.errors import CommandError
from partner_account_cli.options import output_option
from partner_account_cli.service_model import require

TYPES = {"business": "BUSINESS_VERIFICATION", "registrant": "REGISTRANT_VERIFICATION"}
DURATIONS = {"business": "it takes up to an hour", "registrant": "it takes less than a minute"}
"""How long AWS says that it checks: docs/what-it-means.md names the page."""
NOT_STARTED = "NOT_STARTED"
"""What this command calls the status of a verification that the service knows nothing of."""

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
@click.option("--legal-name", metavar="NAME", help="The registered name, which the partner must then have.")
@click.option("--registration-id", metavar="ID", help="The tax ID or registration number of the business.")
@click.option("--country-code", metavar="CC", help="The country, by ISO 3166-1: two capital letters.")
@click.option("--jurisdiction-of-incorporation", metavar="CC", help="The state or province, where there is one.")
@click.option(
    "--file",
    "document",
    type=click.File(encoding="utf-8-sig"),
    help='Read them from this JSON file ("-": standard input) instead: LegalName, RegistrationId, CountryCode, '
    "JurisdictionOfIncorporation.",
)
@output_option
@aws_options("Partner Central")
@pass_access
def business(access: Access, /, *, document: IO[str] | None, output: str, **options: str | None) -> None:
    """Start the verification of the business.

    AWS checks it, which takes up to an hour: wait by `verification status business --watch`.
    """
    given = {_member(name): value for name, value in options.items() if value is not None}
    if document and given:
        raise click.UsageError("Give the details by --file or by options, not by both.")
    details = _read(document) if document else given
    for sensitive in ("LegalName", "RegistrationId"):
        access.conceal(details.get(sensitive, ""))
    if missing := [name for name in ("LegalName", "RegistrationId", "CountryCode") if name not in details]:
        raise click.UsageError(f"{', '.join(map(_option, missing))} missing: give them, or a --file that has them.")
    _start(access, {"BusinessVerificationDetails": details}, output)


@start.command()
@output_option
@aws_options("Partner Central")
@pass_access
def registrant(access: Access, *, output: str) -> None:
    """Start the verification of the registrant.

    At the completion URL, which expires, the registrant has to show an identity document. The check takes less than a
    minute. Three attempts are allowed in 24 hours.
    """
    _start(access, {"RegistrantVerificationDetails": {}}, output)


@verification.command()
@click.argument("kinds", metavar="[business] [registrant]", nargs=-1, type=click.Choice(list(TYPES)))
@click.option("--watch", is_flag=True, help="Ask again until a human is needed, or the verification has ended.")
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
@pass_access
def status(access: Access, *, kinds: Sequence[str], watch: bool, interval: int, output: str) -> int:
    """Show how far the verifications are.

    Both are shown, unless one is named. The exit status is 0 if they have succeeded, and 1 otherwise.
    """
    client = access.partner_central()
    chosen = kinds or list(TYPES)
    with rendering.working("Asking Partner Central"):
        seen = [describe(client, kind) for kind in chosen]
    while watch and _only_time_is_needed(seen):
        with rendering.working(f"{_summary(chosen, seen)}; asking again every {interval} s (Ctrl-C ends this)"):
            time.sleep(interval)
            before, seen = seen, [describe(client, kind) for kind in chosen]
        if _summary(chosen, seen) != _summary(chosen, before):
            rendering.note(_summary(chosen, seen))
    _write(chosen, seen, output)
    return 0 if all(one["VerificationStatus"] == "SUCCEEDED" for one in seen) else 1


def _only_time_is_needed(seen: Sequence[Mapping[str, Any]]) -> bool:
    """Whether AWS checks one, and no other waits for a human, whose completion URL would expire meanwhile."""
    statuses = {one["VerificationStatus"] for one in seen}
    return "IN_PROGRESS" in statuses and "PENDING_CUSTOMER_ACTION" not in statuses


def describe(client: Any, kind: str) -> dict[str, Any]:
    """A verification as the service has it; one that it knows nothing of is NOT_STARTED."""
    try:
        answer = client.get_verification(VerificationType=TYPES[kind])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return {"VerificationType": TYPES[kind], "VerificationStatus": NOT_STARTED}
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def completion(seen: Mapping[str, Any]) -> tuple[str, datetime | None] | None:
    """Where a human goes on, and until when, if that is told; None unless the verification waits for one."""
    if seen["VerificationStatus"] != "PENDING_CUSTOMER_ACTION":
        return None
    for told in seen.get("VerificationResponseDetails", {}).values():
        if url := told.get("CompletionUrl"):
            return url, told.get("CompletionUrlExpiresAt")
    return None


def has_expired(place: tuple[str, datetime | None]) -> bool:
    """Whether it is too late to go on there."""
    return place[1] is not None and place[1] < datetime.now(UTC)


def until(place: tuple[str, datetime | None]) -> str:
    """Until when a human may go on there, as the end of a sentence; empty if that isn't told."""
    return f" until {rendering.when(place[1])}" if place[1] else ""


def _start(access: Access, details: Mapping[str, Any], output: str) -> None:
    client = access.partner_central()
    require(client, "StartVerification", {"VerificationDetails": details})
    with rendering.working("Starting the verification"):
        answer = client.start_verification(VerificationDetails=details)
    answer.pop("ResponseMetadata", None)
    kind = next(kind for kind, name in TYPES.items() if name == answer["VerificationType"])
    _write([kind], [answer], output)


def _write(kinds: Sequence[str], seen: Sequence[Mapping[str, Any]], output: str) -> None:
    if output == "json":
        rendering.document({"Verifications": seen})
        return
    rendering.rows(("Verification", "Status", "Started", "Ended"), list(_cells(kinds, seen)), _STYLES)
    for kind, one in zip(kinds, seen, strict=True):
        for line in _advice(kind, one):
            rendering.say(line)


def _cells(kinds: Sequence[str], seen: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for kind, one in zip(kinds, seen, strict=True):
        times = [rendering.when(one[name]) if name in one else "-" for name in ("StartedAt", "CompletedAt")]
        yield (kind, one["VerificationStatus"], *times)


def _advice(kind: str, one: Mapping[str, Any]) -> Iterator[str]:
    if reason := one.get("VerificationStatusReason"):
        yield f"{kind}: {reason}"
    if place := completion(one):
        if has_expired(place):
            yield f"{kind}: its completion URL has expired, start it again"
        else:
            yield f"{kind}: complete it{until(place)} at"
            yield place[0]
    if one["VerificationStatus"] == "IN_PROGRESS":
        yield f"{kind}: AWS checks it; {DURATIONS[kind]}. Wait: `partner-account verification status {kind} --watch`"
    if one["VerificationStatus"] == NOT_STARTED:
        yield f"{kind}: start it by `partner-account verification start {kind}`"


def _summary(kinds: Sequence[str], seen: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{kind}: {one['VerificationStatus']}" for kind, one in zip(kinds, seen, strict=True))


def _read(document: IO[str]) -> dict[str, str]:
    name = Path(document.name).name
    try:
        content = json.load(document)
    except ValueError:
        raise CommandError(f"{name} is no JSON", "Correct the file.") from None
    known = {_member(option) for option in _DETAILS}
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise CommandError(f"{name} is no JSON object of texts", f"Its members may be {', '.join(sorted(known))}.")
    if unknown := sorted(set(content) - known):
        raise CommandError(
            f"{name} has unknown members: {', '.join(unknown)}", f"Known are {', '.join(sorted(known))}."
        )
    return content


_DETAILS = ("legal_name", "registration_id", "country_code", "jurisdiction_of_incorporation")


def _member(option: str) -> str:
    return "".join(word.capitalize() for word in option.split("_"))


def _option(member: str) -> str:
    return "--" + next(option for option in _DETAILS if _member(option) == member).replace("_", "-")
