"""The construct of a partner's profile: validates the props and assembles the parts from the other modules."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from aws_cdk import Resource
from constructs import Construct

from partner_account.clashes import DeclaredProfile, PartnerRegistry
from partner_account.errors import raise_if_invalid, stack_of
from partner_account.grants import IPartnerAccount
from partner_account.outputs import PROFILE_ATTRIBUTES, OutputNames
from partner_account.profile_props import ProfileProps, profile_errors
from partner_account.props import (
    Headquarters,
    IndustrySegment,
    LocalizedContent,
    PrimarySolutionType,
    ProfileVisibility,
)
from partner_account.provider import PartnerAccountProvider, sharing_errors
from partner_account.resource import add_profile
from partner_account.signature import ShownSignature
from partner_account.synth_checks import SynthChecks
from partner_account.validation import as_list, as_member, as_struct

_KIND = "PartnerProfile"


class PartnerProfile(ShownSignature, Resource):
    """The profile of a partner: what AWS shows to others, once it is approved and public.

    A deployment starts at most one profile task, and waits up to a minute for it to end: AWS's review can take days.
    Neither deleting the stack nor removing the construct changes the profile or its visibility, regardless of its
    removal policy. For details, see https://cdk-partner-account.readthedocs.io/en/stable/docs/profile.html
    """

    def __init__(  # noqa: PLR0913 - flat props, as CDK has them
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name for it
        *,
        partner: IPartnerAccount,
        display_name: str,
        description: str,
        website_url: str,
        logo_url: str,
        industry_segments: Sequence[IndustrySegment | str],
        primary_solution_type: PrimarySolutionType | str | None = None,
        translation_source_locale: str = "en-US",
        localized_contents: Sequence[LocalizedContent | Mapping[str, str]] | None = None,
        headquarters: Headquarters | Mapping[str, str] | None = None,
        visibility: ProfileVisibility | Literal["PRIVATE", "PUBLIC"] | None = None,
        outputs: bool = True,
        export_name: str | None = None,
        provider: PartnerAccountProvider | None = None,
    ) -> None:
        """Declare the profile of a partner, which has only one.

        Literal values are validated at synth by the service's own rules; values with a token or `{{resolve:ssm:…}}`
        are validated by the function at deployment.

        Args:
            scope: The stack, or any construct in it.
            id: Unique within `scope`.
            partner: A `PartnerAccount` in any stack of the app, or one that its `from_…` methods return; in the stack's
                own AWS account. Changing the partner is a replacement: the former partner's profile is retained.
            display_name: The name that is shown, 1 to 80 characters without control characters or emoji.
            description: 1 to 600 characters without control characters or emoji.
            website_url: An https URL, up to 256 characters.
            logo_url: An https URL, up to 256 characters, from which the service fetches the logo.
            industry_segments: One to three members of the enum or their exact names, each once, or tokens.
            primary_solution_type: A member of the enum or its exact name, or a token. By default the partner's
                current one.
            translation_source_locale: The language of the texts above, as `xx-XX`.
            localized_contents: The profile in other languages, one entry per locale, up to 20; also dicts of the same
                fields. By default none.
            headquarters: Also a dict of the same fields. By default left unchanged.
            visibility: Who can see the profile; a member of the enum or its exact name, or a token. By default left
                unchanged.
            outputs: Whether the stack gets the outputs `<name>ProfileId` and `<name>TaskStatus`, where `<name>` is the
                letters and digits of the construct's path below its stack. Outside nested stacks the former is
                exported as `<stack name>-<name>-ProfileId`.
            export_name: The export name to use instead.
            provider: A provider in the same account, region and app, such as one that several stacks share. By default
                the stack's own, which is created if there is none.

        Raises:
            PartnerAccountError: The profile can't be synthesized as declared, or the app has another profile of the
                partner; the message lists every error.
        """
        stack_of(scope, id, _KIND)
        super().__init__(scope, id)
        props = ProfileProps(
            partner=partner,
            display_name=display_name,
            description=description,
            website_url=website_url,
            logo_url=logo_url,
            industry_segments=as_list(partial(as_member, IndustrySegment), industry_segments),
            primary_solution_type=primary_solution_type and as_member(PrimarySolutionType, primary_solution_type),
            translation_source_locale=translation_source_locale,
            localized_contents=as_list(partial(as_struct, LocalizedContent), localized_contents or []),
            headquarters=as_struct(Headquarters, headquarters),
            visibility=visibility and as_member(ProfileVisibility, visibility),
        )
        names = OutputNames(
            self, PROFILE_ATTRIBUTES, outputs=outputs, prop="export_name", chosen={"ProfileId": export_name}
        )
        registry = PartnerRegistry.of(self)
        errors = [
            *profile_errors(props, self),
            *names.errors(),
            *(sharing_errors(self, provider) if provider is not None else ()),
        ]
        if isinstance(partner, IPartnerAccount):
            declared = DeclaredProfile.of(self, partner, names)
            errors += [error for other in registry.profiles for error in declared.clashes_with(other)]
            errors += [error for other in registry.partners for error in declared.export_clashes(other)]
        raise_if_invalid(self.node.path, errors, _KIND)
        registry.profiles.append(declared)

        provider = provider or PartnerAccountProvider.get_or_create(self)
        self._resource = add_profile(self, props, names, provider)
        added = names.add(self, self._resource)
        self.node.add_validation(SynthChecks(self, props.texts(), self._resource, added))

    @property
    def profile_id(self) -> str:
        """The profile's id: `pprofile-` and 13 letters or digits, or `pending` until the service returns one."""
        return self._resource.get_att("ProfileId").to_string()

    @property
    def task_status(self) -> str:
        """`SUCCEEDED` if the profile matches the template, `IN_PROGRESS` while AWS validates or reviews it.

        It is as of the latest deployment; a later deployment refreshes it only if it changes the profile.
        """
        return self._resource.get_att("TaskStatus").to_string()
