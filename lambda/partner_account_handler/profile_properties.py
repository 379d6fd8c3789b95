"""The properties of a PartnerProfile, read from the template. Pure values: no calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partner_account_handler.fields import Fields
from partner_account_handler.identity import catalog_of, is_partner_arn, partner_id

_VISIBILITIES = ("PRIVATE", "PUBLIC")
_LEFT_AS_THEY_ARE = ("PrimarySolutionType", "Headquarters")  # by a template without them


@dataclass(frozen=True, repr=False)
class ProfileProperties:
    """The profile that the template describes."""

    partner_arn: str
    details: Mapping[str, Any]
    """The members of StartProfileUpdateTask's TaskDetails that the template gives."""
    visibility: str  # empty: left as it is

    @property
    def physical_id(self) -> str:
        """The profile's physical resource id: another partner is a replacement."""
        return f"profile-of-{partner_id(self.partner_arn)}"

    @property
    def logos(self) -> list[str]:
        """The addresses from which AWS fetches the logos."""
        return [part["LogoUrl"] for part in (self.details, *self.details.get("LocalizedContents", []))]

    def is_in(self, told: Mapping[str, Any], *, logos: bool = True) -> bool:
        """Whether a profile, or the details of a task, match the template; optionally without the `logos`.

        What the template omits may have any value there, except localized contents, which a task without them removes.
        """
        wanted = {"LocalizedContents": [], **self.details}
        return all(
            _comparable(name, value, logos=logos) == _comparable(name, told.get(name), logos=logos)
            for name, value in wanted.items()
        )

    def would_start(self, details: Mapping[str, Any], profile: Mapping[str, Any]) -> bool:
        """Whether a task for this partner is one that the template starts: what it omits stays as in the profile."""
        kept = {name: profile.get(name) for name in _LEFT_AS_THEY_ARE}
        ours = {**kept, **self.details}
        return self.is_in(details) and all(details.get(name) in (None, ours[name]) for name in _LEFT_AS_THEY_ARE)

    def left_out_by(self, other: ProfileProperties) -> list[str]:
        """What this template sets, and the other one leaves unchanged."""
        names = [name for name in _LEFT_AS_THEY_ARE if name in self.details and name not in other.details]
        return [*names, *(["Visibility"] if self.visibility and not other.visibility else [])]

    @classmethod
    def read(cls, raw: object) -> ProfileProperties:
        """From ResourceProperties; a RequestError means that they are not those of a PartnerProfile, or of a newer one.

        Lengths and patterns are left to the service model.
        """
        fields = Fields.of_template(raw)
        details: dict[str, Any] = {
            **_texts(fields),
            "IndustrySegments": fields.items("IndustrySegments"),
            "TranslationSourceLocale": fields.text("TranslationSourceLocale"),
        }
        if not all(isinstance(segment, str) for segment in details["IndustrySegments"]):
            fields.wrong("IndustrySegments", "is not a list of strings")
        if solution_type := fields.text("PrimarySolutionType", default=""):
            details["PrimarySolutionType"] = solution_type
        if contents := fields.sections("LocalizedContents"):
            details["LocalizedContents"] = [{"Locale": one.text("Locale"), **_texts(one)} for one in contents]
        if "Headquarters" in fields.raw:
            headquarters = fields.section("Headquarters")
            details["Headquarters"] = {name: headquarters.text(name) for name in ("CountryCode", "SubdivisionCode")}
        visibility = fields.text("Visibility", default="")
        if visibility not in ("", *_VISIBILITIES):
            fields.wrong("Visibility", f"is none of {', '.join(_VISIBILITIES)}")
        arn = fields.text("PartnerArn")
        if arn and not (is_partner_arn(arn) and catalog_of(arn)):
            fields.wrong("PartnerArn", "is not a partner's ARN")
        fields.require_none_wrong()
        return cls(arn, details, visibility)


def _texts(fields: Fields) -> dict[str, str]:
    shown = {name: fields.name(name, joiners=True) for name in ("DisplayName", "Description")}
    return {**shown, **{name: fields.text(name) for name in ("WebsiteUrl", "LogoUrl")}}


def _comparable(name: str, value: Any, *, logos: bool) -> object:
    """A value to compare: the order of entries doesn't matter."""
    if name == "LogoUrl":
        return value if logos else ""
    if name == "IndustrySegments":
        return frozenset(value or ())
    if name == "LocalizedContents":
        return {content.get("Locale"): content if logos else {**content, "LogoUrl": ""} for content in value or ()}
    return value
