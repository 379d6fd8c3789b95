"""What a PartnerAccount puts into the template: the contract with the handler, and secrecy."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct, IConstruct

import partner_account
from partner_account import (
    AllianceLeadContact,
    Catalog,
    PartnerAccount,
    PartnerAccountProvider,
    PartnerProfile,
    PrimarySolutionType,
    VerificationCode,
)
from partner_account.service_model import member_shape
from tests.construct.apps import (
    CONTACT,
    HERE,
    new_app,
    new_stack,
    partner_in,
    properties_of,
    resource_of,
    resources_of,
    template_of,
)

pytestmark = pytest.mark.versions

SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:code-AbCdEf"


def test_the_custom_resource_has_the_properties_that_the_handler_reads_and_is_retained() -> None:
    """These and no others; CloudFormation must never delete a partner, since no call can."""
    stack = new_stack()
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Code", SECRET_ARN)
    partner_in(stack, email_verification_code=VerificationCode.from_secrets_manager(secret))
    assert resource_of(stack) == {
        "Type": "Custom::PartnerAccount",
        "Properties": {
            "ServiceToken": {"Fn::GetAtt": ["PartnerAccountProviderFunction", "Arn"]},
            "ServiceTimeout": "300",
            "SchemaVersion": "1",
            "Catalog": "AWS",
            "LegalName": "Example Corp",
            "PrimarySolutionType": "SOFTWARE_PRODUCTS",
            "AllianceLeadContact": {
                "FirstName": "Jane",
                "LastName": "Doe",
                "Email": "alliances@example.com",
                "BusinessTitle": "Alliance Lead",
            },
            "EmailVerificationCode": {"From": "SecretsManager", "SecretId": SECRET_ARN},
            "Owner": {"StackName": {"Ref": "AWS::StackName"}, "ConstructPath": "Partner"},
            "OutputPrefix": "Partner",
        },
        # The handler is called only once it may do its work, and once a failed call isn't repeated.
        "DependsOn": ["PartnerPolicyF63CE8D5", "PartnerAccountProviderFunctionEventInvokeConfig"],
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    }


@jsii.implements(cdk.IAspect)
class Destroying:
    """What `RemovalPolicies.of(app).destroy()` adds, which the oldest CDK doesn't have."""

    def visit(self, node: IConstruct) -> None:
        """Let it be destroyed."""
        if isinstance(node, cdk.CfnResource):
            node.apply_removal_policy(cdk.RemovalPolicy.DESTROY)


def override_in(partner: PartnerAccount) -> None:
    """What an escape hatch writes."""
    resource = cast("cdk.CfnResource", partner.node.default_child)
    resource.add_override("DeletionPolicy", "Delete")
    resource.add_deletion_override("UpdateReplacePolicy")


DESTROYING: dict[str, Callable[[PartnerAccount], None]] = {
    "its own method": lambda partner: partner.apply_removal_policy(cdk.RemovalPolicy.DESTROY),
    "the whole app": lambda partner: cdk.Aspects.of(partner.node.root).add(Destroying()),
    "overrides": override_in,
}


@pytest.mark.parametrize("way", DESTROYING)
def test_partner_is_retained_under_any_removal_policy(way: str) -> None:
    """No call deletes it; a policy for a whole app stays usable for everything else."""
    stack = new_stack()
    DESTROYING[way](partner_in(stack))
    found = resource_of(stack)
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_partner_is_retained_without_validation() -> None:
    """The removal policy of a whole app, and `skip_validation`."""
    stack = new_stack()
    DESTROYING["the whole app"](partner_in(stack))
    app = cast("cdk.App", stack.node.root)
    template = app.synth(skip_validation=True).get_stack_by_name(stack.stack_name).template
    (found,) = (one for one in template["Resources"].values() if one["Type"] == "Custom::PartnerAccount")
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_overrides_and_aspects_reach_the_resource() -> None:
    """`node.default_child` is the custom resource itself."""

    @jsii.implements(cdk.IAspect)
    class Marking:
        def visit(self, node: IConstruct) -> None:
            if isinstance(node, cdk.CfnResource) and node.cfn_resource_type == "Custom::PartnerAccount":
                node.add_metadata("marked", True)

    stack = new_stack()
    resource = partner_in(stack).node.default_child
    cdk.Aspects.of(stack.node.root).add(Marking())
    assert isinstance(resource, cdk.CfnResource)
    resource.add_property_override("ServiceTimeout", "600")
    assert properties_of(stack)["ServiceTimeout"] == "600"
    assert resource_of(stack)["Metadata"] == {"marked": True}


def test_construct_below_a_partner_gets_no_dependency() -> None:
    """The resource waits; a queue below it that the function may use would close a circle."""
    stack = new_stack()
    queue = sqs.Queue(partner_in(stack), "Queue")
    queue.grant_send_messages(PartnerAccountProvider.get_or_create(stack).role)
    assert "DependsOn" not in resource_of(stack, "AWS::SQS::Queue")


def test_solution_types_are_those_of_the_service_model() -> None:
    """By its own names, which reach the template as they are."""
    allowed = member_shape("CreatePartnerRequest", "PrimarySolutionType")["enum"]
    assert sorted(solution.value for solution in PrimarySolutionType) == sorted(allowed)
    assert [solution.name for solution in PrimarySolutionType] == [solution.value for solution in PrimarySolutionType]


CODES: dict[str, tuple[Callable[[cdk.Stack], VerificationCode], dict[str, Any]]] = {
    "a field of a secret": (
        lambda stack: VerificationCode.from_secrets_manager(
            secretsmanager.Secret.from_secret_complete_arn(stack, "Code", SECRET_ARN), json_field="otp"
        ),
        {"From": "SecretsManager", "SecretId": SECRET_ARN, "JsonField": "otp"},
    ),
    "a secret of the stack": (
        lambda stack: VerificationCode.from_secrets_manager(
            secretsmanager.Secret(stack, "Code", encryption_key=kms.Key(stack, "Key"))
        ),
        {"From": "SecretsManager", "SecretId": {"Ref": "Code5B760EEF"}},
    ),
    "a SecureString": (
        lambda stack: VerificationCode.from_ssm_parameter(
            ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Code", parameter_name="/partner/code")
        ),
        {"From": "ParameterStore", "Name": "/partner/code"},
    ),
    "a NoEcho parameter": (
        lambda stack: VerificationCode.from_parameter(cdk.CfnParameter(stack, "Code", no_echo=True)),
        {"From": "Parameter", "Value": {"Ref": "Code"}},
    ),
    "the Sandbox": (lambda _: VerificationCode.for_sandbox(), {"From": "Sandbox"}),
}


@pytest.mark.parametrize("source", CODES)
def test_the_template_holds_a_reference_to_the_code_and_never_the_code(source: str) -> None:
    """Each source serves the Sandbox, too: a rehearsal may use the very one that the real catalog will use."""
    make, written = CODES[source]
    stack = new_stack()
    partner_in(stack, catalog=Catalog.SANDBOX, email_verification_code=make(stack))
    assert properties_of(stack)["EmailVerificationCode"] == written


def test_tokens_reach_the_handler_unchanged() -> None:
    """Values known only at deployment are neither validated nor changed; the partner to adopt is included if given."""
    stack = new_stack()
    names = ("Name", "Solution", "First", "Last", "Email", "Title", "Id")
    values = {name: cdk.CfnParameter(stack, name).value_as_string for name in names}
    contact = AllianceLeadContact(
        first_name=values["First"],
        last_name=values["Last"],
        email=values["Email"],
        business_title=values["Title"],
    )
    partner_in(
        stack,
        legal_name=values["Name"],
        primary_solution_type=values["Solution"],
        alliance_lead_contact=contact,
        existing_partner_id=values["Id"],
    )
    written = properties_of(stack)
    read = [written["LegalName"], written["PrimarySolutionType"], *written["AllianceLeadContact"].values()]
    assert [*read, written["ExistingPartnerId"]] == [{"Ref": name} for name in names]


def test_the_owners_path_begins_below_the_stack() -> None:
    """So that moving the stack into a stage changes nothing."""
    stack = cdk.Stack(cdk.Stage(new_app(), "Prod"), "Demo")
    partner_in(cdk.CfnResource(stack, "Thing", type="Custom::Thing"))
    owner = properties_of(stack)["Owner"]
    assert owner == {"StackName": {"Ref": "AWS::StackName"}, "ConstructPath": "Thing/Partner"}


def test_the_owner_of_a_partner_in_nested_stacks_is_the_outermost_one() -> None:
    """By its deployed name, which is handed down: a nested stack's own name ends in random letters."""
    stack = new_stack()
    outer = cdk.NestedStack(stack, "Outer")
    nests = {name: cdk.NestedStack(outer, name) for name in ("One", "Two")}
    for name, nested in nests.items():
        partner_in(nested, legal_name=name)
    for name, nested in nests.items():
        owner = properties_of(nested)["Owner"]
        assert owner["ConstructPath"] == f"Outer/{name}/Partner"
        handed_down = owner["StackName"]
        for around, inner in ((outer, name), (stack, "Outer")):
            resources = resources_of(around, "AWS::CloudFormation::Stack").items()
            (parameters,) = [found["Properties"]["Parameters"] for id_, found in resources if id_.startswith(inner)]
            handed_down = parameters[handed_down["Ref"]]
        assert handed_down == {"Ref": "AWS::StackName"}


def strings_in(value: Any) -> list[str]:
    """All strings in a JSON value."""
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in strings_in(part)]
    if isinstance(value, list):
        return [text for item in value for text in strings_in(item)]
    return [value] if isinstance(value, str) else []


SENSITIVE = ["Example Corp", CONTACT.first_name, CONTACT.last_name, CONTACT.email, CONTACT.business_title]


def test_legal_name_and_contact_are_in_the_custom_resource_only() -> None:
    """Nowhere else in the template, in no other file of the cloud assembly, and not in a contact's `repr`."""
    stack = new_stack()
    partner_in(stack)
    template = template_of(stack)
    properties = template["Resources"]["Partner776273A3"]["Properties"]
    assert set(SENSITIVE) <= set(strings_in(properties))
    del properties["LegalName"], properties["AllianceLeadContact"]
    assert [text for text in strings_in(template) if any(value in text for value in SENSITIVE)] == []
    app = stack.node.root
    assert isinstance(app, cdk.App)
    files = [path for path in Path(app.synth().directory).rglob("*") if path.is_file()]
    holding = [path.name for path in files if any(value.encode() in path.read_bytes() for value in SENSITIVE)]
    assert holding == ["Demo.template.json"]
    assert repr(CONTACT) == "AllianceLeadContact()"


def test_created_and_imported_partners_are_cdk_resources() -> None:
    """With its stack and environment, as each resource has them: of an imported one by its ARN."""
    stack = new_stack(env=HERE)
    arn = "arn:aws:partnercentral:us-east-1:222222222222:catalog/AWS/partner/partner-abcDEF1234567"
    partner = partner_in(stack)
    known = PartnerAccount.from_partner_arn(stack, "Known", arn)
    exported = PartnerAccount.from_stack_exports(stack, "Exported", stack_name="Other", partner_path="Partner")
    assert all(isinstance(one, cdk.Resource) and one.stack is stack for one in (partner, known, exported))
    assert [one.node.path for one in (partner, known, exported)] == ["Demo/Partner", "Demo/Known", "Demo/Exported"]
    assert [(one.env.account, one.env.region) for one in (partner, known, exported)] == [
        ("111111111111", "eu-west-1"),
        ("222222222222", "us-east-1"),
        ("111111111111", "eu-west-1"),
    ]


class CompanyPartner(PartnerAccount):
    """What a company may make of the construct."""

    def __init__(self, scope: Construct, id: str, *, legal_name: str) -> None:  # noqa: A002 - CDK's name for it
        """Know the rest."""
        super().__init__(
            scope,
            id,
            catalog="Sandbox",
            legal_name=legal_name,
            primary_solution_type="SOFTWARE_PRODUCTS",
            alliance_lead_contact=CONTACT,
            email_verification_code=VerificationCode.for_sandbox(),
        )


@pytest.mark.parametrize("construct", [PartnerAccount, PartnerProfile, PartnerAccountProvider, CompanyPartner])
def test_help_and_editors_show_the_props_with_their_types(construct: type[Construct]) -> None:
    """Not `(*args, **kwargs)`, which is what jsii's metaclass makes of every construct."""
    shown = inspect.signature(construct)
    written = inspect.signature(vars(construct)["__init__"])
    assert list(shown.parameters.values()) == list(written.parameters.values())[1:]
    assert all(prop.annotation not in {prop.empty, Any} for prop in shown.parameters.values())
    assert f" |  {construct.__name__}(scope: " in pydoc.plain(pydoc.render_doc(construct))


def test_the_public_names_are_listed_and_documented() -> None:
    """What users import."""
    assert sorted(partner_account.__all__) == partner_account.__all__
    for name in partner_account.__all__:
        assert getattr(partner_account, name).__doc__, name
