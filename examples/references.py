"""References within one app: CDK exports what another stack uses, and deploys in the right order.

    npx cdk deploy --all --app "python examples/references.py"

As long as the reader uses a value, the partner can neither change it nor be removed from its stack: the reader must
stop using it first. See weak_references.py for a way without that lock.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from partner_account import (
    AllianceLeadContact,
    Catalog,
    IPartnerAccount,
    PartnerAccount,
    PrimarySolutionType,
    VerificationCode,
)


class PartnerStack(cdk.Stack):
    """A partner account; CDK adds an export for each value that another stack uses."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create the partner."""
        super().__init__(scope, construct_id)
        self.partner: IPartnerAccount = PartnerAccount(
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
    """Accepts any partner: the one of the other stack, or an imported one."""

    def __init__(self, scope: Construct, construct_id: str, partner: IPartnerAccount) -> None:
        """Use the partner as if defined here."""
        super().__init__(scope, construct_id)
        cdk.CrossStackReferences.of(self).consume(cdk.ReferenceStrength.STRONG)
        partner.grant_read(iam.Role(self, "Reader", assumed_by=iam.AccountRootPrincipal()))
        kept = ssm.StringParameter(self, "PartnerArn", string_value=partner.partner_arn)
        cdk.CfnOutput(self, "Arn", value=kept.string_value)


def add_stacks(app: cdk.App) -> None:
    """Add both stacks; CDK detects the references, and deploys the partner first."""
    partner_stack = PartnerStack(app, "ReferencesPartner")
    ReaderStack(app, "ReferencesReader", partner_stack.partner)


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
