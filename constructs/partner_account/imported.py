"""Partner accounts that an app only refers to: created by another stack, another app, or a human."""

import re

from aws_cdk import Fn
from constructs import Construct

from partner_account.errors import PartnerAccountError, raise_if_invalid, string_error
from partner_account.grants import IPartnerAccount
from partner_account.outputs import export_name
from partner_account.props import Catalog
from partner_account.service_model import shapes
from partner_account.tokens import holds_token

# arn:<partition>:partnercentral:<region>:<account>:catalog/<catalog>/partner/<id>
_CATALOG, _ID = 1, 3


class ImportedPartner(IPartnerAccount):
    """A partner that is known by its ARN, literal or token."""

    def __init__(self, scope: Construct, id: str, partner_arn: str, profile_id: str | None = None) -> None:  # noqa: A002
        """Refer to it, or raise a `PartnerAccountError` that lists all literals of an invalid format."""
        super().__init__(scope, id)
        errors = []
        if not isinstance(partner_arn, str):
            errors.append(string_error("partner_arn", partner_arn))
        elif not _matches("PartnerArn", partner_arn):
            errors.append(
                f"partner_arn: {partner_arn!r} is not the ARN of a partner, which is "
                "arn:aws:partnercentral:us-east-1:<account>:catalog/<catalog>/partner/partner-<13 letters or digits>"
            )
        if not isinstance(profile_id, str | None):
            errors.append(string_error("profile_id", profile_id))
        elif profile_id is not None and not _matches("PartnerProfileId", profile_id):
            errors.append(f"profile_id: {profile_id!r} is not pprofile- and 13 letters or digits")
        raise_if_invalid(self.node.path, errors)
        self._arn = partner_arn
        self._profile_id = profile_id

    @property
    def partner_arn(self) -> str:
        """The partner's ARN."""
        return self._arn

    @property
    def partner_id(self) -> str:
        """The partner's id, taken from its ARN."""
        return self._part(_ID)

    @property
    def profile_id(self) -> str:
        """The id of the partner's profile, or a `PartnerAccountError` if it wasn't given."""
        if self._profile_id is None:
            raise PartnerAccountError(
                f"PartnerAccount {self.node.path!r} has no profile_id, which its ARN doesn't tell; "
                "use PartnerAccount.from_partner_attributes(profile_id=…)"
            )
        return self._profile_id

    @property
    def catalog(self) -> str:
        """The catalog, taken from the ARN: a `Catalog`, or a token if the ARN is one."""
        name = self._part(_CATALOG)
        return Catalog(name) if name in set(Catalog) else name

    def _part(self, number: int) -> str:
        if holds_token(self._arn):
            return Fn.select(number, Fn.split("/", self._arn))
        return self._arn.split("/")[number]


class ExportedPartner(IPartnerAccount):
    """A partner that is known by the exports of its stack.

    An export is imported when its attribute is first used, since an export in use can't change.
    """

    def __init__(self, scope: Construct, id: str, stack_name: str, partner_path: str) -> None:  # noqa: A002
        """Refer to it, or raise a `PartnerAccountError` that lists all names that no stack or partner can have."""
        super().__init__(scope, id)
        errors = []
        if not isinstance(stack_name, str):
            errors.append(string_error("stack_name", stack_name))
        elif not holds_token(stack_name) and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", stack_name):
            errors.append(
                f"stack_name: {stack_name!r} is not the name of a stack, which begins with a letter and holds letters, "
                "digits and hyphens; a stack in a stage is called <stage>-<stack>"
            )
        if not isinstance(partner_path, str):
            errors.append(string_error("partner_path", partner_path))
        elif holds_token(partner_path):
            errors.append("partner_path: is a token, but the export's name must be known at synth; give a literal")
        elif not re.search(r"[A-Za-z0-9]", partner_path):
            errors.append(
                f"partner_path: {partner_path!r} has no letter or digit; give the construct path below its stack, "
                "such as 'Partner'"
            )
        raise_if_invalid(self.node.path, errors)
        self._stack_name = stack_name
        self._partner_path = partner_path

    @property
    def partner_arn(self) -> str:
        """The partner's ARN, imported."""
        return self._imported("Arn")

    @property
    def partner_id(self) -> str:
        """The partner's id, imported."""
        return self._imported("Id")

    @property
    def profile_id(self) -> str:
        """The id of the partner's profile, imported: as long as it is, it can't turn from `pending` to its value."""
        return self._imported("ProfileId")

    @property
    def catalog(self) -> str:
        """The catalog, taken from the ARN; a token."""
        return Fn.select(_CATALOG, Fn.split("/", self.partner_arn))

    def _imported(self, attribute: str) -> str:
        return Fn.import_value(export_name(self._stack_name, self._partner_path, attribute))


def _matches(shape: str, value: str) -> bool:
    return holds_token(value) or re.fullmatch(shapes()[shape]["pattern"], value) is not None
