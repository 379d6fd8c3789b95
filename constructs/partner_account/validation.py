"""Validates the literal props of a PartnerAccount against the service model, in terms of the props.

What they share with those of a PartnerProfile is validated here too. Tokens pass, since their values are known only at
deployment. No message repeats a sensitive value.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeGuard, TypeVar, cast

from aws_cdk import Stack
from constructs import Construct

from partner_account.errors import DOCUMENTATION, how_to_get_string, string_error
from partner_account.props import AllianceLeadContact, Catalog, ExportNames, PrimarySolutionType
from partner_account.service_model import member_shape, shapes
from partner_account.tokens import is_left_to_deployment, literal_in
from partner_account.verification_code import VerificationCode
from partner_account_handler.identity import PARTITION
from partner_account_handler.texts import blank_errors, composed, text_errors

_CONTACT_MEMBERS = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "business_title": "BusinessTitle",
}


@dataclass(frozen=True, kw_only=True)
class PartnerProps:
    """The props of a PartnerAccount that describe the partner."""

    catalog: Catalog
    legal_name: str
    primary_solution_type: PrimarySolutionType | str
    contact: AllianceLeadContact
    code: VerificationCode
    company_is_new_to_apn: bool
    existing_partner_id: str | None

    def texts(self) -> dict[str, str]:
        """The texts that Partner Central shows to others, by prop."""
        contact = {f"alliance_lead_contact.{name}": getattr(self.contact, name) for name in _CONTACT_MEMBERS}
        return {"legal_name": self.legal_name, **contact}


_Member = TypeVar("_Member", bound=StrEnum)
_Struct = TypeVar("_Struct")


def as_member(enum: type[_Member], value: _Member | str) -> _Member:
    """The member of the enum with this exact value; any other value is returned unchanged, for `props_errors`."""
    return enum(value) if isinstance(value, str) and value in set(enum) else cast("_Member", value)


def as_struct(struct: type[_Struct], value: _Struct | Mapping[str, Any]) -> _Struct:
    """The struct for a dict of its fields, as jsii accepts; one with other fields is returned unchanged, as above."""
    if isinstance(value, Mapping):
        with suppress(TypeError):
            return struct(**value)
    return cast("_Struct", value)


def as_list(convert: Callable[[Any], _Struct], values: Sequence[Any]) -> Sequence[_Struct]:
    """Each entry of a list, converted; anything but a list is returned unchanged, as above."""
    return [convert(value) for value in values] if is_list(values) else values


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether it is a list or another sequence, but not a string."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def props_errors(props: PartnerProps, partner: Construct) -> Iterator[str]:
    """The errors of the partner declared at `partner`, regardless of the rest of the app."""
    yield from region_errors(Stack.of(partner).region)
    if not isinstance(props.catalog, Catalog):
        # Permissions and tags depend on it.
        is_token = is_left_to_deployment(props.catalog)
        wrong = "is a token, but must be known at synth" if is_token else f"can't be {props.catalog!r}"
        strings = " or ".join(f'"{catalog}"' for catalog in Catalog)
        yield f"catalog: {wrong}; use {_members_of(Catalog)}, or exactly {strings}"
    yield from literal_errors("legal_name", props.legal_name, member_shape("CreatePartnerRequest", "LegalName"))
    if isinstance(props.legal_name, str) and not is_left_to_deployment(props.legal_name):
        yield from (f"legal_name: {error}" for error in blank_errors(props.legal_name))
    yield from member_errors("primary_solution_type", props.primary_solution_type, PrimarySolutionType)
    yield from _contact_errors(props.contact)
    yield from _existing_partner_errors(props.existing_partner_id)
    if isinstance(props.code, VerificationCode):
        yield from props.code._errors(partner, props.catalog)
    else:
        yield (
            "email_verification_code: must be created by one of VerificationCode's methods, "
            "such as from_secrets_manager(secret)"
        )
    yield from _new_company_errors(props)


def _contact_errors(contact: object) -> Iterator[str]:
    """The errors of the contact; in a dict with wrong keys, the right ones are validated too."""
    told = contact if isinstance(contact, Mapping) else {}
    if isinstance(contact, AllianceLeadContact):
        told = vars(contact)
    else:
        yield (
            "alliance_lead_contact: must be an AllianceLeadContact(first_name=…, last_name=…, email=…, "
            f"business_title=…), or a dict of these four{wrong_keys(AllianceLeadContact, contact)}"
        )
    for name, member in _CONTACT_MEMBERS.items():
        if name in told:
            shape = member_shape("AllianceLeadContact", member)
            yield from literal_errors(f"alliance_lead_contact.{name}", told[name], shape)


def region_errors(region: str) -> Iterator[str]:
    """The error for a stack in a partition without Partner Central."""
    if is_left_to_deployment(region):
        return
    from aws_cdk.region_info import RegionInfo  # noqa: PLC0415 - apps without a known region needn't load it

    partition = RegionInfo.get(region).partition
    # A region that this CDK doesn't know is left to the handler.
    if partition not in {None, PARTITION}:
        yield (
            f"stack: is in {region}, in the partition {partition}, which has no Partner Central; "
            f"deploy it to a region in the partition {PARTITION}, such as us-east-1"
        )


def export_names_errors(names: object) -> Iterator[str]:
    """The error for `export_names` of another type; `outputs` validates the names."""
    if not isinstance(names, ExportNames | None):
        yield (
            'export_names: must be an ExportNames, such as ExportNames(partner_arn="my-partner-arn"), '
            "or a dict of its fields"
        )


def wrong_keys(struct: type, value: object) -> str:
    """The end of an error: what is wrong with the keys of a dict, if it is one."""
    if not isinstance(value, Mapping):
        return ""
    members = [field.name for field in fields(struct)]
    unknown = [repr(key) for key in value if key not in members]
    missing = [repr(key) for key in members if key not in value]
    told = {"unknown": unknown, "missing": missing}
    return "".join(f"; {what}: {', '.join(keys)}" for what, keys in told.items() if keys)


def _existing_partner_errors(partner_id: object) -> Iterator[str]:
    if partner_id is None or is_left_to_deployment(partner_id):
        return
    if not isinstance(partner_id, str):
        yield string_error("existing_partner_id", partner_id)
    elif partner_id.startswith("arn:"):
        yield f"existing_partner_id: {partner_id!r} is an ARN; use its last part, which begins with partner-"
    elif not re.fullmatch(shapes()["PartnerId"]["pattern"], partner_id):
        yield (
            f"existing_partner_id: {partner_id!r} is not a partner's id, "
            "which is partner- followed by 13 letters or digits"
        )


def _new_company_errors(props: PartnerProps) -> Iterator[str]:
    if not isinstance(props.company_is_new_to_apn, bool):
        is_token = is_left_to_deployment(props.company_is_new_to_apn)
        yield f"company_is_new_to_apn: must be True or False{', known at synth, not a token' if is_token else ''}"
    elif props.catalog == Catalog.AWS and props.existing_partner_id is None and not props.company_is_new_to_apn:
        yield (
            "company_is_new_to_apn: must be True in catalog AWS. A company that is already an AWS Partner must migrate "
            "its account: a new registration replaces its historical partner data, and Partner Central may not list "
            "an account that isn't migrated. If the company has none, set True; if this AWS account has a partner, "
            f"set existing_partner_id to adopt it. See {DOCUMENTATION}what-it-means.html"
        )


def member_errors(prop: str, value: object, enum: type[StrEnum]) -> Iterator[str]:
    """The error for a value that is neither a member of the enum nor a token."""
    if not isinstance(value, enum) and not is_left_to_deployment(value):
        yield f"{prop}: must be {_members_of(enum)}, its exact name, or a token{how_to_get_string(value)}"


def _members_of(enum: type[StrEnum]) -> str:
    return " or ".join(f"{enum.__name__}.{member.name}" for member in enum)


def literal_errors(prop: str, value: object, shape: Mapping[str, Any]) -> Iterator[str]:
    """What the service would refuse in a text, and what is a mistake in any text."""
    if not isinstance(value, str):
        yield string_error(prop, value)
        return
    value = composed(value)
    if not value.strip():
        yield f"{prop}: is empty; allowed are {shape['min']} to {shape['max']} characters"
    elif not is_left_to_deployment(value):
        if len(value) > shape["max"]:
            yield f"{prop}: has {len(value)} characters; allowed are {shape['min']} to {shape['max']}"
        yield from _character_errors(prop, value, shape["pattern"])
    for error in text_errors(literal_in(value)):
        yield f"{prop}: {error}"


def _character_errors(prop: str, value: str, pattern: str) -> Iterator[str]:
    if re.fullmatch(pattern, value):
        return
    if "@" in pattern:
        yield f"{prop}: is not an e-mail address that the service accepts (name@example.com, ASCII only)"
        return
    if "https" in pattern:
        yield f"{prop}: must be an https URL without spaces, such as https://example.com"
        return
    for position, character in enumerate(value, start=1):
        if not re.fullmatch(pattern, character):
            kind = _kind_of(character)
            yield f"{prop}: character {position} of {len(value)} is {kind}, which the service refuses"


def _kind_of(character: str) -> str:
    # Beyond U+FFFF are emoji and rare scripts, all of which the service refuses.
    if ord(character) > 0xFFFF:  # noqa: PLR2004
        return "an emoji or another character beyond U+FFFF"
    if unicodedata.category(character) == "Cc":
        return "a control character"
    return f"the reserved code point U+{ord(character):04X}"
