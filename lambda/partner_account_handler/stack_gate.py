"""Whether the stack still waits for this request, and whether an answer can be sent: checked before each change.

An event may come, or a call be repeated, after CloudFormation has given up. What it returned is a value,
`ObservedStack`: each change takes the one on which it relies.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from partner_account_handler import log
from partner_account_handler.calls import Calls
from partner_account_handler.clock import pauses
from partner_account_handler.errors import CallError, NotWaitingError, RequestError

_UPDATING = "UPDATE_IN_PROGRESS"
_ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"
_FAILED = "UPDATE_FAILED"
_UNKNOWN = "unknown"  # CloudFormation doesn't return the status now
_UNAVAILABLE = "unavailable"  # CloudFormation won't return it in this invocation

_AWAITING_CREATE = {"CREATE_IN_PROGRESS", _UPDATING}
_AWAITING_UPDATE = {_UPDATING, _ROLLING_BACK}

TOLERANT = {_ROLLING_BACK, _FAILED}
"""In which a failed Update is answered with success: it may be the reversed one, with which CloudFormation rolls back a
failed one. With `--no-rollback` it does that for the failed resource alone, in a status that isn't documented."""

_BEFORE_AN_UPDATE = {
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
}
"""From which an update, or its rollback, may begin: `DescribeStacks` may still return one when it has."""

_STALE_SECONDS = 3.0
_PATIENCE_SECONDS = {_UNKNOWN: 30.0, _UNAVAILABLE: 0.0, **dict.fromkeys(_BEFORE_AN_UPDATE, float("inf")), _FAILED: 30.0}
"""How long a status may be stale. From the others no Update can come: they are accepted after `_STALE_SECONDS`."""

_CLOCK_SKEW = timedelta(seconds=10)

_SHORTEST_PARENT_NAME = 24
"""CloudFormation shortens the parent's name in a nested stack's, but was never seen to leave less of it."""


@dataclass(frozen=True)
class ObservedStack:
    """The stack of this request, as CloudFormation described it last."""

    status: str
    operation_began: datetime | None
    """When its latest creation or update began; None if CloudFormation has not described it yet."""
    outputs: Mapping[str, str]
    exports: Mapping[str, str]  # the outputs' keys by the exports' names
    parent_id: str  # of the stack that it is nested in; empty if it is in none
    root_name: str  # the name of the stack that it is nested in at last, or its own

    @property
    def operation(self) -> str:
        """What distinguishes this operation of the stack from its others."""
        return self.operation_began.isoformat() if self.operation_began else ""

    def require_root(self, name: str, stack_id: str) -> None:
        """A RequestError if it is not the name of this stack, or of the one that it is nested in.

        Any other name in a template would claim that stack's partner. If CloudFormation never answered, the own name
        decides: a nested stack's begins with its parent's, or as much of it as fits.
        """
        own_name = stack_id.split("/")[1]
        is_root = self.root_name == name if self.root_name else own_name.startswith(name[:_SHORTEST_PARENT_NAME])
        if not is_root:
            raise RequestError(["Owner.StackName is neither this stack nor the one that it is nested in"])


NOT_DESCRIBED = ObservedStack("", None, {}, {}, "", "")


class StackGate:
    """The gate before each change: the stack is described by its id, since a later one may have the same name."""

    def __init__(self, stack_id: str, calls: Calls, require_reachable: Callable[[], None]) -> None:
        self._stack_id = stack_id
        self._calls = calls
        self._clock = calls.clock
        self._require_reachable = require_reachable

    def require_open(self, observed: ObservedStack, *, once: bool = False) -> None:
        """Comes before each change: an answer can be sent, and the stack is still in the observed operation and status.

        The first check may take retries, but stays true, since the connection is kept. So the stack is described
        last: its status must not become stale. A CallError means that no answer could be sent, or that
        CloudFormation doesn't respond; a NotWaitingError that the stack has moved on since.

        Args:
            observed: On which the change relies. If CloudFormation never described it, only an Update goes on.
            once: Makes each check once, since something that the caller has read would become stale meanwhile.
        """
        for pause in pauses():
            try:
                self._require_reachable()
                break
            except CallError as error:
                log.warning("call failed", **asdict(error.failure))
                if once or not self._clock.pause(pause):
                    raise
        if observed.operation_began is None:
            return
        now = self._describe(once=once)
        if now.operation_began != observed.operation_began:
            raise NotWaitingError(f"{now.status} of another deployment")
        if now.status != observed.status:
            raise NotWaitingError(now.status)

    def await_create(self) -> ObservedStack:
        """The stack, which waits for this Create; a NotWaitingError if it doesn't.

        A CallError means that CloudFormation doesn't respond, which is no permission to create.
        """
        observed = self._describe()
        if observed.status not in _AWAITING_CREATE:
            raise NotWaitingError(observed.status)
        return observed

    def await_update(self) -> tuple[str, ObservedStack]:
        """The status in which the stack waits for this Update, and the stack as it was described last.

        The status is `unknown` or `unavailable` if CloudFormation doesn't return it for a while: the Update goes on
        then. A NotWaitingError means that it waits for no Update, or for that of a deployment that began later.
        """
        status, observed = self._ask(NOT_DESCRIBED)
        first = status
        for pause in pauses():
            if status in _AWAITING_UPDATE or self._clock.spent() >= _PATIENCE_SECONDS.get(status, _STALE_SECONDS):
                break
            has_time = self._clock.pause(pause)
            status, observed = self._ask(observed)  # the last time in the reserved time
            if not has_time:
                break
        if status in {_UNKNOWN, _UNAVAILABLE}:
            log.error("the stack's status is unknown")
        elif status not in {*_AWAITING_UPDATE, _FAILED}:
            raise NotWaitingError(status)
        began = observed.operation_began
        if status == _UPDATING != first and began is not None and began > self._clock.began + _CLOCK_SKEW:
            raise NotWaitingError(f"{status} of a later deployment")
        return status, observed

    def rollback_of(self, status: str, observed: ObservedStack) -> ObservedStack | None:
        """The stack, if a failed Update may be a reversed one, whatever its status was at first: that may be stale."""
        if status == _ROLLING_BACK:
            return observed
        for pause in pauses():
            status, observed = self._ask(observed)
            if status != _UPDATING or self._clock.spent() >= _STALE_SECONDS or not self._clock.pause(pause):
                break
        return observed if status in TOLERANT else None

    def exports_of(self, value: str, stack: ObservedStack, but_for: Collection[str]) -> Iterator[str]:
        """The names under which the stack, or one that it is nested in, exports a value, except by these outputs."""
        while value in stack.outputs.values():
            for name, key in stack.exports.items():
                if stack.outputs[key] == value and key not in but_for:
                    yield name
            if not stack.parent_id:
                break
            stack, but_for = self._describe(stack.parent_id), ()

    def _ask(self, before: ObservedStack) -> tuple[str, ObservedStack]:
        """The status, or whether CloudFormation may still return it; and the stack, as before if it doesn't."""
        try:
            observed = self._describe(once=True)
        except Exception as failure:  # noqa: BLE001 - whatever this call ends in, the Update goes on
            may_pass = isinstance(failure, CallError) and self._calls.may_pass(failure)
            return _UNKNOWN if may_pass else _UNAVAILABLE, before
        return observed.status, observed

    def _describe(self, stack_id: str = "", *, once: bool = False) -> ObservedStack:
        """A stack as it is now, by default the own one. With `once`, even in the reserved time."""
        answer = self._calls.call(
            "cloudformation", "describe_stacks", needs="Stacks", repeat=not once, StackName=stack_id or self._stack_id
        )
        (described,) = answer["Stacks"]
        outputs = described.get("Outputs", [])
        return ObservedStack(
            described["StackStatus"],
            described.get("LastUpdatedTime") or described["CreationTime"],
            {output["OutputKey"]: output["OutputValue"] for output in outputs},
            {output["ExportName"]: output["OutputKey"] for output in outputs if output.get("ExportName")},
            described.get("ParentId") or "",
            (described.get("RootId") or self._stack_id).split("/")[1],
        )
