"""The types of the props of a partner and a profile, in the service's own words.

`VerificationCode` has a module of its own.
"""

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

    Once a partner has a profile, that of the profile rules, which `PartnerProfile` or a human writes
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
    """Who sees the partner's profile."""

    PRIVATE = "PRIVATE"
    """The partner alone."""

    PUBLIC = "PUBLIC"
    """Everybody, in AWS's directory of partners; AWS must have approved the profile before."""


@dataclass(frozen=True, kw_only=True)
class LocalizedContent:
    """The profile in another language. Each field may be a token."""

    locale: str
    """A language of ISO 639-1 and a country of ISO 3166-1: `de-DE`."""

    display_name: str
    """1 to 80 characters, without control characters and emoji."""

    description: str
    """1 to 600 characters, without control characters and emoji."""

    website_url: str
    """An https URL, up to 256 characters."""

    logo_url: str
    """An https URL, up to 256 characters."""


@dataclass(frozen=True, kw_only=True)
class Headquarters:
    """Where the company has its headquarters. Each field may be a token."""

    country_code: str
    """The two letters of ISO 3166-1: `DE`."""

    subdivision_code: str
    """What follows the country in the code of ISO 3166-2: `BY`, not `DE-BY`."""
