"""The simulator's rules of verifications, profile tasks and profile visibility."""

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
def simulator(unverified: Simulator) -> Simulator:
    """A simulator whose accounts are new to Partner Central."""
    return unverified


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

    def test_partner_can_be_created_when_business_and_registrant_are_verified(
        self, simulator: Simulator, clock: ManualClock
    ) -> None:
        """AWS verifies the one, a human the other at its completion URL."""
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

    def test_business_verification_succeeds_without_a_human_and_does_not_expire(
        self, simulator: Simulator, clock: ManualClock
    ) -> None:
        """It is IN_PROGRESS without any address, and cannot be started again."""
        client = client_of(simulator)
        assert self.start(client) == {"BusinessVerificationDetails": BUSINESS}
        clock.advance(days=2)
        request = {"VerificationDetails": {"BusinessVerificationDetails": BUSINESS}}
        assert refusal(client.start_verification, **request)["Reason"] == "VERIFICATION_ALREADY_IN_PROGRESS"
        assert [self.status(client, "BUSINESS") for _ in range(3)] == ["IN_PROGRESS", "SUCCEEDED", "SUCCEEDED"]

    @pytest.mark.parametrize("outcome", ["FAILED", "REJECTED"])
    def test_business_verification_that_is_refused_keeps_its_details_and_may_start_again(
        self, simulator: Simulator, outcome: str
    ) -> None:
        """AWS decides it, outside the API."""
        client = client_of(simulator)
        self.start(client)
        simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", outcome)
        seen = client.get_verification(VerificationType="BUSINESS_VERIFICATION")
        details = seen["VerificationResponseDetails"]["BusinessVerificationResponse"]
        assert (seen["VerificationStatus"], details) == (outcome, {"BusinessVerificationDetails": BUSINESS})
        self.start(client)

    def test_business_verification_that_aws_keeps_in_progress_stays_so(self, simulator: Simulator) -> None:
        """However often it is looked at."""
        simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "IN_PROGRESS")
        client = client_of(simulator)
        assert {self.status(client, "BUSINESS") for _ in range(5)} == {"IN_PROGRESS"}

    def test_business_verification_waits_for_a_human_in_another_reading(self, clock: ManualClock) -> None:
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

    def test_verification_that_was_never_started_is_not_found(self, simulator: Simulator) -> None:
        """By its own Reason."""
        response = refusal(client_of(simulator).get_verification, VerificationType="BUSINESS_VERIFICATION")
        assert response["Reason"] == "VERIFICATION_NOT_FOUND"

    def test_pending_or_successful_verification_cannot_be_started_again(self, simulator: Simulator) -> None:
        """Each with its Reason."""
        client = client_of(simulator)
        url = self.start(client, "Registrant")["CompletionUrl"]
        request: dict[str, Any] = {"VerificationDetails": {"RegistrantVerificationDetails": {}}}
        assert refusal(client.start_verification, **request)["Reason"] == "VERIFICATION_ALREADY_IN_PROGRESS"
        urllib3.request("GET", url)
        assert refusal(client.start_verification, **request)["Reason"] == "ACCOUNT_ALREADY_VERIFIED"

    def test_completion_url_is_worthless_after_a_day_and_after_its_use(
        self, simulator: Simulator, clock: ManualClock
    ) -> None:
        """The verification can be started anew, which has another address."""
        client = client_of(simulator)
        old = self.start(client, "Registrant")["CompletionUrl"]
        clock.advance(days=1)
        assert urllib3.request("GET", old).status == 410
        new = self.start(client, "Registrant")["CompletionUrl"]
        assert urllib3.request("GET", old).status == 410
        assert urllib3.request("GET", new).status == 200
        assert urllib3.request("GET", new).status == 410

    @pytest.mark.parametrize(
        ("outcome", "answered", "status"),
        [("FAILED", 200, "FAILED"), ("REJECTED", 200, "REJECTED"), ("MAYBE", 400, "PENDING_CUSTOMER_ACTION")],
    )
    def test_human_at_the_completion_url_may_choose_another_outcome(
        self, simulator: Simulator, outcome: str, answered: int, status: str
    ) -> None:
        """After a refusal it can be started anew; an outcome that does not exist changes nothing."""
        client = client_of(simulator)
        url = self.start(client, "Registrant")["CompletionUrl"]
        assert urllib3.request("POST", f"{url}?outcome={outcome}").status == answered
        assert self.status(client) == status
        if answered == 200:
            self.start(client, "Registrant")
            assert self.status(client) == "PENDING_CUSTOMER_ACTION"

    def test_repeated_start_of_a_verification_is_answered_alike(self, simulator: Simulator) -> None:
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
        self, simulator: Simulator, details: Any, problem: tuple[str, str]
    ) -> None:
        """None and both are refused."""
        request = {} if details is None else {"VerificationDetails": details}
        assert field_problems(refusal(client_of(simulator).start_verification, **request)) == [problem]

    @pytest.mark.parametrize("strict", [True, False])
    def test_legal_name_must_be_the_verified_one_as_the_reading_says(self, *, strict: bool) -> None:
        """In catalog AWS."""
        with Simulator(readings=Readings(legal_name_is_the_verified_one=strict)) as simulator:
            client = client_of(simulator)
            self.start(client)
            urllib3.request("GET", self.start(client, "Registrant")["CompletionUrl"])
            assert [self.status(client, "BUSINESS") for _ in range(2)] == ["IN_PROGRESS", "SUCCEEDED"]
            code = new_code(simulator, client)
            request = partner_request(Catalog="AWS", EmailVerificationCode=code, LegalName="Other Corp")
            if strict:
                assert business_codes(refusal(client.create_partner, **request)) == ["INCOMPATIBLE_LEGAL_NAME"]
            else:
                assert client.create_partner(**request)["LegalName"] == "Other Corp"


@pytest.fixture
def which(simulator: Simulator) -> dict[str, str]:
    """The members that name a Sandbox partner."""
    made = client_of(simulator).create_partner(**partner_request())
    return {"Catalog": "Sandbox", "Identifier": made["Id"]}


class TestProfileTasks:
    """StartProfileUpdateTask, GetProfileUpdateTask and CancelProfileUpdateTask."""

    def test_profile_task_succeeds_by_the_next_look_and_replaces_the_whole_profile(
        self, simulator: Simulator, which: dict[str, str]
    ) -> None:
        """It begins in progress, and shows the profile as it was."""
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
    def test_profile_task_ends_at_once_or_after_some_looks_or_never_as_planned(
        self, simulator: Simulator, which: dict[str, str], reads: int | None, seen: list[str]
    ) -> None:
        """Never: as a review that nobody does."""
        simulator.account(ACCOUNT).plan_profile_tasks(reads=reads)
        client = client_of(simulator)
        statuses = [client.start_profile_update_task(**which, TaskDetails=PROFILE)["Status"]]
        statuses += [client.get_profile_update_task(**which)["Status"] for _ in seen[1:]]
        assert statuses == seen

    def test_profile_task_that_fails_as_planned_leaves_the_profile_as_it_was(
        self, simulator: Simulator, which: dict[str, str]
    ) -> None:
        """With its error details."""
        errors = [{"Locale": "en-US", "Message": "too small", "Reason": "INVALID_LOGO_SIZE"}]
        simulator.account(ACCOUNT).plan_profile_tasks(reads=0, errors=errors)
        client = client_of(simulator)
        answer = client.start_profile_update_task(**which, TaskDetails=PROFILE)
        assert (answer["Status"], answer["ErrorDetailList"]) == ("FAILED", errors)
        assert client.get_partner(**which)["Profile"] == {"PrimarySolutionType": "SOFTWARE_PRODUCTS"}

    def test_second_profile_task_waits_for_the_first_which_may_be_canceled(
        self, simulator: Simulator, which: dict[str, str]
    ) -> None:
        """A cancellation ends it without a trace."""
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

    def test_repeated_start_and_cancellation_of_a_profile_task_are_answered_alike(
        self, simulator: Simulator, which: dict[str, str]
    ) -> None:
        """Each operation has its own tokens."""
        client = client_of(simulator)
        request = {**which, "ClientToken": "once", "TaskDetails": PROFILE}
        tasks = [client.start_profile_update_task(**request)["TaskId"] for _ in range(2)]
        assert tasks[0] == tasks[1]
        cancel = {**which, "ClientToken": "once", "TaskId": tasks[0]}
        assert [client.cancel_profile_update_task(**cancel)["Status"] for _ in range(2)] == ["CANCELED"] * 2

    def test_profile_task_that_does_not_exist_is_neither_shown_nor_canceled(
        self, simulator: Simulator, which: dict[str, str]
    ) -> None:
        """No task at all, or another's id."""
        client = client_of(simulator)
        nothing = "PARTNER_PROFILE_TASK_NOT_FOUND"
        assert refusal(client.get_profile_update_task, **which)["Reason"] == nothing
        client.start_profile_update_task(**which, TaskDetails=PROFILE)
        other = {**which, "TaskId": "pprofiletask-0123456789abc"}
        assert refusal(client.cancel_profile_update_task, **other)["Reason"] == nothing

    def test_ten_profile_updates_are_allowed_within_24_hours(
        self, simulator: Simulator, which: dict[str, str], clock: ManualClock
    ) -> None:
        """The eleventh waits a day."""
        simulator.account(ACCOUNT).plan_profile_tasks(reads=0)
        client = client_of(simulator)
        for _ in range(10):
            client.start_profile_update_task(**which, TaskDetails=PROFILE)
        response = refusal(client.start_profile_update_task, **which, TaskDetails=PROFILE)
        assert response["Reason"] == "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_UPDATE_PER_DAY"
        clock.advance(days=1)
        client.start_profile_update_task(**which, TaskDetails=PROFILE)

    def test_task_details_are_checked_against_the_model_down_to_their_lists(
        self, simulator: Simulator, which: dict[str, str]
    ) -> None:
        """Formats, sizes, required members."""
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

    def test_profile_is_private_until_it_is_made_public_and_keeps_its_id(
        self, simulator: Simulator, which: dict[str, str]
    ) -> None:
        """Reading tells which."""
        client = client_of(simulator)
        before = client.get_profile_visibility(**which)
        changed = client.put_profile_visibility(**which, Visibility="PUBLIC")
        after = client.get_profile_visibility(**which)
        assert [answer["Visibility"] for answer in (before, changed, after)] == ["PRIVATE", "PUBLIC", "PUBLIC"]
        assert before["ProfileId"] == after["ProfileId"]

    def test_five_visibility_updates_are_allowed_within_24_hours(
        self, simulator: Simulator, which: dict[str, str], clock: ManualClock
    ) -> None:
        """Reading is free."""
        client = client_of(simulator)
        for _ in range(5):
            client.put_profile_visibility(**which, Visibility="PUBLIC")
        response = refusal(client.put_profile_visibility, **which, Visibility="PRIVATE")
        assert response["Reason"] == "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_VISIBILITY_UPDATE_PER_DAY"
        assert client.get_profile_visibility(**which)["Visibility"] == "PUBLIC"
        clock.advance(days=1)
        client.put_profile_visibility(**which, Visibility="PRIVATE")
