"""This construct."""

import aws_cdk as cdk
from aws_cdk.aws_secretsmanager import Secret

from benchmarks.apps import CATALOG, SECRET, SOLUTION_TYPE, Declared, synthesize
from partner_account import AllianceLeadContact, Catalog, PartnerAccount, PrimarySolutionType, VerificationCode


def declare(stack: cdk.Stack, name: str, declared: Declared) -> None:
    """Declare one partner."""
    secret = Secret.from_secret_name_v2(stack, f"{name}Code", SECRET)
    PartnerAccount(
        stack,
        name,
        catalog=Catalog(CATALOG),
        legal_name=declared.legal_name,
        primary_solution_type=PrimarySolutionType(SOLUTION_TYPE),
        alliance_lead_contact=AllianceLeadContact(
            first_name=declared.first_name,
            last_name=declared.last_name,
            email=declared.email,
            business_title=declared.business_title,
        ),
        email_verification_code=VerificationCode.from_secrets_manager(secret),
        company_is_new_to_apn=True,
    )


if __name__ == "__main__":
    synthesize(declare)
