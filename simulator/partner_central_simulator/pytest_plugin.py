"""The fixture `partner_central`, which pytest finds through the entry point `pytest11` of this distribution."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from partner_central_simulator.server import Simulator


@pytest.fixture
def partner_central() -> Iterator["Simulator"]:
    """A simulated Partner Central, which boto3 clients created within the test call instead of AWS."""
    try:
        from partner_central_simulator.testing import simulate_partner_central  # noqa: PLC0415 - slow to import
    except ModuleNotFoundError as error:
        pytest.fail(f"{error.msg}: install cdk-partner-account[simulator]", pytrace=False)
    with simulate_partner_central() as simulator:
        yield simulator
