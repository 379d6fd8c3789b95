"""The example app: which values it accepts, and its messages for invalid ones."""

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
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from app import add_checks, add_stacks
from partner_account import PrimarySolutionType

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
SILENT = {name: value for name, value in REAL.items() if name != "company_is_new_to_apn"}


def templates(context: Mapping[str, object]) -> list[dict[str, Any]]:
    """The templates of the two stacks."""
    app = cdk.App(context=dict(context))
    add_stacks(app)
    stacks = [child for child in app.node.children if isinstance(child, cdk.Stack)]
    catalog = "" if context.get("catalog") == "AWS" else "Sandbox"
    assert [stack.stack_name for stack in stacks] == [f"PartnerAccount{catalog}", f"PartnerReader{catalog}"]
    return [dict(Template.from_stack(stack).to_json()) for stack in stacks]


def partner(context: Mapping[str, object]) -> dict[str, Any]:
    """The properties that the handler gets."""
    resources = templates(context)[0]["Resources"].values()
    (properties,) = [one["Properties"] for one in resources if one["Type"] == "Custom::PartnerAccount"]
    return dict(properties)


def refusal(context: dict[str, str]) -> str:
    """The app's message when it refuses to synthesize."""
    with pytest.raises(SystemExit) as refused:
        templates(context)
    return str(refused.value)


def test_app_without_values_creates_a_sandbox_partner_with_an_account_specific_name() -> None:
    """An empty value, or one that cdk.json says is false, is a missing one."""
    properties = partner({"legal_name": False, "verification_code_secret": None, "email": ""})
    assert properties["Catalog"] == "Sandbox"
    assert properties["LegalName"] == {"Fn::Join": ["", ["Example Corp ", {"Ref": "AWS::AccountId"}]]}
    assert properties["EmailVerificationCode"] == {"From": "Sandbox"}
    assert "ExistingPartnerId" not in properties


def test_every_value_reaches_the_partner_and_of_the_secret_only_its_name() -> None:
    """In catalog AWS."""
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


def test_adopting_needs_the_partner_id_and_no_apn_statement() -> None:
    """Who creates one in catalog AWS without a word about APN gets the construct's reason."""
    adopted = partner(SILENT | {"existing_partner_id": "partner-abcDEF1234567"})
    assert adopted["ExistingPartnerId"] == "partner-abcDEF1234567"
    assert "replaces its historical partner data" in refusal(SILENT)


def test_second_stack_imports_arn_and_id_and_weakly_references_the_profile_id() -> None:
    """Which may change once. It keeps them in parameters and puts out what these hold: see docs/passing-values.md."""
    first, reader = templates({})
    kept = {name: output["Value"]["Fn::GetAtt"] for name, output in reader["Outputs"].items()}
    assert {attribute for _, attribute in kept.values()} == {"Value"}
    read = {name: reader["Resources"][resource]["Properties"]["Value"] for name, (resource, _) in kept.items()}
    assert read == {
        "Arn": {"Fn::ImportValue": first["Outputs"]["PartnerArn"]["Export"]["Name"]},
        "Id": {"Fn::ImportValue": first["Outputs"]["PartnerId"]["Export"]["Name"]},
        "ProfileId": {"Fn::GetStackOutput": {"StackName": "PartnerAccountSandbox", "OutputName": "PartnerProfileId"}},
    }
    assert "PartnerProfileId" in first["Outputs"]


def test_all_missing_values_for_catalog_aws_are_reported_at_once() -> None:
    """It has no defaults; each is named with the option that gives it, an empty one as well."""
    said = refusal({"catalog": "AWS", "legal_name": ""}).splitlines()
    needed = SILENT.keys() - {"catalog"}
    assert len(said) == len(needed)
    assert all(any(line.startswith(f"{name} is missing: add -c {name}=") for line in said) for name in needed)


def test_invalid_choice_is_reported_with_the_valid_ones() -> None:
    """All at once."""
    said = refusal({"catalog": "Aws", "primary_solution_type": "SOFTWARE", "existing_partner_id": "partner-1"})
    assert "catalog can't be 'Aws': use -c catalog=AWS|Sandbox" in said
    assert all(one in said for one in PrimarySolutionType)
    assert "existing_partner_id can't be 'partner-1': use -c existing_partner_id=partner-[A-Za-z0-9]{13}" in said


@pytest.mark.parametrize("value", [True, 5, ["AWS"], {"a": "b"}])
def test_values_that_are_not_strings_are_reported_by_name(value: object, capsys: pytest.CaptureFixture[str]) -> None:
    """cdk.json may hold any JSON."""
    said = refusal(dict.fromkeys(REAL, value))  # type: ignore[arg-type]
    assert {line.split()[0] for line in said.splitlines() if " must be a string: write it in qu" in line} == REAL.keys()
    assert capsys.readouterr() == ("", "")


def test_construct_error_exits_the_app_without_a_traceback() -> None:
    """With the construct's sentence, and nothing around it."""
    sentence, error = refusal({"email": "nobody"}).split("\n")
    assert sentence == "PartnerAccount 'PartnerAccountSandbox/Partner' has 1 error:"
    assert error.startswith("  - alliance_lead_contact.email: ")


def test_valid_app_prints_nothing_and_is_checked_by_cdk_nag(tmp_path: Path) -> None:
    """The app prints nothing, and the cdk CLI deploys the second stack after the first."""
    environment = os.environ | {"CDK_CONTEXT_JSON": "{}", "CDK_OUTDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert "AwsSolutions" in {plugin["pluginName"] for plugin in report["pluginReports"]}
    artifacts = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    assert "PartnerAccountSandbox" in artifacts["PartnerReaderSandbox"]["dependencies"]


def test_a_finding_of_cdk_nag_fails_synth(tmp_path: Path) -> None:
    """And so stops a deployment before it begins."""
    app = cdk.App(outdir=str(tmp_path))
    add_stacks(app)
    s3.Bucket(app.node.find_child("PartnerAccountSandbox"), "Open")  # type: ignore[arg-type]
    add_checks(app)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert "AwsSolutions-S10" in (tmp_path / "validation-report.json").read_text()
