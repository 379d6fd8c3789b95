"""Where a custom resource's answers go: a real HTTPS server in the place of S3's presigned URLs."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug import Request, Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.handler.network import server_context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Quiet(WSGIRequestHandler):
    """Werkzeug without its access log."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Says nothing."""


@dataclass
class ResponseSink:
    """Keeps each answer by the URL it was put to; answers itself as `statuses` says, then with 200."""

    folder: Path
    host: str = "localhost"
    """Whose certificate it has. Another host than this machine is found by a proxy only."""
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    received: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.ca_file = self.folder / "ca.pem"
        context = server_context(self.ca_file, self.host)
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", 0, self._app, threaded=True, ssl_context=context, request_handler=Quiet
        )
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return self._server.port

    def url(self, name: str) -> str:
        """An URL as CloudFormation hands it out, with a signature that must not leak."""
        return f"https://{self.host}:{self.port}/{name}?X-Amz-Signature=presigned-canary-{name}"

    def answers(self, name: str) -> list[dict[str, Any]]:
        """What was put to one URL, in order."""
        return [json.loads(body) for path, body, _ in self.received if path == f"/{name}"]

    def _app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._keep(Request(environ))(environ, start_response)

    def _keep(self, request: Request) -> Response:
        self.received.append((request.path, request.get_data(), dict(request.headers)))
        return Response(status=self.statuses.pop(0) if self.statuses else 200, headers=self.headers)
