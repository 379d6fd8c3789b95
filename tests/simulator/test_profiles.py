"""The simulator's rules of verifications, profile tasks and profile visibility."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import urllib3

from partner_central_simulator import Readings, Simulator
from tests.simulator.test_simulator import (
    ACCOUNT,
    NOON,
    ManualClock,
    client_of,
    field_problems,
    new_code,
    partner_request,
    refusal,
)

BUSINESS = {"LegalName": "Example Corp", "RegistrationId": "HRB 1", "CountryCode": "DE"}
PROFILE = {
    "DisplayName": "Example",
    "Description": "We give examples.",
    "WebsiteUrl": "https://example.com",
    "LogoUrl": "https://example.com/logo.png",
    "PrimarySolutionType": "CONSULTING_SERVICES",
    "IndustrySegments": ["EDUCATION"],
    "TranslationSourceLocale": "en-US",
}


@pytest.fixture
def clock() -> ManualClock:
    """Noon on a day in May."""
    return ManualClock()


@pytest.fixture
def simulator(clock: ManualClock) -> Iterator[Simulator]:
    """A simulator whose accounts are new to Partner Central."""
    with Simulator(clock=clock) as running:
        yield running


class TestVerification:
    """StartVerification, GetVerification, and the human at the completion URL."""

    def start(self, client: Any, kind: str = "Business", **changes: Any) -> dict[str, Any]:
        """Start one verification and return its response details."""
        details = {f"{kind}VerificationDetails": {**BUSINESS, **changes} if kind == "Business" else {}}
        answer = client.start_verification(VerificationDetails=details)
        expected = "IN_PROGRESS" if kind == "Business" else "PENDING_CUSTOMER_ACTION"
        assert answer["VerificationStatus"] == expected
        return dict(answer["VerificationResponseDetails"][f"{kind}VerificationResponse"])

    def status(self, client: Any, kind: str = "REGISTRANT") -> str:
        """What GetVerification says."""
        return str(client.get_verification(VerificationType=f"{kind}_VERIFICATION")["VerificationStatus"])

    def test_story(self, simulator: Simulator, clock: ManualClock) -> None:
        """When AWS has verified the business and a human the registrant, a partner can be created."""
        client = client_of(simulator)
        self.start(client)
        pending = self.start(client, "Registrant")
        assert pending["CompletionUrlExpiresAt"] == NOON + timedelta(days=1)
        assert urllib3.request("GET", pending["CompletionUrl"]).json()["status"] == "SUCCEEDED"
        clock.advance(hours=1)
        assert self.status(client, "BUSINESS") == "IN_PROGRESS"
        verified = client.get_verification(VerificationType="BUSINESS_VERIFICATION")
        assert verified["VerificationStatus"] == "SUCCEEDED"
        assert verified["CompletedAt"] == NOON + timedelta(hours=1)
        details = verified["VerificationResponseDetails"]["BusinessVerificationResponse"]
        assert details == {"BusinessVerificationDetails": BUSINESS}
        request = partner_request(Catalog="AWS", EmailVerificationCode=new_code(simulator, client))
        assert client.create_partner(**request)["Id"]

    def test_business_is_verified_without_a_human(self, simulator: Simulator, clock: ManualClock) -> None:
        """Its verification is IN_PROGRESS without any address, does not expire, and cannot be started again."""
        client = client_of(simulator)
        assert self.start(client) == {"BusinessVerificationDetails": BUSINESS}
        clock.advance(days=2)
        request = {"VerificationDetails": {"BusinessVerificationDetails": BUSINESS}}
        assert refusal(client.start_verification, **request)["Reason"] == "VERIFICATION_ALREADY_IN_PROGRESS"
        assert [self.status(client, "BUSINESS") for _ in range(3)] == ["IN_PROGRESS", "SUCCEEDED", "SUCCEEDED"]

    @pytest.mark.parametrize("outcome", ["FAILED", "REJECTED"])
    def test_business_that_is_refused_keeps_its_details_and_may_start_again(
        self, simulator: Simulator, outcome: str
    ) -> None:
        """AWS decides it, as the desk of the account can."""
        client = client_of(simulator)
        self.start(client)
        simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", outcome)
        seen = client.get_verification(VerificationType="BUSINESS_VERIFICATION")
        details = seen["VerificationResponseDetails"]["BusinessVerificationResponse"]
        assert (seen["VerificationStatus"], details) == (outcome, {"BusinessVerificationDetails": BUSINESS})
        self.start(client)

    def test_business_verification_that_the_desk_keeps_in_progress_stays_so(self, simulator: Simulator) -> None:
        """However often it is looked at."""
        simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "IN_PROGRESS")
        client = client_of(simulator)
        assert {self.status(client, "BUSINESS") for _ in range(5)} == {"IN_PROGRESS"}

    def test_business_may_wait_for_a_human_in_another_reading(self, clock: ManualClock) -> None:
        """It has an address then, as the registrant's has, until that is followed."""
        readings = Readings(business_verification_has_completion_url=True)
        with Simulator(clock=clock, readings=readings) as simulator:
            client = client_of(simulator)
            details = {"BusinessVerificationDetails": BUSINESS}
            pending = client.start_verification(VerificationDetails=details)
            assert pending["VerificationStatus"] == "PENDING_CUSTOMER_ACTION"
            response = pending["VerificationResponseDetails"]["BusinessVerificationResponse"]
            assert response["CompletionUrlExpiresAt"] == NOON + timedelta(days=1)
            assert self.status(client, "BUSINESS") == "PENDING_CUSTOMER_ACTION"
            urllib3.request("GET", response["CompletionUrl"])
            verified = client.get_verification(VerificationType="BUSINESS_VERIFICATION")
            assert verified["VerificationStatus"] == "SUCCEEDED"
            assert verified["VerificationResponseDetails"] == {"BusinessVerificationResponse": details}

    def test_never_started(self, simulator: Simulator) -> None:
        """A verification that was never started is not found."""
        response = refusal(client_of(simulator).get_verification, VerificationType="BUSINESS_VERIFICATION")
        assert response["Reason"] == "VERIFICATION_NOT_FOUND"

    def test_verified_simulator(self) -> None:
        """A simulator that starts accounts verified shows both verifications as succeeded."""
        with Simulator(verified=True) as simulator:
            client = client_of(simulator)
            assert [self.status(client, kind) for kind in ("BUSINESS", "REGISTRANT")] == ["SUCCEEDED"] * 2

    @pytest.mark.parametrize("outcome", ["FAILED", "REJECTED"])
    def test_refused(self, simulator: Simulator, outcome: str) -> None:
        """A verification can be refused, and started anew then."""
        client = client_of(simulator)
        url = self.start(client, "Registrant")["CompletionUrl"]
        urllib3.request("POST", f"{url}?outcome={outcome}")
        assert self.status(client) == outcome
        self.start(client, "Registrant")
        assert self.status(client) == "PENDING_CUSTOMER_ACTION"

    def test_conflicts(self, simulator: Simulator) -> None:
        """A pending verification and a successful one cannot be started again."""
        client = client_of(simulator)
        url = self.start(client, "Registrant")["CompletionUrl"]
        request: dict[str, Any] = {"VerificationDetails": {"RegistrantVerificationDetails": {}}}
        assert refusal(client.start_verification, **request)["Reason"] == "VERIFICATION_ALREADY_IN_PROGRESS"
        urllib3.request("GET", url)
        assert refusal(client.start_verification, **request)["Reason"] == "ACCOUNT_ALREADY_VERIFIED"

    def test_expired(self, simulator: Simulator, clock: ManualClock) -> None:
        """After a day the completion URL is worthless, and the verification can be started anew."""
        client = client_of(simulator)
        old = self.start(client, "Registrant")["CompletionUrl"]
        clock.advance(days=1)
        assert urllib3.request("GET", old).status == 410
        new = self.start(client, "Registrant")["CompletionUrl"]
        assert urllib3.request("GET", old).status == 410
        assert urllib3.request("GET", new).status == 200
        assert urllib3.request("GET", new).status == 410

    def test_unknown_outcome(self, simulator: Simulator) -> None:
        """An outcome that does not exist changes nothing."""
        client = client_of(simulator)
        url = self.start(client, "Registrant")["CompletionUrl"]
        assert urllib3.request("GET", f"{url}?outcome=MAYBE").status == 400
        assert self.status(client) == "PENDING_CUSTOMER_ACTION"

    def test_token(self, simulator: Simulator) -> None:
        """The same token and body answer the pending verification again."""
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
    def test_union(self, simulator: Simulator, details: Any, problem: tuple[str, str]) -> None:
        """Exactly one kind of details must be given."""
        request = {} if details is None else {"VerificationDetails": details}
        assert field_problems(refusal(client_of(simulator).start_verification, **request)) == [problem]

    @pytest.mark.parametrize("strict", [True, False])
    def test_other_name(self, *, strict: bool) -> None:
        """A partner in catalog AWS must bear the name that was verified, unless that is read otherwise."""
        with Simulator(readings=Readings(legal_name_is_the_verified_one=strict)) as simulator:
            client = client_of(simulator)
            self.start(client)
            urllib3.request("GET", self.start(client, "Registrant")["CompletionUrl"])
            assert [self.status(client, "BUSINESS") for _ in range(2)] == ["IN_PROGRESS", "SUCCEEDED"]
            code = new_code(simulator, client)
            request = partner_request(Catalog="AWS", EmailVerificationCode=code, LegalName="Other Corp")
            if strict:
                details = refusal(client.create_partner, **request)["ErrorDetails"]
                assert [detail["BusinessValidationError"]["Code"] for detail in details] == ["INCOMPATIBLE_LEGAL_NAME"]
            else:
                assert client.create_partner(**request)["LegalName"] == "Other Corp"


@pytest.fixture
def which(simulator: Simulator) -> dict[str, str]:
    """The members that name a Sandbox partner."""
    made = client_of(simulator).create_partner(**partner_request())
    return {"Catalog": "Sandbox", "Identifier": made["Id"]}


class TestProfileTasks:
    """StartProfileUpdateTask, GetProfileUpdateTask and CancelProfileUpdateTask."""

    def test_story(self, simulator: Simulator, which: dict[str, str]) -> None:
        """A task begins in progress, succeeds by the next look, and replaces the whole profile."""
        client = client_of(simulator)
        started = client.start_profile_update_task(**which, TaskDetails=PROFILE)
        assert (started["Status"], started["TaskDetails"]) == ("IN_PROGRESS", PROFILE)
        assert client.get_partner(**which)["Profile"] == {"PrimarySolutionType": "SOFTWARE_PRODUCTS"}
        ended = client.get_profile_update_task(**which)
        assert (ended["TaskId"], ended["Status"], ended["EndedAt"]) == (started["TaskId"], "SUCCEEDED", NOON)
        profile_id = client.get_profile_visibility(**which)["ProfileId"]
        assert client.get_partner(**which)["Profile"] == {**PROFILE, "ProfileId": profile_id}

    def test_headquarters_outlive_a_task_that_omits_them(self, simulator: Simulator, which: dict[str, str]) -> None:
        """All else is replaced; another task can still change them."""
        simulator.account(ACCOUNT).plan_profile_tasks(reads=0)
        client = client_of(simulator)
        france = {"CountryCode": "FR", "SubdivisionCode": "75"}
        spain = {"CountryCode": "ES", "SubdivisionCode": "M"}
        texts = {name: PROFILE[name] for name in ("DisplayName", "Description", "WebsiteUrl", "LogoUrl")}
        translated = [{**texts, "Locale": "fr-FR"}]
        for details, expected in (
            ({**PROFILE, "Headquarters": france, "LocalizedContents": translated}, france),
            (PROFILE, france),
            ({**PROFILE, "Headquarters": spain}, spain),
        ):
            client.start_profile_update_task(**which, TaskDetails=details)
            profile = client.get_partner(**which)["Profile"]
            assert profile["Headquarters"] == expected
        assert "LocalizedContents" not in profile

    @pytest.mark.parametrize(
        ("reads", "seen"),
        [
            (0, ["SUCCEEDED", "SUCCEEDED"]),
            (2, ["IN_PROGRESS", "IN_PROGRESS", "SUCCEEDED"]),
            (None, ["IN_PROGRESS"] * 5),
        ],
    )
    def test_duration(self, simulator: Simulator, which: dict[str, str], reads: int | None, seen: list[str]) -> None:
        """A task ends at once, after some looks, or never, as planned."""
        simulator.account(ACCOUNT).plan_profile_tasks(reads=reads)
        client = client_of(simulator)
        statuses = [client.start_profile_update_task(**which, TaskDetails=PROFILE)["Status"]]
        statuses += [client.get_profile_update_task(**which)["Status"] for _ in seen[1:]]
        assert statuses == seen

    def test_failure(self, simulator: Simulator, which: dict[str, str]) -> None:
        """A task can fail with details, and leaves the profile as it was."""
        errors = [{"Locale": "en-US", "Message": "too small", "Reason": "INVALID_LOGO_SIZE"}]
        simulator.account(ACCOUNT).plan_profile_tasks(reads=0, errors=errors)
        client = client_of(simulator)
        answer = client.start_profile_update_task(**which, TaskDetails=PROFILE)
        assert (answer["Status"], answer["ErrorDetailList"]) == ("FAILED", errors)
        assert client.get_partner(**which)["Profile"] == {"PrimarySolutionType": "SOFTWARE_PRODUCTS"}

    def test_one_at_a_time(self, simulator: Simulator, which: dict[str, str]) -> None:
        """A second task waits for the first, which a cancellation ends without a trace."""
        client = client_of(simulator)
        task = client.start_profile_update_task(**which, TaskDetails=PROFILE)["TaskId"]
        response = refusal(client.start_profile_update_task, **which, TaskDetails=PROFILE)
        assert response["Reason"] == "INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE"
        assert client.cancel_profile_update_task(**which, TaskId=task)["Status"] == "CANCELED"
        response = refusal(client.cancel_profile_update_task, **which, TaskId=task)
        assert response["Reason"] == "INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE"
        assert client.get_profile_update_task(**which)["Status"] == "CANCELED"
        assert client.get_partner(**which)["Profile"] == {"PrimarySolutionType": "SOFTWARE_PRODUCTS"}
        assert client.start_profile_update_task(**which, TaskDetails=PROFILE)["TaskId"] != task

    def test_token(self, simulator: Simulator, which: dict[str, str]) -> None:
        """A repeated start and a repeated cancellation answer the same task; each operation has its own tokens."""
        client = client_of(simulator)
        request = {**which, "ClientToken": "once", "TaskDetails": PROFILE}
        tasks = [client.start_profile_update_task(**request)["TaskId"] for _ in range(2)]
        assert tasks[0] == tasks[1]
        cancel = {**which, "ClientToken": "once", "TaskId": tasks[0]}
        assert [client.cancel_profile_update_task(**cancel)["Status"] for _ in range(2)] == ["CANCELED"] * 2

    def test_not_found(self, simulator: Simulator, which: dict[str, str]) -> None:
        """Without a task, or with another's id, there is nothing to show or cancel."""
        client = client_of(simulator)
        nothing = "PARTNER_PROFILE_TASK_NOT_FOUND"
        assert refusal(client.get_profile_update_task, **which)["Reason"] == nothing
        client.start_profile_update_task(**which, TaskDetails=PROFILE)
        other = {**which, "TaskId": "pprofiletask-0123456789abc"}
        assert refusal(client.cancel_profile_update_task, **other)["Reason"] == nothing

    def test_ten_a_day(self, simulator: Simulator, which: dict[str, str], clock: ManualClock) -> None:
        """Ten profile updates are allowed in 24 hours."""
        simulator.account(ACCOUNT).plan_profile_tasks(reads=0)
        client = client_of(simulator)
        for _ in range(10):
            client.start_profile_update_task(**which, TaskDetails=PROFILE)
        response = refusal(client.start_profile_update_task, **which, TaskDetails=PROFILE)
        assert response["Reason"] == "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_UPDATE_PER_DAY"
        clock.advance(days=1)
        client.start_profile_update_task(**which, TaskDetails=PROFILE)

    def test_limits(self, simulator: Simulator, which: dict[str, str]) -> None:
        """The details are checked against the model, down to their lists."""
        wrong = {**PROFILE, "LogoUrl": "http://example.com", "IndustrySegments": [], "Headquarters": {}}
        response = refusal(client_of(simulator).start_profile_update_task, **which, TaskDetails=wrong)
        assert field_problems(response) == [
            ("TaskDetails.LogoUrl", "INVALID_STRING_FORMAT"),
            ("TaskDetails.IndustrySegments", "INVALID_VALUE"),
            ("TaskDetails.Headquarters.CountryCode", "REQUIRED_FIELD_MISSING"),
            ("TaskDetails.Headquarters.SubdivisionCode", "REQUIRED_FIELD_MISSING"),
        ]


class TestVisibility:
    """GetProfileVisibility and PutProfileVisibility."""

    def test_change(self, simulator: Simulator, which: dict[str, str]) -> None:
        """A profile is private until it is made public; its id stays."""
        client = client_of(simulator)
        before = client.get_profile_visibility(**which)
        changed = client.put_profile_visibility(**which, Visibility="PUBLIC")
        after = client.get_profile_visibility(**which)
        assert [answer["Visibility"] for answer in (before, changed, after)] == ["PRIVATE", "PUBLIC", "PUBLIC"]
        assert before["ProfileId"] == after["ProfileId"]

    def test_five_a_day(self, simulator: Simulator, which: dict[str, str], clock: ManualClock) -> None:
        """Five visibility updates are allowed in 24 hours; reading is free."""
        client = client_of(simulator)
        for _ in range(5):
            client.put_profile_visibility(**which, Visibility="PUBLIC")
        response = refusal(client.put_profile_visibility, **which, Visibility="PRIVATE")
        assert response["Reason"] == "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_VISIBILITY_UPDATE_PER_DAY"
        assert client.get_profile_visibility(**which)["Visibility"] == "PUBLIC"
        clock.advance(days=1)
        client.put_profile_visibility(**which, Visibility="PRIVATE")
