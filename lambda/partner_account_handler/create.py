"""Create: ask whether the stack waits, look whether the partner exists, ask again, then act.

CreatePartner can't be undone. Whatever happens here, a repeated or later Create finds what this one did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.clock import pauses
from partner_account_handler.code_store import verification_code
from partner_account_handler.errors import CallError, CallOutcome, PartnerError, TagsNotVisibleError
from partner_account_handler.existing import Listing, choose, list_partners
from partner_account_handler.identity import OWNER_TAG, PARTITION, same_name
from partner_account_handler.outcome import Outcome
from partner_account_handler.partner_central import Partner, tag_list
from partner_account_handler.reconcile import Changes, contact_change, differing_tags, owner_change
from partner_account_handler.request import Request
from partner_account_handler.stack_gate import ObservedStack

_MAY_EXIST = {"DUPLICATE_PARTNER", "CONFLICT_CLIENT_TOKEN", "LegalName:DUPLICATE_VALUE"}

_FRESH_SECONDS = 5.0
"""How old a look may be when the code has been read; if that took longer, another look comes before CreatePartner."""


class Next(Enum):
    """What follows a failed CreatePartner, or a failed question before it: how many seconds a partner is looked for.

    To give up is safe: the next deployment looks again.
    """

    RESEND = None
    """Looking, asking, and the same call with the same token and body."""
    POLL_UNTIL_DEADLINE = float("inf")
    """Until the time is up, since a list may lag behind."""
    POLL_BRIEFLY = 30.0
    GIVE_UP = 0.0
    """One more look, and failing."""


@dataclass(frozen=True)
class Result:
    """The partner that a request is answered with, what became of it, and the stack as it was observed for that."""

    partner: Partner
    outcome: Outcome
    stack: ObservedStack


def create(request: Request, aws: Aws) -> Result:
    """The partner of this request, found, adopted or created.

    Raises:
        HandlerError: no partner is known to belong to this request, with what to do about it.
    """
    wanted = request.wanted
    _require_partition(request.stack_id.split(":")[1])
    stack = aws.gate.await_create()
    stack.require_root(wanted.owner_stack, request.stack_id)
    body: dict[str, Any] = {}
    failures: list[CallError] = []
    listing = Listing()
    for pause in pauses():
        began = aws.clock.spent()
        found, listing = _find(request, aws, failures, listing)
        if found is not None:
            return _take_over(found, request, aws, stack, tags_refused=listing.tags_refused)
        if not body:
            body = _body(request, aws)
            if aws.clock.spent() - began > _FRESH_SECONDS:
                continue
        try:
            partner = aws.partner_central.create_partner(body, stack)
        except CallError as failure:
            failures.append(failure)
        else:
            log.info("partner created", partner=partner.id)
            # One that was listed before is an earlier result of the client token: it may be another's by now.
            is_new = all(partner.arn != listed.arn for listed in listing.partners)
            if is_new and not wanted.taggable and not listing.tags_refused:
                aws.partner_central.tag_in_sandbox(partner.arn, {OWNER_TAG: request.owner.to_tag()}, stack)
            return Result(partner, Outcome.CREATED, stack)
        step = next_step(failures, may_pass=aws.calls.may_pass(failures[-1]))
        if step.value is not None:
            found, listing = _poll(request, aws, failures[-1], step.value, listing)
            return _take_over(found, request, aws, stack, tags_refused=listing.tags_refused)
        if not aws.clock.pause(pause):
            raise failures[-1]
    raise AssertionError("pauses never end")


def _require_partition(partition: str) -> None:
    """Elsewhere Partner Central would refuse the credentials, as if a permission were missing."""
    if partition != PARTITION:
        raise PartnerError(
            "WrongPartition",
            f"the stack is in the partition {partition}, where Partner Central isn't",
            f"Deploy it to a region of the partition {PARTITION}, such as us-east-1.",
        )


def next_step(failures: Sequence[CallError], *, may_pass: bool) -> Next:
    """What follows CreatePartner's failures in this invocation; `may_pass` if the last of them may not recur."""
    if may_pass:
        return Next.RESEND
    if _may_have_created(failures):
        return Next.POLL_UNTIL_DEADLINE
    last = failures[-1].failure
    return Next.POLL_BRIEFLY if _MAY_EXIST & {last.reason, *last.details} else Next.GIVE_UP


def _may_have_created(failures: Sequence[CallError]) -> bool:
    """Whether one of the failed calls may have been carried out; the question before it changes nothing."""
    calls = {(error.failure.operation, error.failure.call_outcome) for error in failures}
    return ("CreatePartner", CallOutcome.UNKNOWN) in calls


def _find(
    request: Request, aws: Aws, failures: Sequence[CallError], listing: Listing
) -> tuple[Partner | None, Listing]:
    for pause in pauses():
        try:
            listing = list_partners(request, aws, listing)
            return choose(request.wanted, request.owner, listing.partners), listing
        except PartnerError as error:
            if _may_have_created(failures):
                break
            if not (isinstance(error, TagsNotVisibleError) and aws.clock.pause(pause)):
                raise
    # The foreign partner may be our own, whose tags lag behind.
    return _poll(request, aws, failures[-1], float("inf"), listing)


def _poll(request: Request, aws: Aws, error: CallError, seconds: float, listing: Listing) -> tuple[Partner, Listing]:
    """The partner that a failed CreatePartner has left behind, its own or another delivery's; or else that error."""
    until = aws.clock.spent() + seconds
    for pause in pauses():
        found = None
        try:
            listing = list_partners(request, aws, listing)
            found = choose(request.wanted, request.owner, listing.partners)
        except PartnerError:
            if not seconds:
                raise
        except CallError:  # says less than the error that made us look
            pass
        if found is not None:
            return found, listing
        if aws.clock.spent() + pause > until or not aws.clock.pause(pause):
            raise error
    raise AssertionError("pauses never end")


def _body(request: Request, aws: Aws) -> dict[str, Any]:
    """The request, always the same; what is wrong with it is told before the code is read."""
    wanted = request.wanted
    body: dict[str, Any] = {
        "Catalog": wanted.catalog,
        "ClientToken": request.client_token,
        "LegalName": wanted.legal_name,
        "PrimarySolutionType": wanted.primary_solution_type,
        "AllianceLeadContact": wanted.contact.to_service(),
    }
    if wanted.taggable:
        body["Tags"] = tag_list({**wanted.tags, OWNER_TAG: request.owner.to_tag()})
    aws.partner_central.validate("CreatePartner", body)
    return {**body, "EmailVerificationCode": verification_code(wanted.code, aws.calls)}


def _take_over(partner: Partner, request: Request, aws: Aws, stack: ObservedStack, *, tags_refused: bool) -> Result:
    """Brings a partner that exists to what the template says, as far as that can be changed."""
    wanted = request.wanted
    log.info("partner found", partner=partner.id)
    if not same_name(partner.legal_name, wanted.legal_name):
        log.warning("the legal name is another than the template's, and can't be changed", partner=partner.id)
    owner = owner_change(partner, request.owner, stack.operation)
    is_ours = owner is None or not (wanted.taggable or partner.owner)  # in the Sandbox perhaps by its legal name
    if is_ours and partner.arn in stack.outputs.values():
        # This Create was answered in a former operation of the stack, and later ones may have changed the partner.
        log.warning("the stack shows this partner already: nothing is written", partner=partner.id)
    else:
        contact = contact_change(partner, wanted, aws)
        if wanted.taggable:
            changes = Changes(differing_tags(partner, wanted.tags), [], contact, owner)
        else:
            changes = Changes({}, [], contact, None, optional_owner=None if tags_refused else owner)
        # A rollback restores none of it: who has to do so by hand finds here what there was.
        log.info(
            "partner taken over",
            partner=partner.id,
            written=changes.write(partner, aws, stack),
            former_owner=partner.owner and partner.owner.shown(),
        )
    return Result(partner, Outcome.ADOPTED if wanted.existing_partner_id else Outcome.RECOVERED, stack)
