"""From what botocore raises to a `CallFailure`, which carries names only, no message and no input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError, PartialCredentialsError

from partner_account_handler.failure import CallFailure, CallOutcome

_NEVER_SENT = (ParamValidationError, NoCredentialsError, PartialCredentialsError)
_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
}
_LASTING_DENIAL = {"INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
_REQUEST_ID = re.compile(r"[0-9a-fA-F-]{8,64}")
_CONSTANT = re.compile(r"[A-Z][A-Z_]{0,79}")
_FIELDS = {
    "AllianceLeadContact",
    "BusinessTitle",
    "Catalog",
    "ClientToken",
    "Email",
    "EmailVerificationCode",
    "FirstName",
    "Identifier",
    "LastName",
    "LegalName",
    "PrimarySolutionType",
    "ResourceArn",
    "TagKeys",
    "Tags",
}


def call_failure(operation: str, cause: Exception) -> CallFailure:
    """What botocore raised, without its message and the input."""
    if not isinstance(cause, ClientError):
        outcome = CallOutcome.REFUSED if isinstance(cause, _NEVER_SENT) else CallOutcome.UNKNOWN
        return CallFailure(operation, outcome, type(cause).__name__)
    response: Mapping[str, Any] = cause.response
    code = _matching(_NAME, response.get("Error", {}).get("Code"))
    reason = _matching(_CONSTANT, response.get("Reason"))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return CallFailure(
        operation,
        _call_outcome(code, reason, status),
        code or f"HTTP{status}",
        reason,
        tuple(_details(response.get("ErrorDetails"))),
        _matching(_REQUEST_ID, response.get("ResponseMetadata", {}).get("RequestId")),
    )


def _call_outcome(code: str, reason: str, status: int) -> CallOutcome:
    if code in _THROTTLED or status == 429:  # noqa: PLR2004 - HTTP's Too Many Requests
        return CallOutcome.THROTTLED
    if status >= 500:  # noqa: PLR2004 - HTTP's server errors
        return CallOutcome.UNKNOWN
    if code in _DENIED and reason not in _LASTING_DENIAL:
        return CallOutcome.DENIED
    return CallOutcome.REFUSED


def _details(raw: object) -> Iterator[str]:
    for detail in filter(None, raw if isinstance(raw, list) else []):  # botocore lets a null through
        business = detail.get("BusinessValidationError", {})
        field = detail.get("FieldValidationError", {})
        if _matching(_CONSTANT, business.get("Code")):
            yield business["Code"]
        if name := _field(field.get("Name")):
            yield f"{name}:{_matching(_CONSTANT, field.get('Code'))}"


def _field(path: object) -> str:
    """The last known member in a field's path, however the service writes paths."""
    names = re.findall(r"[A-Za-z]+", path) if isinstance(path, str) else []
    return next((known for name in reversed(names) for known in _FIELDS if known.lower() == name.lower()), "")


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
