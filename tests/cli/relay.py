"""Stands between the command and moto: writes down each request, and can do something first, or answer itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3


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

    def operations(self) -> list[str]:
        """The operations, in order."""
        return [name for name, _ in self.requests]


@contextmanager
def open_relay(moto_url: str) -> Iterator[Relay]:
    """A relay of the JSON protocol, which Secrets Manager and SSM speak."""
    relay = Relay()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            relay.requests.append((operation, json.loads(body)))
            if answer := relay.answers.get(operation):
                code, message = answer(body.decode())
                self._answer(400, json.dumps({"__type": code, "message": message}).encode())
                return
            if first := relay.before.pop(operation, None):
                first()
            passed = urllib3.request("POST", moto_url, body=body, headers=dict(self.headers.items()), retries=False)
            self._answer(passed.status, passed.data)

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        relay.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield relay
        server.shutdown()
