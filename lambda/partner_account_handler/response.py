"""One answer per invocation, and one log line with its outcome.

crhelper's own sender has no time-out and retries forever, so `Delivery` sends the answer.
"""

import os
import time
from threading import Lock, Timer
from typing import Any

from crhelper import CfnResource

from partner_account_handler import log
from partner_account_handler.delivery import SEND_SECONDS, Delivery
from partner_account_handler.errors import TimeLeftError
from partner_account_handler.identity import is_partner_arn, partner_id
from partner_account_handler.outcome import NEEDS_ATTENTION, UNREPORTED, Answer, Report, report_of, undelivered

SEND_RESERVE_SECONDS = SEND_SECONDS + 1
"""Reserved at the end of an invocation: to send the answer (16 s), and to log its outcome."""


class _Invocation:
    """One invocation, which answers once. A second thread waits until the first has sent its answer."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.is_answered = False


class SingleResponse(CfnResource):
    """crhelper's `CfnResource`, which answers each invocation at most once."""

    _timer: Timer | None
    _context: Any
    _event: dict[str, Any]

    def __init__(self) -> None:
        self.begin()
        before = os.environ.get("AWS_SAM_LOCAL")
        os.environ["AWS_SAM_LOCAL"] = "1"  # then crhelper creates no boto3 clients: only its polling would use them
        try:
            super().__init__(log_level="INFO", boto_level="ERROR", sleep_on_delete=0)
        finally:
            del os.environ["AWS_SAM_LOCAL"]
            if before is not None:
                os.environ["AWS_SAM_LOCAL"] = before

    def begin(self, url: str = "") -> None:
        """Starts a new invocation, with an answer of its own, which is sent to this URL."""
        self._invocation = _Invocation()
        self.delivery = Delivery(url)
        self._began = time.monotonic()
        self.report = UNREPORTED
        """The outcome of the request; set by the code that does the work."""
        self._on_timeout: Answer | None = None

    def succeed_on_timeout(self, answer: Answer) -> None:
        """Makes the timer answer SUCCESS with this, where it would answer FAILED."""
        self._on_timeout = answer

    def _set_timeout(self) -> None:
        """Sets crhelper's timer, so long before Lambda ends the invocation that the answer can still be sent."""
        left = self._context.get_remaining_time_in_millis() / 1000
        self._timer = Timer(max(left - SEND_RESERVE_SECONDS, left / 2), self._answer_on_timeout, (self._invocation,))
        self._timer.start()

    def _answer_on_timeout(self, invocation: _Invocation) -> None:
        if answer := self._on_timeout:
            self._answer(invocation, answer.report, "SUCCESS", "", answer)
        else:
            report = report_of(TimeLeftError("the answer"))
            self._answer(invocation, report, "FAILED", report.message)

    def _send(self, status: str | None = None, reason: str = "", send_response: Any = None) -> None:
        del send_response  # crhelper's sender has no time-out and retries forever
        if self._timer:
            self._timer.cancel()
        # crhelper gives a status only when it has failed itself.
        self._answer(self._invocation, UNREPORTED if status else self.report, status, reason)

    def _answer(
        self, invocation: _Invocation, report: Report, status: str | None, reason: str, on_timeout: Answer | None = None
    ) -> None:
        with invocation.lock:
            if invocation.is_answered:
                return
            invocation.is_answered = True
            if on_timeout:
                self.PhysicalResourceId = on_timeout.physical_id
                self.Data.update(on_timeout.data)
            self._failure = "not sent"
            try:
                super()._send(status, reason, self._deliver)  # type: ignore[misc]
            finally:  # only now, so that nothing delays the answer
                self._log(undelivered(report, self._failure) if self._failure else report)

    def _deliver(self, _url: str, body: dict[str, Any], _ssl_verify: object = None) -> None:
        # Newer crhelpers pass whether TLS is to be verified, older ones don't: here it always is.
        left = self._context.get_remaining_time_in_millis() / 1000
        self._failure = self.delivery.send(body, min(SEND_SECONDS, max(left - 1, left / 2)))

    def _log(self, report: Report) -> None:
        """The last line of a request."""
        arn = str(self.PhysicalResourceId)
        write = log.error if report.outcome in NEEDS_ATTENTION else log.info
        write(
            report.message or report.outcome.value,
            operation=self._event["RequestType"],
            outcome=report.outcome.value,
            **({"reason": report.reason} if report.reason else {}),
            duration_ms=round((time.monotonic() - self._began) * 1000),
            StackName=self._event["StackId"].split("/")[1],
            LogicalResourceId=self._event["LogicalResourceId"],
            **({"partner": partner_id(arn)} if is_partner_arn(arn) else {}),
        )
