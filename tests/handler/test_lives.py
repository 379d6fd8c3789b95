"""Lives of stacks that share an account, each step with faults: a hundred random ones, and some fixed ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from partner_account_handler import log
from partner_account_handler.identity import OWNER_TAG
from partner_account_handler.partner_central import Partner, PartnerCentral
from partner_account_handler.stack_gate import ObservedStack
from partner_central_simulator import ProfileIdAppears, Readings
from tests.handler.life import Life, Way
from tests.handler.life_deliveries import FOR_EVER, CallFault, closed_world
from tests.handler.lives import live

BLIND = (CallFault("ListPartners", "lagging list", FOR_EVER),)
SEVERAL = Readings(one_partner_per_catalog=False, profile_id=ProfileIdAppears.IN_VISIBILITY)


@pytest.fixture
def life() -> Iterator[Life]:
    """An account that may have several partners, which leaves it to the handler that there is one."""
    with closed_world() as records:
        yield Life(SEVERAL, records)


def test_a_hundred_random_lives_break_no_invariant_and_converge() -> None:
    """Whatever happens to a stack, no step breaks an invariant, and its last deployment converges."""
    live(100)


@pytest.mark.parametrize("lag", [False, True])
def test_partner_of_an_unanswered_create_is_found_under_another_name(life: Life, lag: bool) -> None:
    """The ownership tag decides, not the legal name; also while the tags lag behind."""
    life.deploy("Alpha", {}, Way(faults=(CallFault("CreatePartner", "500 after it", FOR_EVER), *BLIND)))
    assert life.live["Alpha"].status == "ROLLBACK_COMPLETE"
    faults = (CallFault("*", "no tags", FOR_EVER),) if lag else ()
    life.deploy("Alpha", {"legal_name": "Canary Two"}, Way(faults=faults))
    life.check()
    assert [partner.legal_name for partner in life.partners] == ["Canary Alpha"]
    life.converge("Alpha")


def test_rollback_is_tolerated_with_the_service_down(life: Life) -> None:
    """The stack is in no state that only a person can repair, and its next deployment converges."""
    life.deploy("Alpha", {})
    down = (CallFault("*", "500", FOR_EVER),)
    life.deploy("Alpha", {"title": "Canary CEO"}, Way(rolled_back=99, rollback_faults=down))
    assert life.live["Alpha"].status == "UPDATE_ROLLBACK_COMPLETE"
    life.converge("Alpha")


def test_new_partner_does_not_get_the_wiped_partners_profile(life: Life) -> None:
    """Found by `make soak`: the rollback of a replacement in the Sandbox, while the service returns no ProfileId."""
    life.deploy("Beta", {"catalog": "Sandbox"})
    life.wipe()
    silent = (CallFault("*", "no ProfileId", FOR_EVER),)
    life.deploy("Beta", {"title": "Canary CEO"}, Way(rolled_back=99, rollback_faults=silent))
    assert life.live["Beta"].outputs["PartnerProfileId"] == "pending"
    life.converge("Beta")


def test_second_delivery_of_a_create_may_see_less_than_the_first(life: Life) -> None:
    """Found by `make soak`: it is answered when the stack is complete, and learned of no ProfileId before that."""
    silent = (CallFault("GetProfileVisibility", "lost", FOR_EVER),)
    life.deploy("Alpha", {}, Way(rollback_faults=silent, beside=-1, order=(1,) * 5 + (0,) * 40))
    assert life.live["Alpha"].outputs["PartnerProfileId"].startswith("pprofile-")
    life.converge("Alpha")


def test_corrected_name_in_a_sandbox_that_takes_tags_finds_the_partner() -> None:
    """Whatever becomes of the answers and of the tags' first tries."""
    with closed_world() as records:
        life = Life(replace(SEVERAL, sandbox_takes_tags_later=True), records)
        shaken = (CallFault("CreatePartner", "500 after it", 2), CallFault("ListTagsForResource", "500", 2))
        life.deploy("Alpha", {"catalog": "Sandbox"}, Way(faults=shaken, rolled_back=99))
        life.deploy(
            "Alpha", {"legal_name": "Canary Two"}, Way(faults=(CallFault("ListTagsForResource", "throttled", 3),))
        )
        life.check()
        assert [partner.legal_name for partner in life.partners] == ["Canary Alpha"]
        life.converge("Alpha")


def test_code_leaked_into_the_log_is_detected(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the silence of all lives would prove nothing."""
    create_partner = PartnerCentral.create_partner

    def leaky(central: PartnerCentral, body: dict[str, Any], stack: ObservedStack) -> Partner:
        log.info("creating", code=body["EmailVerificationCode"])
        return create_partner(central, body, stack)

    monkeypatch.setattr(PartnerCentral, "create_partner", leaky)
    with pytest.raises(AssertionError, match="a code in"):
        life.deploy("Alpha", {})


def test_second_partner_of_one_construct_is_detected(life: Life) -> None:
    """Whoever made it."""
    life.deploy("Alpha", {})
    life.account.add_partner("Canary Second", tags={OWNER_TAG: life.live["Alpha"].owner.to_tag()})
    with pytest.raises(AssertionError, match="two partners of one stack"):
        life.check()
