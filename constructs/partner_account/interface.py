"""What every partner account has in common, whether an app creates it or only knows it."""

from typing import Protocol

from aws_cdk import aws_iam as iam
from constructs import IConstruct


class IPartnerAccount(IConstruct, Protocol):
    """A partner account: a `PartnerAccount`, or one that its `from_…` methods refer to."""

    @property
    def partner_arn(self) -> str:
        """The partner's ARN."""

    @property
    def partner_id(self) -> str:
        """The partner's id, `partner-` and 13 letters or digits."""

    @property
    def profile_id(self) -> str:
        """The id of the partner's profile, `pprofile-` and 13 letters or digits, or `pending`.

        Raises:
            PartnerAccountError: The partner was referred to without it.
        """

    @property
    def catalog(self) -> str:
        """The catalog the partner is in: a `Catalog`, or a token."""

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Allow these `partnercentral:` actions on this partner.

        Raises:
            PartnerAccountError: An action is none of the 17 that take a partner's ARN, so it would have no effect.
        """

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading the partner, its contact, its profile's visibility and tasks, and its tags."""

    def grant_manage_contact(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading and replacing the alliance lead contact, and requesting the code that a new address takes."""

    def grant_manage_tags(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading, setting and removing tags, except the construct's own ownership tag.

        Whether the Sandbox takes tags after CreatePartner, which refuses them there, is documented nowhere.
        """
