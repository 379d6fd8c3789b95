"""What texts arrive in a template, made as users make them, and which of them are refused at synth."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import fields
from typing import Any, cast

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from partner_account import AllianceLeadContact, ExistingPartner, ExportNames, PartnerAccount, PartnerAccountError
from tests.construct.test_partners_of_an_app import new_app, new_stack, partner_in, properties_of, template_of
from tests.construct.test_validation import contact, mistakes_of
from tests.handler.test_texts import NAMES, REMAINS, UNKNOWN, UNSEEN

CONTACT_FIELDS = [field.name for field in fields(AllianceLeadContact)]


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
    "CloudFormation's own sign": (lambda _: "Example ${AWS::AccountId}", "holds ${…}, which nothing has filled in"),
    "the same beside a token": (lambda stack: stack.region + " ${AWS::AccountId}", "holds ${…}"),
    "a template's sign": (lambda _: "{{ legal_name }}", "holds {{…}}, which nothing has filled in"),
    "a secret's reference": (lambda _: "{{resolve:secretsmanager:company}}", "of a secret, which CloudFormation"),
    "the same with a token in it": (lambda stack: f"{{{{resolve:secretsmanager:{stack.region}:company}}}}", "secret"),
    "a secure parameter's": (lambda _: "{{resolve:ssm-secure:/company}}", "of a secret, which CloudFormation"),
    "nothing at all": (lambda stack: f"{stack.node.try_get_context('name')}", 'is "None"'),
    "a parameter": (parameter, "must be a string; of a CfnParameter take .value_as_string"),
    "an attribute": (
        lambda stack: cdk.CfnResource(stack, "Other", type="Custom::Other").get_att("Name"),
        "must be a string; of a token take .to_string()",
    ),
    "a condition": (lambda _: cdk.Fn.condition_if("C", "a", "b"), "must be a string; of a token take .to_string()"),
    "a secret": (lambda _: secret_value(), "must be a string, and no secret, which CloudFormation doesn't resolve"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_never_becomes_a_legal_name(slip: str) -> None:
    """Each is refused when the partner is made, in words that show what to write."""
    make, said = SLIPS[slip]
    stack = new_stack()
    (mistake,) = mistakes_of(stack, legal_name=make(stack))
    assert mistake.startswith("legal_name: ")
    assert said in mistake


@pytest.mark.parametrize("field", CONTACT_FIELDS)
@pytest.mark.parametrize("slip", ["a changed token", "CloudFormation's own sign", "a parameter", "nothing at all"])
def test_nor_a_text_of_the_contact(field: str, slip: str) -> None:
    """The same guard for each field; an address that is none may be told as such besides."""
    make, said = SLIPS[slip]
    stack = new_stack()
    found = mistakes_of(stack, alliance_lead_contact=contact(**{field: make(stack)}))
    assert [mistake for mistake in found if said in mistake and mistake.startswith(f"alliance_lead_contact.{field}: ")]


@pytest.mark.parametrize("text", REMAINS)
def test_the_remains_that_the_handler_refuses_are_refused_here(text: str) -> None:
    """But for what is whole: a token, and the one reference that is resolved before the handler sees it."""
    if text in {"${Token[TOKEN.15]}", "{{resolve:ssm:/partner/name}}"}:
        partner_in(new_stack(), legal_name=text)
        return
    assert any(REMAINS[text] in mistake for mistake in mistakes_of(legal_name=text))


@pytest.mark.parametrize("point", [*UNSEEN, *UNKNOWN], ids=hex)
def test_what_nobody_sees_is_refused(point: int) -> None:
    """Two names that look the same would count as two, for ever."""
    (mistake,) = mistakes_of(legal_name=f"Exa{chr(point)}mple Corp")
    assert mistake.startswith(f"legal_name: holds U+{point:04X}, which ")
    (mistake,) = mistakes_of(alliance_lead_contact=contact(last_name=f"D{chr(point)}oe"))
    assert mistake.startswith(f"alliance_lead_contact.last_name: holds U+{point:04X}, which ")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_companies_reach_the_template_composed(name: str) -> None:
    """So that its length is that which the service counts, and one name is one text."""
    stack = new_stack()
    decomposed = unicodedata.normalize("NFD", name)
    partner_in(stack, legal_name=decomposed, alliance_lead_contact=contact(last_name=decomposed))
    written = properties_of(stack)
    assert (written["LegalName"], written["AllianceLeadContact"]["LastName"]) == (name, name)


def test_length_is_that_of_the_composed_name() -> None:
    """80 letters with a mark each are 80 characters."""
    partner_in(new_stack(), legal_name=unicodedata.normalize("NFD", "ü" * 80))
    assert mistakes_of(legal_name=unicodedata.normalize("NFD", "ü" * 81)) == [
        "legal_name: has 81 characters; allowed are 1 to 80"
    ]


REFERENCES = ["{{resolve:ssm:/partner/value}}", "{{resolve:ssm:/partner/" + "x" * 80 + ":7}}"]


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_to_an_ssm_parameter_is_left_to_cloudformation(reference: str) -> None:
    """It resolves this one kind in a custom resource, so neither form nor length of the reference itself is judged."""
    stack = new_stack()
    partner_in(stack, legal_name=reference, alliance_lead_contact=contact(email=reference, first_name=f"A {reference}"))
    written = properties_of(stack)
    assert (written["LegalName"], written["AllianceLeadContact"]["Email"]) == (reference, reference)


def test_what_stands_beside_a_reference_is_judged() -> None:
    """The literal part of a text that is known only at deployment."""
    (mistake,) = mistakes_of(legal_name=f"{REFERENCES[0]} \u200b")
    assert mistake == "legal_name: holds U+200B, which can't be seen, as character 32; remove it"


def test_two_references_may_name_two_companies() -> None:
    """The same reference, in another AWS account, is another parameter."""
    app = new_app()
    for number in ("111111111111", "222222222222"):
        stack = cdk.Stack(app, f"In{number}", env=cdk.Environment(account=number, region="eu-west-1"))
        partner_in(stack, legal_name=REFERENCES[0])


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


@jsii.implements(cdk.IStableStringProducer)
class Slip:
    """A value that is made only at synth."""

    def produce(self) -> str:
        """What CloudFormation fills in nowhere but in Fn::Sub."""
        return "Example ${AWS::AccountId}"


@pytest.mark.parametrize("slip", LATER)
def test_what_a_token_stands_for_is_looked_at_at_synth(slip: str) -> None:
    """CDK's own way to a secret is a token, too; synth names the partner and its prop."""
    make, said = LATER[slip]
    stack = new_stack()
    text = make(stack)
    partner_in(stack, legal_name=text, alliance_lead_contact=contact(last_name=text))
    with pytest.raises(RuntimeError) as refused:
        template_of(stack)
    for prop in ("legal_name", "alliance_lead_contact.last_name"):
        (line,) = [line for line in str(refused.value).splitlines() if f" Demo/Partner: {prop}: " in line]
        assert said in line


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
    "a literal": lambda _: cdk.Token.as_string("Müller & Söhne"),
}


def condition_in(stack: cdk.Stack) -> str:
    """The logical id of a condition."""
    return str(stack.resolve(cdk.CfnCondition(stack, "C", expression=cdk.Fn.condition_equals("a", "b")).logical_id))


@pytest.mark.parametrize("token", TOKENS)
def test_whole_tokens_pass(token: str) -> None:
    """In each text, the address too, alone or in its middle."""
    stack = new_stack()
    text = TOKENS[token](stack)
    everywhere = {field: text for field in CONTACT_FIELDS if field != "email"}
    partner_in(stack, legal_name=text, alliance_lead_contact=contact(**everywhere))
    written = properties_of(stack)
    assert written["LegalName"] == written["AllianceLeadContact"]["BusinessTitle"] == stack.resolve(text)


def judged_as_literals(stack: cdk.Stack, text: str) -> list[Callable[[], Any]]:
    """Each use in which this text would be refused if it were taken for what it looks like."""

    def props(name: str, **given: Any) -> Callable[[], Any]:
        return lambda: partner_in(stack, name, **({"legal_name": f"{name} Corp"} | given))

    return [
        props("Legal", legal_name=text * 9),
        props("Email", alliance_lead_contact=contact(email=text)),
        props("Title", alliance_lead_contact=contact(business_title=text * 9)),
        props("Solution", primary_solution_type=text),
        props("Id", existing_partner=ExistingPartner.adopt(text)),
        props("Export", export_names=ExportNames(partner_arn=text)),
        lambda: PartnerAccount.from_partner_arn(stack, "Arn", text),
        lambda: PartnerAccount.from_partner_attributes(stack, "Profile", partner_arn=text, profile_id=text),
        lambda: PartnerAccount.from_stack_exports(stack, "Stack", stack_name=text, partner="Partner"),
    ]


@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize("form", ["{}", "before {}", "{} after", "before {} after", "{}{}"])
def test_a_text_that_holds_a_token_is_never_judged_as_a_literal(number: int, form: str) -> None:
    """Wherever the token stands: address, name, ARN, id and export name are known only at deployment."""
    stack = new_stack()
    token = parameter(stack).value_as_string
    judged_as_literals(stack, form.format(token, token))[number]()


@pytest.mark.parametrize("number", range(9))
def test_the_same_texts_without_a_token_are_refused(number: int) -> None:
    """So the test above can fail."""
    with pytest.raises(PartnerAccountError):
        judged_as_literals(new_stack(), "before /,  after")[number]()
