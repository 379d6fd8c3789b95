"""A client of the simulated Partner Central's own endpoints: the requests it received, its e-mails, its faults."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit


class SimulatorRefusedError(Exception):
    """The simulator refused; the text is its reason. `is_forbidden` is whether it rejects the session token."""

    def __init__(self, reason: str, status: int) -> None:
        """Take the reason, and the HTTP status."""
        super().__init__(reason)
        self.is_forbidden = status == HTTPStatus.FORBIDDEN


_EXPECTED = {
    "PARTNER_PROFILE_NOT_FOUND": "expected: there may be no profile yet",
    "PARTNER_PROFILE_TASK_NOT_FOUND": "expected: no profile task was started yet",
}


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that Partner Central received.

    Attributes:
        operation: such as `CreatePartner`.
        error: the code and the reason of the error that it returned; empty after a success.
        arrived_at: when it came.
        answered: whether it has a response by now.
        faults: the faults that it met, in order.
        resource: the ARN that it is about, if it names one as its `ResourceArn`.
    """

    operation: str
    error: str
    arrived_at: datetime
    answered: bool = True
    faults: tuple[str, ...] = ()
    resource: str = ""

    @property
    def writes(self) -> bool:
        """Whether the operation, if it succeeds, changes or sends anything."""
        return not self.operation.startswith(("Get", "List"))

    @property
    def expected_refusal(self) -> str:
        """Why its failure was to be expected; empty if it wasn't, or if it succeeded."""
        tags_sandbox = self.operation == "TagResource" and ":catalog/Sandbox/" in self.resource
        if tags_sandbox and self.error.startswith("ValidationException"):
            return "expected: the Sandbox may refuse tags"
        return _EXPECTED.get(self.error.rpartition(" ")[2], "")

    def __str__(self) -> str:
        """The operation and its outcome."""
        outcome = self.error or ("" if self.answered else "no answer")
        return f"{self.operation} ({outcome})" if outcome else self.operation


@dataclass(frozen=True)
class CodeEmail:
    """An e-mail with a verification code, as it would have been sent."""

    email: str
    code: str


@dataclass(frozen=True)
class SimulatorClient:
    """The simulated service at `address`, such as `http://127.0.0.1:4711`, which requires its session token."""

    address: str
    session_token: str = field(repr=False)

    def requests(self, since: int = 0) -> list[ReceivedRequest]:
        """The requests it received, in their order, without the first `since` ones."""
        return [
            ReceivedRequest(
                operation=entry["operation"] or "?",
                error=" ".join(filter(None, (entry["error_code"], entry["error_reason"]))),
                arrived_at=datetime.fromisoformat(entry["arrived_at"]),
                answered=entry["status"] is not None,
                faults=tuple(entry["faults"]),
                resource=str(entry["input"].get("ResourceArn", "")),
            )
            for entry in self.ask("GET", f"requests?since={since}")["requests"]
        ]

    def outbox(self) -> list[CodeEmail]:
        """The e-mails it sent, oldest first."""
        return [CodeEmail(mail["email"], mail["code"]) for mail in self.ask("GET", "outbox")["outbox"]]

    def order_fault(self, order: Mapping[str, Any]) -> None:
        """Add a fault, with the members that the simulator's `Faults.add` takes."""
        self.ask("POST", "faults", order)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.ask("DELETE", "faults")

    def ask(self, method: str, what: str, body: Any = None) -> dict[str, Any]:
        """What the simulator returns under `/_simulator`, such as for `GET outbox`, in its own members.

        Raises:
            OSError: nothing responds at the address, or not a simulator.
            SimulatorRefusedError: it refused.
        """
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=10)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, f"/_simulator/{what}", sent, {"X-Amz-Security-Token": self.session_token})
            response = connection.getresponse()
            content: dict[str, Any] = json.load(response)
            if response.status != HTTPStatus.OK:
                raise SimulatorRefusedError(content["error"], response.status)
        except (http.client.HTTPException, KeyError, TypeError, ValueError):
            raise ConnectionError(f"{self.address} is not a simulator's") from None
        finally:
            connection.close()
        return content
