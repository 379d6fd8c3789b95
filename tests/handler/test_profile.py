"""The profile, told as stories by the strict CloudFormation, and in each reading of what AWS documents nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from partner_account_handler.errors import REASON_LIMIT, HandlerError, RequestError
from partner_central_simulator import Readings
from tests.handler.cloud import Cloud, VirtualTime, open_cloud, profile, properties
from tests.handler.cloudformation import CustomResourceStack, DeployedFunction
from tests.handler.stepping import MODEL

pytestmark = pytest.mark.slow

START, CANCEL, PUT = "StartProfileUpdateTask", "CancelProfileUpdateTask", "PutProfileVisibility"
ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"
GERMAN = {
    "Locale": "de-DE",
    "DisplayName": "Beispiel",
    "Description": "Wir geben Beispiele.",
    "WebsiteUrl": "https://example.com/de",
    "LogoUrl": "https://example.com/de.png",
}
CANARY = {"Locale": "de-DE", "Message": "canary", "Reason": "INVALID_LOGO_SIZE"}
TASK_DETAILS: Any = MODEL.shape_for("TaskDetails")
ERROR_REASONS = MODEL.shape_for("ProfileValidationErrorReason").metadata["enum"]


@dataclass
class ProfileStack:
    """A stack with the profile of a partner that has none yet."""

    world: DeployedFunction
    stack: CustomResourceStack
    arn: str

    @property
    def partner(self) -> Any:
        """The partner as it is now."""
        return next(partner for partner in self.world.cloud.partners if partner.arn == self.arn)

    @property
    def task_status(self) -> str:
        """The attribute."""
        return self.stack.attributes["TaskStatus"]

    def plan(self, **plan: Any) -> None:
        """How the next tasks end."""
        self.world.cloud.account.plan_profile_tasks(**plan)

    def create(self, *, reads: int | None = 1, **changes: Any) -> list[str]:
        """The first deployment, and what it wrote."""
        self.plan(reads=reads)
        return self._written(lambda: self.stack.create(profile(self.arn, **changes)))

    def update(self, *, options: Any = None, reads: int | None = 1, **changes: Any) -> list[str]:
        """Another deployment, and what it and its rollback wrote."""
        self.plan(reads=reads)
        return self._written(lambda: self.stack.update(profile(self.arn, **changes), **(options or {})))

    def _written(self, deploy: Callable[[], None]) -> list[str]:
        mark = self.world.cloud.mark
        deploy()
        return self.world.cloud.writes(mark)

    def human_starts(self, *, reads: int | None = None, **changes: Any) -> str:
        """A human starts a task in the console; its id."""
        self.plan(reads=reads)
        return self.human("start_profile_update_task", TaskDetails=details(**changes))["TaskId"]  # type: ignore[no-any-return]

    def human(self, operation: str, **members: Any) -> Any:
        """Another call of a human."""
        client = self.world.cloud.client("partnercentral-account")
        return getattr(client, operation)(Catalog="AWS", Identifier=self.arn, **members)

    def use_up(self, operation: str) -> None:
        """Humans have taken what is left of the day's quota."""
        while len(self.partner.profile_updates) < 10 and operation == START:
            self.human_starts(reads=0, DisplayName=f"Number {len(self.partner.profile_updates)}")
        while len(self.partner.visibility_updates) < 5 and operation == PUT:
            self.human("put_profile_visibility", Visibility=self.partner.visibility)

    def log(self, outcome: str) -> dict[str, Any]:
        """The final line of the latest request, which has that outcome."""
        (runtime,) = self.world.runtimes
        line: dict[str, Any] = json.loads(runtime.output.splitlines()[-1])
        assert line["outcome"] == outcome
        return line

    def lines(self, text: str) -> list[dict[str, Any]]:
        """The lines of the log that have a text."""
        (runtime,) = self.world.runtimes
        return [json.loads(line) for line in runtime.output.splitlines() if text in line]


def details(**changes: Any) -> dict[str, Any]:
    """What a task has, for a partner of the usual solution type."""
    ours = profile("", PrimarySolutionType="SOFTWARE_PRODUCTS", **changes)
    return {name: ours[name] for name in TASK_DETAILS.members if name in ours}


def add(world: DeployedFunction, **options: Any) -> ProfileStack:
    """A partner, and a stack that is to have its profile."""
    partner = world.cloud.add_partner()
    return ProfileStack(world, world.stack(kind="PartnerProfile", **options), partner.arn)


@pytest.fixture
def own(world: DeployedFunction) -> ProfileStack:
    """In the simulator's default readings."""
    return add(world)


# In each reading


def otherwise() -> dict[str, Any]:
    """Each switch flipped, and the last other value of each enum; random lives combine them all."""
    defaults = {field.name: field.default for field in fields(Readings)}
    return {
        name: not value if isinstance(value, bool) else [other for other in type(value) if other != value][-1]
        for name, value in defaults.items()
        if isinstance(value, bool | StrEnum)
    }


class TestEachReading:
    """Whatever AWS does where its documentation is silent."""

    @pytest.fixture(params=[{}, otherwise()], ids=["by default", "otherwise"])
    def cloud(self, request: pytest.FixtureRequest, moto_url: str) -> Iterator[Cloud]:
        """The account in that reading."""
        with open_cloud(moto_url, readings=Readings(**request.param)) as cloud:
            yield cloud

    def test_profile_is_created_left_unchanged_updated_and_rolled_back(self, own: ProfileStack) -> None:
        """One task for each change, none for the rest, and the profile is the template's in the end."""
        assert own.create() == [START]
        assert (own.stack.status, own.task_status) == ("CREATE_COMPLETE", "SUCCEEDED")
        assert own.stack.physical_id == f"profile-of-{own.partner.id}"
        assert set(own.stack.attributes) == {"ProfileId", "TaskStatus"}
        assert own.partner.profile == details()
        assert own.update(ServiceTimeout="299") == []
        assert own.update(IndustrySegments=["SOFTWARE_INTERNET", "EDUCATION"]) == []
        assert own.update(LocalizedContents=[GERMAN]) == [START]
        assert own.partner.profile == details(LocalizedContents=[GERMAN])
        assert own.update() == [START]
        assert own.partner.profile == details()
        assert own.update(DisplayName="Another", options={"another_fails": True}) == [START, START]
        assert (own.stack.status, own.task_status) == (ROLLED_BACK, "SUCCEEDED")
        assert own.partner.profile == details()
        assert own.update(DisplayName="Third") == [START]
        assert own.stack.status == "UPDATE_COMPLETE"
        assert own.update(DisplayName="Third", ServiceTimeout="298") == []

    def test_task_of_the_stack_that_runs_on_is_followed_then_canceled_then_rolled_back(self, own: ProfileStack) -> None:
        """Also when the profile is that of the template already."""
        assert own.create(reads=None) == [START]
        assert (own.stack.status, own.task_status) == ("CREATE_COMPLETE", "IN_PROGRESS")
        assert own.update(reads=None, ServiceTimeout="299") == []
        assert own.task_status == "IN_PROGRESS"
        assert own.update(DisplayName="Another") == [CANCEL, START]
        assert own.task_status == "SUCCEEDED"
        assert own.partner.profile == details(DisplayName="Another")
        assert own.update(reads=None, DisplayName="Third", options={"another_fails": True}) == [START, CANCEL]
        assert own.stack.status == ROLLED_BACK
        assert own.task_status == "SUCCEEDED"
        assert own.partner.profile == details(DisplayName="Another")
        assert own.update(DisplayName="Fourth") == [START]
        assert own.partner.profile == details(DisplayName="Fourth")

    def test_each_delivery_of_one_request_ends_with_the_same_single_task(self, own: ProfileStack) -> None:
        """Whether the task still runs, or has ended."""
        own.create(reads=None)
        own.plan(reads=1)
        own.stack.update(profile(own.arn, DisplayName="Another"), another_fails=False)
        own.world.cloud.set_status("UPDATE_IN_PROGRESS")
        mark, event = own.world.cloud.mark, own.stack.requests[-1]
        answers = [own.stack.deliver(event) for _ in range(2)]
        assert own.world.cloud.writes(mark) == []
        assert [answer and answer["Data"] for answer in answers] == [own.stack.attributes] * 2
        assert [task.status for task in own.partner.tasks] == ["CANCELED", "SUCCEEDED"]

    def test_initial_visibility_is_set_as_soon_as_the_service_allows_it(self, own: ProfileStack) -> None:
        """With the review still going on no deployment fails; once the profile is approved, it is public."""
        own.create(reads=None, Visibility="PUBLIC")
        assert (own.stack.status, own.task_status) == ("CREATE_COMPLETE", "IN_PROGRESS")
        told = own.lines("visibility")
        assert (own.partner.visibility == "PUBLIC") != any(line["level"] == "ERROR" for line in told)
        assert own.update(DisplayName="Another", Visibility="PUBLIC")[:2] == [CANCEL, START]
        assert (own.stack.status, own.partner.visibility) == ("UPDATE_COMPLETE", "PUBLIC")
        assert own.update(DisplayName="Another", Visibility="PUBLIC", ServiceTimeout="299") == []

    def test_public_profile_becomes_private_again_by_the_template_or_a_rollback(self, own: ProfileStack) -> None:
        """After the profile's own change, and without one."""
        assert own.create(Visibility="PRIVATE") == [START]
        assert own.stack.status == "CREATE_COMPLETE"
        assert own.update(DisplayName="Another", Visibility="PUBLIC") == [START, PUT]
        assert own.update(DisplayName="Another", Visibility="PRIVATE") == [PUT]
        assert own.update(DisplayName="Another", Visibility="PUBLIC", options={"another_fails": True}) == [PUT, PUT]
        assert (own.stack.status, own.partner.visibility) == (ROLLED_BACK, "PRIVATE")

    def test_task_canceled_by_a_person_is_restarted_by_the_next_deployment(self, own: ProfileStack) -> None:
        """Whether the service still shows it or not."""
        own.create()
        own.update(reads=None, DisplayName="Another")
        own.human("cancel_profile_update_task", TaskId=own.partner.tasks[-1].id)
        assert own.update(DisplayName="Another", ServiceTimeout="299") == [START]
        assert own.partner.profile == details(DisplayName="Another")

    def test_profile_that_is_approved_is_found_again_after_a_later_task_was_canceled(self, own: ProfileStack) -> None:
        """No task tells then whether the logo, which AWS may show at an address of its own, is the template's."""
        own.create()
        own.update(reads=None, DisplayName="Another", options={"another_fails": True})
        assert (own.stack.status, own.partner.tasks[-1].status) == (ROLLED_BACK, "CANCELED")
        assert own.update(ServiceTimeout="299") == []
        own.stack.delete()
        own.stack.create_again(profile(own.arn))
        assert (own.stack.status, own.task_status) == ("CREATE_COMPLETE", "SUCCEEDED")
        assert own.partner.profile == details()

    def test_changed_logo_is_a_change_whatever_the_previous_tasks_outcome(self, own: ProfileStack) -> None:
        """Also where the service shows another address than the template's."""
        own.create()
        logo = "https://example.com/new.png"
        own.update(reads=None, LogoUrl=logo)
        own.human("cancel_profile_update_task", TaskId=own.partner.tasks[-1].id)
        assert own.update(LogoUrl=logo, ServiceTimeout="299") == [START]
        assert own.partner.profile == details(LogoUrl=logo)
        own.update(reads=None, LogoUrl=logo, DisplayName="Another")
        assert own.update(LogoUrl="https://example.com/third.png") == [CANCEL, START]
        assert own.partner.profile == details(LogoUrl="https://example.com/third.png")


# What a task comes to


def test_failed_task_is_reported_with_reasons_locales_and_remedy_and_rollback_keeps_the_profile(
    own: ProfileStack,
) -> None:
    """The service's own message is not repeated."""
    own.create()
    own.plan(reads=1, errors=[CANARY, {**CANARY, "Locale": "en-US", "Reason": "INVALID_WEBSITE_URL"}])
    reasons = []
    own.stack.meanwhile = lambda: reasons.append(own.stack.reason)
    own.stack.update(profile(own.arn, DisplayName="Another"))
    assert own.stack.status == ROLLED_BACK
    assert [
        word for word in ("INVALID_LOGO_SIZE", "de-DE", "INVALID_WEBSITE_URL", "en-US") if word not in reasons[0]
    ] == []
    assert own.lines("canary") == []
    assert own.partner.profile == details()
    assert [task.status for task in own.partner.tasks] == ["SUCCEEDED", "FAILED"]


@pytest.mark.parametrize("reason", ERROR_REASONS)
def test_each_reason_of_a_failed_task_has_its_own_remedy(cloud: Cloud, partner: Any, reason: str) -> None:
    """However many locales fail."""
    errors = [{**CANARY, "Locale": f"{letter}e-DE", "Reason": reason} for letter in "abcdefghijklmnopqrstuvwxyz"]
    cloud.account.plan_profile_tasks(reads=0, errors=errors)
    with pytest.raises(HandlerError) as caught:
        cloud.create(profile(partner.arn))
    text = str(caught.value)
    assert len(text) <= REASON_LIMIT
    assert f"{reason}" in text
    assert text.endswith("eploy again.")


def test_task_canceled_by_a_person_meanwhile_fails_the_deployment(cloud: Cloud, partner: Any) -> None:
    """It will never be as the template says."""
    cloud.account.plan_profile_tasks(reads=None)
    client = cloud.client("partnercentral-account")

    def cancel() -> None:
        (task,) = cloud.account.partner(partner.id).tasks
        if task.status == "IN_PROGRESS":
            client.cancel_profile_update_task(Catalog="AWS", Identifier=partner.id, TaskId=task.id)

    with pytest.raises(HandlerError, match=r"cancel.*eploy again\."):
        cloud.create(profile(partner.arn), VirtualTime(meanwhile=cancel))


def test_review_is_waited_for_a_minute_and_no_longer(cloud: Cloud, partner: Any) -> None:
    """A human at AWS may take days."""
    time = VirtualTime()
    cloud.account.plan_profile_tasks(reads=None)
    answer = cloud.create(profile(partner.arn), time)
    assert answer.data["TaskStatus"] == "IN_PROGRESS"
    assert 50 <= sum(time.pauses) <= 70


def test_review_that_cannot_be_followed_is_reported_as_in_progress(cloud: Cloud, partner: Any) -> None:
    """The task was started: a failure would say otherwise, and the rollback cancel it."""
    cloud.account.plan_profile_tasks(reads=None)
    cloud.happens_before(
        "start_profile_update_task", lambda: cloud.fail("GetProfileUpdateTask", "internal-error", times=None)
    )
    answer = cloud.create(profile(partner.arn))
    assert answer.data["TaskStatus"] == "IN_PROGRESS"


# Tasks of others


def test_task_started_by_another_owner_after_the_read_is_not_canceled(cloud: Cloud, partner: Any) -> None:
    """The service refuses a second one; what is not ours is named then."""
    cloud.account.plan_profile_tasks(reads=None)
    start = cloud.client("partnercentral-account").start_profile_update_task
    theirs = {"Catalog": "AWS", "Identifier": partner.id, "TaskDetails": details(DisplayName="X")}
    cloud.happens_before("start_profile_update_task", lambda: start(**theirs))
    with pytest.raises(HandlerError, match="CancelProfileUpdateTask"):
        cloud.create(profile(partner.arn))
    assert [task.status for task in cloud.account.partner(partner.id).tasks] == ["IN_PROGRESS"]


# Faults


@pytest.mark.parametrize(
    ("operation", "kind", "how"),
    [
        (START, "cut", {"after_commit": True}),
        (START, "unavailable", {"after_commit": True}),
        (START, "throttle", {"times": 3}),
        ("*", "garbled", {"times": 2}),
        ("GetProfileUpdateTask", "internal-error", {}),
        (CANCEL, "cut", {"after_commit": True}),
        (CANCEL, "throttle", {"times": 2}),
        (PUT, "cut", {"after_commit": True}),
    ],
    ids=str,
)
def test_transient_fault_fails_no_deployment_and_starts_no_second_task(
    own: ProfileStack, operation: str, kind: str, how: dict[str, Any]
) -> None:
    """The request is sent again with its own token."""
    own.create()
    own.update(reads=None, DisplayName="Another")
    own.world.cloud.fail(operation, kind, **how)
    own.update(DisplayName="Third", Visibility="PUBLIC")
    assert own.stack.status == "UPDATE_COMPLETE"
    assert own.partner.profile == details(DisplayName="Third")
    assert [task.status for task in own.partner.tasks] == ["SUCCEEDED", "CANCELED", "SUCCEEDED"]
    assert len(own.partner.profile_updates) == 3
    assert (own.partner.visibility, len(own.partner.visibility_updates) <= 2) == ("PUBLIC", True)


@pytest.mark.parametrize("reads", [3, 0], ids=["in progress", "succeeded"])
def test_started_task_with_a_lost_answer_and_token_is_recognized_as_the_stacks_own(
    cloud: Cloud, partner: Any, reads: int
) -> None:
    """How long a token is remembered is documented nowhere: then the repeated call meets its own task."""
    forgotten = ["another"]
    cloud.account.plan_profile_tasks(reads=reads)

    def between(operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
        if operation == "start_profile_update_task" and forgotten:
            call(**{**members, "ClientToken": forgotten.pop()})
            raise ReadTimeoutError(endpoint_url="")
        return call(**members)

    cloud.between = between
    answer = cloud.create(profile(partner.arn))
    assert answer.data["TaskStatus"] == "SUCCEEDED"
    assert len(cloud.account.partner(partner.id).tasks) == 1


def test_each_request_has_one_client_token(own: ProfileStack) -> None:
    """The token is the request's own."""
    own.create()
    own.world.cloud.fail(START, "cut", times=2)
    own.update(DisplayName="Another")
    tokens = [one.input["ClientToken"] for one in own.world.cloud.simulator.requests if one.operation == START]
    assert len(tokens) == 4
    assert len(set(tokens)) == len(set(tokens[1:])) + 1 == 2


@pytest.mark.parametrize("operation", [START, PUT])
def test_exhausted_quota_fails_a_deployment_and_no_rollback(own: ProfileStack, operation: str) -> None:
    """What the rollback can't do is told by a line that an alarm finds."""
    own.create(Visibility="PRIVATE")
    own.stack.meanwhile = lambda: own.use_up(operation) if own.stack.history[-1] == "UPDATE_IN_PROGRESS" else None
    wanted: dict[str, Any] = {"Visibility": "PRIVATE"}
    wanted |= {"DisplayName": "Another"} if operation == START else {"Visibility": "PUBLIC"}
    own.update(**wanted, options={"another_fails": True})
    assert own.stack.status == ROLLED_BACK
    line = own.log("RollbackTolerated")
    assert line["level"] == "ERROR"
    assert "LIMIT_EXCEEDED" in line["reason"]
    own.update(**wanted, ServiceTimeout="299")
    assert own.stack.status == (ROLLED_BACK if operation == START else "UPDATE_COMPLETE")


def test_service_that_is_down_fails_a_deployment_and_no_rollback(own: ProfileStack) -> None:
    """The stack shows what it showed, and the next deployment brings what it says."""
    own.create()
    shown = own.stack.attributes
    own.world.cloud.fail("*", "internal-error", times=None)
    own.update(DisplayName="Another")
    assert (own.stack.status, own.stack.attributes) == (ROLLED_BACK, shown)
    own.world.cloud.simulator.faults.clear()
    assert own.update(DisplayName="Another", ServiceTimeout="299") == [START]


def test_partner_that_does_not_exist_fails_a_deployment_with_a_remedy_and_no_rollback(own: ProfileStack) -> None:
    """And nothing is written anywhere."""
    own.create()
    own.world.cloud.account.delete_partner(own.partner.id)
    assert own.update(DisplayName="Another") == []
    assert own.stack.status == ROLLED_BACK
    assert "PARTNER_NOT_FOUND" in own.log("RollbackTolerated")["reason"]


# Rollback


def test_former_profile_is_in_the_log_before_another_is_started(own: ProfileStack) -> None:
    """After the approval GetPartner shows it no more; a profile is public."""
    own.create()
    own.update(Description="Another description.")
    assert own.lines("We give examples.")
    names = [line["message"] for line in own.lines("We give examples.")]
    assert all("profile" in name for name in names)


def test_rollback_ends_as_in_progress_while_the_former_profile_is_reviewed_again(own: ProfileStack) -> None:
    """Nobody waits for a human at AWS, least of all a rollback."""
    own.create()
    own.stack.meanwhile = lambda: own.plan(reads=None)
    assert own.update(DisplayName="Another", options={"another_fails": True}) == [START, START]
    assert (own.stack.status, own.partner.tasks[-1].status) == (ROLLED_BACK, "IN_PROGRESS")
    assert own.partner.tasks[-1].details == details()
    own.stack.meanwhile = lambda: None
    assert own.update(DisplayName="Third") == [CANCEL, START]


@pytest.mark.parametrize("shape", [{"SchemaVersion": "0"}, {"SchemaVersion": "2", "OutputPrefix": "Profile"}], ids=str)
def test_rollback_to_properties_of_another_version_keeps_the_shown_values(
    own: ProfileStack, shape: dict[str, str]
) -> None:
    """Code and resource may be rolled back together; the id may be imported."""
    own.create()
    shown = own.stack.attributes
    own.stack.was_deployed_as(shape)
    own.update(DisplayName="Another", options={"another_fails": True})
    assert (own.stack.status, own.stack.attributes) == (ROLLED_BACK, shown)


@pytest.mark.parametrize("old_is_attempted", [True, False])
@pytest.mark.parametrize("status", ["", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS"])
def test_update_that_failed_without_rollback_is_retried(
    world: DeployedFunction, status: str, *, old_is_attempted: bool
) -> None:
    """Whatever CloudFormation does with the failed resource meanwhile, and takes for its old properties."""
    own = add(world, old_is_attempted=old_is_attempted)
    own.create()
    own.plan(reads=1, errors=[CANARY])
    own.stack.update(profile(own.arn, DisplayName="Another"), taken_back_in=status)
    assert (own.stack.status, own.partner.profile) == ("UPDATE_FAILED", details())
    assert own.update(DisplayName="Another") == [START]
    assert (own.stack.status, own.partner.profile) == ("UPDATE_COMPLETE", details(DisplayName="Another"))


# Another partner


def test_changed_partner_is_a_replacement_and_the_former_profile_is_retained(own: ProfileStack) -> None:
    """Delete of the former id changes nothing."""
    own.create(Visibility="PUBLIC")
    other = own.world.cloud.add_partner("Other Corp", catalog="Sandbox")
    own.plan(reads=1)
    own.stack.update(profile(other.arn))
    assert (own.stack.status, own.stack.physical_id) == ("UPDATE_COMPLETE", f"profile-of-{other.id}")
    assert own.stack.requests[-1]["RequestType"] == "Delete"
    assert (own.partner.profile, own.partner.visibility) == (details(), "PUBLIC")
    made = own.world.cloud.account.partner(other.id)
    assert (made.profile, made.visibility) == (details(), "PRIVATE")


# What the template doesn't say


def test_omitted_properties_are_left_unchanged(own: ProfileStack) -> None:
    """Solution type, headquarters and visibility: also if a human has changed them meanwhile."""
    berlin = {"CountryCode": "DE", "SubdivisionCode": "BE"}
    human = {"PrimarySolutionType": "TRAINING_SERVICES", "Headquarters": berlin}
    own.create(Visibility="PUBLIC")
    own.plan(reads=0)
    own.human("start_profile_update_task", TaskDetails=details() | human)
    assert own.update(ServiceTimeout="299") == []
    assert own.update(DisplayName="Another") == [START]
    assert own.partner.profile == details(DisplayName="Another") | human
    assert own.partner.visibility == "PUBLIC"


def test_given_solution_type_and_headquarters_are_written(own: ProfileStack) -> None:
    """The profile's rule after creation."""
    own.create()
    given: dict[str, Any] = {
        "PrimarySolutionType": "TRAINING_SERVICES",
        "Headquarters": {"CountryCode": "DE", "SubdivisionCode": "BY"},
    }
    assert own.update(**given) == [START]
    assert own.partner.profile == details() | given


def test_profile_that_already_matches_at_create_is_left_unchanged(own: ProfileStack) -> None:
    """As after a stack was deleted and deployed again, or made in the console."""
    own.human_starts(reads=0)
    assert own.create() == []
    assert (own.stack.status, own.task_status) == ("CREATE_COMPLETE", "SUCCEEDED")


def test_unchanged_profile_takes_three_reads_and_one_describe_stacks_call(cloud: Cloud, partner: Any) -> None:
    """Each deployment of the stack pays for it."""
    made = cloud.create(profile(partner.arn))
    cloud.set_outputs(ProfileProfileId=made.data["ProfileId"], ProfileTaskStatus="SUCCEEDED")
    cloud.set_status("UPDATE_IN_PROGRESS")
    cloud.asked.clear()
    cloud.update(made.physical_id, profile(partner.arn), profile(partner.arn, ServiceTimeout="299"))
    reads = ["get_partner", "get_profile_update_task", "get_profile_visibility"]
    assert sorted(cloud.asked) == ["describe_stacks", *reads]


def test_each_change_immediately_follows_a_describe_stacks_call(cloud: Cloud, partner: Any) -> None:
    """A stack that has gone on gets no task, no cancellation and no publication."""
    cloud.account.plan_profile_tasks(reads=None)
    made = cloud.create(profile(partner.arn))
    cloud.account.plan_profile_tasks(reads=0)
    cloud.set_status("UPDATE_IN_PROGRESS")
    cloud.asked.clear()
    wanted = profile(partner.arn, DisplayName="Another", Visibility="PUBLIC")
    cloud.update(made.physical_id, profile(partner.arn), wanted)
    changing = ("cancel_profile_update_task", "start_profile_update_task", "put_profile_visibility")
    asked = [name for name in cloud.asked if name in {"describe_stacks", *changing}]
    assert asked == ["describe_stacks", *(name for write in changing for name in ("describe_stacks", write))]


# Forged and broken events


UNUSABLE: list[dict[str, Any]] = [
    {"PartnerArn": "partner-0000000000001"},
    {"PartnerArn": "arn:aws:s3:::bucket"},
    {"PartnerArn": None},
    {"PartnerArn": {"Ref": "Partner"}},
    {"DisplayName": None},
    {"DisplayName": "x" * 81},
    {"Description": ["x"]},
    {"WebsiteUrl": "http://example.com"},
    {"IndustrySegments": []},
    {"IndustrySegments": "EDUCATION"},
    {"IndustrySegments": ["EDUCATION"] * 4},
    {"IndustrySegments": ["FISHING"]},
    {"IndustrySegments": [{}]},
    {"TranslationSourceLocale": "english"},
    {"LocalizedContents": {}},
    {"LocalizedContents": ["de-DE"]},
    {"LocalizedContents": [{"Locale": "de-DE"}]},
    {"Headquarters": "DE-BY"},
    {"Headquarters": {"CountryCode": "DE"}},
    {"PrimarySolutionType": "FISHING"},
    {"Visibility": "SECRET"},
    {"SchemaVersion": "2"},
]


def test_properties_that_cannot_be_a_profiles_are_refused_before_anything_is_changed(cloud: Cloud) -> None:
    """With InvalidProperties, in which no value stands; in a rollback they stop nothing."""
    arn, type_ = cloud.add_partner().arn, {"ResourceType": "Custom::PartnerProfile"}
    for changes in UNUSABLE:
        wanted = profile(arn, **changes)
        cloud.set_status("CREATE_IN_PROGRESS")
        with pytest.raises(RequestError) as caught:
            cloud.deliver(cloud.event("Create", wanted, **type_))
        assert not [text for text in ("FISHING", "SECRET", "http:") if text in str(caught.value)], changes
        cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        physical_id = f"profile-of-{arn.rpartition('/')[2]}"
        back = cloud.event("Update", wanted, profile(arn), PhysicalResourceId=physical_id, **type_)
        assert cloud.deliver(back).physical_id == physical_id, changes
    assert cloud.writes() == []


@pytest.mark.parametrize("kind", ["Custom::PartnerAccount", "Custom::Other", "AWS::CloudFormation::CustomResource", 7])
def test_profile_of_another_resource_type_is_no_profile(own: ProfileStack, kind: object) -> None:
    """Nor are an account's properties those of a profile; nothing is called for either."""
    mark = own.world.cloud.mark
    for type_, wanted in ((kind, profile(own.arn)), ("Custom::PartnerProfile", properties())):
        answer = own.stack.deliver({**own.stack.request("Create", wanted), "ResourceType": type_})
        assert answer is not None
        assert answer["Status"] == "FAILED"
    assert own.world.cloud.writes(mark) == []


def test_answer_of_a_profile_contains_only_ids_and_codes(own: ProfileStack) -> None:
    """Texts of the profile stand in the line of the former profile only, which is public."""
    own.world.cloud.simulator.faults.add("*", "echo", times=None)
    canary = {"DisplayName": "Canary", "Description": "canary"}
    own.plan(reads=1, errors=[CANARY])
    own.stack.create(profile(own.arn, **canary))
    own.stack.create_again(profile(own.arn, **canary, IndustrySegments=["FISHING"]))
    assert own.lines("anary") == []
    assert [put for put in own.world.bucket.puts if b"anary" in put.body] == []
