"""Calls to AWS: a failed one becomes a `CallError`, and what may be retried is retried here.

botocore's own retries are off, so that none is hidden. Of what it raises, only names are kept: no message, no input.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError, PartialCredentialsError

from partner_account_handler import log
from partner_account_handler.clock import IAM_SETTLING_SECONDS, Clock, pauses
from partner_account_handler.errors import CallError, CallFailure, CallOutcome, TimeLeftError
from partner_account_handler.remedies import BY_FIELD
from partner_account_handler.service import API_VERSION, SERVICE

_T = TypeVar("_T")

CALL_CONFIG = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 1})
STACK_CONFIG = CALL_CONFIG.merge(Config(connect_timeout=2, read_timeout=5))
"""For CloudFormation, which may still be called in the reserved time."""

_LAST_QUESTIONS = {"DescribeStacks"}
"""Allowed in the reserved time: the answer distinguishes a rollback from other failures."""

INCOMPLETE = "IncompleteAnswer"  # the code of an answer without a required member: its outcome is unknown

LAG_SECONDS = 30.0
"""How long a partner that another call returned may not be found: AWS is eventually consistent."""


@cache
def _session() -> botocore.session.Session:
    """With the asset's service model: a runtime's own boto3 may be older than the service."""
    session = botocore.session.Session()
    models = Path(__file__).resolve().parent.parent / "models"
    session.get_component("data_loader").search_paths.insert(0, str(models))
    return session


def ca_bundle() -> Any:
    """The file of certificate authorities that botocore is configured to trust, if any."""
    return _session().get_config_variable("ca_bundle")


@cache
def client(service: str, region: str) -> Any:
    """The botocore client of a service, made once per process."""
    config = STACK_CONFIG if service == "cloudformation" else CALL_CONFIG
    version = API_VERSION if service == SERVICE else None  # that of the model in the asset
    return _session().create_client(service, region_name=region, api_version=version, config=config)


class Calls:
    """The calls of one invocation, by default in the stack's own region, retried until its time is up."""

    def __init__(self, region: str, clock: Clock, clients: Callable[[str, str], Any] = client) -> None:
        self.clock = clock
        self.clients = clients
        self._region = region

    def call(
        self,
        service: str,
        operation: str,
        *,
        region: str = "",
        needs: str = "",
        repeat: bool = True,
        before: Callable[[], None] = lambda: None,
        **members: Any,
    ) -> Mapping[str, Any]:
        """Calls until an answer has the member it `needs`; `before` is called before each try.

        A CallError means that it failed, and may not be retried; a TimeLeftError that no time was left for it.
        """
        service_client = self.clients(service, region or self._region)
        name = service_client.meta.method_to_api_mapping[operation]
        waited = 0.0
        for pause in pauses():
            before()
            if self.clock.left() <= 0 and name not in _LAST_QUESTIONS:
                raise TimeLeftError(name)
            try:
                answer: Mapping[str, Any] = getattr(service_client, operation)(**members)
            except Exception as cause:  # noqa: BLE001 - botocore's parsers fail on a malformed answer in many ways
                failure = call_failure(name, cause)
            else:
                if not needs or answer.get(needs) is not None:
                    return answer
                failure = CallFailure(name, CallOutcome.UNKNOWN, INCOMPLETE)
            log.warning("call failed", **asdict(failure))
            error = CallError(failure)
            is_lagging = failure.reason == "PARTNER_NOT_FOUND" and waited < LAG_SECONDS
            if not (repeat and (is_lagging or self.may_pass(error)) and self.clock.pause(pause)):
                raise error
            waited += pause
        raise AssertionError("pauses never end")

    def repeated(self, ask: Callable[[], _T], seconds: float = float("inf")) -> _T:
        """Retries while a CallError may pass, for so many seconds at most."""
        until = self.clock.spent() + seconds
        for pause in pauses():
            try:
                return ask()
            except CallError as error:
                if not (self.may_pass(error) and self.clock.spent() < until and self.clock.pause(pause)):
                    raise
        raise AssertionError("pauses never end")

    def may_pass(self, error: CallError) -> bool:
        """Whether the same call may succeed later in this invocation; a denial while IAM may not have settled."""
        if error.failure.call_outcome is CallOutcome.DENIED:
            return self.clock.spent() < IAM_SETTLING_SECONDS
        return error.failure.call_outcome is not CallOutcome.REFUSED


# From what botocore raises to a `CallFailure`

_NEVER_SENT = (ParamValidationError, NoCredentialsError, PartialCredentialsError)
_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidClientTokenId"}
_LASTING_DENIAL = {"INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
_REQUEST_ID = re.compile(r"[0-9a-fA-F-]{8,64}")
_CONSTANT = re.compile(r"[A-Z][A-Z_]{0,79}")
_LOCALE = re.compile(r"[a-z]{2}-[A-Z]{2}")
_FIELDS = {*BY_FIELD, "ClientToken", "Identifier", "ResourceArn"}


def call_failure(operation: str, cause: Exception) -> CallFailure:
    """What botocore raised, without its message and the input."""
    if not isinstance(cause, ClientError):
        outcome = CallOutcome.REFUSED if isinstance(cause, _NEVER_SENT) else CallOutcome.UNKNOWN
        return CallFailure(operation, outcome, type(cause).__name__)
    response: Mapping[str, Any] = cause.response
    metadata = response.get("ResponseMetadata", {})
    code = _matching(_NAME, response.get("Error", {}).get("Code"))
    reason = constant(response.get("Reason"))
    status = metadata.get("HTTPStatusCode", 0)
    if code in _THROTTLED or status == 429:  # noqa: PLR2004 - HTTP's Too Many Requests
        outcome = CallOutcome.THROTTLED
    elif status >= 500:  # noqa: PLR2004 - HTTP's server errors
        outcome = CallOutcome.UNKNOWN
    else:
        is_denied = code in _DENIED and reason not in _LASTING_DENIAL
        outcome = CallOutcome.DENIED if is_denied else CallOutcome.REFUSED
    details = tuple(_details(response.get("ErrorDetails")))
    request_id = _matching(_REQUEST_ID, metadata.get("RequestId"))
    return CallFailure(operation, outcome, code or f"HTTP{status}", reason, details, request_id)


def _details(raw: object) -> Iterator[str]:
    for detail in filter(None, raw if isinstance(raw, list) else []):  # botocore lets a null through
        if code := constant(detail.get("BusinessValidationError", {}).get("Code")):
            yield code
        field = detail.get("FieldValidationError", {})
        # The last known member in the field's path, however the service writes paths.
        names = re.findall(r"[A-Za-z]+", field["Name"]) if isinstance(field.get("Name"), str) else []
        known = [member for name in names for member in _FIELDS if member.lower() == name.lower()]
        if known:
            yield f"{known[-1]}:{constant(field.get('Code'))}"


def constant(value: object) -> str:
    """One of the service's constants, such as a reason; nothing if it has another form."""
    return _matching(_CONSTANT, value)


def locale(value: object) -> str:
    """A locale, such as en-US; nothing if it has another form."""
    return _matching(_LOCALE, value)


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
