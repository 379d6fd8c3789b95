"""The props of a PartnerProfile: validated against the service model, and converted to what the handler reads.

Tokens pass, since their values are known only at deployment.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from constructs import Construct

from partner_account.errors import string_error
from partner_account.grants import IPartnerAccount
from partner_account.props import (
    Headquarters,
    IndustrySegment,
    LocalizedContent,
    PrimarySolutionType,
    ProfileVisibility,
)
from partner_account.service_model import member_shape, shapes
from partner_account.tokens import is_left_to_deployment, is_list_token, known
from partner_account.validation import is_list, literal_errors, member_errors, region_errors, wrong_keys
from partner_account_handler.texts import composed

_TEXTS = {
    "display_name": "DisplayName",
    "description": "Description",
    "website_url": "WebsiteUrl",
    "logo_url": "LogoUrl",
}

# Persian and the languages of India need them, although they are invisible.
_JOINERS = {0x200C: "x", 0x200D: "x"}


@dataclass(frozen=True, kw_only=True)
class ProfileProps:
    """The props of a PartnerProfile that describe the profile."""

    partner: IPartnerAccount
    display_name: str
    description: str
    website_url: str
    logo_url: str
    industry_segments: Sequence[IndustrySegment | str]
    primary_solution_type: PrimarySolutionType | str | None
    translation_source_locale: str
    localized_contents: Sequence[LocalizedContent]
    headquarters: Headquarters | None
    visibility: ProfileVisibility | str | None

    def texts(self) -> dict[str, str]:
        """The texts that Partner Central shows to others, by prop."""
        parts = {"": self, **_by_prop(self.localized_contents)}
        return {
            f"{prefix}{prop}": getattr(part, prop).translate(_JOINERS)
            for prefix, part in parts.items()
            for prop in _TEXTS
        }

    def to_properties(self) -> Mapping[str, Any]:
        """The properties of the custom resource, except the partner."""
        optional: dict[str, Any] = {}
        if self.primary_solution_type is not None:
            optional["PrimarySolutionType"] = str(self.primary_solution_type)
        if self.localized_contents:
            optional["LocalizedContents"] = [
                {"Locale": content.locale, **_texts_of(content)} for content in self.localized_contents
            ]
        if self.headquarters is not None:
            optional["Headquarters"] = {
                "CountryCode": self.headquarters.country_code,
                "SubdivisionCode": self.headquarters.subdivision_code,
            }
        if self.visibility is not None:
            optional["Visibility"] = str(self.visibility)
        return {
            **_texts_of(self),
            "IndustrySegments": [str(segment) for segment in self.industry_segments],
            "TranslationSourceLocale": self.translation_source_locale,
            **optional,
        }


def profile_errors(props: ProfileProps, profile: Construct) -> Iterator[str]:
    """The errors of the profile declared at `profile`, regardless of the rest of the app."""
    stack = Stack.of(profile)
    yield from region_errors(stack.region)
    yield from _partner_errors(props.partner, stack)
    yield from _text_errors("", props, "TaskDetails")
    yield from _segment_errors(props.industry_segments)
    if props.primary_solution_type is not None:
        yield from member_errors("primary_solution_type", props.primary_solution_type, PrimarySolutionType)
    yield from _locale_errors("translation_source_locale", props.translation_source_locale)
    yield from _localized_errors(props.localized_contents, props.translation_source_locale)
    if props.headquarters is not None:
        yield from _headquarters_errors(props.headquarters)
    if props.visibility is not None:
        yield from member_errors("visibility", props.visibility, ProfileVisibility)


def _by_prop(contents: Sequence[LocalizedContent]) -> dict[str, LocalizedContent]:
    return {f"localized_contents[{number}].": content for number, content in enumerate(contents)}


def _texts_of(part: ProfileProps | LocalizedContent) -> dict[str, str]:
    return {member: composed(getattr(part, prop)) for prop, member in _TEXTS.items()}


def _partner_errors(partner: object, stack: Stack) -> Iterator[str]:
    if not isinstance(partner, IPartnerAccount):
        yield "partner: must be a PartnerAccount, or one that its from_… methods return"
        return
    theirs, ours = known(partner.env.account), known(stack.account)
    if theirs is not None and ours is not None and theirs != ours:
        yield (
            f"partner: is in account {theirs}, and the stack in {ours}; declare the profile in a stack in the "
            "partner's account"
        )


def _text_errors(prefix: str, part: object, structure: str) -> Iterator[str]:
    for prop, member in _TEXTS.items():
        value = getattr(part, prop)
        value = value.translate(_JOINERS) if isinstance(value, str) else value
        yield from literal_errors(f"{prefix}{prop}", value, member_shape(structure, member))


def _segment_errors(segments: object) -> Iterator[str]:
    most = shapes()["IndustrySegmentList"]["max"]
    if not is_list(segments):
        yield f"industry_segments: must be a list of 1 to {most} members of IndustrySegment"
        return
    if is_list_token(segments):
        return
    if not 1 <= len(segments) <= most:
        yield f"industry_segments: has {len(segments)} entries; allowed are 1 to {most}"
    for number, segment in enumerate(segments):
        if not isinstance(segment, IndustrySegment) and not is_left_to_deployment(segment):
            yield (
                f"industry_segments[{number}]: is {segment!r}; must be a member of IndustrySegment, such as "
                "IndustrySegment.SOFTWARE_INTERNET, its exact name, or a token"
            )
    yield from _repetition_errors("industry_segments", segments)


def _repetition_errors(prop: str, values: Sequence[object]) -> Iterator[str]:
    literals = [str(value) for value in values if isinstance(value, str) and not is_left_to_deployment(value)]
    for value in dict.fromkeys(literals):
        if literals.count(value) > 1:
            yield f"{prop}: has {value!r} {literals.count(value)} times; list it once"


def _locale_errors(prop: str, locale: object) -> Iterator[str]:
    if not isinstance(locale, str):
        yield string_error(prop, locale)
    elif not is_left_to_deployment(locale) and not re.fullmatch(shapes()["Locale"]["pattern"], locale):
        yield f"{prop}: is {locale!r}; use a language and a country, such as de-DE"


def _localized_errors(contents: object, source_locale: object) -> Iterator[str]:
    most = shapes()["LocalizedContentList"]["max"]
    if not is_list(contents):
        yield f"localized_contents: must be a list of up to {most} LocalizedContent"
        return
    if len(contents) > most:
        yield f"localized_contents: has {len(contents)} entries; allowed are up to {most}"
    locales = []
    for prefix, content in _by_prop(contents).items():
        prop = prefix.removesuffix(".")
        if not isinstance(content, LocalizedContent):
            yield (
                f"{prop}: must be a LocalizedContent(locale=…, display_name=…, description=…, website_url=…, "
                f"logo_url=…), or a dict of these five{wrong_keys(LocalizedContent, content)}"
            )
            continue
        yield from _locale_errors(f"{prefix}locale", content.locale)
        yield from _text_errors(prefix, content, "LocalizedContent")
        locales.append(content.locale)
        if content.locale == source_locale and not is_left_to_deployment(source_locale):
            yield (
                f"{prefix}locale: is {source_locale!r}, the translation_source_locale, whose texts are those of the "
                "profile itself; remove this entry"
            )
    yield from _repetition_errors("localized_contents: the locales", locales)


def _headquarters_errors(headquarters: object) -> Iterator[str]:
    if not isinstance(headquarters, Headquarters):
        yield (
            "headquarters: must be a Headquarters(country_code=…, subdivision_code=…), "
            f"or a dict of these two{wrong_keys(Headquarters, headquarters)}"
        )
        return
    # The function is deployed with the installed botocore's model, and sends nothing outside it.
    if "Headquarters" not in shapes():
        yield "headquarters: the installed botocore lacks them; install a newer version: pip install --upgrade boto3"
        return
    expected = {
        "country_code": ("CountryCode", "the two-letter ISO 3166-1 code, such as DE"),
        "subdivision_code": ("SubdivisionCode", "the ISO 3166-2 code without the country: BY, not DE-BY"),
    }
    for prop, (member, wanted) in expected.items():
        value = getattr(headquarters, prop)
        if not isinstance(value, str):
            yield string_error(f"headquarters.{prop}", value)
        elif not is_left_to_deployment(value) and not re.fullmatch(shapes()[member]["pattern"], value):
            yield f"headquarters.{prop}: is {value!r}; use {wanted}"
