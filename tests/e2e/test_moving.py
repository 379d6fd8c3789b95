"""The recipes of docs/moving.md, one after the other, deployed with the real cdk CLI on a local AWS.

MiniStack lets a service token and an export in use be changed, so nothing is concluded about their refusal.
"""

from __future__ import annotations

import re

import aws_cdk as cdk
import pytest

from partner_account_rehearsal.local_aws import LocalAws
from tests.e2e.account import ROOT, SECRET, VALUES, CdkAccount

pytestmark = pytest.mark.e2e

PAGE = ROOT / "docs" / "moving.md"
FIRST = 'partner = PartnerAccount(stack, "Partner", **props)'
# An app whose partner is where the context says: `code` is run in the stack of that name.
APP = f"""
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2, aws_iam as iam, aws_kms as kms, aws_lambda as lambda_, aws_logs as logs
from aws_cdk.aws_secretsmanager import Secret
from aws_cdk.aws_ssm import StringParameter
from partner_account import *

given = app.node.try_get_context
stacks = {{name: cdk.Stack(app, name) for name in ("Platform", "Alliances", "Company")}}
for one in stacks.values():
    StringParameter(one, "Bystander", string_value=given("step"))
stack = stacks[given("stack")]
platform = stacks["Platform"]
# Under all rules that there are: a boundary, a VPC, a key.
vpc = ec2.Vpc(platform, "Vpc", max_azs=1, nat_gateways=0, restrict_default_security_group=False)
StringParameter(platform, "AddressRange", string_value=vpc.vpc_cidr_block)
PartnerAccountProvider(
    platform,
    "Provider",
    permissions_boundary=iam.ManagedPolicy(
        platform, "Boundary", statements=[iam.PolicyStatement(actions=["*"], resources=["*"])]
    ),
    vpc=vpc,
    encryption_key=kms.Key(platform, "Key"),
    log_retention=logs.RetentionDays.TEN_YEARS,
    log_removal_policy=cdk.RemovalPolicy.DESTROY,
    memory_size=1024,
    architecture=lambda_.Architecture.X86_64,
    runtime=lambda_.Runtime.PYTHON_3_12,
)
partner_id = given("partner_id")
props = {{
    "catalog": Catalog.AWS,
    "legal_name": given("legal_name"),
    "primary_solution_type": PrimarySolutionType.SOFTWARE_PRODUCTS,
    "alliance_lead_contact": AllianceLeadContact(
        first_name="Jane", last_name="Doe", email=given("email"), business_title="Alliance Lead"
    ),
    "company_is_new_to_apn": True,
    "email_verification_code": VerificationCode.from_secrets_manager(
        Secret.from_secret_name_v2(stack, "Code", {SECRET!r})
    ),
}}
exec(given("code"))
"""


def recipes(heading: str) -> list[str]:
    """The code blocks below a heading of the page."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?:^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def add_stacks(app: cdk.App) -> None:
    """Those of the app, from its context."""
    exec(APP, {"app": app})  # noqa: S102 - the code is this module's, and the page's


class Moving:
    """An account whose partner is moved from place to place."""

    def __init__(self, account: CdkAccount) -> None:
        """Deploy it where it is first."""
        self.account = account
        self._steps = 0
        self.deploy(FIRST, "Alliances")
        assert account.changes() == ["CreatePartner"]
        (self.arn,) = account.partners()

    def deploy(self, code: str, stack: str, *stacks: str) -> None:
        """Deploy the stacks, by default that of the partner, with the partner made by this code in that stack."""
        wanted = stacks or (stack,)
        self._steps += 1  # for MiniStack new exports alone are no change
        partner_id = getattr(self, "arn", "").rpartition("/")[2]
        context = {"step": str(self._steps), "stack": stack, "code": code, "partner_id": partner_id}
        self.account.deploy_successfully(*wanted, **context)
        # Whatever was done, no second partner has come of it.
        assert len(self.account.partners()) == 1

    def exports(self) -> dict[str, str]:
        """What the stack Alliances exports of its partner."""
        outputs = self.account.stack("Alliances")["Outputs"]
        return {one["ExportName"]: one["OutputValue"] for one in outputs}


def test_partner_is_moved_to_another_id_provider_and_stack(aws: LocalAws) -> None:
    """To another construct id, another provider, and another stack with a provider of its own.

    In each step Partner Central gets at most the new ownership tag, and all attributes stay what they were.
    """
    account = CdkAccount(aws, add_stacks, **VALUES)
    account.store_code()
    moving = Moving(account)
    before = moving.exports()
    assert before["Alliances-Partner-Arn"] == moving.arn
    renamed, renamed_with_exports = recipes("Another construct id")

    moving.deploy(renamed_with_exports, "Alliances")
    assert account.changes() == ["TagResource"]
    assert account.resources("Alliances") == {"Partner776273A3": moving.arn}
    assert moving.exports() == before

    moving.deploy(renamed, "Alliances")
    assert account.changes() == []
    assert moving.exports() == {name.replace("Partner", "Company", 1): value for name, value in before.items()}
    before = moving.exports()

    (other_provider,) = recipes("Another provider")
    moving.deploy(other_provider, "Alliances", "Platform", "Alliances")
    assert account.changes() == []
    assert account.resources("Alliances") == {"CompanyOfPlatform": moving.arn}
    assert moving.exports() == before

    (other_stack,) = recipes("Another stack")
    moving.deploy(other_stack, "Company")
    assert account.changes() == ["TagResource"]
    moving.deploy(other_stack, "Company", "Alliances")
    assert account.changes() == []
    assert account.resources("Company") == {"Partner776273A3": moving.arn}
    assert account.resources("Alliances") == {}
    assert account.outputs("Company")["PartnerArn"] == moving.arn
