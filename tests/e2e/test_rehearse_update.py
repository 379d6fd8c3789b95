"""`partner-account rehearse --from`: the update of what is deployed already, which is the usual case."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.e2e.rehearsals import Rehearsed, place_with, rehearsed

pytestmark = pytest.mark.e2e

# The next release renames the Sandbox partner's contact, adds the real partner to the same stack, and removes a queue.
APP = """
import os
import aws_cdk as cdk
from aws_cdk import aws_sqs, aws_ssm
from partner_account import *

is_next = os.environ["RELEASE"] == "next"
app = cdk.App()
stack = cdk.Stack(app, "Alliances")
common = dict(
    legal_name="Example Corp", primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
    alliance_lead_contact=AllianceLeadContact(
        first_name="Jane", last_name="Roe" if is_next else "Doe", email="alliances@example.com", business_title="Lead"))
PartnerAccount(
    stack, "Trial", catalog=Catalog.SANDBOX, email_verification_code=VerificationCode.for_sandbox(), **common)
if not is_next:
    aws_sqs.Queue(stack, "Old")
else:
    stored = aws_ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Stored", parameter_name="/code")
    PartnerAccount(
        stack, "Partner", catalog=Catalog.AWS, company_is_new_to_apn=True,
        email_verification_code=VerificationCode.from_ssm_parameter(stored), **common)
app.synth()
"""


@pytest.fixture(scope="module")
def update(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """The next release, rehearsed from the last one, with a fault."""
    folder = tmp_path_factory.mktemp("update")
    place = place_with(folder, APP)
    # As the CLI tells the app, the template has the paths.
    context = json.dumps({"aws:cdk:enable-path-metadata": True})
    own = {"RELEASE": "last", "CDK_OUTDIR": str(folder / "last"), "CDK_CONTEXT_JSON": context}
    environment = {**os.environ, **own}
    subprocess.run([sys.executable, "app.py"], cwd=place.app, env=environment, check=True)
    done = rehearsed(place, folder, "--from", "../last", "--fault", "rollback", RELEASE="next")
    assert done.exit_code == 0, done.told
    place.assert_untouched()
    return done


def test_current_deployment_is_deployed_first_and_the_fault_rolls_back_its_update(update: Rehearsed) -> None:
    """The partner that is added is created once, during the update that is rolled back; the other was there."""
    changes = {step["Id"]: calls for step, calls in zip(update.report["Steps"], update.changes(), strict=True)}
    statuses = {step["Id"]: {one["Status"] for one in step["Events"]} for step in update.report["Steps"]}
    assert changes["deploy-former"].count("CreatePartner") == 1
    assert "UPDATE_ROLLBACK_COMPLETE" in statuses["deploy-with-fault"]
    assert changes["deploy-with-fault"].count("CreatePartner") == 1
    assert "UPDATE_COMPLETE" in statuses["deploy-after-fault"]
    assert "CreatePartner" not in changes["deploy-after-fault"]
    assert changes["deploy-unchanged"] == changes["destroy"] == []


def test_update_of_an_existing_partner_is_rolled_back_and_repeated(update: Rehearsed) -> None:
    """The contact is changed, changed back, and changed again."""
    calls = [
        (step["Id"], call)
        for step, calls in zip(update.report["Steps"], update.changes(), strict=True)
        for call in calls
    ]
    assert [step for step, call in calls if call == "PutAllianceLeadContact"] == [
        "deploy-with-fault",
        "deploy-with-fault",
        "deploy-after-fault",
    ]


def test_planned_changes_precede_the_update_and_its_events_name_created_resources(update: Rehearsed) -> None:
    """By paths, those of the former release too; what it doesn't change is only counted."""
    (stack,) = update.report["Stacks"]
    changes = {one["Path"]: one["Action"] for one in stack["Update"]["Changes"]}
    assert changes["Alliances/Trial"] == "Modify"
    assert changes["Alliances/Partner"] == "Add"
    assert changes["Alliances/Old"] == "Remove"
    assert stack["Update"]["Unchanged"] > 0
    assert "    removed  AWS::SQS::Queue Alliances/Old\n" in update.told
    events = [event for step in update.report["Steps"] for event in step["Events"] if step["Id"].startswith("deploy")]
    statuses = {(event["Subject"], event["Status"]) for event in events}
    assert ("Alliances/Old", "CREATE_COMPLETE") in statuses
    assert ("Alliances/Partner", "CREATE_COMPLETE") in statuses
    assert ("Alliances/Trial", "UPDATE_COMPLETE") in statuses


def test_report_distinguishes_the_existing_partner_from_a_created_one(update: Rehearsed) -> None:
    """One is counted as created, and only for that one the irreversible consequences are listed."""
    partners = update.report["Partners"]
    assert {one["Path"]: one["Exists"] for one in partners} == {"Alliances/Trial": True, "Alliances/Partner": False}
    assert "one partner account was created in all, and no other" in update.report["Results"][0]
    assert update.report["Irreversible"]
