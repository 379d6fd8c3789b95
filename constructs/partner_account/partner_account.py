"""The construct itself: validates the props and assembles the parts from the other modules."""

from collections.abc import Mapping
from itertools import chain
from typing import Literal

import jsii
from aws_cdk import Annotations, ITaggableV2, Stack, TagManager
from constructs import Construct

from partner_account.clashes import DeclaredPartner, PartnerRegistry
from partner_account.errors import raise_if_invalid, stack_of
from partner_account.grants import IPartnerAccount
from partner_account.imported import ExportedPartner, ImportedPartner
from partner_account.outputs import PARTNER_ATTRIBUTES, OutputNames
from partner_account.props import AllianceLeadContact, Catalog, ExportNames, PrimarySolutionType
from partner_account.provider import PartnerAccountProvider, sharing_errors
from partner_account.resource import add_partner
from partner_account.synth_checks import SynthChecks, TagChecks, tag_manager_in
from partner_account.validation import PartnerProps, as_member, as_struct, export_names_errors, props_errors
from partner_account.verification_code import VerificationCode

_SECOND_PARTNER = (
    "This app has another PartnerAccount in catalog AWS. If both are deployed to one AWS account, the later one is "
    "refused; if two stacks are deployed at the same time, two can be created, which can't be undone. Keep one; "
    "if their AWS accounts differ, acknowledge this warning."
)


@jsii.implements(ITaggableV2)
class PartnerAccount(IPartnerAccount):
    """An AWS Partner Central account in the AWS account that the stack is deployed to.

    Creating one in `Catalog.AWS` can't be undone: neither a rollback nor deleting the stack nor
    removing the construct deletes the partner, regardless of its removal policy. Creating it accepts the
    AWS Partner Central and ACE terms for the company, and determines the AWS account that pays the annual
    APN fee. A company that is already an AWS Partner must migrate its account instead: a new registration
    replaces its historical partner data.
    For AWS's own pages, see https://cdk-partner-account.readthedocs.io/en/stable/docs/what-it-means.html

    The contact and the tags can be changed later. `catalog` and `legal_name` can't, and this construct
    can't change `primary_solution_type`.

    `Tags.of(…)` on the partner, its stack or the app, and `Stack(tags=…)`, tag the partner. The Sandbox refuses tags
    in CreatePartner, so none are sent there.
    """

    def __init__(  # noqa: PLR0913 - flat props, as CDK has them
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name for it
        *,
        catalog: Catalog | Literal["AWS", "Sandbox"],
        legal_name: str,
        primary_solution_type: PrimarySolutionType | str,
        alliance_lead_contact: AllianceLeadContact | Mapping[str, str],
        email_verification_code: VerificationCode,
        company_is_new_to_apn: bool = False,
        existing_partner_id: str | None = None,
        outputs: bool = True,
        export_names: ExportNames | Mapping[str, str] | None = None,
        provider: PartnerAccountProvider | None = None,
    ) -> None:
        """Declare a partner account.

        Literal values are validated at synth by the service's own rules; values with a token or `{{resolve:ssm:…}}`
        are validated by the function at deployment. Neither can contain what no name contains: a fragment of a token,
        `${…}`, `{{…}}`, the `repr` of a Python object, an invisible character.

        Args:
            scope: The stack, or any construct in it.
            id: Unique within `scope`. It is part of the partner's identity: if you rename it,
                move the partner, or the deployment fails:
                https://cdk-partner-account.readthedocs.io/en/stable/docs/moving.html
            catalog: Where the partner is created. It has no default and can't be a token, so
                that the code always shows it.
            legal_name: The registered name of the business, 1 to 80 characters without control
                characters, emoji or extra spaces. Unique among all partners; can be a token.
            primary_solution_type: A member of the enum or its exact name, or a token.
            alliance_lead_contact: The person AWS contacts, also as a dict of the same fields, which can be tokens.
            email_verification_code: The source of the code that AWS sent to the contact.
            company_is_new_to_apn: True confirms that the company has no account in the AWS Partner Network (APN),
                migrated or not. Required in `Catalog.AWS`, unless a partner is adopted: a company that is already an
                AWS Partner must migrate, and no API call reports whether it is one. Ignored in the Sandbox.
            existing_partner_id: A partner that this AWS account already has in the catalog: the deployment adopts it
                and creates none, or fails if there is no such partner. `partner-` followed by 13 letters or digits,
                or a token. By default a partner is created, unless the account already has one in catalog AWS: then
                the deployment fails with its id. A partner that this construct created is always found again.
            outputs: Whether the stack gets the outputs `<name>Arn`, `<name>Id` and
                `<name>ProfileId`, where `<name>` is the letters and digits of the construct's path
                below its stack. Outside nested stacks they are exported as
                `<stack name>-<name>-Arn` and so on.
            export_names: Export names to use instead.
            provider: A provider in the same account, region and app, such as one that several stacks share. By default
                the stack's own, which is created if there is none.

        Raises:
            PartnerAccountError: The partner can't be synthesized as declared; the message lists every error.
        """
        stack_of(scope, id)
        super().__init__(scope, id)
        props = PartnerProps(
            catalog=as_member(Catalog, catalog),
            legal_name=legal_name,
            primary_solution_type=as_member(PrimarySolutionType, primary_solution_type),
            contact=as_struct(AllianceLeadContact, alliance_lead_contact),
            code=email_verification_code,
            company_is_new_to_apn=company_is_new_to_apn,
            existing_partner_id=existing_partner_id,
        )
        given = as_struct(ExportNames, export_names)
        chosen = given if isinstance(given, ExportNames) else ExportNames()
        names = OutputNames(
            self,
            PARTNER_ATTRIBUTES,
            outputs=outputs,
            prop="export_names",
            chosen={"Arn": chosen.partner_arn, "Id": chosen.partner_id, "ProfileId": chosen.profile_id},
        )
        declared = DeclaredPartner.of(self, props, names)
        registry = PartnerRegistry.of(self)
        others = registry.partners
        raise_if_invalid(
            self.node.path,
            [
                *props_errors(props, self),
                *export_names_errors(given),
                *names.errors(),
                *(sharing_errors(self, provider) if provider is not None else ()),
                *(error for other in others for error in declared.clashes_with(other)),
                *(error for other in registry.profiles for error in declared.export_clashes(other)),
            ],
        )
        # Lazy: each check whether a partner is still in the tree calls CDK.
        beside = (other for other in reversed(others) if declared.is_second_beside(other))
        if nearest := next(beside, None):
            Annotations.of(self).add_warning_v2("partner-account:second-partner", _SECOND_PARTNER)
        others.append(declared)
        if existing_partner_id is None:
            props.code._warn(self)

        self._catalog = props.catalog
        self._tags = tag_manager_in(Stack.of(self))
        # The Sandbox refuses tags in CreatePartner.
        tags = self._tags.rendered_tags if props.catalog == Catalog.AWS else None
        provider = provider or PartnerAccountProvider.get_or_create(self)
        self._resource = add_partner(self, props, names, tags, provider)
        # CloudFormation would create a stack's partners in parallel; in sequence, the later one finds the earlier one.
        if nearest:
            resources = (other.resource_in(Stack.of(self)) for other in chain([nearest], beside))
            if before := next(filter(None, resources), None):
                self._resource.node.add_dependency(before)
        added = names.add(self, self._resource)
        self.node.add_validation(SynthChecks(self, props.texts(), self._resource, added))
        self.node.add_validation(TagChecks(self, self._tags))

    def _attribute(self, name: str) -> str:
        return self._resource.get_att(name).to_string()

    @property
    def catalog(self) -> Catalog:
        """The catalog the partner is in."""
        return self._catalog

    @property
    def cdk_tag_manager(self) -> TagManager:
        """The tags of the partner, for `Tags.of(…)`."""
        return self._tags

    @staticmethod
    def from_partner_arn(scope: Construct, id: str, partner_arn: str) -> IPartnerAccount:  # noqa: A002
        """Refer to a partner by its ARN, a literal or a token. It has no `profile_id`.

        Raises:
            PartnerAccountError: The ARN is a literal in an invalid format.
        """
        return ImportedPartner(scope, id, partner_arn)

    @staticmethod
    def from_partner_attributes(
        scope: Construct,
        id: str,  # noqa: A002
        *,
        partner_arn: str,
        profile_id: str | None = None,
    ) -> IPartnerAccount:
        """Refer to a partner by its attributes, literals or tokens.

        Args:
            scope: Any construct.
            id: Unique within `scope`.
            partner_arn: The partner's ARN, which contains its id and catalog.
            profile_id: `pprofile-` followed by 13 letters or digits. Without it, reading `profile_id` fails.

        Raises:
            PartnerAccountError: A literal has an invalid format.
        """
        return ImportedPartner(scope, id, partner_arn, profile_id)

    @staticmethod
    def from_stack_exports(
        scope: Construct,
        id: str,  # noqa: A002
        *,
        stack_name: str,
        partner_path: str,
    ) -> IPartnerAccount:
        """Refer to a partner in the same account and region by the exports of its stack.

        Args:
            scope: Any construct.
            id: Unique within `scope`.
            stack_name: The name under which the partner's stack is deployed.
            partner_path: The partner's construct path below its stack, such as `Partner`.

        An attribute's export is imported when the attribute is used. While a stack imports it, its value can't
        change, even a `profile_id` of `pending`.

        Raises:
            PartnerAccountError: No stack or partner can have these names.
        """
        return ExportedPartner(scope, id, stack_name, partner_path)
