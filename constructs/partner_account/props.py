"""The types of the props of a partner and a profile, with the service's own values.

`VerificationCode` has a module of its own.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Catalog(StrEnum):
    """Where the partner is created."""

    AWS = "AWS"
    """The real catalog. Creating a partner there can't be undone."""

    SANDBOX = "Sandbox"
    """The test catalog. It accepts any six digits as code, refuses tags in CreatePartner, and is wiped about yearly."""


class PrimarySolutionType(StrEnum):
    """The partner's main offering.

    Once a partner has a profile, the profile's value takes precedence. `PartnerProfile` or a person writes it
    (`StartProfileUpdateTask`); no deployment of the `PartnerAccount` changes it.
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
    """The person AWS contacts about the partnership. Each field can be a token.

    A contact's `repr` omits its fields, since they are personal data.
    """

    first_name: str = field(repr=False)
    """1 to 80 characters, without control characters or emoji."""

    last_name: str = field(repr=False)
    """1 to 80 characters, without control characters or emoji."""

    email: str = field(repr=False)
    """The address that received the verification code, up to 320 characters."""

    business_title: str = field(repr=False)
    """1 to 80 characters, without control characters or emoji."""


@dataclass(frozen=True, kw_only=True)
class ExportNames:
    """Names under which the three outputs are exported; an omitted name keeps its default.

    Up to 255 letters, digits, colons and hyphens, unique in the AWS account and region.
    """

    partner_arn: str | None = None
    partner_id: str | None = None
    profile_id: str | None = None


class IndustrySegment(StrEnum):
    """An industry that the partner serves, in the service's own spelling."""

    AGRICULTURE_MINING = "AGRICULTURE_MINING"
    BIOTECHNOLOGY = "BIOTECHNOLOGY"
    BUSINESS_CONSUMER_SERVICES = "BUSINESS_CONSUMER_SERVICES"
    BUSINESS_SERV = "BUSINESS_SERV"
    COMMUNICATIONS = "COMMUNICATIONS"
    COMPUTER_HARDWARE = "COMPUTER_HARDWARE"
    COMPUTERS_ELECTRONICS = "COMPUTERS_ELECTRONICS"
    COMPUTER_SOFTWARE = "COMPUTER_SOFTWARE"
    CONSUMER_GOODS = "CONSUMER_GOODS"
    CONSUMER_RELATED = "CONSUMER_RELATED"
    EDUCATION = "EDUCATION"
    ENERGY_UTILITIES = "ENERGY_UTILITIES"
    FINANCIAL_SERVICES = "FINANCIAL_SERVICES"
    GAMING = "GAMING"
    GOVERNMENT = "GOVERNMENT"
    GOVERNMENT_EDUCATION_PUBLIC_SERVICES = "GOVERNMENT_EDUCATION_PUBLIC_SERVICES"
    HEALTHCARE = "HEALTHCARE"
    HEALTHCARE_PHARMACEUTICALS_BIOTECH = "HEALTHCARE_PHARMACEUTICALS_BIOTECH"
    INDUSTRIAL_ENERGY = "INDUSTRIAL_ENERGY"
    INTERNET_SPECIFIC = "INTERNET_SPECIFIC"
    LIFE_SCIENCES = "LIFE_SCIENCES"
    MANUFACTURING = "MANUFACTURING"
    MEDIA_ENTERTAINMENT_LEISURE = "MEDIA_ENTERTAINMENT_LEISURE"
    MEDIA_ENTERTAINMENT = "MEDIA_ENTERTAINMENT"
    MEDICAL_HEALTH = "MEDICAL_HEALTH"
    NON_PROFIT_ORGANIZATION = "NON_PROFIT_ORGANIZATION"
    OTHER = "OTHER"
    PROFESSIONAL_SERVICES = "PROFESSIONAL_SERVICES"
    REAL_ESTATE_CONSTRUCTION = "REAL_ESTATE_CONSTRUCTION"
    RETAIL = "RETAIL"
    RETAIL_WHOLESALE_DISTRIBUTION = "RETAIL_WHOLESALE_DISTRIBUTION"
    SEMICONDUCTOR_ELECTR = "SEMICONDUCTOR_ELECTR"
    SOFTWARE_INTERNET = "SOFTWARE_INTERNET"
    TELECOMMUNICATIONS = "TELECOMMUNICATIONS"
    TRANSPORTATION_LOGISTICS = "TRANSPORTATION_LOGISTICS"
    TRAVEL_HOSPITALITY = "TRAVEL_HOSPITALITY"
    WHOLESALE_DISTRIBUTION = "WHOLESALE_DISTRIBUTION"


class ProfileVisibility(StrEnum):
    """Who can see the partner's profile."""

    PRIVATE = "PRIVATE"
    """Only the partner."""

    PUBLIC = "PUBLIC"
    """Everyone, in AWS's partner directory; AWS must approve the profile first."""


@dataclass(frozen=True, kw_only=True)
class LocalizedContent:
    """The profile in another language. Each field can be a token."""

    locale: str
    """An ISO 639-1 language and an ISO 3166-1 country: `de-DE`."""

    display_name: str
    """1 to 80 characters, without control characters or emoji."""

    description: str
    """1 to 600 characters, without control characters or emoji."""

    website_url: str
    """An https URL, up to 256 characters."""

    logo_url: str
    """An https URL, up to 256 characters."""


@dataclass(frozen=True, kw_only=True)
class Headquarters:
    """Where the company has its headquarters. Each field can be a token."""

    country_code: str
    """The two-letter ISO 3166-1 code: `DE`."""

    subdivision_code: str
    """The ISO 3166-2 code without the country: `BY`, not `DE-BY`."""
