"""docs/moving.md over the wire: what a move writes, what it does without its recipe, and the ways back."""

from __future__ import annotations

from typing import Any

import pytest

from partner_account_handler.errors import PartnerError
from partner_account_handler.identity import OWNER_TAG, Owner
from tests.handler.cloud import Cloud, contact, properties, sandbox
from tests.handler.test_update import Deployed


def at(path: str, stack: str = "Root", **changes: Any) -> dict[str, Any]:
    """The properties of the partner at another place."""
    return properties(Owner={"StackName": stack, "ConstructPath": path}, **changes)


def adopting(wanted: dict[str, Any], deployed: Deployed) -> dict[str, Any]:
    """The same with the recipe for another stack."""
    return {**wanted, "ExistingPartnerId": deployed.partner.id}


@pytest.fixture
def deployed(cloud: Cloud) -> Deployed:
    """A partner that the construct Partner of the stack Root has made; the stack is being updated."""
    return Deployed(cloud, properties())


def owner(deployed: Deployed) -> str:
    """Whose the partner is."""
    return str(deployed.partner.tags[OWNER_TAG])


def create(deployed: Deployed, wanted: dict[str, Any], **event: Any) -> str:
    """Delivers the Create of a new resource, and tells the ARN it gets."""
    return deployed.cloud.create(wanted, **event).physical_id


class TestConstructId:
    """Another construct id in the same stack."""

    def test_without_the_recipe_it_is_refused_and_nothing_is_lost(self, deployed: Deployed) -> None:
        """The reason names the partner, nothing is written, and the former resource is managed as before."""
        with pytest.raises(PartnerError, match=f"PartnerExists: .*{deployed.partner.id}"):
            create(deployed, at("Company"), LogicalResourceId="Company")
        assert deployed.writes() == []
        deployed.update(properties(), properties(AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert deployed.writes() == ["PutAllianceLeadContact"]

    def test_with_the_logical_id_kept_a_rollback_moves_it_back(self, deployed: Deployed) -> None:
        """Both ways only the ownership tag is written."""
        before = owner(deployed)
        deployed.update(properties(), at("Company"))
        here, there = (Owner.of(deployed.cloud.stack_id, "Root", path) for path in ("Partner", "Company"))
        moved = Owner.from_tag(owner(deployed))
        assert moved.is_same_construct(there)
        assert moved.move not in {"", here.path}
        deployed.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        deployed.update(at("Company"), properties())
        assert owner(deployed) == before
        assert deployed.writes() == ["TagResource"] * 2

    def test_in_a_sandbox_that_takes_no_tag_no_recipe_is_needed(self, cloud: Cloud) -> None:
        """The new resource finds the partner by its name; that the Sandbox refuses the tag does no harm."""
        deployed = Deployed(cloud, sandbox())
        moved = sandbox(Owner={"StackName": "Root", "ConstructPath": "Company"})
        assert create(deployed, moved, LogicalResourceId="Company") == deployed.arn
        assert deployed.writes() == ["TagResource"]


class TestProvider:
    """Another provider for the same construct."""

    def test_a_resource_of_another_logical_id_finds_the_partner(self, deployed: Deployed) -> None:
        """By its tag, and writes nothing."""
        assert create(deployed, properties(), LogicalResourceId="PartnerOfPlatform") == deployed.arn
        assert deployed.writes() == []


class TestStack:
    """Another stack of the account."""

    @pytest.fixture
    def company(self, deployed: Deployed) -> str:
        """The id of a new stack that is being created."""
        return deployed.cloud.new_stack("Company")

    def test_without_the_recipe_it_is_refused(self, deployed: Deployed, company: str) -> None:
        """The reason names the partner and the recipe, and nothing is written."""
        with pytest.raises(PartnerError, match=rf"PartnerExists: .*{deployed.partner.id}.*existing_partner_id"):
            create(deployed, at("Partner", "Company"), StackId=company)
        assert deployed.writes() == []

    def test_adopting_it_writes_the_ownership_tag(self, deployed: Deployed, company: str) -> None:
        """And nothing else, since contact and tags are the same."""
        assert create(deployed, adopting(at("Partner", "Company"), deployed), StackId=company) == deployed.arn
        assert owner(deployed) == Owner.of(company, "Company", "Partner").to_tag()
        assert deployed.writes() == ["TagResource"]

    def test_the_old_stack_has_no_say_any_more(self, deployed: Deployed, company: str) -> None:
        """Until it is deployed without the partner, its changes are refused."""
        create(deployed, adopting(at("Partner", "Company"), deployed), StackId=company)
        with pytest.raises(PartnerError, match="OtherOwner"):
            deployed.update(properties(), properties(AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert deployed.writes() == ["TagResource"]

    def test_adopt_may_be_removed_later(self, deployed: Deployed, company: str) -> None:
        """Nothing is written then, and a deleted stack, deployed again without it, finds its partner."""
        new, later = adopting(at("Partner", "Company"), deployed), at("Partner", "Company")
        create(deployed, new, StackId=company)
        deployed.cloud.begin_deployment(company)
        deployed.cloud.update(deployed.arn, new, later, StackId=company)
        assert create(deployed, later, StackId=deployed.cloud.new_stack("Company-2", company)) == deployed.arn
        assert deployed.writes() == ["TagResource"]

    def test_a_move_that_was_rolled_back_goes_on(self, deployed: Deployed, company: str) -> None:
        """Another resource of the new stack failed: deployed again, the partner is taken as it is."""
        new = adopting(at("Partner", "Company"), deployed)
        create(deployed, new, StackId=company)
        again = deployed.cloud.new_stack("Company-2", company)
        assert create(deployed, new, StackId=again) == deployed.arn
        assert deployed.writes() == ["TagResource"]

    def test_the_way_back(self, deployed: Deployed, company: str) -> None:
        """In the old stack another logical id and `adopt` restore what was before; later `adopt` may be removed."""
        before = owner(deployed)
        create(deployed, adopting(at("Partner", "Company"), deployed), StackId=company)
        back = adopting(properties(), deployed)
        assert create(deployed, back, LogicalResourceId="PartnerAgain") == deployed.arn
        assert owner(deployed) == before
        deployed.update(back, properties())
        assert deployed.writes() == ["TagResource"] * 2
