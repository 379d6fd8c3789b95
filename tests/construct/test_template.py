"""What a PartnerAccount puts into the template: the contract with the handler, and secrecy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import IConstruct

import partner_account
from partner_account import (
    AllianceLeadContact,
    Catalog,
    ExistingPartner,
    PartnerAccountProvider,
    PrimarySolutionType,
    VerificationCode,
)
from partner_account.service_model import member_shape
from tests.construct.test_partners_of_an_app import (
    CONTACT,
    new_app,
    new_stack,
    partner_in,
    properties_of,
    resource_of,
    sandbox_partner_in,
    template_of,
)

SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:code-AbCdEf"


def secret_in(stack: cdk.Stack) -> secretsmanager.ISecret:
    """A secret that was imported by its whole ARN."""
    return secretsmanager.Secret.from_secret_complete_arn(stack, "Code", SECRET_ARN)


def secure_string_in(stack: cdk.Stack) -> ssm.IStringParameter:
    """A SecureString that was imported by its name."""
    return ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Code", parameter_name="/partner/code")


def test_the_whole_contract() -> None:
    """The custom resource has these properties and no others, each as the handler reads it."""
    stack = new_stack()
    code = VerificationCode.from_secrets_manager(secret_in(stack))
    partner_in(stack, email_verification_code=code)
    assert properties_of(stack) == {
        "ServiceToken": {"Fn::GetAtt": ["PartnerAccountProviderFunction683C5CE0", "Arn"]},
        "ServiceTimeout": "300",
        "SchemaVersion": "1",
        "Catalog": "AWS",
        "LegalName": "Example Corp",
        "PrimarySolutionType": "SOFTWARE_PRODUCTS",
        "AllianceLeadContact": {
            "FirstName": "Jane",
            "LastName": "Doe",
            "Email": "jane@example.com",
            "BusinessTitle": "Alliance Lead",
        },
        "EmailVerificationCode": {"From": "SecretsManager", "SecretId": SECRET_ARN},
        "ExistingPartner": {"Policy": "REFUSE"},
        "Owner": {"StackName": {"Ref": "AWS::StackName"}, "ConstructPath": "Partner"},
    }


def test_the_resource_is_retained() -> None:
    """CloudFormation is told never to delete or replace-and-delete a partner, since nobody can."""
    stack = new_stack()
    partner_in(stack)
    resource = resource_of(stack)
    assert resource["DeletionPolicy"] == "Retain"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_resource_is_the_default_child() -> None:
    """`node.default_child` is the custom resource itself, so that overrides reach the template."""
    stack = new_stack()
    resource = partner_in(stack).node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.add_property_override("ServiceTimeout", "600")
    resource.add_metadata("ticket", "ABC-1")
    assert properties_of(stack)["ServiceTimeout"] == "600"
    assert resource_of(stack)["Metadata"] == {"ticket": "ABC-1"}


def test_aspects_reach_the_resource() -> None:
    """An aspect of the app's sees the custom resource as any other one."""

    @jsii.implements(cdk.IAspect)
    class Marking:
        def visit(self, node: IConstruct) -> None:
            if isinstance(node, cdk.CfnResource) and node.cfn_resource_type == "Custom::PartnerAccount":
                node.add_metadata("marked", True)

    stack = new_stack()
    partner_in(stack)
    cdk.Aspects.of(stack.node.root).add(Marking())
    assert resource_of(stack)["Metadata"] == {"marked": True}


def test_attributes_are_tokens_of_the_resource() -> None:
    """The three attributes resolve to GetAtt of what the handler answers; the catalog is known at once."""
    stack = new_stack()
    partner = partner_in(stack)
    for attribute, token in {
        "Arn": partner.partner_arn,
        "Id": partner.partner_id,
        "ProfileId": partner.profile_id,
    }.items():
        assert stack.resolve(token) == {"Fn::GetAtt": ["Partner776273A3", attribute]}
    assert partner.catalog is Catalog.AWS


def test_the_resource_waits_for_policy_and_delivery_settings() -> None:
    """The handler is called only once it may do its work, and once a failed call isn't repeated."""
    stack = new_stack()
    partner_in(stack)
    assert resource_of(stack)["DependsOn"] == [
        "PartnerAccountPermissionsAWSPolicyA8240C45",
        "PartnerAccountProviderFunctionEventInvokeConfig19334728",
    ]


def test_what_a_user_puts_below_a_partner_waits_for_nothing() -> None:
    """The resource waits; a queue below it that the function may use would close a circle."""
    stack = new_stack()
    queue = sqs.Queue(partner_in(stack), "Queue")
    queue.grant_send_messages(PartnerAccountProvider.of(stack).role)
    assert "DependsOn" not in resource_of(stack, "AWS::SQS::Queue")


@pytest.mark.parametrize("solution", PrimarySolutionType)
def test_every_solution_type(solution: PrimarySolutionType) -> None:
    """Each solution type reaches the template by the service's own name."""
    stack = new_stack()
    partner_in(stack, primary_solution_type=solution)
    assert properties_of(stack)["PrimarySolutionType"] == solution.name


def test_solution_types_are_those_of_the_service() -> None:
    """The enum lists exactly what the installed service model allows."""
    allowed = member_shape("CreatePartnerRequest", "PrimarySolutionType")["enum"]
    assert sorted(PrimarySolutionType) == sorted(allowed)


def test_code_from_a_field_of_a_secret() -> None:
    """A secret that is a JSON object is read by the named field."""
    stack = new_stack()
    code = VerificationCode.from_secrets_manager(secret_in(stack), json_field="otp")
    partner_in(stack, email_verification_code=code)
    assert properties_of(stack)["EmailVerificationCode"] == {
        "From": "SecretsManager",
        "SecretId": SECRET_ARN,
        "JsonField": "otp",
    }


def test_code_from_a_secure_string() -> None:
    """A SecureString is passed on by its name, never resolved into the template."""
    stack = new_stack()
    partner_in(stack, email_verification_code=VerificationCode.from_ssm_parameter(secure_string_in(stack)))
    assert properties_of(stack)["EmailVerificationCode"] == {
        "From": "ParameterStore",
        "Name": "/partner/code",
    }


def test_code_from_a_stack_parameter() -> None:
    """A NoEcho parameter is referred to, and its value stands nowhere in the template."""
    stack = new_stack()
    parameter = cdk.CfnParameter(stack, "Code", no_echo=True)
    partner_in(stack, email_verification_code=VerificationCode.from_parameter(parameter))
    assert properties_of(stack)["EmailVerificationCode"] == {"From": "Parameter", "Value": {"Ref": "Code"}}


def test_code_for_the_sandbox() -> None:
    """The Sandbox needs no stored code; the handler makes up six digits."""
    stack = new_stack()
    sandbox_partner_in(stack)
    assert properties_of(stack)["EmailVerificationCode"] == {"From": "Sandbox"}


def test_stored_codes_serve_the_sandbox_too() -> None:
    """A rehearsal in the Sandbox may use the very source that the real catalog will use."""
    stack = new_stack()
    partner_in(stack, catalog=Catalog.SANDBOX)
    assert properties_of(stack)["EmailVerificationCode"]["From"] == "SecretsManager"


@pytest.mark.parametrize(
    ("existing", "rendered"),
    [
        (None, {"Policy": "REFUSE"}),
        (ExistingPartner.refuse(), {"Policy": "REFUSE"}),
        (ExistingPartner.allow_another(), {"Policy": "ALLOW_ANOTHER"}),
        (
            ExistingPartner.adopt("partner-abcdefghijklm"),
            {"Policy": "ADOPT", "PartnerId": "partner-abcdefghijklm"},
        ),
    ],
)
def test_existing_partner(existing: ExistingPartner | None, rendered: dict[str, str]) -> None:
    """What to do about an existing partner reaches the handler; it is refused unless said otherwise."""
    stack = new_stack()
    partner_in(stack, existing_partner=existing)
    assert properties_of(stack)["ExistingPartner"] == rendered


def test_tokens_pass() -> None:
    """Values known only at deployment are neither judged nor changed."""
    stack = new_stack()

    def parameter(name: str) -> str:
        return cdk.CfnParameter(stack, name).value_as_string

    contact = AllianceLeadContact(
        first_name=parameter("First"),
        last_name=parameter("Last"),
        email=parameter("Email"),
        business_title=parameter("Title"),
    )
    partner_in(
        stack,
        legal_name=parameter("Name"),
        primary_solution_type=parameter("Solution"),
        alliance_lead_contact=contact,
        existing_partner=ExistingPartner.adopt(parameter("Id")),
    )
    properties = properties_of(stack)
    assert properties["LegalName"] == {"Ref": "Name"}
    assert properties["PrimarySolutionType"] == {"Ref": "Solution"}
    assert properties["AllianceLeadContact"] == {
        "FirstName": {"Ref": "First"},
        "LastName": {"Ref": "Last"},
        "Email": {"Ref": "Email"},
        "BusinessTitle": {"Ref": "Title"},
    }
    assert properties["ExistingPartner"] == {"Policy": "ADOPT", "PartnerId": {"Ref": "Id"}}


def test_owner_in_a_stage() -> None:
    """The owner's path begins below the stack, so that moving the stack into a stage changes nothing."""
    stage = cdk.Stage(new_app(), "Prod")
    stack = cdk.Stack(stage, "Demo")
    partner_in(cdk.Stack(stage, "Other"), catalog=Catalog.SANDBOX)
    from_construct = cdk.CfnResource(stack, "Thing", type="Custom::Thing")
    partner_in(from_construct, "Partner")
    owner = properties_of(stack)["Owner"]
    assert owner == {"StackName": {"Ref": "AWS::StackName"}, "ConstructPath": "Thing/Partner"}


def test_owner_in_a_nested_stack() -> None:
    """A nested stack's name ends in random letters: the owner is the outermost stack, by its deployed name."""
    stack = new_stack()
    nested = cdk.NestedStack(stack, "Nested")
    partner_in(nested)
    owner = properties_of(nested)["Owner"]
    assert owner["ConstructPath"] == "Nested/Partner"
    (nested_resource,) = (
        found for found in template_of(stack)["Resources"].values() if found["Type"] == "AWS::CloudFormation::Stack"
    )
    handed_on = nested_resource["Properties"]["Parameters"][owner["StackName"]["Ref"]]
    assert handed_on == {"Ref": "AWS::StackName"}


def strings_in(value: Any) -> list[str]:
    """All strings in a JSON value."""
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in strings_in(part)]
    if isinstance(value, list):
        return [text for item in value for text in strings_in(item)]
    return [value] if isinstance(value, str) else []


SENSITIVE = ["Example Corp", CONTACT.first_name, CONTACT.last_name, CONTACT.email, CONTACT.business_title]


def test_personal_data_stand_in_the_resource_only() -> None:
    """Legal name and contact stand in the custom resource's own properties, and nowhere else in the template."""
    stack = new_stack()
    partner_in(stack)
    template = template_of(stack)
    properties = template["Resources"]["Partner776273A3"]["Properties"]
    assert set(SENSITIVE) <= set(strings_in(properties))
    del properties["LegalName"], properties["AllianceLeadContact"]
    assert [text for text in strings_in(template) if any(value in text for value in SENSITIVE)] == []


def test_personal_data_stand_in_no_other_file() -> None:
    """Nothing but the template in the cloud assembly holds the legal name or the contact."""
    stack = new_stack()
    partner_in(stack)
    app = stack.node.root
    assert isinstance(app, cdk.App)
    folder = Path(app.synth().directory)
    assert [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(value.encode() in path.read_bytes() for value in SENSITIVE)
    ] == ["Demo.template.json"]


def test_a_contact_hides_itself() -> None:
    """A contact that ends up in a log line or a traceback shows no personal data."""
    assert repr(CONTACT) == "AllianceLeadContact()"


def test_no_value_of_the_user_is_in_the_environment() -> None:
    """The function has no environment variables, so nothing can be read from them."""
    stack = new_stack()
    partner_in(stack)
    assert "Environment" not in resource_of(stack, "AWS::Lambda::Function")["Properties"]


def test_a_secret_of_the_stack_is_referred_to() -> None:
    """A secret made in the same app is passed by reference: its key and value stay where they are."""
    stack = new_stack()
    secret = secretsmanager.Secret(stack, "Code", encryption_key=kms.Key(stack, "Key"))
    partner_in(stack, email_verification_code=VerificationCode.from_secrets_manager(secret))
    (logical_id,) = (
        name
        for name, found in template_of(stack)["Resources"].items()
        if found["Type"] == "AWS::SecretsManager::Secret"
    )
    assert properties_of(stack)["EmailVerificationCode"]["SecretId"] == {"Ref": logical_id}


def test_the_public_names() -> None:
    """What users import is listed, complete and documented."""
    assert sorted(partner_account.__all__) == partner_account.__all__
    for name in partner_account.__all__:
        assert getattr(partner_account, name).__doc__, name


def test_synth_is_repeatable() -> None:
    """The same app gives the same template, byte by byte."""
    first, second = new_stack(), new_stack()
    for stack in (first, second):
        partner_in(stack)
    assert json.dumps(template_of(first)) == json.dumps(template_of(second))
