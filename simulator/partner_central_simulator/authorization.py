"""What IAM is asked before an operation: its actions, on which resources, with which condition keys.

As the Service Authorization Reference of AWS Partner Central has it; where that is silent, `Readings` has a switch. Who
decides by which policies is the business of an `Authorizer`, if there is one: without one everything is allowed.
"""

import http.client
import json
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from partner_central_simulator.exceptions import AccessDeniedError, InternalServerError
from partner_central_simulator.identity import SESSION_TOKEN, account_of
from partner_central_simulator.models import Account, Partner, Request, partner_arn
from partner_central_simulator.readings import Readings
from partner_central_simulator.verifications import BUSINESS, REGISTRANT

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


@dataclass(frozen=True)
class Credentials:
    """By what a caller is known."""

    access_key: str
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Check:
    """One question to IAM: an action on a resource, with the request's condition keys."""

    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """Whose credentials they are, and what the policies of that user or role allow."""

    account: str
    arn: str
    allows: Callable[[Check], bool]

    def must_be_allowed(self, checks: Iterable[Check]) -> None:
        """Ask for each of the checks; raises AccessDeniedError, in AWS's words, at the first that isn't allowed."""
        for check in checks:
            if not self.allows(check):
                raise AccessDeniedError(
                    f"User: {self.arn} is not authorized to perform: {check.action} on resource: {check.resource}",
                    Reason="ACCESS_DENIED",
                )


class Authorizer(Protocol):
    """Knows whose credentials are."""

    def caller(self, credentials: Credentials) -> Caller | None:
        """Whose they are; None if they are nobody's."""


class AllowEverything:
    """Takes an access key of twelve digits for its own account, any other for one of `000000000000`; judges nobody."""

    def caller(self, credentials: Credentials) -> Caller:
        """The account of that access key."""
        account = account_of(credentials.access_key)
        return Caller(account, f"arn:aws:iam::{account}:root", lambda _: True)


class HttpAuthorizer:
    """Asks an address: `POST {"credentials", "checks"}` is answered `{"account", "arn", "allowed": [true, …]}`.

    Credentials that are nobody's are answered with another status than 200. The requests carry the session token that
    the simulator itself asks for. TLS is verified by the authorities in `ca_file`, by default the system's.
    """

    def __init__(self, url: str, session_token: str, ca_file: str | None = None) -> None:
        """Ask at that URL."""
        self._url = urlsplit(url)
        self._session_token = session_token
        self._tls = ssl.create_default_context(cafile=ca_file) if self._url.scheme == "https" else None

    def caller(self, credentials: Credentials) -> Caller | None:
        """Whose they are, as the address says."""
        if answer := self._ask(credentials):
            return Caller(answer["account"], answer["arn"], lambda check: self._allows(credentials, check))
        return None

    def _allows(self, credentials: Credentials, check: Check) -> bool:
        answer = self._ask(credentials, check)
        return answer is not None and answer["allowed"] == [True]

    def _ask(self, credentials: Credentials, *checks: Check) -> Any:
        question = {"credentials": asdict(credentials), "checks": [asdict(check) for check in checks]}
        connection = (
            http.client.HTTPSConnection(self._url.netloc, timeout=10, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._url.netloc, timeout=10)
        )
        try:
            headers = {SESSION_TOKEN: self._session_token, "Content-Type": "application/json"}
            connection.request("POST", self._url.path, json.dumps(question), headers)
            answer = connection.getresponse()
            content = answer.read()
            return json.loads(content) if answer.status == HTTPStatus.OK else None
        except (OSError, http.client.HTTPException):
            raise InternalServerError("IAM doesn't answer.") from None
        finally:
            connection.close()


def checks_of(operation: str, request: Request, account: Account, readings: Readings) -> Iterator[Check]:
    """All that IAM must allow for this request, the operation's own action first."""
    context = dict([*_request_keys(request), *_resource_tags(request, account)])
    on_partner = operation in ON_A_PARTNER or (operation == "ListTagsForResource" and readings.list_tags_on_partner)
    resource = _named_arn(request, account) if on_partner else "*"
    yield Check(f"partnercentral:{operation}", resource, context)
    if operation == "CreatePartner" and request.get("Tags"):
        resource = partner_arn(account.id, request["Catalog"], "*") if readings.tag_at_creation_on_partner else "*"
        yield Check("partnercentral:TagResource", resource, context)


def _named_arn(request: Request, account: Account) -> str:
    named: str = request.get("ResourceArn") or request["Identifier"]
    return named if named.startswith("arn:") else partner_arn(account.id, request["Catalog"], named)


def _request_keys(request: Request) -> Iterator[tuple[str, str | Sequence[str]]]:
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


def _resource_tags(request: Request, account: Account) -> Iterator[tuple[str, str]]:
    named = request.get("ResourceArn") or request.get("Identifier")
    partner: Partner | None = next((one for one in account.partners if named in {one.arn, one.id}), None)
    if partner:
        yield from ((f"aws:ResourceTag/{key}", value) for key, value in partner.tags.items())
