"""Whose a partner is in the Sandbox: by its ownership tag if that is taken, and by its legal name otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from partner_account_handler.errors import CallError, PartnerError
from partner_account_handler.identity import OWNER_TAG, Owner
from partner_central_simulator import FaultKind, Readings
from tests.handler.cloud import Cloud, Deployed, VirtualTime, contact, open_cloud, sandbox

RENAMED = sandbox(LegalName="Another Corp")
MOVED = sandbox(Owner={"StackName": "Root", "ConstructPath": "Company"})
CEO = sandbox(AllianceLeadContact=contact(BusinessTitle="CEO"))
FAILURES = ["access-denied", "internal-error", "throttle", "cut", "garbled", "unavailable"]


def tag_of(cloud: Cloud, path: str = "Partner", stack: str = "Root") -> dict[str, str]:
    """The ownership tag of a construct."""
    return {OWNER_TAG: Owner.of(cloud.stack_id, stack, path).to_tag()}


def tags(cloud: Cloud) -> list[dict[str, str]]:
    """The tags of each partner."""
    return [partner.tags for partner in cloud.partners]


@pytest.fixture
def tagging(moto_url: str) -> Iterator[Cloud]:
    """A Sandbox that accepts tags after creation, and several partners: names alone prevent a second one."""
    with open_cloud(moto_url, readings=Readings(sandbox_takes_tags_later=True, one_partner_per_catalog=False)) as cloud:
        yield cloud


class TestWithoutTags:
    """The Sandbox in the stricter reading: it accepts no tags at all."""

    def test_create_and_update_try_the_tag_once(self, cloud: Cloud) -> None:
        """No mail is needed, the tag is tried once after creation, and an Update reads the tags once."""
        deployed = Deployed(cloud, sandbox())
        assert "catalog/Sandbox/" in deployed.arn
        assert cloud.operations() == ["ListPartners", "CreatePartner", "TagResource", "GetProfileVisibility"]
        assert tags(cloud) == [{}]
        mark = cloud.mark
        deployed.update(sandbox(), sandbox())
        reads = ["GetPartner", "ListTagsForResource", "GetAllianceLeadContact", "GetProfileVisibility"]
        assert cloud.operations(mark) == reads

    def test_contact_is_changed_without_a_mail(self, cloud: Cloud) -> None:
        """And without tags."""
        deployed = Deployed(cloud, sandbox())
        deployed.update(sandbox(), sandbox(AllianceLeadContact=contact(Email="ann@example.com")))
        assert deployed.writes() == ["PutAllianceLeadContact"]

    def test_new_partner_is_the_answer_in_case_of_a_time_out_before_its_tag_is_tried(self, cloud: Cloud) -> None:
        """Once CreatePartner has answered nothing may make the Create fail, a call that hangs neither."""
        written: list[list[str]] = []
        cloud.deliver(cloud.event("Create", sandbox()), None, lambda _: written.append(cloud.writes()))
        assert written == [["CreatePartner"]]

    def test_partner_that_an_update_created_is_answered_though_its_profile_id_is_unknown(self, cloud: Cloud) -> None:
        """Of another partner the stack may show one: it is not this one's."""
        deployed = Deployed(cloud, sandbox())
        cloud.set_outputs(PartnerArn=deployed.arn, PartnerProfileId=deployed.partner.profile_id)
        cloud.set_status("UPDATE_IN_PROGRESS")
        cloud.account.delete_partner(deployed.partner.id)
        for operation in ("CreatePartner", "GetPartner", "GetProfileVisibility"):
            cloud.fail(operation, "no-profile-id", times=None)
        cloud.fail("GetProfileVisibility", "internal-error", times=None)
        answer = deployed.update(sandbox(), CEO)
        assert answer.physical_id == cloud.partners[0].arn != deployed.arn
        assert answer.data["ProfileId"] == "pending"

    def test_rollback_does_not_replace_a_partner_that_was_wiped(self, cloud: Cloud) -> None:
        """A stack that rolls back waits for nothing new."""
        deployed = Deployed(cloud, sandbox())
        cloud.account.delete_partner(deployed.partner.id)
        assert deployed.roll_back(sandbox(), sandbox()).physical_id == deployed.arn
        assert cloud.partners == []

    def test_partners_whose_names_fold_alike_are_chosen_from_by_id(self, cloud: Cloud) -> None:
        """There are no tags to remove."""
        first = cloud.add_partner(catalog="Sandbox")
        cloud.add_partner("EXAMPLE CORP", catalog="Sandbox")
        with pytest.raises(PartnerError, match="SeveralPartners.*existing_partner_id"):
            cloud.create(sandbox())
        assert cloud.create(sandbox(ExistingPartnerId=first.id)).physical_id == first.arn


class TestWhereTagsAreTaken:
    """Ownership is as in catalog AWS."""

    def test_new_partner_is_tagged_right_after_creation(self, tagging: Cloud) -> None:
        """The template's own tags are not sent."""
        tagging.create(sandbox(Tags=[{"Key": "team", "Value": "alliances"}]))
        assert tagging.operations() == ["ListPartners", "CreatePartner", "TagResource", "GetProfileVisibility"]
        assert tags(tagging) == [tag_of(tagging)]

    def test_partner_is_found_by_its_tag_whatever_its_name(self, tagging: Cloud) -> None:
        """A stack that was deleted is deployed with a corrected legal name; that a human has one of it is no matter."""
        arn = tagging.create(sandbox()).physical_id
        tagging.add_partner("Another Corp", catalog="Sandbox")
        tagging.recreate_stack()
        assert tagging.create(RENAMED).physical_id == arn
        assert tagging.writes() == ["CreatePartner", "TagResource"]

    def test_redelivered_create_finds_the_partner_and_writes_nothing(self, tagging: Cloud) -> None:
        """One partner, one tag."""
        answers = [tagging.create(sandbox(), RequestId="once") for _ in range(2)]
        assert answers[0] == answers[1]
        assert tagging.operations().count("TagResource") == 1

    def test_untagged_partner_of_the_legal_name_is_taken_and_tagged(self, tagging: Cloud) -> None:
        """Created by a person, or by a former version of this package."""
        made = tagging.add_partner("EXAMPLE  Corp", catalog="Sandbox")
        assert tagging.create(sandbox()).physical_id == made.arn
        assert tags(tagging) == [tag_of(tagging)]

    def test_partner_of_another_owner_is_not_adopted_by_its_name(self, tagging: Cloud) -> None:
        """Another could not be created under that name: it is refused before CreatePartner, and can be adopted."""
        tagging.create(sandbox())
        other = tagging.new_stack("Other")
        elsewhere = {"Owner": {"StackName": "Other", "ConstructPath": "Partner"}}
        mark = tagging.mark
        with pytest.raises(PartnerError, match="PartnerExists: .*another owner.*existing_partner_id"):
            tagging.create(sandbox(**elsewhere), StackId=other)
        assert tagging.writes(mark) == []
        (partner,) = tagging.partners
        adopting = sandbox(**elsewhere, ExistingPartnerId=partner.id)
        assert tagging.create(adopting, StackId=other).physical_id == partner.arn
        assert tags(tagging) == [tag_of(tagging, stack="Other")]

    @pytest.mark.parametrize("tagged", [True, False])
    def test_redelivered_create_writes_nothing_if_the_stack_shows_the_partner(
        self, tagging: Cloud, tagged: bool
    ) -> None:
        """It was answered long ago, with the tag or without it."""
        arn = tagging.create(sandbox(), RequestId="once").physical_id
        tagging.set_outputs(PartnerArn=arn)
        tagging.set_status("UPDATE_IN_PROGRESS")
        if not tagged:
            tagging.account.untag_partner(tagging.partners[0].id, OWNER_TAG)
        tagging.account.change_contact(tagging.partners[0].id, BusinessTitle="CTO")
        mark = tagging.mark
        assert tagging.create(sandbox(), RequestId="once").physical_id == arn
        assert tagging.writes(mark) == []

    @pytest.mark.parametrize("known_by", ["the list", "the stack"])
    def test_client_token_of_another_owners_partner_leaves_its_tag_unchanged(
        self, tagging: Cloud, known_by: str
    ) -> None:
        """CreatePartner answers its first result again, which was renamed and taken over meanwhile.

        Found by random lives: the list may lag, where only the stack shows that it is not a new one.
        """
        arn = tagging.create(sandbox(), RequestId="once").physical_id
        (partner,) = tagging.partners
        tagging.account.rename_partner(partner.id, "Renamed Corp")
        tagging.account.tag_partner(partner.id, tag_of(tagging, stack="Other"))
        if known_by == "the stack":
            tagging.set_outputs(PartnerArn=arn)
            tagging.fail("ListPartners", "lagging-list", times=None, seconds=3600)
        assert tagging.create(sandbox(), RequestId="once").physical_id == arn
        assert tags(tagging) == [tag_of(tagging, stack="Other")]

    def test_update_of_a_partner_of_another_stack_is_refused(self, tagging: Cloud) -> None:
        """As in catalog AWS."""
        deployed = Deployed(tagging, sandbox())
        tagging.account.tag_partner(deployed.partner.id, tag_of(tagging, stack="Other"))
        with pytest.raises(PartnerError, match="OtherOwner"):
            deployed.update(sandbox(), CEO)
        assert deployed.writes() == []

    def test_another_construct_id_moves_the_tag_and_its_rollback_moves_it_back(self, tagging: Cloud) -> None:
        """So the next Create of the construct finds the partner."""
        deployed = Deployed(tagging, sandbox())
        deployed.update(sandbox(), MOVED)
        moved = Owner.from_tag(deployed.partner.tags[OWNER_TAG])
        assert moved.is_same_construct(Owner.of(tagging.stack_id, "Root", "Company"))
        deployed.roll_back(MOVED, sandbox())
        assert tags(tagging) == [tag_of(tagging)]
        assert deployed.writes() == ["TagResource", "TagResource"]

    def test_update_leaves_a_partner_without_the_tag_as_it_is(self, tagging: Cloud) -> None:
        """Two stacks may share it by its legal name, from before there were tags: neither is locked out."""
        deployed = Deployed(tagging, sandbox())
        tagging.account.untag_partner(deployed.partner.id, OWNER_TAG)
        deployed.update(sandbox(), CEO)
        assert deployed.writes() == ["PutAllianceLeadContact"]

    def test_wiped_partner_is_created_again_and_tagged(self, tagging: Cloud) -> None:
        """Its data is refreshed about yearly; CloudFormation then sees a replacement."""
        deployed = Deployed(tagging, sandbox())
        tagging.account.delete_partner(deployed.partner.id)
        answer = deployed.update(sandbox(), CEO)
        assert (answer.physical_id != deployed.arn, answer.report.outcome.value) == (True, "Created")
        assert [partner.arn for partner in tagging.partners] == [answer.physical_id]
        assert tags(tagging) == [tag_of(tagging)]

    def test_two_partners_of_one_owner_are_chosen_from_by_a_human(self, tagging: Cloud) -> None:
        """Somebody has copied the tag."""
        tagging.create(sandbox())
        copied = tagging.add_partner("Another Corp", catalog="Sandbox", tags=tag_of(tagging))
        tagging.recreate_stack()
        with pytest.raises(PartnerError, match=r"SeveralPartners.*Remove the cdk-partner-account:owner tag"):
            tagging.create(sandbox())
        tagging.account.untag_partner(copied.id, OWNER_TAG)
        assert tagging.create(sandbox()).physical_id != copied.arn


class TestTagsThatFail:
    """No tagging failure fails a deployment, however the Sandbox refuses: then the legal name decides."""

    @pytest.mark.parametrize("kind", FAILURES)
    @pytest.mark.parametrize("takes_tags", [True, False])
    def test_create_and_update_succeed_with_one_partner_though_its_tags_fail(
        self, moto_url: str, kind: str, takes_tags: bool
    ) -> None:
        """Within the time of an invocation."""
        assert kind in set(FaultKind)
        with open_cloud(moto_url, readings=Readings(sandbox_takes_tags_later=takes_tags)) as cloud:
            for operation in ("TagResource", "ListTagsForResource"):
                cloud.fail(operation, kind, times=None)
            deployed = Deployed(cloud, sandbox())
            assert deployed.update(sandbox(), CEO).physical_id == deployed.arn
            cloud.recreate_stack()
            time = VirtualTime()
            assert cloud.create(CEO, time).physical_id == deployed.arn
            assert time.seconds > 100
            assert [partner.contact for partner in cloud.partners] == [contact(BusinessTitle="CEO")]

    def test_tag_is_tried_once(self, tagging: Cloud) -> None:
        """The answer to CloudFormation doesn't wait for it."""
        tagging.fail("TagResource", "throttle", times=None)
        time = VirtualTime()
        tagging.create(sandbox(), time)
        assert (tagging.writes(), time.pauses) == (["CreatePartner", "TagResource"], [])

    def test_no_tag_is_written_if_tags_cannot_be_read(self, tagging: Cloud) -> None:
        """It might replace another owner's."""
        made = tagging.add_partner(catalog="Sandbox", tags=tag_of(tagging, stack="Other"))
        tagging.fail("ListTagsForResource", "access-denied", times=None)
        assert tagging.create(sandbox()).physical_id == made.arn
        assert "TagResource" not in tagging.operations()
        assert tagging.operations().count("ListTagsForResource") > 1, "a new policy may not have reached all of AWS yet"

    @pytest.mark.parametrize("one_partner_per_catalog", [True, False])
    def test_refused_tags_are_not_requested_again_and_none_is_written(
        self, moto_url: str, one_partner_per_catalog: bool
    ) -> None:
        """Neither before CreatePartner is called once more, nor while the list is polled after its refusal."""
        readings = Readings(sandbox_takes_tags_later=True, one_partner_per_catalog=one_partner_per_catalog)
        with open_cloud(moto_url, readings=readings) as cloud:
            cloud.add_partner("Another Corp", catalog="Sandbox")
            cloud.fail("ListTagsForResource", "access-denied", times=None)
            if one_partner_per_catalog:
                with pytest.raises(CallError, match="DUPLICATE_PARTNER"):
                    cloud.create(sandbox())
            else:
                cloud.fail("CreatePartner", "throttle", times=2)
                cloud.create(sandbox())
            operations = cloud.operations()
            later = operations[operations.index("CreatePartner") :]
            assert later.count("ListPartners") > 1
            assert {"ListTagsForResource", "TagResource"}.isdisjoint(later)

    def test_transient_failure_to_read_tags_is_retried(self, tagging: Cloud) -> None:
        """Else a corrected legal name would make a second partner."""
        arn = tagging.create(sandbox()).physical_id
        tagging.recreate_stack()
        tagging.fail("ListTagsForResource", "internal-error", times=3)
        assert tagging.create(RENAMED).physical_id == arn
