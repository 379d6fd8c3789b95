"""Deployments that fail, with the real cdk CLI on a local AWS: what the next one finds, and what it makes of it.

A wrong code with rollback, and another resource's failure in the first deployment, tests/e2e/test_rehearse_own_app.py
and tests/e2e/test_rehearse.py show.
"""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
import pytest

from app import add_stacks
from partner_account_handler.identity import OWNER_TAG
from partner_account_rehearsal.local_aws import LocalAws
from tests.e2e.account import EMAIL, VALUES, CdkAccount

pytestmark = pytest.mark.e2e

NEW_TITLE = "Head of Alliances"
NEW_EMAIL = "partnerships@example.com"


def add_stacks_that_may_fail(app: cdk.App) -> None:
    """Those of the example app, with a resource after the partner that fails if the context says `fail_later`."""
    add_stacks(app)
    stack = cast("cdk.Stack", app.node.find_child("PartnerAccount"))
    if app.node.try_get_context("fail_later"):
        absent = f"arn:aws:lambda:{stack.region}:{stack.account}:function:absent"
        later = cdk.CfnResource(stack, "Later", type="Custom::Later", properties={"ServiceToken": absent})
        later.node.add_dependency(stack.node.find_child("Partner"))


def test_failed_deployments_and_rollbacks_leave_one_usable_partner(aws: LocalAws) -> None:
    """Without rollback a wrong code, then the right one; another resource's failure, and `cdk rollback`.

    In the end a rollback to an address that nobody has a code for: it is tolerated, and logged as an error.
    """
    account = CdkAccount(aws, add_stacks_that_may_fail, **VALUES)
    account.store_code("000000")
    failed = account.deploy("PartnerAccount", "--no-rollback")
    assert failed.exit_code == 1
    assert "store it, deploy again" in failed.output
    assert (account.stack()["StackStatus"], account.partners()) == ("CREATE_FAILED", [])

    account.store_code()
    undecided = account.deploy("PartnerAccount")
    assert undecided.exit_code == 1
    assert "paused fail state (CREATE_FAILED)" in undecided.output
    account.deploy_successfully("PartnerAccount", "--no-rollback")
    assert [account.outputs()["PartnerArn"]] == account.partners()

    failed = account.deploy("PartnerAccount", "--no-rollback", business_title=NEW_TITLE, fail_later="yes")
    assert failed.exit_code == 1
    assert (account.stack()["StackStatus"], account.contact()["BusinessTitle"]) == ("UPDATE_FAILED", NEW_TITLE)
    rolled_back = account.cdk("rollback", "PartnerAccount")
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


def test_partner_of_another_owner_is_refused_until_adopted(aws: LocalAws) -> None:
    """A partner of another stack stops the deployment, which names it; adopted, it is managed, and none is created."""
    account = CdkAccount(aws, add_stacks, **VALUES)
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
