"""`partner-account rehearse` of the example app without any option: a partner in the Sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.account import ROOT
from tests.e2e.rehearsals import place_with, rehearsed

pytestmark = pytest.mark.e2e


def test_sandbox_partner_is_rehearsed_without_any_option_and_its_refused_tag_is_expected(tmp_path: Path) -> None:
    """The function tries its ownership tag after CreatePartner, and no more is changed.

    A Sandbox that takes the tag tests/e2e/test_rehearse_own_app.py shows.
    """
    done = rehearsed(place_with(tmp_path, (ROOT / "app.py").read_text()), tmp_path)
    assert done.exit_code == 0, done.told
    assert done.changes() == [[], [], ["CreatePartner", "TagResource"], [], []]
    (tagging,) = [event for event in done.report["Steps"][2]["Events"] if event["Subject"] == "TagResource"]
    assert (tagging["Status"], tagging["Expected"]) == ("ValidationException REQUEST_VALIDATION_FAILED", True)
    expected = "expected: the Sandbox may refuse tags"
    assert f"TagResource (ValidationException REQUEST_VALIDATION_FAILED; {expected})" in done.told
    assert expected in done.page.sections["steps"]
    assert "“Example Corp <account ID>”" in done.page.sections["header"]
    assert "undone" not in done.everything(), "the Sandbox binds nobody"
    done.place.assert_untouched()
