"""Deployments with the real cdk CLI on a local AWS: what the user sees, and what Partner Central was asked.

MiniStack stands for CloudFormation, and isn't CloudFormation in all: it sends no Delete after a failed Create,
doesn't check the answers' ids and size, masks no NoEcho parameter, and lets an export in use be changed. Nothing is
concluded here about any of these; other tests hold the parts against them. It does enforce IAM policies.
What each rehearsal proves (tests/e2e/test_rehearse.py) isn't proved here again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from partner_account_handler.identity import OWNER_TAG
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from tests.e2e.account import EMAIL, ROOT, SECRET, VALUES, Account, app_in

pytestmark = pytest.mark.e2e

# The example app, with a resource after the partner that fails if it is told to.
FAILING_LATER = """
import aws_cdk as cdk
from app import add_stacks

app = cdk.App()
add_stacks(app)
stack = app.node.find_child("PartnerAccount")
if app.node.try_get_context("fail_later"):
    absent = f"arn:aws:lambda:{stack.region}:{stack.account}:function:absent"
    later = cdk.CfnResource(stack, "Later", type="Custom::Later", properties={"ServiceToken": absent})
    later.node.add_dependency(stack.node.find_child("Partner"))
app.synth()
"""
NEW_TITLE = "Head of Alliances"
NEW_EMAIL = "partnerships@example.com"


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A running local AWS."""
    with local_aws() as aws:
        yield aws


def test_partner_is_created_updated_retained_and_found_again(aws: LocalAws) -> None:
    """Deployed, changed, refused, destroyed and deployed again: outputs, requests and log tell it, and no secret.

    Both stacks show the same partner; a changed contact is one PutAllianceLeadContact without a code; what AWS can't
    change fails the update with the remedy before anything is changed; the destroyed stack leaves the partner, which
    the next deployment finds by its tag.
    """
    account = Account(aws, ROOT, **VALUES)
    code = account.store_code()
    account.deploy_successfully()
    outputs = account.outputs()
    assert [outputs["PartnerArn"]] == account.partners()
    assert outputs["PartnerArn"].endswith(f":{account.number}:catalog/AWS/partner/{outputs['PartnerId']}")
    assert outputs["PartnerProfileId"].startswith("pprofile-")
    assert {f"Partner{name}": value for name, value in account.outputs("PartnerReader").items()} == outputs

    account.deploy_successfully(business_title=NEW_TITLE)
    assert account.changes() == ["PutAllianceLeadContact"]
    assert account.contact()["BusinessTitle"] == NEW_TITLE

    refused = account.deploy(business_title=NEW_TITLE, legal_name="Example Holding")
    assert refused.exit_code == 1
    assert "CreateOnly: legal_name of partner-" in refused.output
    assert "Restore the value" in refused.output
    assert account.stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.changes() == []
    (logical_id,) = account.resources()
    log = account.log(requests=4)
    events = account.aws.client("cloudformation").describe_stack_events(StackName="PartnerAccount")["StackEvents"]

    destroyed = account.cdk("destroy", "--all", "--force")
    assert "DELETE_SKIPPED" in destroyed.output
    assert account.requests() == []
    account.deploy_successfully(business_title=NEW_TITLE)
    assert account.changes() == []
    assert account.outputs() == outputs

    log += account.log(requests=1)
    lines = [line for line in log if "outcome" in line]
    assert [(line["operation"], line["outcome"]) for line in lines] == [
        ("Create", "Created"),
        ("Update", "Updated"),
        ("Update", "Refused"),
        ("Update", "Unchanged"),
        ("Create", "Recovered"),
    ]
    assert {line["partner"] for line in lines} == {outputs["PartnerId"]}
    assert {(line["StackName"], line["LogicalResourceId"]) for line in lines} == {("PartnerAccount", logical_id)}
    assert lines[2]["message"] in " ".join(refused.output.split())

    # Timestamps and request ids may hold any six digits.
    told = json.dumps([{**line, "timestamp": "", "request": ""} for line in log])
    personal = [code, EMAIL, NEW_TITLE, "Example Holding", account.legal_name, "Jane", "Doe", "Signature"]
    assert [secret for secret in personal if secret in told] == []
    stack = {"StackName": "PartnerAccount"}
    cloudformation, functions = account.aws.client("cloudformation"), account.aws.client("lambda")
    seen = {
        "template": str(cloudformation.get_template(**stack)["TemplateBody"]),
        "events": str([{**event, "EventId": "", "Timestamp": ""} for event in events]),
        "outputs": str(cloudformation.describe_stacks(**stack)["Stacks"][0]["Outputs"]),
        "function": str(
            [one["Environment"] for one in functions.list_functions()["Functions"] if "Environment" in one]
        ),
        "log": told,
    }
    assert account.legal_name in seen["template"]
    assert [place for place, text in seen.items() if code in text or "cfn-response" in text] == []
    assert account.aws.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"] == code


def test_failed_deployments_and_rollbacks_leave_one_usable_partner(aws: LocalAws, tmp_path: Path) -> None:
    """Without rollback a wrong code, then the right one; another resource's failure, and `cdk rollback`.

    In the end a rollback to an address that nobody has a code for: it is tolerated, and logged as an error.
    """
    account = Account(aws, app_in(tmp_path, FAILING_LATER), **VALUES)
    assembly = f"--app={account.folder / 'cdk.out'}"
    account.store_code("000000")
    failed = account.deploy("PartnerAccount", "--no-rollback")
    assert failed.exit_code == 1
    assert "store it, deploy again" in failed.output
    assert (account.stack()["StackStatus"], account.partners()) == ("CREATE_FAILED", [])

    account.store_code()
    undecided = account.deploy("PartnerAccount", assembly)
    assert undecided.exit_code == 1
    assert "paused fail state (CREATE_FAILED)" in undecided.output
    account.deploy_successfully("PartnerAccount", assembly, "--no-rollback")
    assert [account.outputs()["PartnerArn"]] == account.partners()

    failed = account.deploy("PartnerAccount", "--no-rollback", business_title=NEW_TITLE, fail_later="yes")
    assert failed.exit_code == 1
    assert (account.stack()["StackStatus"], account.contact()["BusinessTitle"]) == ("UPDATE_FAILED", NEW_TITLE)
    rolled_back = account.cdk("rollback", "PartnerAccount", assembly)
    assert rolled_back.exit_code == 0, rolled_back.output
    assert account.changes() == ["PutAllianceLeadContact"]
    assert account.stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.contact()["BusinessTitle"] == VALUES["business_title"]

    account.store_code(email=NEW_EMAIL)
    assert account.deploy("PartnerAccount", email=NEW_EMAIL, fail_later="yes").exit_code == 1
    assert account.stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.contact()["Email"] == NEW_EMAIL
    assert [account.outputs()["PartnerArn"]] == account.partners()
    log = account.log(requests=6)
    *_, updated, tolerated = [line for line in log if "outcome" in line]
    assert (updated["outcome"], tolerated["outcome"], tolerated["level"]) == ("Updated", "RollbackTolerated", "ERROR")
    assert "EmailVerificationCode:INVALID_VALUE" in tolerated["message"]
    call = [line for line in log if line["message"] == "call failed"][-1]
    assert (call["operation"], call["request"]) == ("PutAllianceLeadContact", tolerated["request"])


def test_partner_of_others_is_refused_until_it_is_adopted(aws: LocalAws) -> None:
    """A partner of another stack stops the deployment, which names it; adopted, it is managed, and none is created."""
    account = Account(aws, ROOT, **VALUES)
    code = account.store_code()
    made = account.partner_central.create_partner(
        Catalog="AWS",
        LegalName=account.legal_name,
        PrimarySolutionType="SOFTWARE_PRODUCTS",
        AllianceLeadContact={"FirstName": "Jane", "LastName": "Doe", "Email": EMAIL, "BusinessTitle": "Owner"},
        EmailVerificationCode=code,
        # Without an owner, one so new would be looked at again for two minutes.
        Tags=[{"Key": OWNER_TAG, "Value": "another stack"}],
    )
    refused = account.deploy()
    assert refused.exit_code == 1
    assert made["Id"] in refused.output
    assert account.changes() == []

    account.deploy_successfully(existing_partner_id=made["Id"])
    assert "CreatePartner" not in account.changes()
    assert account.outputs()["PartnerArn"] == made["Arn"]
    assert account.contact()["BusinessTitle"] == VALUES["business_title"]
