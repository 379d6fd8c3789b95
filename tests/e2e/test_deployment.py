"""Deployments with the real cdk CLI on a local AWS: what the user sees, and the requests to Partner Central.

MiniStack stands for CloudFormation, and isn't CloudFormation in all: it sends no Delete after a failed Create,
doesn't check the answers' ids and size, masks no NoEcho parameter, and lets an export in use be changed. Nothing is
concluded here about any of these; other tests hold the parts against them. It does enforce IAM policies.
What each rehearsal proves (tests/e2e/test_rehearse.py) isn't proved here again.
"""

from __future__ import annotations

import json

import pytest

from app import add_stacks
from partner_account_rehearsal.local_aws import LocalAws
from tests.e2e.account import EMAIL, SECRET, VALUES, CdkAccount

pytestmark = pytest.mark.e2e

NEW_TITLE = "Head of Alliances"


def test_partner_is_created_updated_retained_and_found_again(aws: LocalAws) -> None:
    """Deployed, changed, refused, destroyed and deployed again: outputs, requests and log show it, and no secret.

    Both stacks show the same partner; a changed contact is one PutAllianceLeadContact without a code; what AWS can't
    change fails the update with the remedy before anything is changed; the destroyed stack leaves the partner, which
    the next deployment finds by its tag.
    """
    account = CdkAccount(aws, add_stacks, **VALUES)
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
    assert "Restore the partner's value" in refused.output
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
