"""Whose a partner is: no construct of its stack is locked out of it, and no other stack gets in."""

from __future__ import annotations

from typing import Any

import pytest

from partner_account_handler.errors import CodeError, HandlerError, PartnerError, RequestError
from partner_account_handler.identity import OWNER_TAG, Owner
from partner_account_handler.partner import Partner
from partner_account_handler.reconcile import owner_change
from tests.handler.cloud import Cloud, contact, properties
from tests.handler.test_create import add_partner
from tests.handler.test_update import Deployed

FORWARD, BACKWARD = "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"
ARN = "arn:aws:partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-0000000000001"


def at(path: str, **changes: Any) -> dict[str, Any]:
    """The properties of the construct at a path of its stack."""
    return properties(Owner={"StackName": "Root", "ConstructPath": path}, **changes)


FORMER, TRIED = at("Partner"), at("Company")


@pytest.fixture
def deployed(cloud: Cloud) -> Deployed:
    """A partner that the construct Partner of the stack Root has made; the stack is being updated."""
    return Deployed(cloud, FORMER)


def path_of(deployed: Deployed) -> str:
    """The construct path of the ownership tag, by its name."""
    owner = Owner.from_tag(deployed.partner.tags[OWNER_TAG])
    names = {Owner.of(deployed.cloud.stack_id, "Root", path).path: path for path in ("Partner", "Company", "Third")}
    return names[owner.path]


def step(deployed: Deployed, status: str, previous: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Delivers an Update in a status of the stack."""
    deployed.cloud.set_status(status)
    deployed.update(previous, wanted)


class TestAnotherConstructId:
    """Another construct id was tried and rolled back; the next deployment has the former one, or tries again."""

    def still_ours(self, deployed: Deployed) -> None:
        """The stack still manages the partner, and its template's path stands in the tag afterwards."""
        changed = at("Partner", AllianceLeadContact=contact(BusinessTitle="CEO"))
        deployed.cloud.begin_deployment()
        deployed.update(FORMER, changed)
        assert deployed.partner.contact == contact(BusinessTitle="CEO")
        assert path_of(deployed) == "Partner"

    @pytest.mark.parametrize("again", [1, 2])
    def test_forward_update_delivered_again_during_the_rollback_leads_not_away(
        self, deployed: Deployed, again: int
    ) -> None:
        """Before the reversed Update, or after it: the tag names the path that the stack's template has."""
        steps = [(FORWARD, FORMER, TRIED), (BACKWARD, TRIED, FORMER)]
        steps.insert(again, (BACKWARD, FORMER, TRIED))
        for one in steps:
            step(deployed, *one)
        assert path_of(deployed) == "Partner"
        self.still_ours(deployed)

    def test_rollback_whose_tag_resource_fails_leaves_the_partner_to_its_stack(self, deployed: Deployed) -> None:
        """It is let through, the tag names the path that was tried, and the next deployment rewrites it."""
        step(deployed, FORWARD, FORMER, TRIED)
        deployed.cloud.simulator.faults.add("TagResource", "access-denied", times=None)
        step(deployed, BACKWARD, TRIED, FORMER)
        deployed.cloud.simulator.faults.clear()
        assert path_of(deployed) == "Company"
        self.still_ours(deployed)

    def test_new_path_with_a_new_email_whose_code_is_missing_writes_nothing(self, deployed: Deployed) -> None:
        """The code is read before anything is written; without rollback the stack goes on from what was before."""
        deployed.cloud.store_code("no code")
        tags = [{"Key": "team", "Value": "sales"}]
        both = at("Company", AllianceLeadContact=contact(Email="ann@example.com"), Tags=tags)
        with pytest.raises(CodeError):
            step(deployed, FORWARD, FORMER, both)
        assert deployed.writes() == []
        self.still_ours(deployed)

    def test_failed_contact_leaves_the_former_path(self, deployed: Deployed) -> None:
        """The ownership tag is written last."""
        deployed.cloud.simulator.faults.add("PutAllianceLeadContact", "access-denied", times=None)
        with pytest.raises(HandlerError, match="PutAllianceLeadContact"):
            step(deployed, FORWARD, FORMER, at("Company", AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert path_of(deployed) == "Partner"

    def test_rollback_that_cannot_restore_the_contact_restores_the_path(self, deployed: Deployed) -> None:
        """The former address would take a code that nobody has; the ownership tag doesn't wait for it."""
        deployed.cloud.prepare("ann@example.com")
        moved = at("Company", AllianceLeadContact=contact(Email="ann@example.com"))
        step(deployed, FORWARD, FORMER, moved)
        step(deployed, BACKWARD, moved, FORMER)
        assert deployed.partner.contact["Email"] == "ann@example.com"
        assert path_of(deployed) == "Partner"

    def test_create_names_another_construct_of_this_stack(self, deployed: Deployed) -> None:
        """And not "another stack", where nobody would look."""
        with pytest.raises(PartnerError, match="another construct's of this stack"):
            deployed.cloud.create(TRIED, LogicalResourceId="Company")

    def test_create_names_no_stack_where_the_owner_is_unknown(self, cloud: Cloud) -> None:
        """A partner from the console is nobody's."""
        add_partner(cloud)
        with pytest.raises(PartnerError, match="not from this stack"):
            cloud.create(TRIED)


def owned_by(owner: Owner | None) -> Partner:
    """A partner with that ownership tag."""
    return Partner(ARN, "", tags={} if owner is None else {OWNER_TAG: owner.to_tag()})


class TestWhatIsWritten:
    """`owner_change`: which ownership tag follows from the one that is there."""

    A, B, C = Owner("s", "a"), Owner("s", "b"), Owner("s", "c")
    MOVED = A.moved_to(B, "1")

    def test_move_is_marked_by_its_operation(self) -> None:
        """So that its rollback can tell the way back from the way there."""
        assert owner_change(owned_by(self.A), self.B, "1") == self.MOVED
        assert self.MOVED.is_same_construct(self.B)
        assert owner_change(owned_by(self.MOVED), self.C, "2") == self.B.moved_to(self.C, "2")

    def test_the_same_construct_keeps_its_tag(self) -> None:
        """With the mark of a former move, or without."""
        for tag in (self.B, self.MOVED):
            assert owner_change(owned_by(tag), self.B, "2") is None

    def test_rollback_undoes_its_own_move(self) -> None:
        """The tag is then as if nothing had been."""
        assert owner_change(owned_by(self.MOVED), self.A, "1", is_rollback=True) == self.A

    @pytest.mark.parametrize(("tag", "wanted", "operation"), [(A, B, "1"), (MOVED, C, "1"), (MOVED, A, "2")])
    def test_rollback_writes_no_other_path(self, tag: Owner, wanted: Owner, operation: str) -> None:
        """Nor one that a former operation has left: an Update that is delivered again would lead away."""
        assert owner_change(owned_by(tag), wanted, operation, is_rollback=True) is None

    def test_partner_without_owner_gets_one_but_not_in_a_rollback(self) -> None:
        """Whose event that is can't be told there."""
        assert owner_change(owned_by(None), self.A, "1") == self.A
        assert owner_change(owned_by(None), self.A, "1", is_rollback=True) is None

    def test_adoption_from_another_stack_leaves_no_mark(self) -> None:
        """No Update of this stack may lead back there."""
        assert owner_change(owned_by(Owner("other", "x")), self.A, "1") == self.A


class TestForgedOwner:
    """A template names the stack that a partner belongs to: its own, or the one that it is nested in at last."""

    LONG = "production-eu-west-1-CompanyPartnerAccountStack"

    def create(self, cloud: Cloud, stack: str, owner_stack: str, *, nested: bool = False) -> str:
        """The Create of a stack of that name, perhaps nested in Root, whose template names that owner."""
        root = cloud.stack_id.replace("/Root/", f"/{owner_stack}/") if nested else None
        stack_id = cloud.new_stack(stack, root)
        wanted = properties(Owner={"StackName": owner_stack, "ConstructPath": "Partner"})
        return cloud.create(wanted, StackId=stack_id).physical_id

    def test_nested_stack_belongs_to_its_root(self, cloud: Cloud) -> None:
        """CloudFormation says which one that is; deployed again under another suffix, it finds its partner."""
        cloud.prepare()
        arn = self.create(cloud, "Root-Nested-1ABC", "Root", nested=True)
        assert self.create(cloud, "Root-Nested-2DEF", "Root", nested=True) == arn

    def test_nested_stack_whose_name_has_no_room_for_its_parents_belongs_to_its_root(self, cloud: Cloud) -> None:
        """CloudFormation shortens the parent's name in a nested stack's, which has 100 characters at most."""
        cloud.prepare()
        name = f"{self.LONG[:43]}-NestNestedStackNestNestedStackResource1234567-1RZC9WVO3L791"
        assert self.create(cloud, name, self.LONG, nested=True)

    @pytest.mark.parametrize("stack", ["Other", "Root2", "Roo", "xRoot", "root", "My-Root", "Root-evil"])
    def test_another_stack_is_refused_and_touches_nothing(self, deployed: Deployed, stack: str) -> None:
        """Else any template could take any stack's partner."""
        mark = len(deployed.cloud.operations())
        with pytest.raises(RequestError, match=r"Owner\.StackName is neither this stack"):
            self.create(deployed.cloud, stack, "Root")
        assert deployed.cloud.operations()[mark:] == []

    def test_update_of_another_stack_is_refused(self, deployed: Deployed) -> None:
        """It names the partner by its ARN, which is no secret."""
        stack_id = deployed.cloud.new_stack("Root-evil")
        deployed.cloud.set_status("UPDATE_IN_PROGRESS", stack_id)
        changed = at("Partner", AllianceLeadContact=contact(BusinessTitle="Thief"))
        with pytest.raises(RequestError, match=r"Owner\.StackName"):
            deployed.cloud.update(deployed.arn, FORMER, changed, StackId=stack_id)
        assert deployed.writes() == []
