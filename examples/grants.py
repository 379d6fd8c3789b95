"""Grants: who may read the partner, maintain its contact, and publish its profile.

    npx cdk deploy --app "python examples/grants.py"

Each grant is restricted to this partner where the service allows it, and works the same on a partner imported with
`from_partner_arn` and similar methods. Partners have no resource policies: access can't be granted to another account;
its users must assume a role in this one.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from partner_account import AllianceLeadContact, Catalog, PartnerAccount, PrimarySolutionType, VerificationCode


class GrantsStack(cdk.Stack):
    """A partner account, and three roles for users of this AWS account."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create the partner and the roles."""
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
        partner.grant_read(self._role("Auditor"))
        lead = self._role("AllianceLead")
        partner.grant(lead, "partnercentral:GetAllianceLeadContact", "partnercentral:PutAllianceLeadContact")
        # A new address is verified by a code. The action has no resource type, so it is restricted to the catalog.
        lead.add_to_policy(
            iam.PolicyStatement(
                actions=["partnercentral:SendEmailVerificationCode"],
                resources=["*"],
                conditions={"StringEquals": {"partnercentral:Catalog": partner.catalog}},
            )
        )
        publisher = self._role("Publisher")
        partner.grant_read(publisher)
        partner.grant(
            publisher, "partnercentral:StartProfileUpdateTask", "partnercentral:PutProfileVisibility"
        ).assert_success()

    def _role(self, name: str) -> iam.Role:
        role = iam.Role(self, name, assumed_by=iam.AccountRootPrincipal())
        cdk.CfnOutput(self, f"{name}RoleArn", value=role.role_arn)
        return role


def add_stacks(app: cdk.App) -> None:
    """Add the stack."""
    GrantsStack(app, "PartnerGrants")


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
