"""From a CloudFormation event to an answer, and the one rule that spans it: no rollback fails for our sake."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.clock import pauses
from partner_account_handler.create import create
from partner_account_handler.errors import CallError, DefectError, HandlerError, NotWaitingError, TimeLeftError
from partner_account_handler.identity import is_partner_arn, partner_id
from partner_account_handler.metrics import Outcome, Report
from partner_account_handler.partner import Partner
from partner_account_handler.profile_id import (
    PENDING,
    current_profile_id,
    find_profile_id,
    known_profile_id,
    last_profile_id,
)
from partner_account_handler.request import read_request
from partner_account_handler.update import update

_UPDATING = "UPDATE_IN_PROGRESS"
_ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"
_UNKNOWN = "unknown"
_AWAITED = {_UPDATING, _ROLLING_BACK, _UNKNOWN}
_PATIENCE_SECONDS = 30.0
_STALE_SECONDS = 3.0


@dataclass(frozen=True)
class Answer:
    """What CloudFormation is told on success, and the log beside it."""

    physical_id: str
    data: Mapping[str, str]
    report: Report = field(compare=False)


WhenLate = Callable[[Answer], None]
"""Told the answer that is true already, in case that the time runs out before there is a better one."""


def answer_create(event: Mapping[str, Any], aws: Aws, when_late: WhenLate = lambda _: None) -> Answer:
    """Answers a Create.

    Raises:
        HandlerError: why no partner belongs to this resource, and what to do.
    """
    return _guarded(lambda: _answer_create(event, aws, when_late))


def _answer_create(event: Mapping[str, Any], aws: Aws, when_late: WhenLate) -> Answer:
    partner, outcome = create(read_request(event), aws)
    when_late(_answer(partner.arn, PENDING, Report(outcome)))
    return _answer(partner.arn, find_profile_id(partner, aws), Report(outcome))


def answer_update(event: Mapping[str, Any], aws: Aws, when_late: WhenLate = lambda _: None) -> Answer:
    """Answers an Update; during the rollback of the stack always with success.

    A failed Update of a rollback would leave a stack that only a human can mend, and nothing is lost by leaving
    the partner as it is.

    Raises:
        HandlerError: why the partner is not what the template says, and what to do.
    """
    return _guarded(lambda: _answer_update(event, aws, when_late))


def _answer_update(event: Mapping[str, Any], aws: Aws, when_late: WhenLate) -> Answer:
    status = _status(aws)
    if status not in _AWAITED:
        raise NotWaitingError(status)
    if status == _ROLLING_BACK:
        when_late(_unchanged(event["PhysicalResourceId"], TimeLeftError("the rollback"), aws, last_profile_id))
    try:
        return _guarded(lambda: _updated(event, aws, is_rollback=status == _ROLLING_BACK))
    except HandlerError as error:
        if status != _ROLLING_BACK and _status(aws) != _ROLLING_BACK:
            raise
        failure = error
    return _unchanged(event["PhysicalResourceId"], failure, aws, _shown_or_found)


def _updated(event: Mapping[str, Any], aws: Aws, *, is_rollback: bool) -> Answer:
    partner, outcome = update(read_request(event), aws)
    tell = _shown_or_found if is_rollback else current_profile_id
    return _answer(partner.arn, tell(partner, aws), Report(outcome))


def _shown_or_found(partner: Partner, aws: Aws) -> str:
    return known_profile_id(partner.arn, aws) or find_profile_id(partner, aws)


def _status(aws: Aws) -> str:
    """The stack's status, asked for during half a minute at most: the rest of the time is the update's.

    What no Update can come from may be an old answer: it is believed after a few seconds.
    """
    for pause in pauses():
        try:
            status, patience = aws.stack(once=True).status, _STALE_SECONDS
        except Exception as failure:  # noqa: BLE001 - whatever this question ends in, the Update goes on
            may_pass = isinstance(failure, CallError) and aws.may_pass(failure)
            status, patience = _UNKNOWN, _PATIENCE_SECONDS if may_pass else 0.0
        if status in {_UPDATING, _ROLLING_BACK} or aws.clock.spent() >= patience or not aws.clock.pause(pause):
            if status == _UNKNOWN:
                log.error("the stack's status is unknown")
            return status
    raise AssertionError("pauses never end")


def _unchanged(physical_id: str, failure: HandlerError, aws: Aws, tell: Callable[[Partner, Aws], str]) -> Answer:
    """The answer that lets a rollback through, in spite of a failure."""
    report = Report(Outcome.ROLLBACK_LET_THROUGH, failure.code, str(failure))
    if not is_partner_arn(physical_id):
        return Answer(physical_id, {}, report)
    return _answer(physical_id, tell(Partner(physical_id, ""), aws), report)


def answer_delete(event: Mapping[str, Any]) -> Answer:
    """Answers a Delete: AWS has no call that deletes a partner, so it stays, whatever id is named."""
    return Answer(event["PhysicalResourceId"], {}, Report(Outcome.RETAINED))


def _guarded(act: Callable[[], Answer]) -> Answer:
    """The border at which a defect of ours becomes an error that carries nothing of the input."""
    try:
        return act()
    except HandlerError:
        raise
    except Exception as defect:  # noqa: BLE001 - without an answer CloudFormation would wait for its time-out
        kind, place = type(defect).__name__, _place(sys.exc_info()[2])
    raise DefectError(kind, place)


def _place(traceback: Any) -> str:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return "?" if traceback is None else f"{Path(traceback.tb_frame.f_code.co_filename).name}:{traceback.tb_lineno}"


def _answer(arn: str, profile_id: str, report: Report) -> Answer:
    return Answer(arn, {"Arn": arn, "Id": partner_id(arn), "ProfileId": profile_id}, report)
