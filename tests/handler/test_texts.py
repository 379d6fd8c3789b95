"""What no name contains: unresolved expressions and invisible characters; reported at synth and by the handler."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from partner_account_handler.errors import REASON_LIMIT, RequestError
from partner_account_handler.partner_properties import PartnerProperties
from partner_account_handler.texts import composed, text_errors
from tests.handler.cloud import Cloud, contact, properties

UNRESOLVED = {
    "${Token[TOKEN.15]}": "CDK token",
    "${TOKEN[TOKEN.15]}": "CDK token",
    "${token[token.15]} gmbh": "CDK token",
    "${Token[TOKE": "CDK token",
    "oken[AWS.AccountId.6]}": "CDK token",
    "n[TOKEN.15": "CDK token",
    "#{Token[TOKEN.20]}": "CDK token",
    "Corp -1.8881545897087537e+289": "CDK token",
    "{{resolve:secretsmanager:name:SecretString:company}}": "of a secret",
    "Example {{resolve:ssm-secure:/partner/name}}": "of a secret",
    "{{resolve:ssm:/partner/name}}": "holds {{…}}",
    "{{ legal_name }}": "holds {{…}}",
    "legal_name}} Corp": "holds {{…}}",
    "Example ${AWS::AccountId}": "holds ${…}",
    "${legal_name": "holds ${…}",
    "<aws_cdk.CfnParameter object at 0x7fbba96695d0>": "Python object",
    "<AWS_CDK.CFNPARAMETER OBJECT AT 0X7FBBA96695D0>": "Python object",
    "<bound method Fn.sub of <class 'aws_cdk.Fn'>>": "Python object",
    "<function name at 0x7fbba96695d0>": "Python object",
    "None": 'is "None"',
    " None ": 'is "None"',
    "Token[TOK": "CDK token",
    "Corp -1.888e+289": "CDK token",
    "Corp -18881545897087537000000": "CDK token",
    "{'Ref': 'LegalName'}": "CloudFormation function",
    "{'Fn::GetAtt': ['A', 'Name']}": "CloudFormation function",
    "Corp AWS::AccountId": "CloudFormation function",
    "<MagicMock id='140'>": "Python object",
    "<Catalog.AWS: 'AWS'>": "Python object",
}
"""Each text that was seen in a template, with the word that reports it."""

UNSEEN = {
    0x00AD: "soft hyphen",
    0x034F: "combining grapheme joiner",
    0x061C: "arabic letter mark",
    0x115F: "hangul filler",
    0x180E: "mongolian vowel separator",
    0x200B: "zero width space",
    0x200D: "zero width joiner",
    0x200E: "left-to-right mark",
    0x2028: "line separator",
    0x2029: "paragraph separator",
    0x202E: "right-to-left override",
    0x2060: "word joiner",
    0x2066: "left-to-right isolate",
    0x2800: "blank braille pattern",
    0x3164: "hangul filler",
    0xFE0F: "variation selector",
    0xFEFF: "byte order mark",
}
UNKNOWN = {
    0xE000: "private use",
    0xFFFC: "object replacement",
    0xFFFD: "replacement",
    0xFDD0: "no character",
    0x0378: "",
}

NAMES = [
    "Example Corp",
    "Müller & Söhne GmbH",
    "株式会社例",
    "شركة المثال",
    "חברה לדוגמה בע״מ",
    "Société d\u2019Exemple",
    "A-1 (Ltd.) [UK] {code} #1 $ave 100%",
    "None Such Ltd",
    "Look at 0xide",
    "Nguyễn",
    "ประเทศไทย",
    "हिन्दी",
]


@pytest.mark.parametrize("text", UNRESOLVED)
def test_unresolved_expression_in_a_name_is_reported_by_kind(text: str) -> None:
    """Whatever their case and wherever they were cut; once, and without repeating them."""
    (error,) = text_errors(text)
    assert UNRESOLVED[text] in error
    assert text.strip() not in error.replace('"None"', "")


@pytest.mark.parametrize("point", UNSEEN, ids=hex)
def test_invisible_character_in_a_name_is_reported_by_code_point(point: int) -> None:
    """With its position, since it can't be seen."""
    assert list(text_errors(f"Exa{chr(point)}mple{chr(point)}")) == [
        f"holds U+{point:04X}, which is invisible, as character 4; remove it"
    ]


@pytest.mark.parametrize("point", UNKNOWN, ids=hex)
def test_unknown_character_in_a_name_is_reported_by_code_point(point: int) -> None:
    """Private use, unassigned, or what a program puts in the place of something that it has lost."""
    assert list(text_errors(f"x{chr(point)}")) == [
        f"holds U+{point:04X}, which is no known character, as character 2; remove it"
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_of_companies_pass(name: str, form: Any) -> None:
    """In any script and direction, composed or not, and with the signs that registers allow."""
    text = unicodedata.normalize(form, name)
    assert list(text_errors(text)) == []
    assert composed(text) == unicodedata.normalize("NFC", name)


def test_composing_replaces_no_character() -> None:
    """NFC would replace the ideograph U+FA10 and the ångström sign: such texts are left unchanged."""
    for text in ("\ufa10商店", "\u212b Corp", "Mu\u0308ller \ufa10"):
        assert unicodedata.normalize("NFC", text) != text
        assert composed(text) == text


FIELDS = ["LegalName", "FirstName", "LastName", "Email", "BusinessTitle"]


def with_text(field: str, text: str) -> dict[str, Any]:
    """Good properties, but for one text."""
    if field == "LegalName":
        return properties(LegalName=text)
    return properties(AllianceLeadContact=contact(**{field: text}))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("text", ["Secret ${AWS::AccountId}", "Secret\u200b", "{{resolve:ssm:/secret/Secret}}"])
def test_handler_refuses_an_invalid_text_in_each_field_without_its_value(field: str, text: str) -> None:
    """Whatever CloudFormation has resolved them to, or left unresolved."""
    with pytest.raises(RequestError, match=f"{field} holds .*deploy again.") as caught:
        PartnerProperties.read(with_text(field, text))
    assert "Secret" not in str(caught.value)
    assert len(str(caught.value)) <= REASON_LIMIT


@pytest.mark.parametrize("text", UNRESOLVED)
def test_each_text_error_fits_a_reason_untruncated(text: str) -> None:
    """CloudFormation shows 240 characters, with the remedy last."""
    with pytest.raises(RequestError) as caught:
        PartnerProperties.read(with_text("BusinessTitle", text))
    assert str(caught.value).endswith(" Correct them in the template and deploy again.")
    assert "…." not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("LegalName", "   ", "is empty"),
        ("LegalName", "\u3000", "is empty"),
        ("LegalName", " Example Corp", "begins"),
        ("LegalName", "\tExample Corp", "begins"),
        ("LegalName", "Example Corp\xa0", "ends"),
        ("LegalName", "Example   Corp", "has 3 spaces"),
        ("LegalName", "${TOKEN[TOKEN.15]}", "contains a fragment of a CDK token"),
        ("FirstName", " ", "is empty"),
    ],
)
def test_create_with_an_invalid_name_calls_nothing(cloud: Cloud, field: str, text: str, told: str) -> None:
    """They were a token at synth, and a partner would bear its legal name for ever."""
    cloud.prepare()
    with pytest.raises(RequestError, match=f"{field} {told}"):
        cloud.create(with_text(field, text))
    assert cloud.asked == []


def test_name_with_an_invisible_character_is_adopted_without_it(cloud: Cloud) -> None:
    """A partner from the console may have one; no template may, and nobody sees the difference."""
    made = cloud.add_partner("Fars\u200ci Co", contact=contact())
    adopt = {"ExistingPartnerId": made.id}
    assert cloud.create(properties(LegalName="Farsi Co", **adopt)).physical_id == made.arn


def test_name_is_sent_composed(cloud: Cloud) -> None:
    """The same body for each delivery, whichever form the parameter had; the service's answer may have either."""
    cloud.prepare()
    decomposed = unicodedata.normalize("NFD", "Müller & Söhne")
    wanted = properties(LegalName=decomposed, AllianceLeadContact=contact(LastName=unicodedata.normalize("NFD", "Ö")))
    arn = cloud.create(wanted).physical_id
    (partner,) = cloud.partners
    assert (partner.legal_name, partner.contact["LastName"]) == ("Müller & Söhne", "Ö")
    cloud.set_status("UPDATE_IN_PROGRESS")
    since = len(cloud.simulator.requests)
    cloud.update(arn, properties(AllianceLeadContact=contact(LastName="Ö")), wanted)
    assert not [one for one in cloud.operations(since) if not one.startswith(("Get", "List"))]
