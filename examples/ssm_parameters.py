"""SSM parameters: any app in the same account and region reads the current values, and nothing is locked.

    npx cdk deploy --all --app "python examples/ssm_parameters.py"

The reader reads the parameters at each deployment, even if its template is unchanged: once a profile id is no longer
`pending`, deploy the reader again.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from partner_account import AllianceLeadContact, Catalog, PartnerAccount, PrimarySolutionType, VerificationCode

FOLDER = "/alliances/partner"


class PartnerStack(cdk.Stack):
    """A partner account, and its values in Parameter Store."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create the partner and the parameters."""
        super().__init__(scope, construct_id)
        partner = PartnerAccount(
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
        for name, value in {"arn": partner.partner_arn, "profile-id": partner.profile_id}.items():
            ssm.StringParameter(self, f"Parameter-{name}", parameter_name=f"{FOLDER}/{name}", string_value=value)


class ReaderStack(cdk.Stack):
    """Knows nothing but the parameters' names."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Read the values at deployment."""
        super().__init__(scope, construct_id)
        partner = PartnerAccount.from_partner_attributes(
            self,
            "Partner",
            partner_arn=ssm.StringParameter.value_for_string_parameter(self, f"{FOLDER}/arn"),
            profile_id=ssm.StringParameter.value_for_string_parameter(self, f"{FOLDER}/profile-id"),
        )
        partner.grant_read(iam.Role(self, "Reader", assumed_by=iam.AccountRootPrincipal()))
        cdk.CfnOutput(self, "Arn", value=partner.partner_arn)
        cdk.CfnOutput(self, "ProfileId", value=partner.profile_id)


def add_stacks(app: cdk.App) -> None:
    """Add both stacks; the parameters must exist before they are read."""
    partner_stack = PartnerStack(app, "ParametersPartner")
    reader_stack = ReaderStack(app, "ParametersReader")
    reader_stack.add_stack_dependency(partner_stack)


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
