"""Simulators for the tests of this folder."""

from collections.abc import Iterator

import pytest

from partner_central_simulator import Simulator
from tests.simulator.calls import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """Noon on a day in May."""
    return ManualClock()


@pytest.fixture
def simulator(clock: ManualClock) -> Iterator[Simulator]:
    """A simulator with strict readings, whose accounts are verified."""
    with Simulator(verified=True, clock=clock) as running:
        yield running


@pytest.fixture
def unverified(clock: ManualClock) -> Iterator[Simulator]:
    """A simulator whose accounts are new to Partner Central."""
    with Simulator(clock=clock) as running:
        yield running
