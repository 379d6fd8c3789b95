"""crhelper's wiring. Lambda calls `handler`."""

from typing import Any

from partner_account_handler import log
from partner_account_handler.clock import Clock
from partner_account_handler.errors import HandlerError
from partner_account_handler.lifecycle import respond
from partner_account_handler.outcome import report_of
from partner_account_handler.partner_central import Aws
from partner_account_handler.request import is_custom_resource_event, read_request
from partner_account_handler.response import SingleResponse

helper = SingleResponse()


def handler(event: Any, context: Any) -> None:
    """Answers one CloudFormation request; any other event is not answered."""
    log.suppress_library_logs()
    log.bind()
    if not is_custom_resource_event(event):
        log.error("not a CloudFormation request, so not answered")
        return
    log.bind(request=event["RequestId"])
    helper.begin(event["ResponseURL"])
    helper(event, context)


@helper.create
@helper.update
@helper.delete
def _respond(event: dict[str, Any], context: Any) -> str:
    request = read_request(event)
    helper.PhysicalResourceId = request.physical_id  # crhelper would generate a new one for each failure
    clock = Clock(lambda: context.get_remaining_time_in_millis() / 1000)
    aws = Aws(request.stack_id, clock, helper.delivery.require_reachable)
    try:
        answer = respond(request, aws, helper.succeed_on_timeout)
    except HandlerError as error:
        helper.report = report_of(error)
        raise
    helper.report = answer.report
    helper.Data.update(answer.data)
    return answer.physical_id
