"""The first half of every Create: which of the account's partners, if any, this request is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from partner_account_handler.aws import Aws
from partner_account_handler.errors import CallError, PartnerError, TagsNotVisibleError
from partner_account_handler.identity import Owner, same_name
from partner_account_handler.partner_central import Partner
from partner_account_handler.request import Properties, Request

_NEW_SECONDS = 120.0
"""How long the tags of a partner may be missing, though they came into being with it."""


@dataclass(frozen=True)
class Listing:
    """The account's partners in the catalog, with their tags."""

    partners: Sequence[Partner] = ()
    tags_refused: bool = False
    """Whether the Sandbox has refused to tell tags: then this invocation reads and writes none any more.

    One that is written unseen might replace another owner's.
    """


def list_partners(request: Request, aws: Aws, before: Listing) -> Listing:
    """The partners as they are now; `before` is the listing before this one in the same invocation.

    Raises:
        TagsNotVisibleError: a partner is so new that its tags may come yet.
        CallError: partners or their tags can't be read, which is never taken for "there are none".
    """
    wanted = request.wanted
    listed, tagged = aws.partner_central.partners(wanted.catalog), []
    if not wanted.taggable:
        tags_refused = before.tags_refused
        for partner in listed:
            tags = None if tags_refused else aws.partner_central.sandbox_tags(partner.arn)
            tags_refused = tags is None
            tagged.append(replace(partner, tags=tags or {}))
        return Listing(tagged, tags_refused)
    for partner in listed:
        try:
            tagged.append(replace(partner, tags=aws.partner_central.tags(partner.arn)))
        except CallError as error:
            if error.failure.reason == "PARTNER_NOT_FOUND":
                raise TagsNotVisibleError(partner.id) from None
            raise
    for partner in tagged:
        # One that nobody owns may be this construct's own, whose tags lag behind, unless it was named.
        if partner.owner is None and partner.id != wanted.existing_partner_id and partner.created_at is not None:
            age = (aws.clock.now() - partner.created_at).total_seconds()
            # A time in the future would never pass: then our own clock decides.
            if (age if age >= 0 else aws.clock.spent()) < _NEW_SECONDS:
                raise TagsNotVisibleError(partner.id)
    return Listing(tagged)


def choose(wanted: Properties, owner: Owner, partners: Sequence[Partner]) -> Partner | None:
    """The partner that this request is about, or None if there is none and one may be created.

    Raises:
        PartnerError: the account has partners that must be decided on by a human.
    """
    tagged = [partner for partner in partners if partner.owner is not None and partner.owner.is_same_construct(owner)]
    if wanted.existing_partner_id:
        return _adopted(wanted, tagged, partners)
    # In the Sandbox a partner may have no ownership tag: then its legal name tells whose it is.
    alike = [] if wanted.taggable else [one for one in partners if same_name(one.legal_name, wanted.legal_name)]
    ours = tagged or [partner for partner in alike if partner.owner is None]
    if len(ours) > 1:
        raise PartnerError(
            "SeveralPartners",
            f"{_ids(ours)} are all this construct's",
            "Remove the cdk-partner-account:owner tag of those that are not wanted, deploy again."
            if tagged
            else "Choose one by existing_partner_id, deploy again.",
        )
    if ours:
        return ours[0]
    if alike:  # names are unique, so another partner can't be created
        raise PartnerError(
            "PartnerExists",
            f"this account already has {_ids(alike)}, of this legal name and another owner",
            "Set existing_partner_id to adopt it, or another legal_name, deploy again.",
        )
    if partners and wanted.taggable:
        stacks = {partner.owner.stack if partner.owner else None for partner in partners}
        whose = "another construct's of this stack" if stacks == {owner.stack} else "not from this stack"
        raise PartnerError(
            "PartnerExists",
            f"this account already has {_ids(partners)}, {whose}",
            "Set existing_partner_id to adopt it, deploy again.",
        )
    return None


def _adopted(wanted: Properties, tagged: Sequence[Partner], partners: Sequence[Partner]) -> Partner:
    others = [partner for partner in tagged if partner.id != wanted.existing_partner_id]
    if others:
        raise PartnerError(
            "SeveralPartners",
            f"this construct already has {_ids(others)}",
            "Adopt that one, or remove its cdk-partner-account:owner tag first.",
        )
    for partner in partners:
        if partner.id != wanted.existing_partner_id:
            continue
        if partner in tagged or same_name(partner.legal_name, wanted.legal_name):
            return partner
        raise PartnerError(
            "LegalNameDiffers",
            f"{partner.id} has another legal name than the template",
            "Correct legal_name or existing_partner_id, deploy again.",
        )
    raise PartnerError(
        "PartnerNotFound",
        f"this account has no {wanted.existing_partner_id} in catalog {wanted.catalog}",
        "Correct existing_partner_id, deploy again.",
    )


def _ids(partners: Sequence[Partner]) -> str:
    return ", ".join(partner.id for partner in partners)
