"""Whose a partner is: no construct of its stack is locked out of it, and no other stack gets in.

So docs/moving.md comes true over the wire: what a move writes, what it does without its recipe, and the ways back.
"""

from __future__ import annotations

from typing import Any

import pytest

from partner_account_handler.errors import CodeError, HandlerError, PartnerError, RequestError
from partner_account_handler.identity import OWNER_TAG, Owner
from partner_account_handler.partner_central import Partner
from partner_account_handler.reconcile import owner_change
from partner_account_handler.stack_gate import NOT_DESCRIBED
from tests.handler.cloud import CEO, SALES, Cloud, Deployed, contact, properties, sandbox

FORWARD, BACKWARD = "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"
ARN = "arn:aws:partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-0000000000001"


def at(path: str, stack: str = "Root", **changes: Any) -> dict[str, Any]:
    """The properties of the construct at a path of a stack."""
    return properties(Owner={"StackName": stack, "ConstructPath": path}, **changes)


FORMER, TRIED = at("Partner"), at("Company")


def owner_of(deployed: Deployed) -> Owner:
    """Whose the partner is, by its tag."""
    return Owner.from_tag(deployed.partner.tags[OWNER_TAG])


def path_of(deployed: Deployed) -> str:
    """The construct path of the ownership tag, by its name."""
    names = {Owner.of(deployed.cloud.stack_id, "Root", path).path: path for path in ("Partner", "Company")}
    return names[owner_of(deployed).path]


def step(deployed: Deployed, status: str, previous: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Delivers an Update in a status of the stack."""
    deployed.cloud.set_status(status)
    deployed.update(previous, wanted)


class TestAnotherConstructId:
    """Another construct id in the same stack, with the logical id kept."""

    def require_managed(self, deployed: Deployed) -> None:
        """The stack still manages the partner, and its template's path is in the tag afterwards."""
        deployed.cloud.begin_deployment()
        deployed.update(FORMER, at("Partner", AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert deployed.partner.contact == contact(BusinessTitle="CEO")
        assert path_of(deployed) == "Partner"

    def test_update_moves_the_tag_alone_and_its_rollback_moves_it_back(self, deployed: Deployed) -> None:
        """Both ways only the ownership tag is written."""
        before = owner_of(deployed)
        step(deployed, FORWARD, FORMER, TRIED)
        assert path_of(deployed) == "Company"
        step(deployed, BACKWARD, TRIED, FORMER)
        assert owner_of(deployed) == before
        assert deployed.writes() == ["TagResource"] * 2
        self.require_managed(deployed)

    def test_new_path_with_a_new_email_whose_code_is_missing_writes_nothing(self, deployed: Deployed) -> None:
        """The code is read before anything is written; without rollback the stack goes on from what was before."""
        deployed.cloud.store_code("no code")
        both = at("Company", AllianceLeadContact=contact(Email="ann@example.com"), Tags=SALES)
        with pytest.raises(CodeError):
            step(deployed, FORWARD, FORMER, both)
        assert deployed.writes() == []
        self.require_managed(deployed)

    def test_failed_contact_change_leaves_the_former_owner_path(self, deployed: Deployed) -> None:
        """The ownership tag is written last."""
        deployed.cloud.fail("PutAllianceLeadContact", "access-denied", times=None)
        with pytest.raises(HandlerError, match="PutAllianceLeadContact"):
            step(deployed, FORWARD, FORMER, at("Company", AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert path_of(deployed) == "Partner"

    def test_rollback_that_cannot_restore_the_contact_restores_the_path(self, deployed: Deployed) -> None:
        """The former address would require a code that nobody has; the ownership tag doesn't depend on it."""
        deployed.cloud.prepare("ann@example.com")
        moved = at("Company", AllianceLeadContact=contact(Email="ann@example.com"))
        step(deployed, FORWARD, FORMER, moved)
        step(deployed, BACKWARD, moved, FORMER)
        assert (deployed.partner.contact["Email"], path_of(deployed)) == ("ann@example.com", "Partner")

    def test_create_with_another_logical_id_is_refused_and_the_former_resource_continues(
        self, deployed: Deployed
    ) -> None:
        """The reason names the partner, and its construct as one of this stack; nothing is lost."""
        told = f"PartnerExists: .*{deployed.partner.id}, another construct's of this stack"
        with pytest.raises(PartnerError, match=told):
            deployed.cloud.create(TRIED, LogicalResourceId="Company")
        assert deployed.writes() == []
        self.require_managed(deployed)

    def test_create_by_another_provider_with_the_same_path_finds_the_partner(self, deployed: Deployed) -> None:
        """By its tag, whatever the logical id, and writes nothing."""
        answer = deployed.cloud.create(FORMER, LogicalResourceId="PartnerOfPlatform")
        assert answer.physical_id == deployed.arn
        assert deployed.writes() == []

    def test_sandbox_without_tags_needs_no_migration_steps(self, cloud: Cloud) -> None:
        """The new resource finds the partner by its name; the missing tag does no harm."""
        deployed = Deployed(cloud, sandbox())
        moved = sandbox(Owner={"StackName": "Root", "ConstructPath": "Company"})
        assert cloud.create(moved, LogicalResourceId="Company").physical_id == deployed.arn
        assert deployed.writes() == ["TagResource"]


class TestAnotherStack:
    """Another stack of the account takes the partner over, by its id."""

    @pytest.fixture
    def company(self, deployed: Deployed) -> str:
        """The id of a new stack that is being created."""
        return deployed.cloud.new_stack("Company")

    def adopting(self, deployed: Deployed) -> dict[str, Any]:
        """The properties in the new stack."""
        return at("Partner", "Company", ExistingPartnerId=deployed.partner.id)

    def test_adopting_writes_the_ownership_tag_and_the_old_stack_is_refused(
        self, deployed: Deployed, company: str
    ) -> None:
        """Nothing else is written, since contact and tags are the same."""
        assert deployed.cloud.create(self.adopting(deployed), StackId=company).physical_id == deployed.arn
        assert owner_of(deployed) == Owner.of(company, "Company", "Partner")
        with pytest.raises(PartnerError, match="OtherOwner.*existing_partner_id"):
            deployed.update(properties(), CEO)
        assert deployed.writes() == ["TagResource"]

    def test_existing_partner_id_may_be_removed_later_and_a_stack_deployed_again_finds_its_partner(
        self, deployed: Deployed, company: str
    ) -> None:
        """Nothing is written by either."""
        new, later = self.adopting(deployed), at("Partner", "Company")
        deployed.cloud.create(new, StackId=company)
        deployed.cloud.begin_deployment(company)
        deployed.cloud.update(deployed.arn, new, later, StackId=company)
        for again, wanted in (("Company-2", later), ("Company-3", new)):
            stack_id = deployed.cloud.new_stack(again, company)
            assert deployed.cloud.create(wanted, StackId=stack_id).physical_id == deployed.arn
        assert deployed.writes() == ["TagResource"]

    def test_moving_back_takes_a_new_logical_id_that_adopts_in_the_old_stack(
        self, deployed: Deployed, company: str
    ) -> None:
        """It restores what was before; later the id may be removed."""
        before = owner_of(deployed)
        deployed.cloud.create(self.adopting(deployed), StackId=company)
        back = properties(ExistingPartnerId=deployed.partner.id)
        assert deployed.cloud.create(back, LogicalResourceId="PartnerAgain").physical_id == deployed.arn
        assert owner_of(deployed) == before
        deployed.update(back, properties())
        assert deployed.writes() == ["TagResource"] * 2


A, B, C = Owner("s", "a"), Owner("s", "b"), Owner("s", "c")
A_TO_B = A.moved_to(B, "1")


@pytest.mark.parametrize(
    ("before", "wanted", "operation", "is_rollback", "written"),
    [
        (A, B, "1", False, A_TO_B),  # a move is marked by its operation, so that its rollback can tell the ways apart
        (A_TO_B, C, "2", False, B.moved_to(C, "2")),
        (B, B, "2", False, None),  # the same construct keeps its tag, with the mark of a former move or without
        (A_TO_B, B, "2", False, None),
        (A_TO_B, A, "1", True, A),  # a rollback undoes its own move, as if nothing had been
        (A, B, "1", True, None),  # and writes no other path: an Update that is delivered again would lead away
        (A_TO_B, C, "1", True, None),
        (A_TO_B, A, "2", True, None),
        (None, A, "1", False, A),
        (None, A, "1", True, None),  # whose event that is can't be told there
        (Owner("other", "x"), A, "1", False, A),  # adoption leaves no mark: no Update may lead back there
    ],
)
def test_written_ownership_tag_follows_from_the_current_one(
    before: Owner | None, wanted: Owner, operation: str, is_rollback: bool, written: Owner | None
) -> None:
    """A moved one is that of its new construct."""
    partner = Partner(ARN, "", tags={OWNER_TAG: before.to_tag()} if before else {})
    assert owner_change(partner, wanted, operation, is_rollback=is_rollback) == written
    assert written is None or written.is_same_construct(wanted)


class TestForgedOwner:
    """A template names the stack that a partner belongs to: its own, or the one that it is nested in at last."""

    LONG = "production-eu-west-1-CompanyPartnerAccountStack"

    def test_nested_stack_belongs_to_its_root(self, cloud: Cloud) -> None:
        """CloudFormation returns the root; redeployed under another suffix, it finds its partner."""
        cloud.prepare()
        nested = [cloud.new_stack(name, cloud.stack_id) for name in ("Root-Nested-1ABC", "Root-Nested-2DEF")]
        first, again = (cloud.create(FORMER, StackId=stack_id) for stack_id in nested)
        assert again.physical_id == first.physical_id

    @pytest.mark.parametrize("stack", ["Other", "Root2", "Roo", "xRoot", "root", "My-Root", "Root-evil"])
    def test_create_with_another_stacks_owner_is_refused_and_changes_nothing(
        self, deployed: Deployed, stack: str
    ) -> None:
        """Else any template could take any stack's partner."""
        mark = deployed.cloud.mark
        with pytest.raises(RequestError, match=r"Owner\.StackName is neither this stack"):
            deployed.cloud.create(FORMER, StackId=deployed.cloud.new_stack(stack))
        assert deployed.cloud.operations(mark) == []

    @pytest.mark.parametrize(("stack", "passes"), [("Root-Nested-1ABC", True), ("Other", False), ("Rollout", False)])
    def test_own_stack_name_decides_for_an_update_if_cloudformation_never_responds(
        self, deployed: Deployed, stack: str, passes: bool
    ) -> None:
        """A nested stack's begins with its parent's."""
        stack_id = deployed.cloud.stack_id.replace("/Root/", f"/{stack}/")
        if passes:
            assert deployed.cloud.update(deployed.arn, FORMER, FORMER, StackId=stack_id).physical_id == deployed.arn
            return
        with pytest.raises(RequestError, match=r"Owner\.StackName"):
            deployed.cloud.update(deployed.arn, FORMER, FORMER, StackId=stack_id)

    def test_own_stack_name_decides_even_if_it_truncates_its_parents(self) -> None:
        """At least the first 24 characters stay."""
        stack_id = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{self.LONG[:24]}-Nested-1ABC/1-2"
        NOT_DESCRIBED.require_root(self.LONG, stack_id)
        with pytest.raises(RequestError, match=r"Owner\.StackName"):
            NOT_DESCRIBED.require_root(self.LONG, stack_id.replace(self.LONG[:24], self.LONG[:23]))

    def test_update_of_another_stack_is_refused(self, deployed: Deployed) -> None:
        """It names the partner by its ARN, which is no secret."""
        stack_id = deployed.cloud.new_stack("Root-evil")
        deployed.cloud.set_status("UPDATE_IN_PROGRESS", stack_id)
        with pytest.raises(RequestError, match=r"Owner\.StackName"):
            deployed.cloud.update(deployed.arn, FORMER, CEO, StackId=stack_id)
        assert deployed.writes() == []
