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
from partner_account_handler.converge import find_profile_id
from partner_account_handler.create import create
from partner_account_handler.errors import CallError, DefectError, HandlerError, NotWaitingError
from partner_account_handler.identity import is_partner_arn
from partner_account_handler.metrics import Outcome, Report
from partner_account_handler.partner import Partner
from partner_account_handler.request import read_request
from partner_account_handler.update import update

_UPDATING = "UPDATE_IN_PROGRESS"
_ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"
_UNKNOWN = "unknown"
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What CloudFormation is told on success, and the log beside it."""

    physical_id: str
    data: Mapping[str, str]
    report: Report = field(compare=False)


def answer_create(event: Mapping[str, Any], aws: Aws) -> Answer:
    """Answers a Create.

    Raises:
        HandlerError: why no partner belongs to this resource, and what to do.
    """
    return _guarded(lambda: _answer(*create(read_request(event), aws), aws))


def answer_update(event: Mapping[str, Any], aws: Aws) -> Answer:
    """Answers an Update; during the rollback of the stack always with success.

    A failed Update of a rollback would leave a stack that only a human can mend, and nothing is lost by leaving
    the partner as it is.

    Raises:
        HandlerError: why the partner is not what the template says, and what to do.
    """
    return _guarded(lambda: _answer_update(event, aws))


def _answer_update(event: Mapping[str, Any], aws: Aws) -> Answer:
    status = _status(aws)
    if status not in (_UPDATING, _ROLLING_BACK, _UNKNOWN):
        raise NotWaitingError(status)
    try:
        return _guarded(lambda: _answer(*update(read_request(event), aws), aws))
    except HandlerError as failure:
        if status == _UPDATING or (status == _UNKNOWN and _status(aws) != _ROLLING_BACK):
            raise
        let_through = Report(Outcome.ROLLBACK_LET_THROUGH, failure.code, str(failure))
    return _unchanged(event["PhysicalResourceId"], let_through, aws)


def _status(aws: Aws) -> str:
    """The stack's status, asked for during half a minute at most: the rest of the time is the update's."""
    for pause in pauses():
        try:
            return aws.stack(repeat=False).status
        except HandlerError as failure:
            may_pass = isinstance(failure, CallError) and aws.may_pass(failure)
            if not may_pass or aws.clock.spent() > _PATIENCE_SECONDS or not aws.clock.pause(pause):
                log.error("the stack's status is unknown", code=failure.code)
                return _UNKNOWN
    raise AssertionError("pauses never end")


def _unchanged(physical_id: str, report: Report, aws: Aws) -> Answer:
    data = _data(Partner(physical_id, ""), aws) if is_partner_arn(physical_id) else {}
    return Answer(physical_id, data, report)


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


def _answer(partner: Partner, outcome: Outcome, aws: Aws) -> Answer:
    return Answer(partner.arn, _data(partner, aws), Report(outcome))


def _data(partner: Partner, aws: Aws) -> dict[str, str]:
    return {"Arn": partner.arn, "Id": partner.id, "ProfileId": find_profile_id(partner, aws)}
