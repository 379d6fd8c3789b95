"""The types of a PartnerAccount's props, in the service's own vocabulary.

They hold values only; `validation` judges them. `VerificationCode` has a module of its own.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from partner_account.verification_code import VerificationCode


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


@dataclass(frozen=True)
class ExistingPartner:
    """What to do about a partner that this AWS account already has in the catalog.

    A partner that an earlier deployment of this very construct created is always found again,
    whatever is chosen here. Make one with `refuse`, `adopt` or `allow_another`.
    """

    policy: str
    partner_id: str | None = None

    @classmethod
    def refuse(cls) -> "ExistingPartner":
        """Fail the deployment and name the partner that is there (the default)."""
        return cls("REFUSE")

    @classmethod
    def adopt(cls, partner_id: str) -> "ExistingPartner":
        """Take this partner, and no other, under management; never create one.

        `partner_id` is `partner-` and 13 letters or digits, or a token. The deployment fails if
        the account has no such partner.
        """
        return cls("ADOPT", partner_id)

    @classmethod
    def allow_another(cls) -> "ExistingPartner":
        """Create a partner beside those of the account that this construct didn't create.

        AWS's documentation speaks of one account for each legal business name, and of registering one AWS account;
        whether the service lets one AWS account have two partners is not documented, and creating one can't be undone.
        """
        return cls("ALLOW_ANOTHER")

    @property
    def refuses(self) -> bool:
        """Whether a partner that the account has already stops the deployment, in catalog AWS."""
        return self.policy == "REFUSE"

    @property
    def may_create(self) -> bool:
        """Whether a deployment may call CreatePartner."""
        return self.policy != "ADOPT"


@dataclass(frozen=True, kw_only=True)
class ExportNames:
    """Names under which the three outputs are exported; a name left out keeps its default.

    Up to 255 letters, digits, colons and hyphens, unique in the AWS account and region.
    """

    partner_arn: str | None = None
    partner_id: str | None = None
    profile_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Partner:
    """The partner that a user wants, as the props of a PartnerAccount tell it."""

    catalog: Catalog
    legal_name: str
    primary_solution_type: PrimarySolutionType | str
    contact: AllianceLeadContact
    code: "VerificationCode"
    company_is_new_to_apn: bool
    existing: ExistingPartner
