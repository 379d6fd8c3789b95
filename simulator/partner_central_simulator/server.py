"""The simulator as a server: it starts and stops, and has its own endpoints under `/_simulator`.

Those are for other processes and for humans. They don't exist at AWS.
"""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug.exceptions import BadRequest, Forbidden, Gone, HTTPException, NotFound
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from partner_central_simulator.api import LARGEST_BODY, ApiEndpoint
from partner_central_simulator.authorization import DEFAULT_ACCOUNT, Authorizer, has_session_token
from partner_central_simulator.faults import ConnectionCutError, Faults
from partner_central_simulator.models import Clock, Mail, RecordedRequest
from partner_central_simulator.readings import Readings
from partner_central_simulator.service import AccountAdmin, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_POLL_SECONDS = 0.01
"""How soon the server notices that it must stop."""

_PREFIX = "/_simulator/"
_OUTCOMES = ("SUCCEEDED", "FAILED", "REJECTED")

_log = logging.getLogger(__name__)


class Simulator:
    """A simulated Partner Central on a port of this machine, with its state for tests and rehearsals.

    Use it as a context manager, or call `start` and `stop`. Partners stay in memory, even while it is stopped. It is
    itself a WSGI application.
    """

    def __init__(
        self,
        *,
        verified: bool = False,
        readings: Readings | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        page_size: int = 50,
        clock: Clock = lambda: datetime.now(UTC),
        session_token: str | None = None,
        any_credentials: bool = False,
        authorizer: Authorizer | None = None,
    ) -> None:
        """Prepare a simulator that does not listen yet.

        Args:
            verified: Both verifications of new accounts have succeeded.
            readings: The readings of undocumented rules; by default the strict ones.
            host: The address to listen on.
            port: The port to listen on; 0 for any free one.
            page_size: The number of partners on one page of `ListPartners`, 50 at most.
            clock: Returns the time, with its zone; it determines quotas and ages.
            session_token: What the session token of each request must be, or begin with; by default anybody on this
                machine can call the service, and read the codes.
            any_credentials: Calls to the service itself need no session token.
            authorizer: Finds the caller with an access key, and what IAM allows; by default everything is allowed.
        """
        self.host = host
        self.faults = Faults(clock)
        self._port = port
        self._session_token = session_token
        self._service = Service(clock=clock, readings=readings or Readings(), page_size=page_size, verified=verified)
        of_service = None if any_credentials else session_token
        self._api = ApiEndpoint(self._service, self.faults, clock, of_service, authorizer)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen, in a thread of its own; OSError if the port is in use."""
        # Our own listener: Werkzeug's exits the whole process if the port is in use.
        with socket.create_server((self.host, self._port)) as listener:
            self._server = make_server(
                self.host, self._port, self, threaded=True, request_handler=_QuietHandler, fd=listener.fileno()
            )
        self._port = self._server.port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="partner-central", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; requests that hang lose their connection. Stopping twice is allowed."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self.faults.release()
        self._server = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Respond to one request, as a WSGI application."""
        request = Request(environ)
        request.max_content_length = LARGEST_BODY
        respond = self._respond_as_simulator if request.path.startswith(_PREFIX) else self._api.respond
        try:
            return respond(request)(environ, start_response)
        except ConnectionCutError:
            connection: socket.socket = environ["werkzeug.socket"]
            with contextlib.suppress(OSError):  # the client may have disconnected
                connection.shutdown(socket.SHUT_RDWR)
            raise

    def _respond_as_simulator(self, request: Request) -> Response:
        """Respond to one request to the simulator's own endpoints, in JSON."""
        try:
            # The outbox holds the codes. The service itself can be reached from a container, with `--host`.
            if not ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 - stands for "unknown"
                raise Forbidden("only for callers on the simulator's own machine")
            name, _, token = request.path.removeprefix(_PREFIX).partition("/")
            if token and name == "verifications":
                # A human opens this unguessable URL in a browser, which has no session token.
                answer = self._complete_verification(token, request.args.get("outcome", _OUTCOMES[0]))
            elif has_session_token(request, self._session_token):
                answer = self._own_endpoint(request, name if not token else "")
            else:
                raise Forbidden("the session token is not the one that the simulator printed when it was started")
            status = 200
        except HTTPException as error:
            answer, status = {"error": error.description}, error.code or 500
        return Response(json.dumps(answer, default=datetime.isoformat) + "\n", status, content_type="application/json")

    def _own_endpoint(self, request: Request, name: str) -> dict[str, Any]:
        match request.method, name:
            case "GET", "outbox":
                return {"outbox": [asdict(mail) for mail in self.outbox]}
            case "GET", "requests":
                since = request.args.get("since", 0, type=int)
                return {"requests": [asdict(entry) for entry in self.requests_since(since)]}
            case "POST", "faults":
                try:
                    return asdict(self.faults.add(**request.get_json(force=True)))
                except (TypeError, ValueError) as error:
                    raise BadRequest(str(error)) from None
            case "GET" | "DELETE", "faults":
                if request.method == "DELETE":
                    self.faults.clear()
                return {"faults": [asdict(fault) for fault in self.faults.pending]}
        raise NotFound

    def _complete_verification(self, token: str, outcome: str) -> dict[str, Any]:
        if outcome not in _OUTCOMES:
            raise BadRequest(f"outcome must be one of {', '.join(_OUTCOMES)}")
        verification = self._service.complete_verification(token, outcome)
        if verification is None:
            raise Gone("nothing is pending here: it was completed, or has expired; start the verification again")
        return {"type": verification.type, "status": verification.status}

    @property
    def url(self) -> str:
        """Its URL, without a trailing slash; the endpoint URL for a client."""
        return f"http://{self.host}:{self._port}"

    @property
    def outbox(self) -> list[Mail]:
        """All e-mails it "sent", oldest first."""
        with self._service.transaction() as state:
            return [replace(mail) for mail in state.outbox]

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests to the service, in the order of arrival."""
        return self._api.requests_since()

    def requests_since(self, number: int) -> list[RecordedRequest]:
        """The requests after the one of that number, in the order of arrival; see `mark`."""
        return self._api.requests_since(number)

    def mark(self) -> int:
        """The number of the latest request, for `requests_since`."""
        return self._api.latest

    def account(self, account_id: str = DEFAULT_ACCOUNT) -> AccountAdmin:
        """One account as humans and AWS itself see and change it, outside the API.

        A caller's account is its access key, if that has 12 digits; the default is that of all other access keys.
        """
        return AccountAdmin(self._service, account_id)


class _QuietHandler(WSGIRequestHandler):
    """Leaves logging to the endpoint, which knows the operation; a URL's query may have a session token."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base class names it
        if type != "info":
            _log.warning(message, *args)
