"""`partner-account rehearse --json --html`: a report takes the place of a report, and of no file of the user's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from partner_account_rehearsal.report import Report
from partner_account_rehearsal.run import ReportFiles
from partner_account_rehearsal.terminal import Reporter
from tests.cli.stage import SCRIPT

pytestmark = pytest.mark.e2e  # `rehearse` looks first whether the local AWS is installed, as only the main lock has it


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        (["--json", "cdk.json"], "cdk.json would be lost"),
        (["--html", "app.py"], "app.py would be lost"),
        (["--json", "app.py", "--html", "cdk.json"], "app.py and cdk.json would be lost"),
        (["--json", "one", "--html", "./one"], "one can't be both reports"),
        (["--json", "one", "--html", "./one", "--overwrite"], "one can't be both reports"),
        (["--json", "report.html"], "report.html would be lost"),
    ],
)
def test_a_file_that_is_no_report_is_left_as_it_is(tmp_path: Path, reports: list[str], told: str) -> None:
    """Which is found out before anything is started: no app is run."""
    ReportFiles(html=tmp_path / "report.html").write(Report(), Reporter())
    (tmp_path / "cdk.json").write_text('{"app": "touch started; false"}')
    (tmp_path / "app.py").write_text("import aws_cdk\n")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    done = subprocess.run(
        [SCRIPT, "rehearse", *reports], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {told}")
    assert done.stdout == ""
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    """By what this command has written, in this version or another; so are an empty file, and none."""
    files = ReportFiles(tmp_path / "report.json", tmp_path / "report.html")
    assert files.json
    assert files.html
    assert files.problem() == ""
    files.write(Report(), Reporter())
    assert files.problem() == ""
    files.json.write_text(json.dumps({**json.loads(Report().to_json()), "format": 99, "more": 1}))
    files.html.write_text("\n")
    assert files.problem() == ""
    files.json.write_text("{}")
    files.html.write_text("<html>")
    assert files.problem().startswith(f"{files.json} and {files.html} would be lost")


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    """A pipe, or /dev/stdout: nothing is lost there, and to read it first would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    assert ReportFiles(tmp_path / "pipe", Path(os.devnull)).problem() == ""
