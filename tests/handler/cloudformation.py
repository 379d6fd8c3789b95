"""A strict CloudFormation: it delivers a custom resource's requests as the real one does, and checks every answer.

A stack here has one resource and no template; its status stands in moto, where the function asks for it. Left out is
what nobody has seen for certain: the rollback of an update that has replaced the resource.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from types import TracebackType
from typing import Any, Self

from werkzeug import Request, Response

from partner_account_handler import index
from tests.handler.cloud import Cloud, LambdaContext
from tests.handler.lambda_runtime import LambdaRuntime
from tests.handler.response_sink import ResponseSink

FUNCTION_SECONDS = 180
LARGEST_ANSWER = 4096
LARGEST_PHYSICAL_ID = 1024
_MEMBERS = {"Status", "Reason", "PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId", "NoEcho", "Data"}


class ContractError(AssertionError):
    """An answer, or the lack of one, that CloudFormation would refuse or misunderstand."""


# The bucket


@dataclass(frozen=True)
class Put:
    """One PUT to a presigned URL, and how the bucket took it. A `slow` one was stored, but told so too late."""

    name: str
    query: str
    content_type: str
    body: bytes
    status: int
    slow: bool


@dataclass
class Bucket(ResponseSink):
    """CloudFormation's bucket: it may be slow (seconds for each of the next PUTs), refuse (`statuses`), or be gone."""

    delays: list[float] = field(default_factory=list)
    is_gone: bool = False
    puts: list[Put] = field(default_factory=list)
    _signed: set[str] = field(default_factory=set)
    _released: threading.Event = field(default_factory=threading.Event)

    def empty(self) -> None:
        """Ends all that was going on, and works again."""
        self._released.set()
        self._released = threading.Event()
        self.is_gone = False
        for kept in (self.statuses, self.headers, self.received, self.delays, self.puts, self._signed):
            kept.clear()

    def url(self, name: str) -> str:
        """The presigned URL of one delivery."""
        self._signed.add(name)
        return super().url(name) if not self.is_gone else f"https://localhost:1/{name}?X-Amz-Signature=presigned-canary"

    def require_one_answer_each(self) -> None:
        """A ContractError if a delivery was answered again after its invocation, or at a URL that was never signed."""
        for name in {put.name for put in self.puts}:
            if name not in self._signed:
                raise ContractError(f"something was put to {name}, which no delivery was given")
            _require_one(self.put_to(name))

    def put_to(self, name: str) -> list[Put]:
        """What was put to one delivery's URL, in order."""
        return [put for put in self.puts if put.name == name]

    def _keep(self, request: Request) -> Response:
        kept = super()._keep(request)
        delay = self.delays.pop(0) if self.delays else 0.0
        self.puts.append(
            Put(
                request.path.removeprefix("/"),
                request.query_string.decode(),
                request.headers.get("Content-Type", ""),
                request.get_data(),
                kept.status_code,
                slow=delay > 0,
            )
        )
        self._released.wait(delay)
        return kept


# The contract


def checked(event: dict[str, Any], puts: Sequence[Put]) -> dict[str, Any] | None:
    """The answer to an event, None if the bucket has none; whatever breaks the contract is one ContractError."""
    _require_one(puts)
    stored = [put for put in puts if put.status < 300]
    if not stored:
        return None
    answer = _decoded(stored[0])
    if breaches := [*_envelope(event, stored[0]), *_content(event, answer)]:
        raise ContractError(f"the answer to {event['RequestType']} breaks the contract: {'; '.join(breaches)}")
    return answer


def _require_one(puts: Sequence[Put]) -> None:
    """What was refused, or confirmed too late, may be put again as it was."""
    confirmed = [put for put in puts if put.status < 300 and not put.slow]
    if len({put.body for put in puts}) > 1 or len(confirmed) > 1:
        raise ContractError(f"there was more than one answer: {[put.body.decode() for put in puts]}")


def _decoded(put: Put) -> dict[str, Any]:
    try:
        answer = json.loads(put.body)
    except ValueError:
        raise ContractError("the answer is no JSON") from None
    if not isinstance(answer, dict):
        raise ContractError("the answer is no JSON object")
    return answer


def _envelope(event: dict[str, Any], put: Put) -> Iterator[str]:
    if len(put.body) > LARGEST_ANSWER:
        yield f"the body has {len(put.body)} bytes, more than {LARGEST_ANSWER}"
    if put.content_type:
        yield f"the URL was signed for no content type, not for {put.content_type}"
    if not event["ResponseURL"].endswith(f"?{put.query}"):
        yield "the URL's signature was changed"


def _content(event: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    if unknown := set(answer) - _MEMBERS:
        yield f"CloudFormation knows no {', '.join(sorted(unknown))}"
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        if answer.get(name) != event[name]:
            yield f"{name} is not that of the request"
    if answer.get("Status") not in {"SUCCESS", "FAILED"}:
        yield "Status is neither SUCCESS nor FAILED"
    if answer.get("Status") == "FAILED" and not answer.get("Reason"):
        yield "FAILED has no Reason"
    if not isinstance(answer.get("NoEcho", False), bool):
        yield "NoEcho is no boolean"
    yield from _data(answer.get("Data", {}))
    yield from _physical_id(event, answer)


def _data(data: object) -> Iterator[str]:
    if not isinstance(data, dict):
        yield "Data is no map"
    elif wrong := sorted(name for name, value in data.items() if not isinstance(value, str)):
        yield f"Data has no strings as {', '.join(wrong)}"


def _physical_id(event: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    physical_id = answer.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not physical_id:
        yield "PhysicalResourceId is empty"
    elif len(physical_id.encode()) > LARGEST_PHYSICAL_ID:
        yield f"PhysicalResourceId has more than {LARGEST_PHYSICAL_ID} bytes"
    elif _must_keep_id(event, answer) and physical_id != event["PhysicalResourceId"]:
        yield "PhysicalResourceId is not that of the resource"


def _must_keep_id(event: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Only a successful Update may name another id, and by that replaces the resource."""
    return event["RequestType"] == "Delete" or (event["RequestType"] == "Update" and answer.get("Status") == "FAILED")


def as_delivered(value: Any) -> Any:
    """Properties as they arrive: whatever scalar a template holds, it has become a string."""
    if isinstance(value, dict):
        return {name: as_delivered(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_delivered(member) for member in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


# The function


@dataclass
class InProcessRuntime:
    """In the place of a `LambdaRuntime`: the function in this process, for all that takes none of its own."""

    output: str = ""
    invoked: list[Any] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass

    def invoke(self, event: Any, seconds: float) -> tuple[str, Any]:
        """One invocation, and whatever is written during it."""
        self.invoked.append(event)
        with redirect_stdout(StringIO()) as log, redirect_stderr(log):
            index.handler(event, LambdaContext(seconds))
        self.output += log.getvalue()
        return "response", None


class Function:
    """The deployed function: one process that stays warm, or a fresh one for each invocation."""

    def __init__(self, start: Callable[[], LambdaRuntime | InProcessRuntime], *, warm: bool) -> None:
        self._start = start
        self._warm = warm
        self._running: LambdaRuntime | InProcessRuntime | None = None
        self._stack = ExitStack()
        self._output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop()

    def invoke(self, event: Any, seconds: float = FUNCTION_SECONDS) -> None:
        """One invocation that may last so long. An error would make Lambda deliver the event again."""
        if self._running is None:
            self._running = self._start()
            self._stack.enter_context(self._running)
        ended, result = self._running.invoke(event, seconds)
        if not self._warm:
            self._stop()
        if (ended, result) != ("response", None):
            raise ContractError(f"the invocation ended with {ended}: {result}")

    def stopped_output(self) -> str:
        """All that the function has written to its log; its process ends by that."""
        self._stop()
        return self._output

    def _stop(self) -> None:
        self._stack.close()
        if self._running is not None:
            self._output += self._running.output
        self._running = None


# The stack


class CustomResourceStack:
    """One stack with one custom resource, from its creation on; what it went through is in `history`."""

    def __init__(
        self,
        cloud: Cloud,
        function: Function,
        bucket: Bucket,
        *,
        nested: str = "",
        deletion_policy: str = "Delete",
        old_is_attempted: bool = False,
    ) -> None:
        """`nested` is the name of a nested stack, and else it is the cloud's own stack.

        After an Update that failed without rollback, OldResourceProperties are the last successful ones, or the last
        attempted ones with `old_is_attempted`: AWS documents neither.
        """
        self.cloud = cloud
        self.function = function
        self.bucket = bucket
        self.id = cloud.new_stack(nested, cloud.stack_id) if nested else cloud.stack_id
        self.history = ["CREATE_IN_PROGRESS"]
        self.requests: list[dict[str, Any]] = []
        self.physical_id = ""
        self.attributes: dict[str, str] = {}
        self.reason = ""
        self.imported: set[str] = set()
        """The attributes whose exports another stack imports: these can't change."""
        self._deletion_policy = deletion_policy
        self._old_is_attempted = old_is_attempted
        self._properties: dict[str, Any] | None = None
        self._attempted: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        """The stack's status."""
        return self.history[-1]

    # Its life

    def create(
        self,
        wanted: dict[str, Any],
        *,
        rollback: bool = True,
        another_fails: bool = False,
        seconds: float = FUNCTION_SECONDS,
    ) -> None:
        """Creates the stack; `another_fails` after this resource, `rollback=False` is `cdk deploy --no-rollback`."""
        if self._make(wanted, seconds) and not another_fails:
            self._move("CREATE_COMPLETE")
        elif not rollback:
            self._move("CREATE_FAILED")
        else:
            self._move("ROLLBACK_IN_PROGRESS")
            self._remove()
            self._move("ROLLBACK_COMPLETE")

    def update(
        self,
        wanted: dict[str, Any],
        *,
        another_fails: bool = False,
        taken_back_in: str | None = None,
        seconds: float = FUNCTION_SECONDS,
    ) -> None:
        """Updates the stack; `another_fails` after this resource, which then is rolled back.

        With `taken_back_in` it is `cdk deploy --no-rollback`: a failed Update of this resource is taken back alone, in
        that status, which AWS documents nowhere (`""`: not at all), and the stack ends in UPDATE_FAILED.
        """
        before, former_id, exported = self._attempted or self._properties, self.physical_id, self.attributes
        self._attempted = None
        self._move("UPDATE_IN_PROGRESS")
        succeeds = self._make(wanted, seconds) if before is None else self._change(before, wanted, seconds)
        if succeeds and not another_fails and self._keeps_imports(exported):
            self._properties = wanted
            self._clean_up(former_id)
        elif before is None:
            self._move("UPDATE_FAILED")
        elif taken_back_in is not None:
            self._take_back_alone(wanted, before, taken_back_in, seconds)
        else:
            self._roll_back(wanted, before, seconds, exported)

    def delete(self) -> None:
        """Deletes the stack; its id stays known."""
        self._move("DELETE_IN_PROGRESS")
        if not self._remove():
            self._move("DELETE_FAILED")
            return
        self.cloud.client("cloudformation").delete_stack(StackName=self.id)
        self.history.append("DELETE_COMPLETE")

    def create_again(self, wanted: dict[str, Any], **options: Any) -> None:
        """Deletes the stack if it is still there, and creates one of the same name."""
        name = self.id.split("/")[1]
        if self.status != "DELETE_COMPLETE":
            self.delete()
        self.id = self.cloud.new_stack(name)
        self.history.append("CREATE_IN_PROGRESS")
        self.create(wanted, **options)

    def was_deployed_as(self, shape: dict[str, Any]) -> None:
        """Lets the stack have been deployed last by a version of the construct with other properties."""
        self._properties = shape

    # One request

    def request(self, kind: str, wanted: Any, **changes: Any) -> dict[str, Any]:
        """A new request, with its properties as CloudFormation delivers them."""
        former = {name: as_delivered(changes.pop(name)) for name in ["OldResourceProperties"] if name in changes}
        event = self.cloud.event(kind, as_delivered(wanted), StackId=self.id, **former, **changes)
        self.requests.append(event)
        return event

    def deliver(
        self, event: dict[str, Any], seconds: float = FUNCTION_SECONDS, function: Function | None = None
    ) -> dict[str, Any] | None:
        """Delivers a request, perhaps not for the first time; returns its answer, or None if the bucket got none.

        Each delivery has a URL of its own here, by which its answers can be told from those of another.
        """
        name = uuid.uuid4().hex
        event = {**event, "ResponseURL": self.bucket.url(name)}
        (function or self.function).invoke(event, seconds)
        return checked(event, self.bucket.put_to(name))

    def _ask(self, event: dict[str, Any], seconds: float) -> bool:
        """Whether a request succeeded. Without an answer it has failed when its `ServiceTimeout` is over."""
        answer = self.deliver(event, seconds) or {"Status": "FAILED", "Reason": "no response was received"}
        self.physical_id = answer.get("PhysicalResourceId", self.physical_id)
        self.attributes = answer.get("Data", {})
        self.reason = answer.get("Reason", "")
        return bool(answer["Status"] == "SUCCESS")

    def _make(self, wanted: dict[str, Any], seconds: float) -> bool:
        self.physical_id = ""
        made = self._ask(self.request("Create", wanted), seconds)
        self.physical_id = self.physical_id or self.made_up_id()
        self._properties = wanted if made else None
        return made

    def _change(self, before: dict[str, Any], wanted: dict[str, Any], seconds: float) -> bool:
        update = self.request("Update", wanted, OldResourceProperties=before, PhysicalResourceId=self.physical_id)
        return self._ask(update, seconds)

    def _clean_up(self, former_id: str) -> None:
        self._move("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        if self.physical_id != former_id:
            self.deliver(self.request("Delete", self._properties, PhysicalResourceId=former_id))
        self._move("UPDATE_COMPLETE")

    def _keeps_imports(self, exported: dict[str, str]) -> bool:
        """Exports are made of the attributes at the end of an update, and of its rollback."""
        return all(self.attributes.get(name) == exported.get(name) for name in self.imported)

    def _roll_back(
        self, wanted: dict[str, Any], before: dict[str, Any], seconds: float, exported: dict[str, str]
    ) -> None:
        self._move("UPDATE_ROLLBACK_IN_PROGRESS")
        if not (self._change(wanted, before, seconds) and self._keeps_imports(exported)):
            self._move("UPDATE_ROLLBACK_FAILED")
            return
        self._move("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._move("UPDATE_ROLLBACK_COMPLETE")

    def _take_back_alone(self, wanted: dict[str, Any], before: dict[str, Any], status: str, seconds: float) -> None:
        if self._old_is_attempted:
            self._attempted = wanted
        if status:
            self._move(status)
            self._change(wanted, before, seconds)
        self._move("UPDATE_FAILED")

    def _remove(self) -> bool:
        """Whether the resource is out of the way: a Delete, unless it was made and is to be retained."""
        made, self._properties = self._properties, None
        if not self.physical_id or (made is not None and self._deletion_policy == "Retain"):
            return True
        asked_for = self.requests[-1]["ResourceProperties"]
        answer = self.deliver(self.request("Delete", asked_for, PhysicalResourceId=self.physical_id))
        self.physical_id = ""
        return answer is not None and answer["Status"] == "SUCCESS"

    def made_up_id(self) -> str:
        """What CloudFormation calls a resource that never told its id."""
        return f"{self.id.split('/')[1]}-Partner-{uuid.uuid4().hex[:13].upper()}"

    def _move(self, status: str) -> None:
        self.history.append(status)
        if status == "UPDATE_IN_PROGRESS" != self.history[-2]:
            self.cloud.begin_deployment(self.id)
        else:
            self.cloud.set_status(status, self.id)
