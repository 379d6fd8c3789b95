"""Judges the literal props of a PartnerAccount by the service model, in the words of the props.

Tokens pass, since their values are known only at deployment. No message repeats a sensitive value.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from constructs import Construct

from partner_account.kinds import as_text, no_text
from partner_account.place import Home
from partner_account.props import AllianceLeadContact, Catalog, ExistingPartner, Partner, PrimarySolutionType
from partner_account.service_model import member_shape, shapes
from partner_account.tokens import holds_token, is_left_to_deployment, literal_in
from partner_account.verification_code import VerificationCode
from partner_account_handler.identity import PARTITION
from partner_account_handler.texts import blank_mistakes, composed, text_mistakes

_POLICIES = {"REFUSE", "ADOPT", "ALLOW_ANOTHER"}

_CONTACT_MEMBERS = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "business_title": "BusinessTitle",
}


def partner_mistakes(partner: Partner, scope: Construct, home: Home) -> Iterator[str]:
    """Say what can't work about the partner declared at `scope`, whatever else is in the app."""
    yield from _region_mistakes(home)
    yield from _catalog_mistakes(partner.catalog)
    yield from _legal_name_mistakes(partner.legal_name)
    yield from _primary_solution_type_mistakes(partner.primary_solution_type)
    yield from _contact_mistakes(partner.contact)
    yield from _existing_partner_mistakes(partner.existing)
    yield from _code_mistakes(partner.code, partner.catalog, scope)
    yield from _new_company_mistakes(partner)


def texts_with_tokens(partner: Partner) -> dict[str, str]:
    """The texts of a partner that hold a token, by their props."""
    contact = {f"alliance_lead_contact.{name}": getattr(partner.contact, name) for name in _CONTACT_MEMBERS}
    return {prop: text for prop, text in {"legal_name": partner.legal_name, **contact}.items() if holds_token(text)}


def _code_mistakes(code: object, catalog: Catalog, scope: Construct) -> Iterator[str]:
    if isinstance(code, VerificationCode):
        yield from code.mistakes(scope, catalog)
    else:
        yield (
            "email_verification_code: must be made by one of VerificationCode's methods, "
            "such as from_secrets_manager(secret)"
        )


def _new_company_mistakes(partner: Partner) -> Iterator[str]:
    said = partner.company_is_new_to_apn
    if not isinstance(said, bool):
        yield "company_is_new_to_apn: must be True or False"
    elif partner.catalog == Catalog.AWS and _may_create(partner.existing) and not said:
        yield (
            "company_is_new_to_apn: must be True in catalog AWS. A company that is an AWS Partner already must migrate "
            "its account: a new registration replaces its historical partner data, and Partner Central may not list "
            "an account that isn't migrated. If the company has none, say True; a partner of this AWS account is "
            'taken over by existing_partner=ExistingPartner.adopt("partner-…"). See docs/what-it-means.md'
        )


def _may_create(existing: object) -> bool:
    return isinstance(existing, ExistingPartner) and existing.may_create


def _region_mistakes(home: Home) -> Iterator[str]:
    if home.region is None:
        return
    from aws_cdk.region_info import RegionInfo  # noqa: PLC0415 - apps without a known region needn't load it

    partition = RegionInfo.get(home.region).partition
    # A region that this CDK doesn't know is left to the handler.
    if partition not in {None, PARTITION}:
        yield (
            f"stack: is in {home.region}, which belongs to the partition {partition}, where Partner Central isn't; "
            f"deploy it to a region of the partition {PARTITION}, such as us-east-1"
        )


def _catalog_mistakes(catalog: object) -> Iterator[str]:
    # Permissions and tags depend on it at synth.
    if not isinstance(catalog, Catalog):
        yield f"catalog: must be {_members_of(Catalog)}, and can't be a token"


def _primary_solution_type_mistakes(value: object) -> Iterator[str]:
    # A test keeps the enum equal to the service model's.
    if isinstance(value, PrimarySolutionType) or is_left_to_deployment(value):
        return
    yield f"primary_solution_type: must be {_members_of(PrimarySolutionType)}, or a token{as_text(value)}"


def _legal_name_mistakes(legal_name: object) -> Iterator[str]:
    shape = member_shape("CreatePartnerRequest", "LegalName")
    yield from _text_mistakes("legal_name", legal_name, shape)
    if isinstance(legal_name, str) and not is_left_to_deployment(legal_name):
        for mistake in blank_mistakes(legal_name):
            yield f"legal_name: {mistake}"


def _contact_mistakes(contact: object) -> Iterator[str]:
    if not isinstance(contact, AllianceLeadContact):
        yield (
            "alliance_lead_contact: must be an "
            "AllianceLeadContact(first_name=…, last_name=…, email=…, business_title=…)"
        )
        return
    for name, member in _CONTACT_MEMBERS.items():
        shape = member_shape("AllianceLeadContact", member)
        yield from _text_mistakes(f"alliance_lead_contact.{name}", getattr(contact, name), shape)


def _existing_partner_mistakes(existing: object) -> Iterator[str]:
    if not isinstance(existing, ExistingPartner) or existing.policy not in _POLICIES:
        yield "existing_partner: must be made by one of ExistingPartner's methods, such as adopt(partner_id)"
        return
    partner_id = existing.partner_id
    if existing.may_create or is_left_to_deployment(partner_id):
        return
    if not isinstance(partner_id, str):
        yield no_text("existing_partner: the id", partner_id)
    elif not re.fullmatch(shapes()["PartnerId"]["pattern"], partner_id):
        yield (
            f"existing_partner: {partner_id!r} is not the id of a partner, which is partner- and 13 letters or digits"
        )


def _members_of(enum: type[Catalog | PrimarySolutionType]) -> str:
    return " or ".join(f"{enum.__name__}.{member.name}" for member in enum)


def _text_mistakes(prop: str, value: object, shape: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(value, str):
        yield no_text(prop, value)
        return
    value = composed(value)
    if not value.strip():
        yield f"{prop}: is empty; allowed are {shape['min']} to {shape['max']} characters"
    elif not is_left_to_deployment(value):
        yield from _length_mistakes(prop, value, shape)
        yield from _character_mistakes(prop, value, shape["pattern"])
    for mistake in text_mistakes(literal_in(value)):
        yield f"{prop}: {mistake}"


def _length_mistakes(prop: str, value: str, shape: Mapping[str, Any]) -> Iterator[str]:
    if len(value) > shape["max"]:
        yield f"{prop}: has {len(value)} characters; allowed are {shape['min']} to {shape['max']}"


def _character_mistakes(prop: str, value: str, pattern: str) -> Iterator[str]:
    if re.fullmatch(pattern, value):
        return
    if "@" in pattern:
        yield f"{prop}: is not an e-mail address that the service accepts (name@example.com, ASCII only)"
        return
    for position, character in enumerate(value, start=1):
        if not re.fullmatch(pattern, character):
            kind = _kind_of(character)
            yield f"{prop}: character {position} of {len(value)} is {kind}, which the service refuses"


def _kind_of(character: str) -> str:
    # Beyond U+FFFF lie emoji and rare scripts, which the service refuses alike.
    if ord(character) > 0xFFFF:  # noqa: PLR2004
        return "an emoji or another character beyond U+FFFF"
    if unicodedata.category(character) == "Cc":
        return "a control character"
    return f"the reserved code point U+{ord(character):04X}"
