"""The same with `custom_resources.AwsCustomResource`: calls of the AWS SDK for JavaScript, and no custom code.

One call answers each request of CloudFormation, and CloudFormation refuses an answer that lacks an attribute which
an output reads. So it takes three resources: the partner, its contact, and the profile that CreatePartner tells no id
of. The code is a NoEcho parameter, since nothing else keeps it out of the template.
"""

from collections.abc import Mapping
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import custom_resources as cr

from benchmarks.apps import CATALOG, SOLUTION_TYPE, Declared, add_outputs, synthesize

SERVICE = "@aws-sdk/client-partnercentral-account"
REGION = "us-east-1"


def declare(stack: cdk.Stack, name: str, declared: Declared) -> None:
    """Declare one partner."""
    partner = _partner(stack, name, declared)
    outputs = {attribute: partner.get_response_field(attribute) for attribute in ("Arn", "Id")}
    _contact(stack, name, declared, outputs["Arn"])
    profile = _profile(stack, name, outputs["Arn"])
    add_outputs(stack, name, {**outputs, "ProfileId": profile.get_response_field("ProfileId")})


def _partner(stack: cdk.Stack, name: str, declared: Declared) -> cr.AwsCustomResource:
    creation = {
        "Catalog": CATALOG,
        "ClientToken": f"{stack.stack_name}-{name}",
        "LegalName": declared.legal_name,
        "PrimarySolutionType": SOLUTION_TYPE,
        "AllianceLeadContact": declared.contact,
        "EmailVerificationCode": _code(stack).value_as_string,
    }
    reading = {"Catalog": CATALOG, "Identifier": cr.PhysicalResourceIdReference()}
    return _resource(
        stack, name, _call("CreatePartner", creation), _call("GetPartner", reading), ["CreatePartner", "GetPartner"]
    )


def _contact(stack: cdk.Stack, name: str, declared: Declared, arn: str) -> None:
    reading = {"Catalog": CATALOG, "Identifier": arn}
    writing = {**reading, "AllianceLeadContact": declared.contact}
    _resource(
        stack,
        f"{name}Contact",
        _call("GetAllianceLeadContact", reading),
        _call("PutAllianceLeadContact", writing),
        ["GetAllianceLeadContact", "PutAllianceLeadContact"],
    )


def _profile(stack: cdk.Stack, name: str, arn: str) -> cr.AwsCustomResource:
    reading = _call("GetProfileVisibility", {"Catalog": CATALOG, "Identifier": arn})
    return _resource(stack, f"{name}Profile", reading, reading, ["GetProfileVisibility"])


def _resource(
    stack: cdk.Stack, name: str, on_create: cr.AwsSdkCall, on_update: cr.AwsSdkCall, actions: list[str]
) -> cr.AwsCustomResource:
    statement = iam.PolicyStatement(actions=[f"partnercentral:{action}" for action in actions], resources=["*"])
    return cr.AwsCustomResource(
        stack,
        name,
        on_create=on_create,
        on_update=on_update,
        install_latest_aws_sdk=False,
        policy=cr.AwsCustomResourcePolicy.from_statements([statement]),
    )


def _call(action: str, parameters: Mapping[str, object]) -> cr.AwsSdkCall:
    return cr.AwsSdkCall(
        service=SERVICE,
        action=action,
        region=REGION,
        parameters=parameters,
        physical_resource_id=cr.PhysicalResourceId.from_response("Arn"),
    )


def _code(stack: cdk.Stack) -> cdk.CfnParameter:
    found = stack.node.try_find_child("Code")
    return cast("cdk.CfnParameter", found) if found else cdk.CfnParameter(stack, "Code", no_echo=True)


if __name__ == "__main__":
    synthesize(declare)
