"""crhelper's wiring. Lambda calls `handler`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from partner_account_handler import log
from partner_account_handler.answering import OneAnswer
from partner_account_handler.aws import Aws
from partner_account_handler.clock import Clock
from partner_account_handler.errors import HandlerError
from partner_account_handler.identity import client_token
from partner_account_handler.lifecycle import Answer, answer_create, answer_delete, answer_update
from partner_account_handler.metrics import report_of
from partner_account_handler.request import is_custom_resource_event

helper = OneAnswer()


def handler(event: Any, context: Any) -> None:
    """Answers one request of CloudFormation; anything else is not answered at all."""
    log.silence_others()
    log.about()
    if not is_custom_resource_event(event):
        log.error("not a request of CloudFormation, so not answered")
        return
    log.about(request=event["RequestId"])
    helper.begin(event["ResponseURL"])
    helper(event, context)


@helper.create
def _create(event: dict[str, Any], context: Any) -> str:
    # A Create that fails has the same id in each redelivery, where crhelper would make up a new one.
    token = client_token(event["StackId"], event["LogicalResourceId"], event["RequestId"])
    helper.PhysicalResourceId = f"not-created-{token[:32]}"
    return _told(lambda: answer_create(event, _aws(event, context), _if_late))


@helper.update
def _update(event: dict[str, Any], context: Any) -> str:
    helper.PhysicalResourceId = event["PhysicalResourceId"]
    return _told(lambda: answer_update(event, _aws(event, context), _if_late))


@helper.delete
def _delete(event: dict[str, Any], _context: Any) -> str:
    helper.PhysicalResourceId = event["PhysicalResourceId"]
    return _told(lambda: answer_delete(event))


def _aws(event: dict[str, Any], context: Any) -> Aws:
    clock = Clock(lambda: context.get_remaining_time_in_millis() / 1000)
    return Aws(event["StackId"], clock, helper.delivery.require_reachable)


def _if_late(answer: Answer) -> None:
    helper.succeed_if_late(answer.physical_id, answer.data, answer.report)


def _told(act: Callable[[], Answer]) -> str:
    try:
        answer = act()
    except HandlerError as error:
        helper.report = report_of(error)
        raise
    helper.report = answer.report
    helper.Data.update(answer.data)
    return answer.physical_id
