"""Another region or account, within one app: weak references also work there.

    npx cdk deploy --all --app "python examples/another_environment.py" -c reader_region=eu-west-1
    npx cdk deploy --all --app "python examples/another_environment.py" -c reader_account=222222222222

Both environments must be bootstrapped. For another account, CDK creates a role beside the partner, which that account's
CloudFormation may assume to read the outputs of this one stack; the `cdk` CLI needs credentials for both accounts.
"""

import os

import aws_cdk as cdk
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

    def __init__(self, scope: Construct, construct_id: str, env: cdk.Environment) -> None:
        """Create the partner."""
        super().__init__(scope, construct_id, env=env)
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
    """Uses the partner in another environment."""

    def __init__(self, scope: Construct, construct_id: str, env: cdk.Environment, partner: IPartnerAccount) -> None:
        """Store the ARN where programs in that environment find it."""
        super().__init__(scope, construct_id, env=env)
        cdk.CrossStackReferences.of(self).consume(cdk.ReferenceStrength.WEAK)
        # CloudFormation may reject a weak reference as the value of an output: output the resource's value instead.
        for name, value in {"Arn": partner.partner_arn, "ProfileId": partner.profile_id}.items():
            kept = ssm.StringParameter(self, f"Partner{name}", string_value=value)
            cdk.CfnOutput(self, name, value=kept.string_value)


def add_stacks(app: cdk.App) -> None:
    """Add both stacks. Across regions and accounts, CDK must know both environments at synth."""
    given = app.node.try_get_context
    here = cdk.Environment(account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region="us-east-1")
    there = cdk.Environment(
        account=given("reader_account") or here.account, region=given("reader_region") or here.region
    )
    partner_stack = PartnerStack(app, "HerePartner", here)
    ReaderStack(app, "ThereReader", there, partner_stack.partner)


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
