"""The simulator's rules of verifications: StartVerification, GetVerification, and the person at the completion URL."""

from datetime import timedelta
from typing import Any

import pytest
import urllib3

from partner_central_simulator import Readings, Simulator
from tests.simulator.calls import (
    ACCOUNT,
    NOON,
    ManualClock,
    business_codes,
    client_of,
    field_problems,
    new_code,
    partner_request,
    refusal,
)

BUSINESS = {"LegalName": "Example Corp", "RegistrationId": "HRB 1", "CountryCode": "DE"}


@pytest.fixture
def simulator(unverified: Simulator) -> Simulator:
    """A simulator whose accounts are new to Partner Central."""
    return unverified


def start(client: Any, kind: str = "Business", **changes: Any) -> dict[str, Any]:
    """Start one verification and return its response details."""
    details = {f"{kind}VerificationDetails": {**BUSINESS, **changes} if kind == "Business" else {}}
    answer = client.start_verification(VerificationDetails=details)
    expected = "IN_PROGRESS" if kind == "Business" else "PENDING_CUSTOMER_ACTION"
    assert answer["VerificationStatus"] == expected
    return dict(answer["VerificationResponseDetails"][f"{kind}VerificationResponse"])


def status_of(client: Any, kind: str = "REGISTRANT") -> str:
    """The answer of GetVerification."""
    return str(client.get_verification(VerificationType=f"{kind}_VERIFICATION")["VerificationStatus"])


def test_partner_can_be_created_when_business_and_registrant_are_verified(
    simulator: Simulator, clock: ManualClock
) -> None:
    """AWS verifies the business, a person the registrant at its completion URL."""
    client = client_of(simulator)
    start(client)
    pending = start(client, "Registrant")
    assert pending["CompletionUrlExpiresAt"] == NOON + timedelta(days=1)
    assert urllib3.request("GET", pending["CompletionUrl"]).json()["status"] == "SUCCEEDED"
    clock.advance(hours=1)
    assert status_of(client, "BUSINESS") == "IN_PROGRESS"
    verified = client.get_verification(VerificationType="BUSINESS_VERIFICATION")
    assert verified["VerificationStatus"] == "SUCCEEDED"
    assert verified["CompletedAt"] == NOON + timedelta(hours=1)
    details = verified["VerificationResponseDetails"]["BusinessVerificationResponse"]
    assert details == {"BusinessVerificationDetails": BUSINESS}
    request = partner_request(Catalog="AWS", EmailVerificationCode=new_code(simulator, client))
    assert client.create_partner(**request)["Id"]


def test_business_verification_succeeds_without_a_person_and_does_not_expire(
    simulator: Simulator, clock: ManualClock
) -> None:
    """It is IN_PROGRESS without any address, and cannot be started again."""
    client = client_of(simulator)
    assert start(client) == {"BusinessVerificationDetails": BUSINESS}
    clock.advance(days=2)
    request = {"VerificationDetails": {"BusinessVerificationDetails": BUSINESS}}
    assert refusal(client.start_verification, **request)["Reason"] == "VERIFICATION_ALREADY_IN_PROGRESS"
    assert [status_of(client, "BUSINESS") for _ in range(3)] == ["IN_PROGRESS", "SUCCEEDED", "SUCCEEDED"]


@pytest.mark.parametrize("outcome", ["FAILED", "REJECTED"])
def test_failed_business_verification_keeps_its_details_and_can_restart(simulator: Simulator, outcome: str) -> None:
    """AWS decides it, outside the API."""
    client = client_of(simulator)
    start(client)
    simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", outcome)
    seen = client.get_verification(VerificationType="BUSINESS_VERIFICATION")
    details = seen["VerificationResponseDetails"]["BusinessVerificationResponse"]
    assert (seen["VerificationStatus"], details) == (outcome, {"BusinessVerificationDetails": BUSINESS})
    start(client)


def test_business_verification_that_aws_keeps_in_progress_stays_so(simulator: Simulator) -> None:
    """However often it is read."""
    client = client_of(simulator)
    start(client)
    simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "IN_PROGRESS")
    assert {status_of(client, "BUSINESS") for _ in range(5)} == {"IN_PROGRESS"}


def test_business_verification_waits_for_a_person_in_another_reading(clock: ManualClock) -> None:
    """It has an address then, as the registrant's has, until that is followed."""
    readings = Readings(business_verification_has_completion_url=True)
    with Simulator(clock=clock, readings=readings) as simulator:
        client = client_of(simulator)
        details = {"BusinessVerificationDetails": BUSINESS}
        pending = client.start_verification(VerificationDetails=details)
        assert pending["VerificationStatus"] == "PENDING_CUSTOMER_ACTION"
        response = pending["VerificationResponseDetails"]["BusinessVerificationResponse"]
        assert response["CompletionUrlExpiresAt"] == NOON + timedelta(days=1)
        assert status_of(client, "BUSINESS") == "PENDING_CUSTOMER_ACTION"
        urllib3.request("GET", response["CompletionUrl"])
        verified = client.get_verification(VerificationType="BUSINESS_VERIFICATION")
        assert verified["VerificationStatus"] == "SUCCEEDED"
        assert verified["VerificationResponseDetails"] == {"BusinessVerificationResponse": details}


def test_pending_or_successful_verification_cannot_be_started_again(simulator: Simulator) -> None:
    """Each with its Reason."""
    client = client_of(simulator)
    url = start(client, "Registrant")["CompletionUrl"]
    request: dict[str, Any] = {"VerificationDetails": {"RegistrantVerificationDetails": {}}}
    assert refusal(client.start_verification, **request)["Reason"] == "VERIFICATION_ALREADY_IN_PROGRESS"
    urllib3.request("GET", url)
    assert refusal(client.start_verification, **request)["Reason"] == "ACCOUNT_ALREADY_VERIFIED"


def test_completion_url_is_invalid_after_a_day_and_after_use(simulator: Simulator, clock: ManualClock) -> None:
    """The verification can be started anew, which has another address."""
    client = client_of(simulator)
    old = start(client, "Registrant")["CompletionUrl"]
    clock.advance(days=1)
    assert urllib3.request("GET", old).status == 410
    new = start(client, "Registrant")["CompletionUrl"]
    assert urllib3.request("GET", old).status == 410
    assert urllib3.request("GET", new).status == 200
    assert urllib3.request("GET", new).status == 410


@pytest.mark.parametrize(
    ("outcome", "answered", "status"),
    [("FAILED", 200, "FAILED"), ("REJECTED", 200, "REJECTED"), ("MAYBE", 400, "PENDING_CUSTOMER_ACTION")],
)
def test_person_at_the_completion_url_can_choose_another_outcome(
    simulator: Simulator, outcome: str, answered: int, status: str
) -> None:
    """After a refusal it can be started anew; an outcome that does not exist changes nothing."""
    client = client_of(simulator)
    url = start(client, "Registrant")["CompletionUrl"]
    assert urllib3.request("POST", f"{url}?outcome={outcome}").status == answered
    assert status_of(client) == status
    if answered == 200:
        start(client, "Registrant")
        assert status_of(client) == "PENDING_CUSTOMER_ACTION"


def test_repeated_start_of_a_verification_is_idempotent(simulator: Simulator) -> None:
    """By its token, with the same address."""
    client = client_of(simulator)
    request = {"ClientToken": "once", "VerificationDetails": {"RegistrantVerificationDetails": {}}}
    answers = [client.start_verification(**request)["VerificationResponseDetails"] for _ in range(2)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        (None, ("VerificationDetails", "REQUIRED_FIELD_MISSING")),
        ({}, ("VerificationDetails", "INVALID_VALUE")),
        (
            {"BusinessVerificationDetails": BUSINESS, "RegistrantVerificationDetails": {}},
            ("VerificationDetails", "INVALID_VALUE"),
        ),
    ],
)
def test_exactly_one_kind_of_verification_details_must_be_given(
    simulator: Simulator, details: Any, problem: tuple[str, str]
) -> None:
    """None and both are refused."""
    request = {} if details is None else {"VerificationDetails": details}
    assert field_problems(refusal(client_of(simulator).start_verification, **request)) == [problem]


@pytest.mark.parametrize("strict", [True, False])
def test_legal_name_must_be_the_verified_one_as_the_reading_says(*, strict: bool) -> None:
    """In catalog AWS."""
    with Simulator(readings=Readings(legal_name_is_the_verified_one=strict)) as simulator:
        client = client_of(simulator)
        start(client)
        urllib3.request("GET", start(client, "Registrant")["CompletionUrl"])
        assert [status_of(client, "BUSINESS") for _ in range(2)] == ["IN_PROGRESS", "SUCCEEDED"]
        code = new_code(simulator, client)
        request = partner_request(Catalog="AWS", EmailVerificationCode=code, LegalName="Other Corp")
        if strict:
            assert business_codes(refusal(client.create_partner, **request)) == ["INCOMPATIBLE_LEGAL_NAME"]
        else:
            assert client.create_partner(**request)["LegalName"] == "Other Corp"
