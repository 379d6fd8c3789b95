"""One answer per invocation: a latch around crhelper's sender, which has no time-out and no end of its own."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Any

import urllib3
from crhelper import CfnResource

from partner_account_handler import log
from partner_account_handler.errors import TimeLeftError

_TRIES = urllib3.Retry(
    total=2, backoff_factor=0.5, status_forcelist=[403, 429, 500, 502, 503, 504], allowed_methods=None
)
_TIMEOUT = urllib3.Timeout(connect=2, read=3)


class OneAnswer(CfnResource):
    """crhelper's `CfnResource`, which answers each invocation at most once."""

    _timer: Timer | None

    def __init__(self) -> None:
        self._lock = Lock()
        self._answered = False
        with _without_clients():
            super().__init__(log_level="INFO", boto_level="ERROR", sleep_on_delete=0)

    def begin(self) -> None:
        """Opens the latch for a new invocation."""
        self._answered = False

    def _timeout(self) -> None:
        """crhelper's timer, which rings half a second before Lambda ends the invocation."""
        self._send("FAILED", str(TimeLeftError("the answer")))

    def _send(self, status: str | None = None, reason: str = "", send_response: Any = None) -> None:
        if self._timer:
            self._timer.cancel()
        with self._lock:
            if self._answered:
                return
            self._answered = True
            super()._send(status, reason, send_response or deliver)  # type: ignore[misc]


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
    except urllib3.exceptions.HTTPError as failure:
        outcome, status = f"answer not delivered: {type(failure).__name__}", 0
    log.info(outcome, status=status, answer=body["Status"], reason=body["Reason"])
