"""Stands between the command and moto: writes down each request, and can do something first, or answer itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3
from werkzeug.wrappers import Request, Response

from tests.simulator.calls import server_of


@dataclass
class Relay:
    """A relay that listens at `url`.

    Attributes:
        requests: operation and members of each request, in order.
        before: by operation, what happens before a request is passed on.
        answers: by operation, makes the error's code and message of the request's body.
    """

    url: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    answers: dict[str, Callable[[str], tuple[str, str]]] = field(default_factory=dict)

    def members(self, operation: str) -> dict[str, Any]:
        """The members of the one request of this operation."""
        (found,) = (members for name, members in self.requests if name == operation)
        return found


@contextmanager
def open_relay(moto_url: str) -> Iterator[Relay]:
    """A relay of the JSON protocol, which Secrets Manager and SSM speak."""
    relay = Relay()

    def respond(request: Request) -> Response:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        body = request.get_data(as_text=True)
        relay.requests.append((operation, json.loads(body)))
        if answer := relay.answers.get(operation):
            code, message = answer(body)
            return Response(json.dumps({"__type": code, "message": message}), 400)
        if first := relay.before.pop(operation, None):
            first()
        passed = urllib3.request("POST", moto_url, body=body, headers=dict(request.headers), retries=False)
        return Response(passed.data, passed.status)

    with server_of(respond) as relay.url:
        yield relay
