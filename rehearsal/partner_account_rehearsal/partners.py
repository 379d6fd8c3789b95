"""The partner accounts of an app and their profiles, as its templates describe them.

A contact's name and address are always masked. A profile may be public.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from partner_account_rehearsal.assembly import Stack, TemplateResource
from partner_account_rehearsal.expressions import to_text

PARTNER_TYPE = "Custom::PartnerAccount"
PROFILE_TYPE = "Custom::PartnerProfile"
OWN_TYPES = (PARTNER_TYPE, PROFILE_TYPE)
SANDBOX = "Sandbox"
CATALOGS = ("AWS", SANDBOX)
CODE_SOURCES = {
    "SecretsManager": ("the secret", "SecretId"),
    "ParameterStore": ("the SSM parameter", "Name"),
    "Parameter": ("the CloudFormation parameter", "Value"),
}
"""The name of each source of a verification code, and the member of the property that specifies it."""


_PROFILE_TEXTS = ("DisplayName", "Description", "WebsiteUrl", "LogoUrl")


@dataclass(frozen=True)
class ManagedResource:
    """A partner account, or the profile of one, that a stack of the app manages."""

    stack: Stack
    resource: TemplateResource

    def value(self, name: str) -> Any:
        """A property resolved to the stack's own template, even if the partner is in a nested stack."""
        return self.resource.resolve_parameters(self.resource.properties.get(name, ""))

    def text(self, name: str) -> str:
        """A property as text; what CloudFormation fills in is written `${…}`, or `<SSM parameter …>`."""
        return self._text_of(self.value(name))

    def _text_of(self, value: object) -> str:
        text = to_text(value)
        for reference, parameter in self.stack.template.get("Parameters", {}).items():
            if str(parameter["Type"]).startswith("AWS::SSM::Parameter::Value<"):
                text = text.replace(f"${{{reference}}}", f"<SSM parameter {parameter.get('Default', '')}>")
        return text


@dataclass(frozen=True)
class ManagedPartner(ManagedResource):
    """A partner account that a stack of the app manages."""

    @property
    def path(self) -> str:
        """The path of its construct in the app; the template has it, with or without CDK's own metadata."""
        return f"{self.stack.id}/{to_text(self.value('Owner')['ConstructPath'])}"

    @property
    def legal_name(self) -> str:
        """The company's name; the account's ID in it, if the app doesn't specify it, is written `<account ID>`."""
        return self.text("LegalName").replace("${AWS::AccountId}", self.stack.account or "<account ID>")

    @property
    def catalog(self) -> str:
        """`AWS` or `Sandbox`."""
        return self.text("Catalog")

    @property
    def adopts(self) -> bool:
        """Whether it adopts an existing partner, and never creates one."""
        return bool(self.value("ExistingPartnerId"))

    @property
    def email(self) -> object:
        """The address to which the code is sent, as in the template."""
        return (self.value("AllianceLeadContact") or {}).get("Email", "")

    @property
    def masked_contact(self) -> str:
        """The alliance lead contact: initials, and the address's domain."""
        contact = self.value("AllianceLeadContact") or {}
        names = [self._text_of(contact.get(name, "")) for name in ("FirstName", "LastName")]
        initials = " ".join(name if name.startswith(("${", "<")) else f"{name[:1]}." for name in names)
        address = masked_address(self._text_of(self.email))
        return f"{initials} {address if address.startswith('<') else f'<{address}>'}"

    @property
    def code(self) -> Mapping[str, Any]:
        """Where it expects its verification code, as in the template."""
        found: Mapping[str, Any] = self.value("EmailVerificationCode")
        return found

    @property
    def needs_code(self) -> bool:
        """Whether it expects a code that must be stored somewhere."""
        return self.code["From"] in CODE_SOURCES

    @property
    def code_source(self) -> str:
        """Where it expects its verification code, in plain words."""
        if not self.needs_code:
            return "any six digits (Sandbox)"
        kind, member = CODE_SOURCES[self.code["From"]]
        return f"{kind} {to_text(self.code[member])}"


@dataclass(frozen=True)
class ManagedProfile(ManagedResource):
    """The profile of a partner account that a stack of the app manages."""

    @property
    def path(self) -> str:
        """The path of its construct in the app."""
        return self.resource.path

    @property
    def visibility(self) -> str:
        """`PUBLIC` or `PRIVATE`; empty if it is not changed."""
        return self.text("Visibility")

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        """Its texts in each locale, its source locale first."""
        texts = {self.text("TranslationSourceLocale"): {name: self.text(name) for name in _PROFILE_TEXTS}}
        contents = self.value("LocalizedContents")
        for content in contents if isinstance(contents, list) else ():
            texts[to_text(content["Locale"])] = {name: to_text(content[name]) for name in _PROFILE_TEXTS}
        return texts

    @property
    def industry_segments(self) -> list[str]:
        """As the template lists them."""
        segments = self.value("IndustrySegments")
        return [self._text_of(one) for one in (segments if isinstance(segments, list) else [segments])]

    @property
    def headquarters(self) -> dict[str, str]:
        """Country and subdivision; empty if they are not changed."""
        return {name: self._text_of(code) for name, code in (self.value("Headquarters") or {}).items()}

    @property
    def is_of_a_known_partner(self) -> bool:
        """Whether the template has the partner's ARN, which can't be that of a rehearsed partner."""
        return ":partner/partner-" in to_text(self.value("PartnerArn"))

    def task_status(self, outputs: Mapping[str, Mapping[str, str]]) -> str:
        """The status of its task in the outputs of its stack; empty if none has it."""
        expression = {"Fn::GetAtt": [self.resource.logical_id, "TaskStatus"]}
        declared = self.stack.template.get("Outputs", {})
        own = outputs.get(self.stack.name, {})
        return next((own[name] for name, one in declared.items() if one["Value"] == expression and name in own), "")


def partners_of(stacks: Iterable[Stack]) -> list[ManagedPartner]:
    """All partners that the stacks manage, in their order."""
    return [ManagedPartner(stack, one) for stack in stacks for one in stack.resources() if one.type == PARTNER_TYPE]


def profiles_of(stacks: Iterable[Stack]) -> list[ManagedProfile]:
    """All profiles that the stacks manage, in their order."""
    return [ManagedProfile(stack, one) for stack in stacks for one in stack.resources() if one.type == PROFILE_TYPE]


def masked_address(address: str) -> str:
    """The address with its local part reduced to one character."""
    return re.sub(r"^([^@$])[^@]*@", r"\1…@", address)
