"""Faults that tests and rehearsals inject, and what each does to a request. No rules of the service.

A fault waits for requests of its operation, and is used up after `times` of them, or when it expires. Those that strike
*before* the commit leave no trace in the state; those *after* it strike when the request has taken effect, and affect
only the response.
"""

import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.models import Clock, Output, RecordedRequest, TaskPlan
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
    """The connection is closed without a response; before the commit, or after it."""

    DELAY = "delay"
    """`seconds` pass; before the commit (a slow service), or after it (a late response)."""

    HANG = "hang"
    """There is never a response, and the connection stays open; before the commit, or after it."""

    LAGGING_LIST = "lagging-list"
    """`ListPartners` omits new partners: those younger than `seconds`, or, if none are given, those created since
    the fault was added. A list in which nothing is missing doesn't use the fault up."""

    NO_PROFILE_ID = "no-profile-id"
    """The response lacks the ProfileId that it would have; the visibility operations, which require it, return
    PARTNER_PROFILE_NOT_FOUND."""

    NO_TAGS = "no-tags"
    """`ListTagsForResource` returns no tags, as before new tags have propagated through AWS. A response without tags
    doesn't use the fault up."""

    ECHO = "echo"
    """The message of an error repeats the whole request. A successful response doesn't use the fault up."""

    GARBLED = "garbled"
    """A successful response is truncated, which botocore parses as an empty one."""

    REVIEW_FAILS = "review-fails"
    """The profile task that is started ends as FAILED because its logo is rejected."""

    REVIEW_TAKES_DAYS = "review-takes-days"
    """The profile task that is started stays IN_PROGRESS until it is canceled."""


_BEFORE_OR_AFTER_COMMIT = {
    FaultKind.INTERNAL_ERROR,
    FaultKind.UNAVAILABLE,
    FaultKind.CUT,
    FaultKind.DELAY,
    FaultKind.HANG,
}
_DISTORTED = {
    FaultKind.LAGGING_LIST: {"ListPartners"},
    FaultKind.NO_TAGS: {"ListTagsForResource"},
    FaultKind.NO_PROFILE_ID: {"CreatePartner", "GetPartner", "GetProfileVisibility", "PutProfileVisibility"},
}
_TASK_PLANS = {
    FaultKind.REVIEW_FAILS: TaskPlan(
        errors=[{"Locale": "en-US", "Message": "The logo can't be used.", "Reason": "INVALID_LOGO"}]
    ),
    FaultKind.REVIEW_TAKES_DAYS: TaskPlan(reads=None),
}
_OPERATIONS_OF = {**_DISTORTED, **{kind: {"StartProfileUpdateTask"} for kind in _TASK_PLANS}}
_LONGEST = timedelta(days=365).total_seconds()


class ConnectionCutError(ConnectionAbortedError):
    """The connection must be closed without a response; the web server handles the base class."""


@dataclass(frozen=True, kw_only=True)
class InjectedFault:
    """One fault: the next `times` requests of `operation` (`*` for any; `times=None` for all) meet `kind`.

    `seconds` is the length of a delay or of a lag. `lasting` ends the fault that many seconds after it was added.
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
        """Reject a fault that could never strike, or not as specified; see `FaultKind`."""
        kind, operations = self.kind, _OPERATIONS_OF.get(self.kind, {*OPERATIONS, ANY_OPERATION})
        wrong = []
        if self.operation not in operations:
            wrong.append(f"{kind} never meets {self.operation}: specify an operation that is simulated")
        if self.times is not None and self.times < 1:
            wrong.append("a fault strikes at least once: set times=1 or more, or None for always")
        if self.after_commit and kind not in _BEFORE_OR_AFTER_COMMIT:
            wrong.append(f"{kind} cannot strike after the commit: omit after_commit")
        if kind is FaultKind.DELAY and self.seconds is None:
            wrong.append("a delay needs a length: set seconds")
        if self.seconds is not None and kind not in {FaultKind.DELAY, FaultKind.LAGGING_LIST}:
            wrong.append(f"{kind} has no length: omit seconds, or set lasting")
        for name, length in (("seconds", self.seconds), ("lasting", self.lasting)):
            if length is not None and not 0 <= length <= _LONGEST:
                wrong.append(f"{name} must not be negative, nor more than a year")
        if wrong:
            raise ValueError("; ".join(wrong))


class Faults:
    """All pending faults. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        """Start with none; `clock` gives the time at which each is added, and the age of a partner."""
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = count(1)
        self._pending: dict[int, InjectedFault] = {}
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
    ) -> InjectedFault:
        """Add a fault; an impossible one raises a ValueError with the reason."""
        if kind not in list(FaultKind):
            raise ValueError(f"there is no fault {kind}: use one of {', '.join(FaultKind)}")
        fault = InjectedFault(
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
        """Remove all faults."""
        with self._lock:
            self._pending.clear()

    @property
    def pending(self) -> list[InjectedFault]:
        """The faults that still wait, each with its remaining times."""
        now = self._clock()
        with self._lock:
            return [
                fault
                for fault in self._pending.values()
                if fault.lasting is None or (now - fault.added_at).total_seconds() < fault.lasting
            ]

    def release(self) -> None:
        """Release all requests that hang or are delayed now."""
        released, self._release = self._release, threading.Event()
        released.set()

    def strike(self, request: RecordedRequest, *, after_commit: bool) -> None:
        """Apply the faults due in this phase: wait, or raise the error to return or ConnectionCutError."""
        striking = _BEFORE_OR_AFTER_COMMIT | {FaultKind.THROTTLE, FaultKind.ACCESS_DENIED}
        for fault in self._waiting(request, striking):
            if fault.after_commit != after_commit or not self._use(fault, request):
                continue
            match fault.kind:
                case FaultKind.THROTTLE:
                    raise ServiceError("ThrottlingException", "Rate exceeded")
                case FaultKind.ACCESS_DENIED:
                    message = f"The caller is not authorized to perform: partnercentral:{request.operation}"
                    raise ServiceError("AccessDeniedException", message, Reason="ACCESS_DENIED")
                case FaultKind.INTERNAL_ERROR:
                    raise ServiceError("InternalServerException", "The service has failed. Try again.")
                case FaultKind.UNAVAILABLE:
                    raise ServiceError("ServiceUnavailable", "")
                case FaultKind.CUT:
                    raise ConnectionCutError
                case FaultKind.HANG:
                    self._release.wait()
                    raise ConnectionCutError
                case FaultKind.DELAY:
                    self._release.wait(fault.seconds)

    def distort(self, request: RecordedRequest, answer: Output) -> Output:
        """The response as lagging parts of the service would return it."""
        for fault in self._waiting(request, _DISTORTED):
            seen = dict(answer)
            if fault.kind is FaultKind.NO_TAGS:
                seen["Tags"] = []
            elif fault.kind is FaultKind.LAGGING_LIST:
                seen["PartnerSummaryList"] = [
                    partner
                    for partner in answer["PartnerSummaryList"]
                    if (
                        partner["CreatedAt"] < fault.added_at
                        if fault.seconds is None
                        else partner["CreatedAt"] <= self._clock() - timedelta(seconds=fault.seconds)
                    )
                ]
            else:
                seen.pop("ProfileId", None)
                if "Profile" in seen:
                    seen["Profile"] = {name: value for name, value in seen["Profile"].items() if name != "ProfileId"}
            if seen != answer and self._use(fault, request):
                answer = seen
        if "Visibility" in answer and "ProfileId" not in answer:
            raise ServiceError.of("PARTNER_PROFILE_NOT_FOUND")
        return answer

    def task_plan(self, request: RecordedRequest) -> TaskPlan | None:
        """How the profile task that the request starts is to end; None if no fault decides that."""
        return next((plan for kind, plan in _TASK_PLANS.items() if self.take(request, kind)), None)

    def take(self, request: RecordedRequest, kind: FaultKind) -> bool:
        """Whether the request meets a fault of that kind, which is used up by it."""
        return any(self._use(fault, request) for fault in self._waiting(request, {kind}))

    def _waiting(self, request: RecordedRequest, kinds: Collection[FaultKind]) -> list[InjectedFault]:
        operations = {request.operation, ANY_OPERATION}
        return [one for one in self.pending if one.operation in operations and one.kind in kinds]

    def _use(self, fault: InjectedFault, request: RecordedRequest) -> bool:
        """Use the fault once and record it; False if another request has used it up."""
        with self._lock:
            left = self._pending.get(fault.id)
            if left is None:
                return False
            if left.times is not None and left.times <= 1:
                del self._pending[fault.id]
            elif left.times is not None:
                self._pending[fault.id] = replace(left, times=left.times - 1)
        request.faults.append(fault.kind)
        return True
