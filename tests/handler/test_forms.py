"""What the service says in a form that nobody expected, or says late, ends well: no Defect, and nothing twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from partner_account_handler.errors import CallError, PartnerError
from partner_account_handler.identity import OWNER_TAG
from tests.handler.cloud import ACCOUNT, Cloud, VirtualTime, contact, properties, sandbox

CEO = properties(AllianceLeadContact=contact(BusinessTitle="CEO"))

Change: TypeAlias = Callable[[str, dict[str, Any]], dict[str, Any]]
"""What becomes of the members of an operation, by botocore's name for it."""


def as_it_is(_operation: str, members: dict[str, Any]) -> dict[str, Any]:
    """Nothing becomes of them."""
    return members


class Between:
    """Stands between the handler and the service, and changes what either hears."""

    def __init__(self, cloud: Cloud) -> None:
        self.request: Change = as_it_is
        self.answer: Change = as_it_is
        cloud.between = self

    def __call__(self, operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
        """Carries out a call."""
        return self.answer(operation, call(**self.request(operation, members)))


@pytest.fixture
def between(cloud: Cloud) -> Between:
    """The service as it is, until something is changed."""
    return Between(cloud)


def partners(cloud: Cloud) -> list[Any]:
    """All partners of the account."""
    return list(cloud.simulator.account(ACCOUNT).partners)


def writes(cloud: Cloud, since: int = 0) -> list[str]:
    """The changing operations that Partner Central received."""
    return [name for name in cloud.operations(since) if not name.startswith(("Get", "List"))]


def replaced(value: Any, pattern: str, by: str) -> Any:
    """The same with each text replaced, however deep it stands."""
    if isinstance(value, dict):
        return {name: replaced(member, pattern, by) for name, member in value.items()}
    if isinstance(value, list):
        return [replaced(member, pattern, by) for member in value]
    return re.sub(pattern, by, value) if isinstance(value, str) else value


class TestArnOfAnotherForm:
    """Once CreatePartner has answered, no form of its ARN may make the stack fail."""

    @pytest.fixture(autouse=True)
    def _other_form(self, between: Between) -> None:
        known, other = "partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-", "partnercentral::1:AWS-"
        between.answer = lambda _, members: replaced(members, known, other)
        between.request = lambda _, members: replaced(members, other, known)

    def test_create_answers_arn_and_id_as_the_service_said_them(self, cloud: Cloud) -> None:
        """The id stands in the answer beside the ARN, which doesn't end with it here."""
        cloud.prepare()
        answer = cloud.create(properties())
        assert re.fullmatch(r"arn:aws:partnercentral::1:AWS-\w{13}", answer.physical_id)
        assert answer.data["Arn"] == answer.physical_id
        assert answer.data["Id"] == partners(cloud)[0].id
        assert answer.data["ProfileId"] == partners(cloud)[0].profile_id

    def test_partner_is_found_again_updated_and_rolled_back(self, cloud: Cloud) -> None:
        """The catalog is the template's, where the ARN doesn't tell it."""
        cloud.prepare()
        arn = cloud.create(properties()).physical_id
        assert cloud.create(properties()).physical_id == arn
        cloud.set_status("UPDATE_IN_PROGRESS")
        assert cloud.update(arn, properties(), CEO).physical_id == arn
        assert partners(cloud)[0].contact == contact(BusinessTitle="CEO")
        cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        assert cloud.update(arn, CEO, properties()).data["Id"] == partners(cloud)[0].id
        assert partners(cloud)[0].contact == contact()

    def test_rollback_is_let_through_when_nothing_can_be_asked(self, cloud: Cloud) -> None:
        """What is said then comes from the physical id and the stack's outputs."""
        cloud.prepare()
        told = cloud.create(properties())
        cloud.set_outputs(**{f"Partner{attribute}": value for attribute, value in told.data.items()})
        cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        cloud.simulator.faults.add("*", "internal-error", times=None)
        again = cloud.update(told.physical_id, CEO, properties())
        assert (again.physical_id, again.data) == (told.physical_id, told.data)


class TestMissingMembers:
    """What the service leaves out is never a Defect, nor taken for "there is none"."""

    def without(self, between: Between, operation: str, member: str) -> None:
        """Each partner in the answers of an operation lacks a member."""

        def leave_out(named: str, answer: dict[str, Any]) -> dict[str, Any]:
            if named != operation:
                return answer
            listed = answer.get("PartnerSummaryList")
            if listed is None:
                return {name: value for name, value in answer.items() if name != member}
            short = [{name: value for name, value in one.items() if name != member} for one in listed]
            return {**answer, "PartnerSummaryList": short}

        between.answer = leave_out

    def test_partner_that_is_listed_without_its_arn_is_told_and_none_is_created(
        self, cloud: Cloud, between: Between
    ) -> None:
        """It can't be judged, so nobody may act."""
        cloud.prepare()
        cloud.create(properties())
        self.without(between, "list_partners", "Arn")
        with pytest.raises(CallError, match="IncompleteAnswer: ListPartners"):
            cloud.create(properties())
        assert len(partners(cloud)) == 1

    @pytest.mark.parametrize("member", ["LegalName", "CreatedAt", "Id", "Catalog"])
    def test_partner_that_is_listed_without_another_member_is_found(
        self, cloud: Cloud, between: Between, member: str
    ) -> None:
        """By its tag."""
        cloud.prepare()
        arn = cloud.create(properties()).physical_id
        self.without(between, "list_partners", member)
        assert cloud.create(properties()).physical_id == arn
        assert writes(cloud) == ["CreatePartner"]

    def test_sandbox_partner_that_is_listed_without_its_name_is_found(self, cloud: Cloud, between: Between) -> None:
        """The name decides there, so it is asked for."""
        arn = cloud.create(sandbox()).physical_id
        self.without(between, "list_partners", "LegalName")
        assert cloud.create(sandbox()).physical_id == arn
        assert writes(cloud) == ["CreatePartner", "TagResource", "TagResource"], "the Sandbox refuses the tag"

    @pytest.mark.parametrize("member", ["LegalName", "Profile", "CreatedAt", "Id", "Catalog"])
    def test_create_succeeds_whatever_else_its_answer_lacks(self, cloud: Cloud, between: Between, member: str) -> None:
        """The partner is there."""
        self.without(between, "create_partner", member)
        cloud.prepare()
        assert cloud.create(properties()).physical_id == partners(cloud)[0].arn

    def test_contact_that_lacks_a_member_is_written_again(self, cloud: Cloud, between: Between) -> None:
        """It is not what the template says."""
        cloud.prepare()
        arn = cloud.create(properties()).physical_id
        cloud.set_status("UPDATE_IN_PROGRESS")
        between.answer = lambda _, members: {
            name: {key: text for key, text in value.items() if key != "LastName"} if "Contact" in name else value
            for name, value in members.items()
        }
        cloud.update(arn, properties(), CEO)
        assert partners(cloud)[0].contact == contact(BusinessTitle="CEO")


class TestClocks:
    """How old a partner is, by the service's clock and by ours."""

    @pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=400)])
    def test_partner_from_the_future_is_old_after_two_minutes_of_our_own_clock(
        self, cloud: Cloud, between: Between, ahead: timedelta
    ) -> None:
        """Its time would never pass: after two minutes it is another one, told with its remedy."""
        cloud.simulator.account(ACCOUNT).add_partner("Example Corp")
        future = datetime.now(UTC) + ahead
        between.answer = lambda operation, answer: (
            {**answer, "PartnerSummaryList": [{**one, "CreatedAt": future} for one in answer["PartnerSummaryList"]]}
            if operation == "list_partners"
            else answer
        )
        time = VirtualTime()
        with pytest.raises(PartnerError, match="PartnerExists.*adopt"):
            cloud.create(properties(), time)
        assert 50 < time.seconds < 61


class TestReadsThatLag:
    """PARTNER_NOT_FOUND, though another call knew the partner."""

    @pytest.mark.parametrize("operation", ["get_partner", "get_alliance_lead_contact", "list_tags_for_resource"])
    def test_update_waits_for_a_partner_that_is_not_found_at_first(
        self, cloud: Cloud, between: Between, operation: str
    ) -> None:
        """As a Create would."""
        cloud.prepare()
        arn = cloud.create(properties()).physical_id
        cloud.set_status("UPDATE_IN_PROGRESS")
        self.lose(between, operation, times=4)
        time = VirtualTime()
        cloud.update(arn, properties(), CEO, time)
        assert partners(cloud)[0].contact == contact(BusinessTitle="CEO")
        assert 0 < sum(time.pauses) < 30

    def test_partner_that_stays_away_is_a_matter_for_support(self, cloud: Cloud, between: Between) -> None:
        """After half a minute."""
        cloud.prepare()
        arn = cloud.create(properties()).physical_id
        cloud.set_status("UPDATE_IN_PROGRESS")
        self.lose(between, "get_partner", times=1000)
        time = VirtualTime()
        with pytest.raises(CallError, match="PARTNER_NOT_FOUND.*ask AWS Partner support"):
            cloud.update(arn, properties(), CEO, time)
        assert 25 < sum(time.pauses) < 40

    def test_sandbox_partner_that_lags_is_not_created_a_second_time(self, cloud: Cloud, between: Between) -> None:
        """It was not wiped."""
        arn = cloud.create(sandbox()).physical_id
        cloud.set_status("UPDATE_IN_PROGRESS")
        self.lose(between, "get_partner", times=4)
        changed = sandbox(AllianceLeadContact=contact(BusinessTitle="CEO"))
        assert cloud.update(arn, sandbox(), changed).physical_id == arn
        assert writes(cloud) == ["CreatePartner", "TagResource", "PutAllianceLeadContact"]

    def lose(self, between: Between, operation: str, times: int) -> None:
        """The service doesn't find the partner at the first calls of an operation."""
        left = iter(range(times))

        def other_partner(named: str, members: dict[str, Any]) -> dict[str, Any]:
            if named != operation or next(left, None) is None:
                return members
            found: dict[str, Any] = replaced(members, r"partner-\w{13}$", "partner-0000000000000")
            return found

        between.request = other_partner


class TestCreateDeliveredAgain:
    """A Create that was answered long ago comes once more, while the stack is updated."""

    LATER = properties(AllianceLeadContact=contact(BusinessTitle="CEO"), Tags=[{"Key": "team", "Value": "sales"}])

    def deployed(self, cloud: Cloud) -> str:
        """A partner that a later deployment has changed, in a stack that shows it; another deployment is going on."""
        cloud.prepare()
        arn = cloud.create(properties()).physical_id
        cloud.begin_deployment()
        cloud.update(arn, properties(), self.LATER)
        cloud.set_outputs(PartnerArn=arn, PartnerProfileId=partners(cloud)[0].profile_id)
        cloud.begin_deployment()
        return arn

    def test_it_writes_nothing_where_the_stack_shows_the_partner(self, cloud: Cloud) -> None:
        """Neither tags nor contact go back to what they were at first."""
        arn = self.deployed(cloud)
        mark = len(cloud.operations())
        assert cloud.create(properties()).physical_id == arn
        assert writes(cloud, mark) == []
        assert partners(cloud)[0].contact == contact(BusinessTitle="CEO")
        assert partners(cloud)[0].tags["team"] == "sales"

    def test_stack_that_does_not_show_it_yet_gets_what_its_template_says(self, cloud: Cloud) -> None:
        """A lost answer, or a stack that was deleted: there the Create is the first that counts."""
        self.deployed(cloud)
        cloud.recreate_stack()
        cloud.create(properties())
        assert partners(cloud)[0].contact == contact()
        assert partners(cloud)[0].tags["team"] == "alliances"

    def test_partner_that_moves_within_the_stack_by_adoption_is_written_to(self, cloud: Cloud) -> None:
        """The stack shows it as the former construct's; the new one takes it over."""
        arn = self.deployed(cloud)
        adopt = {"ExistingPartnerId": partners(cloud)[0].id}
        moved = properties(Owner={"StackName": "Root", "ConstructPath": "Company"}, **adopt)
        before = partners(cloud)[0].tags[OWNER_TAG]
        assert cloud.create(moved, LogicalResourceId="Company").physical_id == arn
        assert partners(cloud)[0].contact == contact()
        assert partners(cloud)[0].tags[OWNER_TAG] != before
