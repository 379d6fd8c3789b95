"""From a request to its answer, and the one rule that spans it: no rollback fails for our sake."""

from collections.abc import Callable
from functools import partial

from partner_account_handler import log
from partner_account_handler.create import create
from partner_account_handler.errors import HandlerError, TimeLeftError, defects_as_errors
from partner_account_handler.identity import is_partner_arn
from partner_account_handler.outcome import Answer, Outcome, Report
from partner_account_handler.partner_central import Aws, Partner
from partner_account_handler.request import Request
from partner_account_handler.stack_gate import TOLERANT, ObservedStack
from partner_account_handler.update import update

PENDING = "pending"
"""ProfileId while the service has none: a missing attribute would fail the stack after the irreversible step."""

OnTimeout = Callable[[Answer], None]
"""Given the answer that is true already, in case that the time runs out before there is a better one."""


@defects_as_errors
def respond(request: Request, aws: Aws, on_timeout: OnTimeout = lambda _: None) -> Answer:
    """The answer to a request; a HandlerError if its resource has no partner, or not as the template says."""
    if request.operation == "Update":
        return _update(request, aws, on_timeout)
    if request.operation == "Create":
        result = create(request, aws)
        on_timeout(_answer(result.partner, PENDING, Report(result.outcome)))
        return _answer(result.partner, profile_id(result.partner, result.stack, aws), Report(result.outcome))
    # AWS has no call that deletes a partner, so it stays, whatever id is named.
    return Answer(request.physical_id, {}, Report(Outcome.RETAINED))


def _update(request: Request, aws: Aws, on_timeout: OnTimeout) -> Answer:
    """During the rollback of the stack always success.

    A failed Update of a rollback would leave a stack that only a human can mend, and nothing is lost by leaving
    the partner as it is.
    """
    status, stack = aws.gate.await_update()
    is_rollback = status in TOLERANT
    if is_rollback:
        on_timeout(_tolerated(request, TimeLeftError("the rollback"), stack))
    try:
        return _updated(request, aws, stack, is_rollback=is_rollback)
    except HandlerError as error:
        rollback = aws.gate.rollback_of(status, stack)
        if rollback is None:
            raise
        failure = error
    return _tolerated(request, failure, rollback, aws)


@defects_as_errors
def _updated(request: Request, aws: Aws, stack: ObservedStack, *, is_rollback: bool) -> Answer:
    result = update(request, aws, stack, is_rollback=is_rollback)
    told = profile_id(result.partner, result.stack, aws, keep_shown=is_rollback, required=not is_rollback)
    return _answer(result.partner, told, Report(result.outcome))


def _tolerated(request: Request, failure: HandlerError, stack: ObservedStack, aws: Aws | None = None) -> Answer:
    """The answer that lets a rollback go on in spite of a failure; without `aws` nothing is asked for it."""
    report, arn = Report(Outcome.ROLLBACK_TOLERATED, failure.code, str(failure)), request.physical_id
    if not is_partner_arn(arn):
        return Answer(arn, {}, report)
    partner = Partner(arn, "", told_id=stack.attribute("Id", arn))
    shown = stack.attribute("ProfileId", arn) or PENDING
    return _answer(partner, profile_id(partner, stack, aws, keep_shown=True) if aws else shown, report)


def _answer(partner: Partner, profile_id: str, report: Report) -> Answer:
    return Answer(partner.arn, {"Arn": partner.arn, "Id": partner.id, "ProfileId": profile_id}, report)


def profile_id(
    partner: Partner, stack: ObservedStack, aws: Aws, *, keep_shown: bool = False, required: bool = False
) -> str:
    """The profile id by the service, or else the one that the stack shows, or else ``pending``.

    The service may tell it late: after CreatePartner, or only with the partner's first profile. So it is asked again
    for a few seconds if it has none, and until the time is up if it fails.

    `keep_shown` asks nothing if the stack shows one, which no rollback may change: an export may be in use. If neither
    the service nor the stack tells, ``pending`` might be a step back: then a `required` one raises the HandlerError.
    Else nothing is raised: a partner outlives this question.
    """
    shown = stack.attribute("ProfileId", partner.arn)
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
