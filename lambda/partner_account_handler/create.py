"""Create: ask which deployment waits, look whether the partner exists, ask again, then act.

CreatePartner can't be undone. Whatever happens here, a repeated or later Create finds what this one did.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from partner_account_handler import log
from partner_account_handler.aws import Aws, tag_list
from partner_account_handler.clock import pauses
from partner_account_handler.converge import Changes, contact_change, differing_tags, owner_change
from partner_account_handler.errors import CallError, Ending, NotWaitingError, PartnerError, TagsNotVisibleError
from partner_account_handler.identity import OWNER_TAG, PARTITION, client_token, same_name
from partner_account_handler.look import look
from partner_account_handler.metrics import Outcome
from partner_account_handler.partner import Partner
from partner_account_handler.request import Policy, Request

_WAITING = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
_MAY_EXIST = {"DUPLICATE_PARTNER", "CONFLICT_CLIENT_TOKEN", "LegalName:DUPLICATE_VALUE"}

_FRESH_SECONDS = 5.0
"""How old a look may be when the code has been read; if that took longer, another look comes before CreatePartner."""


class Next(Enum):
    """What follows a failed CreatePartner, or a failed question before it."""

    CALL = "looking, asking, and the same call with the same token and body"
    LOOK_ON = "looking until the time is up, since a list may lag behind"
    LOOK = "looking for half a minute"
    STOP = "one more look, and failing"


_PATIENCE = {Next.LOOK_ON: float("inf"), Next.LOOK: 30.0, Next.STOP: 0.0}
"""Seconds in which a partner of ours may come into the list. To give up is safe: the next deployment looks again."""


def create(request: Request, aws: Aws) -> tuple[Partner, Outcome]:
    """The partner of this request, and whether it was found, adopted or created.

    Raises:
        HandlerError: no partner is known to belong to this request, with what to do about it.
    """
    _require_partition(request)
    _require_waiting(aws)
    aws.require_root_stack(request.wanted.owner_stack)
    body: dict[str, Any] = {}
    failures: list[CallError] = []
    for pause in pauses():
        began = aws.clock.spent()
        found = _look(request, aws, failures)
        if found is not None:
            return _take(found, request, aws)
        if not body:
            body = _body(request, aws)
            if aws.clock.spent() - began > _FRESH_SECONDS:
                continue
        try:
            return _created(aws.create_partner(body), request, aws)
        except CallError as failure:
            failures.append(failure)
        step = next_step(failures, may_pass=aws.may_pass(failures[-1]))
        if step is not Next.CALL:
            return _take(_look_again(request, aws, failures[-1], _PATIENCE[step]), request, aws)
        if not aws.clock.pause(pause):
            raise failures[-1]
    raise AssertionError("pauses never end")


def next_step(failures: Sequence[CallError], *, may_pass: bool) -> Next:
    """What follows CreatePartner's failures in this invocation; `may_pass` if the last of them may not recur."""
    if may_pass:
        return Next.CALL
    if _is_unsure(failures):
        return Next.LOOK_ON
    last = failures[-1].fault
    return Next.LOOK if _MAY_EXIST & {last.reason, *last.details} else Next.STOP


def _is_unsure(failures: Sequence[CallError]) -> bool:
    """Whether one of the failed calls may have been carried out; the question before it changes nothing."""
    faults = [failure.fault for failure in failures]
    return any(fault.ending is Ending.OPEN and fault.operation == "CreatePartner" for fault in faults)


def _look(request: Request, aws: Aws, failures: Sequence[CallError]) -> Partner | None:
    for pause in pauses():
        try:
            return look(request, aws)
        except PartnerError as error:
            if _is_unsure(failures):
                break
            if not (isinstance(error, TagsNotVisibleError) and aws.clock.pause(pause)):
                raise
    # The foreign partner may be our own, whose tags lag behind.
    return _look_again(request, aws, failures[-1], _PATIENCE[Next.LOOK_ON])


def _look_again(request: Request, aws: Aws, error: CallError, patience: float) -> Partner:
    """The partner that a failed CreatePartner has left behind, its own or another delivery's; or else that error."""
    until = aws.clock.spent() + patience
    for pause in pauses():
        try:
            found = look(request, aws)
        except PartnerError:
            if not patience:
                raise
            found = None
        except CallError:  # says less than the error that made us look
            found = None
        if found is not None:
            return found
        if aws.clock.spent() + pause > until or not aws.clock.pause(pause):
            raise error
    raise AssertionError("pauses never end")


def _require_partition(request: Request) -> None:
    """Elsewhere Partner Central would refuse the credentials, as if a permission were missing."""
    partition = request.stack_id.split(":")[1]
    if partition != PARTITION:
        raise PartnerError(
            "WrongPartition",
            f"the stack is in the partition {partition}, where Partner Central isn't",
            f"Deploy it to a region of the partition {PARTITION}, such as us-east-1.",
        )


def _require_waiting(aws: Aws) -> None:
    """An event may come after everybody has given it up. Before each change `Aws` asks again."""
    status = aws.stack().status
    if status not in _WAITING:
        raise NotWaitingError(status)


def _body(request: Request, aws: Aws) -> dict[str, Any]:
    """The request, always the same; what is wrong with it is told before the code is read."""
    body = _body_without_code(request)
    aws.check("CreatePartner", body)
    return {**body, "EmailVerificationCode": aws.verification_code(request.wanted.code)}


def _body_without_code(request: Request) -> dict[str, Any]:
    wanted = request.wanted
    body = {
        "Catalog": wanted.catalog,
        "ClientToken": client_token(request.stack_id, request.logical_id, request.request_id),
        "LegalName": wanted.legal_name,
        "PrimarySolutionType": wanted.primary_solution_type,
        "AllianceLeadContact": wanted.contact.to_service(),
    }
    if not wanted.taggable:
        return body
    return {**body, "Tags": tag_list({**wanted.tags, OWNER_TAG: request.owner.to_tag()})}


def _created(partner: Partner, request: Request, aws: Aws) -> tuple[Partner, Outcome]:
    log.info("partner created", partner=partner.id)
    # One that was listed before the call is an earlier result of its client token: it may be another's by now.
    if not request.wanted.taggable and partner.arn not in aws.listed:
        aws.tag_if_taken(partner.arn, {OWNER_TAG: request.owner.to_tag()})
    return partner, Outcome.CREATED


def _take(partner: Partner, request: Request, aws: Aws) -> tuple[Partner, Outcome]:
    """Brings a partner that exists to what the template says, as far as that can be changed."""
    wanted = request.wanted
    log.info("partner found", partner=partner.id)
    if not same_name(partner.legal_name, wanted.legal_name):
        log.warning("the legal name is another than the template's, and can't be changed", partner=partner.id)
    owner = owner_change(partner, request.owner, aws.operation())
    is_ours = owner is None or not (wanted.taggable or partner.owner)  # in the Sandbox perhaps by its legal name
    if is_ours and aws.shows(partner.arn):
        # This Create was answered in a former operation of the stack, and later ones may have changed the partner.
        log.warning("the stack shows this partner already: nothing is written", partner=partner.id)
    else:
        contact = contact_change(partner, wanted, aws)
        if wanted.taggable:
            changes = Changes(differing_tags(partner, wanted.tags), [], contact, owner)
        else:
            changes = Changes({}, [], contact, None, optional_owner=owner)
        written = changes.write(partner, aws)
        # A rollback restores none of it: who has to do so by hand finds here what there was.
        log.info(
            "partner taken over",
            partner=partner.id,
            written=written,
            former_owner=partner.owner and partner.owner.shown(),
        )
    return partner, Outcome.ADOPTED if wanted.policy is Policy.ADOPT else Outcome.RECOVERED
