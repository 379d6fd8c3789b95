"""What other people's checks say about the template: cdk-nag, cfn-lint, and CDK's own validation."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks

from partner_account import Catalog, ExistingPartner, PartnerAccount, PartnerAccountProvider
from tests.construct.test_partners_of_an_app import new_stack, partner_in, resources_of, sandbox_partner_in, template_of
from tests.construct.test_permissions import CODES, with_codes_everywhere
from tests.construct.test_provider_props import fully_configured_in

MAKERS = {Catalog.AWS: partner_in, Catalog.SANDBOX: sandbox_partner_in}


def forced_in(catalog: Catalog) -> set[str]:
    """The wildcards that the service forces: what has no resource type, and partners not yet born."""
    partners = f"arn:<AWS::Partition>:partnercentral:us-east-1:<AWS::AccountId>:catalog/{catalog}/partner/*"
    return {"AwsSolutions-IAM5[Resource::*]", f"AwsSolutions-IAM5[Resource::{partners}]"}


def report_of(stack: cdk.Stack) -> tuple[set[str], set[str]]:
    """The rules that cdk-nag finds broken in the stack's app: those that remain, and those acknowledged."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    try:
        app.synth()
    except RuntimeError as stopped:
        assert str(stopped).startswith("ValidationFailed")  # noqa: PT017 - a finding stops synth
    report = json.loads(Path(app.outdir, "validation-report.json").read_text())
    (found,) = (plugin for plugin in report["pluginReports"] if plugin["pluginName"] == "AwsSolutions")
    return names_in(found["violations"]), names_in(found["suppressedViolations"])


def names_in(violations: list[dict[str, Any]]) -> set[str]:
    """The rules' names with what they found."""
    return {violation["ruleName"] for violation in violations}


@pytest.mark.parametrize("catalog", Catalog)
def test_cdk_nag_finds_only_what_is_forced(catalog: Catalog) -> None:
    """cdk-nag has nothing to say but two wildcards, and each of these is acknowledged inside the construct."""
    stack = new_stack()
    MAKERS[catalog](stack)
    assert report_of(stack) == (set(), forced_in(catalog))


def test_cdk_nag_on_several_partners() -> None:
    """Codes in several places, an adopted partner and one in the Sandbox bring no other wildcards."""
    stack = with_codes_everywhere(CODES)
    adopted = ExistingPartner.adopt("partner-abcDEF1234567")
    partner_in(stack, "Adopted", legal_name="Adopted Corp", existing_partner=adopted)
    sandbox_partner_in(stack, "Rehearsal")
    assert report_of(stack) == (set(), forced_in(Catalog.AWS) | forced_in(Catalog.SANDBOX))


def test_cdk_nag_in_a_known_environment() -> None:
    """The acknowledgments fit also when the stack names its account and region."""
    stack = new_stack(env=cdk.Environment(account="111111111111", region="eu-west-1"))
    partner_in(stack)
    assert report_of(stack) == (set(), forced_in(Catalog.AWS))


def test_each_acknowledgment_gives_its_reason() -> None:
    """An acknowledgment tells for each statement behind it why the wildcard can't be avoided."""
    stack = new_stack()
    partner_in(stack)
    acknowledged: dict[str, str] = {}
    permissions = stack.node.find_child("PartnerAccountPermissions").node.find_child("AWS")
    for entry in permissions.node.find_child("Policy").node.metadata:
        acknowledged |= entry.data
    reasons = {key.removeprefix("AwsSolutions::"): reason for key, reason in acknowledged.items()}
    assert set(reasons) == forced_in(Catalog.AWS)
    for sid in ("LookForPartners:", "CreatePartner:", "ReadTags:", "TagAtCreation:"):
        assert sid in reasons["AwsSolutions-IAM5[Resource::*]"]


def suppressed_for_cdk_nag_2(stack: cdk.Stack) -> dict[str, set[str]]:
    """What cdk-nag 2 is told to leave alone, by policy, in the form that its own NagSuppressions writes."""
    told: dict[str, set[str]] = {}
    for name, policy in resources_of(stack, "AWS::IAM::Policy").items():
        metadata = policy.get("Metadata", {}).get("cdk_nag", {"rules_to_suppress": []})
        assert list(metadata) == ["rules_to_suppress"]
        for rule in metadata["rules_to_suppress"]:
            assert set(rule) == {"id", "reason", "applies_to"}
            assert rule["reason"].isascii()  # others it wants encoded
            assert len(rule["reason"]) >= 10
            told.setdefault(name, set()).update(f"{rule['id']}[{finding}]" for finding in rule["applies_to"])
    return told


def test_cdk_nag_2_is_told_the_same_wildcards() -> None:
    """As an aspect it knows nothing of CDK's acknowledgments, and reads the resource's metadata.

    cdk-nag 2 can't be installed beside 3; 2.37.56 was run by hand on the stacks of these tests, and found nothing.
    """
    stack = new_stack()
    fully_configured_in(stack, runtime=lambda_.Runtime.PYTHON_3_14)
    partner_in(stack)
    told = suppressed_for_cdk_nag_2(stack)
    assert sorted(told.values(), key=sorted) == sorted([forced_in(Catalog.AWS), in_vpc()], key=sorted)


def test_cdk_nag_2_needs_nothing_of_a_policy_without_wildcards() -> None:
    """There nothing is said that isn't so."""
    stack = new_stack()
    PartnerAccountProvider(stack)
    assert suppressed_for_cdk_nag_2(stack) == {}


def in_vpc() -> set[str]:
    """The wildcards that a function in a VPC takes: what has no resource type, and interfaces not yet made."""
    return {
        "AwsSolutions-IAM5[Resource::*]",
        "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:*:*/*]",
    }


@pytest.mark.parametrize("environment", [None, cdk.Environment(account="111111111111", region="eu-west-1")])
def test_cdk_nag_on_the_fully_configured_provider(environment: cdk.Environment | None) -> None:
    """Role, VPC, key and all the rest bring two acknowledged wildcards, and nothing else."""
    stack = new_stack(env=environment)
    fully_configured_in(stack, runtime=lambda_.Runtime.PYTHON_3_14)
    partner_in(stack)
    assert report_of(stack) == (set(), forced_in(Catalog.AWS) | in_vpc())


def test_another_wildcard_is_still_found() -> None:
    """What is acknowledged is exact: a wildcard that somebody adds to the role is reported."""
    stack = new_stack()
    partner_in(stack)
    added = iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"])
    PartnerAccountProvider.of(stack).role.add_to_principal_policy(added)
    remaining, _ = report_of(stack)
    assert remaining == {"AwsSolutions-IAM5[Resource::*]"}


def with_everything_in(stack: cdk.Stack) -> PartnerAccount:
    """A partner whose provider is fully configured."""
    fully_configured_in(stack)
    return partner_in(stack)


@pytest.mark.parametrize("make", [partner_in, sandbox_partner_in, with_everything_in])
def test_cfn_lint(make: Callable[[cdk.Stack], PartnerAccount], tmp_path: Path) -> None:
    """cfn-lint finds nothing but the superfluous DependsOn that CDK gives each of its functions."""
    stack = new_stack(env=cdk.Environment(account="111111111111", region="eu-west-1"))
    make(stack)
    template = tmp_path / "template.json"
    template.write_text(json.dumps(template_of(stack)))
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", str(template)]
    found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    assert {(match["Rule"]["Id"], match["Location"]["Path"][1]) for match in found} == {
        ("W3005", "PartnerAccountProviderFunction683C5CE0")
    }


def test_synth_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither this construct nor CDK's own checks of the template write to the terminal."""
    stack = new_stack()
    partner_in(stack)
    template_of(stack)
    assert capfd.readouterr() == ("", "")
