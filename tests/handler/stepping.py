"""Stand-ins that stop the handler at each call to AWS, so that whoever drives it decides who goes on, and how.

The handler runs in a greenlet. Its clients hand over each `AwsCall` to the greenlet that drives it; so does the
connection for the answer, which may fail as a call does. `explorer` drives it through each history of a small scope,
`life` through long random ones; by what is here both have the simulated service carry out calls, and end them badly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.session
import greenlet
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from partner_account_handler.clock import Clock
from partner_account_handler.errors import AnswerUnreachableError
from partner_account_handler.lifecycle import respond
from partner_account_handler.outcome import Answer
from partner_account_handler.partner_central import Aws
from partner_account_handler.request import PartnerRequest, ProfileRequest
from partner_central_simulator import models, verifications
from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.service import Service
from tests.handler.cloud import ACCOUNT

MODEL = botocore.session.get_session().get_service_model("partnercentral-account")
PROFILE_WRITES = {"StartProfileUpdateTask", "CancelProfileUpdateTask", "PutProfileVisibility"}
WRITES = {"CreatePartner", "PutAllianceLeadContact", "TagResource", "UntagResource", *PROFILE_WRITES}
CONNECT = "ConnectToResponseURL"


@dataclass(frozen=True)
class AwsCall:
    """What a delivery asks of AWS."""

    operation: str
    members: dict[str, Any] = field(hash=False)


class _Names(dict[str, str]):
    def __missing__(self, method: str) -> str:
        self[method] = "".join(word.capitalize() for word in method.split("_"))
        return self[method]


class _Client:
    """In the place of a botocore client: each call hands over to whoever drives the delivery."""

    meta = SimpleNamespace(service_model=MODEL, method_to_api_mapping=_Names())

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = self.meta.method_to_api_mapping[method]
        return lambda **members: _hand_over(AwsCall(operation, members))


def _hand_over(call: AwsCall) -> Any:
    return greenlet.getcurrent().parent.switch(call)


@dataclass
class StepClock:
    """The time of one delivery: only pauses take any, and what its driver takes off."""

    seconds: float
    today: Callable[[], datetime]

    def sleep(self, seconds: float) -> None:
        """Passes at once."""
        self.seconds -= seconds


def stepping(request: PartnerRequest | ProfileRequest, time: StepClock, *, connects: bool = True) -> Any:
    """A delivery, as a greenlet that stops at each `AwsCall`; without `connects` an answer can always be sent."""
    clock = Clock(lambda: time.seconds, time.sleep, time.today)

    def connect() -> None:
        if connects:
            _hand_over(AwsCall(CONNECT, {}))

    def deliver() -> Answer:
        return respond(request, Aws(request.stack_id, clock, connect, lambda _service, _region: _Client()))

    return greenlet.greenlet(deliver)


def client_error(call: AwsCall, code: str, status: int, **members: Any) -> ClientError:
    """An error whose message repeats the input, as a careless service's would."""
    response: Any = {"Error": {"Code": code, "Message": f"Received: {call.members}"}, **members}
    response["ResponseMetadata"] = {"HTTPStatusCode": status}
    return ClientError(response, call.operation)


# What AWS answers, and how a call ends badly


@dataclass
class StackState:
    """A stack as DescribeStacks and ListImports show it: all outputs are exported."""

    name: str = "Root"
    status: str = "CREATE_IN_PROGRESS"
    began: datetime = datetime(2025, 12, 31, tzinfo=UTC)
    outputs: dict[str, str] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    """The outputs whose exports another stack imports."""

    def described(self) -> dict[str, Any]:
        """The answer of DescribeStacks."""
        outputs = [
            {"OutputKey": key, "OutputValue": value, "ExportName": f"{self.name}-{key}"}
            for key, value in self.outputs.items()
        ]
        return {"Stacks": [{"StackStatus": self.status, "CreationTime": self.began, "Outputs": outputs}]}


def importing(stacks: Iterable[StackState], call: AwsCall) -> dict[str, Any]:
    """What ListImports answers."""
    if any(call.members["ExportName"] == f"{stack.name}-{key}" for stack in stacks for key in stack.imported):
        return {"Imports": ["Reader"]}
    raise client_error(call, "ValidationError", 400)


def carried_out(service: Service, call: AwsCall) -> dict[str, Any]:
    """What the simulated service answers; its errors are botocore's."""
    try:
        return service.perform(call.operation, ACCOUNT, call.members, "")
    except ServiceError as error:
        raise client_error(call, error.code, error.status, **error.members) from None


@contextmanager
def made_up_by(source: Any) -> Iterator[None]:
    """Ids and codes come from this stand-in of `secrets`, so that they are the same in each run."""
    with mock.patch.object(models, "secrets", source), mock.patch.object(verifications, "secrets", source):
        yield


_ERRORS: dict[str, tuple[str, int, dict[str, str]]] = {
    "throttled": ("ThrottlingException", 400, {}),
    "denied": ("AccessDeniedException", 400, {}),
    "500": ("InternalServerException", 500, {}),
    "not found": ("ResourceNotFoundException", 400, {"Reason": "PARTNER_NOT_FOUND"}),
}
FAILURES = {"lost", "hang", "unreachable", *_ERRORS}
Failure = (ClientError, ConnectionClosedError, ReadTimeoutError, AnswerUnreachableError)


def failure(call: AwsCall, kind: str) -> Exception:
    """What the handler gets instead of an answer, by one of the names in `FAILURES`."""
    if kind == "lost":
        return ConnectionClosedError(endpoint_url=call.operation)
    if kind == "hang":
        return ReadTimeoutError(endpoint_url=call.operation)
    if kind == "unreachable":
        return AnswerUnreachableError("ConnectTimeoutError")
    code, status, members = _ERRORS[kind]
    return client_error(call, code, status, **members)
