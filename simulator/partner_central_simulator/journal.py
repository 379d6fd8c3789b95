"""The record of every request, in the order of arrival, without a secret or a name in it. No judgement on them."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from partner_central_simulator.faults import FaultKind
from partner_central_simulator.models import Clock

REMEMBERED = 10_000
"""How many requests are kept; older ones are forgotten."""

REMEMBERED_BYTES = 32 * 1024 * 1024
"""How much they may have had in their bodies, all together; the latest one is kept in any case."""


@dataclass
class RecordedRequest:
    """One request as it arrived, and how it ended.

    `number` grows by one with each request, from 1. `input` has the keys that were sent; sensitive values (legal name,
    names, title, code) are replaced by `***`, while tags, client token and e-mail address stay. `status` is None as
    long as there is no answer, and for ever if the connection was cut. `faults` are those it met.
    """

    number: int
    arrived_at: datetime
    operation: str | None
    account: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None
    error_code: str | None = None
    error_reason: str | None = None
    faults: list[FaultKind] = field(default_factory=list)
    size: int = 0
    """Bytes of its body."""

    def __str__(self) -> str:
        """One line for a log."""
        words = [f"#{self.number}", self.account or "-", self.operation or "-", str(self.status or "no answer")]
        words += [word for word in (self.error_code, self.error_reason) if word]
        return " ".join(words + [f"[{fault}]" for fault in self.faults])


class Journal:
    """All requests so far. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        """Begin empty; `clock` tells when each request arrived."""
        self._clock = clock
        self._lock = threading.Lock()
        self._latest = 0
        self._requests: deque[RecordedRequest] = deque()
        self._size = 0

    def begin(self, operation: str | None, size: int = 0) -> RecordedRequest:
        """Record that a request of that size has arrived; the caller fills in the rest as it becomes known."""
        now = self._clock()
        with self._lock:
            self._latest += 1
            entry = RecordedRequest(self._latest, now, operation, size=size)
            self._requests.append(entry)
            self._size += size
            while len(self._requests) > REMEMBERED or (self._size > REMEMBERED_BYTES and len(self._requests) > 1):
                self._size -= self._requests.popleft().size
        return entry

    def since(self, number: int = 0) -> list[RecordedRequest]:
        """The requests after that number, in the order of arrival."""
        with self._lock:
            return [entry for entry in self._requests if entry.number > number]

    @property
    def latest(self) -> int:
        """The number of the latest request; 0 before the first."""
        with self._lock:
            return self._latest
