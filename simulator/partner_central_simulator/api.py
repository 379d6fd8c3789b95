"""The AWS JSON 1.0 protocol: it parses and validates a request, calls the service, and serializes the response.

Every request is recorded, without secrets or names, and may meet faults on its way.
"""

import json
import logging
import threading
from collections import deque
from datetime import UTC, datetime
from functools import cache
from itertools import takewhile
from typing import Any, NoReturn
from uuid import uuid4

from botocore.loaders import create_loader
from botocore.model import OperationModel, ServiceModel
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from partner_central_simulator.authorization import AllowEverything, Authorizer, credentials_of, has_session_token
from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.faults import FaultKind, Faults
from partner_central_simulator.models import API_VERSION, SERVICE, Clock, Output, RecordedRequest
from partner_central_simulator.service import OPERATIONS, Service
from partner_central_simulator.validation import known_members, masked, problems

CONTENT_TYPE = "application/x-amz-json-1.0"
LARGEST_BODY = 1024 * 1024

REMEMBERED = 10_000
"""How many requests are kept; older ones are dropped."""

REMEMBERED_BYTES = 32 * 1024 * 1024
"""The limit on the total size of their bodies; the latest one is always kept."""

_log = logging.getLogger(__name__)


class ApiEndpoint:
    """Responds to requests to the service, and records them. Safe to use from several threads."""

    def __init__(
        self,
        service: Service,
        faults: Faults,
        clock: Clock,
        session_token: str | None = None,
        authorizer: Authorizer | None = None,
    ) -> None:
        """Serve `service` to callers that have the session token, if there is one, and that the authorizer allows."""
        self._service = service
        self._faults = faults
        self._clock = clock
        self._session_token = session_token
        self._authorizer = authorizer or AllowEverything()
        self._lock = threading.Lock()
        self._recorded: deque[RecordedRequest] = deque()
        self._recorded_bytes = 0
        self.latest = 0
        """The number of the latest request; 0 before the first."""

    def requests_since(self, number: int = 0) -> list[RecordedRequest]:
        """The requests after that number, in the order of arrival."""
        with self._lock:
            latest = takewhile(lambda entry: entry.number > number, reversed(self._recorded))
            return list(latest)[::-1]

    def record(self, operation: str | None, size: int = 0) -> RecordedRequest:
        """Record that a request with that many bytes has arrived; the rest is filled in as it becomes known."""
        now = self._clock()
        with self._lock:
            self.latest += 1
            entry = RecordedRequest(self.latest, now, operation, size=size)
            self._recorded.append(entry)
            self._recorded_bytes += size
            while len(self._recorded) > REMEMBERED or (
                self._recorded_bytes > REMEMBERED_BYTES and len(self._recorded) > 1
            ):
                self._recorded_bytes -= self._recorded.popleft().size
        return entry

    def respond(self, request: Request) -> Response:
        """Respond to one request; raises ConnectionCutError if a fault suppresses the response."""
        if not has_session_token(request, self._session_token):
            # It isn't recorded either: its sender isn't among those who may read the records.
            return _response(*_error(_unrecognized_client()))
        prefix, _, name = request.headers.get("X-Amz-Target", "").partition(".")
        is_call = request.method == "POST" and request.path == "/" and prefix == "PartnerCentralAccount"
        entry = self.record(name if is_call else None, min(request.content_length or 0, LARGEST_BODY))
        try:
            content = _encoded(self._answer(request, entry))
            if self._faults.take(entry, FaultKind.GARBLED):
                content = content[: len(content) // 2]
            entry.status = 200
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - see the comment
            # The boundary: whatever fails in here, a client sees an error as AWS returns it, never a traceback.
            entry.status, content = self._refuse(error, request, entry)
        finally:
            # As text: a handler that collects log records must not keep every request in memory.
            _log.info("%s", str(entry))
        return _response(entry.status, content)

    def _refuse(self, error: Exception, request: Request, entry: RecordedRequest) -> tuple[int, bytes]:
        if not isinstance(error, ServiceError):
            _log.error("the simulator itself failed on request #%s", entry.number, exc_info=error)
            error = ServiceError("InternalServerException", "The simulator failed: see its log.")
        entry.error_code, entry.error_reason = error.code, error.members.get("Reason")
        if error.is_of_service and self._faults.take(entry, FaultKind.ECHO):
            error.message += f" Received: {request.get_data(as_text=True)}"
        return _error(error)

    def _answer(self, request: Request, entry: RecordedRequest) -> Output:
        caller = self._authorizer.caller(credentials_of(request))
        if caller is None:
            raise _unrecognized_client()
        entry.account = caller.account
        operation = _operation(request, entry.operation)
        body = _decoded(request)
        entry.input = masked(operation.input_shape, body)
        try:
            self._faults.strike(entry, after_commit=False)
            try:
                if wrong := list(problems(operation.input_shape, body)):
                    raise ServiceError.of_fields(*wrong)
                members = known_members(operation.input_shape, body)
                for check in self._service.checks_of(operation.name, caller.account, members):
                    if not caller.allows(check):
                        message = (
                            f"User: {caller.arn} is not authorized to perform: {check.action} on resource: "
                            f"{check.resource}"
                        )
                        raise ServiceError("AccessDeniedException", message, Reason="ACCESS_DENIED")
                url = request.host_url.rstrip("/")
                plan = self._faults.task_plan(entry)
                answer = self._service.perform(operation.name, caller.account, members, url, plan)
            finally:
                # Also after an error: the client can't know which response was lost.
                self._faults.strike(entry, after_commit=True)
            answer = self._faults.distort(entry, answer)
        except ServiceError as error:
            _check_error(operation, error)
            raise
        if wrong := list(problems(operation.output_shape, answer)):
            raise ModelBreachError(f"{operation.name} would return {wrong}")
        return answer


class ModelBreachError(Exception):
    """The simulator would return what AWS's service model rules out: a bug in the simulator."""


def _check_error(operation: OperationModel, error: ServiceError) -> None:
    shape = next((shape for shape in operation.error_shapes if shape.name == error.code), None)
    if error.is_of_service and (shape is None or list(problems(shape, {"Message": error.message, **error.members}))):
        raise ModelBreachError(f"{operation.name} has no {error.code} with {error.members}")


@cache
def _service_model() -> ServiceModel:
    # Not through a session, which would look up the user's AWS profile.
    return ServiceModel(create_loader().load_service_model(SERVICE, "service-2", API_VERSION), SERVICE)


def _operation(request: Request, name: str | None) -> OperationModel:
    if request.mimetype != CONTENT_TYPE or name not in _service_model().operation_names:
        message = "The content type, or the operation in X-Amz-Target, is unknown."
        raise ServiceError("UnknownOperationException", message)
    if name not in OPERATIONS:  # success would be a lie
        raise ServiceError("NotSimulatedException", f"{name} exists at AWS, but is not simulated.")
    return _service_model().operation_model(name)


def _decoded(request: Request) -> dict[str, Any]:
    def refuse_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    try:
        body = json.loads(request.get_data(), parse_constant=refuse_constant)
    except RequestEntityTooLarge:
        message = f"A body is limited to {LARGEST_BODY} bytes."
        raise ServiceError("RequestEntityTooLargeException", message) from None
    except (ValueError, RecursionError, HTTPException):
        raise ServiceError("SerializationException", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise ServiceError("SerializationException", "The body is not a JSON object.")
    return body


def _unrecognized_client() -> ServiceError:
    return ServiceError("UnrecognizedClientException", "The security token included in the request is invalid.")


def _error(error: ServiceError) -> tuple[int, bytes]:
    body = error.body()
    return error.status, b"" if body is None else _encoded(body)


def _response(status: int, content: bytes) -> Response:
    return Response(content, status, {"x-amzn-RequestId": str(uuid4())}, content_type=CONTENT_TYPE)


def _encoded(body: Output) -> bytes:
    """The JSON of a response: an output without members is `{}` in AWS JSON 1.0, not an empty body."""

    def time(value: datetime) -> str:
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return json.dumps(body, default=time).encode()
