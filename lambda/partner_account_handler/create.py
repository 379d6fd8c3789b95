"""Create: check that the stack waits, look for an existing partner, check the stack again, then act.

CreatePartner can't be undone. Whatever happens here, a repeated or later Create finds what this one has done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from partner_account_handler import log
from partner_account_handler.clock import pauses
from partner_account_handler.code_store import verification_code
from partner_account_handler.errors import CallError, CallOutcome, PartnerError, TagsNotVisibleError
from partner_account_handler.identity import OWNER_TAG, PARTITION, Owner, same_name
from partner_account_handler.outcome import Outcome
from partner_account_handler.partner_central import Aws, Partner, tag_list
from partner_account_handler.partner_properties import PartnerProperties
from partner_account_handler.reconcile import Changes, contact_change, differing_tags, owner_change
from partner_account_handler.request import PartnerRequest
from partner_account_handler.stack_gate import ObservedStack

_MAY_EXIST = {"DUPLICATE_PARTNER", "CONFLICT_CLIENT_TOKEN", "LegalName:DUPLICATE_VALUE"}

_NEW_SECONDS = 120.0  # how long the tags of a partner may be missing, though they were created with it

_FRESH_SECONDS = 5.0
"""How old a listing may be when the code has been read; if older, partners are listed again before CreatePartner."""


class AfterFailure(Enum):
    """What follows a failed CreatePartner, or a failed check before it; the value is for how many seconds to poll.

    Giving up is safe: the next deployment looks again.
    """

    RESEND = None  # look, ask, and make the same call with the same token and body
    POLL_UNTIL_DEADLINE = float("inf")  # until the time is up, since a list may lag behind
    POLL_BRIEFLY = 30.0
    GIVE_UP = 0.0  # look once more, and fail


@dataclass(frozen=True)
class Listing:
    """The account's partners in the catalog, with their tags."""

    partners: Sequence[Partner] = ()
    tags_refused: bool = False
    """Whether the Sandbox has refused to list tags: then this invocation no longer reads or writes any.

    A tag written unseen might replace another owner's.
    """


@dataclass(frozen=True)
class Result:
    """The partner in the answer to a request, the outcome, and the stack as it was observed for that."""

    partner: Partner
    outcome: Outcome
    stack: ObservedStack


def create(request: PartnerRequest, aws: Aws, on_created: Callable[[Result], None] = lambda _: None) -> Result:
    """The partner of this request, found, adopted or created; a HandlerError if none is known to belong to it.

    `on_created` is called as soon as CreatePartner has returned: nothing that follows undoes that.
    """
    wanted = request.wanted
    _require_partition(request.stack_id.split(":")[1])
    stack = aws.gate.await_create()
    stack.require_root(wanted.owner_stack, request.stack_id)
    body: dict[str, Any] = {}
    failures: list[CallError] = []
    listing = Listing()
    for pause in pauses():
        began = aws.clock.spent()
        found, listing = _find(request, aws, failures, listing)
        if found is not None:
            return _take_over(found, request, aws, stack, tags_refused=listing.tags_refused)
        if not body:
            body = _body(request, aws)
            if aws.clock.spent() - began > _FRESH_SECONDS:
                continue
        try:
            partner = aws.partner_central.create_partner(body, stack)
        except CallError as failure:
            failures.append(failure)
        else:
            log.info("partner created", partner=partner.id)
            result = Result(partner, Outcome.CREATED, stack)
            on_created(result)
            # One that was listed before, or that the stack shows, is an earlier result of the client token: it may have
            # another owner by now.
            is_new = partner.arn not in {*stack.outputs.values(), *(listed.arn for listed in listing.partners)}
            if is_new and not wanted.taggable and not listing.tags_refused:
                aws.partner_central.tag_in_sandbox(partner.arn, {OWNER_TAG: request.owner.to_tag()}, stack)
            return result
        step = next_step(failures, may_pass=aws.calls.may_pass(failures[-1]))
        if step.value is not None:
            found, listing = _poll(request, aws, failures[-1], step.value, listing)
            return _take_over(found, request, aws, stack, tags_refused=listing.tags_refused)
        if not aws.clock.pause(pause):
            raise failures[-1]
    raise AssertionError("pauses never end")


def _require_partition(partition: str) -> None:
    """Elsewhere Partner Central would reject the credentials, as if a permission were missing."""
    if partition != PARTITION:
        raise PartnerError(
            "WrongPartition",
            f"the stack is in the partition {partition}, which has no Partner Central",
            f"Deploy it to a region in the partition {PARTITION}, such as us-east-1.",
        )


def next_step(failures: Sequence[CallError], *, may_pass: bool) -> AfterFailure:
    """What follows CreatePartner's failures in this invocation; `may_pass` if the last of them may not recur."""
    if may_pass:
        return AfterFailure.RESEND
    if _may_have_created(failures):
        return AfterFailure.POLL_UNTIL_DEADLINE
    last = failures[-1].failure
    return AfterFailure.POLL_BRIEFLY if _MAY_EXIST & {last.reason, *last.details} else AfterFailure.GIVE_UP


def _may_have_created(failures: Sequence[CallError]) -> bool:
    """Whether one of the failed calls may have been carried out; the check before it changes nothing."""
    calls = {(error.failure.operation, error.failure.call_outcome) for error in failures}
    return ("CreatePartner", CallOutcome.UNKNOWN) in calls


def _find(
    request: PartnerRequest, aws: Aws, failures: Sequence[CallError], listing: Listing
) -> tuple[Partner | None, Listing]:
    for pause in pauses():
        try:
            listing = list_partners(request, aws, listing)
            return choose(request.wanted, request.owner, listing.partners), listing
        except PartnerError as error:
            if _may_have_created(failures):
                break
            if not (isinstance(error, TagsNotVisibleError) and aws.clock.pause(pause)):
                raise
    # The other owner's partner may be our own, whose tags lag behind.
    return _poll(request, aws, failures[-1], float("inf"), listing)


def _poll(
    request: PartnerRequest, aws: Aws, error: CallError, seconds: float, listing: Listing
) -> tuple[Partner, Listing]:
    """The partner left behind by a failed CreatePartner, its own or another delivery's; or else that error."""
    until = aws.clock.spent() + seconds
    for pause in pauses():
        found = None
        try:
            listing = list_partners(request, aws, listing)
            found = choose(request.wanted, request.owner, listing.partners)
        except PartnerError:
            if not seconds:
                raise
        except CallError:  # says less than the error that made us look
            pass
        if found is not None:
            return found, listing
        if aws.clock.spent() + pause > until or not aws.clock.pause(pause):
            raise error
    raise AssertionError("pauses never end")


def _body(request: PartnerRequest, aws: Aws) -> dict[str, Any]:
    """The request, always the same; its errors are reported before the code is read."""
    wanted = request.wanted
    body: dict[str, Any] = {
        "Catalog": wanted.catalog,
        "ClientToken": request.client_token,
        "LegalName": wanted.legal_name,
        "PrimarySolutionType": wanted.primary_solution_type,
        "AllianceLeadContact": wanted.contact.to_service(),
    }
    if wanted.taggable:
        body["Tags"] = tag_list({**wanted.tags, OWNER_TAG: request.owner.to_tag()})
    aws.partner_central.validate("CreatePartner", body)
    return {**body, "EmailVerificationCode": verification_code(wanted.code, aws.calls)}


def _take_over(
    partner: Partner, request: PartnerRequest, aws: Aws, stack: ObservedStack, *, tags_refused: bool
) -> Result:
    """Updates an existing partner to what the template says, as far as it can be changed."""
    wanted = request.wanted
    log.info("partner found", partner=partner.id)
    if not same_name(partner.legal_name, wanted.legal_name):
        log.warning("the legal name differs from the template's, and can't be changed", partner=partner.id)
    owner = owner_change(partner, request.owner, stack.operation)
    is_ours = owner is None or not (wanted.taggable or partner.owner)  # in the Sandbox perhaps by its legal name
    if is_ours and partner.arn in stack.outputs.values():
        # This Create was answered in a former operation of the stack, and later ones may have changed the partner.
        log.warning("the stack already shows this partner: nothing is written", partner=partner.id)
    else:
        contact = contact_change(partner, wanted, aws)
        if wanted.taggable:
            changes = Changes(differing_tags(partner, wanted.tags), [], contact, owner)
        else:
            changes = Changes({}, [], contact, None, optional_owner=None if tags_refused else owner)
        # A rollback restores none of it: this records the former state for a manual restore.
        log.info(
            "partner taken over",
            partner=partner.id,
            written=changes.write(partner, aws, stack),
            former_owner=partner.owner and partner.owner.shown(),
        )
    return Result(partner, Outcome.ADOPTED if wanted.existing_partner_id else Outcome.RECOVERED, stack)


# Which of the account's partners, if any, a Create is about


def list_partners(request: PartnerRequest, aws: Aws, before: Listing) -> Listing:
    """The partners as they are now; `before` is the listing before this one in the same invocation.

    A TagsNotVisibleError means that a partner is so new that its tags may still appear; a CallError that partners or
    their tags can't be read, which is never treated as "there are none".
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
        # One without an owner may be this construct's own, whose tags lag behind, unless it was named.
        if partner.owner is None and partner.id != wanted.existing_partner_id and partner.created_at is not None:
            age = (aws.clock.now() - partner.created_at).total_seconds()
            # A time in the future would never pass: then our own clock decides.
            if (age if age >= 0 else aws.clock.spent()) < _NEW_SECONDS:
                raise TagsNotVisibleError(partner.id)
    return Listing(tagged)


def choose(wanted: PartnerProperties, owner: Owner, partners: Sequence[Partner]) -> Partner | None:
    """The partner that this request is about, or None if there is none and one may be created.

    A PartnerError means that the account has partners about which a person must decide.
    """
    tagged = [partner for partner in partners if partner.owner is not None and partner.owner.is_same_construct(owner)]
    if wanted.existing_partner_id:
        return _adopted(wanted, tagged, partners)
    # In the Sandbox a partner may have no ownership tag: then its legal name identifies its owner.
    alike = [] if wanted.taggable else [one for one in partners if same_name(one.legal_name, wanted.legal_name)]
    ours = tagged or [partner for partner in alike if partner.owner is None]
    if len(ours) > 1:
        raise PartnerError(
            "SeveralPartners",
            f"{_ids(ours)} are all this construct's",
            "Remove the cdk-partner-account:owner tag from those you don't want, deploy again."
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


def _adopted(wanted: PartnerProperties, tagged: Sequence[Partner], partners: Sequence[Partner]) -> Partner:
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
            f"{partner.id}'s legal name differs from the template's",
            "Correct legal_name or existing_partner_id, deploy again.",
        )
    raise PartnerError(
        "PartnerNotFound",
        f"this account has no {wanted.existing_partner_id} in catalog {wanted.catalog}",
        "Correct existing_partner_id, deploy again.",
    )


def _ids(partners: Sequence[Partner]) -> str:
    return ", ".join(partner.id for partner in partners)
