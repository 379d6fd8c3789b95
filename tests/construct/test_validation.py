"""Which mistakes are found at synth, and in which words; tokens are never judged."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
import botocore
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from botocore.loaders import Loader

from partner_account import (
    AllianceLeadContact,
    Catalog,
    ExistingPartner,
    ExportNames,
    PartnerAccount,
    PartnerAccountError,
    PartnerAccountProvider,
    VerificationCode,
    service_model,
)
from tests.construct.test_partners_of_an_app import new_app, new_stack, partner_in, properties_of, sandbox_partner_in

FORBIDDEN = [chr(point) for point in (*range(0x20), 0x7F, 0x80, 0x9F, 0xD800, 0xFFFE, 0x1F600)]


def mistakes_of(stack: cdk.Stack | None = None, **props: Any) -> list[str]:
    """The mistakes that are listed when a partner with these props is made."""
    with pytest.raises(PartnerAccountError) as refused:
        partner_in(stack or new_stack(), **props)
    title, *mistakes = str(refused.value).split("\n  - ")
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    assert title == f"PartnerAccount 'Demo/Partner' has {count}:"
    return mistakes


def contact(**fields: Any) -> AllianceLeadContact:
    """A good contact, but for the fields that are given."""
    good = {"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com", "business_title": "Lead"}
    return AllianceLeadContact(**(good | fields))


def test_all_mistakes_at_once() -> None:
    """One error lists every mistake, so that nobody has to try again for each."""
    stack = new_stack()
    found = mistakes_of(
        stack,
        legal_name=" x" * 41,
        primary_solution_type="SOFTWARE",
        alliance_lead_contact=contact(first_name="", last_name="\t", email="nobody", business_title="x" * 81),
        email_verification_code=VerificationCode.for_sandbox(),
        existing_partner=ExistingPartner.allow_another(),
        company_is_new_to_apn=False,
        export_names=ExportNames(partner_arn="a b"),
        provider=PartnerAccountProvider(cdk.Stack(new_app(), "Elsewhere")),
    )
    assert [mistake.split(":")[0] for mistake in found] == [
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


CREATING = [ExistingPartner.refuse(), ExistingPartner.allow_another()]


@pytest.mark.parametrize("existing", CREATING, ids=lambda existing: existing.policy)
def test_catalog_aws_is_refused_unless_the_template_says_that_the_company_is_new_to_apn(
    existing: ExistingPartner,
) -> None:
    """A company that is an AWS Partner already must migrate: no call tells, so the author must; the reason says why."""
    (mistake,) = mistakes_of(company_is_new_to_apn=False, existing_partner=existing)
    assert mistake.startswith("company_is_new_to_apn: must be True in catalog AWS.")
    assert "must migrate" in mistake
    assert "replaces its historical partner data" in mistake


def test_the_statement_that_the_company_is_new_to_apn_has_no_default_in_catalog_aws() -> None:
    """Who leaves the prop out is asked, and the prop changes nothing in the template."""
    assert inspect.signature(PartnerAccount.__init__).parameters["company_is_new_to_apn"].default is False
    stack = new_stack()
    partner_in(stack)
    assert not [name for name in properties_of(stack) if "new" in name.lower()]


@pytest.mark.parametrize("said", [True, False])
def test_the_sandbox_and_an_adopted_partner_need_no_statement_about_the_company(said: bool) -> None:
    """Nothing is created in catalog AWS then; a template that switches catalogs may say it all the same."""
    sandbox_partner_in(new_stack(), company_is_new_to_apn=said)
    adopted = ExistingPartner.adopt("partner-abcDEF1234567")
    partner_in(new_stack(), company_is_new_to_apn=said, existing_partner=adopted)


def test_nothing_is_made_of_a_mistaken_partner() -> None:
    """A refused partner leaves no resource behind, so the error is the only thing to look at."""
    stack = new_stack()
    mistakes_of(stack, legal_name="")
    assert [child.node.id for child in stack.node.children] == ["PartnerCode", "Partner"]


@pytest.mark.parametrize(
    ("legal_name", "mistake"),
    [
        ("", "legal_name: is empty; allowed are 1 to 80 characters"),
        ("   ", "legal_name: is empty; allowed are 1 to 80 characters"),
        ("x" * 81, "legal_name: has 81 characters; allowed are 1 to 80"),
        (" Example", "legal_name: begins with a blank; remove it"),
        ("Example\u00a0", "legal_name: ends with a blank; remove it"),
        ("Example  Corp", "legal_name: has 2 blanks in a row from character 8; leave one"),
        ("Ex\u0007ample", "legal_name: character 3 of 8 is a control character, which the service refuses"),
        (
            "Hi \U0001f600",
            "legal_name: character 4 of 4 is an emoji or another character beyond U+FFFF, which the service refuses",
        ),
        (None, "legal_name: must be a string"),
        (7, "legal_name: must be a string"),
    ],
)
def test_legal_names_that_are_refused(legal_name: object, mistake: str) -> None:
    """A mistaken legal name is told by position, length or kind of character, never by repeating it."""
    assert mistakes_of(legal_name=legal_name) == [mistake]


@pytest.mark.parametrize("character", FORBIDDEN, ids=ascii)
def test_every_forbidden_character_is_told(character: str) -> None:
    """Each character outside the service's pattern is refused, with its position."""
    (mistake,) = mistakes_of(legal_name=f"x{character}x")
    assert "character 2 of 3" in mistake


@pytest.mark.parametrize("legal_name", ["x", "x" * 80, "Müller & Söhne GmbH", "株式会社例", "A-1 (Ltd.)"])
def test_legal_names_that_pass(legal_name: str) -> None:
    """Names up to the limit and of any script of the basic plane pass unchanged."""
    stack = new_stack()
    partner_in(stack, legal_name=legal_name)
    assert properties_of(stack)["LegalName"] == legal_name


@pytest.mark.parametrize("field", ["first_name", "last_name", "business_title"])
@pytest.mark.parametrize(
    ("value", "mistake"),
    [
        ("", "is empty; allowed are 1 to 80 characters"),
        ("x" * 81, "has 81 characters; allowed are 1 to 80"),
        ("a\nb", "character 2 of 3 is a control character"),
        (None, "must be a string"),
    ],
)
def test_contacts_that_are_refused(field: str, value: object, mistake: str) -> None:
    """Each field of the contact is judged by the service's rules and named as the user wrote it."""
    (found,) = mistakes_of(alliance_lead_contact=contact(**{field: value}))
    assert found.startswith(f"alliance_lead_contact.{field}: {mistake}")


@pytest.mark.parametrize("email", ["nobody", "a@b@c", "jane@-x.com", "jane@exämple.com", "jane doe@x.com", "@x.com"])
def test_addresses_that_are_refused(email: str) -> None:
    """An address that the service's pattern doesn't match is refused whole."""
    (found,) = mistakes_of(alliance_lead_contact=contact(email=email))
    assert found.startswith("alliance_lead_contact.email: is not an e-mail address that the service accepts")


def test_a_long_address() -> None:
    """An address has up to 320 characters."""
    assert mistakes_of(alliance_lead_contact=contact(email="j" * 309 + "@example.com")) == [
        "alliance_lead_contact.email: has 321 characters; allowed are 1 to 320"
    ]


def test_no_sensitive_value_is_repeated() -> None:
    """However wrong they are, legal name and contact never stand in the message."""
    values = {name: f" Secret{name}  \u0007" for name in ("first_name", "last_name", "email", "business_title")}
    found = mistakes_of(legal_name=" SecretName  \u0007 ", alliance_lead_contact=contact(**values))
    assert "Secret" not in "\n".join(found)


@pytest.mark.parametrize("wrong", [{"first_name": "Jane"}, None, "Jane"])
def test_a_contact_of_another_type(wrong: object) -> None:
    """Who passes a dict learns which type is wanted."""
    assert mistakes_of(alliance_lead_contact=wrong) == [
        "alliance_lead_contact: must be an AllianceLeadContact(first_name=…, last_name=…, email=…, business_title=…)"
    ]


@pytest.mark.parametrize("wrong", ["AWS", "Sandbox", None])
def test_a_catalog_of_another_type(wrong: object) -> None:
    """A catalog is a member of the enum, so that whoever reads the app sees where it happens."""
    assert mistakes_of(catalog=wrong) == ["catalog: must be Catalog.AWS or Catalog.SANDBOX, and can't be a token"]


def test_a_catalog_known_only_at_deployment() -> None:
    """A token is no catalog: permissions and tags depend on it at synth."""
    stack = new_stack()
    (found,) = mistakes_of(stack, catalog=cdk.CfnParameter(stack, "Catalog").value_as_string)
    assert found.endswith("can't be a token")


@pytest.mark.parametrize("wrong", ["SOFTWARE_PRODUCTS", "software", None])
def test_a_solution_type_of_another_type(wrong: object) -> None:
    """A solution type is a member of the enum or a token; the message lists all members."""
    (found,) = mistakes_of(primary_solution_type=wrong)
    assert found.startswith("primary_solution_type: must be PrimarySolutionType.SOFTWARE_PRODUCTS or ")
    assert found.count("PrimarySolutionType.") == 8


@pytest.mark.parametrize("wrong", ["partner-abcdefghijkl", "partner-abcdefghijklmn", "pprofile-abcdefghijklm", ""])
def test_ids_that_cannot_be_adopted(wrong: str) -> None:
    """What is adopted must be the id of a partner, at full length."""
    assert mistakes_of(existing_partner=ExistingPartner.adopt(wrong)) == [
        f"existing_partner: {wrong!r} is not the id of a partner, which is partner- and 13 letters or digits"
    ]


def test_adoption_of_no_id_is_refused() -> None:
    """A missing context value is None in Python; the deployment would fail, and its policy could create a partner."""
    (found,) = mistakes_of(existing_partner=ExistingPartner.adopt(cast("str", None)))
    assert found.startswith("existing_partner: the id")


def test_the_sandbox_code_outside_the_sandbox() -> None:
    """Made-up digits are for the Sandbox; elsewhere the real sources are named."""
    (found,) = mistakes_of(email_verification_code=VerificationCode.for_sandbox())
    assert found.startswith("email_verification_code: for_sandbox() works only with Catalog.SANDBOX")
    assert "from_secrets_manager" in found


@pytest.mark.parametrize(
    ("props", "mistake"),
    [
        ({}, "shows its value to everybody who may describe the stack; set no_echo=True"),
        (
            {"no_echo": True, "default": "123456"},
            "has a default, which stands in the template; leave the default out",
        ),
        (
            {"no_echo": True, "type": "Number"},
            "must be of type String; as a Number a code would lose its leading zeros",
        ),
    ],
)
def test_parameters_that_would_leak_or_spoil_the_code(props: dict[str, Any], mistake: str) -> None:
    """A CloudFormation parameter carries the code only if it hides it and keeps it as it is."""
    stack = new_stack()
    code = VerificationCode.from_parameter(cdk.CfnParameter(stack, "Code", **props))
    assert mistakes_of(stack, email_verification_code=code) == [
        f"email_verification_code: the CloudFormation parameter 'Code' {mistake}"
    ]


def test_a_parameter_of_another_stack() -> None:
    """A code that crosses stacks would stand in an output, so it is refused."""
    app = new_app()
    parameter = cdk.CfnParameter(cdk.Stack(app, "Other"), "Code", no_echo=True)
    (found,) = mistakes_of(cdk.Stack(app, "Demo"), email_verification_code=VerificationCode.from_parameter(parameter))
    assert found.endswith("would be handed on in the clear; declare it in the partner's own stack")


def test_a_plain_ssm_parameter() -> None:
    """A parameter that is no SecureString lies open, so it is refused."""
    stack = new_stack()
    plain = ssm.StringParameter.from_string_parameter_name(stack, "Plain", "/partner/code")
    (found,) = mistakes_of(stack, email_verification_code=VerificationCode.from_ssm_parameter(plain))
    assert found.startswith("email_verification_code: the SSM parameter is no SecureString")


def test_a_parameter_made_in_the_app() -> None:
    """CloudFormation can't make a SecureString: a parameter of the app is plain, and refused."""
    stack = new_stack()
    plain = ssm.StringParameter(stack, "Plain", string_value="x")
    (found,) = mistakes_of(stack, email_verification_code=VerificationCode.from_ssm_parameter(plain))
    assert "no SecureString" in found


def test_an_empty_json_field() -> None:
    """An empty field name is a slip, not the whole secret."""
    stack = new_stack()
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Code", "code")
    code = VerificationCode.from_secrets_manager(secret, json_field="")
    assert mistakes_of(stack, email_verification_code=code) == [
        "email_verification_code: json_field is empty; name a field or leave it out"
    ]


def test_a_code_of_another_type() -> None:
    """The code itself, given as a string, is refused without being repeated."""
    (found,) = mistakes_of(email_verification_code="123456")
    assert found.startswith("email_verification_code: must be made by one of VerificationCode's methods, such as")
    assert "123456" not in found


def test_a_botocore_older_than_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has an old boto3 is told which one to install."""
    monkeypatch.setattr(service_model, "SERVICE", "partnercentral-unheard-of")
    service_model.service_model.cache_clear()
    with pytest.raises(PartnerAccountError, match=re.escape("pip install --upgrade 'boto3>=1.43.57'")):
        partner_in(new_stack())


def test_a_model_of_the_users_own_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody keeps under ~/.aws/models or AWS_DATA_PATH changes nothing: synth is the same everywhere."""
    folder = tmp_path / ".aws" / "models" / service_model.SERVICE / service_model.API_VERSION
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"shapes": {}}')
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path / ".aws" / "models"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / ".aws" / "models"))
    service_model.service_model.cache_clear()
    assert mistakes_of(legal_name="x" * 81) == ["legal_name: has 81 characters; allowed are 1 to 80"]


def test_an_existing_partner_of_another_type() -> None:
    """Who passes an id alone learns how to say that it is to be adopted."""
    assert mistakes_of(existing_partner="partner-abcdefghijklm") == [
        "existing_partner: must be made by one of ExistingPartner's methods, such as adopt(partner_id)"
    ]


def test_the_error_is_a_value_error() -> None:
    """Callers may catch it as the ValueError that it is."""
    with pytest.raises(ValueError, match="legal_name"):
        partner_in(new_stack(), legal_name="", catalog=Catalog.AWS)


WRONG_TYPE: Any = 5
OTHER_TYPES: dict[str, Callable[[cdk.Stack], object]] = {
    "existing_partner": lambda stack: partner_in(stack, existing_partner=ExistingPartner.adopt(WRONG_TYPE)),
    "export_names": lambda stack: partner_in(stack, export_names=ExportNames(partner_arn=WRONG_TYPE)),
    "partner_arn": lambda stack: PartnerAccount.from_partner_arn(stack, "Other", WRONG_TYPE),
    "profile_id": lambda stack: PartnerAccount.from_partner_attributes(
        stack, "Other", partner_arn="", profile_id=WRONG_TYPE
    ),
    "stack_name": lambda stack: PartnerAccount.from_stack_exports(stack, "Other", stack_name=WRONG_TYPE, partner="P"),
    "partner": lambda stack: PartnerAccount.from_stack_exports(stack, "Other", stack_name="S", partner=WRONG_TYPE),
    "memory_size": lambda stack: PartnerAccountProvider(stack, memory_size=cast("Any", "512")),
}


@pytest.mark.parametrize("prop", OTHER_TYPES)
def test_a_value_of_another_type_is_told_by_its_prop(prop: str) -> None:
    """And not by a TypeError from somewhere inside."""
    with pytest.raises(PartnerAccountError, match=f"\n  - {prop}: "):
        OTHER_TYPES[prop](new_stack())


def _regions() -> list[tuple[str, str]]:
    """Each region that botocore knows, with its partition."""
    data = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())
    return [
        (region, partition["id"])
        for partition in data["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")
    ]


def test_partitions_without_the_service_are_refused() -> None:
    """Partner Central is in the partition aws only; elsewhere a deployment would end in a denial."""
    app = new_app()
    refused = set()
    for region, partition in _regions():
        stack = cdk.Stack(app, f"In-{region}", env=cdk.Environment(account="111111111111", region=region))
        try:
            sandbox_partner_in(stack, legal_name=f"{region} Corp", outputs=False)
        except PartnerAccountError as error:
            refused.add(partition)
            said = f"stack: is in {region}, which belongs to the partition {partition}, where Partner Central isn't; "
            assert said in str(error)  # noqa: PT017 - which regions are refused is the question
        else:
            assert partition == "aws", region
    assert {"aws-cn", "aws-us-gov", "aws-iso", "aws-eusc"} <= refused
    assert "aws" not in refused
