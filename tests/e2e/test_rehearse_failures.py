"""`partner-account rehearse` that fails or is interrupted: it reports why, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from partner_account_rehearsal.cdk import Cdk
from partner_account_rehearsal.processes import ProcessError
from tests.e2e.account import ROOT
from tests.e2e.rehearsals import Place, Rehearsed, place_with, rehearsed
from tests.rehearsal.process_list import eventually_none

pytestmark = pytest.mark.e2e

# An app with one partner in catalog AWS, which creates another in the Sandbox by itself.
GREEDY_APP = """
import boto3
import aws_cdk as cdk
from aws_cdk import aws_ssm
from partner_account import *

boto3.client("partnercentral-account", region_name="us-east-1").create_partner(
    Catalog="Sandbox", LegalName="One Too Many", PrimarySolutionType="SOFTWARE_PRODUCTS",
    EmailVerificationCode="123456",
    AllianceLeadContact={"FirstName": "J", "LastName": "D", "Email": "j@example.com", "BusinessTitle": "Lead"})
stack = cdk.Stack(cdk.App(), "Alliances")
stored = aws_ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Stored", parameter_name="/code")
PartnerAccount(
    stack, "Partner", catalog=Catalog.AWS, legal_name="Just Right",
    primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
    email_verification_code=VerificationCode.from_ssm_parameter(stored), company_is_new_to_apn=True,
    alliance_lead_contact=AllianceLeadContact(
        first_name="J", last_name="D", email="j@example.com", business_title="Lead"))
cdk.App.of(stack).synth()
"""


# A `cdk` whose words a test chooses: what is told of them costs no synthesis.
FAKE_CDK = """#!/bin/sh
[ "$1" = --version ] && echo "2.1000.0 (build x)" && exit
{}
"""
MISTAKE = """\
Traceback (most recent call last):
  File "/app/app.py", line 13, in <module>
    AllianceLeadContact(first_name="Jane", last_name="Doe", email="jane@example.com", business_title="Lead")
partner_account.errors.PartnerAccountError: PartnerAccount 'S/P' has 1 error:
  - legal_name: is empty; allowed are 1 to 80 characters
python app.py: Subprocess exited with error 1
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The example app as it is in the checkout."""
    return place_with(tmp_path, (ROOT / "app.py").read_text())


def path_with_cdk(folder: Path, script: str) -> str:
    """A search path on which `cdk` is this script."""
    program = folder / "fake" / "cdk"
    program.parent.mkdir()
    program.write_text(FAKE_CDK.format(script))
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def without_crhelper(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The example app, whose cloud assembly is beside it in `made`; its function's asset lacks a package."""
    folder = tmp_path_factory.mktemp("failing")
    place = place_with(folder, "")
    app = [sys.executable, str(ROOT / "app.py")]
    subprocess.run(app, cwd=place.app, env=os.environ | {"CDK_OUTDIR": str(folder / "made")}, check=True)
    (package,) = (folder / "made").glob("asset.*/crhelper")
    package.rename(folder / "lost")
    return place


def test_failed_deployment_fails_the_rehearsal_with_the_reason_in_terminal_and_reports(
    without_crhelper: Place, tmp_path: Path
) -> None:
    """The function finds what its asset holds, not what is installed beside this command; the error names the rest."""
    done = rehearsed(without_crhelper, tmp_path, "--app", "../made")
    assert done.exit_code == 1
    last = done.told.splitlines()[-1]
    assert last.startswith("Error: cdk deploy failed: Partner"), done.told
    assert last.endswith(": Lambda can't load the function: No module named 'crhelper'")
    assert "Traceback" not in done.told
    assert done.report["Outcome"] == "failed"
    assert done.report["Problem"] == last.removeprefix("Error: ")
    assert [step["Outcome"] for step in done.report["Steps"]] == ["passed", "passed", "failed"]
    assert "Failed" in done.page.sections["header"]
    assert "No module named 'crhelper'" in done.page.sections["steps"]
    without_crhelper.assert_untouched()


def test_pattern_that_matches_no_stack_is_reported_before_anything_is_deployed(without_crhelper: Place) -> None:
    """And where the names are."""
    with without_crhelper.start("Absent*", "--app", "../made") as rehearsal:
        told, _ = rehearsal.communicate(timeout=120)
    assert rehearsal.returncode == 1
    assert told.splitlines()[-1] == "Error: no stack matches Absent*: `cdk list` shows their names"
    assert "cdk bootstrap" not in told
    without_crhelper.assert_untouched()


@pytest.fixture(scope="module")
def greedy(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """The greedy app."""
    folder = tmp_path_factory.mktemp("greedy")
    return rehearsed(place_with(folder, GREEDY_APP), folder)


def test_extra_partner_fails_the_rehearsal_even_if_each_command_succeeds(greedy: Rehearsed) -> None:
    """The last line states the expected number, and so does the JSON report."""
    assert greedy.exit_code == 1
    problem = "the number of partners in catalog Sandbox should be 0, but is 1"
    assert greedy.told.splitlines()[-1] == f"Error: {problem}"
    assert (greedy.report["Outcome"], greedy.report["Problem"]) == ("failed", problem)
    assert greedy.report["Partners"][0]["VerificationCode"] == "the SSM parameter /code"
    greedy.place.assert_untouched()


def test_apps_own_error_is_the_reason_in_terminal_and_reports(place: Place, tmp_path: Path) -> None:
    """With the CLI's last lines, expanded; the same JSON is written to standard output on request."""
    path = path_with_cdk(tmp_path, f"cat <<'END'\n{MISTAKE}END\nexit 1")
    done = rehearsed(place, tmp_path, "--output", "json", PATH=path)
    assert done.exit_code == 1
    reason = "".join(MISTAKE.splitlines(keepends=True)[3:5]).rstrip()
    assert done.report["Problem"] == f"cdk synth failed: {reason}"
    assert done.report["CliOutput"] == [line for line in MISTAKE.splitlines() if "Jane" not in line]
    assert "Jane" not in (tmp_path / "report.html").read_text()
    assert done.report["Versions"]["aws-cdk"] == "2.1000.0"
    assert reason in done.page.sections["header"]
    assert "Subprocess exited with error 1" in done.page.sections["header"]
    assert f"Error: cdk synth failed: {reason}\n" in done.told
    assert "  │ Traceback" in done.told
    begins, ends = done.told.index("{\n"), done.told.index("\n}\n") + 2
    assert json.loads(done.told[begins:ends]) == done.report
    place.assert_untouched()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_rehearsal_leaves_nothing_but_its_report(
    place: Place, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """Ctrl-C and termination end the CLI, what it has started, and the servers; the directory is as before."""
    path = path_with_cdk(tmp_path, "echo Bundling; sleep 600 & wait")
    reports = ("--json", str(tmp_path / "report.json"), "--html", str(tmp_path / "report.html"))
    with place.start("--verbose", *reports, PATH=path) as rehearsal:
        assert rehearsal.stdout is not None
        for line in rehearsal.stdout:
            if "│ Bundling" in line:
                break
        rehearsal.send_signal(number)
        told, _ = rehearsal.communicate(timeout=60)
    done = Rehearsed(place, rehearsal.returncode, told, tmp_path)
    assert done.exit_code == status
    assert "✗ interrupted" in told
    assert "Traceback" not in told
    assert (done.report["Outcome"], done.report["Problem"]) == ("interrupted", "the rehearsal was interrupted")
    assert done.report["CliOutput"] == ["Bundling"]
    assert "The rehearsal was interrupted" in done.page.sections["header"]
    place.assert_untouched()


def test_characters_missing_from_the_terminals_encoding_are_replaced(place: Place, tmp_path: Path) -> None:
    """In the app's own words, which are UTF-8, and in what the terminal is drawn with; in a file as on a terminal."""
    encoding = "cp1252"
    path = path_with_cdk(tmp_path, r"printf 'Zo\303\253 \346\240\252\n' >&2; exit 1")
    locale = {"PYTHONIOENCODING": encoding, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with place.start(PATH=path, **locale) as rehearsal:
        assert isinstance(rehearsal.stdout, io.TextIOWrapper)
        told = rehearsal.stdout.buffer.read().decode(encoding)
    assert rehearsal.returncode == 1
    assert "Error: cdk synth failed" in told
    assert "| Zo\xeb \\u682a\n" in told
    assert re.search(r"^  ok [0-9.]+ s$", told, re.MULTILINE)


def test_missing_or_old_cdk_cli_is_an_error_with_the_command_that_installs_it(place: Place) -> None:
    """The locked one where there is a lock; an old one, which would call the real AWS, before it is run."""
    cdk = Cdk(place.app, place.temporary, {"PATH": str(place.temporary)})
    with pytest.raises(ProcessError, match="there is no cdk CLI: run `npm install aws-cdk@2`"):
        cdk.run("synth")
    (place.app / "package-lock.json").touch()
    with pytest.raises(ProcessError, match="there is no cdk CLI: run `npm ci`"):
        cdk.run("synth")
    package = place.app / "node_modules" / "aws-cdk"
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "aws-cdk", "version": "2.166.0"}))
    (package / "bin" / "cdk").write_text("#!/bin/sh\ntouch was-run\n")
    (package / "bin" / "cdk").chmod(0o755)
    (place.app / "node_modules" / ".bin").mkdir()
    (place.app / "node_modules" / ".bin" / "cdk").symlink_to(package / "bin" / "cdk")
    with pytest.raises(
        ProcessError, match=r"cdk is version 2\.166\.0, which would call the real AWS: run `npm install"
    ):
        cdk.run("synth")
    assert not (place.app / "was-run").exists()


def test_hanging_cdk_command_is_stopped(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that it has started; the error states the time limit."""
    monkeypatch.setattr("partner_account_rehearsal.cdk.MINUTES", 0.005)
    environment = {"PATH": path_with_cdk(tmp_path, "sleep 60 & sleep 60"), "TMPDIR": str(place.temporary)}
    with pytest.raises(ProcessError, match=r"cdk synth was stopped: it had not ended after 0\.005 minutes"):
        Cdk(place.app, place.temporary, environment).run("synth")
    assert eventually_none(place.temporary)


def test_interrupted_cdk_command_leaves_no_timer_that_would_end_another_process_of_its_number(
    place: Place, tmp_path: Path
) -> None:
    """Half an hour later the number of its group may be another one's."""

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    environment = {"PATH": path_with_cdk(tmp_path, "echo line; sleep 60"), "TMPDIR": str(place.temporary)}
    with pytest.raises(KeyboardInterrupt):
        Cdk(place.app, place.temporary, environment).run("synth", echo=interrupt)
    assert [
        one for one in threading.enumerate() if isinstance(one, threading.Timer) and not one.finished.is_set()
    ] == []


def test_profile_of_cdk_json_gets_the_credentials_of_the_local_aws(place: Place) -> None:
    """The CLI looks for it there; the user's own file isn't touched."""
    credentials = place.temporary / "credentials"
    own = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "token"}
    (place.app / "cdk.json").write_text(json.dumps({"profile": "company"}))
    program = place.temporary / "cdk"
    program.write_text('#!/bin/sh\ncat "$AWS_SHARED_CREDENTIALS_FILE"\n')
    program.chmod(0o755)
    (place.temporary / "package.json").write_text(json.dumps({"name": "aws-cdk", "version": "2.1000.0"}))
    path = f"{place.temporary}:/usr/bin:/bin"
    cdk = Cdk(place.app, place.temporary, {**own, "PATH": path, "AWS_SHARED_CREDENTIALS_FILE": str(credentials)})
    assert cdk.run("synth").output.splitlines() == [
        "[company]",
        *(f"{name.lower()} = {value}" for name, value in own.items()),
    ]
