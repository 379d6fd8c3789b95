"""Weak references within one app: the reader reads the partner's stack when it is deployed, and locks nothing.

    npx cdk deploy --all --app "python examples/weak_references.py"

The partner's stack may change or be deleted at any time, without notice to the reader: it gets a new value with the
next deployment that changes the reader, even if only a tag: `npx cdk deploy WeakReader --tags seen=today`.
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
    """A partner account; CDK adds an output for each value that another stack uses."""

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
    """Accepts any partner, and refers to it weakly."""

    def __init__(self, scope: Construct, construct_id: str, partner: IPartnerAccount) -> None:
        """Use the partner as if defined here, and the profile id, which may change from `pending` to its value."""
        super().__init__(scope, construct_id)
        cdk.CrossStackReferences.of(self).consume(cdk.ReferenceStrength.WEAK)
        partner.grant_read(iam.Role(self, "Reader", assumed_by=iam.AccountRootPrincipal()))
        # CloudFormation may reject a weak reference as the value of an output: output the resource's value instead.
        for name, value in {"Arn": partner.partner_arn, "ProfileId": partner.profile_id}.items():
            kept = ssm.StringParameter(self, f"Partner{name}", string_value=value)
            cdk.CfnOutput(self, name, value=kept.string_value)


def add_stacks(app: cdk.App) -> None:
    """Add both stacks; CDK detects the references, and deploys the partner first."""
    partner_stack = PartnerStack(app, "WeakPartner")
    ReaderStack(app, "WeakReader", partner_stack.partner)


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
