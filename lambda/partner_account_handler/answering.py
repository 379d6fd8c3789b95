"""One answer per invocation, and one line that tells what became of it.

A latch around crhelper's sender, which has no time-out and no end of its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Any

from crhelper import CfnResource

from partner_account_handler import log
from partner_account_handler.delivery import SEND_SECONDS, Delivery
from partner_account_handler.errors import TimeLeftError
from partner_account_handler.identity import is_partner_arn, partner_id
from partner_account_handler.metrics import ALARMING, UNREPORTED, Report, embedded, report_of, undelivered

SENDING_SECONDS = SEND_SECONDS + 1
"""Kept back at the end of an invocation: to send the answer (16 s), and to log what became of it."""


class _Turn:
    """One invocation's right to answer. Who comes second waits until the first has sent its answer."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False

    def take(self, send: Callable[[], None]) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                send()


class OneAnswer(CfnResource):
    """crhelper's `CfnResource`, which answers each invocation at most once."""

    _timer: Timer | None
    _context: Any
    _event: dict[str, Any]

    def __init__(self) -> None:
        self.begin()
        with _without_clients():
            super().__init__(log_level="INFO", boto_level="ERROR", sleep_on_delete=0)

    def begin(self, url: str = "") -> None:
        """Starts a new invocation, with an answer of its own, which goes to this URL."""
        self._turn = _Turn()
        self.delivery = Delivery(url)
        self._began = time.monotonic()
        self.report = UNREPORTED
        """What has become of the request; for who does the work to say."""
        self._late: tuple[str, Mapping[str, str], Report] | None = None

    def succeed_if_late(self, physical_id: str, data: Mapping[str, str], report: Report) -> None:
        """Has the timer answer SUCCESS with this, where it would answer FAILED."""
        self._late = physical_id, data, report

    def _set_timeout(self) -> None:
        """Sets crhelper's timer, so long before Lambda ends the invocation that the answer can still be sent."""
        left = self._context.get_remaining_time_in_millis() / 1000
        self._timer = Timer(max(left - SENDING_SECONDS, left / 2), self._answer_late, (self._turn,))
        self._timer.start()

    def _answer_late(self, turn: _Turn) -> None:
        if self._late is None:
            report = report_of(TimeLeftError("the answer"))
            self._answer(turn, report, "FAILED", report.message)
        else:
            self.PhysicalResourceId, data, report = self._late
            self.Data.update(data)
            self._answer(turn, report, "SUCCESS", "")

    def _send(self, status: str | None = None, reason: str = "", send_response: Any = None) -> None:
        del send_response  # crhelper's sender has no time-out and no end of its own
        if self._timer:
            self._timer.cancel()
        # crhelper gives a status only when it has failed itself.
        self._answer(self._turn, UNREPORTED if status else self.report, status, reason)

    def _answer(self, turn: _Turn, report: Report, status: str | None, reason: str) -> None:
        turn.take(lambda: self._send_and_tell(report, status, reason))

    def _send_and_tell(self, report: Report, status: str | None, reason: str) -> None:
        self._failure = "not sent"
        try:
            super()._send(status, reason, self._deliver)  # type: ignore[misc]
        finally:  # only now, so that nothing delays the answer
            self._tell(undelivered(report, self._failure) if self._failure else report)

    def _deliver(self, _url: str, body: dict[str, Any], _ssl_verify: object = None) -> None:
        # Newer crhelpers hand over how TLS is to be verified, older ones don't: here it always is.
        left = self._context.get_remaining_time_in_millis() / 1000
        self._failure = self.delivery.send(body, min(SEND_SECONDS, max(left - 1, left / 2)))

    def _tell(self, report: Report) -> None:
        arn = str(self.PhysicalResourceId)
        partner = {"partner": partner_id(arn)} if is_partner_arn(arn) else {}
        milliseconds = round((time.monotonic() - self._began) * 1000)
        members = embedded(self._event, report, milliseconds, time.time())
        say = log.error if report.outcome in ALARMING else log.info
        say(report.message or report.outcome.value, **partner, **members)


@contextmanager
def _without_clients() -> Iterator[None]:
    """With this variable set, crhelper makes no boto3 clients: only its polling would use them."""
    before = os.environ.get("AWS_SAM_LOCAL")
    os.environ["AWS_SAM_LOCAL"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["AWS_SAM_LOCAL"]
        else:
            os.environ["AWS_SAM_LOCAL"] = before
