"""docs/permissions.md is what the code grants."""

from __future__ import annotations

from pathlib import Path

from partner_account import provider_permissions
from tests.construct.permission_table import NOTES, granted, page

PAGE = Path(__file__).parents[2] / "docs/permissions.md"


def test_the_page_is_made_of_the_code() -> None:
    """Anew: `python -m tests.construct.permission_table > docs/permissions.md`."""
    assert PAGE.read_text("utf-8") == page()


def test_each_note_is_about_a_permission() -> None:
    """A note on one that no longer exists would say nothing."""
    assert NOTES.keys() <= {permission.sid for permission in [*granted(), *provider_permissions.join_vpc()]}
