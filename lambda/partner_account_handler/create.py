"""Create: look whether the partner exists, ask whether the stack still waits, then act.

CreatePartner can't be undone. Whatever happens here, a repeated or later Create finds what this one did.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from partner_account_handler import log
from partner_account_handler.aws import Aws, tag_list
from partner_account_handler.clock import pauses
from partner_account_handler.converge import converge_contact, converge_tags, wanted_tags
from partner_account_handler.errors import CallError, Ending, NotWaitingError
from partner_account_handler.identity import client_token, same_name
from partner_account_handler.look import look, owner_of
from partner_account_handler.partner import Partner
from partner_account_handler.request import Policy, Request

_WAITING = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
_MAY_EXIST = {"DUPLICATE_PARTNER", "CONFLICT_CLIENT_TOKEN"}


class Next(Enum):
    """What follows a failed CreatePartner and the look after it."""

    CALL = "the same call, with the same token and body"
    LOOK = "looking until the time is up, since a list may lag behind"
    STOP = "failing"


def create(request: Request, aws: Aws) -> Partner:
    """The partner of this request: found, adopted or created.

    Raises:
        HandlerError: no partner is known to belong to this request, with what to do about it.
    """
    found = look(request, aws)
    if found is not None:
        return _take(found, request, aws)
    aws.check("CreatePartner", _body(request, code="000000"))
    return _create(request, _body(request, aws.verification_code(request.wanted.code)), aws)


def _create(request: Request, body: dict[str, Any], aws: Aws) -> Partner:
    """Calls CreatePartner until it is known whether the partner exists."""
    unsure = False
    for pause in pauses():
        _require_waiting_stack(aws)
        try:
            return _created(aws.create_partner(body))
        except CallError as failure:
            error = failure
        unsure = unsure or error.fault.ending is Ending.OPEN
        step = next_step(error, unsure=unsure, may_pass=aws.may_pass(error))
        if step is Next.CALL and not aws.clock.pause(pause):
            raise error
        found = _look_again(request, aws, patiently=step is Next.LOOK)
        if found is not None:
            return _take(found, request, aws)
        if step is not Next.CALL:
            raise error
    raise AssertionError("pauses never end")


def next_step(error: CallError, *, unsure: bool, may_pass: bool) -> Next:
    """What a failed CreatePartner calls for; `unsure` if this or an earlier one may have been carried out."""
    if may_pass:
        return Next.CALL
    if unsure or error.fault.reason in _MAY_EXIST:
        return Next.LOOK
    return Next.STOP


def _look_again(request: Request, aws: Aws, *, patiently: bool) -> Partner | None:
    for pause in pauses():
        found = look(request, aws)
        if found is not None or not patiently or not aws.clock.pause(pause):
            return found
    raise AssertionError("pauses never end")


def _require_waiting_stack(aws: Aws) -> None:
    """An event may be delivered long after everybody has given up on it."""
    status = aws.stack().status
    if status not in _WAITING:
        raise NotWaitingError(status)


def _body(request: Request, code: str) -> dict[str, Any]:
    wanted = request.wanted
    body = {
        "Catalog": wanted.catalog,
        "ClientToken": client_token(request.stack_id, request.logical_id, request.request_id),
        "LegalName": wanted.legal_name,
        "PrimarySolutionType": wanted.primary_solution_type,
        "AllianceLeadContact": wanted.contact.to_service(),
        "EmailVerificationCode": code,
    }
    tags = wanted_tags(wanted, owner_of(request))
    return {**body, "Tags": tag_list(tags)} if tags else body


def _created(partner: Partner) -> Partner:
    log.info("created", partner=partner.id)
    return partner


def _take(partner: Partner, request: Request, aws: Aws) -> Partner:
    """Brings a partner that exists to what the template says, as far as that can be changed."""
    wanted = request.wanted
    log.info("adopted" if wanted.policy is Policy.ADOPT else "found", partner=partner.id)
    if not same_name(partner.legal_name, wanted.legal_name):
        log.warning("the legal name is another than the template's, and can't be changed", partner=partner.id)
    if wanted.taggable:
        converge_tags(partner, wanted_tags(wanted, owner_of(request)), [], aws)
    converge_contact(partner.arn, wanted, aws)
    return partner
