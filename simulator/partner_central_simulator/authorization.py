"""The caller, and the IAM checks before an operation: its actions, their resources and condition keys.

The caller is read from the headers of Signature Version 4. The signature itself is not verified, which requires the
caller's secret key. A simulator that is not open to everybody on its machine requires its session token.

The checks are those of the Service Authorization Reference of AWS Partner Central; where that is silent, `Readings` has
a switch. An `Authorizer` evaluates the policies; without one, everything is allowed.
"""

import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol

import urllib3
from werkzeug.wrappers import Request

from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.models import REGION, SERVICE, SimulatedAccount, partner_arn
from partner_central_simulator.readings import Readings
from partner_central_simulator.verifications import BUSINESS, REGISTRANT

DEFAULT_ACCOUNT = "000000000000"
SESSION_TOKEN = "X-Amz-Security-Token"  # noqa: S105 - the name of a header, and of its twin in a query

ON_A_PARTNER: Final = {
    "CancelProfileUpdateTask",
    "GetAllianceLeadContact",
    "GetPartner",
    "GetProfileUpdateTask",
    "GetProfileVisibility",
    "PutAllianceLeadContact",
    "PutProfileVisibility",
    "StartProfileUpdateTask",
    "TagResource",
    "UntagResource",
}
"""The actions that take the ARN of a partner; all others are checked against `*`."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request,"
    r" *SignedHeaders=[^,\s]+, *Signature=[0-9a-f]{64}"
)


@dataclass(frozen=True)
class CallerCredentials:
    """What identifies a caller."""

    access_key: str
    session_token: str = field(default="", repr=False)


def credentials_of(request: Request) -> CallerCredentials:
    """The credentials that signed a request.

    Raises the errors that AWS returns for an unsigned request, and for one signed for another region or service.
    """
    authorization = request.headers.get("Authorization")
    if not authorization:
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    credential = _AUTHORIZATION.fullmatch(authorization.strip())
    if credential is None:
        raise ServiceError("IncompleteSignature", "The Authorization header has an invalid format.")
    if credential["region"] != REGION:
        message = f"Credential should be scoped to a valid region, not '{credential['region']}'."
        raise ServiceError("InvalidSignatureException", message)
    if credential["service"] != SERVICE:
        message = f"Credential should be scoped to correct service: '{SERVICE}'."
        raise ServiceError("InvalidSignatureException", message)
    return CallerCredentials(credential["key"], _session_token_of(request))


def _session_token_of(request: Request) -> str:
    return request.headers.get(SESSION_TOKEN, "") or request.args.get(SESSION_TOKEN, "")


def has_session_token(request: Request, expected: str | None) -> bool:
    """Whether the session token of a request, signed or presigned, is the expected one or begins with it."""
    sent = _session_token_of(request)
    return not expected or hmac.compare_digest(sent[: len(expected)].encode(), expected.encode())


@dataclass(frozen=True)
class AccessCheck:
    """One IAM check: an action on a resource, with the request's condition keys."""

    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """The user or role with these credentials, and what its policies allow."""

    account: str
    arn: str
    allows: Callable[[AccessCheck], bool]


class Authorizer(Protocol):
    """Finds the caller with given credentials."""

    def caller(self, credentials: CallerCredentials) -> Caller | None:
        """The caller; None if the credentials are invalid."""


class AllowEverything:
    """Maps a 12-digit access key to that account, any other to `000000000000`; denies nothing."""

    def caller(self, credentials: CallerCredentials) -> Caller:
        """The account of that access key."""
        key = credentials.access_key
        account = key if re.fullmatch(r"[0-9]{12}", key) else DEFAULT_ACCOUNT
        return Caller(account, f"arn:aws:iam::{account}:root", lambda _: True)


class HttpAuthorizer:
    """Calls a URL: `POST {"credentials", "checks"}` returns `{"account", "arn", "allowed": [true, …]}`.

    For invalid credentials, it returns a status other than 200. The requests carry the session token that the simulator
    itself requires. TLS is verified with the CAs in `ca_file`, by default the system's.
    """

    def __init__(self, url: str, session_token: str, ca_file: str | None = None) -> None:
        """Call that URL."""
        self._url = url
        self._session_token = session_token
        self._ca_file = ca_file

    def caller(self, credentials: CallerCredentials) -> Caller | None:
        """The caller that the URL returns."""

        def allows(check: AccessCheck) -> bool:
            answer = self._ask(credentials, check)
            return answer is not None and answer["allowed"] == [True]

        known = self._ask(credentials)
        return Caller(known["account"], known["arn"], allows) if known else None

    def _ask(self, credentials: CallerCredentials, *checks: AccessCheck) -> Any:
        question = {"credentials": asdict(credentials), "checks": [asdict(check) for check in checks]}
        headers = {SESSION_TOKEN: self._session_token, "Content-Type": "application/json"}
        with urllib3.PoolManager(timeout=10, retries=False, cert_reqs="CERT_REQUIRED", ca_certs=self._ca_file) as web:
            try:
                answer = web.request("POST", self._url, body=json.dumps(question), headers=headers)
            except urllib3.exceptions.HTTPError:
                raise ServiceError("InternalServerException", "IAM doesn't respond.") from None
            return json.loads(answer.data) if answer.status == HTTPStatus.OK else None


def checks_of(
    operation: str, request: Mapping[str, Any], account: SimulatedAccount, readings: Readings
) -> Iterator[AccessCheck]:
    """Everything that IAM must allow for this request, the operation's own action first."""
    named = request.get("ResourceArn") or request.get("Identifier", "")
    partner = next((one for one in account.partners if named in {one.arn, one.id}), None)
    tags = partner.tags if partner else {}
    context = dict(_request_keys(request)) | {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    resource = "*"
    if operation in ON_A_PARTNER or (operation == "ListTagsForResource" and readings.list_tags_on_partner):
        resource = named if named.startswith("arn:") else partner_arn(account.id, request["Catalog"], named)
    yield AccessCheck(f"partnercentral:{operation}", resource, context)
    if operation == "CreatePartner" and request.get("Tags"):
        resource = partner_arn(account.id, request["Catalog"], "*") if readings.tag_at_creation_on_partner else "*"
        yield AccessCheck("partnercentral:TagResource", resource, context)


def _request_keys(request: Mapping[str, Any]) -> Iterator[tuple[str, str | Sequence[str]]]:
    if "Catalog" in request:
        yield "partnercentral:Catalog", request["Catalog"]
    if "VerificationDetails" in request:
        kind = BUSINESS if "BusinessVerificationDetails" in request["VerificationDetails"] else REGISTRANT
        yield "partnercentral:VerificationType", kind
    if "VerificationType" in request:
        yield "partnercentral:VerificationType", request["VerificationType"]
    for tag in request.get("Tags", ()):
        yield f"aws:RequestTag/{tag['Key']}", tag["Value"]
    if keys := [*(tag["Key"] for tag in request.get("Tags", ())), *request.get("TagKeys", ())]:
        yield "aws:TagKeys", keys
