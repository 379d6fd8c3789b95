"""Whose a partner is in the Sandbox: by its ownership tag if that is taken, and by its legal name otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from partner_account_handler.errors import PartnerError
from partner_account_handler.identity import OWNER_TAG, Owner
from partner_central_simulator import FaultKind, Readings
from tests.handler.cloud import Cloud, VirtualTime, contact, open_cloud, sandbox
from tests.handler.test_create import partners
from tests.handler.test_update import Deployed

RENAMED = sandbox(LegalName="Another Corp")
MOVED = sandbox(Owner={"StackName": "Root", "ConstructPath": "Company"})
FAILURES = ["access-denied", "internal-error", "throttle", "cut", "garbled", "unavailable"]


def owner_of(cloud: Cloud, path: str = "Partner", stack: str = "Root") -> str:
    """The ownership tag of a construct."""
    return Owner.of(cloud.stack_id, stack, path).to_tag()


@pytest.fixture
def tagging(moto_url: str) -> Iterator[Cloud]:
    """A Sandbox that takes tags after creation, and several partners in an account: names alone stop a second one."""
    with open_cloud(moto_url, readings=Readings(sandbox_takes_tags_later=True, one_partner_per_catalog=False)) as cloud:
        yield cloud


class TestWhereTagsAreTaken:
    """Ownership is as in catalog AWS."""

    def test_new_partner_is_tagged_right_after_creation(self, tagging: Cloud) -> None:
        """The template's own tags are not sent; one request more than without."""
        tagging.create(sandbox(Tags=[{"Key": "team", "Value": "alliances"}]))
        assert tagging.operations() == ["ListPartners", "CreatePartner", "TagResource", "GetProfileVisibility"]
        assert [partner.tags for partner in partners(tagging)] == [{OWNER_TAG: owner_of(tagging)}]

    def test_partner_is_found_by_its_tag_whatever_its_name(self, tagging: Cloud) -> None:
        """A stack that was deleted is deployed with a corrected legal name: no second partner comes of it."""
        arn = tagging.create(sandbox()).physical_id
        tagging.recreate_stack()
        mark = tagging.simulator.mark()
        assert tagging.create(RENAMED).physical_id == arn
        assert len(partners(tagging)) == 1
        received = [request.operation for request in tagging.simulator.requests_since(mark)]
        assert received == ["ListPartners", "ListTagsForResource", "GetAllianceLeadContact", "GetProfileVisibility"]

    def test_redelivered_create_finds_the_partner_and_writes_nothing(self, tagging: Cloud) -> None:
        """One partner, one tag."""
        answers = [tagging.create(sandbox(), RequestId="once") for _ in range(2)]
        assert answers[0] == answers[1]
        assert tagging.operations().count("TagResource") == 1

    def test_tagged_partner_comes_before_an_untagged_one_of_the_wanted_name(self, tagging: Cloud) -> None:
        """The one without a tag is a human's."""
        arn = tagging.create(sandbox()).physical_id
        tagging.simulator.account("123456789012").add_partner("Another Corp", catalog="Sandbox")
        tagging.recreate_stack()
        assert tagging.create(RENAMED).physical_id == arn

    def test_untagged_partner_of_the_legal_name_is_taken_and_tagged(self, tagging: Cloud) -> None:
        """Made by a human, or by a former version of this package."""
        made = tagging.simulator.account("123456789012").add_partner("EXAMPLE  Corp", catalog="Sandbox")
        assert tagging.create(sandbox()).physical_id == made.arn
        assert [partner.tags for partner in partners(tagging)] == [{OWNER_TAG: owner_of(tagging)}]

    def test_partner_of_another_owner_is_not_taken_by_its_name(self, tagging: Cloud) -> None:
        """Another could not be created under that name: it is said before CreatePartner, and adopting helps."""
        tagging.create(sandbox())
        other = tagging.new_stack("Other")
        elsewhere = {"Owner": {"StackName": "Other", "ConstructPath": "Partner"}}
        mark = tagging.simulator.mark()
        with pytest.raises(PartnerError, match="PartnerExists: .*another owner.*existing_partner_id"):
            tagging.create(sandbox(**elsewhere), StackId=other)
        assert "CreatePartner" not in [request.operation for request in tagging.simulator.requests_since(mark)]
        (partner,) = partners(tagging)
        assert partner.tags == {OWNER_TAG: owner_of(tagging)}
        adopting = partner.id
        assert (
            tagging.create(sandbox(**elsewhere, ExistingPartnerId=adopting), StackId=other).physical_id == partner.arn
        )
        assert partners(tagging)[0].tags == {OWNER_TAG: owner_of(tagging, stack="Other")}

    def test_create_delivered_again_after_the_partner_went_to_another_name_writes_nothing(self, tagging: Cloud) -> None:
        """The stack shows the partner, so this Create was answered long ago, with the tag or without it."""
        arn = tagging.create(sandbox(), RequestId="once").physical_id
        tagging.set_outputs(PartnerArn=arn)
        tagging.set_status("UPDATE_IN_PROGRESS")
        desk = tagging.simulator.account("123456789012")
        for untag in (False, True):
            if untag:
                desk.untag_partner(partners(tagging)[0].id, OWNER_TAG)
            desk.change_contact(partners(tagging)[0].id, BusinessTitle="CTO")
            mark = tagging.simulator.mark()
            assert tagging.create(sandbox(), RequestId="once").physical_id == arn
            received = {request.operation for request in tagging.simulator.requests_since(mark)}
            assert not received & {"PutAllianceLeadContact", "TagResource"}

    def test_client_token_that_leads_to_another_owners_partner_leaves_its_tag(self, tagging: Cloud) -> None:
        """CreatePartner answers its first result again, which was renamed and taken over meanwhile."""
        tagging.create(sandbox(), RequestId="once")
        desk = tagging.simulator.account("123456789012")
        (partner,) = partners(tagging)
        desk.rename_partner(partner.id, "Renamed Corp")
        desk.tag_partner(partner.id, {OWNER_TAG: owner_of(tagging, stack="Other")})
        assert tagging.create(sandbox(), RequestId="once").physical_id == partner.arn
        assert partners(tagging)[0].tags == {OWNER_TAG: owner_of(tagging, stack="Other")}

    def test_update_of_a_partner_of_another_stack_is_refused(self, tagging: Cloud) -> None:
        """As in catalog AWS."""
        deployed = Deployed(tagging, sandbox())
        deployed.desk.tag_partner(deployed.partner.id, {OWNER_TAG: owner_of(tagging, stack="Other")})
        with pytest.raises(PartnerError, match="OtherOwner"):
            deployed.update(sandbox(), sandbox(AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert deployed.writes() == []

    def test_update_with_another_construct_id_moves_the_tag_and_its_rollback_moves_it_back(
        self, tagging: Cloud
    ) -> None:
        """So the next Create of the construct finds the partner."""
        deployed = Deployed(tagging, sandbox())
        deployed.update(sandbox(), MOVED)
        assert (
            Owner.from_tag(deployed.partner.tags[OWNER_TAG]).path == Owner.from_tag(owner_of(tagging, "Company")).path
        )
        tagging.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        deployed.update(MOVED, sandbox())
        assert Owner.from_tag(deployed.partner.tags[OWNER_TAG]).path == Owner.from_tag(owner_of(tagging)).path
        assert deployed.writes() == ["TagResource", "TagResource"]

    def test_update_leaves_a_partner_without_the_tag_as_it_is(self, tagging: Cloud) -> None:
        """Two stacks may share it by its legal name, from before there were tags: neither is locked out."""
        deployed = Deployed(tagging, sandbox())
        deployed.desk.untag_partner(deployed.partner.id, OWNER_TAG)
        deployed.update(sandbox(), sandbox(AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert deployed.writes() == ["PutAllianceLeadContact"]

    def test_partner_that_was_wiped_is_created_anew_and_tagged(self, tagging: Cloud) -> None:
        """Its data is refreshed about yearly."""
        deployed = Deployed(tagging, sandbox())
        deployed.desk.delete_partner(deployed.partner.id)
        deployed.update(sandbox(), sandbox(AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert [partner.tags for partner in partners(tagging)] == [{OWNER_TAG: owner_of(tagging)}]

    def test_two_partners_of_one_owner_are_chosen_from_by_a_human(self, tagging: Cloud) -> None:
        """Somebody has copied the tag."""
        tagging.create(sandbox())
        copied = tagging.simulator.account("123456789012").add_partner(
            "Another Corp", catalog="Sandbox", tags={OWNER_TAG: owner_of(tagging)}
        )
        tagging.recreate_stack()
        with pytest.raises(PartnerError, match=r"SeveralPartners.*Remove the cdk-partner-account:owner tag"):
            tagging.create(sandbox())
        tagging.simulator.account("123456789012").untag_partner(copied.id, OWNER_TAG)
        assert tagging.create(sandbox()).physical_id != copied.arn


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("takes_tags", [True, False])
class TestTagsThatFail:
    """No failure of a tag fails a deployment, in whatever way the Sandbox refuses: the legal name decides then."""

    @pytest.fixture
    def cloud(self, moto_url: str, kind: str, *, takes_tags: bool) -> Iterator[Cloud]:
        """A Sandbox whose tag operations fail for ever."""
        assert kind in set(FaultKind)
        with open_cloud(moto_url, readings=Readings(sandbox_takes_tags_later=takes_tags)) as cloud:
            for operation in ("TagResource", "ListTagsForResource"):
                cloud.simulator.faults.add(operation, kind, times=None)
            yield cloud

    def test_create_update_and_create_again_succeed_with_one_partner(self, cloud: Cloud) -> None:
        """Within the time of an invocation."""
        changed = sandbox(AllianceLeadContact=contact(BusinessTitle="CEO"))
        arn = cloud.create(sandbox()).physical_id
        cloud.set_status("UPDATE_IN_PROGRESS")
        assert cloud.update(arn, sandbox(), changed).physical_id == arn
        cloud.recreate_stack()
        time = VirtualTime()
        assert cloud.create(changed, time).physical_id == arn
        assert time.seconds > 100
        assert [partner.contact for partner in partners(cloud)] == [contact(BusinessTitle="CEO")]


def test_no_tag_is_written_where_none_can_be_read(tagging: Cloud) -> None:
    """It might replace another owner's."""
    made = tagging.simulator.account("123456789012").add_partner(
        "Example Corp", catalog="Sandbox", tags={OWNER_TAG: owner_of(tagging, stack="Other")}
    )
    tagging.simulator.faults.add("ListTagsForResource", "access-denied", times=None)
    assert tagging.create(sandbox()).physical_id == made.arn
    assert "TagResource" not in tagging.operations()
    assert tagging.operations().count("ListTagsForResource") > 1, "a new policy may not have reached all of AWS yet"


def test_failure_to_read_tags_for_a_moment_is_waited_for(tagging: Cloud) -> None:
    """Else a corrected legal name would make a second partner."""
    arn = tagging.create(sandbox()).physical_id
    tagging.recreate_stack()
    tagging.simulator.faults.add("ListTagsForResource", "internal-error", times=3)
    assert tagging.create(RENAMED).physical_id == arn


def test_sandbox_that_refuses_tags_is_asked_no_more_than_once_for_each_step(cloud: Cloud) -> None:
    """Once after creation, and an Update reads them once."""
    deployed = Deployed(cloud, sandbox())
    assert cloud.operations() == ["ListPartners", "CreatePartner", "TagResource", "GetProfileVisibility"]
    assert deployed.partner.tags == {}
    mark = cloud.simulator.mark()
    deployed.update(sandbox(), sandbox())
    received: list[Any] = [request.operation for request in cloud.simulator.requests_since(mark)]
    assert received == ["GetPartner", "ListTagsForResource", "GetAllianceLeadContact", "GetProfileVisibility"]
