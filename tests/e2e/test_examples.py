"""The examples of profiles, and of values that are passed on, deployed by the real cdk CLI on a local AWS.

MiniStack ignores the region and the role of a weak reference, so that examples/another_environment.py can't be
deployed here; it lets an export in use be changed, which the strict CloudFormation of
tests/handler/test_contract.py refuses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
import pytest

from examples import exports, grants, known_partner, profile, references, ssm_parameters, weak_references
from partner_account_rehearsal.local_aws import LocalAws
from tests.e2e.account import CdkAccount

pytestmark = pytest.mark.e2e

READERS = {
    "ExportsReader": "ExportsPartner",
    "ParametersReader": "ParametersPartner",
    "ReferencesReader": "ReferencesPartner",
    "WeakReader": "WeakPartner",
}


def add_all_examples(app: cdk.App) -> None:
    """All in one app, so that one run of the CLI deploys them; `title` in the context updates each partner."""
    for example in (exports, grants, references, ssm_parameters, weak_references):
        example.add_stacks(app)
    if title := app.node.try_get_context("title"):
        for found in app.node.find_all():
            if isinstance(found, cdk.CfnResource) and found.cfn_resource_type == "Custom::PartnerAccount":
                found.add_property_override("AllianceLeadContact.BusinessTitle", title)


@dataclass(frozen=True)
class Examples:
    """An account in which all examples were deployed while their partners had no profile id yet."""

    account: CdkAccount
    outputs_file: Path
    deployed: Mapping[str, Mapping[str, str]]

    def profile_id(self, reader: str) -> str:
        """What a reader knows now."""
        return self.account.outputs(reader)["ProfileId"]


@pytest.fixture(scope="module")
def examples(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Deployed once; the tests are in the order of their steps."""
    folder = tmp_path_factory.mktemp("together")
    account = CdkAccount(aws, add_all_examples)
    aws.partner_central.order_fault({"operation": "GetProfileVisibility", "kind": "no-profile-id", "times": None})
    outputs_file = folder / "outputs.json"
    result = account.deploy("--all", "--concurrency=5", f"--outputs-file={outputs_file}")
    assert result.exit_code == 0, result.output
    aws.partner_central.clear_faults()
    stacks = [*READERS, *READERS.values(), "PartnerGrants"]
    return Examples(account, outputs_file, {stack: account.outputs(stack) for stack in stacks})


def test_each_example_passes_its_partners_values_to_its_reader(examples: Examples) -> None:
    """By exports, CDK's references, weak references and SSM parameters, in one `cdk deploy --all`."""
    for reader, partner in READERS.items():
        read = examples.deployed[reader]
        shown = examples.deployed[partner]
        assert read == {name: shown[f"Partner{name}"] for name in read}
        assert read["Arn"].endswith(f":{examples.account.number}:catalog/Sandbox/partner/{shown['PartnerId']}")


def test_cdk_outputs_file_contains_the_outputs_of_all_stacks(examples: Examples) -> None:
    """`cdk deploy --outputs-file` gives a pipeline each value under the stack's and the output's name."""
    assert json.loads(examples.outputs_file.read_text()) == examples.deployed


def test_cdk_diff_shows_no_difference_after_deployment(examples: Examples) -> None:
    """Synthesized anew. That other machines write the same bytes, tests/construct/test_examples.py shows."""
    examples.account.synthesize()
    result = examples.account.cdk("diff", "--fail")
    assert "Number of stacks with differences: 0" in result.output
    assert result.exit_code == 0, result.output


def test_late_profile_id_reaches_readers_by_parameter_at_once_and_by_weak_reference_with_a_change(
    examples: Examples,
) -> None:
    """Parameters are read by each deployment, weak references only by one that changes something."""
    account = examples.account
    assert {examples.profile_id(reader) for reader in ("ParametersReader", "WeakReader")} == {"pending"}
    # MiniStack looks at the parameters when it updates a stack, but not in a change set.
    result = account.deploy_successfully("--all", "--concurrency=5", "--method=direct", title="CEO")
    value = account.outputs("WeakPartner")["PartnerProfileId"]
    assert value.startswith("pprofile-")
    assert (examples.profile_id("ParametersReader"), examples.profile_id("WeakReader")) == (value, "pending")
    assert "WeakReader (no changes)" in result.output

    account.deploy_successfully("WeakReader", "--exclusively", "--tags=seen=CEO", title="CEO")
    assert examples.profile_id("WeakReader") == value


def test_values_passed_manually_reach_another_account_and_region(examples: Examples, aws: LocalAws) -> None:
    """What the outputs file of the one place holds is the context of the other."""
    arn = json.loads(examples.outputs_file.read_text())["ExportsPartner"]["PartnerArn"]
    elsewhere = CdkAccount(aws, known_partner.add_stacks, region="eu-central-1")
    elsewhere.deploy_successfully(partner_arn=arn)
    assert elsewhere.number not in arn
    assert elsewhere.outputs("KnownReader") == {"Arn": arn}
    parameter = elsewhere.aws.client("ssm").get_parameter(Name="/alliances/partner/Sandbox")["Parameter"]
    assert arn.endswith(f"/{parameter['Value']}")


def test_profile_is_written_privately_then_made_public_and_left_unchanged_without_changes(aws: LocalAws) -> None:
    """As in docs/profile.md: one task in all, and the outputs have the service's own id."""
    account = CdkAccount(aws, profile.add_stacks)
    account.deploy_successfully()
    assert account.changes()[-1] == "StartProfileUpdateTask"
    outputs = account.outputs("ProfilePartner")
    assert outputs["ProfileTaskStatus"] == "SUCCEEDED"
    named = {"Catalog": "Sandbox", "Identifier": outputs["PartnerArn"]}
    seen = account.partner_central.get_profile_visibility(**named)
    assert (seen["Visibility"], seen["ProfileId"]) == ("PRIVATE", outputs["ProfileProfileId"])

    account.deploy_successfully(visibility="PUBLIC")
    assert account.changes() == ["PutProfileVisibility"]
    assert account.partner_central.get_profile_visibility(**named)["Visibility"] == "PUBLIC"

    account.deploy_successfully(visibility="PUBLIC")
    assert account.requests() == []
    assert account.outputs("ProfilePartner") == outputs
