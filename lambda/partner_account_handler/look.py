"""The first half of every Create: which of the account's partners, if any, this request is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from partner_account_handler.aws import Aws
from partner_account_handler.clock import Clock
from partner_account_handler.errors import CallError, PartnerError, TagsNotVisibleError
from partner_account_handler.identity import Owner, same_name
from partner_account_handler.partner import Partner
from partner_account_handler.request import Policy, Properties, Request

_NEW_SECONDS = 120.0
"""How long the tags of a partner may be missing, though they came into being with it."""


def look(request: Request, aws: Aws) -> Partner | None:
    """The partner that this request is about, or None if there is none and one may be created.

    Raises:
        PartnerError: the account has partners that must be decided on by a human.
        CallError: partners or their tags can't be read, which is never taken for "there are none".
    """
    wanted = request.wanted
    read_tags = aws.tags if wanted.taggable else aws.optional_tags
    partners = [replace(partner, tags=_tags(partner, read_tags)) for partner in aws.partners(wanted.catalog)]
    if wanted.taggable:
        _require_visible_tags(wanted, partners, aws.clock)
    return choose(wanted, request.owner, partners)


def _tags(partner: Partner, read_tags: Callable[[str], Mapping[str, str]]) -> Mapping[str, str]:
    try:
        return read_tags(partner.arn)
    except CallError as error:
        if error.fault.reason != "PARTNER_NOT_FOUND":
            raise
    raise TagsNotVisibleError(partner.id)


def _require_visible_tags(wanted: Properties, partners: Sequence[Partner], clock: Clock) -> None:
    """A new partner that nobody owns may be this construct's own, whose tags lag behind, unless it was named."""
    for partner in partners:
        named = wanted.policy is Policy.ADOPT and partner.id == wanted.adopted_id
        if partner.owner is None and not named and _is_new(partner, clock):
            raise TagsNotVisibleError(partner.id)


def _is_new(partner: Partner, clock: Clock) -> bool:
    if partner.created_at is None:
        return False
    age = (clock.now() - partner.created_at).total_seconds()
    # A time in the future would never pass: then our own clock decides.
    return (age if age >= 0 else clock.spent()) < _NEW_SECONDS


def choose(wanted: Properties, owner: Owner, partners: Sequence[Partner]) -> Partner | None:
    """The decision of `look`, on what it saw."""
    tagged = [partner for partner in partners if partner.owner is not None and partner.owner.is_same_construct(owner)]
    if wanted.policy is Policy.ADOPT:
        return _adopted(wanted, tagged, partners)
    ours = tagged or ([] if wanted.taggable else _named_alike(wanted, partners))
    if len(ours) > 1:
        raise PartnerError(
            "SeveralPartners",
            f"{_ids(ours)} are all this construct's",
            "Remove the cdk-partner-account:owner tag of those that are not wanted, deploy again."
            if tagged
            else "Choose one by ExistingPartner.adopt(id), deploy again.",
        )
    if ours:
        return ours[0]
    if partners and wanted.policy is Policy.REFUSE and wanted.taggable:
        raise PartnerError(
            "PartnerExists",
            f"this account already has {_ids(partners)}, {_whose(partners, owner)}",
            "Use ExistingPartner.adopt(id), or allow_another() to create one more.",
        )
    return None


def _named_alike(wanted: Properties, partners: Sequence[Partner]) -> list[Partner]:
    """In the Sandbox a partner may have no ownership tag: then its legal name tells whose it is.

    Raises:
        PartnerError: the tag names another owner. Names are unique, so another partner can't be created.
    """
    alike = [partner for partner in partners if same_name(partner.legal_name, wanted.legal_name)]
    untagged = [partner for partner in alike if partner.owner is None]
    if alike and not untagged:
        raise PartnerError(
            "PartnerExists",
            f"this account already has {_ids(alike)}, of this legal name and another owner",
            "Use ExistingPartner.adopt(id), or another legal_name, deploy again.",
        )
    return untagged


def _whose(partners: Sequence[Partner], owner: Owner) -> str:
    stacks = {partner.owner.stack if partner.owner else None for partner in partners}
    return "another construct's of this stack" if stacks == {owner.stack} else "not from this stack"


def _adopted(wanted: Properties, tagged: Sequence[Partner], partners: Sequence[Partner]) -> Partner:
    others = [partner for partner in tagged if partner.id != wanted.adopted_id]
    if others:
        raise PartnerError(
            "SeveralPartners",
            f"this construct already has {_ids(others)}",
            "Adopt that one, or remove its cdk-partner-account:owner tag first.",
        )
    for partner in partners:
        if partner.id == wanted.adopted_id:
            return partner if partner in tagged else _named_as_wanted(partner, wanted)
    raise PartnerError(
        "PartnerNotFound",
        f"this account has no {wanted.adopted_id} in catalog {wanted.catalog}",
        "Correct ExistingPartner.adopt(id), deploy again.",
    )


def _named_as_wanted(partner: Partner, wanted: Properties) -> Partner:
    if same_name(partner.legal_name, wanted.legal_name):
        return partner
    raise PartnerError(
        "LegalNameDiffers",
        f"{partner.id} has another legal name than the template",
        "Correct legal_name or ExistingPartner.adopt(id), deploy again.",
    )


def _ids(partners: Sequence[Partner]) -> str:
    return ", ".join(partner.id for partner in partners)
