"""The grants of a partner account. Which statements they consist of is told in `permissions`."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import reduce

import jsii
from aws_cdk import aws_iam as iam
from constructs import Construct

from partner_account import permissions
from partner_account.errors import PartnerAccountError
from partner_account.kinds import kind_mistakes
from partner_account.permissions import Permission

_A_GRANTEE = 'a role or the like, such as Role.from_role_arn(stack, "Role", arn)'


class GrantablePartner(Construct, metaclass=jsii.JSIIAbstractClass):
    """A construct that stands for one partner, and can grant rights on it."""

    @property
    @abstractmethod
    def partner_arn(self) -> str:
        """The partner's ARN."""

    @property
    @abstractmethod
    def catalog(self) -> str:
        """The catalog the partner is in: a `Catalog`, or a token."""

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Allow these `partnercentral:` actions on this partner, each by its full name.

        Raises:
            PartnerAccountError: An action is none of the 17 that take a partner's ARN, so it would have no effect.
        """
        if mistakes := list(_mistakes(actions)):
            raise PartnerAccountError(f"grant on {self.node.path!r}: {'; '.join(mistakes)}")
        return self._grant(grantee, [permissions.on_partner(self.partner_arn, actions)])

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading the partner, its contact, its profile's visibility and tasks, and its tags."""
        return self._grant(grantee, permissions.to_read(self.partner_arn))

    def grant_manage_contact(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading and replacing the alliance lead contact, and requesting the code that a new address takes."""
        return self._grant(grantee, permissions.to_manage_contact(self.partner_arn, self.catalog))

    def grant_manage_tags(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading, setting and removing tags, except the construct's own ownership tag.

        Whether the Sandbox takes tags after CreatePartner, which refuses them there, is documented nowhere.
        """
        return self._grant(grantee, permissions.to_manage_tags(self.partner_arn))

    def _grant(self, grantee: iam.IGrantable, granted: Sequence[Permission]) -> iam.Grant:
        if mistakes := kind_mistakes("grantee", grantee, "grant_principal", _A_GRANTEE):
            raise PartnerAccountError(f"grant on {self.node.path!r}: {mistakes[0]}")
        grants = [
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=list(permission.actions),
                resource_arns=[permission.resource],
                conditions=permission.conditions,
            )
            for permission in granted
        ]
        return reduce(lambda one, other: one.combine(other), grants)


def _mistakes(actions: Sequence[str]) -> Iterator[str]:
    if not actions:
        yield "name at least one action, such as 'partnercentral:GetPartner'"
    for action in actions:
        if not isinstance(action, str):
            yield "each action must be a string, and an argument of its own: grant(role, 'partnercentral:GetPartner')"
            continue
        service, _, operation = action.partition(":")
        if service != "partnercentral" or not operation:
            yield f"{action!r} is no action of Partner Central, which begin with partnercentral:"
        elif operation not in permissions.ON_PARTNER:
            yield (
                f"{action!r} would have no effect: it is none of the actions that take a partner's ARN "
                f"({', '.join(sorted(permissions.ON_PARTNER))}); grant others on '*' or on their own resources yourself"
            )
