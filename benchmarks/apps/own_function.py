"""What the two contenders with their own function share: the function, and the custom resource."""

from collections.abc import Callable

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from benchmarks.apps import ATTRIBUTES, CATALOG, SECRET, SOLUTION_TYPE, Declared, add_outputs, asset_folder

FUNCTION = "PartnerFunction"
ACTIONS = ("CreatePartner", "GetPartner", "GetProfileVisibility", "PutAllianceLeadContact")


def own_function(scope: Construct, handler: str, secret: secretsmanager.ISecret) -> lambda_.Function:
    """A function with the runtime, memory and time-out that PartnerAccount's has."""
    function = lambda_.Function(
        scope,
        FUNCTION,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        code=lambda_.Code.from_asset(asset_folder(cdk.Stack.of(scope))),
        handler=handler,
        memory_size=512,
        timeout=cdk.Duration.minutes(3),
    )
    actions = [f"partnercentral:{action}" for action in ACTIONS]
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=["*"]))
    secret.grant_read(function)
    return function


def declare_partner(
    stack: cdk.Stack, name: str, declared: Declared, service_token: Callable[[secretsmanager.ISecret], str]
) -> None:
    """The custom resource of one partner, behind that service token, and its outputs."""
    secret = secretsmanager.Secret.from_secret_name_v2(stack, f"{name}Code", SECRET)
    resource = cdk.CustomResource(
        stack,
        name,
        service_token=service_token(secret),
        properties={
            "Catalog": CATALOG,
            "LegalName": declared.legal_name,
            "PrimarySolutionType": SOLUTION_TYPE,
            "AllianceLeadContact": declared.contact,
            "SecretName": SECRET,
        },
    )
    add_outputs(stack, name, {attribute: resource.get_att_string(attribute) for attribute in ATTRIBUTES})
