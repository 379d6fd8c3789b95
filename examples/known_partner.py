"""Values passed manually: an app in any account and region gets the partner's ARN on its command line.

    npx cdk deploy --app "python examples/known_partner.py" -c partner_arn=arn:aws:partnercentral:...

The values come from the partner's stack, as `npx cdk deploy --outputs-file partner.json` writes them, or from Partner
Central itself. Nothing connects the two apps, so nothing is locked, and nobody is notified of a change. The ARN never
changes in catalog AWS; in the Sandbox it changes with the yearly wipe.
"""

import sys

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from partner_account import PartnerAccount, PartnerAccountError


class ReaderStack(cdk.Stack):
    """Imports a partner from literals, so that id and catalog are also known at synth."""

    def __init__(self, scope: Construct, construct_id: str, partner_arn: str, profile_id: str | None) -> None:
        """Store the id where programs in this environment find it."""
        super().__init__(scope, construct_id)
        partner = PartnerAccount.from_partner_attributes(
            self, "Partner", partner_arn=partner_arn, profile_id=profile_id
        )
        name = f"/alliances/partner/{partner.catalog}"
        ssm.StringParameter(self, "Id", parameter_name=name, string_value=partner.partner_id)
        cdk.CfnOutput(self, "Arn", value=partner.partner_arn)
        if profile_id:
            cdk.CfnOutput(self, "ProfileId", value=partner.profile_id)


def add_stacks(app: cdk.App) -> None:
    """Add the stack; exit if the values can't be those of a partner."""
    given = app.node.try_get_context
    try:
        ReaderStack(app, "KnownReader", given("partner_arn") or "", given("profile_id"))
    except PartnerAccountError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
