"""Who calls, read from the headers of Signature Version 4.

The signature itself is not checked: that takes the caller's secret key, which a simulator does not have. A simulator
that is not for everybody on its machine asks for its session token instead.
"""

import hmac
import re

from werkzeug.wrappers import Request

from partner_central_simulator.exceptions import GatewayError

REGION = "us-east-1"
SERVICE = "partnercentral-account"
API_VERSION = "2025-04-04"
DEFAULT_ACCOUNT = "000000000000"
SESSION_TOKEN = "X-Amz-Security-Token"  # noqa: S105 - the name of a header, and of its twin in a query

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request,"
    r" *SignedHeaders=[^,\s]+, *Signature=[0-9a-f]{64}"
)


def access_key_of(authorization: str | None) -> str:
    """The access key that signed a request.

    Raises the errors that AWS answers to an unsigned request, and to one signed for another region or service.
    """
    if not authorization:
        raise GatewayError("MissingAuthenticationTokenException", "Missing Authentication Token")
    credential = _AUTHORIZATION.fullmatch(authorization.strip())
    if credential is None:
        raise GatewayError("IncompleteSignature", "The Authorization header has an invalid format.")
    if credential["region"] != REGION:
        message = f"Credential should be scoped to a valid region, not '{credential['region']}'."
        raise GatewayError("InvalidSignatureException", message)
    if credential["service"] != SERVICE:
        message = f"Credential should be scoped to correct service: '{SERVICE}'."
        raise GatewayError("InvalidSignatureException", message)
    return credential["key"]


def account_of(access_key: str) -> str:
    """The calling account: an access key of twelve digits is its own account, any other is of `000000000000`."""
    return access_key if re.fullmatch(r"[0-9]{12}", access_key) else DEFAULT_ACCOUNT


def session_token_of(request: Request) -> str:
    """The session token of a request, signed or presigned; empty if it has none."""
    return request.headers.get(SESSION_TOKEN, "") or request.args.get(SESSION_TOKEN, "")


def has_session_token(request: Request, expected: str) -> bool:
    """Whether the session token of a request, signed or presigned, is the expected one or begins with it."""
    sent = session_token_of(request)
    return hmac.compare_digest(sent[: len(expected)].encode(), expected.encode())
