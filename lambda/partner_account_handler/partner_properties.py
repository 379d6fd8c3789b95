"""The properties of a PartnerAccount, read from the template. Pure values: no calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from enum import Enum

from partner_account_handler.fields import Fields
from partner_account_handler.identity import OWNER_TAG, normalized, same_name
from partner_account_handler.texts import blank_errors

_CONTACT_MEMBERS = ("FirstName", "LastName", "Email", "BusinessTitle")


class CodeStore(Enum):
    """Where the e-mail verification code is stored."""

    SECRETS_MANAGER = "SecretsManager"
    PARAMETER_STORE = "ParameterStore"
    PARAMETER = "Parameter"
    SANDBOX = "Sandbox"


_LOCATORS = {CodeStore.SECRETS_MANAGER: "SecretId", CodeStore.PARAMETER_STORE: "Name", CodeStore.PARAMETER: "Value"}

# No dataclass here shows its content: a stray repr must not carry a name, an address or a code into a log.


@dataclass(frozen=True, repr=False)
class Contact:
    """The alliance lead contact."""

    first_name: str
    last_name: str
    email: str
    business_title: str

    @classmethod
    def from_service(cls, members: Mapping[str, str]) -> Contact:
        """From the service's member names, which the custom resource's properties share."""
        return cls(*(members.get(name, "") for name in _CONTACT_MEMBERS))

    def to_service(self) -> dict[str, str]:
        """In the service's member names."""
        return dict(zip(_CONTACT_MEMBERS, astuple(self), strict=True))

    def is_same_as(self, other: Contact) -> bool:
        """Whether they differ at most in what a service may normalize: spaces, width, and the case of an address."""
        mine, theirs = (tuple(map(normalized, astuple(replace(one, email="")))) for one in (self, other))
        return self.has_email_of(other) and mine == theirs

    def has_email_of(self, other: Contact) -> bool:
        """Whether both have the same address."""
        return same_name(self.email, other.email)


@dataclass(frozen=True, repr=False)
class CodeSource:
    """The source of the verification code: `locator` is the secret's ARN or name, the parameter's name or the code."""

    store: CodeStore
    locator: str = ""
    json_field: str = ""


@dataclass(frozen=True, repr=False)
class PartnerProperties:
    """The partner that the template describes."""

    catalog: str
    legal_name: str
    primary_solution_type: str
    contact: Contact
    code: CodeSource
    existing_partner_id: str  # the partner to adopt; empty if none is
    owner_stack: str
    owner_path: str
    tags: Mapping[str, str]

    @property
    def taggable(self) -> bool:
        """Whether the service is known to accept tags.

        The Sandbox accepts none in CreatePartner, and whether it accepts any later is not documented: there only the
        ownership tag is tried, and nothing fails without it.
        """
        return self.catalog != "Sandbox"

    @classmethod
    def read(cls, raw: object) -> PartnerProperties:
        """From ResourceProperties, whose scalars CloudFormation has all turned into strings.

        A RequestError means that they are not those of a PartnerAccount, or of a newer one.
        """
        fields = Fields.of_template(raw)
        owner = fields.section("Owner")
        properties = cls(
            catalog=fields.text("Catalog"),
            legal_name=fields.name("LegalName"),
            primary_solution_type=fields.text("PrimarySolutionType"),
            contact=Contact(*map(fields.section("AllianceLeadContact").name, _CONTACT_MEMBERS)),
            code=_code_source(fields.section("EmailVerificationCode")),
            existing_partner_id=fields.text("ExistingPartnerId", default=""),
            owner_stack=owner.text("StackName"),
            owner_path=owner.text("ConstructPath"),
            tags=_tags(fields),
        )
        for error in blank_errors(properties.legal_name):
            fields.wrong("LegalName", error)
        fields.require_none_wrong()
        return properties


def _code_source(fields: Fields) -> CodeSource:
    told = fields.text("From")
    store = next((store for store in CodeStore if store.value == told), CodeStore.SECRETS_MANAGER)
    if told and store.value != told:
        fields.wrong("From", f"is none of {', '.join(store.value for store in CodeStore)}")
    key = _LOCATORS.get(store)
    return CodeSource(store, fields.text(key) if key else "", fields.text("JsonField", default=""))


def _tags(fields: Fields) -> dict[str, str]:
    tags = fields.items("Tags")
    pairs = [(tag.get("Key"), tag.get("Value")) if isinstance(tag, dict) else (None, None) for tag in tags]
    sound = [(key, value) for key, value in pairs if isinstance(key, str) and isinstance(value, str)]
    if len(sound) < len(pairs):
        fields.wrong("Tags", "is not a list of Key and Value")
    # The construct reserves the ownership tag, which only this package may write.
    return {key: value for key, value in sound if key != OWNER_TAG}
