"""From a CloudFormation event to an answer, and the one rule that spans it: no rollback fails for our sake."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.clock import pauses
from partner_account_handler.create import create
from partner_account_handler.errors import CallError, DefectError, HandlerError, NotWaitingError, TimeLeftError
from partner_account_handler.identity import is_partner_arn
from partner_account_handler.metrics import Outcome, Report
from partner_account_handler.partner import Partner
from partner_account_handler.profile_id import (
    PENDING,
    current_profile_id,
    find_profile_id,
    known_profile_id,
    last_profile_id,
    shown_attribute,
)
from partner_account_handler.request import read_request
from partner_account_handler.update import update

_UPDATING = "UPDATE_IN_PROGRESS"
_ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"
_FAILED = "UPDATE_FAILED"
_UNKNOWN = "unknown"
"""CloudFormation doesn't tell it now."""
_UNTOLD = "untold"
"""CloudFormation won't tell it in this invocation."""

_TOLERANT = {_ROLLING_BACK, _FAILED}
"""In which a failed Update is let through: it may be the reversed one, by which CloudFormation takes a failed one back.
With `--no-rollback` it does that for the failed resource alone, in a status that AWS documents nowhere."""

_BEFORE_AN_UPDATE = {
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
}
"""From which an update, or its rollback, may begin: `DescribeStacks` may still say so when it has."""

_PATIENCE_SECONDS = 30.0
_STALE_SECONDS = 3.0
_CLOCK_SKEW = timedelta(seconds=10)


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
    when_late(_answer(partner, PENDING, Report(outcome)))
    return _answer(partner, find_profile_id(partner, aws), Report(outcome))


def answer_update(event: Mapping[str, Any], aws: Aws, when_late: WhenLate = lambda _: None) -> Answer:
    """Answers an Update; during the rollback of the stack always with success.

    A failed Update of a rollback would leave a stack that only a human can mend, and nothing is lost by leaving
    the partner as it is.

    Raises:
        HandlerError: why the partner is not what the template says, and what to do.
    """
    return _guarded(lambda: _answer_update(event, aws, when_late))


def _answer_update(event: Mapping[str, Any], aws: Aws, when_late: WhenLate) -> Answer:
    status = _awaited_status(aws)
    if status in _TOLERANT:
        when_late(_unchanged(event["PhysicalResourceId"], TimeLeftError("the rollback"), aws, last_profile_id))
    try:
        return _guarded(lambda: _updated(event, aws, is_rollback=status in _TOLERANT))
    except HandlerError as error:
        if not _is_taken_back(status, aws):
            raise
        failure = error
    return _unchanged(event["PhysicalResourceId"], failure, aws, _shown_or_found)


def _updated(event: Mapping[str, Any], aws: Aws, *, is_rollback: bool) -> Answer:
    partner, outcome = update(read_request(event), aws, is_rollback=is_rollback)
    tell = _shown_or_found if is_rollback else current_profile_id
    return _answer(partner, tell(partner, aws), Report(outcome))


def _shown_or_found(partner: Partner, aws: Aws) -> str:
    return known_profile_id(partner.arn, aws) or find_profile_id(partner, aws)


def _awaited_status(aws: Aws) -> str:
    """The status in which the stack waits for this Update; `unknown`, if CloudFormation doesn't tell it for a while.

    Raises:
        NotWaitingError: the stack waits for no Update, or for that of a deployment that began after this one came.
    """
    first = status = _status(aws)
    for pause in pauses():
        if status in {_UPDATING, _ROLLING_BACK} or aws.clock.spent() >= _patience_with(status):
            break
        has_time = aws.clock.pause(pause)
        status = _status(aws)  # the last time in the time that is kept back
        if not has_time:
            break
    if status not in {_UPDATING, _ROLLING_BACK, _FAILED, _UNKNOWN, _UNTOLD}:
        raise NotWaitingError(status)
    if status in {_UNKNOWN, _UNTOLD}:
        log.error("the stack's status is unknown")
    if status == _UPDATING != first and aws.began_after(aws.clock.began + _CLOCK_SKEW):
        raise NotWaitingError(f"{status} of a later deployment")
    return status


def _patience_with(status: str) -> float:
    """Seconds in which a status may be an old one. From some no Update can come: they are believed soon."""
    if status in {_UNKNOWN, _FAILED}:
        return _PATIENCE_SECONDS
    if status == _UNTOLD:
        return 0.0
    return float("inf") if status in _BEFORE_AN_UPDATE else _STALE_SECONDS


def _status(aws: Aws) -> str:
    """The stack's status, or whether CloudFormation may still tell it."""
    try:
        return aws.stack(once=True).status
    except Exception as failure:  # noqa: BLE001 - whatever this question ends in, the Update goes on
        return _UNKNOWN if isinstance(failure, CallError) and aws.may_pass(failure) else _UNTOLD


def _is_taken_back(status: str, aws: Aws) -> bool:
    """Whether a failed Update may be a reversed one, whatever status it came in: that one may have been old."""
    if status == _ROLLING_BACK:
        return True
    for pause in pauses():
        status = _status(aws)
        if status != _UPDATING or aws.clock.spent() >= _STALE_SECONDS or not aws.clock.pause(pause):
            return status in _TOLERANT
    raise AssertionError("pauses never end")


def _unchanged(physical_id: str, failure: HandlerError, aws: Aws, tell: Callable[[Partner, Aws], str]) -> Answer:
    """The answer that lets a rollback through, in spite of a failure."""
    report = Report(Outcome.ROLLBACK_LET_THROUGH, failure.code, str(failure))
    if not is_partner_arn(physical_id):
        return Answer(physical_id, {}, report)
    partner = Partner(physical_id, "", told_id=shown_attribute("Id", physical_id, aws))
    return _answer(partner, tell(partner, aws), report)


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


def _answer(partner: Partner, profile_id: str, report: Report) -> Answer:
    return Answer(partner.arn, {"Arn": partner.arn, "Id": partner.id, "ProfileId": profile_id}, report)
