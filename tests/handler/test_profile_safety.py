"""What must never happen to a profile: published too early, written by an old request, or mistaken for another.

Found by a reviewer who looked for sequences of events and answers that nobody had thought of.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_account_handler.errors import HandlerError, RequestError
from partner_central_simulator import ProfileIdAppears, Readings
from tests.handler.cloud import Cloud, VirtualTime, open_cloud, profile
from tests.handler.cloudformation import DeployedFunction
from tests.handler.test_profile import (
    CANARY,
    GERMAN,
    PUT,
    ROLLED_BACK,
    START,
    ProfileStack,
    add,
    details,
)

pytestmark = pytest.mark.slow

BERLIN = {"CountryCode": "DE", "SubdivisionCode": "BE"}
ANOTHER_FAILS: Any = {"options": {"another_fails": True}}
NEW_LOGO = "https://example.com/new.png"


@pytest.fixture
def own(world: DeployedFunction) -> ProfileStack:
    """A stack that is to have the profile of a partner."""
    return add(world)


def refusal(reason: str) -> ClientError:
    """An error of Partner Central with that reason."""
    error: Any = {"Error": {"Code": "ConflictException"}, "Reason": reason, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(error, "")


def updated(cloud: Cloud, status: str, former: dict[str, Any], wanted: dict[str, Any], **delivery: Any) -> Any:
    """The answer to an Update in that status of the stack."""
    cloud.set_status(status)
    physical_id = f"profile-of-{wanted['PartnerArn'].rpartition('/')[2]}"
    event = cloud.event("Update", wanted, former, PhysicalResourceId=physical_id)
    return cloud.deliver(event, **delivery)


# Visibility


@pytest.mark.parametrize("restored", [{"reads": None}, {"reads": 1, "errors": [CANARY]}], ids=["in review", "refused"])
def test_rollback_does_not_publish_what_the_template_had_hidden(own: ProfileStack, restored: dict[str, Any]) -> None:
    """The former content, which was public, is not back yet."""
    own.create(Visibility="PUBLIC")
    own.stack.meanwhile = lambda: own.plan(**restored)
    assert own.update(DisplayName="Secret", Visibility="PRIVATE", **ANOTHER_FAILS) == [PUT, START, START]
    assert own.stack.status == ROLLED_BACK
    assert (own.partner.profile["DisplayName"], own.partner.visibility) == ("Secret", "PRIVATE")


def test_former_content_is_not_published_while_the_new_one_is_reviewed(own: ProfileStack) -> None:
    """A draft that nobody has seen stays so; what is public already stays public."""
    own.create(DisplayName="Draft")
    assert own.update(reads=None, DisplayName="Final", Visibility="PUBLIC") == [START]
    assert (own.stack.status, own.partner.visibility) == ("UPDATE_COMPLETE", "PRIVATE")
    own.update(DisplayName="Other", Visibility="PUBLIC")
    assert own.partner.visibility == "PUBLIC"
    own.update(reads=None, DisplayName="Third", Visibility="PUBLIC")
    assert own.partner.visibility == "PUBLIC"


def test_profile_is_hidden_before_it_changes(own: ProfileStack) -> None:
    """And if it can't be hidden, it doesn't change."""
    own.create(Visibility="PUBLIC")
    assert own.update(DisplayName="Secret", Visibility="PRIVATE") == [PUT, START]
    own.update(DisplayName="Open", Visibility="PUBLIC")
    own.use_up(PUT)
    assert START not in own.update(DisplayName="Secret", Visibility="PRIVATE")
    assert own.partner.profile["DisplayName"] == "Open"


@pytest.mark.parametrize("times", [3, 6])
def test_visibility_is_read_before_it_is_retried(own: ProfileStack, times: int) -> None:
    """AWS allows five changes a day."""
    own.create()
    own.world.cloud.fail(PUT, "unavailable", times=times, after_commit=True)
    own.update(Visibility="PUBLIC")
    assert (own.stack.status, len(own.partner.visibility_updates)) == ("UPDATE_COMPLETE", 1)


def test_visibility_is_retried_while_the_approved_profile_is_not_found(cloud: Cloud, partner: Any) -> None:
    """AWS is eventually consistent."""
    cloud.answer_instead("put_profile_visibility", *[refusal("PARTNER_PROFILE_NOT_FOUND")] * 2)
    cloud.create(profile(partner.arn, Visibility="PUBLIC"))
    assert cloud.account.partner(partner.id).visibility == "PUBLIC"


def test_answer_of_put_visibility_needs_no_profile_id(own: ProfileStack) -> None:
    """It was set."""
    own.create()
    own.world.cloud.fail(PUT, "no-profile-id", times=None)
    own.update(Visibility="PUBLIC")
    assert own.stack.status == "UPDATE_COMPLETE"


@pytest.mark.parametrize("kind", ["access-denied", "internal-error"])
def test_visibility_omitted_from_the_template_is_not_read(own: ProfileStack, kind: str) -> None:
    """It only returns the profile id, which may be pending."""
    own.world.cloud.fail("GetProfileVisibility", kind, times=None)
    own.create()
    assert own.stack.status == "CREATE_COMPLETE"


def test_rollback_hides_nothing_while_there_is_no_profile(moto_url: str) -> None:
    """Nobody sees it, and the service would refuse; the former content is restored."""
    readings = Readings(profile_id=ProfileIdAppears.WITH_PROFILE, visibility_before_profile=False)
    with open_cloud(moto_url, readings=readings) as cloud:
        partner = cloud.add_partner()
        cloud.account.plan_profile_tasks(reads=None)
        hidden = profile(partner.arn, Visibility="PRIVATE")
        public = profile(partner.arn, Visibility="PUBLIC", DisplayName="Another")
        cloud.create(hidden)
        updated(cloud, "UPDATE_IN_PROGRESS", hidden, public)
        answer = updated(cloud, "UPDATE_ROLLBACK_IN_PROGRESS", public, hidden)
        assert answer.report.outcome.value == "Updated"
        assert cloud.account.partner(partner.id).tasks[-1].details["DisplayName"] == "Example"


def test_rollback_hides_a_profile_that_the_service_shows_late_as_public(cloud: Cloud, partner: Any) -> None:
    """The Update that is taken back has published it."""
    hidden, public = profile(partner.arn, Visibility="PRIVATE"), profile(partner.arn, Visibility="PUBLIC")
    cloud.create(hidden)
    late = cloud.client("partnercentral-account").get_profile_visibility(Catalog="AWS", Identifier=partner.arn)
    updated(cloud, "UPDATE_IN_PROGRESS", hidden, public)
    cloud.answer_instead("get_profile_visibility", late)
    updated(cloud, "UPDATE_ROLLBACK_IN_PROGRESS", public, hidden)
    assert cloud.account.partner(partner.id).visibility == "PRIVATE"


@pytest.mark.parametrize(
    ("gained", "left"),
    [({"Visibility": "PUBLIC"}, "Visibility"), ({"Headquarters": BERLIN}, "Headquarters")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rollback_logs_an_error_for_what_the_former_template_did_not_set(
    own: ProfileStack, gained: dict[str, Any], left: str
) -> None:
    """Nobody knows any more what it was."""
    own.create()
    own.update(**gained, **ANOTHER_FAILS)
    assert own.stack.status == ROLLED_BACK
    assert own.log("RollbackTolerated")["message"].startswith(
        f"NotRestored: the former template doesn't specify the profile's {left},"
    )


# Tasks


@pytest.mark.parametrize("more", [{"Headquarters": BERLIN}, {"PrimarySolutionType": "TRAINING_SERVICES"}], ids=str)
def test_manual_task_that_changes_omitted_properties_is_not_canceled(own: ProfileStack, more: dict[str, Any]) -> None:
    """Although it contains everything that the template sets."""
    own.create()
    own.plan(reads=None)
    own.human("start_profile_update_task", TaskDetails=details() | more)
    assert own.update(DisplayName="Another") == []
    assert own.stack.status == ROLLED_BACK


def test_task_of_another_partner_is_not_canceled_because_of_the_former_template(own: ProfileStack) -> None:
    """It is another owner's."""
    own.create()
    other = own.world.cloud.add_partner("Other Corp", catalog="Sandbox")
    own.plan(reads=None)
    client, mark = own.world.cloud.client("partnercentral-account"), own.world.cloud.mark
    client.start_profile_update_task(Catalog="Sandbox", Identifier=other.arn, TaskDetails=details())
    mark = own.world.cloud.mark
    own.stack.update(profile(other.arn, DisplayName="Another"), taken_back_in="")
    assert own.world.cloud.writes(mark) == []


def test_rollback_does_not_treat_a_logo_in_review_as_approved(own: ProfileStack) -> None:
    """AWS may show a logo at a URL of its own, so only a task shows which one is approved."""
    own.create()
    own.update(reads=None, LogoUrl=NEW_LOGO)
    own.stack.meanwhile = lambda: own.plan(reads=1)
    own.plan(reads=1, errors=[CANARY])
    own.stack.update(profile(own.arn, LogoUrl=NEW_LOGO, Description="Bad"))
    assert (own.stack.status, own.task_status) == (ROLLED_BACK, "SUCCEEDED")
    assert own.partner.profile == details(LogoUrl=NEW_LOGO)


def test_logo_of_a_language_alone_is_a_change(own: ProfileStack) -> None:
    """And an unchanged one starts nothing, also where AWS shows it at an address of its own."""
    own.create(LocalizedContents=[GERMAN])
    for _ in range(2):
        own.update(reads=None, DisplayName="B", LocalizedContents=[GERMAN], **ANOTHER_FAILS)
    assert own.update(ServiceTimeout="299", LocalizedContents=[GERMAN]) == []
    assert own.update(LocalizedContents=[{**GERMAN, "LogoUrl": NEW_LOGO}]) == [START]


def test_new_logo_refused_for_the_profiles_state_is_no_success(cloud: Cloud, partner: Any) -> None:
    """The profile that the service calls unchanged is not the template's."""
    cloud.create(profile(partner.arn))
    cloud.answer_instead("start_profile_update_task", *[refusal("INCOMPATIBLE_PROFILE_STATE")] * 99)
    with pytest.raises(HandlerError, match="INCOMPATIBLE_PROFILE_STATE"):
        updated(cloud, "UPDATE_IN_PROGRESS", profile(partner.arn), profile(partner.arn, LogoUrl=NEW_LOGO))


def test_rollback_while_the_service_shows_the_former_profile_still_restores_it(cloud: Cloud, partner: Any) -> None:
    """The task that succeeded is the better source."""
    first, second = profile(partner.arn), profile(partner.arn, DisplayName="Another")
    cloud.create(first)
    late = cloud.client("partnercentral-account").get_partner(Catalog="AWS", Identifier=partner.arn)
    late["Profile"]["LogoUrl"] = first["LogoUrl"]
    updated(cloud, "UPDATE_IN_PROGRESS", first, second)
    cloud.answer_instead("get_partner", *[late] * 99)
    updated(cloud, "UPDATE_ROLLBACK_IN_PROGRESS", second, first)
    assert cloud.account.partner(partner.id).profile["DisplayName"] == "Example"


def test_unchanged_headquarters_start_no_task(moto_url: str) -> None:
    """The template may start to set them."""
    with open_cloud(moto_url, readings=Readings(unchanged_profile_starts_task=True)) as cloud:
        partner = cloud.add_partner()
        cloud.account.plan_profile_tasks(reads=0)
        with_them, without = profile(partner.arn, Headquarters=BERLIN), profile(partner.arn, DisplayName="B")
        cloud.create(with_them)
        updated(cloud, "UPDATE_IN_PROGRESS", with_them, without)
        mark = cloud.mark
        updated(cloud, "UPDATE_IN_PROGRESS", without, {**without, "Headquarters": BERLIN})
        assert cloud.writes(mark) == []


def test_canceled_task_still_shown_as_running_is_not_mistaken_for_another_owners(cloud: Cloud, partner: Any) -> None:
    """The service may show it late."""
    cloud.account.plan_profile_tasks(reads=None)
    cloud.create(profile(partner.arn))
    late = cloud.client("partnercentral-account").get_profile_update_task(Catalog="AWS", Identifier=partner.arn)
    cloud.account.plan_profile_tasks(reads=0)
    cloud.happens_before("cancel_profile_update_task", lambda: cloud.answer_instead("get_profile_update_task", late))
    wanted = profile(partner.arn, DisplayName="Another")
    assert updated(cloud, "UPDATE_IN_PROGRESS", profile(partner.arn), wanted).data["TaskStatus"] == "SUCCEEDED"


def test_former_task_shown_late_is_not_mistaken_for_the_started_one(cloud: Cloud, partner: Any) -> None:
    """That the former one was canceled says nothing about the new one."""
    client, named = cloud.client("partnercentral-account"), {"Catalog": "AWS", "Identifier": partner.arn}
    cloud.account.plan_profile_tasks(reads=None)
    former, wanted = profile(partner.arn), profile(partner.arn, DisplayName="Another")
    cloud.create(former)

    def show_late() -> None:
        late = client.get_profile_update_task(**named)
        assert late["Status"] == "CANCELED"
        cloud.answer_instead("get_profile_update_task", late)

    cloud.account.plan_profile_tasks(reads=1)
    cloud.happens_before("start_profile_update_task", show_late)
    assert updated(cloud, "UPDATE_IN_PROGRESS", former, wanted).data["TaskStatus"] == "SUCCEEDED"


def test_concurrent_delivery_that_was_slower_to_cancel_follows_the_task_of_the_faster(
    cloud: Cloud, partner: Any
) -> None:
    """Lambda may deliver a request twice at once: both succeed, with one task."""
    cloud.account.plan_profile_tasks(reads=None)
    former, wanted = profile(partner.arn), profile(partner.arn, DisplayName="Another")
    cloud.create(former)
    delivered: list[Any] = []

    def deliver_again_first(operation: str, call: Any, members: dict[str, Any]) -> Any:
        if operation == "cancel_profile_update_task" and not delivered:
            delivered.append(None)
            delivered.append(updated(cloud, "UPDATE_IN_PROGRESS", former, wanted))
        return call(**members)

    cloud.between = deliver_again_first
    answer = updated(cloud, "UPDATE_IN_PROGRESS", former, wanted)
    assert answer == delivered[1]
    assert [task.status for task in cloud.account.partner(partner.id).tasks] == ["CANCELED", "IN_PROGRESS"]


def test_partner_without_a_profile_has_no_task_whichever_reason_the_service_returns(cloud: Cloud, partner: Any) -> None:
    """Of a task that is not found, or of a profile."""
    cloud.answer_instead("get_profile_update_task", refusal("PARTNER_PROFILE_NOT_FOUND"))
    assert cloud.create(profile(partner.arn)).data["TaskStatus"] == "SUCCEEDED"


def test_task_without_a_status_is_in_progress(cloud: Cloud, partner: Any) -> None:
    """It was started."""
    cloud.account.plan_profile_tasks(reads=None)
    cloud.alter_answers("start_profile_update_task", lambda answer: answer.pop("Status"))
    assert cloud.create(profile(partner.arn)).data["TaskStatus"] == "IN_PROGRESS"


@pytest.mark.parametrize("each", [8.0, 14.0])
def test_slow_service_fails_no_deployment(cloud: Cloud, partner: Any, each: float) -> None:
    """The task goes on, and is followed as long as there is time."""
    cloud.account.plan_profile_tasks(reads=None)
    answer = cloud.create(profile(partner.arn), VirtualTime(each_call=each))
    assert answer.data["TaskStatus"] == "IN_PROGRESS"


# Which request


def test_create_redelivered_during_a_later_update_writes_nothing(own: ProfileStack) -> None:
    """Its profile is the former one."""
    own.create()
    own.update(DisplayName="Another")
    own.world.cloud.begin_deployment()
    mark = own.world.cloud.mark
    own.plan(reads=1)
    own.stack.deliver(own.stack.requests[0])
    assert own.world.cloud.writes(mark) == []


@pytest.mark.parametrize("refused", [{"LogoUrl": "http://example.com"}, {"Visibility": "SECRET"}], ids=str)
def test_rollback_of_an_update_refused_at_once_keeps_manual_changes(own: ProfileStack, refused: dict[str, Any]) -> None:
    """Nothing was written, so there is nothing to take back."""
    own.create(Visibility="PUBLIC")
    own.human("put_profile_visibility", Visibility="PRIVATE")
    own.human_starts(reads=0, DisplayName="Console")
    assert own.update(**{"Visibility": "PUBLIC", **refused}) == []
    assert own.stack.status == ROLLED_BACK
    assert (own.partner.profile["DisplayName"], own.partner.visibility) == ("Console", "PRIVATE")


def test_cancellation_or_publication_alone_is_logged_as_updated(own: ProfileStack) -> None:
    """Each is a change."""
    own.create()
    own.update(reads=None, DisplayName="Another", **ANOTHER_FAILS)
    own.log("Updated")
    own.update(Visibility="PUBLIC")
    own.log("Updated")


def test_partner_of_another_account_or_another_service_is_refused_before_any_call(cloud: Cloud) -> None:
    """Also an ARN without an account."""
    arn = cloud.add_partner().arn
    others = [
        arn.replace("123456789012", "999999999999"),
        arn.replace(":partnercentral:", ":s3:"),
        "arn:aws:partnercentral:catalog/AWS/partner/partner-0000000000001",
    ]
    for other in others:
        with pytest.raises(RequestError):
            cloud.create(profile(other))
    assert cloud.operations() == []


def test_text_with_joiners_is_accepted(own: ProfileStack) -> None:
    """Persian is written with them."""
    assert own.create(DisplayName="\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645") == [START]


def test_rollback_of_a_replacement_returns_the_former_profile_even_if_the_service_is_down(own: ProfileStack) -> None:
    """Whatever id CloudFormation hands over."""
    own.create()
    cloud = own.world.cloud
    other = cloud.add_partner("Other Corp", catalog="Sandbox")
    cloud.fail("*", "access-denied", times=None)
    cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
    physical_id = f"profile-of-{other.id}"
    event = cloud.event("Update", profile(own.arn), profile(other.arn), PhysicalResourceId=physical_id)
    assert cloud.deliver(event).physical_id == own.stack.physical_id
