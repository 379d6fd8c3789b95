"""Which versions these tests run on: `make test-floor` and `make test-newest` run those marked `versions` on others."""

from __future__ import annotations

import os
from importlib.metadata import version

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.test_packaging import direct_requirements, floor_of_construct, pins, promised, promised_by_construct

pytestmark = pytest.mark.versions

LOCK = os.environ.get("TESTED_LOCK", "requirements.txt")


def test_installed_versions_are_the_locked_ones() -> None:
    """Each dependency that is imported here is the one that the lock file pins, to the last digit."""
    wanted, locked = promised(), pins(LOCK)
    if LOCK == "requirements.txt":
        wanted = direct_requirements()
    elif LOCK == "requirements/floor-construct.txt":
        wanted, locked = promised_by_construct(), floor_of_construct()
    names = {canonicalize_name(found.name) for found in wanted}
    assert {name: Version(version(name)) for name in names} == {name: locked[name] for name in names}
