"""`partner-account rehearse` as its user has it: a program that tells what it does, ends well or says why not."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from partner_account_rehearsal.cdk import Cdk
from partner_account_rehearsal.partner_central import PartnerCentral
from partner_account_rehearsal.processes import ProcessError
from tests.rehearsal.test_local_aws import eventually_none, heed_interruptions, processes_that_name

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
READINGS = {"one_partner_per_catalog": False, "profile_id": "at once"}
ODD = "AWS::DevOpsGuru::ResourceCollection"
# An app of somebody else: a stage for one account and region, other resources, one that the local AWS doesn't know,
# and the codes expected in a CloudFormation parameter, and in a secret of another stack.
OWN_APP = f"""
import os
import aws_cdk as cdk
from aws_cdk import aws_s3, aws_secretsmanager, aws_sqs
from partner_account import *

def partner(stack, name, catalog, code):
    contact = AllianceLeadContact(
        first_name="Jane", last_name="Doe", email=f"{{name.lower()}}@example.com", business_title="Lead")
    PartnerAccount(
        stack, name, catalog=catalog, legal_name=f"R&D <{{name}}> {{os.environ['SUFFIX']}}",
        email_verification_code=code, company_is_new_to_apn=catalog == Catalog.AWS,
        primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS, alliance_lead_contact=contact)

app = cdk.App()
stage = cdk.Stage(app, "Prod", env=cdk.Environment(account="123456789012", region="eu-west-1"))
one = cdk.Stack(stage, "One", stack_name="first", termination_protection=True)
partner(one, "Ann", Catalog.AWS, VerificationCode.from_parameter(cdk.CfnParameter(one, "Given", no_echo=True)))
aws_s3.Bucket(one, "Bucket", removal_policy=cdk.RemovalPolicy.DESTROY)
odd = cdk.CfnResource(one, "Odd", type="{ODD}", properties={{}})
cdk.CfnOutput(one, "OddArn", value=odd.get_att("Arn").to_string())
secret = aws_secretsmanager.Secret(cdk.Stack(stage, "Codes"), "Code")
two = cdk.Stack(stage, "Two")
partner(two, "Bob", Catalog.SANDBOX, VerificationCode.from_secrets_manager(secret, json_field="code"))
aws_sqs.Queue(two, "Queue")
cdk.Stack(app, "Unused")
app.synth()
"""
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
# The example app, with a resource that fails.
FAILING_APP = """
import aws_cdk as cdk
from example import add_stacks

app = cdk.App()
add_stacks(app)
absent = "arn:aws:lambda:us-east-1:111111111111:function:absent"
cdk.CustomResource(app.node.find_child("PartnerAccountSandbox"), "Later", service_token=absent)
app.synth()
"""


@dataclass(frozen=True)
class Place:
    """A directory with a CDK app, and a temporary directory that nobody else uses."""

    app: Path
    temporary: Path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a rehearsal in it, by the installed command."""
        heed_interruptions()
        own = {
            "PATH": f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(self.temporary),
        }
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("partner-account")), "rehearse", *arguments],
            cwd=self.app,
            env=os.environ | own | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def assert_untouched(self) -> None:
        """Nothing was left behind, and the app's directory is as it was."""
        assert list(self.temporary.iterdir()) == []
        assert eventually_none(self.temporary)
        assert sorted(path.name for path in self.app.rglob("*")) == ["app.py", "cdk.json"]


def place_with(folder: Path, app: str) -> Place:
    """A place for an app, run as the example is."""
    place = Place(folder / "app", folder / "temporary")
    place.temporary.mkdir()
    place.app.mkdir()
    (place.app / "app.py").write_text(app)
    shutil.copy(ROOT / "cdk.json", place.app)
    return place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The example app as it is in the checkout."""
    return place_with(tmp_path, (ROOT / "app.py").read_text())


@dataclass(frozen=True)
class Rehearsed:
    """A rehearsal that is over: what it told, and its reports."""

    place: Place
    exit_code: int
    told: str
    folder: Path

    @cached_property
    def report(self) -> Any:
        """The JSON report."""
        return json.loads((self.folder / "report.json").read_text())

    @cached_property
    def page(self) -> Page:
        """The HTML report, parsed."""
        page = Page()
        page.feed((self.folder / "report.html").read_text())
        return page

    def everything(self) -> str:
        """All three, as text."""
        return "\n".join([self.told, *(file.read_text() for file in sorted(self.folder.glob("report.*")))])

    def changes(self) -> list[list[str]]:
        """The requests of each step that change something at Partner Central."""
        return [[event["subject"] for event in step["events"] if event["changes"]] for step in self.report["steps"]]


class Page(HTMLParser):
    """What a browser would find in a page: attributes that could lead elsewhere, and the text of each section."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[tuple[str, str | None]] = []
        self.sections: dict[str, str] = {}
        self._section = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where it could lead."""
        self.tags.add(tag)
        self.links += [pair for pair in attrs if pair[0] in {"src", "href", "srcset", "action", "data", "poster"}]
        if tag in {"section", "header", "style"}:
            self._section = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.sections[self._section] = self.sections.get(self._section, "") + data


def rehearsed(place: Place, folder: Path, *arguments: str, **environment: str) -> Rehearsed:
    """A rehearsal from its beginning to its end."""
    reports = ["--json", str(folder / "report.json"), "--html", str(folder / "report.html")]
    with place.start(*arguments, *reports, **environment) as rehearsal:
        told, _ = rehearsal.communicate(timeout=280)
    return Rehearsed(place, rehearsal.returncode, told, folder)


# --- The example app, as `make demo` rehearses it ---


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """What `make demo ARGS=--keep` does, with reports; its AWS runs until the tests are done."""
    command = subprocess.run(["make", "--dry-run", "demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    _, _, arguments = command.replace("\\\n", " ").rpartition("partner_account_cli rehearse")
    folder = tmp_path_factory.mktemp("demo")
    done = rehearsed(place_with(folder, (ROOT / "app.py").read_text()), folder, *shlex.split(arguments), "--keep")
    assert done.exit_code == 0, done.told
    yield done
    subprocess.run(["sh", "-c", done.told.splitlines()[-1]], check=True)
    done.place.assert_untouched()


def test_the_terminal_tells_it_as_it_comes(demo: Rehearsed) -> None:
    """First what would be created, then events and requests in the order in which they happen, then the outputs."""
    in_order = [
        "legal name             Example Corp",
        "CreatePartner: partnercentral:CreatePartner on * if StringEquals partnercentral:Catalog = AWS",
        "Can't be undone",
        "→ Partner Central: SendEmailVerificationCode",
        "CREATE_IN_PROGRESS Custom::PartnerAccount PartnerAccount/Partner",
        "→ Partner Central: CreatePartner",
        "CREATE_COMPLETE Custom::PartnerAccount PartnerAccount/Partner",
        "DELETE_SKIPPED Custom::PartnerAccount PartnerAccount/Partner",
        "ROLLBACK_COMPLETE AWS::CloudFormation::Stack PartnerAccount",
        "→ Partner Central: ListPartners",
        "CREATE_COMPLETE AWS::CloudFormation::Stack PartnerAccount",
        "PartnerAccount (no changes)",
        "Outputs of PartnerAccount (simulated)",
        "One partner account was created, and never one too many.",
    ]
    positions: list[int] = []
    for words in in_order:
        positions.append(demo.told.find(words, positions[-1] if positions else 0))
    assert -1 not in positions, dict(zip(in_order, positions, strict=True))
    assert demo.told.count("→ Partner Central: CreatePartner") == 1
    assert "\x1b" not in demo.told, "colours are for terminals"


def test_the_page_shows_what_it_told(demo: Rehearsed) -> None:
    """Each run of lines in the example of docs/rehearse.md stands so in the terminal, and in this order."""
    page = (ROOT / "docs" / "rehearse.md").read_text()
    shown = page.split("```text\n", 1)[1].split("```", 1)[0]
    rest = "\n".join(line for line in demo.told.splitlines() if line.strip() and not line.startswith("  │"))
    for passage in shown.split("  …\n"):
        before, found, rest = rest.partition(passage)
        assert found == passage, before[-2_000:]


def test_the_json_report_holds_the_facts(demo: Rehearsed) -> None:
    """What is created, with which rights, what changed in which step, and the partner's outputs."""
    report = demo.report
    assert (report["format"], report["outcome"], report["problem"], report["fault"]) == (1, "passed", "", "rollback")
    assert demo.changes() == [[], [], ["SendEmailVerificationCode"], ["CreatePartner"], [], []]
    (partner,) = report["partners"]
    assert (partner["legal_name"], partner["catalog"]) == ("Example Corp", "AWS")
    assert partner["verification_code"] == "the secret partner-account/code"
    create = next(one for one in report["rights"] if one["sid"] == "CreatePartner")
    assert create["conditions"] == ["StringEquals partnercentral:Catalog = AWS"]
    assert "no call that deletes a partner account" in report["irreversible"][-1]
    assert "must migrate its account instead" in report["irreversible"][1]
    assert "Accepts the AWS Partner Central and ACE terms" in report["irreversible"][2]
    assert create["used"] == ["partnercentral:CreatePartner"]
    assert {one["sid"] for one in report["rights"] if not one["used"]} == {"UpdateContact", "UpdateTags"}
    assert "Enforced: what the function did, its IAM statements allow; not asked for here: " in report["shown"][-1]
    outputs = report["outputs"]
    assert outputs["PartnerReader"]["Id"] == outputs["PartnerAccount"]["PartnerId"]
    assert "ROLLBACK_COMPLETE" in {event["status"] for event in report["steps"][3]["events"]}


def test_the_page_needs_nothing_else_and_says_the_same(demo: Rehearsed) -> None:
    """No script, no link, no address of anywhere; each section tells what the JSON report tells."""
    page = demo.page
    assert page.links == []
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert not re.search(r"https?://|url\(|@import", (demo.folder / "report.html").read_text())
    sections = {name: " ".join(text.split()) for name, text in page.sections.items()}
    assert "Passed" in sections["header"]
    assert all(sentence in sections["header"] for sentence in demo.report["shown"])
    assert "Example Corp" in sections["created"]
    assert all(sentence in sections["irreversible"] for sentence in demo.report["irreversible"])
    for statement in demo.report["rights"]:
        assert all(action in sections["rights"] for action in [statement["sid"], *statement["actions"]])
    for number, step in enumerate(demo.report["steps"], 1):
        assert f"{number}. {step['title']}" in sections["timeline"]
        assert f"{number}. {step['title']}" in sections["steps"]
    assert "rolled back" in sections["steps"]
    for outputs in demo.report["outputs"].values():
        assert all(value in sections["outputs"] for value in outputs.values())


def test_nobody_is_named_and_no_code_is_told(demo: Rehearsed) -> None:
    """The e-mailed code and the contact's names and address stand in neither report nor in the terminal."""
    names = ("AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT", "AWS_SESSION_TOKEN")
    address, token = (re.search(rf"^ *export {name}=(\S+)$", demo.told, re.MULTILINE) for name in names)
    assert address
    assert token
    (mail,) = PartnerCentral(address[1], token[1]).outbox()
    told = demo.everything()
    assert told.count(token[1]) == 1, "the credentials stand in the directions to a terminal, and in no report"
    for private in (mail.code, mail.email, "Jane", "Doe", "Alliance Lead"):
        assert private not in told
    assert told.count("J. D. <j…@example.com>") == 1
    assert "J. D. <j…@example.com>" in demo.page.sections["created"]
    assert demo.report["partners"][0]["contact"] == "J. D. <j…@example.com>"


def test_what_is_kept_runs_on(demo: Rehearsed) -> None:
    """Nothing was destroyed, and the AWS runs until its farewell."""
    assert "cdk destroy" not in demo.told
    assert processes_that_name(demo.place.temporary)


# --- Somebody else's app ---


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """Two partners in two stacks of a stage, with a wrong code first, and with readings as a probe may report them."""
    folder = tmp_path_factory.mktemp("own")
    found = {**READINGS, "new_contact_email_needs_code": True}
    (folder / "probe.json").write_text(json.dumps({"Readings": found}))
    options = ("--fault", "wrong-code", "--readings", str(folder / "probe.json"))
    done = rehearsed(place_with(folder, OWN_APP), folder, "Prod/*", *options, SUFFIX="Corp")
    assert done.exit_code == 0, done.told
    done.place.assert_untouched()
    return done


def test_each_partner_gets_its_code_where_it_looks_for_it(own: Rehearsed) -> None:
    """As a parameter, and in a secret of another stack, that is deployed first; a wrong code first, then another."""
    codes = {partner["path"]: partner["verification_code"] for partner in own.report["partners"]}
    assert codes["Prod/One/Ann"] == "the CloudFormation parameter Given"
    assert re.fullmatch(r"the secret Prod-Codes-Code\S+", codes["Prod/Two/Bob"])
    titles = [step["title"].partition(":")[0] for step in own.report["steps"]]
    assert titles[2] == "Deploy what comes first"
    assert "EmailVerificationCode:INVALID_VALUE" in own.told
    created = [
        event
        for step in own.report["steps"]
        for event in step["events"]
        if (event["subject"], event["status"]) == ("CreatePartner", "OK")
    ]
    assert len(created) == 2
    assert own.changes()[-2:] == [[], []]


def test_readings_that_differ_from_the_defaults_are_named(own: Rehearsed) -> None:
    """Before anything is deployed, and in both reports; one that is the default goes without saying."""
    before, _, _ = own.told.partition("(cdk bootstrap)")
    _, _, told = before.partition("Readings of Partner Central that differ from the simulator's defaults\n")
    assert told.startswith('  one_partner_per_catalog: false\n  profile_id: "at once"\n\n')
    assert own.report["readings"] == READINGS
    page = own.page.sections["readings"]
    assert page.split("Value", 1)[1].split() == ["one_partner_per_catalogfalse", 'profile_id"at', 'once"']
    assert "new_contact_email_needs_code" not in own.everything()


def test_what_the_local_aws_does_not_know_is_named_before_anything_is_deployed(own: Rehearsed) -> None:
    """With its construct, in terminal and reports; the rest of the app is rehearsed all the same."""
    before, _, _ = own.told.partition("(cdk bootstrap)")
    assert f"{ODD}: Prod/One/Odd" in before
    assert own.report["not_rehearsed"] == [{"type": ODD, "paths": ["Prod/One/Odd"]}]
    assert ODD in own.page.sections["not-rehearsed"]
    assert own.report["outputs"]["first"]["OddArn"] == "arn:aws:rehearsal:us-east-1:000000000000:not-rehearsed-Odd-Arn"


def test_only_what_was_named_is_rehearsed_in_its_own_account_and_region(own: Rehearsed) -> None:
    """The stacks that match, as that account; a stack that is protected against deletion is destroyed here too."""
    assert {stack["name"] for stack in own.report["stacks"]} == {"Prod-Codes", "first", "Prod-Two"}
    assert ":123456789012:" in own.report["outputs"]["first"]["AnnArn"]
    gone = [event["stack"] for event in own.report["steps"][-1]["events"] if event["status"] == "DELETE_COMPLETE"]
    assert {"Prod-Codes", "first", "Prod-Two"} <= set(gone)


def test_the_app_can_put_nothing_into_the_page(own: Rehearsed) -> None:
    """A legal name with markup, made of an environment variable of the user's, is text."""
    assert "R&D <Ann> Corp" in own.page.sections["created"]
    assert "ann" not in own.page.tags


# --- Rehearsals that fail or are interrupted ---


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An app that fails in its deployment; its cloud assembly lies beside it, in `made`."""
    folder = tmp_path_factory.mktemp("failing")
    place = place_with(folder, FAILING_APP)
    (folder / "modules").mkdir()
    shutil.copy(ROOT / "app.py", folder / "modules" / "example.py")
    own = {"PYTHONPATH": str(folder / "modules"), "CDK_OUTDIR": str(folder / "made")}
    subprocess.run([sys.executable, "app.py"], cwd=place.app, env=os.environ | own, check=True)
    return place


def test_a_deployment_that_fails_fails_the_rehearsal_and_is_reported(failing: Place, tmp_path: Path) -> None:
    """The exit status is 1, the last line says why, and the report holds it; the app was synthesized before."""
    done = rehearsed(failing, tmp_path, "--app", "../made")
    assert done.exit_code == 1
    last = done.told.splitlines()[-1]
    assert last.startswith("Error: cdk deploy failed: Later: Custom resource ServiceToken"), done.told
    assert "Traceback" not in done.told
    assert done.report["outcome"] == "failed"
    assert [step["outcome"] for step in done.report["steps"]] == ["passed", "passed", "failed"]
    assert "Failed" in done.page.sections["header"]
    assert "function:absent' not found" in done.page.sections["steps"]
    failing.assert_untouched()


@pytest.mark.parametrize("missing", ["crhelper", "partner_account_handler/index.py"])
def test_an_asset_that_lacks_something_fails_the_rehearsal(missing: str, tmp_path: Path) -> None:
    """The function finds what its asset holds, not what is installed beside this command; the error names the rest."""
    place = place_with(tmp_path, "")
    made = tmp_path / "made"
    app = [sys.executable, str(ROOT / "app.py")]
    subprocess.run(app, cwd=place.app, env=os.environ | {"CDK_OUTDIR": str(made)}, check=True)
    (lost,) = made.glob(f"asset.*/{missing}")
    lost.rename(tmp_path / "lost")
    with place.start("--app", "../made") as rehearsal:
        told, _ = rehearsal.communicate(timeout=120)
    assert rehearsal.returncode == 1, told
    module = missing.removesuffix(".py").replace("/", ".")
    last = told.splitlines()[-1]
    assert last.startswith("Error: cdk deploy failed: Partner"), told
    assert last.endswith(f": Lambda can't load the function: No module named '{module}'")
    place.assert_untouched()


def test_a_pattern_that_matches_nothing_is_told(failing: Place) -> None:
    """With the pattern, and where the names stand; nothing was deployed."""
    with failing.start("Absent*", "--app", "../made") as rehearsal:
        told, _ = rehearsal.communicate(timeout=120)
    assert rehearsal.returncode == 1
    assert told.splitlines()[-1] == "Error: no stack matches Absent*: `cdk list` shows their names"
    assert "cdk bootstrap" not in told
    failing.assert_untouched()


def test_one_partner_too_many_fails_the_rehearsal(tmp_path: Path) -> None:
    """Though each command succeeds: the last line says how many there should be, and the JSON report too."""
    done = rehearsed(place_with(tmp_path, GREEDY_APP), tmp_path)
    assert done.exit_code == 1
    problem = "the number of partners in catalog Sandbox should be 0, but is 1"
    assert done.told.splitlines()[-1] == f"Error: {problem}"
    assert (done.report["outcome"], done.report["problem"]) == ("failed", problem)
    assert done.report["partners"][0]["verification_code"] == "the SSM parameter /code"
    done.place.assert_untouched()


def test_interrupted_midway_it_leaves_nothing(place: Place) -> None:
    """Ctrl-C during the deployment ends the rehearsal, the CLI and the servers, and the directory is as before."""
    with place.start() as rehearsal:
        assert rehearsal.stdout is not None
        for line in rehearsal.stdout:
            if "PartnerAccountSandbox: creating CloudFormation changeset" in line:
                break
        rehearsal.send_signal(signal.SIGINT)
        told, _ = rehearsal.communicate(timeout=60)
    assert rehearsal.returncode != 0
    assert "Traceback" not in told
    place.assert_untouched()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--app", "true", "--html", "absent/report.html"], "absent/report.html can't be written: name a file"),
        ([], "there is no cdk.json here: go to the directory of your CDK app, or name its command by --app"),
    ],
)
def test_what_can_be_known_at_once_is_said_at_once(place: Place, arguments: list[str], error: str) -> None:
    """Without an app, or with a report that can't be written, nothing is started."""
    (place.app / "cdk.json").unlink()
    with place.start(*arguments) as rehearsal:
        told, _ = rehearsal.communicate(timeout=60)
    assert rehearsal.returncode == 1
    assert told.startswith(f"Error: {error}")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_an_encoding_lacks_ends_no_rehearsal(place: Place, encoding: str) -> None:
    """Neither the app's own words, in UTF-8, nor what the story is drawn with; in a file as on a terminal."""
    app = r"printf 'Zo\303\253 \346\240\252\n' >&2; false"
    locale = {"PYTHONIOENCODING": encoding, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with place.start("--app", app, **locale) as rehearsal:
        assert isinstance(rehearsal.stdout, io.TextIOWrapper)
        told = rehearsal.stdout.buffer.read().decode(encoding)
    assert rehearsal.returncode == 1
    assert "Error: cdk synth failed" in told
    assert ("| Zo\xeb \\u682a\n" if encoding == "cp1252" else "| Zo\\xeb \\u682a\n") in told
    assert re.search(r"^  ok [0-9.]+ s$", told, re.MULTILINE)


def test_without_the_cdk_cli_it_says_how_to_get_it(place: Place) -> None:
    """A missing cdk CLI is named, with the command that installs it: the locked one where there is a lock."""
    with pytest.raises(ProcessError, match="there is no cdk CLI: run `npm install aws-cdk@2`"):
        Cdk(place.app, place.temporary, {"PATH": str(place.temporary)}).run("synth")
    (place.app / "package-lock.json").touch()
    with pytest.raises(ProcessError, match="there is no cdk CLI: run `npm ci`"):
        Cdk(place.app, place.temporary, {"PATH": str(place.temporary)}).run("synth")
