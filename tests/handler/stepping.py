"""Stand-ins that stop the handler at each call to AWS, so that whoever drives it decides who goes on, and how.

The handler runs in a greenlet. Its clients hand over each `Call` to the greenlet that drives it; so does the connection
for the answer, which may fail as a call does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import botocore.session
import greenlet
from botocore.exceptions import ClientError

from partner_account_handler.clock import Clock
from partner_account_handler.lifecycle import respond
from partner_account_handler.outcome import Answer
from partner_account_handler.partner_central import Aws
from partner_account_handler.request import Request

MODEL = botocore.session.get_session().get_service_model("partnercentral-account")
WRITES = {"CreatePartner", "PutAllianceLeadContact", "TagResource", "UntagResource"}
CONNECT = "ConnectToResponseURL"


@dataclass(frozen=True)
class Call:
    """What a delivery asks of AWS."""

    operation: str
    members: dict[str, Any] = field(hash=False)


class _Names(dict[str, str]):
    def __missing__(self, method: str) -> str:
        return "".join(word.capitalize() for word in method.split("_"))


class _Client:
    """In the place of a botocore client: each call hands over to whoever drives the delivery."""

    meta = SimpleNamespace(service_model=MODEL, method_to_api_mapping=_Names())

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **members: _hand_over(Call(self.meta.method_to_api_mapping[method], members))


def _hand_over(call: Call) -> Any:
    return greenlet.getcurrent().parent.switch(call)


@dataclass
class StepClock:
    """The time of one delivery: only pauses take any, and what its driver takes off."""

    seconds: float
    today: Callable[[], datetime]

    def sleep(self, seconds: float) -> None:
        """Passes at once."""
        self.seconds -= seconds


def stepping(request: Request, time: StepClock, *, connects: bool = True) -> Any:
    """The delivery of a request, as a greenlet that stops at each `Call`; without `connects` an answer can be sent."""
    clock = Clock(lambda: time.seconds, time.sleep, time.today)

    def connect() -> None:
        if connects:
            _hand_over(Call(CONNECT, {}))

    def deliver() -> Answer:
        return respond(request, Aws(request.stack_id, clock, connect, lambda _service, _region: _Client()))

    return greenlet.greenlet(deliver)


def client_error(call: Call, code: str, status: int, **members: Any) -> ClientError:
    """An error whose message repeats the input, as a careless service's would."""
    response: Any = {"Error": {"Code": code, "Message": f"Received: {call.members}"}, **members}
    response["ResponseMetadata"] = {"HTTPStatusCode": status}
    return ClientError(response, call.operation)
