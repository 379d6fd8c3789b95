"""The simulator as a running server: its WSGI application, and the object that starts and stops it."""

import contextlib
import copy
import logging
import socket
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Self

import botocore.session
from botocore.model import ServiceModel
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request

from partner_central_simulator.admin import PREFIX, AdminEndpoints
from partner_central_simulator.authorization import Authorizer
from partner_central_simulator.faults import ConnectionCutError, Faults
from partner_central_simulator.identity import API_VERSION, SERVICE
from partner_central_simulator.journal import Journal, RecordedRequest
from partner_central_simulator.models import Clock, Mail
from partner_central_simulator.readings import Readings
from partner_central_simulator.responses import LARGEST_BODY, Wire
from partner_central_simulator.service import AccountAdmin, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_POLL_SECONDS = 0.01
"""How soon the server notices that it shall stop."""

_log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Simulator:
    """A simulated Partner Central on a port of this machine, with all that tests and rehearsals need to know of it.

    Use it as a context manager, or call `start` and `stop`. Partners stay in memory, also while it is stopped.
    """

    def __init__(
        self,
        *,
        verified: bool = False,
        readings: Readings | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        page_size: int = 50,
        clock: Clock = _utc_now,
        session_token: str | None = None,
        any_credentials: bool = False,
        authorizer: Authorizer | None = None,
    ) -> None:
        """Prepare a simulator that does not listen yet.

        Args:
            verified: Accounts that the simulator hears of for the first time have both verifications behind them.
            readings: How to take rules that AWS documents nowhere; by default strictly.
            host: The address to listen on.
            port: The port to listen on; 0 for any free one.
            page_size: The number of partners on one page of `ListPartners`, 50 at most.
            clock: Tells the time, aware of its zone; quotas and ages are counted by it.
            session_token: What the session token of each request must be, or begin with; by default anybody on this
                machine may call the service, and read the codes.
            any_credentials: Calls of the service itself need no session token.
            authorizer: Tells whose an access key is, and what IAM allows; by default everything is allowed.
        """
        self.host = host
        self.faults = Faults(clock)
        self._port = port
        self._journal = Journal(clock)
        self._service = Service(clock=clock, readings=readings or Readings(), page_size=page_size, verified=verified)
        of_service = None if any_credentials else session_token
        self._wire = Wire(self._service, _service_model(), self.faults, self._journal, of_service, authorizer)
        self._admin = AdminEndpoints(self._service, self.faults, self._journal, session_token)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen, in a thread of its own; OSError if the port is taken."""
        # A listener of our own: Werkzeug's exits the whole process if the port is taken.
        with socket.create_server((self.host, self._port)) as listener:
            self._server = make_server(
                self.host,
                self._port,
                self._application,
                threaded=True,
                request_handler=_QuietHandler,
                fd=listener.fileno(),
            )
        self._port = self._server.port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="partner-central", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; requests that hang lose their connection. Stopping twice is no mistake."""
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

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end; the endpoint URL for a client."""
        return f"http://{self.host}:{self._port}"

    @property
    def outbox(self) -> list[Mail]:
        """All e-mails it "sent", oldest first."""
        with self._service.transaction() as state:
            return copy.deepcopy(state.outbox)

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests to the service, in the order of arrival."""
        return self._journal.since()

    def requests_since(self, number: int) -> list[RecordedRequest]:
        """The requests after the one of that number, in the order of arrival; see `mark`."""
        return self._journal.since(number)

    def mark(self) -> int:
        """The number of the latest request, for `requests_since`."""
        return self._journal.latest

    def account(self, account_id: str) -> AccountAdmin:
        """What humans and AWS itself see of one account, and do to it, outside the API."""
        return AccountAdmin(self._service, account_id)

    def _application(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = LARGEST_BODY
        respond = self._admin.respond if request.path.startswith(PREFIX) else self._wire.respond
        try:
            return respond(request)(environ, start_response)
        except ConnectionCutError:
            connection: socket.socket = environ["werkzeug.socket"]
            with contextlib.suppress(OSError):  # the client may have gone already
                connection.shutdown(socket.SHUT_RDWR)
            raise


@cache
def _service_model() -> ServiceModel:
    return botocore.session.get_session().get_service_model(SERVICE, api_version=API_VERSION)


class _QuietHandler(WSGIRequestHandler):
    """Leaves the log to `Wire`, which knows the operation; a URL may have a session token in its query."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base class names it
        if type != "info":
            _log.warning(message, *args)
