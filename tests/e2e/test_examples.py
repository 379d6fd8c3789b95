"""The examples that pass a partner's values on, deployed by the real cdk CLI on a local AWS, and what pipelines do.

MiniStack ignores the region and the role of a weak reference, so that examples/another_environment.py can't be
deployed here; it lets an export in use be changed, which the strict CloudFormation of
tests/handler/test_contract.py refuses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from partner_account_rehearsal.cdk import Cdk, Result
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from tests.e2e.test_deployment import REAL, ROOT, Account, unlucky_app

pytestmark = pytest.mark.e2e

# All in one app, so that one run of the CLI deploys them; a new title is an update of each partner.
TOGETHER = """
import aws_cdk as cdk
from examples import exports, grants, references, ssm_parameters, weak_references

app = cdk.App()
for example in (exports, grants, references, ssm_parameters, weak_references):
    example.add_stacks(app)
if title := app.node.try_get_context("title"):
    for found in app.node.find_all():
        if isinstance(found, cdk.CfnResource) and found.cfn_resource_type == "Custom::PartnerAccount":
            found.add_property_override("AllianceLeadContact.BusinessTitle", title)
app.synth()
"""
READERS = {
    "ExportsReader": "ExportsPartner",
    "ParametersReader": "ParametersPartner",
    "ReferencesReader": "ReferencesPartner",
    "WeakReader": "WeakPartner",
}
UNASKED = ("--require-approval", "never")


@dataclass(frozen=True)
class Examples:
    """An account in which all examples were deployed while their partners had no profile id yet."""

    account: Account
    outputs_file: Path
    deployed: Mapping[str, Mapping[str, str]]

    def profile_id(self, reader: str) -> str:
        """What a reader knows now."""
        return self.account.outputs(reader)["ProfileId"]


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A running local AWS."""
    with local_aws() as aws:
        yield aws


@pytest.fixture(scope="module")
def examples(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Deployed once; the tests stand in the order of what happens to them."""
    folder = tmp_path_factory.mktemp("together")
    account = Account(aws, program(folder, TOGETHER))
    account.values.clear()
    aws.partner_central.order_fault({"operation": "GetProfileVisibility", "kind": "no-profile-id", "times": None})
    outputs_file = folder / "outputs.json"
    result = account.cdk("deploy", "--all", "--concurrency=5", f"--outputs-file={outputs_file}", *UNASKED)
    assert result.exit_code == 0, result.output
    aws.partner_central.clear_faults()
    stacks = [*READERS, *READERS.values(), "PartnerGrants"]
    return Examples(account, outputs_file, {stack: account.outputs(stack) for stack in stacks})


def program(folder: Path, text: str) -> Path:
    """An app's folder."""
    (folder / "program.py").write_text(text)
    (folder / "cdk.json").write_text(json.dumps({"app": "python program.py"}))
    return folder


# --- Passing the values on ---


def test_each_reader_has_the_values_of_its_partner(examples: Examples) -> None:
    """By exports, CDK's references, weak references and SSM parameters, in one `cdk deploy --all`."""
    for reader, partner in READERS.items():
        read = examples.deployed[reader]
        shown = examples.deployed[partner]
        assert read == {name: shown[f"Partner{name}"] for name in read}
        assert read["Arn"].endswith(f":{examples.account.number}:catalog/Sandbox/partner/{shown['PartnerId']}")


def test_the_outputs_file_holds_what_the_stacks_show(examples: Examples) -> None:
    """`cdk deploy --outputs-file` gives a pipeline each value under the stack's and the output's name."""
    assert json.loads(examples.outputs_file.read_text()) == examples.deployed


def test_another_machine_sees_no_difference(examples: Examples, tmp_path: Path) -> None:
    """`cdk diff --fail` of what is deployed, synthesized elsewhere in another locale and time zone."""
    account = examples.account
    surroundings = {"TZ": "Pacific/Kiritimati", "LC_ALL": "POSIX", "PYTHONHASHSEED": "7"}
    there = Cdk(program(tmp_path, TOGETHER), tmp_path, {**account.aws.environment, **surroundings})
    result = there.run("diff", "--fail")
    assert "Number of stacks with differences: 0" in result.output
    assert result.exit_code == 0


def test_readers_follow_a_late_profile_id_in_their_own_ways(examples: Examples) -> None:
    """Parameters are asked for by each deployment, weak references only by one that changes something."""
    account = examples.account
    assert {examples.profile_id(reader) for reader in ("ParametersReader", "WeakReader")} == {"pending"}
    # MiniStack looks at the parameters when it updates a stack, but not in a change set.
    result = account.cdk("deploy", "--all", "--concurrency=5", "--method=direct", *UNASKED, title="CEO")
    assert result.exit_code == 0, result.output
    value = account.outputs("WeakPartner")["PartnerProfileId"]
    assert value.startswith("pprofile-")
    assert (examples.profile_id("ParametersReader"), examples.profile_id("WeakReader")) == (value, "pending")
    assert "WeakReader (no changes)" in result.output

    tagged = account.cdk("deploy", "WeakReader", "--exclusively", "--tags=seen=CEO", *UNASKED, title="CEO")
    assert tagged.exit_code == 0, tagged.output
    assert examples.profile_id("WeakReader") == value


def test_another_account_and_region_are_told_by_hand(examples: Examples, aws: LocalAws, tmp_path: Path) -> None:
    """What the outputs file of the one place holds goes on the command line of the other."""
    (tmp_path / "cdk.json").write_text(json.dumps({"app": f"python {ROOT / 'examples' / 'known_partner.py'}"}))
    arn = json.loads(examples.outputs_file.read_text())["ExportsPartner"]["PartnerArn"]
    elsewhere = Account(aws, tmp_path, region="eu-central-1")
    elsewhere.values.clear()
    result = elsewhere.deploy(partner_arn=arn)
    assert result.exit_code == 0, result.output
    assert elsewhere.number not in arn
    assert elsewhere.outputs("KnownReader") == {"Arn": arn}
    parameter = elsewhere.aws.client("ssm").get_parameter(Name="/alliances/partner/Sandbox")["Parameter"]
    assert arn.endswith(f"/{parameter['Value']}")


# --- Without rollback ---


def test_without_rollback_a_failed_stack_is_repaired_by_the_next_deployment(examples: Examples, tmp_path: Path) -> None:
    """A wrong code, then the right one; later another's failure, and `cdk rollback`: one partner throughout."""
    account = examples.account
    cdk = Cdk(unlucky_app(tmp_path), tmp_path, account.aws.environment)
    values = {**REAL, "legal_name": f"Example Corp {account.number}"}

    def run(*arguments: str, **context: str) -> Result:
        return cdk.run(arguments[0], "PartnerAccount", *arguments[1:], context=values | context)

    account.store_code("000000")
    assert run("deploy", "--no-rollback", *UNASKED).exit_code == 1
    assert (account.stack("PartnerAccount")["StackStatus"], account.partners()) == ("CREATE_FAILED", [])

    account.store_code()
    assembly = f"--app={tmp_path / 'cdk.out'}"
    unanswered = run("deploy", assembly, *UNASKED)
    assert unanswered.exit_code == 1
    assert "paused fail state (CREATE_FAILED)" in unanswered.output
    repaired = run("deploy", "--no-rollback", assembly, *UNASKED)
    assert repaired.exit_code == 0, repaired.output
    assert [account.outputs("PartnerAccount")["PartnerArn"]] == account.partners()

    assert run("deploy", "--no-rollback", *UNASKED, business_title="CEO", fail_later="yes").exit_code == 1
    assert (account.stack("PartnerAccount")["StackStatus"], account.business_title()) == ("UPDATE_FAILED", "CEO")
    rolled_back = run("rollback", assembly)
    assert rolled_back.exit_code == 0, rolled_back.output
    assert account.stack("PartnerAccount")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.business_title() == REAL["business_title"]
    assert [account.outputs("PartnerAccount")["PartnerArn"]] == account.partners()
