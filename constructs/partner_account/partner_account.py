"""The construct itself: it refuses what can't work and puts the parts of the other modules together."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Annotations, AspectPriority, Aspects, IResolvable, ITaggableV2, TagManager
from constructs import Construct

from partner_account.errors import refuse_mistakes
from partner_account.grants import GrantablePartner
from partner_account.imported import ExportedPartner, ImportedPartner
from partner_account.interface import IPartnerAccount
from partner_account.metrics import PartnerMetric, PartnerMetrics
from partner_account.neighbours import Neighbourhood, neighbour_of
from partner_account.outputs import OutputNames, StackOutputs
from partner_account.place import Place
from partner_account.props import (
    AllianceLeadContact,
    Catalog,
    ExistingPartner,
    ExportNames,
    Partner,
    PrimarySolutionType,
)
from partner_account.provider import PartnerAccountProvider, own_provider, sharing_mistakes
from partner_account.resource import add_resource
from partner_account.tags import SandboxTagNotice, TagRules, tag_manager_in
from partner_account.tokens import TokenRules
from partner_account.validation import partner_mistakes, texts_with_tokens
from partner_account.verification_code import VerificationCode

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

_SECOND_PARTNER = (
    "This app has another PartnerAccount in the same catalog, and one of the two refuses others. If they are deployed "
    "to one AWS account, that one stops its deployment where the other's partner is there first; else both may be "
    "created, since partners of one stack begin at the same moment, and that can't be undone. If both are wanted, say "
    "existing_partner=ExistingPartner.allow_another() at each that refuses; if their AWS accounts differ, acknowledge "
    "this warning."
)


@jsii.implements(ITaggableV2)
class PartnerAccount(GrantablePartner):
    """An AWS Partner Central account of the AWS account that the stack is deployed to.

    Creating one in `Catalog.AWS` can't be undone: neither a rollback nor deleting the stack nor
    removing the construct deletes the partner. It accepts the AWS Partner Central and ACE terms for the
    company, and chooses the AWS account that pays the yearly APN fee. A company that is an AWS Partner
    already must migrate its account instead: a new registration replaces its historical partner data.
    docs/what-it-means.md names AWS's pages.

    The contact and the tags can be changed later; `catalog` and `legal_name` can't, and
    `primary_solution_type` not by this construct.

    `Tags.of(…)` on the partner, its stack or the app, and `Stack(tags=…)`, tag the partner; in the
    Sandbox, which refuses tags in CreatePartner, none of them are sent.
    """

    def __init__(  # noqa: PLR0913 - flat props, as CDK has them
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name for it
        *,
        catalog: Catalog,
        legal_name: str,
        primary_solution_type: PrimarySolutionType | str,
        alliance_lead_contact: AllianceLeadContact,
        email_verification_code: VerificationCode,
        company_is_new_to_apn: bool = False,
        existing_partner: ExistingPartner | None = None,
        outputs: bool = True,
        export_names: ExportNames | None = None,
        provider: PartnerAccountProvider | None = None,
    ) -> None:
        """Declare a partner account.

        Literal values are judged at once by the service's own rules; what holds a token, or `{{resolve:ssm:…}}`, is
        judged by the function at deployment. Neither may hold what no name holds: the remains of a token, `${…}`,
        `{{…}}`, the name of a Python object, a character that can't be seen.

        Args:
            scope: The stack, or any construct in it.
            id: Unique within `scope`. It is part of what the partner is known by: who renames it
                must move the partner, or the deployment refuses: docs/moving.md says how.
            catalog: Where the partner is created. There is no default and it can't be a token, so
                that every reader sees where it happens.
            legal_name: The registered name of the business, 1 to 80 characters without control
                characters, emoji and superfluous blanks. Unique among all partners; may be a token.
            primary_solution_type: A member of the enum, or a token.
            alliance_lead_contact: The person AWS talks to. Its fields may be tokens.
            email_verification_code: Where the code that AWS sent to the contact is found.
            company_is_new_to_apn: True says that the company has no account of the AWS Partner Network (APN),
                migrated or not. It must be said in `Catalog.AWS`, unless a partner is adopted: a company that is an
                AWS Partner already must migrate, and no call of the service tells whether it is one. In the
                Sandbox it means nothing.
            existing_partner: What to do about a partner that the account has already. By default
                the deployment is refused and names it.
            outputs: Whether the stack gets the outputs `<name>Arn`, `<name>Id` and
                `<name>ProfileId`, where `<name>` is the letters and digits of the construct's path
                below its stack. Outside nested stacks they are exported as
                `<stack name>-<name>-Arn` and so on.
            export_names: Names to export them under instead.
            provider: A provider of the same account, region and app, such as one that several stacks share. By default
                the stack's own, which is found or made.

        Raises:
            PartnerAccountError: Some of this can't work; the message lists every mistake.
        """
        super().__init__(scope, id)
        partner = Partner(
            catalog=catalog,
            legal_name=legal_name,
            primary_solution_type=primary_solution_type,
            contact=alliance_lead_contact,
            code=email_verification_code,
            company_is_new_to_apn=company_is_new_to_apn,
            existing=ExistingPartner.refuse() if existing_partner is None else existing_partner,
        )
        place = Place.of(self, scope)
        names = OutputNames(place, outputs=outputs, own=export_names)
        self._check(place, partner, names, provider)

        if texts := texts_with_tokens(partner):
            TokenRules.of(place.home.stack).watch(place.path, texts)
        self._catalog = catalog
        self._tags = tag_manager_in(place.home.stack)
        self._resource = add_resource(
            self, place, partner, self._sent_tags(place), provider or own_provider(place.home.stack)
        )
        self._metrics = PartnerMetrics(self._resource)
        StackOutputs.of(place.home.stack).add(self, place, names, self._resource)

    @property
    def partner_arn(self) -> str:
        """The partner's ARN, a token."""
        return self._attribute("Arn")

    @property
    def partner_id(self) -> str:
        """The partner's id, `partner-` and 13 letters or digits; a token."""
        return self._attribute("Id")

    @property
    def profile_id(self) -> str:
        """The id of the partner's profile, a token.

        It is `pprofile-` and 13 letters or digits, or `pending` while the service has given none;
        the next update of the partner then brings the real one.
        """
        return self._attribute("ProfileId")

    @property
    def catalog(self) -> Catalog:
        """The catalog the partner is in."""
        return self._catalog

    def metric(self, metric: PartnerMetric, **options: Any) -> "cloudwatch.Metric":
        """A metric of this partner, for an alarm or a dashboard.

        Deployments are rare, and a metric has no data between them: let alarms treat missing data as not breaching.

        Args:
            metric: Which one.
            options: Those of `cloudwatch.MetricOptions`. By default `statistic` is Sum, and Average for the duration,
                and `period` 5 minutes. `dimensions_map` is added to the partner's own dimensions:
                `{"Reason": "OutOfTime"}` tells one reason of a failure from the others.

        Raises:
            PartnerAccountError: There is no such metric.
        """
        return self._metrics.metric(metric, options)

    @property
    def cdk_tag_manager(self) -> TagManager:
        """The tags of the partner, for `Tags.of(…)`."""
        return self._tags

    @staticmethod
    def from_partner_arn(scope: Construct, id: str, partner_arn: str) -> IPartnerAccount:  # noqa: A002
        """Refer to a partner by its ARN, a literal or a token. It has no `profile_id`.

        Raises:
            PartnerAccountError: The ARN is a literal of another form.
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
        """Refer to a partner by what is known of it, literals or tokens.

        Args:
            scope: Any construct.
            id: Unique within `scope`.
            partner_arn: The partner's ARN. Id and catalog are taken from it.
            profile_id: `pprofile-` and 13 letters or digits. Without it, using `profile_id` is an error.

        Raises:
            PartnerAccountError: A literal has another form.
        """
        return ImportedPartner(scope, id, partner_arn, profile_id)

    @staticmethod
    def from_stack_exports(
        scope: Construct,
        id: str,  # noqa: A002
        *,
        stack_name: str,
        partner: str,
    ) -> IPartnerAccount:
        """Refer to a partner of the same account and region by the exports of its stack.

        Args:
            scope: Any construct.
            id: Unique within `scope`.
            stack_name: The name under which the partner's stack is deployed.
            partner: The partner's construct path below its stack, such as `Partner`.

        An attribute's export is imported when the attribute is used. It can't change as long as a stack imports
        it, so leave `profile_id` alone while it may be `pending`.

        Raises:
            PartnerAccountError: No stack and partner can be of these names.
        """
        return ExportedPartner(scope, id, stack_name, partner)

    def _attribute(self, name: str) -> str:
        return self._resource.get_att(name).to_string()

    def _check(
        self, place: Place, partner: Partner, names: OutputNames, provider: PartnerAccountProvider | None
    ) -> None:
        neighbourhood = Neighbourhood.of(place.home.stack)
        neighbour = neighbour_of(place, partner, names)
        refuse_mistakes(
            neighbour.path,
            [
                *partner_mistakes(partner, self, place.home),
                *names.mistakes(),
                *_provider_mistakes(self, provider),
                *neighbourhood.clashes(neighbour),
            ],
        )
        if neighbourhood.may_stop(neighbour):
            Annotations.of(self).add_warning_v2("partner-account:second-partner", _SECOND_PARTNER)
        neighbourhood.welcome(neighbour)

    def _sent_tags(self, place: Place) -> IResolvable | None:
        if self._catalog == Catalog.SANDBOX:  # it refuses them
            notice = SandboxTagNotice(self, self._tags)
            # After all aspects that bring tags.
            Aspects.of(self).add(notice, priority=AspectPriority.READONLY)
            return None
        tags = self._tags.rendered_tags
        TagRules.of(place.home.stack).watch(place.path, tags)
        return tags


def _provider_mistakes(scope: Construct, provider: object) -> Iterator[str]:
    if provider is None:
        return
    if isinstance(provider, PartnerAccountProvider):
        yield from sharing_mistakes(scope, provider)
    else:
        yield "provider: must be a PartnerAccountProvider, such as PartnerAccountProvider.of(stack)"
