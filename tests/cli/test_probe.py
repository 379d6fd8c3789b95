"""`partner-account probe`: it asks before it creates, stays in the Sandbox, and a simulator takes its report."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from partner_account_cli.probe import _STYLES
from partner_central_simulator import ProfileIdAppears, Readings, Simulator
from partner_central_simulator.contract import Status
from partner_central_simulator.readings_file import ReadingsFileError, load_readings
from tests.cli.stage import ACCOUNT, Ended, Stage
from tests.simulator.test_process import SESSION_TOKEN, process
from tests.simulator.test_sandbox_contract import SWITCHES, observable

QUICK = ("--pause", "0", "--wait", "0", "--read-timeout", "2")


def probe(stage: Stage, *options: str, **environment: str) -> Ended:
    """The command, without a terminal and without pauses."""
    return stage.run("probe", *QUICK, *options, **environment)


def partners_of(stage: Stage) -> list[Any]:
    """All partners of the account, in either catalog."""
    return stage.simulator.account(ACCOUNT).partners


# --- Before anything is created


def test_without_a_terminal_it_creates_nothing_unless_told_so(stage: Stage) -> None:
    """Nobody has agreed."""
    done = probe(stage)
    assert done.status == 1
    assert "Add --yes." in done.stderr
    assert stage.operations() == ["ListPartners"]


@pytest.mark.parametrize(("typed", "status"), [("n\n", 130), ("\n", 130), ("y\n", 0)])
def test_it_says_what_it_leaves_behind_and_asks(stage: Stage, typed: str, status: int) -> None:
    """No is the default answer."""
    with stage.terminal("probe", *QUICK) as terminal:
        terminal.expect(r"Go on\? \[y/N\]")
        shown = " ".join(terminal.shown.split())
        assert f"Account {ACCOUNT}, catalog Sandbox" in shown
        assert "Nobody can delete them" in shown
        assert stage.operations() == ["ListPartners"]
        terminal.type(typed)
        assert terminal.ended() == status
    assert len(partners_of(stage)) == int(status == 0)


@pytest.mark.parametrize("option", ["--catalog=AWS", "--catalog=Sandbox"])
def test_there_is_no_option_for_the_catalog(stage: Stage, option: str) -> None:
    """Whatever is typed, it is the Sandbox."""
    assert probe(stage, "--yes", option).status == 64
    assert stage.operations() == []


def test_a_verified_account_gets_no_partner_in_catalog_aws(stage: Stage) -> None:
    """It could create one there; no request names that catalog."""
    assert probe(stage, "--yes").status == 0
    assert {partner.catalog for partner in partners_of(stage)} == {"Sandbox"}
    assert {request.input.get("Catalog", "Sandbox") for request in stage.simulator.requests} == {"Sandbox"}


def test_an_account_without_access_to_the_sandbox_is_refused(stage: Stage) -> None:
    """By the action that it lacks, before it is asked for anything."""
    stage.simulator.faults.add("ListPartners", "access-denied")
    done = probe(stage, "--yes")
    assert done.status == 1
    assert "nothing was created: ListPartners was refused: AccessDeniedException" in done.stderr
    assert "Allow partnercentral:ListPartners in catalog Sandbox" in done.stderr
    assert stage.operations() == ["ListPartners"]


def test_without_credentials_it_says_so(stage: Stage) -> None:
    """As the other commands do."""
    done = probe(stage, "--yes", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.status == 1
    assert done.stderr.startswith("Error: Unable to locate credentials\nLog in")
    assert stage.operations() == []


def test_an_existing_file_is_never_replaced(stage: Stage, tmp_path: Path) -> None:
    """Which is found out before anything is called."""
    file = tmp_path / "cdk.json"
    file.write_text("{}")
    done = probe(stage, "--yes", "--json", str(file))
    assert (done.status, file.read_text()) == (1, "{}")
    done = probe(stage, "--yes", "--json", str(tmp_path / "nowhere" / "report.json"))
    assert done.status == 1
    assert "can't be written" in done.stderr
    assert stage.operations() == []


# --- The report


def test_what_is_told_to_people(stage: Stage) -> None:
    """Each question with its answer; nothing of it tells whose account it is."""
    done = probe(stage, "--yes", "--email", "jane@example.com")
    assert done.status == 0
    assert "found           What does a known token answer to another body? CONFLICT_CLIENT_TOKEN" in done.stdout
    assert "as documented   Is a legal name unique?" in done.stdout
    assert "not in Sandbox  Does a failed attempt use the code up? " in done.stdout
    assert "partners created: 1; endpoint: another" in done.stdout
    for private in (ACCOUNT, "jane", *(partner.id for partner in partners_of(stage))):
        assert private not in done.stdout


def test_json_on_standard_output_is_the_same_report(stage: Stage, tmp_path: Path) -> None:
    """Both are what the simulator takes."""
    file = tmp_path / "report.json"
    done = probe(stage, "--yes", "--json", str(file), "--output", "json")
    assert done.document == json.loads(file.read_text("utf-8"))
    assert done.document["Readings"] == observable()
    assert (done.document["Catalog"], done.document["Endpoint"]) == ("Sandbox", "another")
    assert ACCOUNT not in file.read_text("utf-8")


@pytest.mark.parametrize(
    "readings",
    [
        {},
        {"reused_token_conflicts": False, "profile_id": "at once"},
        {"one_partner_per_catalog": False, "any_contact_change_needs_code": True, "profile_id": "with profile"},
    ],
    ids=str,
)
def test_a_simulator_that_is_started_with_a_report_answers_as_the_service_did(
    stage: Stage, tmp_path: Path, readings: dict[str, Any]
) -> None:
    """So everything else can be rehearsed on the real service's behaviour."""
    found, again = tmp_path / "found.json", tmp_path / "again.json"
    own = Readings(**{**readings, **({"profile_id": ProfileIdAppears(readings["profile_id"])} if readings else {})})
    with Simulator(readings=own) as service:
        assert probe(stage, "--yes", "--json", str(found), "--endpoint-url", service.url).status == 0
    with process("--readings", str(found)) as (_, url):
        options = ("--yes", "--json", str(again), "--endpoint-url", url)
        assert probe(stage, *options, AWS_SESSION_TOKEN=SESSION_TOKEN).status == 0
    first, second = (json.loads(file.read_text("utf-8"))["Readings"] for file in (found, again))
    assert first == second == observable(**readings)


def test_the_command_can_style_each_status() -> None:
    """It knows them by their words, since its help must load quickly."""
    assert set(_STYLES) == set(Status)


# --- Services that give no answer


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("throttle", "GetPartner was throttled, at call 4. Run it again later."),
        (
            "access-denied",
            "GetPartner was refused: AccessDeniedException, ACCESS_DENIED. Allow partnercentral:GetPartner",
        ),
        ("internal-error", "the service failed at GetPartner (500, InternalServerException)"),
        ("hang", "GetPartner was not answered in time"),
        ("cut", "GetPartner got no answer (ConnectionClosedError)"),
    ],
)
def test_it_stops_and_keeps_what_it_has_found(stage: Stage, tmp_path: Path, kind: str, told: str) -> None:
    """With a clear word, and in the report too."""
    stage.simulator.faults.add("GetPartner", kind)
    done = probe(stage, "--yes", "--json", str(tmp_path / "report.json"))
    assert done.status == 1
    assert f"Error: stopped early: {told.partition('. ')[0]}" in done.stderr
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["Stopped"].startswith(told)
    assert [one["Question"] for one in report["Findings"]] == ["How are fields named in ErrorDetails?"]
    assert report["Readings"] == {}
    assert stage.operations() == ["ListPartners", "CreatePartner", "CreatePartner", "GetPartner"]


def test_an_interruption_keeps_what_was_found(stage: Stage, tmp_path: Path) -> None:
    """Ctrl-C while it waits."""
    file = tmp_path / "report.json"
    with stage.terminal("probe", "--yes", "--pause", "1", "--json", str(file)) as terminal:
        terminal.expect("How are fields named")
        terminal.type("\x03")
        assert terminal.ended() == 130
    report = json.loads(file.read_text("utf-8"))
    assert report["Stopped"] == "interrupted"
    assert report["Findings"]


def test_an_answer_that_breaks_off_stops_it(stage: Stage, tmp_path: Path) -> None:
    """It is no answer, and is in the report as such."""
    stage.simulator.faults.add("GetAllianceLeadContact", "garbled")
    done = probe(stage, "--yes", "--json", str(tmp_path / "report.json"))
    assert done.status == 1
    assert "the answer to GetAllianceLeadContact is none of Partner Central" in done.stderr
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["Stopped"]


@contextmanager
def _answering(status: int, body: bytes) -> Iterator[str]:
    """A server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("status", [200, 400, 403, 404, 502])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Sign in</html>", b"{}", b"[]", b'"text"', b"7", b'{"PartnerSummaryList": 7}', b'{"__type": 7}'],
)
def test_what_is_no_partner_central_is_told_as_such(stage: Stage, status: int, body: bytes) -> None:
    """A proxy's page, another service, or plain nonsense: nothing is created, and no mistake of ours is reported."""
    with _answering(status, body) as url:
        done = probe(stage, "--yes", "--endpoint-url", url)
    assert done.status == 1
    assert done.stderr.startswith("Error: ")
    assert "partner-account itself" not in done.stderr
    assert partners_of(stage) == []


# --- The simulator's side


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("no json", "is no JSON"),
        ("[]", "has no object `Readings`"),
        ('{"Readings": 1}', "has no object `Readings`"),
        ('{"Readings": {"colour": true}}', "names unknown readings: colour"),
        ('{"Readings": {"reused_token_conflicts": "no"}}', "reused_token_conflicts must be true or false"),
        ('{"Readings": {"profile_id": "never"}}', "profile_id must be one of at once,"),
        ('{"Readings": {"profile_id": 7}}', "profile_id must be one of at once,"),
    ],
)
def test_a_file_that_is_no_report_is_refused(stage: Stage, tmp_path: Path, content: str, told: str) -> None:
    """By the simulator and by a rehearsal, before anything is started."""
    file = tmp_path / "report.json"
    file.write_text(content)
    (tmp_path / "cdk.json").write_text('{"app": "false"}')
    with pytest.raises(ReadingsFileError, match=told):
        load_readings(file)
    done = stage.run_script("simulator", "start", "--readings", str(file))
    assert done.status == 2
    assert told in done.stderr
    done = stage.run("rehearse", "--app", "false", "--readings", str(file))
    assert done.status == 1
    assert told in done.stderr


def test_a_file_may_name_any_switch(tmp_path: Path) -> None:
    """Those that it leaves out are as by default."""
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"Readings": SWITCHES}))
    assert load_readings(file) == Readings()
    file.write_text('{"Readings": {"profile_id": "with profile"}}')
    assert load_readings(file) == Readings(profile_id=ProfileIdAppears.WITH_PROFILE)
    assert {field.name for field in fields(Readings)} == set(SWITCHES)
