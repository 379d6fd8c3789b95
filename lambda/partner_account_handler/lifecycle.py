"""From a request to its answer, and the one rule that spans it: no rollback fails because of us."""

from collections.abc import Callable
from functools import partial

from partner_account_handler import log
from partner_account_handler.create import Result, create
from partner_account_handler.errors import HandlerError, TimeLeftError, defects_as_errors
from partner_account_handler.exports import PENDING, keep_imported, shown_attributes
from partner_account_handler.identity import is_partner_arn
from partner_account_handler.outcome import Answer, Outcome, Report
from partner_account_handler.partner_central import Aws, Partner
from partner_account_handler.profile import IN_PROGRESS, write_profile
from partner_account_handler.request import PartnerRequest, ProfileRequest
from partner_account_handler.stack_gate import TOLERANT, ObservedStack
from partner_account_handler.update import update

OnTimeout = Callable[[Answer], None]
"""Receives the answer that is already true, in case time runs out before there is a better one."""


@defects_as_errors
def respond(request: PartnerRequest | ProfileRequest, aws: Aws, on_timeout: OnTimeout = lambda _: None) -> Answer:
    """The answer to a request; a HandlerError if its resource doesn't match the template."""
    if request.operation == "Update":
        return _update(request, aws, on_timeout)
    if request.operation == "Delete":
        # AWS has no call that deletes a partner, and a public profile that vanished by mistake would be worse than one
        # that is retained: so any id succeeds.
        return Answer(request.physical_id, {}, Report(Outcome.RETAINED))
    if isinstance(request, ProfileRequest):
        return _profile_answer(request, aws, aws.gate.await_create(), on_timeout)
    on_known = partial(_answer_on_timeout, on_timeout)
    result = create(request, aws, on_known)
    if result.outcome is not Outcome.CREATED:  # otherwise it was reported at once
        on_known(result)
    return _partner_answer(result, request, aws)


def _update(request: PartnerRequest | ProfileRequest, aws: Aws, on_timeout: OnTimeout) -> Answer:
    """Always succeeds during a rollback of the stack.

    A failed Update in a rollback would leave a stack that only a person can repair, and nothing is lost by leaving
    the partner unchanged.
    """
    status, stack = aws.gate.await_update()
    is_rollback = status in TOLERANT
    if is_rollback:
        on_timeout(_tolerated(request, TimeLeftError("the rollback"), stack))
    try:
        return _updated(request, aws, stack, on_timeout, is_rollback=is_rollback)
    except HandlerError as error:
        rollback = aws.gate.rollback_of(status, stack)
        if rollback is None:
            raise
        failure = error
    return _tolerated(request, failure, rollback, aws)


@defects_as_errors
def _updated(
    request: PartnerRequest | ProfileRequest,
    aws: Aws,
    stack: ObservedStack,
    on_timeout: OnTimeout,
    *,
    is_rollback: bool,
) -> Answer:
    if isinstance(request, ProfileRequest):
        return _profile_answer(request, aws, stack, on_timeout, is_rollback=is_rollback)
    result = update(request, aws, stack, partial(_answer_on_timeout, on_timeout), is_rollback=is_rollback)
    requires_id = not is_rollback and result.outcome is not Outcome.CREATED
    return _partner_answer(result, request, aws, is_rollback=is_rollback, requires_id=requires_id)


def _answer_on_timeout(on_timeout: OnTimeout, result: Result) -> None:
    """Once a partner is known, a Create succeeds: its profile id may come later."""
    on_timeout(Answer(result.partner.arn, _attributes(result.partner, PENDING), Report(result.outcome)))


def _partner_answer(
    result: Result, request: PartnerRequest, aws: Aws, *, is_rollback: bool = False, requires_id: bool = False
) -> Answer:
    partner = result.partner
    shown = shown_attributes(result.stack, request.output_prefixes, partner.arn)
    before = shown.get("ProfileId") if shown.get("Arn") == partner.arn else None
    told = profile_id(partner, before, aws, keep_shown=is_rollback, required=requires_id)
    is_new = request.operation == "Create"
    attributes = keep_imported(_attributes(partner, told), shown, result.stack, aws, is_new=is_new)
    return Answer(partner.arn, attributes, Report(result.outcome))


def _attributes(partner: Partner, profile_id: str) -> dict[str, str]:
    return {"Arn": partner.arn, "Id": partner.id, "ProfileId": profile_id}


def _profile_answer(
    request: ProfileRequest, aws: Aws, stack: ObservedStack, on_timeout: OnTimeout, *, is_rollback: bool = False
) -> Answer:
    physical_id, is_new = request.wanted.physical_id, request.operation == "Create"
    shown = shown_attributes(stack, request.output_prefixes)
    before = shown.get("ProfileId") if physical_id == request.physical_id else None
    if is_new and "TaskStatus" in shown:
        # A Create of a former deployment is redelivered.
        log.warning("the stack already shows this profile: nothing is written")
        return Answer(physical_id, shown, Report(Outcome.UNCHANGED))

    def answer(profile_id: str, task_status: str, report: Report) -> Answer:
        attributes = {"ProfileId": profile_id, "TaskStatus": task_status}
        return Answer(physical_id, keep_imported(attributes, shown, stack, aws, is_new=is_new), report)

    written = Outcome.CREATED if is_new else Outcome.UPDATED
    result = write_profile(
        request,
        aws,
        stack,
        on_started=lambda: on_timeout(answer(before or PENDING, IN_PROGRESS, Report(written))),
        is_rollback=is_rollback,
        was_approved=shown.get("TaskStatus") != IN_PROGRESS,
    )
    partner = Partner(request.wanted.partner_arn, "", profile_id=result.profile_id)
    told = profile_id(partner, before, aws, keep_shown=is_rollback)
    report = Report(written if result.written else Outcome.UNCHANGED)
    if left := result.not_restored:
        report = Report(Outcome.ROLLBACK_TOLERATED, left.code, str(left))
    return answer(told, result.task_status, report)


def _tolerated(
    request: PartnerRequest | ProfileRequest, failure: HandlerError, stack: ObservedStack, aws: Aws | None = None
) -> Answer:
    """The answer that lets a rollback continue despite a failure; without `aws` no call is made for it."""
    report, physical_id = Report(Outcome.ROLLBACK_TOLERATED, failure.code, str(failure)), request.physical_id
    if isinstance(request, ProfileRequest):
        shown = shown_attributes(stack, request.output_prefixes)
        attributes = {"ProfileId": PENDING, "TaskStatus": IN_PROGRESS, **shown}
        physical_id = physical_id if isinstance(request.properties, HandlerError) else request.wanted.physical_id
        return Answer(physical_id, keep_imported(attributes, shown, stack, aws) if aws else attributes, report)
    if not is_partner_arn(physical_id):
        return Answer(physical_id, {}, report)
    shown = shown_attributes(stack, request.output_prefixes, physical_id)
    is_shown = shown.get("Arn") == physical_id
    partner = Partner(physical_id, "", told_id=shown.get("Id") if is_shown else None)
    before = shown.get("ProfileId") if is_shown else None
    if aws is None:
        return Answer(physical_id, {**_attributes(partner, before or PENDING), **shown}, report)
    attributes = _attributes(partner, profile_id(partner, before, aws, keep_shown=True))
    return Answer(physical_id, keep_imported(attributes, shown, stack, aws), report)


def profile_id(
    partner: Partner, shown: str | None, aws: Aws, *, keep_shown: bool = False, required: bool = False
) -> str:
    """The profile id from the service, or else the one that the stack shows, or else ``pending``.

    The service may return it late: after CreatePartner, or only with the partner's first profile. So the call is
    repeated for a few seconds if there is none, and until the time is up if it fails.

    `keep_shown` makes no call if the stack shows one, which no rollback may change: an export may be in use. If neither
    the service nor the stack has one, ``pending`` might be a step back: then a `required` one raises the HandlerError.
    Otherwise nothing is raised: the partner exists in any case.
    """
    if keep_shown and shown:
        return shown
    found = partner.profile_id
    ask = partial(aws.partner_central.profile_id, partner)
    try:
        for pause in (0.5, 1.0, 2.0):
            found = found or aws.calls.repeated(ask)
            if found or not aws.clock.pause(pause):
                break
        else:
            found = aws.calls.repeated(ask)
    except Exception as error:  # after CreatePartner's answer nothing may make the Create fail
        if required and not (shown and isinstance(error, HandlerError)):
            raise
        log.warning("profile id unknown", partner=partner.id, error=type(error).__name__)
    return found or shown or PENDING
