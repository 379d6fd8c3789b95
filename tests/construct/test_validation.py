"""Which props are rejected when a PartnerAccount is created, and with which message; tokens are never validated.

Which texts can't be meant is told by tests/handler/test_texts.py: the handler judges by the same function.
"""

from __future__ import annotations

import inspect
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
import botocore
import jsii
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from aws_cdk.region_info import RegionInfo
from constructs import Construct

from partner_account import (
    AllianceLeadContact,
    Catalog,
    ExportNames,
    PartnerAccount,
    PartnerAccountError,
    PartnerAccountProvider,
    PrimarySolutionType,
    VerificationCode,
    service_model,
)
from partner_account_handler.service import API_VERSION, SERVICE
from tests.construct.apps import (
    HERE,
    contact,
    errors_of,
    new_app,
    new_stack,
    partner_in,
    properties_of,
    sandbox_partner_in,
    synth_error_of,
    template_of,
    warnings_of,
)
from tests.handler.test_texts import NAMES, UNKNOWN, UNRESOLVED, UNSEEN

CONTACT_FIELDS = [field.name for field in fields(AllianceLeadContact)]


def test_all_errors_are_listed_at_once_and_nothing_is_created() -> None:
    """In one ValueError, so that all can be fixed in one go."""
    stack = new_stack()
    provider = PartnerAccountProvider(cdk.Stack(new_app(), "Elsewhere"), "Provider")
    found = errors_of(
        stack,
        legal_name=" x" * 41,
        primary_solution_type="SOFTWARE",
        alliance_lead_contact=contact(first_name="", last_name="\t", email="nobody", business_title="x" * 81),
        email_verification_code=VerificationCode.for_sandbox(),
        company_is_new_to_apn=False,
        export_names=ExportNames(partner_arn="a b"),
        provider=provider,
    )
    assert [error.split(":")[0] for error in found] == [
        "legal_name",
        "legal_name",
        "primary_solution_type",
        "alliance_lead_contact.first_name",
        "alliance_lead_contact.last_name",
        "alliance_lead_contact.email",
        "alliance_lead_contact.business_title",
        "email_verification_code",
        "company_is_new_to_apn",
        "export_names",
        "provider",
    ]
    assert [child.node.id for child in stack.node.children] == ["Partner"]
    assert issubclass(PartnerAccountError, ValueError)


# --- Whether the company is new to APN ---


def test_catalog_aws_requires_company_is_new_to_apn() -> None:
    """A company that is already an AWS Partner must migrate: no call reports it; the message explains why."""
    (error,) = errors_of(company_is_new_to_apn=False)
    assert error.startswith("company_is_new_to_apn: must be True in catalog AWS.")
    assert "must migrate" in error
    assert "replaces its historical partner data" in error
    assert "set existing_partner_id to adopt it" in error
    assert inspect.signature(PartnerAccount.__init__).parameters["company_is_new_to_apn"].default is False


@pytest.mark.parametrize("said", [True, False])
def test_the_sandbox_and_an_adopted_partner_need_no_statement_about_the_company(said: bool) -> None:
    """Nothing is created in catalog AWS then; a template that switches catalogs may still set it."""
    sandbox_partner_in(new_stack(), company_is_new_to_apn=said)
    partner_in(new_stack(), company_is_new_to_apn=said, existing_partner_id="partner-abcDEF1234567")


# --- Literal texts, by the service's own rules ---


@pytest.mark.parametrize(
    ("legal_name", "error"),
    [
        ("", "is empty; allowed are 1 to 80 characters"),
        ("   ", "is empty; allowed are 1 to 80 characters"),
        ("x" * 81, "has 81 characters; allowed are 1 to 80"),
        (unicodedata.normalize("NFD", "ü" * 81), "has 81 characters; allowed are 1 to 80"),
        (" Example", "begins with a space; remove it"),
        ("Example\u00a0", "ends with a space; remove it"),
        ("Example  Corp", "has 2 spaces in a row from character 8; leave one"),
        ("Ex\u0007ample", "character 3 of 8 is a control character, which the service refuses"),
        (
            "Hi \U0001f600",
            "character 4 of 4 is an emoji or another character beyond U+FFFF, which the service refuses",
        ),
    ],
)
def test_a_legal_name_is_refused_by_position_length_or_kind_of_character(legal_name: str, error: str) -> None:
    """Never by repeating it."""
    assert errors_of(legal_name=legal_name) == [f"legal_name: {error}"]


FORBIDDEN = [chr(point) for point in (*range(0x20), 0x7F, 0x80, 0x9F, 0xD800, 0xFFFE, 0x1F600)]


@pytest.mark.parametrize("character", FORBIDDEN, ids=ascii)
def test_each_character_outside_the_services_pattern_is_refused(character: str) -> None:
    """With its position."""
    (error,) = errors_of(legal_name=f"x{character}x")
    assert "character 2 of 3" in error


@pytest.mark.parametrize("name", ["x", "x" * 80, "A-1 (Ltd.)", "ü" * 80, *NAMES])
def test_names_in_any_script_reach_the_template_composed(name: str) -> None:
    """So that its length is that which the service counts, and one name is one text."""
    stack = new_stack()
    decomposed = unicodedata.normalize("NFD", name)
    partner_in(stack, legal_name=decomposed, alliance_lead_contact=contact(last_name=decomposed))
    written = properties_of(stack)
    assert (written["LegalName"], written["AllianceLeadContact"]["LastName"]) == (name, name)


@pytest.mark.parametrize("field", ["first_name", "last_name", "business_title"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("", "is empty; allowed are 1 to 80 characters"),
        ("x" * 81, "has 81 characters; allowed are 1 to 80"),
        ("a\nb", "character 2 of 3 is a control character"),
    ],
)
def test_each_contact_field_is_validated_by_the_services_rules(field: str, value: str, error: str) -> None:
    """And named as the user wrote it."""
    (found,) = errors_of(alliance_lead_contact=contact(**{field: value}))
    assert found.startswith(f"alliance_lead_contact.{field}: {error}")


@pytest.mark.parametrize("email", ["nobody", "a@b@c", "jane@-x.com", "jane@exämple.com", "jane doe@x.com", "@x.com"])
def test_an_address_that_the_services_pattern_does_not_match_is_refused(email: str) -> None:
    """As a whole; one of more than 320 characters by its length."""
    (found,) = errors_of(alliance_lead_contact=contact(email=email))
    assert found.startswith("alliance_lead_contact.email: is not an e-mail address that the service accepts")
    assert errors_of(alliance_lead_contact=contact(email="j" * 309 + "@example.com")) == [
        "alliance_lead_contact.email: has 321 characters; allowed are 1 to 320"
    ]


def test_legal_name_and_contact_are_in_no_error() -> None:
    """However wrong they are, and however long."""
    for tail in ("", "x" * 321):
        values = {name: f" Secret{name}  \u0007{tail}" for name in CONTACT_FIELDS}
        found = errors_of(legal_name=f" SecretName  \u0007{tail} ", alliance_lead_contact=contact(**values))
        assert "Secret" not in "\n".join(found)


@pytest.mark.parametrize("text", UNRESOLVED)
def test_unresolved_expression_rejected_by_the_handler_is_also_rejected_at_synth(text: str) -> None:
    """But for what is whole: a token, and the one reference that is resolved before the handler sees it."""
    if text in {"${Token[TOKEN.15]}", "{{resolve:ssm:/partner/name}}"}:
        partner_in(new_stack(), legal_name=text)
        return
    assert any(UNRESOLVED[text] in error for error in errors_of(legal_name=text))


@pytest.mark.parametrize("point", [*UNSEEN, *UNKNOWN], ids=hex)
def test_invisible_character_is_rejected(point: int) -> None:
    """Two names that look the same would count as two, for ever."""
    (error,) = errors_of(legal_name=f"Exa{chr(point)}mple Corp")
    assert error.startswith(f"legal_name: holds U+{point:04X}, which ")
    (error,) = errors_of(alliance_lead_contact=contact(last_name=f"D{chr(point)}oe"))
    assert error.startswith(f"alliance_lead_contact.last_name: holds U+{point:04X}, which ")


# --- Texts that are made of tokens, rightly or wrongly ---


def parameter(stack: cdk.Stack) -> cdk.CfnParameter:
    """A parameter of the stack."""
    return cdk.CfnParameter(stack, "Name")


def secret_value() -> cdk.SecretValue:
    """A value in Secrets Manager."""
    return cdk.SecretValue.secrets_manager("company")


SLIPS: dict[str, tuple[Callable[[cdk.Stack], object], str]] = {
    "a parameter as a text": (lambda stack: f"{parameter(stack)}", "holds the name of a Python object"),
    "a changed token": (lambda stack: parameter(stack).value_as_string.upper(), "contains a fragment of a CDK token"),
    "the beginning of a token": (lambda stack: parameter(stack).value_as_string[:12], "a fragment of a CDK token"),
    "the end of a token": (lambda stack: stack.account[4:], "contains a fragment of a CDK token"),
    "a cut token beside a whole one": (lambda stack: stack.account + stack.region[:-1], "a fragment of a CDK token"),
    "a number's token": (
        lambda stack: f"Corp {cdk.CfnParameter(stack, 'Number', type='Number').value_as_number}",
        "contains a fragment of a CDK token",
    ),
    "a list's token": (
        lambda stack: cdk.CfnParameter(stack, "List", type="CommaDelimitedList").value_as_list[0],
        "contains a fragment of a CDK token",
    ),
    "a condition as a text": (lambda _: f"{cdk.Fn.condition_if('C', 'a', 'b')}", "the name of a Python object"),
    "a sign of Fn::Sub beside a token": (lambda stack: stack.region + " ${AWS::AccountId}", "holds ${…}"),
    "a secret's reference": (lambda stack: f"{{{{resolve:secretsmanager:{stack.region}:company}}}}", "of a secret"),
    "nothing at all": (lambda stack: f"{stack.node.try_get_context('name')}", 'is "None"'),
    "None": (lambda _: None, "must be a string"),
    "a number": (lambda _: 7, "must be a string"),
    "a parameter": (parameter, "must be a string; for a CfnParameter, use .value_as_string"),
    "an attribute": (
        lambda stack: cdk.CfnResource(stack, "Other", type="Custom::Other").get_att("Name"),
        "must be a string; for a token, use .to_string()",
    ),
    "a condition": (lambda _: cdk.Fn.condition_if("C", "a", "b"), "must be a string; for a token, use .to_string()"),
    "a secret": (lambda _: secret_value(), "must be a string, not a secret, which CloudFormation doesn't resolve"),
    "what stands beside a reference": (
        lambda _: "{{resolve:ssm:/partner/value}} \u200b",
        "holds U+200B, which is invisible, as character 32; remove it",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_mistake_is_rejected_as_legal_name(slip: str) -> None:
    """Each is refused when the partner is made, in words that show what to write."""
    make, said = SLIPS[slip]
    stack = new_stack()
    (error,) = errors_of(stack, legal_name=make(stack))
    assert error.startswith("legal_name: ")
    assert said in error


@pytest.mark.parametrize("field", CONTACT_FIELDS)
@pytest.mark.parametrize("slip", ["a changed token", "a parameter", "nothing at all"])
def test_mistake_is_rejected_as_contact_text(field: str, slip: str) -> None:
    """An address that is none may be told as such besides."""
    make, said = SLIPS[slip]
    stack = new_stack()
    found = errors_of(stack, alliance_lead_contact=contact(**{field: make(stack)}))
    assert [error for error in found if said in error and error.startswith(f"alliance_lead_contact.{field}: ")]


@jsii.implements(cdk.IStableStringProducer)
class Slip:
    """A value that is made only at synth."""

    def produce(self) -> str:
        """What CloudFormation fills in nowhere but in Fn::Sub."""
        return "Example ${AWS::AccountId}"


LATER: dict[str, tuple[Callable[[cdk.Stack], str], str]] = {
    "a secret's value": (lambda _: secret_value().unsafe_unwrap(), "{{resolve:…}} of a secret"),
    "a secret of the app": (
        lambda stack: secretsmanager.Secret(stack, "Company").secret_value.unsafe_unwrap(),
        "{{resolve:…}} of a secret",
    ),
    "a secure parameter in a name": (
        lambda _: "Example " + cdk.SecretValue.ssm_secure("/company").unsafe_unwrap(),
        "{{resolve:…}} of a secret",
    ),
    "a token for a slip": (lambda _: cdk.Lazy.string(Slip()), "holds ${…}"),
}


@pytest.mark.parametrize("slip", LATER)
def test_resolved_token_is_validated_at_the_end_of_synth(slip: str) -> None:
    """CDK's own reference to a secret is a token, too; the error names the partner and its prop."""
    make, said = LATER[slip]
    stack = new_stack()
    text = make(stack)
    partner_in(stack, legal_name=text, alliance_lead_contact=contact(last_name=text))
    told = synth_error_of(stack).splitlines()
    for prop in ("legal_name", "alliance_lead_contact.last_name"):
        (line,) = [line for line in told if f"[Demo/Partner] {prop}: " in line]
        assert said in line


REFERENCE = "{{resolve:ssm:/partner/" + "x" * 80 + ":7}}"

TOKENS: dict[str, Callable[[cdk.Stack], str]] = {
    "a parameter": lambda stack: parameter(stack).value_as_string,
    "the account in a name": lambda stack: f"Example Corp {stack.account}",
    "Fn.sub": lambda _: cdk.Fn.sub("Example ${AWS::AccountId}"),
    "an attribute": lambda stack: cdk.CfnResource(stack, "O", type="Custom::O").get_att("Name").to_string(),
    "a condition": lambda stack: cdk.Fn.condition_if(condition_in(stack), "Octan", "Example").to_string(),
    "an import": lambda _: cdk.Fn.import_value("name"),
    "another stack's": lambda stack: parameter(cdk.Stack(cast("Construct", stack.node.root), "Other")).value_as_string,
    "an SSM parameter": lambda _: cdk.CfnDynamicReference(
        cdk.CfnDynamicReferenceService.SSM, "/partner/" + "x" * 80
    ).to_string(),
    "an SSM parameter as a text": lambda _: REFERENCE,
    "a literal": lambda _: cdk.Token.as_string("Müller & Söhne"),
}


def condition_in(stack: cdk.Stack) -> str:
    """The logical id of a condition."""
    return str(stack.resolve(cdk.CfnCondition(stack, "C", expression=cdk.Fn.condition_equals("a", "b")).logical_id))


@pytest.mark.parametrize("token", TOKENS)
def test_whole_tokens_and_references_to_ssm_parameters_pass(token: str) -> None:
    """In each text, alone or in its middle; neither form nor length of the reference itself is validated."""
    stack = new_stack()
    text = TOKENS[token](stack)
    everywhere = {field: text for field in CONTACT_FIELDS if field != "email"}
    partner_in(stack, legal_name=text, alliance_lead_contact=contact(**everywhere))
    written = properties_of(stack)
    assert written["LegalName"] == written["AllianceLeadContact"]["BusinessTitle"] == stack.resolve(text)


def judged_as_literals(stack: cdk.Stack, text: str) -> dict[str, Callable[[], Any]]:
    """Each use in which this text would be refused if it were taken for what it looks like."""

    def props(**given: Any) -> Callable[[], Any]:
        return lambda: partner_in(stack, **given)

    return {
        "legal_name": props(legal_name=text * 9),
        "email": props(alliance_lead_contact=contact(email=text)),
        "business_title": props(alliance_lead_contact=contact(business_title=text * 9)),
        "primary_solution_type": props(primary_solution_type=text),
        "existing_partner_id": props(existing_partner_id=text),
        "export_names": props(export_names=ExportNames(partner_arn=text)),
        "partner_arn": lambda: PartnerAccount.from_partner_arn(stack, "Arn", text),
        "profile_id": lambda: PartnerAccount.from_partner_attributes(stack, "P", partner_arn=text, profile_id=text),
        "stack_name": lambda: PartnerAccount.from_stack_exports(stack, "S", stack_name=text, partner_path="Partner"),
    }


@pytest.mark.parametrize("use", judged_as_literals(cast("cdk.Stack", None), ""))
@pytest.mark.parametrize("form", ["{}", "before {} after", "{}{}"])
def test_text_that_contains_a_token_is_not_validated_as_a_literal(use: str, form: str) -> None:
    """Wherever the token is; the same text without it is rejected."""
    stack = new_stack()
    token = parameter(stack).value_as_string
    judged_as_literals(stack, form.format(token, token))[use]()
    with pytest.raises(PartnerAccountError):
        judged_as_literals(new_stack(), "before /,  after")[use]()


def test_contact_dict_with_a_wrong_key_still_has_its_valid_keys_validated() -> None:
    """All mistakes are reported together, even if the dict is no valid contact."""
    contact = {"first_name": "Jane", "lastname": "Doe", "email": "jane", "business_title": ""}
    named, email, title = errors_of(alliance_lead_contact=contact)
    assert named.endswith("; unknown: 'lastname'; missing: 'last_name'")
    assert email.startswith("alliance_lead_contact.email: is not an e-mail address")
    assert title.startswith("alliance_lead_contact.business_title: is empty")


# --- Values of another type or form ---

CODE = "email_verification_code: "
MADE_BY = CODE + "must be created by one of VerificationCode's methods, such as from_secrets_manager(secret)"
CATALOGS = 'use Catalog.AWS or Catalog.SANDBOX, or exactly "AWS" or "Sandbox"'
SOLUTION = "primary_solution_type: must be PrimarySolutionType.SOFTWARE_PRODUCTS or PrimarySolutionType.CONSULTING"
CONTACT = (
    "alliance_lead_contact: must be an AllianceLeadContact(first_name=…, last_name=…, email=…, business_title=…), "
    "or a dict of these four"
)
PARTNER_ARN = "arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/partner-abcDEFghijklm"
WRONG: Any = "arn:aws:iam::111111111111:role/platform"

GOOD = dict.fromkeys(CONTACT_FIELDS, "jane@example.com")

PROPS: list[tuple[str, object, str]] = [
    ("catalog", "sandbox", f"catalog: can't be 'sandbox'; {CATALOGS}"),
    ("catalog", None, f"catalog: can't be None; {CATALOGS}"),
    ("catalog", [], f"catalog: can't be []; {CATALOGS}"),
    ("catalog", cdk.Aws.REGION, f"catalog: is a token, but must be known at synth; {CATALOGS}"),
    ("primary_solution_type", "software_products", SOLUTION),
    ("primary_solution_type", None, SOLUTION),
    ("alliance_lead_contact", {"first_name": "Jane"}, CONTACT + "; missing: 'last_name', 'email', 'business_title'"),
    ("alliance_lead_contact", {**GOOD, "phone": "1"}, CONTACT + "; unknown: 'phone'"),
    ("alliance_lead_contact", None, CONTACT),
    ("company_is_new_to_apn", "true", "company_is_new_to_apn: must be True or False"),
    (
        "company_is_new_to_apn",
        cdk.Aws.REGION,
        "company_is_new_to_apn: must be True or False, known at synth, not a token",
    ),
    ("outputs", "False", "outputs: must be True or False"),
    ("existing_partner_id", 5, "existing_partner_id: must be a string"),
    (
        "export_names",
        {"arn": "x"},
        'export_names: must be an ExportNames, such as ExportNames(partner_arn="my-partner-arn"), or a dict',
    ),
    ("export_names", ExportNames(partner_arn=cast("str", ["x"])), "export_names: must be a string"),
    ("provider", WRONG, "provider: must be a PartnerAccountProvider, such as PartnerAccountProvider.get_or_create("),
    (CODE, "123456", MADE_BY),
    (CODE, cdk.SecretValue.unsafe_plain_text("123456"), MADE_BY),
    (
        CODE,
        VerificationCode.from_secrets_manager(WRONG),
        CODE + 'from_secrets_manager requires a secret, such as Secret.from_secret_name_v2(stack, "Code", "',
    ),
    (CODE, VerificationCode.from_secrets_manager(WRONG, json_field=cast("str", 7)), CODE + "json_field must be a str"),
    (CODE, VerificationCode.from_secrets_manager(WRONG, json_field=""), CODE + "json_field is empty; name a field or"),
    (
        CODE,
        VerificationCode.from_ssm_parameter(WRONG),
        CODE
        + "from_ssm_parameter requires a parameter, such as StringParameter.from_secure_string_parameter_attributes(",
    ),
    (
        CODE,
        VerificationCode.from_ssm_parameter(WRONG, encryption_key=WRONG),
        CODE + 'encryption_key: must be a KMS key, such as Key.from_key_arn(stack, "Key", arn)',
    ),
    (
        CODE,
        VerificationCode.from_parameter(WRONG),
        CODE + 'from_parameter requires the CfnParameter itself, such as CfnParameter(stack, "Code", no_echo=True)',
    ),
    (CODE, VerificationCode.for_sandbox(), CODE + "for_sandbox() works only with Catalog.SANDBOX; use Verif"),
    (
        "existing_partner_id",
        PARTNER_ARN,
        f"existing_partner_id: {PARTNER_ARN!r} is an ARN; use its last part, which begins with partner-",
    ),
    *(
        (
            "existing_partner_id",
            wrong,
            f"existing_partner_id: {wrong!r} is not a partner's id, which is partner- followed by 13 letters or digits",
        )
        for wrong in ("FOO", "partner-abcdefghijkl", "partner-abcdefghijklmn", "pprofile-abcdefghijklm", "")
    ),
]


IN_NO_STACK: dict[str, Callable[[cdk.App], object]] = {
    "a partner": sandbox_partner_in,
    "a partner of an ARN": lambda app: PartnerAccount.from_partner_arn(app, "Partner", PARTNER_ARN),
    "a partner of another stack": lambda app: PartnerAccount.from_stack_exports(
        app, "Partner", stack_name="Demo", partner_path="Partner"
    ),
    "a provider": lambda app: PartnerAccountProvider(app, "PartnerAccountProvider"),
    "the provider of a stack": PartnerAccountProvider.get_or_create,
}


@pytest.mark.parametrize(("prop", "value", "said"), PROPS, ids=range(len(PROPS)))
def test_value_of_the_wrong_type_or_form_is_reported_by_prop(prop: str, value: object, said: str) -> None:
    """Beside all other errors, with what to write, and without repeating what may be the code."""
    wrong: dict[str, Any] = {prop.rstrip(": "): value}
    found = errors_of(legal_name="", **wrong)
    assert "legal_name: is empty; allowed are 1 to 80 characters" in found
    assert [error for error in found if error.startswith(said)]
    assert not [error for error in found if "123456" in error or WRONG in error]


@pytest.mark.parametrize("catalog", ["sandbox", cdk.Aws.REGION], ids=["another case", "a token"])
def test_invalid_catalog_causes_no_dependent_errors(catalog: str) -> None:
    """The code of the Sandbox may be right, and nobody need be new to APN there."""
    (error,) = errors_of(
        catalog=catalog, email_verification_code=VerificationCode.for_sandbox(), company_is_new_to_apn=False
    )
    assert error.startswith("catalog: ")


@pytest.mark.parametrize("make", IN_NO_STACK)
def test_construct_directly_in_an_app_is_rejected_with_the_remedy(make: str) -> None:
    """And CDK's own error is not shown."""
    with pytest.raises(PartnerAccountError) as refused:
        IN_NO_STACK[make](new_app())
    kind = "PartnerAccountProvider" if "provider" in make else "PartnerAccount"
    assert re.match(
        rf"{kind} '(Partner|PartnerAccountProvider)' has 1 error:\n"
        r'  - scope: is not in a stack; create one, such as Stack\(app, "Partner"\), and use it$',
        str(refused.value),
    )


def test_enum_values_and_dicts_produce_the_same_template_as_members_and_structs() -> None:
    """As jsii's structs take them; the partner's own catalog is the member."""
    as_values, as_objects = new_stack(), new_stack()
    partner = sandbox_partner_in(
        as_values,
        catalog="Sandbox",
        primary_solution_type="HARDWARE_PRODUCTS",
        alliance_lead_contact=GOOD,
        export_names={"partner_id": "my-id"},
    )
    sandbox_partner_in(
        as_objects,
        primary_solution_type=PrimarySolutionType.HARDWARE_PRODUCTS,
        alliance_lead_contact=contact(**GOOD),
        export_names=ExportNames(partner_id="my-id"),
    )
    assert template_of(as_values) == template_of(as_objects)
    assert partner.catalog is Catalog.SANDBOX


def test_dict_fields_are_validated_like_struct_fields() -> None:
    """Each by its name."""
    assert errors_of(alliance_lead_contact={**GOOD, "first_name": ""}) == [
        "alliance_lead_contact.first_name: is empty; allowed are 1 to 80 characters"
    ]


def test_each_string_prop_explains_how_to_get_a_string() -> None:
    """Of a CfnParameter, and of a token."""
    stack = new_stack()
    attribute: Any = cdk.CfnResource(stack, "Other", type="Custom::Other").get_att("Name")
    assert errors_of(
        stack,
        primary_solution_type=parameter(stack),
        existing_partner_id=attribute,
        export_names=ExportNames(partner_id=attribute),
    )[1:] == [
        "existing_partner_id: must be a string; for a token, use .to_string()",
        "export_names: must be a string; for a token, use .to_string()",
    ]
    (error,) = errors_of(new_stack(), primary_solution_type=cdk.CfnParameter(stack, "P"))
    assert error.count("PrimarySolutionType.") == 8
    assert error.endswith(", or a token; for a CfnParameter, use .value_as_string")


# --- Sources of the code that would leak or spoil it ---


@pytest.mark.parametrize(
    ("props", "error"),
    [
        ({}, "shows its value to everyone who can describe the stack; set no_echo=True"),
        (
            {"no_echo": True, "default": "123456"},
            "has a default, which is in the template; remove the default",
        ),
        (
            {"no_echo": True, "type": "Number"},
            "must be of type String; as a Number a code would lose its leading zeros",
        ),
    ],
)
def test_parameter_that_would_leak_or_corrupt_the_code_is_rejected(props: dict[str, Any], error: str) -> None:
    """It carries the code only if it hides it and keeps it as it is."""
    stack = new_stack()
    code = VerificationCode.from_parameter(cdk.CfnParameter(stack, "Code", **props))
    assert errors_of(stack, email_verification_code=code) == [
        f"email_verification_code: the CloudFormation parameter 'Code' {error}"
    ]


def test_a_parameter_of_another_stack_is_refused() -> None:
    """A code that crosses stacks would be in an output."""
    app = new_app()
    code = VerificationCode.from_parameter(cdk.CfnParameter(cdk.Stack(app, "Other"), "Code", no_echo=True))
    (found,) = errors_of(cdk.Stack(app, "Demo"), email_verification_code=code)
    assert found.endswith("would be passed on in plaintext; declare it in the partner's own stack")


def test_parameter_of_the_parent_stack_is_rejected() -> None:
    """CDK would pass the code on in a parameter of the nested stack, which hides nothing."""
    stack = new_stack()
    code = VerificationCode.from_parameter(cdk.CfnParameter(stack, "Code", no_echo=True))
    with pytest.raises(PartnerAccountError, match="would be passed on in plaintext; declare it in the partner's own"):
        partner_in(cdk.NestedStack(stack, "Nested"), email_verification_code=code)


@pytest.mark.parametrize("nested", [False, True])
def test_secret_created_by_the_partners_own_stack_adds_a_warning(*, nested: bool) -> None:
    """Nobody can store a code in time; who has deployed the secret before, and stored it, acknowledges that."""
    stack = new_stack()
    partner = partner_in(
        cdk.NestedStack(stack, "Nested") if nested else stack,
        email_verification_code=VerificationCode.from_secrets_manager(secretsmanager.Secret(stack, "Code")),
    )
    (warning,) = warnings_of(stack)
    assert "Create it beforehand (partner-account store-code --create) or in another stack" in warning
    cdk.Annotations.of(partner).acknowledge_warning("partner-account:secret-without-code", "deployed, with the code")
    assert warnings_of(stack) == []


SECRETS: dict[str, Callable[[cdk.Stack], secretsmanager.ISecret]] = {
    "imported": lambda stack: secretsmanager.Secret.from_secret_name_v2(stack, "Code", "code"),
    "of another stack": lambda stack: secretsmanager.Secret(cdk.Stack(cdk.App.of(stack), "Codes"), "Code"),
    "with a value": lambda stack: secretsmanager.Secret(
        stack,
        "Code",
        secret_string_value=cdk.SecretValue.cfn_parameter(cdk.CfnParameter(stack, "Given", no_echo=True)),
    ),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_secret_that_may_hold_the_code_before_deployment_adds_no_warning(kind: str) -> None:
    """Made beforehand, deployed before, or with a value of the template's."""
    stack = new_stack()
    partner_in(stack, email_verification_code=VerificationCode.from_secrets_manager(SECRETS[kind](stack)))
    assert not any("secret-without-code" in warning for warning in warnings_of(stack))


def test_secret_of_an_adopted_partner_adds_no_warning() -> None:
    """Nothing is created."""
    stack = new_stack()
    code = VerificationCode.from_secrets_manager(secretsmanager.Secret(stack, "Code"))
    partner_in(stack, existing_partner_id="partner-1234567890abc", email_verification_code=code)
    assert warnings_of(stack) == []


SSM_PARAMETERS: dict[str, Callable[[cdk.Stack], ssm.IStringParameter]] = {
    "imported": lambda stack: ssm.StringParameter.from_string_parameter_name(stack, "Plain", "/partner/code"),
    # CloudFormation can't make a SecureString.
    "of the app": lambda stack: ssm.StringParameter(stack, "Plain", string_value="x"),
}


@pytest.mark.parametrize("kind", SSM_PARAMETERS)
def test_an_ssm_parameter_that_is_no_securestring_is_refused(kind: str) -> None:
    """It isn't encrypted."""
    stack = new_stack()
    code = VerificationCode.from_ssm_parameter(SSM_PARAMETERS[kind](stack))
    (found,) = errors_of(stack, email_verification_code=code)
    assert found.startswith("email_verification_code: the SSM parameter isn't a SecureString")


@pytest.mark.parametrize("elsewhere", [{"region": "us-east-1"}, {"account": "999999999999"}], ids=["region", "account"])
def test_ssm_parameter_of_another_account_or_region_is_rejected(elsewhere: dict[str, str]) -> None:
    """The function reads parameters by their name, in its own account and region."""
    app = new_app()
    env = cdk.Environment(**{"account": HERE.account, "region": HERE.region, **elsewhere})
    there = cdk.Stack(app, "There", env=env)
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(there, "Code", parameter_name="/code")
    (found,) = errors_of(
        cdk.Stack(app, "Demo", env=HERE),
        email_verification_code=VerificationCode.from_ssm_parameter(parameter),
    )
    assert "SSM parameter belongs to a stack in another account or region" in found


# --- The service model, and regions ---


def test_botocore_older_than_the_service_is_rejected_with_the_version_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before any other rule is applied."""
    monkeypatch.setattr(service_model, "SERVICE", "partnercentral-unheard-of")
    service_model.service_model.cache_clear()
    with pytest.raises(PartnerAccountError, match=re.escape("pip install --upgrade 'boto3>=1.42.4'")):
        partner_in(new_stack())


def test_users_own_service_model_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model under ~/.aws/models or AWS_DATA_PATH: synth is the same everywhere."""
    folder = tmp_path / ".aws" / "models" / SERVICE / API_VERSION
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"shapes": {}}')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / ".aws" / "models"))
    service_model.service_model.cache_clear()
    assert errors_of(legal_name="x" * 81) == ["legal_name: has 81 characters; allowed are 1 to 80"]


@pytest.mark.versions
def test_regions_of_partitions_without_the_service_are_refused() -> None:
    """Partner Central is in the partition aws only; elsewhere a deployment would end in a denial."""
    data = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())
    refused = set()
    app = new_app()
    for partition in data["partitions"]:
        for region in partition["regions"]:
            if region.endswith("-global"):
                continue
            stack = cdk.Stack(app, f"In-{region}", env=cdk.Environment(account="111111111111", region=region))
            try:
                sandbox_partner_in(stack, legal_name=f"{region} Corp", outputs=False)
            except PartnerAccountError as error:
                refused.add(partition["id"])
                said = f"stack: is in {region}, in the partition {partition['id']}, which has no Partner Central"
                assert said in str(error)  # noqa: PT017 - which regions are refused is the question
            else:
                # What an older CDK has never heard of is left to the handler.
                assert partition["id"] == "aws" or RegionInfo.get(region).partition is None, region
    assert {"aws-cn", "aws-us-gov", "aws-iso"} <= refused
    assert "aws" not in refused
