"""`partner-account rehearse` of the example app: its live output, and its reports, which contain no secret."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from partner_account_rehearsal.simulator_client import SimulatorClient
from tests.e2e.account import ROOT
from tests.e2e.rehearsals import Rehearsed, place_with, rehearsed
from tests.rehearsal.process_list import processes_that_name

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """What `make demo ARGS=--keep` does, with reports; its AWS runs until the tests are done."""
    # Not the ARGS with which `make test` may have been called.
    make = ["make", "--dry-run", "demo", "ARGS="]
    command = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    _, _, arguments = command.replace("\\\n", " ").rpartition("partner_account_cli rehearse")
    folder = tmp_path_factory.mktemp("demo")
    done = rehearsed(place_with(folder, (ROOT / "app.py").read_text()), folder, *shlex.split(arguments), "--keep")
    assert done.exit_code == 0, done.told
    yield done
    (stop,) = re.findall(r"^partner-account (rehearse --stop \S+)$", done.told, re.MULTILINE)
    subprocess.run([sys.executable, "-m", "partner_account_cli", *shlex.split(stop)], check=True)
    done.place.assert_untouched()


def test_terminal_shows_preview_events_requests_and_outputs_in_order(demo: Rehearsed) -> None:
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
        "✓ rolled back, as intended",
        "→ Partner Central: ListPartners",
        "CREATE_COMPLETE AWS::CloudFormation::Stack PartnerAccount",
        "Outputs of PartnerAccount (simulated)",
        "One partner account was created, and no other.",
    ]
    positions: list[int] = []
    for words in in_order:
        positions.append(demo.told.find(words, positions[-1] if positions else 0))
    assert -1 not in positions, dict(zip(in_order, positions, strict=True))
    assert demo.told.count("→ Partner Central: CreatePartner") == 1
    assert "\x1b" not in demo.told, "colours are for terminals"
    assert "  │" not in demo.told, "what the CLI says is folded"
    assert "CREATE_COMPLETE AWS::CloudFormation::Stack CDKToolkit" in demo.told


def test_example_output_in_the_docs_is_what_the_terminal_shows(demo: Rehearsed) -> None:
    """Each run of lines in the example of docs/rehearse.md appears in the terminal, and in this order."""
    page, told = (re.sub(r"\d+\.\d s", "… s", text) for text in ((ROOT / "docs/rehearse.md").read_text(), demo.told))
    shown = page.split("```text\n", 1)[1].split("```", 1)[0]
    rest = "\n".join(line for line in told.splitlines() if line.strip())
    for passage in shown.split("  …\n"):
        before, found, rest = rest.partition(passage)
        assert found == passage, before[-2_000:]


def test_json_report_holds_partner_statements_changes_and_outputs(demo: Rehearsed) -> None:
    """What is created, with which rights, what changed in which step, and the partner's outputs."""
    report = demo.report
    assert (report["Format"], report["Outcome"], report["Problem"], report["Fault"]) == (2, "passed", "", "rollback")
    assert demo.changes() == [[], [], ["SendEmailVerificationCode"], ["CreatePartner"], [], []]
    assert [one for one in report["Steps"][-1]["Events"] if one["Source"] == "Partner Central"] == []
    (partner,) = report["Partners"]
    assert (partner["LegalName"], partner["Catalog"]) == ("Example Corp", "AWS")
    assert partner["VerificationCode"] == "the secret partner-account/code"
    create = next(one for one in report["IamStatements"] if one["Sid"] == "CreatePartner")
    assert create["Conditions"] == ["StringEquals partnercentral:Catalog = AWS"]
    assert "no call that deletes a partner account" in report["Irreversible"][-1]
    assert "must migrate its account instead" in report["Irreversible"][1]
    assert "Accepts the AWS Partner Central and ACE terms" in report["Irreversible"][2]
    assert create["Used"] == ["partnercentral:CreatePartner"]
    unused = {one["Sid"] for one in report["IamStatements"] if not one["Used"]}
    assert unused == {"LookForImports", "UpdateContact", "UpdateTags"}
    assert "Enforced: the function's IAM statements allow what it did; not used here: " in report["Results"][-1]
    outputs = report["Outputs"]
    assert outputs["PartnerReader"]["Id"] == outputs["PartnerAccount"]["PartnerId"]
    assert "ROLLBACK_COMPLETE" in {event["Status"] for event in report["Steps"][3]["Events"]}


def test_html_report_is_self_contained_and_says_what_the_json_report_says(demo: Rehearsed) -> None:
    """No script, no link, no URL; each section shows what the JSON report contains."""
    page = demo.page
    assert page.links == []
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert not re.search(r"https?://|url\(|@import", (demo.folder / "report.html").read_text())
    sections = {name: " ".join(text.split()) for name, text in page.sections.items()}
    assert "Passed" in sections["header"]
    assert all(sentence in sections["header"] for sentence in demo.report["Results"])
    assert "Example Corp" in sections["created"]
    assert all(sentence in sections["irreversible"] for sentence in demo.report["Irreversible"])
    for statement in demo.report["IamStatements"]:
        assert all(action in sections["iam-statements"] for action in [statement["Sid"], *statement["Actions"]])
    for number, step in enumerate(demo.report["Steps"], 1):
        assert f"{number}. {step['Title']}" in sections["timeline"]
        assert f"{number}. {step['Title']}" in sections["steps"]
    assert "rolled back, as intended" in sections["steps"]
    assert "CDKToolkit CREATE_COMPLETE" in sections["steps"]
    versions = demo.report["Versions"]
    assert list(versions) == ["cdk-partner-account", "aws-cdk", "ministack", "aws-cdk-lib"]
    assert all(f"{name} {version}" in sections["footer"] for name, version in versions.items())
    assert versions["aws-cdk-lib"] == importlib.metadata.version("aws-cdk-lib")
    locked = json.loads((ROOT / "node_modules/aws-cdk/package.json").read_text())
    assert versions["aws-cdk"] == locked["version"]
    for outputs in demo.report["Outputs"].values():
        assert all(value in sections["outputs"] for value in outputs.values())


def test_code_contact_and_credentials_are_in_no_report(demo: Rehearsed) -> None:
    """The e-mailed code and the contact's names and address are in neither report nor terminal."""
    names = ("AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT", "AWS_SESSION_TOKEN")
    address, token = (re.search(rf"^ *export {name}=(\S+)$", demo.told, re.MULTILINE) for name in names)
    assert address
    assert token
    (mail,) = SimulatorClient(address[1], token[1]).outbox()
    told = demo.everything()
    assert told.count(token[1]) == 1, "the credentials stand in the commands for a terminal, and in no report"
    for private in (mail.code, mail.email, "Jane", "Doe", "Alliance Lead"):
        assert private not in told
    assert told.count("J. D. <a…@example.com>") == 1
    assert "J. D. <a…@example.com>" in demo.page.sections["created"]
    assert demo.report["Partners"][0]["Contact"] == "J. D. <a…@example.com>"


def test_kept_local_aws_runs_on_with_all_stacks(demo: Rehearsed) -> None:
    """Until `--stop`."""
    assert "cdk destroy" not in demo.told
    assert processes_that_name(demo.place.temporary)
