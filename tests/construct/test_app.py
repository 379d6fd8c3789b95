"""The example app: which values it takes, and what it tells who gives it wrong ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from app import add_stacks
from partner_account import PrimarySolutionType
from partner_account_rehearsal.cdk import Cdk

ROOT = Path(__file__).parents[2]
REAL = {
    "catalog": "AWS",
    "legal_name": "Octan Energy",
    "primary_solution_type": "HARDWARE_PRODUCTS",
    "first_name": "Ada",
    "last_name": "King",
    "email": "ada@octan.example",
    "business_title": "Countess",
    "verification_code_secret": "octan/code",
    "company_is_new_to_apn": "true",
}
# The example app, into whose first stack somebody may put a bucket that breaks rules of cdk-nag.
CARELESS = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from app import add_checks, add_stacks

careless = cdk.App()
add_stacks(careless)
if careless.node.try_get_context("careless"):
    s3.Bucket(careless.node.find_child("PartnerAccountSandbox"), "Open")
add_checks(careless)
careless.synth()
"""


def templates(context: Mapping[str, object]) -> tuple[Template, Template]:
    """The templates of the two stacks."""
    app = cdk.App(context=dict(context))
    add_stacks(app)
    catalog = "" if context.get("catalog") == "AWS" else "Sandbox"
    first, second = (app.node.find_child(f"{name}{catalog}") for name in ("PartnerAccount", "PartnerReader"))
    assert isinstance(first, cdk.Stack)
    assert isinstance(second, cdk.Stack)
    return Template.from_stack(first), Template.from_stack(second)


def partner(context: Mapping[str, object]) -> dict[str, Any]:
    """The properties that the handler gets."""
    found = templates(context)[0].find_resources("Custom::PartnerAccount")
    (resource,) = found.values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def refusal(context: dict[str, str]) -> str:
    """What the app says when it refuses to synthesize."""
    with pytest.raises(SystemExit) as refused:
        templates(context)
    return str(refused.value)


def run_app(context: Mapping[str, object], folder: Path) -> subprocess.CompletedProcess[str]:
    """The app, run as the cdk CLI runs it."""
    environment = os.environ | {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(folder)}
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_without_values_it_is_the_sandbox() -> None:
    """Who gives no values gets a Sandbox partner whose name no other account has."""
    properties = partner({})
    assert properties["Catalog"] == "Sandbox"
    assert properties["LegalName"] == {"Fn::Join": ["", ["Example Corp ", {"Ref": "AWS::AccountId"}]]}
    assert properties["EmailVerificationCode"] == {"From": "Sandbox"}
    assert "ExistingPartnerId" not in properties


def test_every_value_reaches_the_partner() -> None:
    """Each value of the command line stands in the partner's properties; of the secret only its name."""
    properties = partner(REAL)
    assert properties["Catalog"] == "AWS"
    assert properties["LegalName"] == "Octan Energy"
    assert properties["PrimarySolutionType"] == "HARDWARE_PRODUCTS"
    assert properties["AllianceLeadContact"] == {
        "FirstName": "Ada",
        "LastName": "King",
        "Email": "ada@octan.example",
        "BusinessTitle": "Countess",
    }
    assert properties["EmailVerificationCode"] == {"From": "SecretsManager", "SecretId": "octan/code"}


def test_a_partner_to_adopt_is_named_by_its_id_and_nobody_is_asked_about_apn() -> None:
    """The value existing_partner_id."""
    given = {name: value for name, value in REAL.items() if name != "company_is_new_to_apn"}
    adopted = partner(given | {"existing_partner_id": "partner-abcDEF1234567"})
    assert adopted["ExistingPartnerId"] == "partner-abcDEF1234567"


def test_who_says_nothing_about_apn_in_catalog_aws_gets_the_constructs_reason() -> None:
    """It tells what creating a partner would do to a company that is one already."""
    given = {name: value for name, value in REAL.items() if name != "company_is_new_to_apn"}
    assert "replaces its historical partner data" in refusal(given)


def test_the_second_stack_reads_the_outputs_of_the_first() -> None:
    """Arn and Id by their exports; ProfileId, which may change once, by a reference that locks nothing.

    It keeps them in parameters, and puts out what these hold: see docs/passing-values.md.
    """
    first, reader = (template.to_json() for template in templates({}))
    first, second = first["Outputs"], reader["Outputs"]
    kept = {name: output["Value"]["Fn::GetAtt"] for name, output in second.items()}
    assert {attribute for _, attribute in kept.values()} == {"Value"}
    read = {name: reader["Resources"][resource]["Properties"]["Value"] for name, (resource, _) in kept.items()}
    assert read == {
        "Arn": {"Fn::ImportValue": first["PartnerArn"]["Export"]["Name"]},
        "Id": {"Fn::ImportValue": first["PartnerId"]["Export"]["Name"]},
        "ProfileId": {
            "Fn::GetStackOutput": {"StackName": "PartnerAccountSandbox", "OutputName": "PartnerProfileId"},
        },
    }
    assert "PartnerProfileId" in first


def test_each_catalog_has_stacks_of_its_own() -> None:
    """After the Sandbox comes catalog AWS, and no partner can move from one to the other."""
    exported = [
        output["Export"]["Name"]
        for context in ({}, REAL)
        for template in templates(context)
        for output in template.to_json()["Outputs"].values()
        if "Export" in output
    ]
    assert len(set(exported)) == 6


def test_the_second_stack_waits_for_the_first(tmp_path: Path) -> None:
    """cdk deploys the second stack after the first, though no reference of CDK's own connects them."""
    app = cdk.App(outdir=str(tmp_path))
    add_stacks(app)
    assembly = app.synth()
    dependencies = [artifact.id for artifact in assembly.get_stack_by_name("PartnerReaderSandbox").dependencies]
    assert "PartnerAccountSandbox" in dependencies


def test_the_real_catalog_has_no_defaults() -> None:
    """In catalog AWS all missing values are named at once, each with the option that gives it."""
    said = refusal({"catalog": "AWS"})
    needed = REAL.keys() - {"catalog", "company_is_new_to_apn"}
    assert said.count(" is missing: add -c ") == len(needed)
    for name in needed:
        assert f"{name} is missing: add -c {name}=" in said


def test_an_empty_value_is_a_missing_one() -> None:
    """`-c legal_name=` gives no name."""
    assert refusal(REAL | {"legal_name": ""}) == "legal_name is missing: add -c legal_name=..."


def test_cfn_lint_finds_nothing_in_the_second_stack(tmp_path: Path) -> None:
    """Neither an import as an output (W6001) nor anything else."""
    template = tmp_path / "template.json"
    template.write_text(json.dumps(templates({})[1].to_json()))
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", str(template)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout or "[]")) == (0, [])


@pytest.mark.parametrize("value", [True, 5, 1.5, ["AWS"], {"a": "b"}])
def test_values_that_are_no_texts_are_told(value: object, tmp_path: Path) -> None:
    """cdk.json may hold any JSON; each is named, without a traceback."""
    done = run_app(dict.fromkeys(REAL, value), tmp_path)
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if " must be a text: write it in quotation marks" in line]
    assert {line.split()[0] for line in said} == REAL.keys()
    assert "Traceback" not in done.stderr


def test_a_value_that_is_false_is_a_missing_one() -> None:
    """As an empty one is: in the Sandbox it has its default."""
    assert partner({"legal_name": False, "verification_code_secret": None})["EmailVerificationCode"] == {
        "From": "Sandbox"
    }


def test_unknown_choices_are_named_with_the_known_ones() -> None:
    """A catalog, solution type or id that doesn't exist is answered with those that do, all at once."""
    said = refusal({"catalog": "Aws", "primary_solution_type": "SOFTWARE", "existing_partner_id": "partner-1"})
    assert "catalog can't be 'Aws': use -c catalog=AWS|Sandbox" in said
    assert all(one in said for one in PrimarySolutionType)
    assert "existing_partner_id can't be 'partner-1': use -c existing_partner_id=partner-[A-Za-z0-9]{13}" in said


def test_what_the_service_would_refuse_is_refused_without_a_traceback(tmp_path: Path) -> None:
    """A value that the construct refuses ends the app with the construct's sentence, and nothing around it."""
    done = run_app({"email": "nobody"}, tmp_path)
    assert done.returncode == 1
    assert "alliance_lead_contact.email" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def good_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The app, run without any value, and its cloud assembly."""
    folder = tmp_path_factory.mktemp("assembly")
    return run_app({}, folder), folder


def test_it_says_nothing_when_all_is_well(good_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """A good app is quiet: nothing comes between the user and the cdk CLI."""
    done, folder = good_run
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / "PartnerReaderSandbox.template.json").exists()


def test_cdk_nag_judges_it(good_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Each time the app is synthesized."""
    report = json.loads((good_run[1] / "validation-report.json").read_text())
    assert "AwsSolutions" in {plugin["pluginName"] for plugin in report["pluginReports"]}


@pytest.mark.e2e
def test_a_finding_of_cdk_nag_fails_cdk_synth(tmp_path: Path) -> None:
    """A resource that breaks a rule stops the real cdk CLI, which names both; without it the CLI is content."""
    programs = (ROOT / "node_modules" / ".bin", Path(sys.executable).parent, os.environ["PATH"])
    own = {"PATH": os.pathsep.join(map(str, programs)), "PYTHONPATH": str(ROOT), "CDK_HOME": str(tmp_path)}
    (tmp_path / "careless.py").write_text(CARELESS)
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "python careless.py"}))
    cdk_cli = Cdk(tmp_path, tmp_path, os.environ | own)
    careless = cdk_cli.run("synth", "--quiet", context={"careless": "yes"})
    assert careless.exit_code == 1
    assert "PartnerAccountSandbox/Open" in careless.output
    assert "AwsSolutions-S10" in careless.output
    assert cdk_cli.run("synth", "--quiet").exit_code == 0
