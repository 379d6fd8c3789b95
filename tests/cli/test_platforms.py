"""`partner-account` where the terminal isn't UTF-8, and where the system is Windows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from partner_account_cli.command_line import COMMANDS
from tests.cli import windows
from tests.cli.stage import ACCOUNT, CONTACT, EMAIL, SCRIPT, Ended, Stage
from tests.cli.test_drift import Deployment, template

NAME = "Zoë & 株式会社 “Söhne”"
ASCII = {"PYTHONIOENCODING": "ascii"}
WESTERN = {"PYTHONIOENCODING": "cp1252"}
# No locale at all, and Python told not to help itself to UTF-8.
C_LOCALE = {"LANG": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = [ASCII, WESTERN, C_LOCALE]

in_each_encoding = pytest.mark.parametrize("encoding", ENCODINGS, ids=["ascii", "cp1252", "C"])


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """The template, made once."""
    return template()


def deployed(stage: Stage, written: dict[str, Any]) -> None:
    """A partner of that name, and a stack that says so."""
    deployment = Deployment(stage)
    partner_id = deployment.deploy(written)
    deployment.desk.rename_partner(partner_id, NAME)
    deployment.desk.change_contact(partner_id, BusinessTitle="Generaldirektør 社長")


class TestEncodings:
    """What a terminal or a file can't hold is written as Python escapes it. It is never an error."""

    @in_each_encoding
    def test_a_partner_is_shown(self, stage: Stage, written: dict[str, Any], encoding: dict[str, str]) -> None:
        """By `show`, `drift` and `doctor`, with all that the encoding has, and nothing lost."""
        deployed(stage, written)
        shown = stage.run("show", "--show-contact", **encoding)
        drifted = stage.run("drift", "--stack-name", "Demo", "--show-contact", **encoding)
        examined = stage.run("doctor", **encoding)
        assert (shown.status, drifted.status, examined.status) == (0, 2, 0)
        for ended in (shown, drifted, examined):
            assert "Error" not in ended.told
            # What `doctor` asks in the end is in ASCII, and has question marks of its own.
            assert "?" not in ended.stdout.partition("Before you deploy:")[0].replace("???", "")
        for ended in (shown, drifted):
            assert r"\u682a\u5f0f\u4f1a\u793e " in ended.stdout
            assert r"\u793e\u9577" in ended.stdout
        assert ("Zoë" if encoding is WESTERN else r"Zo\xeb") in shown.stdout

    @in_each_encoding
    def test_json_is_the_same(self, stage: Stage, written: dict[str, Any], encoding: dict[str, str]) -> None:
        """With JSON's own escapes, where it needs any: what reads it, reads the same."""
        deployed(stage, written)
        for command in (("show", "--show-contact"), ("drift", "--stack-name", "Demo", "--show-contact")):
            usual = stage.run(*command, "--output", "json")
            other = stage.run(*command, "--output", "json", **encoding)
            assert other.status == usual.status
            assert NAME in usual.stdout
            assert other.document == usual.document

    @in_each_encoding
    def test_an_error_is_told(self, stage: Stage, encoding: dict[str, str]) -> None:
        """One that names what the encoding hasn't, and wrong use, too; in that encoding."""
        done = stage.run("drift", "--stack-name", NAME, **encoding)
        assert done.status == 1
        told = "an argument is not in the encoding of this terminal" if encoding is C_LOCALE else r"Zo\xeb & \u682a"
        assert told in done.stderr.replace("ë", r"\xeb")
        wrong = stage.run(NAME, **encoding)
        assert wrong.status == 64
        assert "No such command" in wrong.stderr

    @in_each_encoding
    def test_a_terminal_is_told_as_well(
        self,
        stage: Stage,
        written: dict[str, Any],
        encoding: dict[str, str],
    ) -> None:
        """With its colours and a sign of life that it can show."""
        deployed(stage, written)
        with stage.terminal("show", **encoding) as terminal:
            assert terminal.ended() == 0
        assert r"\u682a" in terminal.shown
        assert "\\u28" not in terminal.shown

    def test_what_the_commands_draw_with_is_replaced_by_plain_signs(self, stage: Stage) -> None:
        """A table's lines, and what a too long value ends with."""
        stage.simulator.faults.add("ListPartners", "throttle")
        table = stage.run("simulator", "faults", "list", **ASCII).stdout
        assert table.isascii()
        assert "---" in table
        assert "\\" not in table

    def test_a_utf8_terminal_is_left_as_it_is(self, stage: Stage, written: dict[str, Any]) -> None:
        """Names are shown as they are."""
        deployed(stage, written)
        assert NAME in stage.run("show").stdout

    @pytest.mark.parametrize("piped", [b"\xff\xfe9\x008\x00", b"\xe9\n", b"98765\xb2\n"])
    def test_what_is_piped_may_be_anything(self, stage: Stage, piped: bytes) -> None:
        """What is not six digits is refused, in whatever encoding it is."""
        environment = stage._environment({})  # noqa: SLF001
        command = [str(SCRIPT), "store-code", "--secret-id", "code", "--create"]
        done = subprocess.run(command, env=environment, input=piped, capture_output=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith(b"Error: standard input is not six digits\n")

    def test_a_file_with_a_byte_order_mark(self, newcomer: Stage, tmp_path: Path) -> None:
        """Windows' editors write one."""
        file = tmp_path / "business.json"
        details = {"LegalName": NAME, "RegistrationId": "1", "CountryCode": "US"}
        file.write_text(json.dumps(details), "utf-8-sig")
        assert newcomer.run("verification", "start", "business", "--file", str(file)).status == 0


@pytest.fixture
def on_windows(stage: Stage, tmp_path: Path) -> Stage:
    """The command as it is on Windows, as far as another system can play it."""
    shutil.copy(windows.__file__, tmp_path / "sitecustomize.py")
    stage.environment["PYTHONPATH"] = str(tmp_path)
    return stage


class TestWindows:
    """Everything but a local AWS and the simulator runs there."""

    def test_what_poses_as_windows_lacks_what_windows_lacks(self, on_windows: Stage) -> None:
        """The stage itself can fail: each of these ends in an error there."""
        for code in ("import fcntl", "import signal; signal.SIGHUP", "import os; os.killpg", "import pwd"):
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=on_windows._environment({}),  # noqa: SLF001
                capture_output=True,
                text=True,
                check=False,
            )
            assert ("ModuleNotFoundError" in done.stderr) or ("AttributeError" in done.stderr), code

    @pytest.mark.parametrize("command", list(COMMANDS))
    def test_each_command_has_its_help(self, on_windows: Stage, command: str) -> None:
        """Those two among them that don't run there: their modules load."""
        assert on_windows.run(command, "--help").status == 0

    def test_the_way_to_a_partner(self, on_windows: Stage, written: dict[str, Any]) -> None:
        """Each command that asks AWS, from the verification to the comparison."""
        store = ("--secret-id", "code")
        on_windows.simulator.account(ACCOUNT).set_verification("REGISTRANT_VERIFICATION", "FAILED")
        assert on_windows.run("verification", "start", "registrant").status == 0
        on_windows.simulator.account(ACCOUNT).set_verification("REGISTRANT_VERIFICATION", "SUCCEEDED")
        assert on_windows.run("verification", "status").status == 0
        assert on_windows.run("send-code", "--email", EMAIL).status == 0
        assert on_windows.run("store-code", *store, "--create", stdin="123456").status == 0
        assert on_windows.run("doctor", *store).status == 0
        Deployment(on_windows).deploy(written)
        assert CONTACT["FirstName"] in on_windows.run("show", "--show-contact").stdout
        assert on_windows.run("drift", "--stack-name", "Demo").status == 0
        assert on_windows.run("simulator", "outbox").status == 0
        assert on_windows.run("simulator", "requests").status == 0

    @pytest.mark.parametrize("command", [("rehearse",), ("rehearse", "--app", "false"), ("simulator", "start")])
    def test_what_needs_posix_says_so(self, on_windows: Stage, command: tuple[str, ...]) -> None:
        """In two lines, the second of which is a way out."""
        done: Ended = on_windows.run(*command)
        assert done.status == 1
        error, remedy = done.stderr.splitlines()
        assert error.startswith(f"Error: partner-account {' '.join(command[: 1 + (command[0] == 'simulator')])} needs")
        assert error.endswith("needs Linux or macOS")
        assert "WSL" in remedy

    def test_the_construct(self, tmp_path: Path) -> None:
        """An app is synthesized, with the same asset as elsewhere."""
        synth = """
import sys
import aws_cdk as cdk
{become}
from partner_account import (
    AllianceLeadContact, Catalog, PartnerAccount, PartnerProfile, PrimarySolutionType, VerificationCode)
app = cdk.App(outdir=sys.argv[1])
stack = cdk.Stack(app, "Demo")
PartnerAccount(
    stack, "Partner", catalog=Catalog.SANDBOX, legal_name="Example Corp",
    primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
    email_verification_code=VerificationCode.for_sandbox(),
    alliance_lead_contact=AllianceLeadContact(
        first_name="J", last_name="D", email="j@example.com", business_title="Lead"))
app.synth()
""".replace(", PartnerProfile", "")
        templates = []
        for name, become in (("here", ""), ("windows", "from tests import windows; windows.become('aws_cdk')")):
            command = [sys.executable, "-c", synth.format(become=become), str(tmp_path / name)]
            done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            templates.append((tmp_path / name / "Demo.template.json").read_text())
        assert "Custom::PartnerAccount" in templates[0]
        assert templates[0] == templates[1]
