"""The findings of external checks on the template: cdk-nag, cfn-lint, and CDK's own validation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match
from packaging.version import Version

from app import add_stacks
from partner_account import Catalog, PartnerAccount, PartnerAccountProvider
from tests.construct.apps import (
    HERE,
    new_app,
    new_stack,
    partner_in,
    resources_of,
    sandbox_partner_in,
    template_of,
)
from tests.construct.test_provider import fully_configured_in

CDK_NAG = Version(version("cdk-nag"))
"""2 beside the oldest aws-cdk-lib, 3 beside others."""

IN_VPC = {
    "AwsSolutions-IAM5[Resource::*]",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:*:*/*]",
}
"""The wildcards that a function in a VPC requires: actions without a resource type, and interfaces not yet created."""


def forced_in(catalog: Catalog) -> set[str]:
    """The wildcards that the service forces: what has no resource type, and partners not yet born."""
    partners = f"arn:<AWS::Partition>:partnercentral:us-east-1:<AWS::AccountId>:catalog/{catalog}/partner/*"
    return {"AwsSolutions-IAM5[Resource::*]", f"AwsSolutions-IAM5[Resource::{partners}]"}


def report_of(stack: cdk.Stack) -> tuple[set[str], set[str]]:
    """The rules that cdk-nag finds broken in the stack's app: those that remain, and those acknowledged."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    if CDK_NAG.major == 2:  # an aspect, which reads the metadata of resources
        options: dict[str, Any] = {"report_formats": [cdk_nag.NagReportFormat.JSON]}
        checks: Any = cdk_nag.AwsSolutionsChecks(**options)
        cdk.Aspects.of(app).add(checks)
        found = Annotations.from_stack(stack).find_error("*", Match.any_value())
        report = json.loads(Path(app.outdir, f"AwsSolutions-{stack.artifact_id}-NagReport.json").read_text())
        suppressed = [line for line in report["lines"] if line["compliance"] == "Suppressed"]
        return (
            {str(error.entry.data).split(": ")[0] for error in found},
            {line["ruleId"] + line["exceptionReason"].partition("] ")[0] + "]" for line in suppressed},
        )
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    try:
        app.synth()
    except RuntimeError as stopped:
        assert str(stopped).startswith("ValidationFailed")  # noqa: PT017 - a finding stops synth
    report = json.loads(Path(app.outdir, "validation-report.json").read_text())
    (plugin,) = (plugin for plugin in report["pluginReports"] if plugin["pluginName"] == "AwsSolutions")
    remaining, acknowledged = plugin["violations"], plugin["suppressedViolations"]
    return {one["ruleName"] for one in remaining}, {one["ruleName"] for one in acknowledged}


@pytest.mark.versions
@pytest.mark.parametrize("environment", [None, HERE])
def test_cdk_nag_finds_only_wildcards_that_the_service_requires(environment: cdk.Environment | None) -> None:
    """Each of them is acknowledged inside the construct: of partners in both catalogs, created or adopted."""
    stack = new_stack(env=environment)
    fully_configured_in(stack, runtime=None)
    partner_in(stack)
    partner_in(stack, "Adopted", legal_name="Adopted Corp", existing_partner_id="partner-abcDEF1234567")
    sandbox_partner_in(stack, "Rehearsal")
    assert report_of(stack) == (set(), forced_in(Catalog.AWS) | forced_in(Catalog.SANDBOX) | IN_VPC)


@pytest.mark.versions
def test_wildcard_added_to_the_role_is_still_found() -> None:
    """What is acknowledged is exact."""
    stack = new_stack()
    partner_in(stack)
    added = iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"])
    PartnerAccountProvider.get_or_create(stack).role.add_to_principal_policy(added)
    assert report_of(stack) == ({"AwsSolutions-IAM5[Resource::*]"}, forced_in(Catalog.AWS))


@pytest.mark.versions
def test_each_acknowledgment_explains_each_statements_wildcard() -> None:
    """By the statement's Sid. For cdk-nag 2 the template says where to find it, in characters that it accepts."""
    partner = partner_in(new_stack())
    policies = resources_of(partner, "AWS::IAM::Policy").values()
    (metadata,) = (found["Metadata"] for found in policies if "Metadata" in found)
    (rule,) = metadata["cdk_nag"]["rules_to_suppress"]
    assert {f"{rule['id']}[{finding}]" for finding in rule["applies_to"]} == forced_in(Catalog.AWS)
    assert rule["reason"].isascii()
    assert rule["reason"].endswith("/docs/permissions.html says why")
    if CDK_NAG.major == 2:
        return
    acknowledged: dict[str, str] = {}
    for entry in partner.node.find_child("Policy").node.metadata:
        acknowledged |= entry.data
    reasons = {key.removeprefix("AwsSolutions::"): reason for key, reason in acknowledged.items()}
    assert set(reasons) == forced_in(Catalog.AWS)
    for sid in ("LookForPartners:", "CreatePartner:", "ReadTags:", "TagAtCreation:"):
        assert sid in reasons["AwsSolutions-IAM5[Resource::*]"]


PACKS: dict[str, Callable[[], Any]] = {
    "HIPAA": cdk_nag.HIPAASecurityChecks,
    "NIST R4": cdk_nag.NIST80053R4Checks,
    "NIST R5": cdk_nag.NIST80053R5Checks,
    "PCI": cdk_nag.PCIDSS321Checks,
    "Serverless": cdk_nag.ServerlessChecks,
}


def test_other_cdk_nag_packs_find_what_the_provider_page_lists_and_props_resolve_it() -> None:
    """Each row of its table; with the props that it names, only the findings to acknowledge remain."""
    page = (Path(__file__).parents[2] / "docs/provider.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|`]+) \| (.+) \|$", page.split("| finding |")[1], re.MULTILINE)
    findings = {(pack, name): answer for name, packs, answer in rows for pack in packs.split(", ")}
    default, configured = new_stack(), new_stack()
    role = iam.Role(configured, "Own", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    fully_configured_in(configured, runtime=None, permissions_boundary=None, role=role.without_policy_updates())
    for stack in (default, configured):
        partner_in(stack)
    assert found_by_packs(default) == findings.keys()
    unanswered = ("acknowledge it", "the same")
    assert found_by_packs(configured) == {one for one, answer in findings.items() if answer.startswith(unanswered)}


def found_by_packs(stack: cdk.Stack) -> set[tuple[str, str]]:
    """The packs with their findings, without the pack's name in them."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    plugins = {name: pack() for name, pack in PACKS.items()}
    cdk.Validations.of(app).add_plugins(*plugins.values())
    with suppress(RuntimeError):  # findings stop synth
        app.synth()
    reports = json.loads(Path(app.outdir, "validation-report.json").read_text())["pluginReports"]
    return {
        (name, violation["ruleName"].rpartition("-")[2])
        for name, plugin in plugins.items()
        for report in reports
        if report["pluginName"] == plugin.name
        for violation in report["violations"]
    }


def with_everything_in(stack: cdk.Stack) -> PartnerAccount:
    """A partner whose provider is fully configured."""
    fully_configured_in(stack)
    return partner_in(stack)


def test_cfn_lint_finds_nothing_but_the_superfluous_dependson_of_cdk(tmp_path: Path) -> None:
    """Which CDK gives each of its functions; in the example app's reader no import as an output (W6001) either."""
    stacks = {make: new_stack(env=HERE) for make in (partner_in, sandbox_partner_in, with_everything_in)}
    for make, stack in stacks.items():
        make(stack)
        (tmp_path / f"{make.__name__}.json").write_text(json.dumps(template_of(stack)))
    app = new_app()
    add_stacks(app)
    reader = app.node.find_child("PartnerReaderSandbox")
    assert isinstance(reader, cdk.Stack)
    (tmp_path / "reader.json").write_text(json.dumps(template_of(reader)))
    # One process for all of them: to start it takes most of the time.
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", *map(str, tmp_path.iterdir())]
    found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    assert {(Path(one["Filename"]).stem, one["Rule"]["Id"], one["Location"]["Path"][1]) for one in found} == {
        (make.__name__, "W3005", "PartnerAccountProviderFunction") for make in stacks
    }


@pytest.mark.versions
def test_synth_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither this construct nor CDK's own checks of the template, which older ones don't have."""
    app = new_app()
    sandbox_partner_in(cdk.Stack(app, "Rehearsal"))
    with_everything_in(demo := cdk.Stack(app, "Demo", env=HERE))
    partner_in(demo, "Second", legal_name="Second Corp")
    if hasattr(cdk, "CloudFormationValidatePlugin"):
        cdk.Validations.of(app).add_plugins(cdk.CloudFormationValidatePlugin())
    app.synth()
    assert capfd.readouterr() == ("", "")
