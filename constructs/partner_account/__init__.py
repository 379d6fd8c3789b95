"""An AWS CDK construct that creates an AWS Partner Central account, once, and never by accident.

Everything a user of the construct needs is named here; the modules behind it are private.
"""

from partner_account.errors import PartnerAccountError
from partner_account.grants import IPartnerAccount
from partner_account.partner_account import PartnerAccount
from partner_account.partner_profile import PartnerProfile
from partner_account.props import (
    AllianceLeadContact,
    Catalog,
    ExportNames,
    Headquarters,
    IndustrySegment,
    LocalizedContent,
    PrimarySolutionType,
    ProfileVisibility,
)
from partner_account.provider import PartnerAccountProvider
from partner_account.verification_code import VerificationCode

__all__ = [
    "AllianceLeadContact",
    "Catalog",
    "ExportNames",
    "Headquarters",
    "IPartnerAccount",
    "IndustrySegment",
    "LocalizedContent",
    "PartnerAccount",
    "PartnerAccountError",
    "PartnerAccountProvider",
    "PartnerProfile",
    "PrimarySolutionType",
    "ProfileVisibility",
    "VerificationCode",
]
