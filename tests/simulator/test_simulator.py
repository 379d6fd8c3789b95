"""The simulator's wire: what a client sees of it, whatever the operation's rules. Also tools for its other tests."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ServiceModel
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from partner_central_simulator import Simulator
from partner_central_simulator.admin import Admin
from partner_central_simulator.exceptions import ConflictError, ServiceError, ServiceQuotaExceededError
from partner_central_simulator.faults import Faults
from partner_central_simulator.journal import Journal
from partner_central_simulator.models import Call
from partner_central_simulator.readings import Readings
from partner_central_simulator.service import OPERATIONS, Service
from partner_central_simulator.store import Store

ACCOUNT = "111111111111"
EMAIL = "jane@example.com"
CONTACT = {"FirstName": "Jane", "LastName": "Doe", "Email": EMAIL, "BusinessTitle": "Alliance Lead"}
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

_session = boto3.Session()


@dataclass
class ManualClock:
    """A clock that stands still until it is told to go on."""

    time: datetime = field(default=NOON)

    def __call__(self) -> datetime:
        """The time now."""
        return self.time

    def advance(self, **amount: float) -> None:
        """Let time pass; the units are those of `timedelta`."""
        self.time += timedelta(**amount)


def client_of(simulator: Simulator, account: str = ACCOUNT, region: str = "us-east-1", **config: Any) -> Any:
    """An unmodified boto3 client of that account: one attempt per call, and no checks of its own."""
    return _session.client(
        "partnercentral-account",
        region_name=region,
        endpoint_url=simulator.url,
        aws_access_key_id=account,
        aws_secret_access_key="secret",
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


def refusal(call: Any, **request: Any) -> dict[str, Any]:
    """The error response to a call that must fail."""
    with pytest.raises(ClientError) as failure:
        call(**request)
    return dict(failure.value.response)


def field_problems(response: dict[str, Any]) -> list[tuple[str, str]]:
    """The name and code of each field problem in an error response."""
    details = [detail["FieldValidationError"] for detail in response["ErrorDetails"]]
    return [(detail["Name"], detail["Code"]) for detail in details]


@pytest.fixture
def clock() -> ManualClock:
    """Noon on a day in May."""
    return ManualClock()


@pytest.fixture
def simulator(clock: ManualClock) -> Iterator[Simulator]:
    """A simulator whose accounts are verified."""
    with Simulator(verified=True, clock=clock) as running:
        yield running


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


def error_type(response: Any) -> str:
    """The name of the error behind its namespace."""
    return str(response.json()["__type"]).partition("#")[2]


class TestRequests:
    """What a request may hold."""

    def test_all_mistakes_at_once(self, simulator: Simulator) -> None:
        """One ValidationException names every member that breaks the model, by its path and the service's code."""
        wrong = partner_request(
            LegalName="bell \a",
            PrimarySolutionType="BAKERY",
            AllianceLeadContact={"FirstName": "J" * 81, "Email": "nobody", "BusinessTitle": 7},
            EmailVerificationCode="12345",
            Tags=[{"Key": "", "Value": "v"}, {"Key": "k"}],
        )
        response = refusal(client_of(simulator).create_partner, **wrong)
        assert response["Error"]["Code"] == "ValidationException"
        assert response["Reason"] == "REQUEST_VALIDATION_FAILED"
        assert field_problems(response) == [
            ("LegalName", "INVALID_STRING_FORMAT"),
            ("PrimarySolutionType", "INVALID_ENUM_VALUE"),
            ("AllianceLeadContact.LastName", "REQUIRED_FIELD_MISSING"),
            ("AllianceLeadContact.FirstName", "INVALID_VALUE"),
            ("AllianceLeadContact.Email", "INVALID_STRING_FORMAT"),
            ("AllianceLeadContact.BusinessTitle", "INVALID_VALUE"),
            ("EmailVerificationCode", "INVALID_VALUE"),
            ("Tags[0].Key", "INVALID_VALUE"),
            ("Tags[1].Value", "REQUIRED_FIELD_MISSING"),
        ]

    @pytest.mark.parametrize(
        ("member", "value", "code"),
        [
            ("LegalName", "x" * 81, "INVALID_VALUE"),
            ("LegalName", "rocket \N{ROCKET}", "INVALID_STRING_FORMAT"),
            ("LegalName", "ends with a line feed\n", "INVALID_STRING_FORMAT"),
            ("EmailVerificationCode", "12345x", "INVALID_STRING_FORMAT"),
            ("EmailVerificationCode", "1234567", "INVALID_VALUE"),
            ("ClientToken", "a b", "INVALID_STRING_FORMAT"),
            ("Tags", [{"Key": str(number), "Value": ""} for number in range(201)], "TOO_MANY_VALUES"),
            ("Catalog", "Elsewhere", "INVALID_VALUE"),
            ("Catalog", None, "REQUIRED_FIELD_MISSING"),
        ],
    )
    def test_limits(self, simulator: Simulator, member: str, value: object, code: str) -> None:
        """Lengths, patterns, list sizes, types and catalogs are checked, although boto3 lets most of them pass."""
        response = refusal(client_of(simulator).create_partner, **partner_request(**{member: value}))
        assert field_problems(response) == [(member, code)]

    def test_limits_are_inclusive(self, simulator: Simulator) -> None:
        """Eighty characters, of any script of the basic plane, are a legal name."""
        made = client_of(simulator).create_partner(**partner_request(LegalName="株" * 80))
        assert made["LegalName"] == "株" * 80

    def test_unknown_members_and_nulls(self, simulator: Simulator) -> None:
        """Members that the model lacks, and nulls, count as not sent."""
        body = json.dumps({**partner_request(), "Colour": "red", "Tags": None}).encode()
        assert post(simulator, body).status == 200

    def test_values_are_not_repeated(self, simulator: Simulator) -> None:
        """Refusals tell which member is wrong, and never its value."""
        body = json.dumps(partner_request(LegalName="Secret\a", EmailVerificationCode="98765x")).encode()
        answer = post(simulator, body).data
        assert b"Secret" not in answer
        assert b"98765" not in answer

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"text"',
            b'{"Catalog": NaN}',
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"Catalog": ' + b"9" * 5000 + b"}",
        ],
        ids=lambda body: body[:12],
    )
    def test_what_is_not_json(self, simulator: Simulator, body: bytes) -> None:
        """A body that is no JSON object is a SerializationException."""
        response = post(simulator, body)
        assert (response.status, error_type(response)) == (400, "SerializationException")

    def test_bounded_body(self, simulator: Simulator) -> None:
        """A body of more than a megabyte is refused unread."""
        response = post(simulator, b"{" + b" " * 1024 * 1024 + b"}")
        assert (response.status, error_type(response)) == (413, "RequestEntityTooLargeException")

    def test_any_json(self) -> None:
        """Whatever object is sent to whatever operation, the answer is the service's own, and no failure."""
        names = st.sampled_from(["Catalog", "Tags", "Key", "Identifier", "ResourceArn", "VerificationDetails"])
        scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("AWS")
        values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner))

        with Simulator() as simulator:

            @settings(max_examples=150, deadline=None)
            @given(st.sampled_from(sorted(OPERATIONS)), st.dictionaries(names, values, max_size=4))
            def answers(operation: str, body: dict[str, Any]) -> None:
                response = post(simulator, json.dumps(body).encode(), operation)
                assert response.status in {200, 400}
                assert isinstance(response.json(), dict)

            answers()


class TestFrontDoor:
    """Who may call, and what."""

    @pytest.mark.parametrize(
        ("header", "error"),
        [
            (None, "MissingAuthenticationTokenException"),
            ("Bearer token", "IncompleteSignature"),
            (authorization().replace(", Signature", ", X"), "IncompleteSignature"),
            (authorization(region="eu-west-1"), "InvalidSignatureException"),
            (authorization(service="partnercentral-selling"), "InvalidSignatureException"),
        ],
    )
    def test_signatures(self, simulator: Simulator, header: str | None, error: str) -> None:
        """Unsigned requests, other schemes, and signatures for another region or service are refused."""
        response = post(simulator, b"{}", Authorization=header)
        assert (response.status, error_type(response)) == (403, error)

    def test_other_region(self, simulator: Simulator) -> None:
        """A client that is not pinned to us-east-1 learns so, in the words it would hear from AWS."""
        response = refusal(client_of(simulator, region="eu-west-1").list_partners, Catalog="AWS")
        assert response["Error"]["Code"] == "InvalidSignatureException"
        assert "eu-west-1" in response["Error"]["Message"]

    def test_accounts(self, simulator: Simulator) -> None:
        """A twelve-digit access key is its own account, any other is of 000000000000, and none sees another's."""
        made = client_of(simulator).create_partner(**partner_request())
        other = client_of(simulator, "AKIAIOSFODNN7EXAMPLE")
        assert f":{ACCOUNT}:" in made["Arn"]
        assert other.list_partners(Catalog="Sandbox")["PartnerSummaryList"] == []
        for identifier in (made["Id"], made["Arn"]):
            response = refusal(other.get_partner, Catalog="Sandbox", Identifier=identifier)
            assert response["Reason"] == "PARTNER_NOT_FOUND"
        assert refusal(other.list_tags_for_resource, ResourceArn=made["Arn"])["Reason"] == "PARTNER_NOT_FOUND"
        mine = other.create_partner(**partner_request(LegalName="Another Corp"))
        assert ":000000000000:" in mine["Arn"]

    @pytest.mark.parametrize("headers", [{"X-Amz-Target": "Other.CreatePartner"}, {"Content-Type": "application/json"}])
    def test_foreign_requests(self, simulator: Simulator, headers: dict[str, str]) -> None:
        """Requests to another service, or in another content type, are unknown operations."""
        assert error_type(post(simulator, b"{}", **headers)) == "UnknownOperationException"

    def test_unknown_operation(self, simulator: Simulator) -> None:
        """There is no DeletePartner."""
        response = post(simulator, b"{}", "DeletePartner")
        assert (response.status, error_type(response)) == (404, "UnknownOperationException")

    def test_not_simulated(self, simulator: Simulator) -> None:
        """Every operation of the model that the simulator leaves out says so, and never answers success."""
        left_out = sorted(set(_model().operation_names) - set(OPERATIONS))
        answers = [post(simulator, b"{}", operation) for operation in left_out]
        assert {(answer.status, error_type(answer)) for answer in answers} == {(501, "NotSimulatedException")}
        assert len(left_out) == len(_model().operation_names) - 16

    def test_a_browser(self, simulator: Simulator) -> None:
        """A GET of the endpoint is answered like any unsigned request."""
        response = urllib3.request("GET", simulator.url, retries=False)
        assert (response.status, error_type(response)) == (403, "MissingAuthenticationTokenException")


def _model() -> ServiceModel:
    return client_of(Simulator()).meta.service_model  # type: ignore[no-any-return]


class TestAnswers:
    """The form of every answer."""

    def test_headers(self, simulator: Simulator) -> None:
        """Every answer, errors included, has a request id of its own and the content type of the protocol."""
        answers = [post(simulator, body, "ListPartners") for body in (b'{"Catalog": "AWS"}', b"{}")]
        assert len({answer.headers["x-amzn-RequestId"] for answer in answers}) == 2
        assert {answer.headers["Content-Type"] for answer in answers} == {"application/x-amz-json-1.0"}

    @pytest.mark.parametrize(
        ("operation", "members"),
        [
            ("SendEmailVerificationCode", {"Catalog": "AWS", "Email": EMAIL}),
            ("SendEmailVerificationCode", {"Catalog": "Sandbox", "Email": EMAIL}),
            ("TagResource", {"Tags": [{"Key": "Team", "Value": ""}]}),
            ("UntagResource", {"TagKeys": ["Team"]}),
        ],
    )
    def test_answer_without_members_is_an_empty_json_object(
        self, simulator: Simulator, operation: str, members: dict[str, Any]
    ) -> None:
        """AWS JSON 1.0 serializes an output without members as `{}`, and never as an empty body."""
        if "Catalog" not in members:
            members = {"ResourceArn": simulator.account(ACCOUNT).add_partner("Example Corp").arn, **members}
        response = post(simulator, json.dumps(members).encode(), operation)
        assert (response.status, response.data) == (200, b"{}")

    def test_times(self, simulator: Simulator, clock: ManualClock) -> None:
        """Times travel as ISO 8601, as the model asks, and boto3 reads the simulator's own time from them."""
        response = post(simulator, json.dumps(partner_request()).encode())
        assert response.json()["CreatedAt"] == "2026-05-04T12:00:00.000Z"
        listed = client_of(simulator).list_partners(Catalog="Sandbox")["PartnerSummaryList"]
        assert [partner["CreatedAt"] for partner in listed] == [clock()]

    def test_own_defects(self, tmp_path: Path) -> None:
        """If the simulator itself fails, the client sees an InternalServerException, and no traceback."""
        folder = tmp_path / "gone"
        folder.mkdir()
        with Simulator(state_file=folder / "state.json") as simulator:
            folder.rmdir()
            response = post(simulator, b'{"Catalog": "AWS"}', "ListPartners")
        assert (response.status, error_type(response)) == (500, "InternalServerException")
        assert b"Traceback" not in response.data
        assert b"gone" not in response.data

    def test_never_outside_the_model(self, simulator: Simulator) -> None:
        """What the service model rules out is not answered, even if a human has brought the state about."""
        partner = simulator.account(ACCOUNT).add_partner("")
        response = refusal(client_of(simulator).get_partner, Catalog="AWS", Identifier=partner.id)
        assert response["Error"]["Code"] == "InternalServerException"

    def test_no_undocumented_errors(self, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
        """An error that the model rules out for an operation, by its code or its Reason, is not answered either."""

        def refuse(_call: Call) -> dict[str, Any]:
            raise errors.pop()

        errors: list[ServiceError] = [
            ConflictError("no", Reason="WEDNESDAY"),
            ServiceQuotaExceededError("no", Reason="NONE"),
        ]
        monkeypatch.setitem(OPERATIONS, "CreatePartner", refuse)
        for _ in range(2):
            response = refusal(client_of(simulator).create_partner, **partner_request())
            assert response["Error"]["Code"] == "InternalServerException"


class TestRecords:
    """What tests learn of the requests that arrived."""

    def test_masked(self, simulator: Simulator) -> None:
        """The record has all keys, tags and tokens that were sent, and neither code nor legal name nor names."""
        client, tags = client_of(simulator), [{"Key": "team", "Value": "alliances"}]
        code = new_code(simulator, client)
        client.create_partner(
            **partner_request(Catalog="AWS", EmailVerificationCode=code, Tags=tags, ClientToken="once")
        )
        sent = simulator.requests[-1]
        assert (sent.operation, sent.account, sent.status, sent.error_code) == ("CreatePartner", ACCOUNT, 200, None)
        assert sent.input == {
            "Catalog": "AWS",
            "ClientToken": "once",
            "LegalName": "***",
            "PrimarySolutionType": "SOFTWARE_PRODUCTS",
            "AllianceLeadContact": {"FirstName": "***", "LastName": "***", "Email": EMAIL, "BusinessTitle": "***"},
            "EmailVerificationCode": "***",
            "Tags": tags,
        }

    def test_refusals(self, simulator: Simulator) -> None:
        """The record tells the error code and reason, and of requests that never reached an operation as well."""
        refusal(client_of(simulator).get_partner, Catalog="AWS", Identifier="partner-0123456789012")
        post(simulator, b"{}", "Nonsense", Authorization=None)
        assert [str(sent) for sent in simulator.requests] == [
            f"#1 {ACCOUNT} GetPartner 400 ResourceNotFoundException PARTNER_NOT_FOUND",
            "#2 - Nonsense 403 MissingAuthenticationTokenException",
        ]

    def test_marks(self, simulator: Simulator) -> None:
        """A mark tells the requests of one step from those before; a reset forgets, and keeps counting."""
        client = client_of(simulator)
        client.list_partners(Catalog="AWS")
        mark = simulator.mark()
        client.list_partners(Catalog="Sandbox")
        assert [sent.input for sent in simulator.requests_since(mark)] == [{"Catalog": "Sandbox"}]
        simulator.reset_requests()
        assert simulator.requests == []
        client.list_partners(Catalog="AWS")
        assert [sent.number for sent in simulator.requests] == [3]


class TestOwnEndpoints:
    """What other processes can ask of the simulator itself."""

    def test_health(self, simulator: Simulator) -> None:
        """Another process can see that the simulator listens."""
        assert _get(simulator, "health") == {"status": "ok", "url": simulator.url}

    def test_outbox(self, simulator: Simulator, clock: ManualClock) -> None:
        """The outbox shows each e-mail with its code, to other processes as well."""
        code = new_code(simulator, client_of(simulator))
        mail = {"catalog": "AWS", "email": EMAIL, "code": code, "account": ACCOUNT, "spent": False}
        assert _get(simulator, "outbox") == {"outbox": [{**mail, "sent_at": clock().isoformat()}]}

    def test_requests(self, simulator: Simulator) -> None:
        """Other processes read the requests from a cursor on, which stays if nothing happens."""
        client = client_of(simulator)
        client.list_partners(Catalog="AWS")
        cursor = _get(simulator, "requests")["cursor"]
        assert _get(simulator, f"requests?since={cursor}") == {"requests": [], "cursor": cursor}
        client.list_partners(Catalog="Sandbox")
        new = _get(simulator, f"requests?since={cursor}")
        assert [sent["input"] for sent in new["requests"]] == [{"Catalog": "Sandbox"}]
        assert new["cursor"] == cursor + 1

    def test_unknown(self, simulator: Simulator) -> None:
        """An endpoint that does not exist is a plain 404, and no request to the service."""
        assert urllib3.request("GET", f"{simulator.url}/_simulator/nothing").status == 404
        assert simulator.requests == []

    def test_strangers(self) -> None:
        """The codes in the outbox are shown to callers on the same machine only, whatever address it listens on."""
        clock = ManualClock()
        service = Service(store=Store(None), clock=clock, readings=Readings(), page_size=50, verified=False)
        admin = Admin(service, Faults(clock), Journal(clock))
        stranger = EnvironBuilder("/_simulator/outbox", environ_base={"REMOTE_ADDR": "192.0.2.1"})
        neighbour = EnvironBuilder("/_simulator/outbox", environ_base={"REMOTE_ADDR": "127.0.0.1"})
        assert admin.respond(stranger.get_request()).status_code == 403
        assert admin.respond(neighbour.get_request()).status_code == 200


def _get(simulator: Simulator, path: str) -> Any:
    return urllib3.request("GET", f"{simulator.url}/_simulator/{path}").json()


class TestServer:
    """Starting and stopping."""

    def test_port_taken(self) -> None:
        """A taken port is an OSError for the caller, not the end of the process."""
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            Simulator(port=taken.getsockname()[1]).start()

    def test_stop_and_start(self) -> None:
        """A stopped simulator refuses connections; started again, it has its address and its partners back."""
        simulator = Simulator(verified=True)
        with simulator:
            made = client_of(simulator).create_partner(**partner_request())
            url = simulator.url
        simulator.stop()
        with pytest.raises(urllib3.exceptions.HTTPError):
            urllib3.request("GET", url, retries=False)
        with simulator:
            assert simulator.url == url
            assert client_of(simulator).get_partner(Catalog="Sandbox", Identifier=made["Id"])["Id"] == made["Id"]
