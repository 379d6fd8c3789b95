"""How the simulator's tests call it: by an unmodified boto3 client, or by a hand-made request; and a clock for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from partner_central_simulator import Simulator

ACCOUNT = "111111111111"
OTHER_ACCOUNT = "222222222222"
EMAIL = "jane@example.com"
CONTACT = {"FirstName": "Jane", "LastName": "Doe", "Email": EMAIL, "BusinessTitle": "Alliance Lead"}
TAGS = [{"Key": "team", "Value": "alliances"}]
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

_session = boto3.Session()


@dataclass
class ManualClock:
    """A clock that stands still until it is advanced."""

    time: datetime = field(default=NOON)

    def __call__(self) -> datetime:
        """The time now."""
        return self.time

    def advance(self, **amount: float) -> None:
        """Let time pass; the units are those of `timedelta`."""
        self.time += timedelta(**amount)


def client_of(
    simulator: Simulator | str,
    account: str = ACCOUNT,
    region: str = "us-east-1",
    session_token: str = "",
    **config: Any,
) -> Any:
    """A boto3 client of that account, of a simulator or its address: one attempt per call, no checks of its own."""
    return _session.client(
        "partnercentral-account",
        region_name=region,
        endpoint_url=simulator if isinstance(simulator, str) else simulator.url,
        aws_access_key_id=account,
        aws_secret_access_key="secret",
        aws_session_token=session_token or None,
        config=Config(
            **{"retries": {"total_max_attempts": 1}, "parameter_validation": False, "read_timeout": 5, **config}
        ),
    )


def partner_request(**changes: Any) -> dict[str, Any]:
    """A Sandbox partner, which needs no code from an e-mail; members that are changed to None are left out."""
    request = {
        "Catalog": "Sandbox",
        "LegalName": "Example Corp",
        "PrimarySolutionType": "SOFTWARE_PRODUCTS",
        "AllianceLeadContact": CONTACT,
        "EmailVerificationCode": "123456",
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}


def new_code(simulator: Simulator, client: Any, email: str = EMAIL) -> str:
    """Request a code for catalog AWS, and read it in the outbox."""
    client.send_email_verification_code(Catalog="AWS", Email=email)
    return simulator.outbox[-1].code


def create_in_aws(simulator: Simulator, account: str = ACCOUNT, **changes: Any) -> dict[str, Any]:
    """Create a partner in catalog AWS as a user does: request a code, read the e-mail, send the code."""
    client = client_of(simulator, account)
    code = new_code(simulator, client)
    return dict(client.create_partner(**partner_request(Catalog="AWS", EmailVerificationCode=code, **changes)))


def refusal(call: Any, **request: Any) -> dict[str, Any]:
    """The error response to a call that must fail."""
    with pytest.raises(ClientError) as failure:
        call(**request)
    return dict(failure.value.response)


def field_problems(response: dict[str, Any]) -> list[tuple[str, str]]:
    """The name and code of each field problem in an error response."""
    details = [detail["FieldValidationError"] for detail in response["ErrorDetails"]]
    return [(detail["Name"], detail["Code"]) for detail in details]


def business_codes(response: dict[str, Any]) -> list[str]:
    """The code of each business problem in an error response."""
    assert response["Reason"] == "BUSINESS_VALIDATION_FAILED"
    return [detail["BusinessValidationError"]["Code"] for detail in response["ErrorDetails"]]


def authorization(region: str = "us-east-1", service: str = "partnercentral-account") -> str:
    """A header as Signature Version 4 makes it."""
    scope = f"{ACCOUNT}/20260504/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"


def post(simulator: Simulator, body: bytes, target: str = "CreatePartner", **headers: str | None) -> Any:
    """A hand-made request; headers that are None are left out."""
    sent = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"PartnerCentralAccount.{target}",
        "Authorization": authorization(),
        **headers,
    }
    present = {name: value for name, value in sent.items() if value is not None}
    return urllib3.request("POST", simulator.url, body=body, headers=present, retries=False, timeout=5)


@contextmanager
def server_of(respond: Callable[[Request], Response]) -> Iterator[str]:
    """The address of a server that isn't the simulator."""
    server = make_server("127.0.0.1", 0, Request.application(respond), threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def error_type(response: Any) -> str:
    """The name of the error behind its namespace."""
    return str(response.json()["__type"]).partition("#")[2]
