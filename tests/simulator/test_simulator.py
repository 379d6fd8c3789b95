"""The simulator's wire: what a client sees of it, whatever the operation's rules."""

import json
import logging
import socket
from typing import Any

import pytest
import urllib3
from botocore.model import ServiceModel
from werkzeug.test import Client

from partner_central_simulator import Readings, Simulator
from partner_central_simulator.api import LARGEST_BODY, REMEMBERED_BYTES, ApiEndpoint
from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.faults import Faults
from partner_central_simulator.service import OPERATIONS, Service
from tests.simulator.calls import (
    ACCOUNT,
    EMAIL,
    TAGS,
    ManualClock,
    authorization,
    client_of,
    error_type,
    field_problems,
    new_code,
    partner_request,
    post,
    refusal,
)

# --- Requests


@pytest.mark.versions
def test_validation_names_all_members_that_break_the_model_at_once(simulator: Simulator) -> None:
    """By their paths and the service's codes."""
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


@pytest.mark.versions
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
def test_validation_enforces_limits_of_the_service_model(
    simulator: Simulator, member: str, value: object, code: str
) -> None:
    """Lengths, patterns, list sizes, types and catalogs, although boto3 lets most of them pass."""
    response = refusal(client_of(simulator).create_partner, **partner_request(**{member: value}))
    assert field_problems(response) == [(member, code)]


@pytest.mark.versions
def test_legal_name_of_eighty_characters_of_any_script_is_accepted(simulator: Simulator) -> None:
    """The model's limits are inclusive."""
    made = client_of(simulator).create_partner(**partner_request(LegalName="株" * 80))
    assert made["LegalName"] == "株" * 80


def test_unknown_members_and_nulls_are_ignored(simulator: Simulator) -> None:
    """As at AWS."""
    body = json.dumps({**partner_request(), "Colour": "red", "Tags": None}).encode()
    assert post(simulator, body).status == 200


def test_validation_error_never_repeats_a_value(simulator: Simulator) -> None:
    """It names the invalid member."""
    body = json.dumps(partner_request(LegalName="Secret\a", EmailVerificationCode="98765x")).encode()
    answer = post(simulator, body).data
    assert b"Secret" not in answer
    assert b"98765" not in answer


@pytest.mark.versions
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
def test_body_that_is_not_a_json_object_is_a_serialization_exception(simulator: Simulator, body: bytes) -> None:
    """Also one that is too deep, or has too long a number, for a parser."""
    response = post(simulator, body)
    assert (response.status, error_type(response)) == (400, "SerializationException")


@pytest.mark.versions
def test_body_larger_than_a_megabyte_is_rejected_unread(simulator: Simulator) -> None:
    """No real request is as large."""
    response = post(simulator, b"{" + b" " * 1024 * 1024 + b"}")
    assert (response.status, error_type(response)) == (413, "RequestEntityTooLargeException")
    assert simulator.requests[-1].size == LARGEST_BODY


# --- The gateway: who may call, and what


@pytest.mark.versions
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
def test_request_without_a_signature_for_this_service_and_region_is_refused(
    simulator: Simulator, header: str | None, error: str
) -> None:
    """Unsigned ones, other schemes, other regions, other services."""
    response = post(simulator, b"{}", Authorization=header)
    assert (response.status, error_type(response)) == (403, error)


@pytest.mark.versions
def test_client_in_another_region_gets_the_error_of_aws(simulator: Simulator) -> None:
    """The service is in us-east-1 alone."""
    response = refusal(client_of(simulator, region="eu-west-1").list_partners, Catalog="AWS")
    assert response["Error"]["Code"] == "InvalidSignatureException"
    assert "eu-west-1" in response["Error"]["Message"]


def test_partners_are_visible_to_their_own_account_only(simulator: Simulator) -> None:
    """A twelve-digit access key is its own account, any other is of 000000000000."""
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


@pytest.mark.versions
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Amz-Target": "Other.CreatePartner"},
        {"X-Amz-Target": "PartnerCentralAccount.DeletePartner"},
        {"Content-Type": "application/json"},
    ],
)
def test_request_of_another_service_operation_or_content_type_is_an_unknown_operation(
    simulator: Simulator, headers: dict[str, str]
) -> None:
    """There is no DeletePartner."""
    response = post(simulator, b"{}", **headers)
    assert (response.status, error_type(response)) == (404, "UnknownOperationException")


@pytest.mark.versions
def test_unsimulated_operation_never_returns_success(simulator: Simulator) -> None:
    """Each one of the service model that is left out says so."""
    model: ServiceModel = client_of(simulator).meta.service_model
    left_out = sorted(set(model.operation_names) - set(OPERATIONS))
    answers = [post(simulator, b"{}", operation) for operation in left_out]
    assert {(answer.status, error_type(answer)) for answer in answers} == {(501, "NotSimulatedException")}
    assert len(left_out) == len(model.operation_names) - 16


# --- Answers


@pytest.mark.versions
def test_each_answer_has_its_own_request_id_and_the_content_type_of_the_protocol(simulator: Simulator) -> None:
    """Errors too; a browser's GET is answered like any unsigned request."""
    answers = [post(simulator, body, "ListPartners") for body in (b'{"Catalog": "AWS"}', b"{}")]
    answers.append(urllib3.request("GET", simulator.url, retries=False))
    assert [answer.status for answer in answers] == [200, 400, 403]
    assert len({answer.headers["x-amzn-RequestId"] for answer in answers}) == 3
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/x-amz-json-1.0"}


@pytest.mark.versions
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
    simulator: Simulator, operation: str, members: dict[str, Any]
) -> None:
    """AWS JSON 1.0 serializes an output without members as `{}`, and never as an empty body."""
    if "Catalog" not in members:
        members = {"ResourceArn": simulator.account(ACCOUNT).add_partner("Example Corp").arn, **members}
    response = post(simulator, json.dumps(members).encode(), operation)
    assert (response.status, response.data) == (200, b"{}")


@pytest.mark.versions
def test_timestamps_are_iso_8601(simulator: Simulator, clock: ManualClock) -> None:
    """As the model asks; boto3 reads the simulator's own time from them."""
    response = post(simulator, json.dumps(partner_request()).encode())
    assert response.json()["CreatedAt"] == "2026-05-04T12:00:00.000Z"
    listed = client_of(simulator).list_partners(Catalog="Sandbox")["PartnerSummaryList"]
    assert [partner["CreatedAt"] for partner in listed] == [clock()]


def test_defect_of_the_simulator_is_an_internal_server_exception_without_a_traceback(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The traceback is in its log."""
    monkeypatch.setitem(OPERATIONS, "ListPartners", lambda _: 1 // 0)  # a defect
    response = post(simulator, b'{"Catalog": "AWS"}', "ListPartners")
    assert (response.status, error_type(response)) == (500, "InternalServerException")
    assert b"division" not in response.data
    assert "Traceback" in caplog.text


def test_answer_invalid_by_the_service_model_is_not_sent(simulator: Simulator) -> None:
    """Even if a person caused the state."""
    partner = simulator.account(ACCOUNT).add_partner("")
    response = refusal(client_of(simulator).get_partner, Catalog="AWS", Identifier=partner.id)
    assert response["Error"]["Code"] == "InternalServerException"


@pytest.mark.parametrize(
    "error",
    [
        ServiceError("ConflictException", "no", Reason="WEDNESDAY"),
        ServiceError("ServiceQuotaExceededException", "no", Reason="NONE"),
    ],
    ids=lambda error: error.code,
)
def test_error_invalid_by_the_service_model_is_not_sent(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """By its Reason, or by its code: the operation knows no quota."""

    def refuse(_call: object) -> dict[str, Any]:
        raise error

    monkeypatch.setitem(OPERATIONS, "CreatePartner", refuse)
    response = refusal(client_of(simulator).create_partner, **partner_request())
    assert response["Error"]["Code"] == "InternalServerException"


# --- The record of requests


def test_record_contains_the_request_without_code_and_names(simulator: Simulator) -> None:
    """Keys, tags, token and address stay."""
    client = client_of(simulator)
    code = new_code(simulator, client)
    client.create_partner(**partner_request(Catalog="AWS", EmailVerificationCode=code, Tags=TAGS, ClientToken="once"))
    sent = simulator.requests[-1]
    assert (sent.operation, sent.account, sent.status, sent.error_code) == ("CreatePartner", ACCOUNT, 200, None)
    assert sent.input == {
        "Catalog": "AWS",
        "ClientToken": "once",
        "LegalName": "***",
        "PrimarySolutionType": "SOFTWARE_PRODUCTS",
        "AllianceLeadContact": {"FirstName": "***", "LastName": "***", "Email": EMAIL, "BusinessTitle": "***"},
        "EmailVerificationCode": "***",
        "Tags": TAGS,
    }


def test_record_and_log_have_error_code_and_reason_even_if_no_operation_was_reached(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each request."""
    caplog.set_level(logging.INFO, "partner_central_simulator")
    refusal(client_of(simulator).get_partner, Catalog="AWS", Identifier="partner-0123456789012")
    post(simulator, b"{}", "Nonsense", Authorization=None)
    lines = [
        f"#1 {ACCOUNT} GetPartner 400 ResourceNotFoundException PARTNER_NOT_FOUND",
        "#2 - Nonsense 403 MissingAuthenticationTokenException",
    ]
    assert [str(sent) for sent in simulator.requests] == lines
    assert caplog.messages == lines


def test_record_is_bounded_in_number_and_in_bytes() -> None:
    """Requests without a body count too; the oldest are forgotten, and the latest is kept in any case."""
    clock = ManualClock()
    api = ApiEndpoint(Service(clock=clock, readings=Readings()), Faults(clock), clock)
    for _ in range(10_002):
        api.record("ListPartners")
    assert [entry.number for entry in api.requests_since()] == list(range(3, 10_003))
    api.record("ListPartners", REMEMBERED_BYTES + 1)
    assert [entry.number for entry in api.requests_since()] == [10_003]
    for _ in range(2):
        api.record("ListPartners", REMEMBERED_BYTES // 2)
    assert [entry.number for entry in api.requests_since()] == [10_004, 10_005]


# --- The simulator's own endpoints


def test_outbox_endpoint_shows_each_email_with_its_code(simulator: Simulator, clock: ManualClock) -> None:
    """To other processes as well."""
    code = new_code(simulator, client_of(simulator))
    mail = {"catalog": "AWS", "email": EMAIL, "code": code, "account": ACCOUNT, "spent": False}
    assert _get(simulator, "outbox") == {"outbox": [{**mail, "sent_at": clock().isoformat()}]}


def test_requests_after_a_mark_or_a_number_are_returned_in_process_and_over_http(simulator: Simulator) -> None:
    """Those of the endpoints themselves are not among them, known or not."""
    client = client_of(simulator)
    client.list_partners(Catalog="AWS")
    mark = simulator.mark()
    client.list_partners(Catalog="Sandbox")
    assert [sent.input for sent in simulator.requests_since(mark)] == [{"Catalog": "Sandbox"}]
    assert [sent["number"] for sent in _get(simulator, "requests")["requests"]] == [1, 2]
    assert [sent["input"] for sent in _get(simulator, "requests?since=1")["requests"]] == [{"Catalog": "Sandbox"}]
    assert urllib3.request("GET", f"{simulator.url}/_simulator/nothing").status == 404
    assert _get(simulator, "requests?since=2") == {"requests": []}


@pytest.mark.versions
def test_simulator_endpoints_accept_local_callers_only() -> None:
    """They show codes; whatever address the simulator listens on."""
    client = Client(Simulator())
    for address, status in {"192.0.2.1": 403, "127.0.0.1": 200}.items():
        assert client.get("/_simulator/outbox", environ_base={"REMOTE_ADDR": address}).status_code == status


def _get(simulator: Simulator, path: str) -> Any:
    return urllib3.request("GET", f"{simulator.url}/_simulator/{path}").json()


# --- Starting and stopping


@pytest.mark.versions
def test_taken_port_is_an_os_error_for_the_caller() -> None:
    """And not the end of the process."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Simulator(port=taken.getsockname()[1]).start()


@pytest.mark.versions
def test_stopped_simulator_refuses_connections_and_has_address_and_partners_when_started_again() -> None:
    """Stopping twice is no mistake."""
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
