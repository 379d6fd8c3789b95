"""A strict CloudFormation: it delivers a custom resource's requests as the real one does, and checks every answer.

A stack here has one resource, or stands for one of several, and no template; status, outputs and imports stand in moto,
where the function asks for them. Left out is what nobody has seen for certain: the rollback of an update that has
replaced the resource.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

from werkzeug import Request, Response

from partner_account_handler import index
from partner_account_handler.clock import Clock
from partner_account_handler.request import is_custom_resource_event
from tests.handler.cloud import Cloud, LambdaContext
from tests.handler.lambda_runtime import LambdaRuntime, variables
from tests.handler.log_lines import final_lines_of
from tests.handler.response_sink import ResponseSink

FUNCTION_SECONDS = 180
LOGICAL_IDS = {"PartnerAccount": "Partner", "PartnerProfile": "Profile"}
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
        yield "Data is not a map"
    elif wrong := sorted(name for name, value in data.items() if not isinstance(value, str)):
        yield f"Data has no strings as {', '.join(wrong)}"


def _physical_id(event: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    physical_id = answer.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not physical_id:
        yield "PhysicalResourceId is empty"
    elif len(physical_id.encode()) > LARGEST_PHYSICAL_ID:
        yield f"PhysicalResourceId has more than {LARGEST_PHYSICAL_ID} bytes"
    elif physical_id != event.get("PhysicalResourceId", physical_id) and (
        event["RequestType"] == "Delete" or answer.get("Status") == "FAILED"
    ):  # only a successful Update may name another, and by that replaces the resource
        yield "PhysicalResourceId is not that of the resource"


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
    """In the place of a `LambdaRuntime`: the function in this process, whose pauses take no time."""

    output: str = ""
    invoked: list[Any] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass

    def invoke(self, event: Any, seconds: float) -> tuple[str, Any]:
        """One invocation, and whatever is written during it."""
        self.invoked.append(event)
        context = LambdaContext(seconds)

        def clock(remaining: Callable[[], float]) -> Clock:
            return Clock(remaining, context.sleep)

        with redirect_stdout(StringIO()) as log, redirect_stderr(log), mock.patch.object(index, "Clock", clock):
            index.handler(event, context)
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
    """One stack, as far as one of its custom resources goes; what it went through is in `history`."""

    def __init__(
        self,
        cloud: Cloud,
        function: Function,
        bucket: Bucket,
        *,
        kind: str = "PartnerAccount",
        parent_id: str = "",
        beside: CustomResourceStack | None = None,
        exports: Mapping[str, str] | None = None,
        old_is_attempted: bool = False,
    ) -> None:
        """The cloud's own stack, or one that is nested in another.

        After an Update that failed without rollback, OldResourceProperties are the last successful ones, or the last
        attempted ones with `old_is_attempted`: AWS documents neither. `kind` is the resource's type without `Custom::`,
        `beside` the stack that has this resource too, and `exports` are attributes by the names under which the user
        exports them, in the outermost stack if nested.
        """
        self.cloud = cloud
        self.function = function
        self.bucket = bucket
        self.id: str = beside.id if beside else cloud.new_stack("Nested", parent_id) if parent_id else cloud.stack_id
        self.history = ["CREATE_IN_PROGRESS"]
        self.requests: list[dict[str, Any]] = []
        self.physical_id = ""
        self.attributes: dict[str, str] = {}
        self.reason = ""
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens between an answer and what CloudFormation makes of it."""
        self._type = {"ResourceType": f"Custom::{kind}", "LogicalResourceId": LOGICAL_IDS[kind]}
        self._is_nested = bool(parent_id)
        self._exports = exports or {}
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
            self._show_outputs(wanted)
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
        before, former_id, former = self._attempted or self._properties, self.physical_id, self.attributes
        self._attempted = None
        self._move("UPDATE_IN_PROGRESS")
        succeeds = self._make(wanted, seconds) if before is None else self._change(before, wanted, seconds)
        if succeeds and not another_fails and self._keeps_imports(former, wanted):
            self._properties = wanted
            self._show_outputs(wanted)
            self._clean_up(former_id)
        elif before is None:
            self._move("UPDATE_FAILED")
        elif taken_back_in is not None:
            self._take_back_alone(wanted, before, taken_back_in, seconds)
        else:
            self._roll_back(wanted, before, seconds, former)

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
        event = self.cloud.event(kind, as_delivered(wanted), StackId=self.id, **self._type, **former, **changes)
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
        self.meanwhile()
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

    # Outputs are made of the attributes at the end of a creation, of an update, and of its rollback

    def _outputs(self, attributes: Mapping[str, str], wanted: Mapping[str, Any]) -> dict[str, str | tuple[str, str]]:
        """Those that the construct makes, each exported one with the export's name."""
        prefix, stack = wanted.get("OutputPrefix"), self.id.split("/")[1]
        return {
            f"{prefix}{name}": value if self._is_nested or name == "TaskStatus" else (value, f"{stack}-{prefix}-{name}")
            for name, value in attributes.items()
            if prefix
        }

    def _exports_of_user(self, attributes: Mapping[str, str]) -> dict[str, str | tuple[str, str]]:
        """References of other stacks, and what the user exports; in the outermost stack if this one is nested."""
        of_user = {export: (attributes.get(name, ""), export) for export, name in self._exports.items()}
        return {f"Exported{key}".replace("-", ""): output for key, output in of_user.items()}

    def _show_outputs(self, wanted: Mapping[str, Any]) -> None:
        self.cloud.set_outputs(self.id, **self._outputs(self.attributes, wanted))
        outermost = self.cloud.stack_id if self._is_nested else self.id
        self.cloud.set_outputs(outermost, **self._exports_of_user(self.attributes))

    def _keeps_imports(self, former: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
        """CloudFormation changes no export that another stack imports."""
        before, after = (
            {*self._outputs(attributes, wanted).values(), *self._exports_of_user(attributes).values()}
            for attributes in (former, self.attributes)
        )
        return all(output[1] not in self.cloud.imports for output in before - after if isinstance(output, tuple))

    def _roll_back(
        self, wanted: dict[str, Any], before: dict[str, Any], seconds: float, former: Mapping[str, str]
    ) -> None:
        self._move("UPDATE_ROLLBACK_IN_PROGRESS")
        if not (self._change(wanted, before, seconds) and self._keeps_imports(former, before)):
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
        """Whether the resource is out of the way."""
        self._properties = None
        if not self.physical_id:
            return True
        asked_for = self.requests[-1]["ResourceProperties"]
        answer = self.deliver(self.request("Delete", asked_for, PhysicalResourceId=self.physical_id))
        self.physical_id = ""
        return answer is not None and answer["Status"] == "SUCCESS"

    def made_up_id(self) -> str:
        """What CloudFormation calls a resource that never told its id."""
        return f"{self.id.split('/')[1]}-{self._type['LogicalResourceId']}-{uuid.uuid4().hex[:13].upper()}"

    def _move(self, status: str) -> None:
        self.history.append(status)
        if status == "UPDATE_IN_PROGRESS" != self.history[-2]:
            self.cloud.begin_deployment(self.id)
        else:
            self.cloud.set_status(status, self.id)


@dataclass
class DeployedFunction:
    """One AWS account with one deployed function."""

    cloud: Cloud
    bucket: Bucket
    asset: Path
    function: Function
    runtimes: list[LambdaRuntime | InProcessRuntime] = field(default_factory=list)

    def stack(self, **options: Any) -> CustomResourceStack:
        """A stack that is being created."""
        return CustomResourceStack(self.cloud, self.function, self.bucket, **options)

    def start_here(self) -> InProcessRuntime:
        """The function in this process."""
        self.runtimes.append(runtime := InProcessRuntime())
        return runtime

    def start(self) -> LambdaRuntime:
        """A process of the function, as talkative as its environment can make it."""
        talkative = {"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "AWS_LAMBDA_LOG_FORMAT": "JSON"}
        self.runtimes.append(runtime := LambdaRuntime(self.asset, {**variables(self.cloud, self.bucket), **talkative}))
        return runtime

    def require_one_final_line_each(self) -> None:
        """All output of all processes is lines of JSON, among them one with the outcome of each request, in order."""
        for runtime in self.runtimes:
            requests = [event["RequestId"] for event in runtime.invoked if is_custom_resource_event(event)]
            assert [line["request"] for line in final_lines_of(runtime.output)] == requests

    def arn(self) -> str:
        """The ARN of the one partner that the account has."""
        (partner,) = self.cloud.partners
        return str(partner.arn)
