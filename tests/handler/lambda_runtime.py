"""Runs the built asset as Lambda does: AWS's own runtime client (awslambdaric) in a process of its own.

The process sees what Lambda gives it and nothing else: the asset as its task root, boto3 on the path, a runtime API.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug import Request, Response
from werkzeug.serving import BaseWSGIServer, make_server

from tests.handler.cloud import ACCOUNT, Cloud
from tests.handler.response_sink import Quiet, ResponseSink

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_HANDLER = "partner_account_handler.index.handler"
_SECONDS = 180
_CONNECTION_SECONDS = 60


@dataclass
class LambdaRuntime:
    """The runtime API of one function instance, and the process that polls it."""

    asset: Path
    environment: dict[str, str]
    handler: str = _HANDLER
    under: tuple[str, ...] = ()
    """A command that runs the process, such as valgrind."""
    output: str = ""
    invoked: list[Any] = field(default_factory=list)
    _events: queue.Queue[dict[str, Any] | None] = field(default_factory=queue.Queue)
    _ended: queue.Queue[tuple[str, Any]] = field(default_factory=queue.Queue)

    def __enter__(self) -> Self:
        self._server: BaseWSGIServer = make_server("127.0.0.1", 0, self._app, threaded=True, request_handler=Quiet)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self._process = subprocess.Popen(
            [*self.under, sys.executable, "-m", "awslambdaric", self.handler],
            cwd=self.asset,
            env={
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.port}",
                "LAMBDA_TASK_ROOT": str(self.asset),
                "PYTHONPATH": str(self.asset),
                "AWS_LAMBDA_FUNCTION_NAME": "f",
                "AWS_LAMBDA_FUNCTION_VERSION": "1",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "AWS_EC2_METADATA_DISABLED": "true",
                **self.environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        if self._process.stdout:
            self._process.stdout.close()
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event: Any, seconds: float = _SECONDS) -> tuple[str, Any]:
        """Delivers one event; returns how the invocation ended (`response` or `error`) and with what.

        The function is told that Lambda ends it after so many seconds; an invocation that lasts longer is queue.Empty.
        """
        self.invoked.append(event)
        self._events.put({"event": event, "seconds": seconds})
        return self._ended.get(timeout=min(seconds, _CONNECTION_SECONDS))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.output += line

    def _app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._serve(Request(environ))(environ, start_response)

    def _serve(self, request: Request) -> Response:
        if request.path.endswith("/invocation/next"):
            return self._next()
        self._ended.put((request.path.rsplit("/", 1)[1], json.loads(request.get_data() or "null")))
        return Response(status=202)

    def _next(self) -> Response:
        item = self._events.get()
        if item is None:
            return Response(status=500)
        deadline = int((time.time() + item["seconds"]) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
        }
        return Response(json.dumps(item["event"]), headers=headers, content_type="application/json")


def variables(cloud: Cloud, sink: ResponseSink) -> dict[str, str]:
    """The environment of the function's process."""
    urls = {name: value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")}
    assert urls["AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"] == cloud.simulator.url
    return environment(urls, sink.ca_file, ACCOUNT)


def environment(cloud_urls: dict[str, str], ca_file: Path, account: str) -> dict[str, str]:
    """What the function's process needs to reach the test's AWS, and none of the machine's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_CA_BUNDLE": str(ca_file),
        **cloud_urls,
    }
