"""Calls of Partner Central in catalog Sandbox, and in no other: few, one after the other, each made once.

It stops as soon as the service throttles, denies, fails, hangs, or answers what is no answer of Partner Central.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from partner_central_simulator.contract.findings import word
from partner_central_simulator.validation import problems

CATALOG = "Sandbox"
"""No parameter: what is created in catalog AWS can't be undone."""

MOST_CALLS = 60
"""No run makes more."""

_ARN_OF_SANDBOX = f":catalog/{CATALOG}/partner/"
_BY_CATALOG = frozenset(
    {
        "CreatePartner",
        "GetAllianceLeadContact",
        "GetPartner",
        "GetProfileVisibility",
        "ListPartners",
        "PutAllianceLeadContact",
    }
)
_BY_ARN = frozenset({"ListTagsForResource", "TagResource", "UntagResource"})
_SERVER_ERROR = 500
_REFUSED_AT_THE_DOOR = (401, 403)


def client_config(read_timeout: float = 30) -> Config:
    """How the client must be made: no call is repeated, and requests that break the model are sent as they are."""
    return Config(
        retries={"total_max_attempts": 1},
        parameter_validation=False,
        connect_timeout=min(read_timeout, 10),
        read_timeout=read_timeout,
    )


class StoppedError(Exception):
    """The run can't go on; its text says why, and `remedy` what to do."""

    def __init__(self, sentence: str, remedy: str) -> None:
        """Take both sentences."""
        super().__init__(sentence)
        self.remedy = remedy


@dataclass(frozen=True)
class Reply:
    """What came of a call.

    Attributes:
        answer: the answer's members; none after a refusal.
        status: the HTTP status.
        code: the error's code; empty after a success.
        reason: the error's Reason, if it has one.
        fields: the name and code of each field that the error names.
        echoes: whether the error's message repeats a value of the request.
    """

    answer: Mapping[str, Any]
    status: int
    code: str = ""
    reason: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    echoes: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether it was no refusal."""
        return not self.code

    @property
    def error(self) -> str:
        """The refusal in the service's words: code, reason, fields."""
        return ", ".join(filter(None, (self.code, self.reason, *(":".join(filter(None, one)) for one in self.fields))))

    @property
    def outcome(self) -> str:
        """The refusal, or that there was none."""
        return self.error or "success"


@dataclass
class Sandbox:
    """The catalog Sandbox, as `client` reaches it.

    Attributes:
        client: made with `client_config`.
        pause: the seconds between two calls.
        sleep: waits for so many seconds.
        now: the seconds since any moment.
        calls: how many calls were made.
        refusals: the refusals so far.
        misfits: what did not fit the service model, as `Operation.Member`.
    """

    client: Any
    pause: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    calls: int = 0
    refusals: list[Reply] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)

    def call(self, operation: str, *, may_lack: str = "", **request: Any) -> Reply:
        """Call an operation once; `may_lack` is a member that its answer requires and may be without.

        Raises:
            StoppedError: there is no answer that a question could be decided by.
        """
        request = _in_sandbox(operation, request)
        self._wait_for_turn(operation)
        try:
            answer = getattr(self.client, xform_name(operation))(**request)
        except ClientError as error:
            return self._refusal(operation, request, error)
        except (BotoCoreError, ResponseParserError) as error:
            raise StoppedError(_no_answer(operation, error), _remedy_of_silence(operation)) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # botocore's parsers on other types
            raise _nonsense(operation) from error
        self._check(operation, answer, may_lack)
        return Reply(answer, answer["ResponseMetadata"]["HTTPStatusCode"])

    def _wait_for_turn(self, operation: str) -> None:
        if self.calls >= MOST_CALLS:
            raise StoppedError(f"{MOST_CALLS} calls were made, and {operation} is one more", "Please report this.")
        if self.calls:
            self.sleep(self.pause)
        self.calls += 1

    def _refusal(self, operation: str, request: Mapping[str, Any], error: ClientError) -> Reply:
        answer: Mapping[str, Any] = error.response
        reply = Reply(
            {},
            int(answer["ResponseMetadata"].get("HTTPStatusCode", 0)),
            word(answer["Error"].get("Code")),
            word(answer["Reason"]) if "Reason" in answer else "",
            tuple(_fields(answer.get("ErrorDetails"))),
            any(value in str(answer["Error"].get("Message")) for value in _texts(request)),
        )
        self._require_decisive(operation, reply, error)
        self.refusals.append(reply)
        return reply

    def _require_decisive(self, operation: str, reply: Reply, error: ClientError) -> None:
        refused = f"{operation} was refused: {reply.error}"
        if reply.code == "ThrottlingException":
            raise StoppedError(f"{operation} was throttled, at call {self.calls}", "Run it again later.") from error
        if reply.code.startswith("AccessDenied"):
            remedy = f"Allow partnercentral:{operation} in catalog {CATALOG} for this identity, or name a --profile."
            raise StoppedError(refused, remedy) from error
        if reply.status >= _SERVER_ERROR:
            open_ending = _OPEN_ENDING if operation == "CreatePartner" else ""
            raise StoppedError(
                f"the service failed at {operation} ({reply.status}, {reply.code}){open_ending}", "Run it again later."
            ) from error
        if reply.status in _REFUSED_AT_THE_DOOR:
            raise StoppedError(refused, "Log in again, or name another --profile.") from error
        known = {shape.name for shape in self._model(operation).error_shapes}
        if reply.code not in known:
            raise _nonsense(operation, f" ({reply.status}, {reply.code})") from error

    def _check(self, operation: str, answer: Mapping[str, Any], may_lack: str) -> None:
        shape = self._model(operation).output_shape
        required = set(shape.required_members) - {may_lack} if shape else set()
        if required - set(answer):
            raise _nonsense(operation)
        wrong = [problem.name for problem in problems(shape, answer) if problem.name != may_lack]
        self.misfits += [f"{operation}.{word(name)}" for name in wrong]
        if answer.get("Catalog", CATALOG) != CATALOG or _ARN_OF_SANDBOX not in answer.get("Arn", _ARN_OF_SANDBOX):
            raise StoppedError(f"{operation} answered for another catalog than {CATALOG}", "Please report this.")

    def _model(self, operation: str) -> Any:
        return self.client.meta.service_model.operation_model(operation)


_OPEN_ENDING = "; a partner may have been created all the same"


def _in_sandbox(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The request, in the Sandbox; whatever could be in another catalog is a mistake of this program."""
    if operation in _BY_CATALOG and "Catalog" not in request:
        return {**request, "Catalog": CATALOG}
    if operation in _BY_ARN and _ARN_OF_SANDBOX in request["ResourceArn"]:
        return dict(request)
    raise ValueError(f"{operation} is not called in catalog {CATALOG} alone")


def _no_answer(operation: str, error: Exception) -> str:
    open_ending = _OPEN_ENDING if operation == "CreatePartner" else ""
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError):
        return f"{operation} was not answered in time{open_ending}"
    if isinstance(error, ResponseParserError):
        return f"{operation} was answered by what is no Partner Central{open_ending}"
    return f"{operation} got no answer ({type(error).__name__}){open_ending}"


def _remedy_of_silence(operation: str) -> str:
    look = " `partner-account show --catalog Sandbox` tells what is there." if operation == "CreatePartner" else ""
    return f"Check the network, the proxy and --endpoint-url, then run it again.{look}"


def _nonsense(operation: str, what: str = "") -> StoppedError:
    open_ending = _OPEN_ENDING if operation == "CreatePartner" and not what else ""
    return StoppedError(
        f"the answer to {operation} is none of Partner Central{what}{open_ending}",
        "Check the proxy and --endpoint-url, then run it again.",
    )


def _fields(details: object) -> list[tuple[str, str]]:
    found = []
    for detail in details if isinstance(details, list) else []:
        for problem in detail.values() if isinstance(detail, dict) else []:
            if isinstance(problem, dict):
                name = (word(problem["Name"]),) if "Name" in problem else ("",)
                found.append((*name, word(problem.get("Code"))))
    return found


def _texts(value: object) -> list[str]:
    """The texts in a request that a careful message would not repeat."""
    if isinstance(value, dict):
        return [text for name, one in value.items() if name not in _NO_DATA for text in _texts(one)]
    return [value] if isinstance(value, str) and len(value) > len("short") else []


_NO_DATA = {"Catalog", "PrimarySolutionType", "Identifier", "ResourceArn", "ClientToken"}
