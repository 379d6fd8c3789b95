"""The interface of every partner account, whether an app creates it or only refers to it, with its grants."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import jsii
from aws_cdk import Fn, Resource
from aws_cdk import aws_iam as iam

from partner_account.errors import PartnerAccountError, type_errors
from partner_account.props import Catalog
from partner_account.signature import ShownSignature
from partner_account.tokens import holds_token
from partner_account_handler.identity import OWNER_TAG

_ACTIONS_ON_PARTNER = frozenset(
    {
        "AssociateAwsTrainingCertificationEmailDomain",
        "CancelProfileUpdateTask",
        "DisassociateAwsTrainingCertificationEmailDomain",
        "GetAllianceLeadContact",
        "GetPartner",
        "GetProfileUpdateTask",
        "GetProfileVisibility",
        "GetQualificationsAssociationDetails",
        "GetQualificationsAssociationTask",
        "GetQualificationsDisassociationTask",
        "PutAllianceLeadContact",
        "PutProfileVisibility",
        "StartProfileUpdateTask",
        "StartQualificationsAssociationTask",
        "StartQualificationsDisassociationTask",
        "TagResource",
        "UntagResource",
    }
)
"""The actions for which the Service Authorization Reference lists a partner's ARN."""

# arn:<partition>:partnercentral:<region>:<account>:catalog/<catalog>/partner/<id>
_CATALOG, ID = 1, 3

_TAGGING = {"partnercentral:TagResource", "partnercentral:UntagResource"}


class IPartnerAccount(ShownSignature, Resource, metaclass=jsii.JSIIAbstractClass):
    """A partner account: a `PartnerAccount`, or one that its `from_…` methods return."""

    @abstractmethod
    def _attribute(self, name: str) -> str:
        """The attribute `Arn`, `Id` or `ProfileId` of the custom resource."""

    @property
    def partner_arn(self) -> str:
        """The partner's ARN."""
        return self._attribute("Arn")

    @property
    def partner_id(self) -> str:
        """The partner's id, `partner-` followed by 13 letters or digits."""
        return self._attribute("Id")

    @property
    def profile_id(self) -> str:
        """The id of the partner's profile: `pprofile-` followed by 13 letters or digits, or `pending`.

        It is `pending` until the service returns one; the next update of the partner then sets the real one.

        Raises:
            PartnerAccountError: The partner was imported without it.
        """
        return self._attribute("ProfileId")

    @property
    def catalog(self) -> str:
        """The catalog the partner is in: a `Catalog`, or a token."""
        name = part_of_arn(self.partner_arn, _CATALOG)
        return Catalog(name) if name in set(Catalog) else name

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Allow these `partnercentral:` actions on this partner, each by its full name.

        TagResource and UntagResource are not granted for the ownership tag, by which the construct finds its partner.

        Raises:
            PartnerAccountError: An action is not one of the 17 that accept a partner's ARN, or has a wildcard.
        """
        if errors := list(_action_errors(actions)):
            raise PartnerAccountError(f"grant on {self.node.path!r}: {'; '.join(errors)}")
        tagging = [action for action in actions if action in _TAGGING]
        others = [action for action in actions if action not in _TAGGING]
        grants = [self._grant(grantee, others, self.partner_arn)] if others else []
        if tagging:
            not_the_owner = {"ForAllValues:StringNotEqualsIgnoreCase": {"aws:TagKeys": OWNER_TAG}}
            grants.append(self._grant(grantee, tagging, self.partner_arn, not_the_owner))
        return grants[0].combine(grants[-1]) if len(grants) > 1 else grants[0]

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading the partner, its contact, its profile's visibility and tasks, and its tags."""
        reading = ("GetAllianceLeadContact", "GetPartner", "GetProfileUpdateTask", "GetProfileVisibility")
        granted = self._grant(grantee, [f"partnercentral:{name}" for name in reading], self.partner_arn)
        # The Service Authorization Reference lists no resource type for it.
        return granted.combine(self._grant(grantee, ["partnercentral:ListTagsForResource"], "*"))

    def _grant(
        self,
        grantee: iam.IGrantable,
        actions: Sequence[str],
        resource: str,
        conditions: dict[str, dict[str, str]] | None = None,
    ) -> iam.Grant:
        expected = 'a grantable, such as Role.from_role_arn(stack, "Role", arn)'
        if errors := type_errors("grantee", grantee, "grant_principal", expected):
            raise PartnerAccountError(f"grant on {self.node.path!r}: {errors[0]}")
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=list(actions), resource_arns=[resource], conditions=conditions
        )


def part_of_arn(arn: str, number: int) -> str:
    """One part of a partner's ARN, split at its slashes; a literal or a token."""
    return Fn.select(number, Fn.split("/", arn)) if holds_token(arn) else arn.split("/")[number]


def _action_errors(actions: Sequence[str]) -> Iterator[str]:
    if not actions:
        yield "name at least one action, such as 'partnercentral:GetPartner'"
    for action in actions:
        if not isinstance(action, str):
            yield "each action must be a string and a separate argument: grant(role, 'partnercentral:GetPartner')"
            continue
        service, _, name = action.partition(":")
        if service != "partnercentral" or not name:
            yield f"{action!r} is not a Partner Central action; those begin with partnercentral:"
        elif "*" in name or "?" in name:
            yield f"{action!r} has a wildcard, which could also grant future actions; name each action"
        elif name == "ListTagsForResource":
            yield f"{action!r} has no documented resource type; grant_read grants it on '*'"
        elif name not in _ACTIONS_ON_PARTNER:
            yield (
                f"{action!r} doesn't accept a partner's ARN; only these do: {', '.join(sorted(_ACTIONS_ON_PARTNER))}; "
                "grant it on '*' or on its own resource yourself"
            )
