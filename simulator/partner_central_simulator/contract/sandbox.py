"""Calls to Partner Central in catalog Sandbox only: few, one after another, each made once.

It stops as soon as the service throttles, denies, fails, hangs, or returns an invalid AWS response.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from partner_central_simulator.contract.report import word
from partner_central_simulator.validation import problems

CATALOG = "Sandbox"
"""Not a parameter: what is created in catalog AWS can't be undone."""

MOST_CALLS = 60
"""No run makes more."""

_ARN_OF_SANDBOX = f":catalog/{CATALOG}/partner/"
_BY_CATALOG = {
    "CancelProfileUpdateTask",
    "CreatePartner",
    "GetAllianceLeadContact",
    "GetPartner",
    "GetProfileUpdateTask",
    "GetProfileVisibility",
    "ListPartners",
    "PutAllianceLeadContact",
    "PutProfileVisibility",
    "StartProfileUpdateTask",
}
_BY_ARN = {"ListTagsForResource", "TagResource", "UntagResource"}
_NO_DATA = {"Catalog", "PrimarySolutionType", "Identifier", "ResourceArn", "ClientToken", "TaskId", "Visibility"}
"""Members of requests that a careful error message may repeat."""

_EFFECTS = {
    "CreatePartner": "a partner may have been created",
    "PutProfileVisibility": "the profile may be public",
    "StartProfileUpdateTask": "a profile task may have been started",
}
"""What a call without a certain outcome may leave behind."""

_INVALID = "the endpoint returned an invalid AWS response"
_CHECK_ENDPOINT = "Check the network, the proxy and --endpoint-url, then run it again."


def client_config(read_timeout: float = 30) -> Config:
    """How to configure the client: no retries, and requests that break the model are sent as they are."""
    return Config(
        retries={"total_max_attempts": 1},
        parameter_validation=False,
        connect_timeout=min(read_timeout, 10),
        read_timeout=read_timeout,
    )


class StoppedError(Exception):
    """The run can't continue: the text is the reason, `remedy` what to do. `is_denial` is whether IAM denies the call.

    `has_open_outcome` is whether a call ended without a certain outcome.
    """

    def __init__(self, text: str, remedy: str, *, is_denial: bool = False, has_open_outcome: bool = False) -> None:
        """Set both sentences."""
        super().__init__(text)
        self.remedy = remedy
        self.is_denial = is_denial
        self.has_open_outcome = has_open_outcome


def _open_outcome(operation: str, text: str, remedy: str = _CHECK_ENDPOINT) -> StoppedError:
    if operation in _EFFECTS:
        text += f"; {_EFFECTS[operation]} all the same"
        remedy += " `partner-account show --catalog Sandbox` shows what is there."
    return StoppedError(text, remedy, has_open_outcome=True)


@dataclass(frozen=True)
class Reply:
    """The outcome of a call: the response's members, or the error's code, reason, and fields by name and code.

    `echoes` is whether the error's message repeats a value of the request.
    """

    answer: Mapping[str, Any]
    status: int
    code: str = ""
    reason: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    echoes: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the call succeeded."""
        return not self.code

    @property
    def outcome(self) -> str:
        """The error in the service's words (code, reason, fields), or `success`."""
        told = (self.code, self.reason, *(":".join(filter(None, one)) for one in self.fields))
        return ", ".join(filter(None, told)) or "success"


@dataclass
class Sandbox:
    """The catalog Sandbox, called through `client`, which is made with `client_config`.

    Attributes:
        pause: the seconds between two calls.
        endpoint: where the last call was sent; empty before the first.
        calls: how many calls were made.
        refusals: the errors so far.
        misfits: what did not fit the service model, as `Operation.Member`.
    """

    client: Any
    pause: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    endpoint: str = ""
    calls: int = 0
    refusals: list[Reply] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Note where each call is sent: the client's `meta.endpoint_url` is not the service's address."""
        self.client.meta.events.register("before-call", self._note_endpoint)

    def _note_endpoint(self, params: Mapping[str, Any], **_: Any) -> None:
        self.endpoint = params["url"].rstrip("/")

    def call(self, operation: str, *, may_lack: str = "", **request: Any) -> Reply:
        """Call an operation once; `may_lack` is a required member that its response may lack.

        Raises:
            StoppedError: there is no response that could decide a question.
            ValueError: the call could be in another catalog.
        """
        if operation in _BY_CATALOG and "Catalog" not in request:
            request["Catalog"] = CATALOG
        elif operation not in _BY_ARN or _ARN_OF_SANDBOX not in request["ResourceArn"]:
            raise ValueError(f"{operation} is not called in catalog {CATALOG} alone")
        if self.calls >= MOST_CALLS:
            raise StoppedError(f"{MOST_CALLS} calls were made, and {operation} is one more", "Report this.")
        if self.calls:
            self.sleep(self.pause)
        self.calls += 1
        try:
            answer = getattr(self.client, xform_name(operation))(**request)
        except ClientError as error:
            reply = self._refusal(operation, request, error)
            self.refusals.append(reply)
            return reply
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            raise _open_outcome(operation, f"{operation} timed out") from error
        except BotoCoreError as error:
            raise _open_outcome(operation, f"{operation} got no response ({type(error).__name__})") from error
        except (ResponseParserError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise _open_outcome(operation, f"{_INVALID} to {operation}") from error
        self._check(operation, answer, may_lack)
        return Reply(answer, answer["ResponseMetadata"]["HTTPStatusCode"])

    def _check(self, operation: str, answer: Mapping[str, Any], may_lack: str) -> None:
        shape = self._model(operation).output_shape
        if shape and set(shape.required_members) - {may_lack} - set(answer):
            raise _open_outcome(operation, f"{_INVALID} to {operation}")
        wrong = [problem.name for problem in problems(shape, answer) if problem.name != may_lack]
        self.misfits += [f"{operation}.{word(name)}" for name in wrong]
        if answer.get("Catalog", CATALOG) != CATALOG or _ARN_OF_SANDBOX not in answer.get("Arn", _ARN_OF_SANDBOX):
            raise StoppedError(f"{operation} responded for a catalog other than {CATALOG}", "Report this.")

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
        refused = f"{operation} returned {reply.outcome}"
        if reply.code == "ThrottlingException":
            raise StoppedError(f"{operation} was throttled, at call {self.calls}", "Run it again later.") from error
        if reply.code.startswith("AccessDenied"):
            remedy = f"Allow partnercentral:{operation} in catalog {CATALOG} for this identity, or add --profile."
            raise StoppedError(refused, remedy, is_denial=True) from error
        if reply.status >= 500:  # noqa: PLR2004 - HTTP's
            told = f"the service failed at {operation} ({reply.status}, {reply.code})"
            raise _open_outcome(operation, told, "Run it again later.") from error
        if reply.status in {401, 403}:
            raise StoppedError(refused, "Log in again, or use another --profile.") from error
        if reply.code not in {shape.name for shape in self._model(operation).error_shapes}:
            told = f"{_INVALID} to {operation} ({reply.status}, {reply.code})"
            raise StoppedError(told, _CHECK_ENDPOINT) from error
        return reply

    def _model(self, operation: str) -> Any:
        return self.client.meta.service_model.operation_model(operation)


def _fields(details: object) -> list[tuple[str, str]]:
    """The name, which may be empty, and the code of each problem in `ErrorDetails`, whatever its form."""
    unions = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    found = [problem for detail in unions for problem in detail.values() if isinstance(problem, dict)]
    return [(word(one["Name"]) if "Name" in one else "", word(one.get("Code"))) for one in found]


def _texts(value: object) -> list[str]:
    """The texts in a request that a careful message would not repeat."""
    if isinstance(value, dict):
        return [text for name, one in value.items() if name not in _NO_DATA for text in _texts(one)]
    return [value] if isinstance(value, str) and len(value) > len("short") else []
