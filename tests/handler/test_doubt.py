"""Doubt: an answer that can't be read is never taken for "no", and a stack that has gone on is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_account_handler.aws import Aws, Stack
from partner_account_handler.errors import CallError, Ending, Fault, NotWaitingError, PartnerError
from partner_account_handler.identity import OWNER_TAG
from partner_account_handler.lifecycle import Answer, answer_create, answer_update
from partner_account_handler.partner import Partner
from partner_central_simulator import ProfileIdAppears, Readings
from partner_central_simulator.service import OPERATIONS
from tests.handler.cloud import ACCOUNT, EMAIL, Cloud, VirtualTime, contact, open_cloud, properties, sandbox

CEO = properties(AllianceLeadContact=contact(BusinessTitle="CEO"))
RENAMED = properties(LegalName="Example Corporation", ExistingPartner={"Policy": "ALLOW_ANOTHER"})
SEVERAL = Readings(one_partner_per_catalog=False)


def desk(cloud: Cloud) -> Any:
    """The hands of humans on the account."""
    return cloud.simulator.account(ACCOUNT)


def deployed(cloud: Cloud, wanted: dict[str, Any] | None = None) -> str:
    """The ARN of a partner whose stack is now being updated."""
    cloud.prepare()
    arn = cloud.create(wanted or properties()).physical_id
    cloud.set_status("UPDATE_IN_PROGRESS")
    return arn


def raising(fault: Fault, times: int, then: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `Aws` that fails so often before it works."""
    left = iter(range(times))

    def method(*arguments: Any, **more: Any) -> Any:
        if next(left, None) is not None:
            raise CallError(fault)
        return then(*arguments, **more)

    return method


class TestBrokenAnswers:
    """HTTP 200 with a body that breaks off, which botocore takes for an empty answer without an error."""

    def test_tags_that_cannot_be_read_are_not_taken_for_none(self, moto_url: str) -> None:
        """Beside a partner whose owner is unknown nothing is created, even where another one is allowed."""
        with open_cloud(moto_url, readings=SEVERAL) as cloud:
            deployed(cloud)
            cloud.recreate_stack()
            cloud.prepare()
            cloud.simulator.faults.add("ListTagsForResource", "garbled", times=None)
            with pytest.raises(CallError, match="IncompleteAnswer: ListTagsForResource"):
                cloud.create(RENAMED)
            assert len(desk(cloud).partners) == 1

    def test_nor_does_an_update_take_over_whose_tags_it_cannot_read(self, cloud: Cloud) -> None:
        """Another stack's tag is a veto, also if only the second look shows it."""
        arn = deployed(cloud)
        partner_id = desk(cloud).partners[0].id
        desk(cloud).tag_partner(partner_id, {OWNER_TAG: "0" * 64})
        cloud.simulator.faults.add("ListTagsForResource", "garbled", times=2)
        with pytest.raises(PartnerError, match="OtherOwner"):
            cloud.update(arn, properties(), CEO)
        assert desk(cloud).partner(partner_id).contact == contact()

    @pytest.mark.parametrize("operation", ["ListPartners", "CreatePartner", "GetProfileVisibility"])
    def test_a_broken_answer_is_asked_for_again(self, cloud: Cloud, operation: str) -> None:
        """CreatePartner's by the same token."""
        cloud.prepare()
        cloud.simulator.faults.add(operation, "garbled", times=2)
        answer = cloud.create(properties())
        assert [partner.arn for partner in desk(cloud).partners] == [answer.physical_id]
        assert answer.data["ProfileId"] == desk(cloud).partners[0].profile_id

    def test_pages_that_shift_show_no_partner_twice(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else it would be two of ours."""
        deployed(cloud)
        summary = {"Arn": desk(cloud).partners[0].arn, "LegalName": "Example Corp"}
        pages = [{"PartnerSummaryList": [summary], "NextToken": "n"}, {"PartnerSummaryList": [summary]}]
        monkeypatch.setattr(Aws, "_partner_central", lambda *_, **__: pages.pop(0))
        assert len(cloud.aws(cloud.event("Create", properties())).partners("AWS")) == 1


class TestTagsThatLag:
    """A new partner is listed before its tags can be read."""

    FAULT = Fault("ListTagsForResource", Ending.REFUSED, "ResourceNotFoundException", "PARTNER_NOT_FOUND")

    def test_after_a_lost_answer_they_are_waited_for(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may well be ours."""
        cloud.prepare()
        cloud.simulator.faults.add("CreatePartner", "cut", after_commit=True)
        monkeypatch.setattr(Aws, "tags", raising(self.FAULT, 4, Aws.tags))
        answer = cloud.create(properties())
        assert [partner.arn for partner in desk(cloud).partners] == [answer.physical_id]

    def test_so_they_are_before_anything_was_called(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """The stack was rolled back, and is deployed again at once."""
        arn = deployed(cloud)
        cloud.recreate_stack()
        monkeypatch.setattr(Aws, "tags", raising(self.FAULT, 4, Aws.tags))
        assert cloud.create(properties()).physical_id == arn

    def test_else_the_remedy_is_another_deployment(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """And not a support case."""
        deployed(cloud)
        cloud.recreate_stack()
        with monkeypatch.context() as patch:
            patch.setattr(Aws, "tags", raising(self.FAULT, 99, Aws.tags))
            with pytest.raises(PartnerError, match="TagsNotVisible.*deploy again in a minute"):
                cloud.create(properties())
        assert cloud.create(properties()).physical_id == desk(cloud).partners[0].arn

    @pytest.mark.parametrize("wanted", [properties(LegalName="Example Corporation"), RENAMED], ids=["refuse", "allow"])
    def test_a_new_partner_that_shows_none_is_looked_at_again(self, moto_url: str, wanted: dict[str, Any]) -> None:
        """It is neither refused as another's nor, where another one is allowed, left aside for a second one."""
        with open_cloud(moto_url, readings=SEVERAL) as cloud:
            arn = deployed(cloud)
            cloud.recreate_stack()
            cloud.prepare()
            cloud.simulator.faults.add("ListTagsForResource", "no-tags", times=5)
            assert cloud.create(wanted).physical_id == arn
            assert len(desk(cloud).partners) == 1

    def test_a_new_partner_of_a_human_is_refused_two_minutes_later(self, cloud: Cloud) -> None:
        """Then its tags would be seen."""
        desk(cloud).add_partner("Other Corp", age=timedelta(seconds=20))
        with pytest.raises(PartnerError, match="PartnerExists"):
            cloud.create(properties(), time := VirtualTime())
        assert 180 - 115 < time.seconds <= 180 - 100

    @pytest.mark.parametrize(
        "more", [{"age": timedelta(seconds=121)}, {"age": timedelta(0), "tags": {OWNER_TAG: "another stack"}}]
    )
    def test_an_old_one_and_another_stacks_are_refused_at_once(self, cloud: Cloud, more: dict[str, Any]) -> None:
        """Nothing that is waited for could change it."""
        desk(cloud).add_partner("Other Corp", **more)
        with pytest.raises(PartnerError, match="PartnerExists"):
            cloud.create(properties(), time := VirtualTime())
        assert time.pauses == []

    def test_one_that_is_adopted_is_taken_at_once(self, cloud: Cloud) -> None:
        """Its id says enough."""
        new = desk(cloud).add_partner("Example Corp", age=timedelta(0), contact=contact())
        cloud.create(properties(ExistingPartner={"Policy": "ADOPT", "PartnerId": new.id}), time := VirtualTime())
        assert time.pauses == []

    def test_beside_an_adopted_one_the_own_is_waited_for(self, cloud: Cloud) -> None:
        """Else one construct would have two partners."""
        ours = deployed(cloud).rpartition("/")[2]
        other = desk(cloud).add_partner("Other Corp", contact=contact())
        cloud.recreate_stack()
        cloud.simulator.faults.add("ListTagsForResource", "no-tags", times=3)
        with pytest.raises(PartnerError, match=f"SeveralPartners: this construct already has {ours}"):
            cloud.create(properties(LegalName="Other Corp", ExistingPartner={"Policy": "ADOPT", "PartnerId": other.id}))


class TestStackGoesOn:
    """Before each change the stack must still be in the operation that the request came from."""

    @pytest.mark.parametrize("throttled", ["GetPartner", "TagResource", "PutAllianceLeadContact"])
    def test_an_update_that_was_given_up_writes_nothing_any_more(self, cloud: Cloud, throttled: str) -> None:
        """Its reversed one may have come and gone while a call was throttled."""
        arn = deployed(cloud)
        both = {**CEO, "Tags": [{"Key": "team", "Value": "sales"}]}
        cloud.simulator.faults.add(throttled, "throttle")
        written = len(cloud.operations())

        def give_up() -> None:
            cloud.set_status("UPDATE_ROLLBACK_COMPLETE")

        with pytest.raises(NotWaitingError, match="UPDATE_ROLLBACK_COMPLETE, so nothing more was done"):
            cloud.update(arn, properties(), both, VirtualTime(meanwhile=give_up))
        refused_once = [] if throttled == "GetPartner" else [throttled]
        done = [name for name in cloud.operations(written) if not name.startswith(("Get", "List"))]
        assert done == [*(["TagResource"] if throttled == "PutAllianceLeadContact" else []), *refused_once]

    def test_a_create_that_was_given_up_does_not_converge(self, cloud: Cloud) -> None:
        """Also if it finds its partner."""
        deployed(cloud)
        cloud.recreate_stack()
        cloud.simulator.faults.add("GetAllianceLeadContact", "throttle")
        time = VirtualTime(meanwhile=lambda: cloud.set_status("ROLLBACK_IN_PROGRESS"))
        with pytest.raises(NotWaitingError):
            cloud.create(CEO, time)
        assert desk(cloud).partners[0].contact == contact()

    def test_an_old_answer_of_cloudformation_stops_no_rollback(self, cloud: Cloud) -> None:
        """A status that no Update comes from is asked about again."""
        arn = deployed(cloud)
        cloud.update(arn, properties(), CEO)
        cloud.set_status("UPDATE_COMPLETE")
        time = VirtualTime(meanwhile=lambda: cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS"))
        cloud.update(arn, CEO, properties(), time)
        assert desk(cloud).partners[0].contact == contact()

    def test_nor_does_one_that_still_says_updating(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """Before an Update fails, it is asked again whether this is a rollback."""
        arn = deployed(cloud)
        cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        answers = [Stack("UPDATE_IN_PROGRESS", datetime.now(UTC), {}, "Root")]
        real = Aws.stack
        monkeypatch.setattr(Aws, "stack", lambda aws, **more: answers.pop() if answers else real(aws, **more))
        cloud.simulator.faults.add("*", "internal-error", times=None)
        assert cloud.update(arn, CEO, properties()).physical_id == arn

    def test_it_is_asked_a_last_time_in_the_time_kept_back(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """CloudFormation was silent at first, and Partner Central hangs until the time is up."""
        arn = deployed(cloud)
        cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        time, real = VirtualTime(each_call=24), Aws.stack

        def silent_at_first(aws: Aws, **more: Any) -> Stack:
            if time.seconds > 140:
                time.seconds -= 7
                raise CallError(Fault("DescribeStacks", Ending.OPEN, "ReadTimeoutError"))
            time.each_call = 7
            return real(aws, **more)

        monkeypatch.setattr(Aws, "stack", silent_at_first)
        cloud.simulator.faults.add("*", "cut", times=None)
        assert cloud.update(arn, CEO, properties(), time).physical_id == arn
        assert time.seconds >= 16

    def test_a_description_without_a_stack_stops_no_update(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the question ends in."""
        arn = deployed(cloud)
        real = Aws._call  # noqa: SLF001 - below it there is only CloudFormation itself

        def empty(aws: Aws, client: Any, operation: str, **more: Any) -> Any:
            return {"Stacks": []} if operation == "describe_stacks" else real(aws, client, operation, **more)

        monkeypatch.setattr(Aws, "_call", empty)
        cloud.update(arn, properties(), CEO)
        assert desk(cloud).partners[0].contact == CEO["AllianceLeadContact"]


class TestKnownBeforeTheEnd:
    """What is true already is said in time, so that it is answered if the rest hangs."""

    def test_a_create_says_the_partner_before_its_profile_id_is_asked_for(self, cloud: Cloud) -> None:
        """Once CreatePartner has answered, nothing makes the Create fail."""
        cloud.prepare()
        event = cloud.event("Create", properties())
        early: list[Answer] = []
        answer = answer_create(event, cloud.aws(event), early.append)
        assert early == [replace(answer, data={**answer.data, "ProfileId": "pending"})]

    def test_a_rollback_says_what_the_stack_shows(self, cloud: Cloud) -> None:
        """Before anything is tried."""
        arn = deployed(cloud)
        cloud.set_outputs(PartnerArn=arn, PartnerProfileId="pprofile-0000000000001")
        cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        cloud.simulator.faults.add("*", "internal-error", times=None)
        event = cloud.event("Update", properties(), CEO, PhysicalResourceId=arn)
        early: list[Answer] = []
        answer = answer_update(event, cloud.aws(event), early.append)
        assert early == [answer]
        assert answer.data["ProfileId"] == "pprofile-0000000000001"

    def test_an_update_that_is_no_rollback_says_nothing_early(self, cloud: Cloud) -> None:
        """If it comes to nothing, it has failed."""
        arn = deployed(cloud)
        early: list[Answer] = []
        event = cloud.event("Update", CEO, properties(), PhysicalResourceId=arn)
        answer_update(event, cloud.aws(event), early.append)
        assert early == []


class TestProfileIdInDoubt:
    """`pending` is said only if the service has none, or nobody can know."""

    def test_an_update_that_cannot_learn_it_fails(self, cloud: Cloud) -> None:
        """The stack has no outputs that remember it: `pending` might be a step back."""
        arn = deployed(cloud)
        cloud.simulator.faults.add("GetProfileVisibility", "internal-error", times=None)
        with pytest.raises(CallError, match="GetProfileVisibility"):
            cloud.update(arn, properties(), CEO)

    def test_a_short_failure_is_waited_for(self, cloud: Cloud) -> None:
        """The answer is the real one."""
        arn = deployed(cloud)
        cloud.simulator.faults.add("GetProfileVisibility", "internal-error", times=6)
        assert cloud.update(arn, properties(), CEO).data["ProfileId"] == desk(cloud).partners[0].profile_id

    def test_a_rollback_changes_no_output(self, moto_url: str) -> None:
        """Not even from `pending` to the real one: the export may be in use."""
        with open_cloud(moto_url, readings=Readings(profile_id=ProfileIdAppears.AT_ONCE)) as cloud:
            arn = deployed(cloud)
            cloud.set_outputs(PartnerArn=arn, PartnerProfileId="pending")
            cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
            assert cloud.update(arn, CEO, properties()).data["ProfileId"] == "pending"

    def test_no_partner_gets_the_profile_of_another(self, moto_url: str) -> None:
        """Even if the stack has no other ProfileId in its outputs."""
        with open_cloud(moto_url, readings=Readings(profile_id=ProfileIdAppears.WITH_PROFILE)) as cloud:
            cloud.prepare()
            cloud.set_outputs(ExportsOutputFnGetAttPartnerAProfileId="pprofile-0000000000001")
            cloud.set_status("UPDATE_IN_PROGRESS")
            assert cloud.create(properties()).data["ProfileId"] == "pending"


class TestOtherSpellings:
    """What a service may write otherwise than it was told."""

    def test_the_physical_id_is_the_stacks_own(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """With another one CloudFormation would see a replacement."""
        arn = deployed(cloud)
        other = Partner(arn.replace("us-east-1", "eu-west-1"), "Example Corp", "SOFTWARE_PRODUCTS", "pprofile-1")
        monkeypatch.setattr(Aws, "partner", lambda *_: other)
        assert cloud.update(arn, properties(), CEO).physical_id == arn

    def test_an_address_in_another_case_is_the_same(self, cloud: Cloud) -> None:
        """Else each later Create would spend a code on it."""
        deployed(cloud)
        mark = cloud.simulator.mark()
        desk(cloud).change_contact(desk(cloud).partners[0].id, Email=EMAIL.upper(), BusinessTitle="Alliance  Lead")
        cloud.recreate_stack()
        cloud.create(properties())
        received = [request.operation for request in cloud.simulator.requests_since(mark)]
        assert "PutAllianceLeadContact" not in received

    def test_names_that_fold_alike_are_chosen_from_by_id(self, cloud: Cloud) -> None:
        """In the Sandbox, where there are no tags to remove."""
        first = desk(cloud).add_partner("Example Corp", catalog="Sandbox")
        desk(cloud).add_partner("EXAMPLE CORP", catalog="Sandbox")
        with pytest.raises(PartnerError, match=r"SeveralPartners.*adopt\(id\)"):
            cloud.create(sandbox())
        adopted = sandbox(ExistingPartner={"Policy": "ADOPT", "PartnerId": first.id})
        assert cloud.create(adopted).physical_id == first.arn


def test_the_first_error_is_told_if_the_last_look_fails_too(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says more: the code is wrong, whatever throttles the list."""
    cloud.prepare()
    cloud.store_code("000000")
    create = OPERATIONS["CreatePartner"]

    def create_and_deny_lists(call: Any) -> Any:
        cloud.simulator.faults.add("ListPartners", "access-denied", times=12)
        return create(call)

    monkeypatch.setitem(OPERATIONS, "CreatePartner", create_and_deny_lists)
    with pytest.raises(CallError, match="EmailVerificationCode:INVALID_VALUE"):
        cloud.create(properties())
