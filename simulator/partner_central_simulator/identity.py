"""Who calls, read from the `Authorization` header of Signature Version 4.

The signature itself is not checked: that takes the caller's secret key, which a simulator does not have.
"""

import re

from partner_central_simulator.exceptions import (
    IncompleteSignatureError,
    InvalidSignatureError,
    MissingAuthenticationTokenError,
)

REGION = "us-east-1"
SERVICE = "partnercentral-account"
API_VERSION = "2025-04-04"
DEFAULT_ACCOUNT = "000000000000"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request,"
    r" *SignedHeaders=[^,\s]+, *Signature=[0-9a-f]{64}"
)


def account_of(authorization: str | None) -> str:
    """The calling account: an access key of twelve digits is its own account, any other is of `000000000000`.

    Raises the errors that AWS answers to an unsigned request, and to one signed for another region or service.
    """
    if not authorization:
        raise MissingAuthenticationTokenError("Missing Authentication Token")
    credential = _AUTHORIZATION.fullmatch(authorization.strip())
    if credential is None:
        raise IncompleteSignatureError("The Authorization header is not in the form of Signature Version 4.")
    _check_scope(credential["region"], credential["service"])
    return credential["key"] if re.fullmatch(r"[0-9]{12}", credential["key"]) else DEFAULT_ACCOUNT


def _check_scope(region: str, service: str) -> None:
    if region != REGION:
        raise InvalidSignatureError(f"Credential should be scoped to a valid region, not '{region}'.")
    if service != SERVICE:
        raise InvalidSignatureError(f"Credential should be scoped to correct service: '{SERVICE}'.")
