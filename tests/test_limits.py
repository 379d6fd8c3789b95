"""docs/limits.md leaves no undocumented rule out, and what it calls possible is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from partner_account_handler.errors import CallError, PartnerError
from partner_account_handler.identity import OWNER_TAG
from partner_central_simulator import FaultKind, Readings
from tests.handler.cloud import ACCOUNT, Cloud, open_cloud, properties

LIMITS = (Path(__file__).parent.parent / "docs" / "limits.md").read_text("utf-8")


def test_each_switch_of_the_simulator_is_a_question_of_the_page() -> None:
    """A new switch is a new unknown, and must be told with the end of each of its readings."""
    switches = re.findall(r"\| `([a-z_]+)` \|$", LIMITS, re.MULTILINE)
    assert sorted(switches) == sorted(field.name for field in fields(Readings))


def test_each_fault_that_is_named_there_can_be_ordered() -> None:
    """The page promises that the tests run it."""
    named = {name for line in re.findall(r"faults? (`.*) \|$", LIMITS, re.MULTILINE) for name in line.split(", ")}
    assert named - {"`lasting`"} <= {f"`{kind}`" for kind in FaultKind}


RENAMED = properties(LegalName="Another Corp")


def _deploy_again_while_the_list_lags(cloud: Cloud) -> None:
    """The stack was deleted, its name corrected, and its partner is not listed yet."""
    cloud.prepare()
    cloud.create(properties())
    cloud.recreate_stack()
    cloud.prepare()
    cloud.simulator.faults.add("ListPartners", "lagging-list", times=None, seconds=3600)
    try:
        cloud.create(RENAMED)
    finally:
        cloud.simulator.faults.clear()


def test_a_list_that_lags_behind_a_corrected_name_may_cost_a_second_partner(moto_url: str) -> None:
    """Where the service allows several; the next Create names both, for a human to choose from."""
    with open_cloud(moto_url, readings=Readings(one_partner_per_catalog=False)) as cloud:
        _deploy_again_while_the_list_lags(cloud)
        ids = [partner.id for partner in cloud.simulator.account(ACCOUNT).partners]
        cloud.recreate_stack()
        with pytest.raises(PartnerError, match=f"SeveralPartners: {ids[0]}, {ids[1]} .*owner tag of those"):
            cloud.create(RENAMED)
        cloud.simulator.account(ACCOUNT).untag_partner(ids[0], OWNER_TAG)
        assert cloud.create(RENAMED).data["Id"] == ids[1]


def test_where_an_account_has_one_partner_it_costs_a_deployment(cloud: Cloud) -> None:
    """The second call is refused, and the next one finds the first partner."""
    with pytest.raises(CallError, match="DUPLICATE_PARTNER"):
        _deploy_again_while_the_list_lags(cloud)
    cloud.recreate_stack()
    (partner,) = cloud.simulator.account(ACCOUNT).partners
    assert cloud.create(RENAMED).physical_id == partner.arn


def test_a_partner_without_its_tag_is_one_of_others(moto_url: str) -> None:
    """Nothing is created beside it, even where the service would allow several."""
    with open_cloud(moto_url, readings=Readings(one_partner_per_catalog=False)) as cloud:
        cloud.prepare()
        cloud.create(properties())
        account = cloud.simulator.account(ACCOUNT)
        account.untag_partner(account.partners[0].id, OWNER_TAG)
        cloud.recreate_stack()
        cloud.prepare()
        with pytest.raises(PartnerError, match="PartnerExists"):
            cloud.create(RENAMED)
