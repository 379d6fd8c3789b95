"""One answer per invocation: a latch around crhelper's sender, which has no time-out and no end of its own."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Any

import urllib3
from crhelper import CfnResource

from partner_account_handler import log
from partner_account_handler.errors import TimeLeftError

SENDING_SECONDS = 17.0
"""What three tries to send the answer may take, and a second for all else."""

_TRIES = urllib3.Retry(
    total=2,
    redirect=0,
    backoff_factor=0.5,
    status_forcelist=[403, 429, 500, 502, 503, 504],
    respect_retry_after_header=False,  # CloudFormation won't wait as long as S3 may ask for
)
_TIMEOUT = urllib3.Timeout(connect=2, read=3)


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

    def __init__(self) -> None:
        self._turn = _Turn()
        self._late: tuple[str, Mapping[str, str]] | None = None
        with _without_clients():
            super().__init__(log_level="INFO", boto_level="ERROR", sleep_on_delete=0)

    def begin(self) -> None:
        """Starts a new invocation, with an answer of its own."""
        self._turn = _Turn()
        self._late = None

    def succeed_if_late(self, physical_id: str, data: Mapping[str, str]) -> None:
        """Has the timer answer SUCCESS with this, where it would answer FAILED."""
        self._late = physical_id, data

    def _set_timeout(self) -> None:
        """Sets crhelper's timer, so long before Lambda ends the invocation that the answer can still be sent."""
        left = self._context.get_remaining_time_in_millis() / 1000
        self._timer = Timer(max(left - SENDING_SECONDS, left / 2), self._answer_late, (self._turn,))
        self._timer.start()

    def _answer_late(self, turn: _Turn) -> None:
        if self._late is None:
            self._answer(turn, "FAILED", str(TimeLeftError("the answer")))
        else:
            self.PhysicalResourceId, data = self._late
            self.Data.update(data)
            self._answer(turn, "SUCCESS", "")

    def _send(self, status: str | None = None, reason: str = "", send_response: Any = None) -> None:
        del send_response  # crhelper's sender has no time-out and no end of its own
        if self._timer:
            self._timer.cancel()
        self._answer(self._turn, status, reason)

    def _answer(self, turn: _Turn, status: str | None, reason: str) -> None:
        turn.take(lambda: super(OneAnswer, self)._send(status, reason, deliver))  # type: ignore[misc]


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


def deliver(url: str, body: dict[str, Any], _ssl_verify: object = None) -> None:
    """Puts the answer to the presigned URL: three tries of five seconds at most, and no word of the URL anywhere."""
    try:
        with urllib3.PoolManager(ssl_context=ssl.create_default_context()) as pool:
            answer = pool.request(
                "PUT",
                url,
                body=json.dumps(body).encode(),
                headers={"content-type": ""},  # what the URL was signed for
                retries=_TRIES,
                timeout=_TIMEOUT,
            )
        outcome, status = ("answered" if answer.status < 300 else "answer refused"), answer.status  # noqa: PLR2004
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as failure:
        outcome, status = f"answer not delivered: {type(failure).__name__}", 0
    log.info(outcome, status=status, answer=body["Status"], reason=body["Reason"])
