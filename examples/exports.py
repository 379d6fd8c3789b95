"""Exports, the default way: any app in the same account and region imports what it uses.

    npx cdk deploy --all --app "python examples/exports.py"

Both stacks are in one app only to deploy with one command; nothing but a name connects them. An imported value can
neither change nor be removed: that suits the ARN and the id, but not the profile id, which may still be `pending`.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from partner_account import AllianceLeadContact, Catalog, PartnerAccount, PrimarySolutionType, VerificationCode


class PartnerStack(cdk.Stack):
    """A partner account whose values are exported."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create the partner."""
        super().__init__(scope, construct_id)
        PartnerAccount(
            self,
            "Partner",
            catalog=Catalog.SANDBOX,
            legal_name=f"Example Corp {self.account}",
            primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
            alliance_lead_contact=AllianceLeadContact(
                first_name="Jane", last_name="Doe", email="alliances@example.com", business_title="Alliance Lead"
            ),
            email_verification_code=VerificationCode.for_sandbox(),
        )


class ReaderStack(cdk.Stack):
    """Finds the partner by the name of its stack and the construct path in it."""

    def __init__(self, scope: Construct, construct_id: str, stack_name: str) -> None:
        """Import the ARN for a role that reads the partner."""
        super().__init__(scope, construct_id)
        partner = PartnerAccount.from_stack_exports(self, "Partner", stack_name=stack_name, partner_path="Partner")
        partner.grant_read(iam.Role(self, "Reader", assumed_by=iam.AccountRootPrincipal()))
        kept = ssm.StringParameter(self, "PartnerArn", string_value=partner.partner_arn)
        cdk.CfnOutput(self, "Arn", value=kept.string_value)


def add_stacks(app: cdk.App) -> None:
    """Add both stacks; the exports must exist before they are imported."""
    partner_stack = PartnerStack(app, "ExportsPartner")
    reader_stack = ReaderStack(app, "ExportsReader", partner_stack.stack_name)
    reader_stack.add_stack_dependency(partner_stack)


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
