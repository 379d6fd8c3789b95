"""The simulator's rules of profile tasks and profile visibility, in each reading."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from partner_central_simulator import ProfileIdAppears, ProfileIdComesWith, Readings, Simulator
from tests.simulator.calls import ACCOUNT, NOON, ManualClock, client_of, field_problems, partner_request, refusal

DETAILS: dict[str, Any] = {
    "DisplayName": "Example",
    "Description": "We give examples.",
    "WebsiteUrl": "https://example.com",
    "LogoUrl": "https://example.com/logo.png",
    "PrimarySolutionType": "CONSULTING_SERVICES",
    "IndustrySegments": ["EDUCATION"],
    "TranslationSourceLocale": "en-US",
}
GERMAN = {
    "DisplayName": "Beispiel",
    "Description": "Wir geben Beispiele.",
    "WebsiteUrl": "https://example.com/de",
    "LogoUrl": DETAILS["LogoUrl"],
}
IN_GERMAN = [{"Locale": "de-DE", **GERMAN}]
COPIED_LOGO = "https://logos.aws.example/adc2cf2dbcde0df0"
NEWBORN = {"PrimarySolutionType": "SOFTWARE_PRODUCTS"}
NO_PROFILE, NO_TASK = "PARTNER_PROFILE_NOT_FOUND", "PARTNER_PROFILE_TASK_NOT_FOUND"
WRONG_STATE = "INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE"


class OwnProfile:
    """A Sandbox partner's profile, and the calls about it; `refused` gives the Reason of one that must fail."""

    def __init__(self, simulator: Simulator) -> None:
        """Create the partner."""
        self.simulator = simulator
        self._client = client_of(simulator)
        made = self._client.create_partner(**partner_request())
        self._which = {"Catalog": "Sandbox", "Identifier": made["Id"]}

    def plan(self, **plan: Any) -> None:
        """Decide how the next tasks end."""
        self.simulator.account(ACCOUNT).plan_profile_tasks(**plan)

    def start(self, **changes: Any) -> Any:
        """StartProfileUpdateTask, with changes of the details, or with a client token."""
        token = {name: changes.pop(name) for name in ("ClientToken",) if name in changes}
        return self._client.start_profile_update_task(**self._which, **token, TaskDetails=DETAILS | changes)

    def task(self) -> Any:
        """GetProfileUpdateTask."""
        return self._client.get_profile_update_task(**self._which)

    def cancel(self, task: str, **token: str) -> Any:
        """CancelProfileUpdateTask."""
        return self._client.cancel_profile_update_task(**self._which, TaskId=task, **token)

    def shown(self) -> Any:
        """The profile in GetPartner."""
        return self._client.get_partner(**self._which)["Profile"]

    def visibility(self) -> Any:
        """GetProfileVisibility."""
        return self._client.get_profile_visibility(**self._which)

    def put(self, visibility: str = "PUBLIC") -> Any:
        """PutProfileVisibility."""
        return self._client.put_profile_visibility(**self._which, Visibility=visibility)

    def approve(self, **changes: Any) -> None:
        """A task that succeeds at once."""
        self.plan(reads=0)
        assert self.start(**changes)["Status"] == "SUCCEEDED"


def refused(call: Callable[..., Any], *arguments: Any) -> str:
    """The Reason of a call that must fail."""
    return str(refusal(lambda: call(*arguments))["Reason"])


@pytest.fixture
def profile(unverified: Simulator) -> OwnProfile:
    """Of a newborn partner, in the simulator's default readings."""
    return OwnProfile(unverified)


@contextmanager
def profile_in(**readings: Any) -> Iterator[OwnProfile]:
    """The same in other readings."""
    with Simulator(readings=Readings(**readings)) as simulator:
        yield OwnProfile(simulator)


# --- Tasks


def test_profile_task_succeeds_by_the_next_read_and_replaces_the_whole_profile(profile: OwnProfile) -> None:
    """It begins in progress, and shows the profile as it was."""
    started = profile.start()
    assert (started["Status"], started["TaskDetails"]) == ("IN_PROGRESS", DETAILS)
    assert profile.shown() == NEWBORN
    ended = profile.task()
    assert (ended["TaskId"], ended["Status"], ended["EndedAt"]) == (started["TaskId"], "SUCCEEDED", NOON)
    assert profile.shown() == {**DETAILS, "LogoUrl": COPIED_LOGO, "ProfileId": profile.visibility()["ProfileId"]}


@pytest.mark.versions
def test_task_without_them_keeps_headquarters_and_removes_localized_contents(profile: OwnProfile) -> None:
    """Which makes it no unchanged one; another task can still change the headquarters."""
    france, spain = {"CountryCode": "FR", "SubdivisionCode": "75"}, {"CountryCode": "ES", "SubdivisionCode": "M"}
    profile.approve(Headquarters=france, LocalizedContents=IN_GERMAN)
    profile.approve()
    assert profile.shown()["Headquarters"] == france
    assert "LocalizedContents" not in profile.shown()
    profile.approve(Headquarters=spain)
    assert profile.shown()["Headquarters"] == spain


@pytest.mark.parametrize(
    ("reads", "seen"),
    [
        (0, ["SUCCEEDED", "SUCCEEDED"]),
        (2, ["IN_PROGRESS", "IN_PROGRESS", "SUCCEEDED"]),
        (None, ["IN_PROGRESS"] * 5),
    ],
)
def test_profile_task_ends_at_once_or_after_some_reads_or_never_as_planned(
    profile: OwnProfile, reads: int | None, seen: list[str]
) -> None:
    """Never: like a review that doesn't take place."""
    profile.plan(reads=reads)
    assert [profile.start()["Status"], *(profile.task()["Status"] for _ in seen[1:])] == seen


@pytest.mark.versions
@pytest.mark.parametrize("reason", ["INVALID_LOGO", "INVALID_LOGO_SIZE", "DUPLICATE_PROFILE"])
def test_profile_task_that_fails_as_planned_leaves_the_profile_as_it_was(profile: OwnProfile, reason: str) -> None:
    """With its error details, such as that of a logo that can't be used."""
    errors = [{"Locale": "en-US", "Message": "see the guidelines", "Reason": reason}]
    profile.plan(reads=1, errors=errors)
    assert "ErrorDetailList" not in profile.start()
    ended = profile.task()
    assert (ended["Status"], ended["ErrorDetailList"]) == ("FAILED", errors)
    assert profile.shown() == NEWBORN


@pytest.mark.parametrize(
    ("kind", "status", "reasons"),
    [("review-fails", "FAILED", ["INVALID_LOGO"]), ("review-takes-days", "IN_PROGRESS", [])],
)
def test_review_of_one_task_ends_as_the_fault_says(
    profile: OwnProfile, kind: str, status: str, reasons: list[str]
) -> None:
    """Whoever can't plan the tasks of the account, such as another process, orders it so; the next task succeeds."""
    profile.simulator.faults.add("StartProfileUpdateTask", kind)
    task = profile.start()["TaskId"]
    for _ in range(3):
        ended = profile.task()
    assert (ended["Status"], [error["Reason"] for error in ended.get("ErrorDetailList", [])]) == (status, reasons)
    if status == "IN_PROGRESS":
        profile.cancel(task)
    profile.start()
    assert profile.task()["Status"] == "SUCCEEDED"


def test_second_profile_task_is_rejected_until_the_first_ends_or_is_canceled(profile: OwnProfile) -> None:
    """A cancellation leaves the profile as it was, and ends a task once."""
    task = profile.start()["TaskId"]
    assert refused(profile.start) == WRONG_STATE
    assert profile.cancel(task)["Status"] == "CANCELED"
    assert refused(profile.cancel, task) == WRONG_STATE
    assert profile.shown() == NEWBORN
    assert profile.start()["TaskId"] != task


def test_repeated_start_and_cancellation_of_a_profile_task_are_idempotent(profile: OwnProfile) -> None:
    """Each operation has its own tokens."""
    tasks = [profile.start(ClientToken="once")["TaskId"] for _ in range(2)]
    assert tasks[0] == tasks[1]
    assert [profile.cancel(tasks[0], ClientToken="once")["Status"] for _ in range(2)] == ["CANCELED"] * 2


def test_sandbox_refresh_frees_the_token_of_a_profile_task(simulator: Simulator) -> None:
    """As that of the partner is."""
    former = OwnProfile(simulator).start(ClientToken="once")
    simulator.account(ACCOUNT).delete_partner(simulator.account(ACCOUNT).partners[0].id)
    assert OwnProfile(simulator).start(ClientToken="once")["TaskId"] != former["TaskId"]


def test_profile_task_that_does_not_exist_is_neither_shown_nor_canceled(profile: OwnProfile) -> None:
    """No task at all, or another's id."""
    assert refused(profile.task) == NO_TASK
    profile.start()
    assert refused(profile.cancel, "pprofiletask-0123456789abc") == NO_TASK


def test_ten_profile_updates_are_allowed_within_24_hours(profile: OwnProfile, clock: ManualClock) -> None:
    """The eleventh waits a day."""
    for number in range(10):
        profile.approve(DisplayName=f"Example {number}")
    assert refused(profile.start) == "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_UPDATE_PER_DAY"
    clock.advance(days=1)
    profile.approve()


@pytest.mark.versions
def test_task_details_are_checked_against_the_model_down_to_their_lists(profile: OwnProfile) -> None:
    """Formats, sizes, required members."""
    wrong = {"LogoUrl": "http://example.com", "IndustrySegments": [], "Headquarters": {}}
    assert field_problems(refusal(profile.start, **wrong)) == [
        ("TaskDetails.LogoUrl", "INVALID_STRING_FORMAT"),
        ("TaskDetails.IndustrySegments", "INVALID_VALUE"),
        ("TaskDetails.Headquarters.CountryCode", "REQUIRED_FIELD_MISSING"),
        ("TaskDetails.Headquarters.SubdivisionCode", "REQUIRED_FIELD_MISSING"),
    ]


@pytest.mark.parametrize("starts", [False, True])
def test_task_without_changes_starts_as_the_reading_says(*, starts: bool) -> None:
    """Also where it leaves the headquarters out, which are kept."""
    with profile_in(unchanged_profile_starts_task=starts) as profile:
        profile.approve(Headquarters={"CountryCode": "FR", "SubdivisionCode": "75"})
        if starts:
            profile.approve()
        else:
            assert refused(profile.start) == "INCOMPATIBLE_PROFILE_STATE"
        profile.approve(DisplayName="Another")


@pytest.mark.parametrize("is_shown", [True, False])
def test_canceled_task_is_shown_as_the_reading_says(*, is_shown: bool) -> None:
    """With its details; or the task before it, or none."""
    with profile_in(canceled_task_is_shown=is_shown) as profile:
        profile.cancel(profile.start()["TaskId"])
        if not is_shown:
            assert refused(profile.task) == NO_TASK
        profile.approve(DisplayName="First")
        profile.plan(reads=None)
        profile.cancel(profile.start(DisplayName="Second")["TaskId"])
        last = profile.task()
        expected = ("CANCELED", "Second") if is_shown else ("SUCCEEDED", "First")
        assert (last["Status"], last["TaskDetails"]["DisplayName"]) == expected


@pytest.mark.parametrize("is_copied", [True, False])
def test_logo_of_an_approved_profile_is_at_an_aws_url_as_the_reading_says(*, is_copied: bool) -> None:
    """In each language; the task keeps the given one, by which the service knows a task with nothing new."""
    with profile_in(approved_logo_is_copied=is_copied) as profile:
        profile.approve(LocalizedContents=IN_GERMAN)
        shown = profile.shown()
        logos = {shown["LogoUrl"], shown["LocalizedContents"][0]["LogoUrl"]}
        assert logos == {COPIED_LOGO if is_copied else DETAILS["LogoUrl"]}
        assert profile.task()["TaskDetails"]["LogoUrl"] == DETAILS["LogoUrl"]
        assert refused(lambda: profile.start(LocalizedContents=IN_GERMAN)) == ("INCOMPATIBLE_PROFILE_STATE")


# --- The profile's id, and visibility


@pytest.mark.parametrize(
    ("comes_with", "newborn", "started", "approved"),
    [
        (ProfileIdComesWith.TASK, False, True, True),
        (ProfileIdComesWith.PROFILE, False, False, True),
        (ProfileIdComesWith.PUBLICATION, False, False, False),
    ],
)
def test_profile_has_its_id_when_the_reading_says(
    comes_with: ProfileIdComesWith, *, newborn: bool, started: bool, approved: bool
) -> None:
    """In GetPartner as in GetProfileVisibility; once it was public, it keeps it."""
    with profile_in(profile_id=ProfileIdAppears.WITH_PROFILE, profile_id_comes_with=comes_with) as profile:

        def has_id() -> bool:
            if "ProfileId" in profile.shown():
                return bool(profile.visibility()["ProfileId"] == profile.shown()["ProfileId"])
            assert refused(profile.visibility) == NO_PROFILE
            return False

        seen = [has_id()]
        profile.start()
        seen.append(has_id())
        profile.task()
        seen.append(has_id())
        assert seen == [newborn, started, approved]
        assert profile.put("PUBLIC")["ProfileId"] == profile.shown()["ProfileId"]
        profile.put("PRIVATE")
        assert has_id()


@pytest.mark.parametrize("allowed", [False, True])
def test_visibility_is_set_before_there_is_a_profile_as_the_reading_says(*, allowed: bool) -> None:
    """It can be read in either case."""
    with profile_in(visibility_before_profile=allowed) as profile:
        if allowed:
            assert profile.put()["Visibility"] == "PUBLIC"
        else:
            assert refused(profile.put) == NO_PROFILE
        assert profile.visibility()["Visibility"] == ("PUBLIC" if allowed else "PRIVATE")


def test_five_visibility_updates_are_allowed_within_24_hours(profile: OwnProfile, clock: ManualClock) -> None:
    """Reading is free, and a refused one changes nothing."""
    profile.approve()
    for _ in range(5):
        profile.put("PUBLIC")
    assert refused(profile.put, "PRIVATE") == "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_VISIBILITY_UPDATE_PER_DAY"
    assert profile.visibility()["Visibility"] == "PUBLIC"
    clock.advance(days=1)
    profile.put("PRIVATE")
