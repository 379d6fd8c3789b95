"""`partner-account probe`: it prompts before it creates, stays in the Sandbox, and a simulator accepts its report."""

from __future__ import annotations

import json
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from urllib3 import HTTPResponse

from partner_account_cli.aws import Access
from partner_account_cli.doctor import DoctorRun
from partner_central_simulator import ProfileIdAppears, Readings, Simulator
from partner_central_simulator.readings import ReadingsFileError, load_readings
from tests.cli.stage import ACCOUNT, CliStage, Ended
from tests.simulator.test_process import SESSION_TOKEN, process
from tests.simulator.test_sandbox_contract import SWITCHES, answering, observable

QUICK = ("--pause", "0", "--wait", "0", "--read-timeout", "2")


def probe(stage: CliStage, *options: str, **environment: str) -> Ended:
    """The command, without a terminal and without pauses."""
    return stage.run("probe", *QUICK, *options, **environment)


def partners_of(stage: CliStage) -> list[Any]:
    """All partners of the account, in either catalog."""
    return stage.simulator.account(ACCOUNT).partners


# --- Before anything is created


def test_probe_without_a_terminal_creates_nothing_without_yes(stage: CliStage) -> None:
    """Nobody has agreed."""
    done = probe(stage)
    assert done.status == 1
    assert "Add --yes." in done.stderr
    assert stage.operations() == ["ListPartners"]


@pytest.mark.parametrize(("typed", "status"), [("\n", 130), ("y\n", 0)])
def test_probe_lists_what_it_leaves_behind_and_prompts_before_it_creates(
    stage: CliStage, typed: str, status: int
) -> None:
    """No is the default answer."""
    with stage.terminal("probe", *QUICK) as terminal:
        terminal.expect(r"Continue\? \[y/N\]")
        shown = " ".join(terminal.shown.split())
        assert f"Account {ACCOUNT}, catalog Sandbox" in shown
        assert "Nobody can delete them" in shown
        assert "tasks a day create its profile" in shown
        assert stage.operations() == ["ListPartners"]
        terminal.type(typed)
        assert terminal.ended() == status
    assert len(partners_of(stage)) == int(status == 0)


def test_probe_names_the_missing_permission_before_it_prompts(stage: CliStage) -> None:
    """By the missing action, before any prompt."""
    stage.simulator.faults.add("ListPartners", "access-denied")
    done = probe(stage, "--yes")
    assert done.status == 1
    assert "nothing was created: ListPartners returned AccessDeniedException" in done.stderr
    assert "Allow partnercentral:ListPartners in catalog Sandbox" in done.stderr
    assert stage.operations() == ["ListPartners"]


def test_existing_or_unwritable_report_file_is_rejected_before_any_call(stage: CliStage, tmp_path: Path) -> None:
    """Which is found out before anything is called."""
    file = tmp_path / "cdk.json"
    file.write_text("{}")
    done = probe(stage, "--yes", "--json", str(file))
    assert (done.status, file.read_text()) == (64, "{}")
    done = probe(stage, "--yes", "--json", str(tmp_path / "nowhere" / "report.json"))
    assert done.status == 64
    assert "can't be written" in done.stderr
    assert stage.operations() == []


@pytest.fixture
def aws(stage: CliStage, monkeypatch: pytest.MonkeyPatch) -> CliStage:
    """A stage where Partner Central is AWS's own, with no partners: its answer stands in before a request is sent."""
    connect = Access.partner_central

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body = HTTPResponse(BytesIO(b'{"PartnerSummaryList": []}'), preload_content=False)
        return AWSResponse(request.url, 200, HTTPHeaders(), body)

    def connect_with_answer(access: Access, config: object = None) -> Any:
        client = connect(access, config)
        client.meta.events.register("before-send", answer)
        return client

    monkeypatch.setattr(Access, "partner_central", connect_with_answer)
    unset = {"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": ""}
    stage.environment.update(unset, AWS_ENDPOINT_URL_STS=stage.moto_url)
    return stage


def test_probe_of_aws_names_its_endpoint_as_on_the_wire_and_reports_aws(aws: CliStage) -> None:
    """Botocore sends the request to another host than the client's `meta.endpoint_url`."""
    done = probe(aws, "--yes")
    assert "catalog Sandbox at https://partnercentral-account.us-east-1.api.aws, with 0 partners" in done.stderr
    assert "endpoint: AWS" in done.stdout


def test_doctor_of_aws_names_its_endpoint_as_on_the_wire(aws: CliStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same address as --debug."""
    for name, value in aws.variables().items():
        monkeypatch.setenv(name, value)
    found = dict(DoctorRun(Access(), "AWS", None, None).checks())["endpoint"]()
    assert found.finding == "https://partnercentral-account.us-east-1.api.aws responds"


# --- The report


def test_probe_shows_each_question_with_its_answer_and_nothing_of_the_account(stage: CliStage) -> None:
    """Each question with its answer, without anything that identifies the account."""
    done = probe(stage, "--yes", "--email", "jane@example.com")
    assert done.status == 0
    assert "found           What does a known token return for another body? CONFLICT_CLIENT_TOKEN" in done.stdout
    assert "as documented   Does a repeated request return the same result? success" in done.stdout
    assert "not in Sandbox  Does a failed attempt use up the code? " in done.stdout
    assert "partners created: 1; endpoint: another" in done.stdout
    for private in (ACCOUNT, "jane", *(partner.id for partner in partners_of(stage))):
        assert private not in done.stdout


def test_json_on_standard_output_is_the_report_of_the_file(stage: CliStage, tmp_path: Path) -> None:
    """The simulator accepts both."""
    file = tmp_path / "report.json"
    done = probe(stage, "--yes", "--json", str(file), "--output", "json")
    assert done.document == json.loads(file.read_text("utf-8"))
    assert done.document["Readings"] == observable()
    assert (done.document["Catalog"], done.document["Endpoint"]) == ("Sandbox", "another")
    assert ACCOUNT not in file.read_text("utf-8")


def test_simulator_started_with_a_report_answers_like_the_service(stage: CliStage, tmp_path: Path) -> None:
    """So everything else can be rehearsed on the real service's behaviour."""
    found, again = tmp_path / "found.json", tmp_path / "again.json"
    own: dict[str, Any] = {
        "one_partner_per_catalog": False,
        "reused_token_conflicts": False,
        "profile_id": ProfileIdAppears.AT_ONCE,
    }
    with Simulator(readings=Readings(**own)) as service:
        assert probe(stage, "--yes", "--json", str(found), "--endpoint-url", service.url).status == 0
    with process("--readings", str(found)) as (_, url):
        options = ("--yes", "--json", str(again), "--endpoint-url", url)
        assert probe(stage, *options, AWS_SESSION_TOKEN=SESSION_TOKEN).status == 0
    first, second = (json.loads(file.read_text("utf-8"))["Readings"] for file in (found, again))
    assert first == second == observable(**own)


# --- Services that give no answer


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("throttle", "GetPartner was throttled, at call 4. Run it again later."),
        (
            "access-denied",
            "GetPartner returned AccessDeniedException, ACCESS_DENIED. Allow partnercentral:GetPartner",
        ),
    ],
)
def test_stopped_probe_keeps_its_findings(stage: CliStage, tmp_path: Path, kind: str, told: str) -> None:
    """With a clear word, and in the report too."""
    stage.simulator.faults.add("GetPartner", kind)
    done = probe(stage, "--yes", "--json", str(tmp_path / "report.json"))
    assert done.status == 1
    assert f"Error: stopped early: {told.partition('. ')[0]}" in done.stderr
    assert "Rehearse on what was found" not in done.stderr
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["Stopped"].startswith(told)
    assert [one["Question"] for one in report["Findings"]] == ["How are fields named in ErrorDetails?"]
    assert report["Readings"] == {}
    assert stage.operations() == ["ListPartners", "CreatePartner", "CreatePartner", "GetPartner"]


def test_interrupted_probe_keeps_its_findings(stage: CliStage, tmp_path: Path) -> None:
    """Ctrl-C while it waits."""
    file = tmp_path / "report.json"
    with stage.terminal("probe", "--yes", "--pause", "1", "--json", str(file)) as terminal:
        terminal.expect("How are fields named")
        terminal.type("\x03")
        assert terminal.ended() == 130
    report = json.loads(file.read_text("utf-8"))
    assert report["Stopped"] == "interrupted"
    assert report["Findings"]


def test_create_partner_without_a_certain_outcome_leaves_the_number_of_partners_unknown(
    stage: CliStage, tmp_path: Path
) -> None:
    """In the terminal and in the report; the remedy explains how to find out."""
    file = tmp_path / "report.json"
    stage.simulator.faults.add("CreatePartner", "garbled")
    done = probe(stage, "--yes", "--json", str(file))
    assert done.status == 1
    assert "partners created: unknown" in done.stdout
    assert "`partner-account show --catalog Sandbox` shows what is there." in done.stderr
    report = json.loads(file.read_text("utf-8"))
    assert report["PartnersCreated"] is None
    assert "partner-account show" in report["Stopped"]


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>Sign in</html>"), (404, b'{"__type": 7}')])
def test_endpoint_that_is_not_partner_central_is_reported(stage: CliStage, status: int, body: bytes) -> None:
    """Nothing is created, and no mistake of ours is reported."""
    with answering(status, body) as url:
        done = probe(stage, "--yes", "--endpoint-url", url)
    assert done.status == 1
    assert done.stderr.startswith("Error: nothing was created: ")
    assert "partner-account itself" not in done.stderr
    assert partners_of(stage) == []


# --- The simulator's side


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("no json", "is not JSON"),
        ("[]", "has no object `Readings`"),
        ('{"Readings": 1}', "has no object `Readings`"),
        ('{"Readings": {"colour": true}}', "names unknown readings: colour"),
        ('{"Readings": {"reused_token_conflicts": "no"}}', "reused_token_conflicts must be true or false"),
        ('{"Readings": {"profile_id": "never"}}', "profile_id must be one of at once,"),
        ('{"Readings": {"profile_id": 7}}', "profile_id must be one of at once,"),
    ],
)
def test_invalid_readings_file_is_rejected_before_anything_starts(
    stage: CliStage, tmp_path: Path, content: str, told: str
) -> None:
    """By the simulator and by a rehearsal, before anything is started."""
    file = tmp_path / "report.json"
    file.write_text(content)
    (tmp_path / "cdk.json").write_text('{"app": "false"}')
    with pytest.raises(ReadingsFileError, match=told):
        load_readings(file)
    for command in (("simulator", "start"), ("rehearse", "--app", "false")):
        done = stage.run(*command, "--readings", str(file))
        assert done.status == 64
        assert told in " ".join(done.stderr.split())


def test_readings_file_may_name_any_reading(tmp_path: Path) -> None:
    """Those that it leaves out are as by default."""
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"Readings": SWITCHES}))
    assert load_readings(file) == Readings()
    file.write_text('{"Readings": {"profile_id": "with profile"}}')
    assert load_readings(file) == Readings(profile_id=ProfileIdAppears.WITH_PROFILE)
    assert {field.name for field in fields(Readings)} == set(SWITCHES)
