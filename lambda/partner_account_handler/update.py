"""Update: writes an aspect only if the template changed it and the service differs; other drift is left.

So the reversed Update of a rollback is harmless, and a repeated one makes no changing call.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.create import Result, create
from partner_account_handler.errors import CallError, HandlerError, PartnerError
from partner_account_handler.identity import catalog_of, is_partner_arn, partner_id, same_name
from partner_account_handler.outcome import Outcome
from partner_account_handler.partner import Partner
from partner_account_handler.reconcile import Changes, contact_change, differing_tags, owner_change
from partner_account_handler.request import Properties, Request
from partner_account_handler.stack_gate import ObservedStack


def update(request: Request, aws: Aws, stack: ObservedStack, *, is_rollback: bool = False) -> Result:
    """The partner of this request, as the template now says, and whether anything was written for it.

    Raises:
        HandlerError: the partner is not, or can't become, what the template says.
    """
    wanted = request.wanted
    stack.require_root(wanted.owner_stack, request.stack_id)
    if not is_partner_arn(request.physical_id):
        raise PartnerError(
            "NoPartner", "this resource has no partner yet", "Remove it from the stack, then add it again."
        )
    if catalog_of(request.physical_id) not in {wanted.catalog, None}:
        raise _create_only(request.physical_id, ["catalog"])  # the function may no longer ask about the former one
    central = aws.partner_central
    try:
        # The id is the stack's own: if the service spelled it otherwise, CloudFormation would see a replacement.
        partner = replace(central.partner(request.physical_id, wanted.catalog), arn=request.physical_id)
    except CallError as error:
        if error.failure.reason == "PARTNER_NOT_FOUND" and not wanted.taggable:
            log.warning("the Sandbox no longer has this partner")
            return create(request, aws)
        raise
    _require_same_identity(partner, wanted, request.previous)
    tags = central.tags(partner.arn) if wanted.taggable else central.sandbox_tags(partner.arn)
    partner = replace(partner, tags=tags or {})
    if partner.owner is not None and partner.owner.stack != request.owner.stack:
        # Any construct of this stack may have had the partner before, as when another construct id was tried.
        raise PartnerError(
            "OtherOwner",
            f"{partner.id} carries the cdk-partner-account:owner tag of another stack",
            "Manage it there, or take it over here by existing_partner_id in a new PartnerAccount.",
        )
    written = _reconcile(partner, request, aws, stack, is_rollback=is_rollback)
    log.info("partner compared", partner=partner.id, written=written)
    if not is_rollback:
        _log_drift(partner, request, aws)
    return Result(partner, Outcome.UPDATED if written else Outcome.UNCHANGED, stack)


def _require_same_identity(partner: Partner, wanted: Properties, previous: Properties | None) -> None:
    """What only Create sets may differ from before only if it is what the partner is: then the template follows."""
    is_so = {
        "legal_name": same_name(partner.legal_name, wanted.legal_name),
        "primary_solution_type": partner.primary_solution_type == wanted.primary_solution_type,
    }
    if refused := [prop for prop in is_so if not is_so[prop] and _changed(prop, wanted, previous)]:
        raise _create_only(partner.arn, refused)


def _create_only(arn: str, props: Sequence[str]) -> PartnerError:
    return PartnerError(
        "CreateOnly",
        f"{', '.join(props)} of {partner_id(arn)} can't be changed by a deployment",
        "Restore the value that the partner has, deploy again.",
    )


def _changed(prop: str, wanted: Properties, previous: Properties | None) -> bool:
    return previous is None or getattr(previous, prop) != getattr(wanted, prop)


def _reconcile(partner: Partner, request: Request, aws: Aws, stack: ObservedStack, *, is_rollback: bool) -> list[str]:
    """Writes what the template changed, and names what was written."""
    if is_rollback and request.was_refused:
        return []
    tags = _tag_changes(partner, request, stack, is_rollback=is_rollback)
    contact_changed = _changed("contact", request.wanted, request.previous)
    if not is_rollback:
        contact = contact_change(partner, request.wanted, aws) if contact_changed else None
        return replace(tags, contact=contact).write(partner, aws, stack)
    # A rollback restores what it can: the former contact may take a code that nobody has any more.
    failure, written = None, []
    try:
        written = tags.write(partner, aws, stack)
    except HandlerError as error:
        failure = error
    contact = contact_change(partner, request.wanted, aws) if contact_changed else None
    written += replace(_NOTHING, contact=contact).write(partner, aws, stack)
    if failure:
        raise failure
    return written


_NOTHING = Changes({}, [], None, None)


def _tag_changes(partner: Partner, request: Request, stack: ObservedStack, *, is_rollback: bool) -> Changes:
    owner = owner_change(partner, request.owner, stack.operation, is_rollback=is_rollback)
    if not request.wanted.taggable:
        # One without the tag, or whose tags aren't told, stays so: another stack may share it by its legal name.
        return replace(_NOTHING, optional_owner=owner if partner.owner else None)
    before, after = request.previous.tags if request.previous else {}, request.wanted.tags
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    removed = sorted(key for key in before if key not in after and key in partner.tags)
    return Changes(differing_tags(partner, changed), removed, None, owner)


def _log_drift(partner: Partner, request: Request, aws: Aws) -> None:
    """Logs what differs though the template didn't change it now.

    A human may have changed it. Or an Update that failed without rollback has left it: if CloudFormation takes that
    one's properties for the former ones, a retry with a further change shows only that change.
    """
    wanted, previous = request.wanted, request.previous
    differing = []
    if previous and wanted.taggable:
        unchanged = {key: value for key, value in wanted.tags.items() if previous.tags.get(key) == value}
        differing += ["tags"] if differing_tags(partner, unchanged) else []
    if not _changed("contact", wanted, previous):
        with suppress(HandlerError):  # only told, so no reason to fail
            is_same = aws.partner_central.contact(partner, repeat=False).is_same_as(wanted.contact)
            differing += [] if is_same else ["contact"]
    if differing:
        log.warning("left as it is, since the template didn't change it", partner=partner.id, differing=differing)
