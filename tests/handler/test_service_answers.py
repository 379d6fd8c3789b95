"""Unexpected and late answers of the service end well: no Defect, and nothing twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_account_handler.errors import CallError, PartnerError
from partner_account_handler.identity import OWNER_TAG
from partner_central_simulator import Readings
from tests.handler.cloud import CEO, Cloud, Deployed, VirtualTime, contact, open_cloud, properties, sandbox

KNOWN, OTHER = "partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-", "partnercentral::1:AWS-"


def replaced(value: Any, pattern: str, by: str) -> Any:
    """The same with each text replaced, at any depth."""
    if isinstance(value, dict):
        return {name: replaced(member, pattern, by) for name, member in value.items()}
    if isinstance(value, list):
        return [replaced(member, pattern, by) for member in value]
    return re.sub(pattern, by, value) if isinstance(value, str) else value


def lose(cloud: Cloud, operation: str, times: int) -> None:
    """The service doesn't find the partner at the first calls of an operation."""
    left = iter(range(times))

    def other_partner(named: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
        if named == operation and next(left, None) is not None:
            members = replaced(members, r"partner-\w{13}$", "partner-0000000000000")
        return call(**members)

    cloud.between = other_partner


class TestArnOfAnotherForm:
    """Once CreatePartner has answered, no form of its ARN may make the stack fail."""

    @pytest.fixture
    def deployed(self, cloud: Cloud) -> Deployed:
        """A partner whose ARN has another form to the handler."""
        cloud.between = lambda _, call, members: replaced(call(**replaced(members, OTHER, KNOWN)), KNOWN, OTHER)
        return Deployed(cloud)

    def test_create_answers_arn_and_id_as_the_service_said_them(self, deployed: Deployed) -> None:
        """The id is in the answer beside the ARN, which doesn't end with it here; a Create finds it again."""
        assert re.fullmatch(r"arn:aws:partnercentral::1:AWS-\w{13}", deployed.arn)
        (partner,) = deployed.cloud.partners
        data = {"Arn": deployed.arn, "Id": partner.id, "ProfileId": partner.profile_id}
        assert deployed.cloud.create(properties()).data == data

    def test_partner_is_updated_and_rolled_back(self, deployed: Deployed) -> None:
        """The catalog is the template's if the ARN doesn't contain it."""
        assert deployed.update(properties(), CEO).physical_id == deployed.arn
        assert [partner.contact["BusinessTitle"] for partner in deployed.cloud.partners] == ["CEO"]
        assert deployed.roll_back(CEO, properties()).data["Id"] == deployed.cloud.partners[0].id
        assert [partner.contact for partner in deployed.cloud.partners] == [contact()]

    def test_rollback_is_tolerated_when_nothing_can_be_asked(self, deployed: Deployed) -> None:
        """The attributes then come from the physical id and the stack's outputs."""
        told = deployed.cloud.create(properties())
        deployed.cloud.set_outputs(**{f"Partner{attribute}": value for attribute, value in told.data.items()})
        deployed.cloud.fail("*", "internal-error", times=None)
        assert deployed.roll_back(CEO, properties()) == told


def test_physical_id_is_kept_if_the_service_spells_the_arn_differently(deployed: Deployed) -> None:
    """With another one CloudFormation would see a replacement."""
    deployed.cloud.between = lambda _, call, members: replaced(
        call(**replaced(members, "l:eu-west-1", "l:us-east-1")), "l:us-east-1", "l:eu-west-1"
    )
    assert deployed.update(properties(), CEO).physical_id == deployed.arn


def leave_out(cloud: Cloud, member: str) -> None:
    """Each partner that is listed lacks a member."""
    cloud.alter_answers("list_partners", lambda answer: [one.pop(member, None) for one in answer["PartnerSummaryList"]])


class TestMissingMembers:
    """What the service leaves out is never a Defect, nor taken for "there is none"."""

    def test_partner_that_is_listed_without_its_arn_is_told_and_none_is_created(self, deployed: Deployed) -> None:
        """Its owner is unknown, so nothing may be changed."""
        leave_out(deployed.cloud, "Arn")
        with pytest.raises(CallError, match="IncompleteAnswer: ListPartners"):
            deployed.cloud.create(properties())
        assert deployed.writes() == []

    @pytest.mark.parametrize("member", ["LegalName", "CreatedAt", "Id", "Catalog"])
    def test_partner_that_is_listed_without_another_member_is_found_by_its_tag(
        self, deployed: Deployed, member: str
    ) -> None:
        """Nothing is written."""
        leave_out(deployed.cloud, member)
        assert deployed.cloud.create(properties()).physical_id == deployed.arn
        assert deployed.writes() == []

    def test_sandbox_partner_that_is_listed_without_its_name_is_found(self, cloud: Cloud) -> None:
        """The name decides there, so it is requested."""
        deployed = Deployed(cloud, sandbox())
        leave_out(cloud, "LegalName")
        assert cloud.create(sandbox()).physical_id == deployed.arn
        assert deployed.writes() == ["TagResource"], "the tag is tried again"

    @pytest.mark.parametrize("member", ["LegalName", "Profile", "CreatedAt", "Id", "Catalog"])
    def test_create_succeeds_whatever_else_its_answer_lacks(self, cloud: Cloud, member: str) -> None:
        """The partner is there."""
        cloud.alter_answers("create_partner", lambda answer: answer.pop(member, None))
        assert Deployed(cloud).arn == cloud.partners[0].arn

    def test_contact_that_lacks_a_member_is_written_again(self, deployed: Deployed) -> None:
        """It doesn't match the template."""
        deployed.cloud.alter_answers(
            "get_alliance_lead_contact", lambda answer: answer["AllianceLeadContact"].pop("LastName")
        )
        deployed.update(properties(), CEO)
        assert deployed.partner.contact == contact(BusinessTitle="CEO")

    def test_another_stacks_tag_is_a_veto_though_only_the_third_answer_shows_it(self, deployed: Deployed) -> None:
        """HTTP 200 with a truncated body, which botocore treats as an empty answer without an error."""
        deployed.cloud.account.tag_partner(deployed.partner.id, {OWNER_TAG: "another stack"})
        deployed.cloud.fail("ListTagsForResource", "garbled", times=2)
        with pytest.raises(PartnerError, match="OtherOwner.*existing_partner_id"):
            deployed.update(properties(), CEO)
        assert deployed.writes() == []


class TestTagsThatLag:
    """A new partner is listed before its tags can be read."""

    @pytest.mark.parametrize("lost", [True, False], ids=["after a lost answer", "after a rollback"])
    def test_tags_not_found_yet_are_awaited(self, cloud: Cloud, lost: bool) -> None:
        """The partner may well be this construct's."""
        if lost:
            cloud.prepare()
            cloud.fail("CreatePartner", "cut", after_commit=True)
        else:
            Deployed(cloud)
            cloud.recreate_stack()
        lose(cloud, "list_tags_for_resource", times=4)
        assert [cloud.create(properties()).physical_id] == [partner.arn for partner in cloud.partners]

    def test_partner_possibly_created_by_a_lost_answer_is_not_refused_as_another_owners(self, cloud: Cloud) -> None:
        """It is listed without its age, so it might be an old one of others whose tags are shown."""
        cloud.prepare()
        cloud.fail("CreatePartner", "cut", after_commit=True)
        cloud.fail("ListTagsForResource", "no-tags", times=3)
        leave_out(cloud, "CreatedAt")
        assert [cloud.create(properties()).physical_id] == [partner.arn for partner in cloud.partners]
        assert cloud.writes() == ["CreatePartner"]

    def test_tags_never_found_fail_the_deployment(self, deployed: Deployed) -> None:
        """And not a support case."""
        deployed.cloud.recreate_stack()
        lose(deployed.cloud, "list_tags_for_resource", times=1000)
        with pytest.raises(PartnerError, match="TagsNotVisible.*deploy again in a minute"):
            deployed.cloud.create(properties())
        lose(deployed.cloud, "list_tags_for_resource", times=0)
        assert deployed.cloud.create(properties()).physical_id == deployed.arn

    def test_new_partner_without_tags_is_read_again(self, moto_url: str) -> None:
        """It is not refused as another's, also under a corrected legal name."""
        with open_cloud(moto_url, readings=Readings(one_partner_per_catalog=False)) as cloud:
            deployed = Deployed(cloud)
            cloud.recreate_stack()
            cloud.fail("ListTagsForResource", "no-tags", times=5)
            assert cloud.create(properties(LegalName="Example Corporation")).physical_id == deployed.arn
            assert deployed.writes() == []

    @pytest.mark.parametrize(
        ("made", "left"),
        [
            ({"age": timedelta(seconds=20)}, (180 - 115, 180 - 100)),  # then its tags would be seen
            ({"age": timedelta(seconds=121)}, (179.9, 180)),
            ({"age": timedelta(0), "tags": {OWNER_TAG: "another stack"}}, (179.9, 180)),
        ],
    )
    def test_partner_of_another_owner_is_refused_once_its_tags_have_settled(
        self, cloud: Cloud, made: dict[str, Any], left: tuple[float, float]
    ) -> None:
        """A new one after two minutes, an old one and another stack's at once."""
        cloud.add_partner("Other Corp", **made)
        time = VirtualTime()
        with pytest.raises(PartnerError, match="PartnerExists"):
            cloud.create(properties(), time)
        assert left[0] < time.seconds <= left[1]

    @pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=400)])
    def test_partner_with_a_future_creation_time_counts_as_old_after_two_minutes(
        self, cloud: Cloud, ahead: timedelta
    ) -> None:
        """Its time would never pass."""
        cloud.add_partner()
        time, future = VirtualTime(), datetime.now(UTC) + ahead
        cloud.alter_answers(
            "list_partners", lambda answer: [one.update(CreatedAt=future) for one in answer["PartnerSummaryList"]]
        )
        with pytest.raises(PartnerError, match="PartnerExists.*existing_partner_id"):
            cloud.create(properties(), time)
        assert 50 < time.seconds < 61

    def test_new_partner_is_adopted_at_once(self, cloud: Cloud) -> None:
        """Its id says enough."""
        new = cloud.add_partner(age=timedelta(0), contact=contact())
        cloud.create(properties(ExistingPartnerId=new.id), time := VirtualTime())
        assert time.pauses == []

    def test_lagging_tags_of_the_own_partner_are_awaited_beside_an_adopted_one(self, deployed: Deployed) -> None:
        """Else one construct would have two partners."""
        other = deployed.cloud.add_partner("Other Corp", contact=contact())
        deployed.cloud.recreate_stack()
        deployed.cloud.fail("ListTagsForResource", "no-tags", times=3)
        with pytest.raises(PartnerError, match=f"SeveralPartners: this construct already has {deployed.partner.id}"):
            deployed.cloud.create(properties(LegalName="Other Corp", ExistingPartnerId=other.id))


class TestReadsThatLag:
    """PARTNER_NOT_FOUND, though another call knew the partner."""

    @pytest.mark.parametrize("operation", ["get_partner", "get_alliance_lead_contact", "list_tags_for_resource"])
    def test_update_waits_for_a_partner_that_is_not_found_at_first(self, deployed: Deployed, operation: str) -> None:
        """As a Create would."""
        lose(deployed.cloud, operation, times=4)
        time = VirtualTime()
        deployed.update(properties(), CEO, time)
        assert deployed.partner.contact == contact(BusinessTitle="CEO")
        assert 0 < sum(time.pauses) < 30

    def test_lagging_sandbox_partner_is_not_created_a_second_time(self, cloud: Cloud) -> None:
        """It was not wiped."""
        deployed = Deployed(cloud, sandbox())
        lose(cloud, "get_partner", times=4)
        changed = sandbox(AllianceLeadContact=contact(BusinessTitle="CEO"))
        assert deployed.update(sandbox(), changed).physical_id == deployed.arn
        assert deployed.writes() == ["PutAllianceLeadContact"]
