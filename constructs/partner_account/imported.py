"""Partner accounts that an app only refers to: created by another stack, another app, or a person."""

import re

from aws_cdk import Fn
from constructs import Construct

from partner_account.errors import PartnerAccountError, raise_if_invalid, stack_of, string_error
from partner_account.grants import ID, IPartnerAccount, part_of_arn
from partner_account.outputs import export_name
from partner_account.service_model import shapes
from partner_account.tokens import holds_token


class ImportedPartner(IPartnerAccount):
    """A partner that is known by its ARN, literal or token."""

    def __init__(self, scope: Construct, id: str, partner_arn: str, profile_id: str | None = None) -> None:  # noqa: A002
        """Refer to it, or raise a `PartnerAccountError` that lists all literals in an invalid format."""
        errors = []
        if not isinstance(partner_arn, str):
            errors.append(string_error("partner_arn", partner_arn))
        elif not _matches("PartnerArn", partner_arn):
            errors.append(
                f"partner_arn: {partner_arn!r} is not a partner's ARN, which has the format "
                "arn:aws:partnercentral:us-east-1:<account>:catalog/<catalog>/partner/partner-<13 letters or digits>"
            )
        if not isinstance(profile_id, str | None):
            errors.append(string_error("profile_id", profile_id))
        elif profile_id is not None and not _matches("PartnerProfileId", profile_id):
            errors.append(f"profile_id: {profile_id!r} is not pprofile- followed by 13 letters or digits")
        raise_if_invalid(f"{scope.node.path}/{id}", errors)
        stack_of(scope, id)
        super().__init__(scope, id, environment_from_arn=partner_arn)
        self._arn = partner_arn
        self._profile_id = profile_id

    def _attribute(self, name: str) -> str:
        if name == "Arn":
            return self._arn
        if name == "Id":
            return part_of_arn(self._arn, ID)
        if self._profile_id is None:
            raise PartnerAccountError(
                f"PartnerAccount {self.node.path!r} has no profile_id, which its ARN doesn't contain; "
                "use PartnerAccount.from_partner_attributes(profile_id=…)"
            )
        return self._profile_id


class ExportedPartner(IPartnerAccount):
    """A partner that is known by the exports of its stack.

    An export is imported when its attribute is first used, since an export in use can't change.
    """

    def __init__(self, scope: Construct, id: str, stack_name: str, partner_path: str) -> None:  # noqa: A002
        """Refer to it, or raise a `PartnerAccountError` that lists all names that no stack or partner can have."""
        errors = []
        if not isinstance(stack_name, str):
            errors.append(string_error("stack_name", stack_name))
        elif not holds_token(stack_name) and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", stack_name):
            errors.append(
                f"stack_name: {stack_name!r} is not a stack name, which begins with a letter and contains only "
                "letters, digits and hyphens; a stack in a stage is named <stage>-<stack>"
            )
        if not isinstance(partner_path, str):
            errors.append(string_error("partner_path", partner_path))
        elif holds_token(partner_path):
            errors.append("partner_path: is a token, but the export's name must be known at synth; use a literal")
        elif not re.search(r"[A-Za-z0-9]", partner_path):
            errors.append(
                f"partner_path: {partner_path!r} has no letter or digit; use the construct path below its stack, "
                "such as 'Partner'"
            )
        raise_if_invalid(f"{scope.node.path}/{id}", errors)
        stack_of(scope, id)
        super().__init__(scope, id)
        self._stack_name = stack_name
        self._partner_path = partner_path

    def _attribute(self, name: str) -> str:
        return Fn.import_value(export_name(self._stack_name, self._partner_path, name))


def _matches(shape: str, value: str) -> bool:
    return holds_token(value) or re.fullmatch(shapes()[shape]["pattern"], value) is not None
