"""Deployments with the real cdk CLI on a local AWS: what the user sees, and what Partner Central was asked.

MiniStack stands for CloudFormation, and isn't CloudFormation in all: it sends no Delete after a failed Create,
doesn't check the answers' ids and size, masks no NoEcho parameter, and lets an export in use be changed. Nothing is
concluded here about any of these; other tests hold the parts against them. It does enforce IAM policies.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from partner_account_handler.identity import OWNER_TAG
from partner_account_rehearsal.cdk import Cdk, Result
from partner_account_rehearsal.local_aws import LocalAws, local_aws

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
EMAIL = "jane.doe@example.com"
SECRET = "code"
REAL = {
    "catalog": "AWS",
    "primary_solution_type": "SOFTWARE_PRODUCTS",
    "first_name": "Jane",
    "last_name": "Doe",
    "email": EMAIL,
    "business_title": "Alliance Lead",
    "verification_code_secret": SECRET,
    "company_is_new_to_apn": "true",
}
# The example app, with a resource after the partner that fails if it is told to.
UNLUCKY = """
import aws_cdk as cdk
from app import add_stacks

unlucky = cdk.App()
add_stacks(unlucky)
stack = unlucky.node.find_child("PartnerAccount")
if unlucky.node.try_get_context("fail_later"):
    absent = f"arn:aws:lambda:{stack.region}:{stack.account}:function:absent"
    later = cdk.CfnResource(stack, "Later", type="Custom::Later", properties={"ServiceToken": absent})
    later.node.add_dependency(stack.node.find_child("Partner"))
unlucky.synth()
"""

_numbers = count(200000000001)


class Account:
    """An AWS account of its own on the local AWS, in which an app is deployed."""

    def __init__(self, aws: LocalAws, app: Path, region: str = "us-east-1") -> None:
        """Bootstrap a new account for CDK."""
        self.number = str(next(_numbers))
        programs = f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{aws.environment['PATH']}"
        modules = os.pathsep.join(filter(None, (str(ROOT), aws.environment.get("PYTHONPATH"))))
        own = {"AWS_ACCESS_KEY_ID": self.number, "PATH": programs, "PYTHONPATH": modules}
        own |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        self.aws = replace(aws, environment={**aws.environment, **own})
        # A legal name is unique among all accounts.
        self.values = REAL | {"legal_name": f"Example Corp {self.number}"}
        self.folder = aws.folder / self.number
        self.folder.mkdir()
        self._cdk = Cdk(app, self.folder, self.aws.environment)
        Cdk(self.folder, self.folder, self.aws.environment).run("bootstrap", f"aws://{self.number}/{region}")
        self._seen = len(aws.partner_central.requests())

    def store_code(self, code: str | None = None) -> str:
        """Keep a code in Secrets Manager; by default the one that Partner Central sends."""
        if code is None:
            self.partner_central.send_email_verification_code(Catalog="AWS", Email=EMAIL)
            code = self.aws.partner_central.outbox()[-1].code
        secrets = self.aws.client("secretsmanager")
        if not secrets.list_secrets()["SecretList"]:
            secrets.create_secret(Name=SECRET)
        secrets.put_secret_value(SecretId=SECRET, SecretString=code)
        return code

    def cdk(self, *arguments: str, **context: str) -> Result:
        """Run the CLI with the account's values; what Partner Central is asked meanwhile `asked` tells next."""
        self._seen = len(self.aws.partner_central.requests())
        return self._cdk.run(*arguments, context=self.values | context)

    def deploy(self, **context: str) -> Result:
        """Deploy all stacks of the app; `context` says what is different this time."""
        return self.cdk("deploy", "--all", "--require-approval", "never", **context)

    def asked(self) -> list[str]:
        """What Partner Central was asked since the last command began."""
        return [str(request) for request in self.aws.partner_central.requests(since=self._seen)]

    def wrote(self) -> list[str]:
        """The part of it that may have changed something."""
        return [str(request) for request in self.aws.partner_central.requests(since=self._seen) if request.writes]

    @property
    def partner_central(self) -> Any:
        """Partner Central as this account sees it."""
        return self.aws.client("partnercentral-account")

    def partners(self) -> list[str]:
        """The ARNs of all its partners in catalog AWS."""
        return [one["Arn"] for one in self.partner_central.list_partners(Catalog="AWS")["PartnerSummaryList"]]

    def business_title(self) -> str:
        """The title of its only partner's contact."""
        (arn,) = self.partners()
        answer = self.partner_central.get_alliance_lead_contact(Catalog="AWS", Identifier=arn)
        return str(answer["AllianceLeadContact"]["BusinessTitle"])

    def stack(self, name: str) -> Mapping[str, Any]:
        """A stack as CloudFormation describes it."""
        described: Mapping[str, Any] = self.aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return described

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a stack."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack(stack)["Outputs"]}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A running local AWS."""
    with local_aws() as aws:
        yield aws


@pytest.fixture(scope="module")
def deployed(aws: LocalAws) -> Account:
    """An account in which the example app is deployed; each test leaves it so."""
    account = Account(aws, ROOT)
    account.store_code()
    result = account.deploy()
    assert result.exit_code == 0, result.output
    return account


# --- A partner that is deployed ---


def test_both_stacks_show_the_partner(deployed: Account) -> None:
    """The first stack's outputs are the partner that exists, and the second stack has read the same."""
    outputs = deployed.outputs("PartnerAccount")
    assert [outputs["PartnerArn"]] == deployed.partners()
    assert outputs["PartnerArn"].endswith(f":{deployed.number}:catalog/AWS/partner/{outputs['PartnerId']}")
    assert outputs["PartnerProfileId"].startswith("pprofile-")
    read = {f"Partner{name}": value for name, value in deployed.outputs("PartnerReader").items()}
    assert read == outputs


def test_a_repeated_deployment_asks_nothing(deployed: Account) -> None:
    """Deploying again what is deployed changes nothing, and Partner Central isn't even asked."""
    result = deployed.deploy()
    assert "PartnerAccount (no changes)" in result.output
    assert deployed.asked() == []


def test_a_new_contact_is_written_once(deployed: Account) -> None:
    """A changed contact is one PutAllianceLeadContact, and it needs no new code."""
    deployed.values["business_title"] = "Head of Alliances"
    assert deployed.deploy().exit_code == 0
    assert deployed.wrote() == ["PutAllianceLeadContact"]
    assert deployed.business_title() == "Head of Alliances"


def test_a_new_legal_name_is_refused_and_rolled_back(deployed: Account) -> None:
    """What AWS can't change fails the update with the remedy, and the stack is as before: usable, same partner."""
    before = deployed.outputs("PartnerAccount")
    result = deployed.deploy(legal_name="Example Holding")
    assert result.exit_code == 1
    assert "CreateOnly: legal_name of partner-" in result.output
    assert "Restore the value" in result.output
    assert deployed.stack("PartnerAccount")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert deployed.wrote() == []
    assert deployed.deploy().exit_code == 0
    assert deployed.outputs("PartnerAccount") == before


def test_a_destroyed_stack_leaves_the_partner_and_finds_it_again(deployed: Account) -> None:
    """cdk destroy deletes the stacks and says that the partner is skipped; the next deployment finds it by its tag."""
    before = deployed.outputs("PartnerAccount")
    destroyed = deployed.cdk("destroy", "--all", "--force")
    assert "DELETE_SKIPPED" in destroyed.output
    assert deployed.asked() == []
    assert deployed.partners() == [before["PartnerArn"]]

    assert deployed.deploy().exit_code == 0
    assert deployed.wrote() == []
    assert deployed.outputs("PartnerAccount") == before


def test_the_code_is_nowhere_but_in_the_secret(deployed: Account) -> None:
    """The code and the ResponseURL stand in nothing that a reader of the account sees of the stack, nor in the log."""
    secret = deployed.aws.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"]
    seen = told_by_aws(deployed)
    assert "Example Corp" in seen["template"]
    assert "CdkPartnerAccount" in seen["log"]
    assert [place for place, text in seen.items() if secret in text or "cfn-response" in text] == []


def told_by_aws(account: Account) -> dict[str, str]:
    """Everything that somebody with read access to the account sees of the partner's stack."""
    stack = {"StackName": "PartnerAccount"}
    cloudformation, lambda_, logs = map(account.aws.client, ("cloudformation", "lambda", "logs"))
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    events = [event for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]]
    return {
        "template": str(cloudformation.get_template(**stack)["TemplateBody"]),
        "events": str(cloudformation.describe_stack_events(**stack)["StackEvents"]),
        "outputs": str(cloudformation.describe_stacks(**stack)["Stacks"]),
        "function": str(lambda_.list_functions()["Functions"]),
        "log": str([event["message"] for event in events]),
    }


# --- Deployments that fail ---


def test_a_wrong_code_creates_nothing_and_its_remedy_helps(aws: LocalAws) -> None:
    """A refused code rolls the stack back with a remedy; who follows it and deploys again gets one partner."""
    account = Account(aws, ROOT)
    account.store_code("000000")
    failed = account.deploy()
    assert failed.exit_code == 1
    assert "store it, deploy again" in failed.output
    assert account.stack("PartnerAccount")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert account.partners() == []

    account.store_code()
    assert (again := account.deploy()).exit_code == 0, again.output
    assert account.wrote() == ["CreatePartner"]
    assert account.partners() == [account.outputs("PartnerAccount")["PartnerArn"]]


def test_the_partner_survives_the_failure_of_another_resource(aws: LocalAws, tmp_path: Path) -> None:
    """A partner whose stack is rolled back for another's sake stays, and the next deployment finds it."""
    account = Account(aws, unlucky_app(tmp_path))
    account.store_code()
    assert account.deploy(fail_later="yes").exit_code == 1
    assert account.wrote() == ["CreatePartner"]
    assert account.stack("PartnerAccount")["StackStatus"] == "ROLLBACK_COMPLETE"
    (created,) = account.partners()

    assert (again := account.deploy()).exit_code == 0, again.output
    assert account.wrote() == []
    assert account.outputs("PartnerAccount")["PartnerArn"] == created

    failed = account.deploy(business_title="Head of Alliances", fail_later="yes")
    assert failed.exit_code == 1
    assert account.wrote() == ["PutAllianceLeadContact", "PutAllianceLeadContact"]
    assert account.business_title() == REAL["business_title"]
    assert account.stack("PartnerAccount")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def unlucky_app(folder: Path) -> Path:
    """An app in which a later resource may fail."""
    (folder / "unlucky.py").write_text(UNLUCKY)
    (folder / "cdk.json").write_text(json.dumps({"app": "python unlucky.py"}))
    return folder


def test_a_partner_of_others_is_refused_until_it_is_adopted(aws: LocalAws) -> None:
    """A partner of another stack stops the deployment, which names it; adopted, it is managed, and none is created."""
    account = Account(aws, ROOT)
    code = account.store_code()
    contact = {"FirstName": "Jane", "LastName": "Doe", "Email": EMAIL, "BusinessTitle": "Owner"}
    made = account.partner_central.create_partner(
        Catalog="AWS",
        LegalName=account.values["legal_name"],
        PrimarySolutionType="SOFTWARE_PRODUCTS",
        AllianceLeadContact=contact,
        EmailVerificationCode=code,
        # Without an owner, one so new would be looked at again for two minutes.
        Tags=[{"Key": OWNER_TAG, "Value": "another stack"}],
    )
    refused = account.deploy()
    assert refused.exit_code == 1
    assert made["Id"] in refused.output
    assert account.wrote() == []

    assert account.deploy(existing_partner_id=made["Id"]).exit_code == 0
    assert "CreatePartner" not in account.wrote()
    assert account.outputs("PartnerAccount")["PartnerArn"] == made["Arn"]
    assert account.business_title() == REAL["business_title"]


# --- The Sandbox, and other regions ---


def test_without_any_value_a_sandbox_partner_is_deployed_in_any_region(aws: LocalAws) -> None:
    """`cdk deploy` alone creates a partner in the Sandbox, also from a region in which Partner Central isn't."""
    account = Account(aws, ROOT, region="eu-central-1")
    account.values.clear()
    result = account.deploy()
    assert result.exit_code == 0, result.output
    assert "eu-central-1" in account.stack("PartnerAccountSandbox")["StackId"]
    partner = account.outputs("PartnerReaderSandbox")["Arn"]
    assert partner.startswith(f"arn:aws:partnercentral:us-east-1:{account.number}:catalog/Sandbox/partner/partner-")
    # The Sandbox is asked to take the ownership tag, and need not.
    assert account.wrote() == ["CreatePartner", "TagResource (ValidationException REQUEST_VALIDATION_FAILED)"]


# --- Before anything is deployed ---


def test_a_missing_value_stops_the_cli_with_a_hint(aws: LocalAws) -> None:
    """Who forgets a value reads in the CLI's output what to add, and no traceback."""
    result = Cdk(ROOT, aws.folder, aws.environment).run("synth", context={"catalog": "AWS"})
    assert result.exit_code == 1
    assert "legal_name is missing: add -c legal_name=" in result.output
    assert "Traceback" not in result.output


def test_synth_is_quiet(aws: LocalAws) -> None:
    """`cdk synth` of the example prints the CLI's own lines and nothing else: no warning, no bundling, no banner."""
    result = Cdk(ROOT, aws.folder, aws.environment).run("synth", "--quiet")
    assert result.exit_code == 0
    expected = ("Successfully synthesized to", "Supply a stack id", "feature flags are not configured")
    lines = filter(
        None, result.output.splitlines()
    )  # the CLI leaves a line blank where findings of cdk-nag would stand
    assert [line for line in lines if not any(words in line for words in expected)] == []
