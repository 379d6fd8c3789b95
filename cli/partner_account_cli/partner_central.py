"""What the simulated Partner Central was asked, and which e-mails it sent: its own endpoints, read."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """A request that Partner Central received.

    Attributes:
        operation: such as `CreatePartner`.
        error: the code and the reason of the error it was answered with; empty after a success.
    """

    operation: str
    error: str

    @property
    def writes(self) -> bool:
        """Whether the operation, if it succeeds, changes or sends anything."""
        return not self.operation.startswith(("Get", "List"))

    def __str__(self) -> str:
        """The operation and what came of it."""
        return f"{self.operation} ({self.error})" if self.error else self.operation


@dataclass(frozen=True)
class Mail:
    """An e-mail with a verification code, as it would have been sent."""

    email: str
    code: str


@dataclass(frozen=True)
class PartnerCentral:
    """The simulated service at `address`, such as `http://127.0.0.1:4711`."""

    address: str

    def requests(self, since: int = 0) -> list[Request]:
        """The requests it received, in their order, without the first `since` ones."""
        return [
            Request(entry["operation"] or "?", " ".join(filter(None, (entry["error_code"], entry["error_reason"]))))
            for entry in self._read(f"requests?since={since}")["requests"]
        ]

    def outbox(self) -> list[Mail]:
        """The e-mails it sent, oldest first."""
        return [Mail(mail["email"], mail["code"]) for mail in self._read("outbox")["outbox"]]

    def _read(self, what: str) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=10)
        try:
            connection.request("GET", f"/_simulator/{what}")
            return json.load(connection.getresponse())
        finally:
            connection.close()
