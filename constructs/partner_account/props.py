"""The types of a PartnerAccount's props, in the service's own words; `VerificationCode` has a module of its own."""

from dataclasses import dataclass, field
from enum import StrEnum


class Catalog(StrEnum):
    """Where the partner is created."""

    AWS = "AWS"
    """The real catalog. Creating a partner there can't be undone."""

    SANDBOX = "Sandbox"
    """The test catalog. It takes any six digits as a code, refuses tags in CreatePartner, and is wiped about yearly."""


class PrimarySolutionType(StrEnum):
    """What the partner mainly offers.

    Later a profile task of Partner Central changes it (`StartProfileUpdateTask`), and no deployment does.
    """

    SOFTWARE_PRODUCTS = "SOFTWARE_PRODUCTS"
    CONSULTING_SERVICES = "CONSULTING_SERVICES"
    PROFESSIONAL_SERVICES = "PROFESSIONAL_SERVICES"
    MANAGED_SERVICES = "MANAGED_SERVICES"
    HARDWARE_PRODUCTS = "HARDWARE_PRODUCTS"
    COMMUNICATION_SERVICES = "COMMUNICATION_SERVICES"
    VALUE_ADDED_RESALE_AWS_SERVICES = "VALUE_ADDED_RESALE_AWS_SERVICES"
    TRAINING_SERVICES = "TRAINING_SERVICES"


@dataclass(frozen=True, kw_only=True)
class AllianceLeadContact:
    """The person AWS talks to about the partnership. Each field may be a token.

    A contact's `repr` shows none of its fields, since they are personal data.
    """

    first_name: str = field(repr=False)
    """1 to 80 characters, without control characters and emoji."""

    last_name: str = field(repr=False)
    """1 to 80 characters, without control characters and emoji."""

    email: str = field(repr=False)
    """The address that received the verification code, up to 320 characters."""

    business_title: str = field(repr=False)
    """1 to 80 characters, without control characters and emoji."""


@dataclass(frozen=True, kw_only=True)
class ExportNames:
    """Names under which the three outputs are exported; a name left out keeps its default.

    Up to 255 letters, digits, colons and hyphens, unique in the AWS account and region.
    """

    partner_arn: str | None = None
    partner_id: str | None = None
    profile_id: str | None = None
