"""Update, rollback and Delete, as sequences of requests over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from partner_account_handler.errors import CallError, HandlerError, NotWaitingError, PartnerError, RequestError
from partner_account_handler.identity import OWNER_TAG
from partner_account_handler.outcome import Answer
from partner_central_simulator import ProfileIdAppears, Readings
from tests.handler.cloud import (
    CEO,
    EMAIL,
    SALES,
    Cloud,
    Deployed,
    VirtualTime,
    contact,
    open_cloud,
    profile,
    properties,
    sandbox,
)

NEW_EMAIL = "ann@example.com"
MOVED = properties(AllianceLeadContact=contact(Email=NEW_EMAIL))
BOTH = {**CEO, "Tags": SALES}
ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"


class TestContact:
    """The alliance lead contact."""

    def test_changed_title_is_written_once_without_a_code(self, deployed: Deployed) -> None:
        """A repeated delivery finds it done."""
        answers = [deployed.update(properties(), CEO) for _ in range(2)]
        assert deployed.writes() == ["PutAllianceLeadContact"]
        assert deployed.partner.contact == contact(BusinessTitle="CEO")
        assert answers[0] == answers[1]
        assert answers[0].physical_id == deployed.arn
        assert answers[0].data["ProfileId"] == deployed.partner.profile_id

    @pytest.mark.parametrize("needs_code", [True, False])
    def test_changed_address_is_sent_with_its_code(self, moto_url: str, needs_code: bool) -> None:
        """Where none is needed, which AWS leaves open, sending one does no harm."""
        with open_cloud(moto_url, readings=Readings(new_contact_email_needs_code=needs_code)) as cloud:
            deployed = Deployed(cloud)
            cloud.prepare(NEW_EMAIL)
            deployed.update(properties(), MOVED)
            assert deployed.partner.contact == contact(Email=NEW_EMAIL)

    def test_lost_answer_after_the_service_required_the_code_is_no_failure(self, moto_url: str) -> None:
        """The repeated call is refused, since the code is used up; the contact is as wanted."""
        with open_cloud(moto_url, readings=Readings(any_contact_change_needs_code=True)) as cloud:
            deployed = Deployed(cloud)
            cloud.prepare()

            def lose_the_second(_answer: object) -> None:
                if cloud.writes().count("PutAllianceLeadContact") == 2:
                    raise ReadTimeoutError(endpoint_url="")

            cloud.alter_answers("put_alliance_lead_contact", lose_the_second)
            deployed.update(properties(), CEO)
            assert deployed.writes() == ["PutAllianceLeadContact"] * 3
            assert deployed.partner.contact == contact(BusinessTitle="CEO")

    def test_wrong_code_fails_with_its_remedy_and_changes_nothing(self, deployed: Deployed) -> None:
        """No user value is in the error, even if the service echoes them all."""
        deployed.cloud.fail("*", "echo", times=None)
        with pytest.raises(CallError, match="Request a new code") as caught:
            deployed.update(properties(), MOVED)
        assert deployed.writes() == ["PutAllianceLeadContact"], "a code is tried once"
        assert deployed.partner.contact == contact()
        texts = [*contact(Email=NEW_EMAIL).values(), "Example Corp", EMAIL]
        assert [text for text in texts if text in str(caught.value)] == []


class TestTags:
    """The template's tags, beside those of others."""

    def test_tags_are_set_and_removed_as_the_template_says(self, deployed: Deployed) -> None:
        """Foreign tags and the ownership tag stay."""
        deployed.cloud.account.tag_partner(deployed.partner.id, {"foreign": "1"})
        owner = deployed.partner.tags[OWNER_TAG]
        after = properties(Tags=[{"Key": "cost", "Value": "7"}])
        for _ in range(2):
            deployed.update(properties(), after)
        assert deployed.writes() == ["UntagResource", "TagResource"]
        assert deployed.partner.tags == {"foreign": "1", "cost": "7", OWNER_TAG: owner}

    def test_more_tag_keys_than_one_call_accepts_are_removed_in_batches(self, deployed: Deployed) -> None:
        """UntagResource accepts fifty."""
        many = properties(Tags=[{"Key": f"k{number}", "Value": ""} for number in range(120)])
        deployed.update(properties(Tags=[]), many)
        deployed.update(many, properties(Tags=[]))
        assert deployed.writes() == ["TagResource", *["UntagResource"] * 3]
        assert set(deployed.partner.tags) == {"team", OWNER_TAG}

    def test_tag_can_be_renamed_at_the_tag_limit(self, deployed: Deployed) -> None:
        """199 and the ownership tag are all that the service bears: the former key goes first."""
        most = [{"Key": f"k{number}", "Value": ""} for number in range(199)]
        before, after = properties(Tags=most), properties(Tags=[*most[:-1], {"Key": "renamed", "Value": ""}])
        deployed.cloud.account.untag_partner(deployed.partner.id, "team")
        deployed.update(properties(Tags=[]), before)
        deployed.update(before, after)
        assert len(deployed.partner.tags) == 200
        assert "renamed" in deployed.partner.tags

    @pytest.mark.parametrize("ignores_case", [True, False])
    def test_tag_key_whose_case_changes_is_replaced(self, moto_url: str, ignores_case: bool) -> None:
        """Whether the service treats Team and team as one key or as two."""
        with open_cloud(moto_url, readings=Readings(tag_keys_ignore_case=ignores_case)) as cloud:
            former = properties(Tags=[{"Key": "Team", "Value": "alliances"}])
            deployed = Deployed(cloud, former)
            for _ in range(2):
                deployed.update(former, properties(Tags=SALES))
            assert {key: value for key, value in deployed.partner.tags.items() if key != OWNER_TAG} == {"team": "sales"}

    def test_ownership_tag_that_was_removed_is_set_again(self, deployed: Deployed) -> None:
        """A later Create finds the partner's owner by it."""
        owner = deployed.partner.tags[OWNER_TAG]
        deployed.cloud.account.untag_partner(deployed.partner.id, OWNER_TAG)
        deployed.update(properties(), properties())
        assert deployed.partner.tags[OWNER_TAG] == owner

    def test_ownership_tag_in_a_template_is_neither_set_nor_removed(self, deployed: Deployed) -> None:
        """The construct refuses it; it might arrive all the same."""
        before = deployed.partner.tags
        forged = properties(Tags=[*properties()["Tags"], {"Key": OWNER_TAG, "Value": "forged"}])
        deployed.update(properties(), forged)
        deployed.update(forged, properties())
        assert deployed.partner.tags == before

    def test_manually_changed_tags_are_left_unchanged(self, deployed: Deployed) -> None:
        """The template did not change them."""
        deployed.cloud.account.tag_partner(deployed.partner.id, {"team": "sales"})
        deployed.update(properties(), CEO)
        assert deployed.partner.tags["team"] == "sales"

    def test_old_properties_in_another_shape_count_as_changed(self, deployed: Deployed) -> None:
        """Everything that differs is written, nothing is removed."""
        deployed.update({"Name": "Example Corp"}, properties(Tags=[], AllianceLeadContact=contact(LastName="Roe")))
        assert deployed.writes() == ["PutAllianceLeadContact"]
        assert deployed.partner.tags["team"] == "alliances"

    @pytest.mark.parametrize(("wanted", "told"), [(properties(Tags=SALES), True), (BOTH, False)])
    def test_drift_is_logged_without_its_value(
        self, deployed: Deployed, capsys: pytest.CaptureFixture[str], wanted: dict[str, Any], told: bool
    ) -> None:
        """A manual change can't be distinguished from what a failed attempt has left."""
        deployed.cloud.account.change_contact(deployed.partner.id, BusinessTitle="CEO")
        deployed.update(properties(), wanted)
        assert deployed.partner.contact == contact(BusinessTitle="CEO")
        lines = [line for line in capsys.readouterr().out.splitlines() if "left unchanged" in line]
        assert ['"differing": ["contact"]' in line and "CEO" not in line for line in lines] == [True] * told

    def test_unreadable_drift_fails_no_update(self, deployed: Deployed) -> None:
        """It is only logged."""
        deployed.cloud.fail("GetAllianceLeadContact", "access-denied", times=None)
        deployed.update(properties(), properties(Tags=SALES))
        assert deployed.partner.tags["team"] == "sales"


class TestCreateOnly:
    """What no API can change."""

    def test_create_only_change_is_refused_before_anything_is_written(self, deployed: Deployed) -> None:
        """All of them at once, by the names of the props, with the remedy."""
        changed = {**CEO, "LegalName": "Another Corp", "PrimarySolutionType": "TRAINING_SERVICES"}
        with pytest.raises(PartnerError, match="CreateOnly: legal_name, primary_solution_type of partner-.*Restore"):
            deployed.update(properties(), changed)
        assert deployed.writes() == []

    def test_solution_type_is_left_to_the_profile_once_there_is_one(self, deployed: Deployed) -> None:
        """A profile task changes it, and no template of the partner need follow, also in a retry."""
        deployed.cloud.account.plan_profile_tasks(reads=0)
        deployed.cloud.create(profile(deployed.arn, PrimarySolutionType="TRAINING_SERVICES"))
        other = {**CEO, "PrimarySolutionType": "CONSULTING_SERVICES"}
        for previous, wanted in ((properties(), CEO), (CEO, CEO), (CEO, other)):
            deployed.update(previous, wanted)
        assert deployed.partner.contact == contact(BusinessTitle="CEO")

    def test_changed_catalog_is_refused_before_any_call(self, deployed: Deployed) -> None:
        """The function may no longer ask about a partner of the former catalog."""
        mark = deployed.cloud.mark
        with pytest.raises(PartnerError, match="CreateOnly: catalog of partner-"):
            deployed.update(properties(), sandbox())
        assert deployed.cloud.operations(mark) == []

    def test_template_can_adopt_a_name_changed_by_support(self, deployed: Deployed) -> None:
        """In whatever case and spacing support wrote it."""
        deployed.cloud.account.rename_partner(deployed.partner.id, "EXAMPLE  Corporation")
        assert deployed.update(properties(), properties(LegalName="Example Corporation")).physical_id == deployed.arn

    def test_renamed_partner_blocks_no_other_change_and_is_logged(
        self, deployed: Deployed, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Drift is left, and another place for the code is no change of the name."""
        deployed.cloud.account.rename_partner(deployed.partner.id, "New Name")
        deployed.update(properties(), CEO)
        elsewhere = {**CEO, "EmailVerificationCode": {"From": "ParameterStore", "Name": "/code"}}
        deployed.update(CEO, elsewhere)
        deployed.update(elsewhere, {**elsewhere, "ServiceToken": "another"})
        assert deployed.writes() == ["PutAllianceLeadContact"]
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "left unchanged" in line]
        assert [line["differing"] for line in told] == [["legal_name"]] * 3

    def test_update_that_names_another_existing_partner_is_refused_before_anything_is_written(
        self, deployed: Deployed
    ) -> None:
        """It would write to the one that the template no longer names."""
        deployed.update(properties(), {**CEO, "ExistingPartnerId": deployed.partner.id})
        mark = deployed.cloud.mark
        with pytest.raises(PartnerError, match="OtherPartner: .*partner-0000000000001.*in a new PartnerAccount"):
            deployed.update(CEO, properties(ExistingPartnerId="partner-0000000000001"))
        assert deployed.cloud.writes(mark) == []


class TestRollback:
    """No rollback fails for our sake."""

    @pytest.mark.parametrize("code_is_gone", [False, True])
    def test_tags_are_restored_even_if_the_former_address_cannot_be(
        self, deployed: Deployed, code_is_gone: bool
    ) -> None:
        """It would require a code that nobody has; even the code's store may be gone."""
        deployed.cloud.prepare(NEW_EMAIL)
        moved = {**MOVED, "Tags": SALES}
        deployed.update(properties(), moved)
        if code_is_gone:
            deployed.cloud.client("ssm").delete_parameter(Name="/partner/code")
        answer = deployed.roll_back(moved, properties())
        assert (answer.physical_id, answer.report.outcome.value) == (deployed.arn, "RollbackTolerated")
        assert answer.data["ProfileId"] == deployed.partner.profile_id
        assert deployed.partner.tags["team"] == "alliances"
        assert deployed.partner.contact["Email"] == NEW_EMAIL

    def test_contact_is_restored_even_if_the_tags_cannot_be(self, deployed: Deployed) -> None:
        """And the log has why."""
        deployed.update(properties(), BOTH)
        deployed.cloud.fail("TagResource", "access-denied", times=None)
        answer = deployed.roll_back(BOTH, properties())
        assert answer.report.outcome.value == "RollbackTolerated"
        assert "TagResource" in answer.report.message
        assert deployed.partner.contact == contact()

    def test_contact_is_not_restored_if_the_stack_moves_on_while_tags_are_written(self, deployed: Deployed) -> None:
        """What refused the tags refuses the contact too: both rely on the same observed stack."""
        deployed.update(properties(), BOTH)
        deployed.cloud.fail("TagResource", "throttle")
        time = VirtualTime(meanwhile=lambda: deployed.cloud.set_status("UPDATE_ROLLBACK_COMPLETE"))
        deployed.roll_back(BOTH, properties(), time)
        assert deployed.partner.contact == contact(BusinessTitle="CEO")

    def test_rollback_of_refused_properties_keeps_manual_changes(self, deployed: Deployed) -> None:
        """The Update that was refused has written nothing that must be put back."""
        deployed.cloud.account.change_contact(deployed.partner.id, BusinessTitle="CTO")
        refused = properties(AllianceLeadContact=contact(FirstName="J\u200bane"))
        with pytest.raises(RequestError):
            deployed.update(properties(), refused)
        deployed.roll_back(refused, properties())
        assert deployed.writes() == []

    def test_service_that_is_down_fails_an_update_and_no_rollback(self, deployed: Deployed) -> None:
        """The timer gets what the stack shows before anything is tried, and the answer is the same.

        The profile id is what the stack said last, since an export in use must not change.
        """
        arn, profile_id = deployed.arn, deployed.partner.profile_id
        shown = {"Arn": arn, "Id": arn.rsplit("/", 1)[1], "ProfileId": profile_id}
        deployed.cloud.fail("*", "internal-error", times=None)
        with pytest.raises(CallError):
            deployed.update(properties(), CEO)
        deployed.cloud.set_outputs(**{f"Partner{name}": value for name, value in shown.items()})
        deployed.cloud.set_status(ROLLING_BACK)
        early: list[Answer] = []
        time = VirtualTime()
        event = deployed.cloud.event("Update", properties(), CEO, PhysicalResourceId=arn)
        answer = deployed.cloud.deliver(event, time, early.append)
        assert (answer.physical_id, answer.data) == (arn, shown)
        assert early == [answer]
        assert time.seconds >= 0

    def test_update_outside_a_rollback_sets_no_timer_answer(self, deployed: Deployed) -> None:
        """If it comes to nothing, it has failed."""
        early: list[Answer] = []
        event = deployed.cloud.event("Update", CEO, properties(), PhysicalResourceId=deployed.arn)
        deployed.cloud.deliver(event, None, early.append)
        assert early == []

    def test_hanging_service_stops_no_rollback(self, deployed: Deployed) -> None:
        """Each call takes as long as one may; the answer still comes in time, and with the known profile id."""
        profile_id = deployed.partner.profile_id
        deployed.cloud.set_outputs(PartnerArn=deployed.arn, PartnerProfileId=profile_id)
        deployed.cloud.fail("*", "cut", times=None)
        time = VirtualTime(each_call=25)
        assert deployed.roll_back(CEO, properties(), time).data["ProfileId"] == profile_id
        assert time.seconds >= 16

    def test_rollback_of_a_resource_without_a_partner_keeps_the_id(self, cloud: Cloud) -> None:
        """Should CloudFormation ever send it."""
        cloud.set_status(ROLLING_BACK)
        answer = cloud.update("not-created-1", properties(), properties())
        assert (answer.physical_id, answer.data) == ("not-created-1", {})

    def test_missing_partner_fails_an_update_but_no_rollback_and_is_never_replaced(self, deployed: Deployed) -> None:
        """A support case may have removed it; another ARN would be the end of all that was built on this one."""
        deployed.cloud.account.delete_partner(deployed.partner.id)
        time = VirtualTime()
        with pytest.raises(CallError, match="PARTNER_NOT_FOUND.*ask AWS Partner support"):
            deployed.update(properties(), CEO, time)
        assert 25 < sum(time.pauses) < 40, "no part of AWS knows everything at once"
        assert deployed.roll_back(CEO, properties()).physical_id == deployed.arn
        assert deployed.writes() == []


class TestProfileId:
    """`pending` is returned only if the service has none, or it is unknown."""

    def test_update_succeeds_with_pending_if_the_service_reports_no_profile(self, moto_url: str) -> None:
        """Though the stack shows none either, as with `outputs=False`."""
        with open_cloud(moto_url, readings=Readings(profile_id=ProfileIdAppears.WITH_PROFILE)) as cloud:
            assert Deployed(cloud).update(properties(), CEO).data["ProfileId"] == "pending"

    def test_known_profile_id_never_falls_back_to_the_placeholder(self, deployed: Deployed) -> None:
        """The stack's own output remembers it, though the service fails."""
        known = deployed.partner.profile_id
        deployed.cloud.set_outputs(PartnerArn=deployed.arn, PartnerProfileId=known)
        deployed.cloud.fail("GetProfileVisibility", "internal-error", times=None)
        assert deployed.update(properties(), CEO).data["ProfileId"] == known

    @pytest.mark.parametrize("times", [6, None])
    def test_update_that_cannot_read_the_profile_id_retries_and_then_fails(
        self, deployed: Deployed, times: int | None
    ) -> None:
        """The stack has no outputs that remember it: `pending` might be a step back."""
        deployed.cloud.fail("GetProfileVisibility", "internal-error", times=times)
        if times:
            assert deployed.update(properties(), CEO).data["ProfileId"] == deployed.partner.profile_id
            return
        with pytest.raises(CallError, match="GetProfileVisibility"):
            deployed.update(properties(), CEO)


@pytest.mark.parametrize(
    ("changes", "writes"),
    [
        ({}, []),
        ({"AllianceLeadContact": contact(BusinessTitle="CEO")}, ["put_alliance_lead_contact"]),
        ({"Tags": SALES}, ["tag_resource"]),
        ({"Tags": []}, ["untag_resource"]),
        (
            {"AllianceLeadContact": contact(BusinessTitle="CEO"), "Tags": SALES},
            ["tag_resource", "put_alliance_lead_contact"],
        ),
    ],
)
def test_update_sends_one_write_per_change_and_describes_the_stack_before_each(
    deployed: Deployed, changes: dict[str, Any], writes: list[str]
) -> None:
    """The contact is read even if it didn't change: the log names what differs from the template."""
    deployed.cloud.asked.clear()
    deployed.update(properties(), properties(**changes))
    reads = ["get_partner", "list_tags_for_resource", "get_alliance_lead_contact", "get_profile_visibility"]
    assert sorted(name for name in deployed.cloud.asked if name.startswith(("get", "list"))) == sorted(reads)
    asked = [name for name in deployed.cloud.asked if name not in reads]
    assert asked == ["describe_stacks", *(name for write in writes for name in ("describe_stacks", write))]


@pytest.mark.parametrize("physical_id", ["not-created-1", "Root-Partner-1A2B3C4D", "arn:aws:sns:us-east-1:1:t"])
def test_update_of_a_resource_without_a_partner_is_refused_with_a_remedy(cloud: Cloud, physical_id: str) -> None:
    """CloudFormation should not send it; if it does, nothing is created behind its back."""
    cloud.set_status("UPDATE_IN_PROGRESS")
    with pytest.raises(PartnerError, match="NoPartner"):
        cloud.update(physical_id, properties(), properties())
    assert cloud.operations() == []


@pytest.mark.parametrize("named", ["partner", "profile", "made up"])
def test_delete_changes_nothing_and_always_succeeds(deployed: Deployed, named: str) -> None:
    """Whatever the properties are. A public profile that vanishes by a mistake would be worse than one that stays."""
    ids = {"partner": deployed.arn, "profile": f"profile-of-{deployed.partner.id}", "made up": "Root-Partner-MADEUP"}
    wanted = profile(deployed.arn) if named == "profile" else {}
    deployed.cloud.asked.clear()
    event = deployed.cloud.event("Delete", wanted, PhysicalResourceId=ids[named])
    assert deployed.cloud.deliver(event).physical_id == ids[named]
    assert deployed.cloud.asked == []


# Which status of the stack an Update waits for, goes on in, and is tolerated in

BEFORE = (
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
)


def late(deployed: Deployed, seconds: float, status: str) -> VirtualTime:
    """An invocation during which DescribeStacks returns the stack's status so many seconds late."""
    time = VirtualTime()
    time.meanwhile = lambda: deployed.cloud.set_status(status) if time.seconds <= 180 - seconds else None
    return time


class TestLateDescribeStacks:
    """DescribeStacks still returns the former status."""

    @pytest.mark.parametrize("before", [*BEFORE, "UPDATE_FAILED"])
    def test_late_rollback_status_still_restores_what_the_update_wrote(self, deployed: Deployed, before: str) -> None:
        """Whatever the status was before."""
        deployed.update(properties(), BOTH)
        deployed.cloud.set_status(before)
        answer = deployed.update(BOTH, properties(), late(deployed, 25, ROLLING_BACK))
        assert answer.physical_id == deployed.arn
        assert (deployed.partner.contact, deployed.partner.tags["team"]) == (contact(), "alliances")

    @pytest.mark.parametrize("before", BEFORE)
    def test_update_with_a_status_one_minute_late_continues(self, deployed: Deployed, before: str) -> None:
        """It waits."""
        deployed.cloud.set_status(before)
        deployed.update(properties(), CEO, late(deployed, 60, "UPDATE_IN_PROGRESS"))
        assert deployed.partner.contact == contact(BusinessTitle="CEO")

    @pytest.mark.parametrize("before", BEFORE)
    def test_rollback_status_seen_at_the_last_moment_is_tolerated(self, deployed: Deployed, before: str) -> None:
        """The last call is made in the reserved time."""
        deployed.cloud.set_status(before)
        time = late(deployed, 120, ROLLING_BACK)
        assert deployed.update(CEO, properties(), time).physical_id == deployed.arn
        assert time.seconds >= 17

    @pytest.mark.parametrize("status", [*BEFORE, "DELETE_IN_PROGRESS", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
    def test_update_of_a_finished_operation_writes_nothing(self, deployed: Deployed, status: str) -> None:
        """It waits as long as it can where the status might be an old one, and three seconds where none can follow."""
        deployed.cloud.set_status(status)
        time = VirtualTime()
        with pytest.raises(NotWaitingError, match=status):
            deployed.update(properties(), CEO, time)
        assert deployed.writes() == []
        assert (time.seconds > 175) == (status not in BEFORE)

    def test_reversed_update_that_fails_at_once_waits_for_the_rollback_status(self, deployed: Deployed) -> None:
        """Two seconds later."""
        deployed.cloud.account.tag_partner(deployed.partner.id, {OWNER_TAG: "another stack's"})
        time = late(deployed, 2, ROLLING_BACK)
        assert deployed.update(CEO, properties(), time).report.reason == "OtherOwner"
        assert 175 < time.seconds < 180

    def test_waiting_update_is_not_mistaken_for_one_of_the_next_deployment(self, deployed: Deployed) -> None:
        """Which began after it had come."""
        deployed.cloud.set_status("UPDATE_ROLLBACK_COMPLETE")
        time = VirtualTime()
        time.meanwhile = lambda: deployed.cloud.begin_deployment() if time.seconds < 150 else None
        with pytest.raises(NotWaitingError, match="later deployment"):
            deployed.update(properties(), CEO, time)
        assert deployed.writes() == []

    @pytest.mark.parametrize("throttled", ["GetPartner", "TagResource", "PutAllianceLeadContact"])
    def test_abandoned_update_writes_nothing(self, deployed: Deployed, throttled: str) -> None:
        """Its reversed one may have come and gone while a call was throttled."""
        deployed.cloud.fail(throttled, "throttle")
        time = VirtualTime(meanwhile=lambda: deployed.cloud.set_status("UPDATE_ROLLBACK_COMPLETE"))
        with pytest.raises(NotWaitingError, match="UPDATE_ROLLBACK_COMPLETE, so nothing more was done"):
            deployed.update(properties(), BOTH, time)
        before = {"PutAllianceLeadContact": ["TagResource"]}.get(throttled, [])
        assert deployed.writes() == [*before, *([] if throttled == "GetPartner" else [throttled])]

    def test_update_without_stack_status_continues_and_fails_normally(self, deployed: Deployed) -> None:
        """What it writes can be written back."""
        deployed.cloud.stack_id = deployed.cloud.stack_id.replace("/Root/", "/Root-Gone/")
        time = VirtualTime()
        deployed.update(properties(), CEO, time)
        assert (deployed.writes(), time.pauses) == (["PutAllianceLeadContact"], []), "a refusal is not waited out"
        deployed.cloud.account.delete_partner(deployed.partner.id)
        with pytest.raises(CallError, match="PARTNER_NOT_FOUND"):
            deployed.update(CEO, properties())

    def test_unresponsive_cloudformation_is_retried(self, deployed: Deployed) -> None:
        """Else a rollback would be taken for an update, which may change what is imported."""
        deployed.cloud.set_outputs(PartnerArn=deployed.arn, PartnerProfileId="pending")
        deployed.cloud.answer_instead("describe_stacks", *[ReadTimeoutError(endpoint_url="")] * 3)
        time = VirtualTime()
        assert deployed.roll_back(CEO, properties(), time).data["ProfileId"] == "pending"
        assert time.pauses == [0.5, 1.0, 2.0]

    def test_describe_stacks_without_a_stack_stops_no_update(self, deployed: Deployed) -> None:
        """Whatever the question ends in."""
        deployed.cloud.answer_instead("describe_stacks", *[{"Stacks": []}] * 99)
        deployed.update(properties(), CEO)
        assert deployed.writes() == ["PutAllianceLeadContact"]

    def test_stack_is_described_once_more_in_the_reserved_time(self, deployed: Deployed) -> None:
        """CloudFormation was silent at first, and Partner Central hangs until the time is up."""
        deployed.cloud.set_status(ROLLING_BACK)
        deployed.cloud.fail("*", "cut", times=None)
        time = VirtualTime()

        def silent_at_first(operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
            is_early = time.seconds > 140
            time.seconds -= 7 if operation == "describe_stacks" else 24
            if operation == "describe_stacks" and is_early:
                raise ReadTimeoutError(endpoint_url="")
            return call(**members)

        deployed.cloud.between = silent_at_first
        assert deployed.update(CEO, properties(), time).physical_id == deployed.arn
        assert time.seconds >= 16


ANN = {**MOVED, "Tags": SALES}


class TestWithoutRollback:
    """With `cdk deploy --no-rollback` a failed Update is taken back alone, in whatever status, or retried."""

    @pytest.fixture
    def failed(self, deployed: Deployed) -> Deployed:
        """An Update has written its tags, and failed at the contact."""
        deployed.cloud.prepare(NEW_EMAIL)
        deployed.cloud.fail("PutAllianceLeadContact", "access-denied", times=None)
        with pytest.raises(CallError, match="PutAllianceLeadContact"):
            deployed.update(properties(), ANN)
        deployed.cloud.simulator.faults.clear()
        assert deployed.partner.tags["team"] == "sales"
        return deployed

    def test_update_after_a_refused_one_writes_all_that_the_template_says(self, deployed: Deployed) -> None:
        """Only its rollback writes nothing: CloudFormation may send the refused properties as the old ones."""
        deployed.update(properties(LegalName=""), CEO)
        assert deployed.partner.contact == contact(BusinessTitle="CEO")

    @pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_FAILED", ROLLING_BACK])
    def test_reversed_update_restores_the_partner_in_any_stack_status(self, failed: Deployed, status: str) -> None:
        """Nothing is left half written."""
        failed.cloud.set_status(status)
        time = VirtualTime()
        assert failed.update(ANN, properties(), time).physical_id == failed.arn
        assert (failed.partner.contact, failed.partner.tags["team"]) == (contact(), "alliances")
        assert sum(time.pauses) < 45, "UPDATE_FAILED may be an old status for half a minute"

    def test_reversed_update_that_fails_in_update_failed_is_tolerated(self, failed: Deployed) -> None:
        """A person would have to repair the stack otherwise."""
        failed.cloud.set_status("UPDATE_FAILED")
        failed.cloud.fail("*", "internal-error", times=None)
        assert failed.update(ANN, properties()).physical_id == failed.arn

    def test_retry_started_in_update_failed_fails_once_the_stack_is_updating(self, deployed: Deployed) -> None:
        """UPDATE_FAILED was the old status."""
        deployed.cloud.set_status("UPDATE_FAILED")
        deployed.cloud.fail("*", "internal-error", times=None)
        with pytest.raises(CallError, match="InternalServerException"):
            deployed.update(properties(), CEO, late(deployed, 40, "UPDATE_IN_PROGRESS"))

    @pytest.mark.parametrize("old", ["successful", "attempted"])
    @pytest.mark.parametrize("other_code", [False, True])
    def test_retry_writes_everything_whatever_the_old_properties(
        self, failed: Deployed, old: str, other_code: bool
    ) -> None:
        """Whether OldResourceProperties are the last successful or the last attempted ones is documented nowhere.

        The source of the code is what a human corrects first; it is no part of the partner.
        """
        retry = dict(ANN)
        if other_code:
            retry["EmailVerificationCode"] = {"From": "Parameter", "Value": failed.cloud.request_code(NEW_EMAIL)}
        failed.cloud.begin_deployment()
        failed.update(ANN if old == "attempted" else properties(), retry)
        assert (failed.partner.contact["Email"], failed.partner.tags["team"]) == (NEW_EMAIL, "sales")


def test_unforeseen_error_of_an_update_is_a_handler_error_without_the_input(deployed: Deployed) -> None:
    """The border turns a defect into its kind and place; in a rollback it is tolerated as any other failure."""
    deployed.cloud.alter_answers("get_alliance_lead_contact", lambda answer: answer.update(AllianceLeadContact=7))
    with pytest.raises(HandlerError, match="Defect: AttributeError at partner_properties.py") as caught:
        deployed.update(properties(), CEO)
    assert caught.value.__context__ is None
    assert deployed.roll_back(CEO, properties()).report.reason == "Defect"
