"""The example app: one stack with a partner account, and another stack that uses it.

Values are given as `-c name=value`, and in the catalog Sandbox, the default, all have a default.
In the catalog AWS creating a partner can't be undone, so there the values of the partner must be given, and
`company_is_new_to_apn=true`: it confirms that the company has no account in the AWS Partner Network yet.
"""

import re
import sys
from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from partner_account import (
    AllianceLeadContact,
    Catalog,
    PartnerAccount,
    PartnerAccountError,
    PrimarySolutionType,
    VerificationCode,
)

DEFAULTS = {"catalog": "Sandbox", "existing_partner_id": "", "company_is_new_to_apn": "false"}
SANDBOX_DEFAULTS = {
    # All Sandbox partners of the world share their legal names: the account's number makes this one unique.
    "legal_name": f"Example Corp {cdk.Aws.ACCOUNT_ID}",
    "primary_solution_type": "SOFTWARE_PRODUCTS",
    "first_name": "Jane",
    "last_name": "Doe",
    "email": "alliances@example.com",
    "business_title": "Alliance Lead",
    "verification_code_secret": "",
}
ALLOWED = {
    "catalog": "|".join(Catalog),
    "primary_solution_type": "|".join(PrimarySolutionType),
    "company_is_new_to_apn": "true|false",
    "existing_partner_id": "partner-[A-Za-z0-9]{13}",
}


class PartnerStack(cdk.Stack):
    """Creates the partner account, and exports its Arn, Id and ProfileId."""

    def __init__(self, scope: Construct, construct_id: str, values: Mapping[str, str]) -> None:
        """Create the partner that the values describe."""
        super().__init__(scope, construct_id)
        code = VerificationCode.for_sandbox()
        if name := values["verification_code_secret"]:
            secret = secretsmanager.Secret.from_secret_name_v2(self, "VerificationCode", name)
            code = VerificationCode.from_secrets_manager(secret)
        PartnerAccount(
            self,
            "Partner",
            catalog=Catalog(values["catalog"]),
            legal_name=values["legal_name"],
            primary_solution_type=PrimarySolutionType(values["primary_solution_type"]),
            alliance_lead_contact=AllianceLeadContact(
                first_name=values["first_name"],
                last_name=values["last_name"],
                email=values["email"],
                business_title=values["business_title"],
            ),
            email_verification_code=code,
            company_is_new_to_apn=values["company_is_new_to_apn"] == "true",
            existing_partner_id=values["existing_partner_id"] or None,
        )


class ReaderStack(cdk.Stack):
    """Reads the partner from the first stack's outputs only, as a stack of any other app could."""

    def __init__(self, scope: Construct, construct_id: str, partner_stack: cdk.Stack) -> None:
        """Store the partner stack's outputs where programs can find them."""
        super().__init__(scope, construct_id)
        self.node.add_dependency(partner_stack)
        name = partner_stack.stack_name
        values = {
            "Arn": cdk.Fn.import_value(f"{name}-Partner-Arn"),
            "Id": cdk.Fn.import_value(f"{name}-Partner-Id"),
            # An export in use can't change, but this one may, once, from `pending` to its value.
            "ProfileId": cdk.Fn.get_stack_output(name, "PartnerProfileId"),
        }
        for attribute, value in values.items():
            parameter = f"/{name}/Partner/{attribute}"
            kept = ssm.StringParameter(self, f"Parameter{attribute}", parameter_name=parameter, string_value=value)
            # Not the import or the reference itself, which CloudFormation may refuse as an output.
            cdk.CfnOutput(self, attribute, value=kept.string_value)


def values_given_to(app: cdk.App) -> Mapping[str, str]:
    """The values from the command line, with the defaults of the catalog; exits if any is invalid."""
    given = {name: app.node.try_get_context(name) for name in DEFAULTS | SANDBOX_DEFAULTS}
    values = DEFAULTS | {name: value for name, value in given.items() if value}
    if values["catalog"] != Catalog.AWS:
        values = SANDBOX_DEFAULTS | values
    errors = [f"{name} is missing: add -c {name}={ALLOWED.get(name, '...')}" for name in given if name not in values]
    # cdk.json may hold any JSON.
    no_texts = [name for name, value in values.items() if not isinstance(value, str)]
    errors += [f"{name} must be a string: write it in quotation marks" for name in no_texts]
    for name, pattern in ALLOWED.items():
        if name not in no_texts and values.get(name) and not re.fullmatch(pattern, values[name]):
            errors.append(f"{name} can't be {values[name]!r}: use -c {name}={pattern}")
    if errors:
        sys.exit("\n".join(errors))
    return values


def add_stacks(app: cdk.App) -> None:
    """Add both stacks to the app; exits if a value is invalid."""
    values = values_given_to(app)
    # Each catalog has stacks of its own: a partner can't move from the Sandbox to catalog AWS.
    suffix = "" if values["catalog"] == Catalog.AWS else values["catalog"]
    try:
        partner_stack = PartnerStack(app, f"PartnerAccount{suffix}", values)
    except PartnerAccountError as error:
        sys.exit(str(error))
    ReaderStack(app, f"PartnerReader{suffix}", partner_stack)


def add_checks(app: cdk.App) -> None:
    """Have cdk-nag check every template: a finding fails `cdk synth`, and so stops a deployment before it begins."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    add_checks(example)
    example.synth()
