"""A Sandbox partner and its profile, in two languages.

    npx cdk deploy --app "python examples/profile.py"

It stays private. When the task has succeeded (docs/profile.md), make it public with `-c visibility=PUBLIC`.
"""

import aws_cdk as cdk
from constructs import Construct

from partner_account import (
    AllianceLeadContact,
    Catalog,
    Headquarters,
    IndustrySegment,
    LocalizedContent,
    PartnerAccount,
    PartnerProfile,
    PrimarySolutionType,
    VerificationCode,
)


class PartnerStack(cdk.Stack):
    """A partner account with a profile."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create the partner, then start the task that creates its profile."""
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
        PartnerProfile(
            self,
            "Profile",
            partner=partner,
            display_name="Example Corp",
            description="Example Corp builds software that shows how things are done.",
            website_url="https://example.com",
            logo_url="https://example.com/logo.png",
            industry_segments=[IndustrySegment.SOFTWARE_INTERNET, IndustrySegment.EDUCATION],
            localized_contents=[
                LocalizedContent(
                    locale="de-DE",
                    display_name="Example Corp",
                    description="Example Corp baut Software, die zeigt, wie etwas gemacht wird.",
                    website_url="https://example.com/de",
                    logo_url="https://example.com/logo.png",
                )
            ],
            headquarters=Headquarters(country_code="DE", subdivision_code="BY"),
            visibility=self.node.try_get_context("visibility"),
        )


def add_stacks(app: cdk.App) -> None:
    """Add the one stack."""
    PartnerStack(app, "ProfilePartner")


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
