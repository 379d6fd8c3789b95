"""The wire of AWS JSON 1.0: a request's bytes in, a validated call of the service, an answer's bytes out."""

import json
import logging
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import uuid4

from botocore.model import OperationModel, ServiceModel
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from partner_central_simulator.authorization import AllowEverything, Authorizer, Caller, Credentials
from partner_central_simulator.exceptions import (
    GatewayError,
    InternalServerError,
    NotSimulatedError,
    ServiceError,
    ValidationFailedError,
)
from partner_central_simulator.faults import Faults
from partner_central_simulator.identity import access_key_of, has_session_token, session_token_of
from partner_central_simulator.journal import Journal, RecordedRequest
from partner_central_simulator.models import Answer
from partner_central_simulator.service import OPERATIONS, Service
from partner_central_simulator.validation import known_members, masked, problems

CONTENT_TYPE = "application/x-amz-json-1.0"
LARGEST_BODY = 1024 * 1024

_log = logging.getLogger(__name__)


class Wire:
    """Answers requests to the service."""

    def __init__(
        self,
        service: Service,
        model: ServiceModel,
        faults: Faults,
        journal: Journal,
        session_token: str | None = None,
        authorizer: Authorizer | None = None,
    ) -> None:
        """Serve `service` in the shapes of `model`, to whoever has the session token if there is one.

        The `authorizer` tells whose each access key is, and what its policies allow; without one nobody is judged.
        """
        self._service = service
        self._model = model
        self._faults = faults
        self._journal = journal
        self._session_token = session_token
        self._authorizer = authorizer or AllowEverything()

    def respond(self, request: Request) -> Response:
        """Answer one request; raises ConnectionCutError if a fault wants no answer."""
        if self._session_token and not has_session_token(request, self._session_token):
            # Nor is it a request of anybody who may be told of it later.
            error = _unrecognized_client()
            return _response(error.status, _encoded(error.body()))
        entry = self._journal.begin(_target(request), min(request.content_length or 0, LARGEST_BODY))
        try:
            entry.status, content = self._outcome(request, entry)
        finally:
            # Its text: a handler that collects log records shall not keep every request.
            _log.info("%s", str(entry))
        return _response(entry.status, content)

    def _outcome(self, request: Request, entry: RecordedRequest) -> tuple[int, bytes]:
        try:
            content = _encoded(self._answer(request, entry))
            return 200, self._faults.garble(entry.operation or "", entry.faults, content)
        except ServiceError as error:
            return self._refusal(error, request, entry)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - see the comment
            # The border: whatever fails in here, a client sees what it would see of AWS, and never a traceback.
            _log.exception("the simulator itself failed on request #%s", entry.number)
            return self._refusal(InternalServerError("The simulator failed: see its log."), request, entry)

    def _refusal(self, error: ServiceError, request: Request, entry: RecordedRequest) -> tuple[int, bytes]:
        entry.error_code, entry.error_reason = error.code, error.reason
        if not isinstance(error, GatewayError):
            text = request.get_data(as_text=True)
            error = self._faults.echo(entry.operation or "", entry.faults, error, text)
        return error.status, _encoded(error.body())

    def _answer(self, request: Request, entry: RecordedRequest) -> Answer:
        access_key = access_key_of(request.headers.get("Authorization"))
        caller = self._authorizer.caller(Credentials(access_key, session_token_of(request)))
        if caller is None:
            raise _unrecognized_client()
        entry.account = caller.account
        operation = self._operation(request, entry.operation)
        body = _decoded(request)
        entry.input = masked(operation.input_shape, body)
        try:
            return self._perform(operation, body, entry, caller, request.host_url.rstrip("/"))
        except ServiceError as error:
            _check_error(operation, error)
            raise

    def _operation(self, request: Request, name: str | None) -> OperationModel:
        if request.mimetype != CONTENT_TYPE or name not in self._model.operation_names:
            message = "The content type, or the operation in X-Amz-Target, is unknown."
            raise GatewayError("UnknownOperationException", message, 404)
        if name not in OPERATIONS:
            raise NotSimulatedError(name)
        return self._model.operation_model(name)

    def _perform(
        self, operation: OperationModel, body: object, entry: RecordedRequest, caller: Caller, url: str
    ) -> Answer:
        name, met = operation.name, entry.faults
        self._faults.strike(name, met, after_commit=False)
        try:
            if wrong := list(problems(operation.input_shape, body)):
                raise ValidationFailedError.of_fields(wrong)
            request = known_members(operation.input_shape, body)
            caller.must_be_allowed(self._service.checks_of(name, caller.account, request))
            answer = self._service.perform(name, caller.account, request, url)
        finally:
            # Also after a refusal: the client cannot know which answer it is that got lost.
            self._faults.strike(name, met, after_commit=True)
        answer = self._faults.distort(name, met, answer)
        _check_answer(operation, answer)
        return answer


def _unrecognized_client() -> GatewayError:
    return GatewayError("UnrecognizedClientException", "The security token included in the request is invalid.")


def _response(status: int, content: bytes) -> Response:
    return Response(content, status, {"x-amzn-RequestId": str(uuid4())}, content_type=CONTENT_TYPE)


def _target(request: Request) -> str | None:
    prefix, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
    is_call = request.method == "POST" and request.path == "/" and prefix == "PartnerCentralAccount"
    return operation if is_call else None


def _decoded(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.get_data(), parse_constant=_refuse_constant)
    except RequestEntityTooLarge:
        message = f"A body has no more than {LARGEST_BODY} bytes."
        raise GatewayError("RequestEntityTooLargeException", message, 413) from None
    except (ValueError, RecursionError, HTTPException):
        raise GatewayError("SerializationException", "The body is not JSON.", 400) from None
    if not isinstance(body, dict):
        raise GatewayError("SerializationException", "The body is not a JSON object.", 400)
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _encoded(body: Answer | None) -> bytes:
    # An output without members is `{}` in AWS JSON 1.0, and not an empty body.
    return b"" if body is None else json.dumps(body, default=_time).encode()


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ModelBreachError(Exception):
    """The simulator is about to answer what AWS's service model rules out: a defect of the simulator."""


def _check_answer(operation: OperationModel, answer: Answer) -> None:
    if wrong := list(problems(operation.output_shape, answer)):
        raise ModelBreachError(f"{operation.name} would answer {wrong}")


def _check_error(operation: OperationModel, error: ServiceError) -> None:
    if isinstance(error, GatewayError):
        return
    shape = next((shape for shape in operation.error_shapes if shape.name == error.code), None)
    if shape is None or list(problems(shape, {"Message": error.message, **error.members})):
        raise ModelBreachError(f"{operation.name} knows no {error.code} with {error.members}")
