"""`partner-account rehearse` of the example app without any option: a partner in the Sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.account import ROOT
from tests.e2e.rehearsals import place_with, rehearsed

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("later", [False, True], ids=["tags refused", "tags taken later"])
def test_sandbox_partner_is_rehearsed_without_any_option(tmp_path: Path, later: bool) -> None:
    """The function tries its ownership tag after CreatePartner, in each reading of the Sandbox; no more is changed."""
    options = []
    if later:
        (tmp_path / "probe.json").write_text(json.dumps({"Readings": {"sandbox_takes_tags_later": True}}))
        options = ["--readings", str(tmp_path / "probe.json")]
    done = rehearsed(place_with(tmp_path, (ROOT / "app.py").read_text()), tmp_path, *options)
    assert done.exit_code == 0, done.told
    assert done.changes() == [[], [], ["CreatePartner", "TagResource"], [], []]
    (tagging,) = [event for event in done.report["steps"][2]["events"] if event["subject"] == "TagResource"]
    assert tagging["status"] == ("OK" if later else "ValidationException REQUEST_VALIDATION_FAILED")
    assert tagging["expected"] is not later
    refused = "TagResource (ValidationException REQUEST_VALIDATION_FAILED; expected: the Sandbox may refuse tags)"
    assert (refused in done.told) is not later
    assert ("expected: the Sandbox may refuse tags" in done.page.sections["steps"]) is not later
    done.place.assert_untouched()
