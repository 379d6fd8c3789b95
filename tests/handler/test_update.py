"""Update, rollback and Delete, told as stories over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from partner_account_handler.errors import CallError, HandlerError, NotWaitingError, PartnerError, RequestError
from partner_account_handler.identity import OWNER_TAG
from partner_central_simulator import ProfileIdAppears, Readings
from tests.handler.cloud import ACCOUNT, EMAIL, Cloud, VirtualTime, contact, open_cloud, properties, sandbox

CEO = properties(AllianceLeadContact=contact(BusinessTitle="CEO"))
NEW_EMAIL = "ann@example.com"
MOVED = properties(AllianceLeadContact=contact(Email=NEW_EMAIL))


class Deployed:
    """A stack whose partner exists, and that is being updated."""

    def __init__(self, cloud: Cloud, first: dict[str, Any]) -> None:
        self.cloud = cloud
        if first["Catalog"] == "AWS":
            cloud.prepare()
        self.arn = cloud.create(first).physical_id
        cloud.set_status("UPDATE_IN_PROGRESS")
        self._mark = cloud.simulator.mark()

    @property
    def partner(self) -> Any:
        """The partner as it is now."""
        return next(partner for partner in self.desk.partners if partner.arn == self.arn)

    @property
    def desk(self) -> Any:
        """The hands of humans on the account."""
        return self.cloud.simulator.account(ACCOUNT)

    def update(self, previous: Any, wanted: dict[str, Any], time: VirtualTime | None = None) -> Any:
        """Delivers an Update."""
        return self.cloud.update(self.arn, previous, wanted, time)

    def writes(self) -> list[str]:
        """The changing operations that Partner Central received since the deployment."""
        received = [request.operation or "" for request in self.cloud.simulator.requests_since(self._mark)]
        return [name for name in received if not name.startswith(("Get", "List", "Send"))]


@pytest.fixture
def deployed(cloud: Cloud) -> Deployed:
    """In catalog AWS."""
    return Deployed(cloud, properties())


@pytest.fixture
def in_sandbox(cloud: Cloud) -> Deployed:
    """In the Sandbox."""
    return Deployed(cloud, sandbox())


class TestContact:
    """The alliance lead contact."""

    def test_a_changed_title_is_written_once_without_a_code(self, deployed: Deployed) -> None:
        """A repeated delivery finds it done."""
        answers = [deployed.update(properties(), CEO) for _ in range(2)]
        assert deployed.writes() == ["PutAllianceLeadContact"]
        assert deployed.partner.contact == contact(BusinessTitle="CEO")
        assert answers[0] == answers[1]
        assert answers[0].physical_id == deployed.arn
        assert answers[0].data["ProfileId"] == deployed.partner.profile_id

    def test_a_changed_email_is_proved_by_its_code(self, deployed: Deployed) -> None:
        """The code that was sent to the new address."""
        deployed.cloud.prepare(NEW_EMAIL)
        deployed.update(properties(), MOVED)
        assert deployed.partner.contact == contact(Email=NEW_EMAIL)

    def test_where_no_code_is_needed_sending_one_does_no_harm(self, moto_url: str) -> None:
        """The other reading of an undocumented rule."""
        with open_cloud(moto_url, readings=Readings(new_contact_email_needs_code=False)) as cloud:
            deployed = Deployed(cloud, properties())
            cloud.prepare(NEW_EMAIL)
            deployed.update(properties(), MOVED)
            assert deployed.partner.contact == contact(Email=NEW_EMAIL)

    def test_where_each_change_needs_a_code_it_is_sent_when_it_is_asked_for(self, moto_url: str) -> None:
        """A third reading: the address stays, and must be confirmed all the same."""
        with open_cloud(moto_url, readings=Readings(any_contact_change_needs_code=True)) as cloud:
            deployed = Deployed(cloud, properties())
            cloud.prepare()
            deployed.update(properties(), CEO)
            assert deployed.partner.contact == contact(BusinessTitle="CEO")

    def test_a_lost_answer_after_the_change_is_no_failure(self, deployed: Deployed) -> None:
        """The code is used up then, and a repeated call alone would fail for it."""
        deployed.cloud.prepare(NEW_EMAIL)
        deployed.cloud.simulator.faults.add("PutAllianceLeadContact", "cut", after_commit=True)
        deployed.update(properties(), MOVED)
        assert deployed.partner.contact == contact(Email=NEW_EMAIL)

    def test_a_wrong_code_fails_with_its_remedy_and_changes_nothing(self, deployed: Deployed) -> None:
        """Nothing was lost: the former contact stands."""
        with pytest.raises(CallError, match="Request a new code"):
            deployed.update(properties(), MOVED)
        assert deployed.partner.contact == contact()

    def test_a_change_by_a_human_is_left_alone(self, deployed: Deployed) -> None:
        """The template did not change it."""
        deployed.desk.change_contact(deployed.partner.id, BusinessTitle="CTO")
        deployed.update(properties(), properties(Tags=[{"Key": "team", "Value": "sales"}]))
        assert deployed.writes() == ["TagResource"]
        assert deployed.partner.contact == contact(BusinessTitle="CTO")


class TestTags:
    """The template's tags, beside those of others."""

    def test_tags_are_set_and_removed_as_the_template_says(self, deployed: Deployed) -> None:
        """Foreign tags and the ownership tag stay."""
        deployed.desk.tag_partner(deployed.partner.id, {"foreign": "1"})
        owner = deployed.partner.tags[OWNER_TAG]
        after = properties(Tags=[{"Key": "cost", "Value": "7"}])
        for _ in range(2):
            deployed.update(properties(), after)
        assert deployed.writes() == ["UntagResource", "TagResource"]
        assert deployed.partner.tags == {"foreign": "1", "cost": "7", OWNER_TAG: owner}

    def test_more_keys_than_one_call_takes_are_removed_in_several(self, deployed: Deployed) -> None:
        """UntagResource takes fifty."""
        many = properties(Tags=[{"Key": f"k{number}", "Value": ""} for number in range(120)])
        deployed.update(properties(Tags=[]), many)
        deployed.update(many, properties(Tags=[]))
        assert deployed.writes() == ["TagResource", *["UntagResource"] * 3]
        assert set(deployed.partner.tags) == {"team", OWNER_TAG}

    def test_one_of_the_most_tags_may_be_renamed(self, deployed: Deployed) -> None:
        """199 and the ownership tag are all that the service bears: the former key goes first."""
        most = [{"Key": f"k{number}", "Value": ""} for number in range(199)]
        before, after = properties(Tags=most), properties(Tags=[*most[:-1], {"Key": "renamed", "Value": ""}])
        deployed.desk.untag_partner(deployed.partner.id, "team")
        deployed.update(properties(Tags=[]), before)
        deployed.update(before, after)
        assert len(deployed.partner.tags) == 200
        assert "renamed" in deployed.partner.tags

    @pytest.mark.parametrize("ignores_case", [True, False])
    def test_key_whose_case_changes_ends_right(self, moto_url: str, ignores_case: bool) -> None:
        """Whether the service takes Team and team for one key or for two."""
        with open_cloud(moto_url, readings=Readings(tag_keys_ignore_case=ignores_case)) as cloud:
            deployed = Deployed(cloud, properties(Tags=[{"Key": "Team", "Value": "alliances"}]))
            renamed = properties(Tags=[{"Key": "team", "Value": "sales"}])
            for _ in range(2):
                deployed.update(properties(Tags=[{"Key": "Team", "Value": "alliances"}]), renamed)
            assert {key: value for key, value in deployed.partner.tags.items() if key != OWNER_TAG} == {"team": "sales"}

    def test_a_lost_ownership_tag_is_set_again(self, deployed: Deployed) -> None:
        """It is what tells a later Create whose the partner is."""
        owner = deployed.partner.tags[OWNER_TAG]
        deployed.desk.untag_partner(deployed.partner.id, OWNER_TAG)
        deployed.update(properties(), properties())
        assert deployed.partner.tags[OWNER_TAG] == owner

    def test_a_partner_that_another_stack_owns_is_not_written_to(self, deployed: Deployed) -> None:
        """Its tag is a veto."""
        deployed.desk.tag_partner(deployed.partner.id, {OWNER_TAG: "another stack"})
        with pytest.raises(PartnerError, match="OtherOwner.*existing_partner_id"):
            deployed.update(properties(), CEO)
        assert deployed.writes() == []

    def test_the_ownership_tag_is_no_business_of_the_template(self, deployed: Deployed) -> None:
        """The construct refuses it; should it arrive all the same, it is neither set nor removed."""
        before = deployed.partner.tags
        forged = properties(Tags=[*properties()["Tags"], {"Key": OWNER_TAG, "Value": "forged"}])
        deployed.update(properties(), forged)
        deployed.update(forged, properties())
        assert deployed.partner.tags == before

    def test_tags_that_a_human_changed_are_left_alone(self, deployed: Deployed) -> None:
        """The template did not change them."""
        deployed.desk.tag_partner(deployed.partner.id, {"team": "sales"})
        deployed.update(properties(), CEO)
        assert deployed.partner.tags["team"] == "sales"

    def test_a_moved_construct_takes_its_partner_along(self, deployed: Deployed) -> None:
        """Its former place is no other stack."""
        moved = properties(Owner={"StackName": "Root", "ConstructPath": "Nested/Partner"})
        before = deployed.partner.tags[OWNER_TAG]
        deployed.update(properties(), moved)
        assert deployed.writes() == ["TagResource"]
        assert deployed.partner.tags[OWNER_TAG] != before

    def test_old_properties_of_another_shape_count_as_all_changed(self, deployed: Deployed) -> None:
        """Everything that differs is written, nothing is removed."""
        deployed.update({"Name": "Example Corp"}, properties(Tags=[], AllianceLeadContact=contact(LastName="Roe")))
        assert deployed.writes() == ["PutAllianceLeadContact"]
        assert deployed.partner.tags["team"] == "alliances"


class TestCreateOnly:
    """What no API can change."""

    @pytest.mark.parametrize(
        ("prop", "change"),
        [
            ("legal_name", {"LegalName": "Another Corp"}),
            ("primary_solution_type", {"PrimarySolutionType": "TRAINING_SERVICES"}),
            ("catalog", {"Catalog": "Sandbox"}),
        ],
    )
    def test_a_change_is_refused_before_anything_is_written(
        self, deployed: Deployed, prop: str, change: dict[str, str]
    ) -> None:
        """By the name of the prop, with the remedy."""
        with pytest.raises(PartnerError, match=f"CreateOnly: {prop}.*Restore"):
            deployed.update(properties(), {**CEO, **change})
        assert deployed.writes() == []

    def test_all_refused_ones_are_told_at_once(self, deployed: Deployed) -> None:
        """One deployment is enough to learn of all of them."""
        changed = properties(LegalName="Another Corp", PrimarySolutionType="TRAINING_SERVICES")
        with pytest.raises(PartnerError, match="legal_name, primary_solution_type"):
            deployed.update(properties(), changed)

    def test_after_a_renaming_by_support_the_template_can_follow(self, deployed: Deployed) -> None:
        """In whatever case and spacing support wrote it."""
        deployed.desk.rename_partner(deployed.partner.id, "EXAMPLE  Corporation")
        assert deployed.update(properties(), properties(LegalName="Example Corporation")).physical_id == deployed.arn

    def test_a_renaming_alone_stops_no_other_change(self, deployed: Deployed) -> None:
        """Drift is left."""
        deployed.desk.rename_partner(deployed.partner.id, "New Name")
        deployed.update(properties(), CEO)
        assert deployed.writes() == ["PutAllianceLeadContact"]


class TestRollback:
    """No rollback fails for our sake."""

    def test_a_reversed_update_restores_what_it_can(self, deployed: Deployed) -> None:
        """Contact title forth and back."""
        deployed.update(properties(), CEO)
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        deployed.update(CEO, properties())
        assert deployed.partner.contact == contact()

    def test_an_email_that_nobody_can_prove_any_more_is_let_through(self, deployed: Deployed) -> None:
        """The rollback would need a new code for the former address."""
        deployed.cloud.prepare(NEW_EMAIL)
        deployed.update(properties(), MOVED)
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        answer = deployed.update(MOVED, properties())
        assert answer.physical_id == deployed.arn
        assert answer.data["ProfileId"] == deployed.partner.profile_id
        assert deployed.partner.contact["Email"] == NEW_EMAIL

    def test_contact_is_restored_even_if_the_tags_cannot_be(self, deployed: Deployed) -> None:
        """And the log has why."""
        both = {**CEO, "Tags": [{"Key": "team", "Value": "sales"}]}
        deployed.update(properties(), both)
        deployed.cloud.simulator.faults.add("TagResource", "access-denied", times=None)
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        answer = deployed.update(both, properties())
        assert answer.report.outcome.value == "RollbackTolerated"
        assert deployed.partner.contact == contact()

    def test_rollback_of_refused_properties_leaves_the_change_of_a_human(self, deployed: Deployed) -> None:
        """The Update that was refused has written nothing that must be put back."""
        deployed.desk.change_contact(deployed.partner.id, BusinessTitle="CTO")
        refused = properties(AllianceLeadContact=contact(FirstName="J\u200bane"))
        with pytest.raises(RequestError):
            deployed.update(properties(), refused)
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        deployed.update(refused, properties())
        assert deployed.writes() == []

    def test_tags_are_restored_even_if_the_contact_cannot_be(self, deployed: Deployed) -> None:
        """Its code is not even in the store any more."""
        deployed.cloud.prepare(NEW_EMAIL)
        moved = {**MOVED, "Tags": [{"Key": "team", "Value": "sales"}]}
        deployed.update(properties(), moved)
        deployed.cloud.client("ssm").delete_parameter(Name="/partner/code")
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        assert deployed.update(moved, properties()).physical_id == deployed.arn
        assert deployed.partner.tags["team"] == "alliances"
        assert deployed.partner.contact["Email"] == NEW_EMAIL

    @pytest.mark.parametrize("kind", ["internal-error", "cut", "access-denied", "throttle"])
    def test_a_service_that_is_down_stops_no_rollback(self, deployed: Deployed, kind: str) -> None:
        """The profile id is then what the stack said last, since an export in use must not change."""
        arn, profile_id = deployed.arn, deployed.partner.profile_id
        deployed.cloud.set_outputs(PartnerArn=arn, PartnerId=arn.rsplit("/", 1)[1], PartnerProfileId=profile_id)
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        deployed.cloud.simulator.faults.add("*", kind, times=None)
        time = VirtualTime()
        answer = deployed.update(CEO, properties(), time)
        assert answer.physical_id == arn
        assert answer.data == {"Arn": arn, "Id": arn.rsplit("/", 1)[1], "ProfileId": profile_id}
        assert time.seconds >= 0

    def test_the_same_failure_in_an_update_fails(self, deployed: Deployed) -> None:
        """Then the rollback is still to come."""
        deployed.cloud.simulator.faults.add("*", "internal-error", times=None)
        with pytest.raises(CallError, match="InternalServerException"):
            deployed.update(properties(), CEO)

    def test_a_service_that_hangs_stops_no_rollback(self, deployed: Deployed) -> None:
        """Each call takes as long as one may; the answer still comes in time, and with the known profile id."""
        profile_id = deployed.partner.profile_id
        deployed.cloud.set_outputs(PartnerArn=deployed.arn, PartnerProfileId=profile_id)
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        deployed.cloud.simulator.faults.add("*", "cut", times=None)
        time = VirtualTime(each_call=25)
        assert deployed.update(CEO, properties(), time).data["ProfileId"] == profile_id
        assert time.seconds >= 16

    @pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"])
    def test_an_update_that_comes_late_writes_nothing(self, deployed: Deployed, status: str) -> None:
        """It would put old values over what was deployed since."""
        deployed.cloud.set_status(status)
        with pytest.raises(NotWaitingError, match=status):
            deployed.update(properties(), CEO)
        assert deployed.writes() == []

    def test_an_update_of_a_stack_that_cannot_be_asked_goes_on(self, deployed: Deployed) -> None:
        """What it writes can be written back."""
        deployed.cloud.stack_id = deployed.cloud.stack_id.replace("/Root/", "/Root-Gone/")
        deployed.update(properties(), CEO)
        assert deployed.writes() == ["PutAllianceLeadContact"]
        deployed.desk.delete_partner(deployed.partner.id)
        with pytest.raises(CallError, match="PARTNER_NOT_FOUND"):
            deployed.update(CEO, properties())

    def test_what_never_was_stops_no_rollback(self, deployed: Deployed) -> None:
        """Should CloudFormation ever send it: the id stays."""
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        answer = deployed.cloud.update("not-created-1", properties(), properties())
        assert (answer.physical_id, answer.data) == ("not-created-1", {})

    def test_properties_of_another_version_stop_no_rollback(self, deployed: Deployed) -> None:
        """Code and resource may be rolled back together."""
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        assert deployed.update(properties(), {"Name": "older shape"}).physical_id == deployed.arn

    def test_a_partner_that_is_gone_stops_no_rollback_but_an_update(self, deployed: Deployed) -> None:
        """A support case may have removed it."""
        deployed.desk.delete_partner(deployed.partner.id)
        with pytest.raises(CallError, match="PARTNER_NOT_FOUND.*support"):
            deployed.update(properties(), CEO)
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        assert deployed.update(CEO, properties()).physical_id == deployed.arn
        assert deployed.writes() == []


class TestSandbox:
    """Its data is wiped about yearly, and it may take no tags."""

    def test_a_contact_is_changed_there_too(self, in_sandbox: Deployed) -> None:
        """Without a mail and without tags."""
        in_sandbox.update(sandbox(), sandbox(AllianceLeadContact=contact(Email=NEW_EMAIL)))
        assert in_sandbox.writes() == ["PutAllianceLeadContact"]

    def test_a_partner_that_was_wiped_is_created_anew(self, in_sandbox: Deployed) -> None:
        """CloudFormation then sees a replacement."""
        in_sandbox.desk.delete_partner(in_sandbox.partner.id)
        answer = in_sandbox.update(sandbox(), sandbox(AllianceLeadContact=contact(LastName="Roe")))
        assert answer.physical_id != in_sandbox.arn
        assert [partner.arn for partner in in_sandbox.desk.partners] == [answer.physical_id]

    def test_a_partner_of_catalog_aws_that_is_gone_is_never_replaced_there(self, deployed: Deployed) -> None:
        """Its ARN would change, and with it all that was built on it."""
        deployed.desk.delete_partner(deployed.partner.id)
        with pytest.raises(CallError, match="PARTNER_NOT_FOUND"):
            deployed.update(properties(), CEO)
        assert deployed.writes() == []

    def test_nor_when_the_catalog_is_changed(self, deployed: Deployed) -> None:
        """Said before a call: the function may no longer ask about a partner of the former catalog."""
        deployed.cloud.simulator.faults.add("*", "access-denied", times=None)
        with pytest.raises(PartnerError, match="CreateOnly: catalog of partner-"):
            deployed.update(properties(), sandbox())

    def test_not_in_a_rollback(self, in_sandbox: Deployed) -> None:
        """A stack that rolls back waits for nothing new."""
        in_sandbox.desk.delete_partner(in_sandbox.partner.id)
        in_sandbox.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        assert in_sandbox.update(sandbox(), sandbox()).physical_id == in_sandbox.arn
        assert in_sandbox.desk.partners == []


class TestProfileId:
    """It may come late."""

    def test_the_next_update_answers_the_real_one(self, moto_url: str) -> None:
        """After the placeholder."""
        with open_cloud(moto_url, readings=Readings(profile_id=ProfileIdAppears.AT_ONCE)) as cloud:
            for operation in ("CreatePartner", "GetPartner", "GetProfileVisibility"):
                cloud.simulator.faults.add(operation, "no-profile-id", times=None)
            deployed = Deployed(cloud, properties())
            cloud.simulator.faults.clear()
            assert deployed.update(properties(), properties()).data["ProfileId"] == deployed.partner.profile_id

    def test_a_known_one_never_falls_back_to_the_placeholder(self, deployed: Deployed) -> None:
        """The stack's own output remembers it."""
        known = deployed.partner.profile_id
        deployed.cloud.set_outputs(PartnerArn=deployed.arn, PartnerProfileId=known)
        deployed.cloud.set_status("UPDATE_IN_PROGRESS")
        for operation in ("GetPartner", "GetProfileVisibility"):
            deployed.cloud.simulator.faults.add(operation, "no-profile-id", times=None)
        assert deployed.update(properties(), CEO).data["ProfileId"] == known


@pytest.mark.parametrize("physical_id", ["not-created-1", "Root-Partner-1A2B3C4D", "arn:aws:sns:us-east-1:1:t"])
def test_an_update_of_what_never_was_is_an_error_with_a_remedy(cloud: Cloud, physical_id: str) -> None:
    """CloudFormation should not send it; if it does, nothing is created behind its back."""
    cloud.set_status("UPDATE_IN_PROGRESS")
    with pytest.raises(PartnerError, match="NoPartner"):
        cloud.update(physical_id, properties(), properties())
    assert cloud.operations() == []


@pytest.mark.parametrize("ours", [True, False])
def test_delete_changes_nothing_and_always_succeeds(deployed: Deployed, ours: bool) -> None:
    """Whatever id is named, and whatever the properties are."""
    named = deployed.arn if ours else "Root-Partner-MADEUP"
    event = deployed.cloud.event("Delete", {}, PhysicalResourceId=named)
    assert deployed.cloud.deliver(event).physical_id == named
    assert deployed.writes() == []
    assert deployed.partner.arn == deployed.arn


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, str):
        yield value


def test_errors_of_an_update_carry_nothing_of_the_user(deployed: Deployed) -> None:
    """Even if the service echoes it all."""
    deployed.cloud.simulator.faults.add("*", "echo", times=None)
    with pytest.raises(HandlerError) as caught:
        deployed.update(properties(), MOVED)
    for text in (*_texts(contact(Email=NEW_EMAIL)), "Example Corp", EMAIL):
        assert text not in str(caught.value)
