"""Faults that tests and rehearsals order in advance, and what each does to a request. No rules of the service.

A fault waits for requests of its operation, and is used up after `times` of them, or when its time is over. Those that
strike *before* the commit leave no trace in the state; those *after* it strike when the request has taken effect, and
only its answer suffers.
"""

import threading
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from partner_central_simulator.exceptions import (
    AccessDeniedError,
    InternalServerError,
    ResourceNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    ThrottlingError,
)
from partner_central_simulator.models import Answer, Clock
from partner_central_simulator.service import OPERATIONS

ANY_OPERATION = "*"


class FaultKind(StrEnum):
    """What goes wrong."""

    THROTTLE = "throttle"
    """`ThrottlingException`; before the commit."""

    ACCESS_DENIED = "access-denied"
    """`AccessDeniedException` as from a missing IAM permission; before the commit."""

    INTERNAL_ERROR = "internal-error"
    """HTTP 500 with `InternalServerException`; before the commit, or after it."""

    UNAVAILABLE = "unavailable"
    """HTTP 503 from a load balancer, without a JSON body; before the commit, or after it."""

    CUT = "cut"
    """The connection is closed without an answer; before the commit, or after it."""

    DELAY = "delay"
    """`seconds` pass; before the commit (a slow service), or after it (an answer that comes too late)."""

    HANG = "hang"
    """There is never an answer, and the connection stays open; before the commit, or after it."""

    LAGGING_LIST = "lagging-list"
    """`ListPartners` omits new partners: those younger than `seconds`, or, if none are given, those created since
    the fault was added. A list in which nothing is missing doesn't use the fault up."""

    NO_PROFILE_ID = "no-profile-id"
    """The answer lacks the ProfileId that it would have; the visibility operations, whose answers require it, say
    PARTNER_PROFILE_NOT_FOUND."""

    NO_TAGS = "no-tags"
    """`ListTagsForResource` shows no tags, as before those that were set have reached every part of AWS. An answer
    that has none doesn't use the fault up."""

    ECHO = "echo"
    """The message of an error repeats the whole request. An answer that is no error doesn't use the fault up."""

    GARBLED = "garbled"
    """An answer that is no error breaks off in the middle, which botocore takes for an empty one."""


_BEFORE_OR_AFTER_COMMIT = {
    FaultKind.INTERNAL_ERROR,
    FaultKind.UNAVAILABLE,
    FaultKind.CUT,
    FaultKind.DELAY,
    FaultKind.HANG,
}
_STRIKING = _BEFORE_OR_AFTER_COMMIT | {FaultKind.THROTTLE, FaultKind.ACCESS_DENIED}
_OPERATIONS_OF = {
    FaultKind.LAGGING_LIST: {"ListPartners"},
    FaultKind.NO_TAGS: {"ListTagsForResource"},
    FaultKind.NO_PROFILE_ID: {"CreatePartner", "GetPartner", "GetProfileVisibility", "PutProfileVisibility"},
}
_LONGEST = timedelta(days=365).total_seconds()


class ConnectionCutError(ConnectionAbortedError):
    """The connection is to be closed without an answer; the web server understands the base class."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One order: the next `times` requests of `operation` (`*` for any; `times=None` for all) meet `kind`.

    `seconds` is the length of a delay or of a lag. `lasting` ends the fault so many seconds after it was added.
    """

    operation: str
    kind: FaultKind
    times: int | None = 1
    seconds: float | None = None
    after_commit: bool = False
    lasting: float | None = None
    id: int
    added_at: datetime

    def __post_init__(self) -> None:
        """Refuse a fault that could never strike, or not as ordered; `FaultKind` says what can be."""
        if wrong := list(self._problems()):
            raise ValueError("; ".join(wrong))

    def _problems(self) -> Iterator[str]:
        if self.operation not in _OPERATIONS_OF.get(self.kind, {*OPERATIONS, ANY_OPERATION}):
            yield f"{self.kind} never meets {self.operation}: name an operation that is simulated"
        if self.times is not None and self.times < 1:
            yield "a fault strikes at least once: give times=1 or more, or None for always"
        if self.after_commit and self.kind not in _BEFORE_OR_AFTER_COMMIT:
            yield f"{self.kind} cannot strike after the commit: leave out after_commit"
        if self.kind is FaultKind.DELAY and self.seconds is None:
            yield "a delay needs its length: give seconds"
        if self.seconds is not None and self.kind not in {FaultKind.DELAY, FaultKind.LAGGING_LIST}:
            yield f"{self.kind} has no length: leave out seconds, or give lasting"
        for name, length in (("seconds", self.seconds), ("lasting", self.lasting)):
            if length is not None and not 0 <= length <= _LONGEST:
                yield f"{name} must not be negative, nor more than a year"


class Faults:
    """All faults that are ordered and not used up. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none; `clock` tells when each was added, and how old a partner is."""
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = count(1)
        self._pending: dict[int, Fault] = {}
        self._release = threading.Event()

    def add(
        self,
        operation: str,
        kind: FaultKind | str,
        times: int | None = 1,
        *,
        seconds: float | None = None,
        after_commit: bool = False,
        lasting: float | None = None,
    ) -> Fault:
        """Order a fault; a ValueError says what is wrong with an impossible one."""
        if kind not in list(FaultKind):
            raise ValueError(f"there is no fault {kind}: name one of {', '.join(FaultKind)}")
        fault = Fault(
            operation=operation,
            kind=FaultKind(kind),
            times=times,
            seconds=seconds,
            after_commit=after_commit,
            lasting=lasting,
            id=next(self._ids),
            added_at=self._clock(),
        )
        with self._lock:
            self._pending[fault.id] = fault
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._pending.clear()

    @property
    def pending(self) -> list[Fault]:
        """Those that still wait, each with the times that are left."""
        now = self._clock()
        with self._lock:
            return [
                fault
                for fault in self._pending.values()
                if fault.lasting is None or (now - fault.added_at).total_seconds() < fault.lasting
            ]

    def release(self) -> None:
        """Let go of all requests that hang or are delayed now."""
        released, self._release = self._release, threading.Event()
        released.set()

    def strike(self, operation: str, met: list[FaultKind], *, after_commit: bool) -> None:
        """Do to a request what is due in this phase, and note in `met` what that was.

        Raises the error to be answered, or ConnectionCutError.
        """
        for fault in self._waiting(operation, _STRIKING):
            if fault.after_commit != after_commit or not self._use(fault, met):
                continue
            if fault.kind in _ERRORS:
                raise _ERRORS[fault.kind](operation)
            if fault.kind in {FaultKind.DELAY, FaultKind.HANG}:
                self._release.wait(fault.seconds)
            if fault.kind in {FaultKind.CUT, FaultKind.HANG}:
                raise ConnectionCutError

    def distort(self, operation: str, met: list[FaultKind], answer: Answer) -> Answer:
        """The answer as lagging parts of the service would give it; notes in `met` what made a difference."""
        for fault in self._waiting(operation, _VIEWS):
            seen = _VIEWS[fault.kind](fault, answer, self._clock())
            if seen != answer and self._use(fault, met):
                answer = seen
        if "Visibility" in answer and "ProfileId" not in answer:
            raise ResourceNotFoundError("The partner has no profile yet.", Reason="PARTNER_PROFILE_NOT_FOUND")
        return answer

    def echo(self, operation: str, met: list[FaultKind], error: ServiceError, request: str) -> ServiceError:
        """The error as it is, or with the request in its message."""
        for fault in self._waiting(operation, {FaultKind.ECHO}):
            if self._use(fault, met):
                return type(error)(f"{error.message} Received: {request}", **error.members)
        return error

    def garble(self, operation: str, met: list[FaultKind], content: bytes) -> bytes:
        """The answer's bytes as they are, or the first half of them."""
        for fault in self._waiting(operation, {FaultKind.GARBLED}):
            if self._use(fault, met):
                return content[: len(content) // 2]
        return content

    def _waiting(self, operation: str, kinds: Container[FaultKind]) -> list[Fault]:
        return [one for one in self.pending if one.operation in {operation, ANY_OPERATION} and one.kind in kinds]

    def _use(self, fault: Fault, met: list[FaultKind]) -> bool:
        """Take one of the fault's times and note it in `met`; False if another request has taken the last of them."""
        with self._lock:
            left = self._pending.get(fault.id)
            if left is None:
                return False
            if left.times is not None and left.times <= 1:
                del self._pending[fault.id]
            elif left.times is not None:
                self._pending[fault.id] = replace(left, times=left.times - 1)
        met.append(fault.kind)
        return True


_ERRORS: dict[FaultKind, Callable[[str], ServiceError]] = {
    FaultKind.THROTTLE: lambda _: ThrottlingError("Rate exceeded"),
    FaultKind.INTERNAL_ERROR: lambda _: InternalServerError("The service has failed. Try again."),
    FaultKind.UNAVAILABLE: lambda _: ServiceUnavailableError(),
    FaultKind.ACCESS_DENIED: lambda operation: AccessDeniedError(
        f"The caller is not authorized to perform: partnercentral:{operation}", Reason="ACCESS_DENIED"
    ),
}


def _without_new_partners(fault: Fault, answer: Answer, now: datetime) -> Answer:
    def is_new(created_at: datetime) -> bool:
        if fault.seconds is None:
            return created_at >= fault.added_at
        return now - created_at < timedelta(seconds=fault.seconds)

    visible = [partner for partner in answer["PartnerSummaryList"] if not is_new(partner["CreatedAt"])]
    return {**answer, "PartnerSummaryList": visible}


def _without_profile_id(_fault: Fault, answer: Answer, _now: datetime) -> Answer:
    seen = {name: value for name, value in answer.items() if name != "ProfileId"}
    if "Profile" in seen:
        seen["Profile"] = {name: value for name, value in seen["Profile"].items() if name != "ProfileId"}
    return seen


def _without_tags(_fault: Fault, answer: Answer, _now: datetime) -> Answer:
    return {**answer, "Tags": []} if answer.get("Tags") else answer


_VIEWS: dict[FaultKind, Callable[[Fault, Answer, datetime], Answer]] = {
    FaultKind.LAGGING_LIST: _without_new_partners,
    FaultKind.NO_PROFILE_ID: _without_profile_id,
    FaultKind.NO_TAGS: _without_tags,
}
