"""What docs/limits.md calls possible is. Its tables are held against the code in tests/test_docs.py."""

from __future__ import annotations

import pytest

from partner_account_handler.errors import CallError, PartnerError
from partner_account_handler.identity import OWNER_TAG
from partner_central_simulator import Readings
from tests.handler.cloud import ACCOUNT, Cloud, open_cloud, properties

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


def test_list_that_lags_behind_a_corrected_name_may_cost_a_second_partner(moto_url: str) -> None:
    """Where the service allows several; the next Create names both, and takes the one that keeps its tag."""
    with open_cloud(moto_url, readings=Readings(one_partner_per_catalog=False)) as cloud:
        _deploy_again_while_the_list_lags(cloud)
        ids = [partner.id for partner in cloud.simulator.account(ACCOUNT).partners]
        cloud.recreate_stack()
        with pytest.raises(PartnerError, match=f"SeveralPartners: {ids[0]}, {ids[1]} .*owner tag of those"):
            cloud.create(RENAMED)
        cloud.simulator.account(ACCOUNT).untag_partner(ids[0], OWNER_TAG)
        assert cloud.create(RENAMED).data["Id"] == ids[1]


def test_list_that_lags_behind_a_corrected_name_costs_a_deployment_where_an_account_has_one_partner(
    cloud: Cloud,
) -> None:
    """The second call is refused, and the next one finds the first partner."""
    with pytest.raises(CallError, match="DUPLICATE_PARTNER"):
        _deploy_again_while_the_list_lags(cloud)
    cloud.recreate_stack()
    (partner,) = cloud.simulator.account(ACCOUNT).partners
    assert cloud.create(RENAMED).physical_id == partner.arn
