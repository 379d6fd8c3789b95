"""The partner accounts of an app, as its templates describe them, without a contact's name or address in the clear."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from partner_account_rehearsal.assembly import Placed, Stack, in_words

RESOURCE_TYPE = "Custom::PartnerAccount"
PLACES = {
    "SecretsManager": ("the secret", "SecretId"),
    "ParameterStore": ("the SSM parameter", "Name"),
    "Parameter": ("the CloudFormation parameter", "Value"),
}


@dataclass(frozen=True)
class Partner:
    """A partner account that a stack of the app manages."""

    stack: Stack
    placed: Placed

    @property
    def path(self) -> str:
        """The path of its construct in the app; the template says it, with or without CDK's own metadata."""
        return f"{self.stack.id}/{in_words(self._property('Owner')['ConstructPath'])}"

    @property
    def catalog(self) -> str:
        """`AWS` or `Sandbox`."""
        return in_words(self._property("Catalog"))

    @property
    def legal_name(self) -> str:
        """Its legal name; what CloudFormation fills in is written `${…}`."""
        return in_words(self._property("LegalName"))

    @property
    def primary_solution_type(self) -> str:
        """Such as `SOFTWARE_PRODUCTS`."""
        return in_words(self._property("PrimarySolutionType"))

    @property
    def email(self) -> object:
        """The address to which the code is sent, as it stands in the template."""
        return self._contact.get("Email", "")

    @property
    def contact(self) -> str:
        """The alliance lead contact, masked: initials, and the address's domain."""
        initials = " ".join(_initial(in_words(self._contact.get(name, ""))) for name in ("FirstName", "LastName"))
        return f"{initials} <{masked_address(in_words(self.email))}>"

    @property
    def code(self) -> Mapping[str, Any]:
        """Where it expects its verification code, as it stands in the template."""
        found: Mapping[str, Any] = self._property("EmailVerificationCode")
        return found

    @property
    def code_in_words(self) -> str:
        """Where it expects its verification code, in plain words."""
        if self.code["From"] not in PLACES:
            return "any six digits (Sandbox)"
        kind, member = PLACES[self.code["From"]]
        return f"{kind} {in_words(self.code[member])}"

    @property
    def existing(self) -> str:
        """What becomes of a partner that the account has already, in plain words."""
        if self.adopts:
            return "adopted, and none is created"
        allowed = self._property("ExistingPartner")["Policy"] == "ALLOW_ANOTHER"
        return "left as it is, and another one is created" if allowed else "stops the deployment, and none is created"

    @property
    def adopts(self) -> bool:
        """Whether it takes over a partner that exists, and never creates one."""
        return bool(self._property("ExistingPartner")["Policy"] == "ADOPT")

    @property
    def _contact(self) -> Mapping[str, Any]:
        return self._property("AllianceLeadContact") or {}

    def _property(self, name: str) -> Any:
        """As the stack's own template would say it, wherever below it the partner stands."""
        return self.placed.seen_from_outside(self.placed.properties.get(name, ""))


def partners_of(stacks: Iterable[Stack]) -> list[Partner]:
    """All partners that the stacks manage, in their order."""
    return [Partner(stack, placed) for stack in stacks for placed in stack.resources() if placed.type == RESOURCE_TYPE]


def masked_address(address: str) -> str:
    """The address with its local part cut to one character."""
    return re.sub(r"^([^@$])[^@]*@", r"\1…@", address)


def _initial(name: str) -> str:
    return name if name.startswith("${") else f"{name[:1]}."
