"""The local AWS of the deployments: each test has an account of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from partner_account_rehearsal.local_aws import LocalAws, local_aws


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """A running local AWS, whose accounts are verified."""
    with local_aws() as aws:
        yield aws
