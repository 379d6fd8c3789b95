"""Values of another type than a prop takes: each is told by its prop, in a sentence that shows what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from partner_account import (
    ExistingPartner,
    ExportNames,
    PartnerAccount,
    PartnerAccountError,
    PartnerAccountProvider,
    VerificationCode,
)
from tests.construct.test_partners_of_an_app import new_stack, partner_in, properties_of
from tests.construct.test_validation import contact, mistakes_of

CODE = "email_verification_code: "
SECRET = "must be made by one of VerificationCode's methods, such as from_secrets_manager(secret)"
WRONG: Any = "arn:aws:iam::111111111111:role/platform"

PROPS: dict[str, tuple[str, object, str]] = {
    "the code itself": ("email_verification_code", "123456", CODE + SECRET),
    "a secret": ("email_verification_code", cdk.SecretValue.unsafe_plain_text("123456"), CODE + SECRET),
    "a secret's name": (
        "email_verification_code",
        VerificationCode.from_secrets_manager(WRONG),
        CODE + 'from_secrets_manager takes a secret, such as Secret.from_secret_name_v2(stack, "Code", "',
    ),
    "a secret's value": (
        "email_verification_code",
        VerificationCode.from_secrets_manager(cdk.SecretValue.secrets_manager("code")),  # type: ignore[arg-type]
        CODE + "from_secrets_manager takes a secret, such as Secret.from_secret_name_v2(",
    ),
    "a field's number": (
        "email_verification_code",
        VerificationCode.from_secrets_manager(WRONG, json_field=7),  # type: ignore[arg-type]
        CODE + "json_field must be a string, the name of a field",
    ),
    "an SSM parameter's name": (
        "email_verification_code",
        VerificationCode.from_ssm_parameter(WRONG),
        CODE + "from_ssm_parameter takes a parameter, such as StringParameter.from_secure_string_parameter_attributes(",
    ),
    "a key's ARN": (
        "email_verification_code",
        VerificationCode.from_ssm_parameter(WRONG, encryption_key=WRONG),
        CODE + 'encryption_key: must be a KMS key, such as Key.from_key_arn(stack, "Key", arn)',
    ),
    "a parameter's name": (
        "email_verification_code",
        VerificationCode.from_parameter(WRONG),
        CODE + 'from_parameter takes the CfnParameter itself, such as CfnParameter(stack, "Code", no_echo=True)',
    ),
    "a dict of names": (
        "export_names",
        {"partner_arn": "name"},
        'export_names: must be an ExportNames, such as ExportNames(partner_arn="my-partner-arn")',
    ),
    "no names": ("export_names", {}, "export_names: must be an ExportNames, such as"),
    "a name in a list": ("export_names", ExportNames(partner_arn=["x"]), "export_names: must be a string"),  # type: ignore[arg-type]
    "a text for a statement": ("company_is_new_to_apn", "true", "company_is_new_to_apn: must be True or False"),
    "a text for a switch": ("outputs", "False", "outputs: must be True or False"),
    "nothing for a policy": (
        "existing_partner",
        "",
        "existing_partner: must be made by one of ExistingPartner's methods, such as adopt(partner_id)",
    ),
    "another policy": ("existing_partner", ExistingPartner("adopt"), "existing_partner: must be made by one of"),
    "a function's ARN": (
        "provider",
        WRONG,
        "provider: must be a PartnerAccountProvider, such as PartnerAccountProvider.of(stack)",
    ),
    "a dict for a contact": (
        "alliance_lead_contact",
        {"first_name": "Jane"},
        "alliance_lead_contact: must be an AllianceLeadContact(first_name=…, last_name=…, email=…, business_title=…)",
    ),
}


@pytest.mark.parametrize("slip", PROPS)
def test_a_wrong_type_is_told_by_its_prop(slip: str) -> None:
    """Beside all other mistakes, in one error, and without repeating what may be the code."""
    prop, value, said = PROPS[slip]
    wrong: dict[str, Any] = {prop: value}
    found = mistakes_of(legal_name="", **wrong)
    assert found[0] == "legal_name: is empty; allowed are 1 to 80 characters"
    assert [mistake for mistake in found if mistake.startswith(said)]
    assert not [mistake for mistake in found if "123456" in mistake or WRONG in mistake]


def test_a_parameter_for_each_text_names_its_value() -> None:
    """Where a text is wanted, a CfnParameter and a token say how they become one."""
    stack = new_stack()
    parameter = cdk.CfnParameter(stack, "P")
    attribute = cdk.CfnResource(stack, "Other", type="Custom::Other").get_att("Name")
    found = mistakes_of(
        stack,
        primary_solution_type=parameter,
        alliance_lead_contact=contact(email=attribute),
        existing_partner=ExistingPartner.adopt(parameter),  # type: ignore[arg-type]
        export_names=ExportNames(partner_id=attribute),  # type: ignore[arg-type]
    )
    solution, email, existing, export = found
    assert solution.endswith(", or a token; of a CfnParameter take .value_as_string")
    assert email == "alliance_lead_contact.email: must be a string; of a token take .to_string()"
    assert existing == "existing_partner: the id: must be a string; of a CfnParameter take .value_as_string"
    assert export == "export_names: must be a string; of a token take .to_string()"


def test_partners_that_are_only_referred_to_name_it_too() -> None:
    """All that is wrong in one error."""
    stack = new_stack()
    parameter: Any = cdk.CfnParameter(stack, "P")
    with pytest.raises(PartnerAccountError) as refused:
        PartnerAccount.from_partner_attributes(stack, "One", partner_arn=parameter, profile_id=parameter)
    assert str(refused.value).count("must be a string; of a CfnParameter take .value_as_string") == 2
    with pytest.raises(PartnerAccountError) as refused:
        PartnerAccount.from_stack_exports(stack, "Two", stack_name=parameter, partner=parameter)
    assert str(refused.value).count("must be a string; of a CfnParameter take .value_as_string") == 2


PROVIDER: dict[str, tuple[object, str]] = {
    "role": (WRONG, 'a role, such as Role.from_role_arn(stack, "Role", arn)'),
    "permissions_boundary": (WRONG, "a managed policy, such as ManagedPolicy.from_managed_policy_name("),
    "vpc": ("vpc-1", "a VPC, such as Vpc.from_lookup("),
    "vpc_subnets": ({"subnet_group_name": "x"}, "a SubnetSelection, such as SubnetSelection("),
    "security_groups": ("sg-1", "a list of security groups, such as [SecurityGroup.from_security_group_id("),
    "encryption_key": (WRONG, "a KMS key, such as Key.from_key_arn("),
    "log_retention": (365, "a member of RetentionDays, such as RetentionDays.TEN_YEARS"),
    "log_removal_policy": ("destroy", "a member of RemovalPolicy, such as RemovalPolicy.DESTROY"),
    "architecture": ("arm64", "an Architecture, such as Architecture.X86_64"),
    "runtime": ("python3.13", "a Runtime, such as Runtime.PYTHON_3_13"),
}


@pytest.mark.parametrize("prop", PROVIDER)
def test_each_prop_of_the_provider(prop: str) -> None:
    """In the same words."""
    value, wanted = PROVIDER[prop]
    with pytest.raises(PartnerAccountError) as refused:
        PartnerAccountProvider(new_stack(), **{prop: value})  # type: ignore[arg-type]
    assert f"\n  - {prop}: must be {wanted}" in str(refused.value)


def test_all_props_of_the_provider_at_once() -> None:
    """One error for all of them."""
    wrong: dict[str, Any] = {prop: value for prop, (value, _) in PROVIDER.items()}
    with pytest.raises(PartnerAccountError) as refused:
        PartnerAccountProvider(new_stack(), memory_size="512", **wrong)  # type: ignore[arg-type]
    told = str(refused.value)
    assert all(f"\n  - {prop}: must be " in told for prop in PROVIDER)
    assert "\n  - memory_size: is '512'; allowed are 128 to 10240 MB" in told


def test_security_groups_of_another_type_in_a_list() -> None:
    """Their ids are no groups."""
    with pytest.raises(PartnerAccountError, match=r"security_groups: must be a list of security groups"):
        PartnerAccountProvider(new_stack(), security_groups=["sg-1"])  # type: ignore[list-item]


def test_grants_tell_what_they_take() -> None:
    """A role's name is no grantee; a list of actions is no action."""
    stack = new_stack()
    partner = partner_in(stack)
    with pytest.raises(PartnerAccountError, match=r"grantee: must be a role or the like, such as Role\.from_role_arn"):
        partner.grant_read(WRONG)
    actions: Any = ["partnercentral:GetPartner"]
    with pytest.raises(PartnerAccountError, match="each action must be a string, and an argument of its own"):
        partner.grant(iam.Role.from_role_arn(stack, "Role", WRONG), actions)


SOURCES: dict[str, Callable[[cdk.Stack], VerificationCode]] = {
    "a secret of the app": lambda stack: VerificationCode.from_secrets_manager(secretsmanager.Secret(stack, "S")),
    "an imported secret": lambda stack: VerificationCode.from_secrets_manager(
        secretsmanager.Secret.from_secret_name_v2(stack, "S", "code")
    ),
    "an SSM parameter": lambda stack: VerificationCode.from_ssm_parameter(
        ssm.StringParameter.from_secure_string_parameter_attributes(stack, "S", parameter_name="/code"),
        encryption_key=kms.Key.from_key_arn(stack, "K", "arn:aws:kms:eu-west-1:111111111111:key/k"),
    ),
    "an alias of a key": lambda stack: VerificationCode.from_ssm_parameter(
        ssm.StringParameter.from_secure_string_parameter_attributes(stack, "S", parameter_name="/code"),
        encryption_key=kms.Alias.from_alias_name(stack, "K", "alias/code"),
    ),
    "a parameter": lambda stack: VerificationCode.from_parameter(cdk.CfnParameter(stack, "C", no_echo=True)),
}


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_right_passes(source: str) -> None:
    """Resources of the app and imported ones, which are proxies to Python."""
    stack = new_stack()
    partner_in(stack, email_verification_code=SOURCES[source](stack))
    assert properties_of(stack)["EmailVerificationCode"]["From"]
