"""Update: writes an aspect only if the template changed it and the service differs; other drift is left.

So the reversed Update of a rollback is harmless, and a repeated one makes no changing call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.converge import Changes, contact_change, differing_tags, owner_change
from partner_account_handler.create import create
from partner_account_handler.errors import CallError, HandlerError, PartnerError
from partner_account_handler.identity import catalog_of, is_partner_arn, partner_id, same_name
from partner_account_handler.metrics import Outcome
from partner_account_handler.partner import Partner
from partner_account_handler.request import Properties, Request


def update(request: Request, aws: Aws, *, is_rollback: bool = False) -> tuple[Partner, Outcome]:
    """The partner of this request, as the template now says, and whether anything was written for it.

    Raises:
        HandlerError: the partner is not, or can't become, what the template says.
    """
    aws.require_root_stack(request.wanted.owner_stack)
    if not is_partner_arn(request.physical_id):
        raise PartnerError(
            "NoPartner", "this resource has no partner yet", "Remove it from the stack, then add it again."
        )
    if catalog_of(request.physical_id) not in {request.wanted.catalog, None}:
        raise _create_only(request.physical_id, ["catalog"])  # the function may no longer ask about the former one
    try:
        # The id is the stack's own: if the service spelled it otherwise, CloudFormation would see a replacement.
        partner = replace(aws.partner(request.physical_id, request.wanted.catalog), arn=request.physical_id)
    except CallError as error:
        if error.fault.reason == "PARTNER_NOT_FOUND" and not request.wanted.taggable:
            log.warning("the Sandbox no longer has this partner")
            return create(request, aws)
        raise
    _require_same_identity(partner, request.wanted, request.previous)
    read_tags = aws.tags if request.wanted.taggable else aws.optional_tags
    partner = replace(partner, tags=read_tags(partner.arn))
    _require_own_stack(partner, request)
    written = _converge(partner, request, aws, is_rollback=is_rollback)
    log.info("partner compared", partner=partner.id, written=written)
    if not is_rollback:
        _tell_drift(partner, request, aws)
    return partner, Outcome.UPDATED if written else Outcome.UNCHANGED


def _require_same_identity(partner: Partner, wanted: Properties, previous: Properties | None) -> None:
    """What only Create sets may differ from before only if it is what the partner is: then the template follows."""
    refused = []
    if _changed("legal_name", wanted, previous) and not same_name(partner.legal_name, wanted.legal_name):
        refused.append("legal_name")
    if (
        _changed("primary_solution_type", wanted, previous)
        and partner.primary_solution_type != wanted.primary_solution_type
    ):
        refused.append("primary_solution_type")
    if refused:
        raise _create_only(partner.arn, refused)


def _create_only(arn: str, props: Sequence[str]) -> PartnerError:
    return PartnerError(
        "CreateOnly",
        f"{', '.join(props)} of {partner_id(arn)} can't be changed by a deployment",
        "Restore the value that the partner has; for another partner add another PartnerAccount.",
    )


def _changed(aspect: str, wanted: Properties, previous: Properties | None) -> bool:
    return previous is None or getattr(previous, aspect) != getattr(wanted, aspect)


def _require_own_stack(partner: Partner, request: Request) -> None:
    """Any construct of this stack may have had the partner before, as when another construct id was tried."""
    if partner.owner is not None and partner.owner.stack != request.owner.stack:
        raise PartnerError(
            "OtherOwner",
            f"{partner.id} carries the cdk-partner-account:owner tag of another stack",
            "Manage it there, or take it over here by ExistingPartner.adopt in a new PartnerAccount.",
        )


def _converge(partner: Partner, request: Request, aws: Aws, *, is_rollback: bool) -> list[str]:
    if is_rollback and request.was_refused:
        return []
    tags = _tag_changes(partner, request, aws, is_rollback=is_rollback)
    # A rollback restores what it can: the former contact may take a code that nobody has any more.
    failure, written = _attempt(tags, partner, aws) if is_rollback else (None, [])
    changed = _changed("contact", request.wanted, request.previous)
    contact = contact_change(partner, request.wanted, aws) if changed else None
    written += replace(_NOTHING if is_rollback else tags, contact=contact).write(partner, aws)
    if failure:
        raise failure
    return written


def _attempt(changes: Changes, partner: Partner, aws: Aws) -> tuple[HandlerError | None, list[str]]:
    try:
        return None, changes.write(partner, aws)
    except HandlerError as failure:
        return failure, []


_NOTHING = Changes({}, [], None, None)


def _tag_changes(partner: Partner, request: Request, aws: Aws, *, is_rollback: bool) -> Changes:
    owner = owner_change(partner, request.owner, aws.operation(), is_rollback=is_rollback)
    if not request.wanted.taggable:
        # One without the tag stays so: it may be shared by its legal name with another stack.
        return replace(_NOTHING, optional_owner=owner if partner.owner else None)
    before, after = request.previous.tags if request.previous else {}, request.wanted.tags
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    removed = sorted(key for key in before if key not in after and key in partner.tags)
    return Changes(differing_tags(partner, changed), removed, None, owner)


def _tell_drift(partner: Partner, request: Request, aws: Aws) -> None:
    """Logs what differs though the template didn't change it now.

    A human may have changed it. Or an Update that failed without rollback has left it: if CloudFormation takes that
    one's properties for the former ones, a retry with a further change shows only that change.
    """
    wanted, previous = request.wanted, request.previous
    differing = []
    if previous and wanted.taggable:
        unchanged = {key: value for key, value in wanted.tags.items() if previous.tags.get(key) == value}
        differing += ["tags"] if differing_tags(partner, unchanged) else []
    if not _changed("contact", wanted, previous) and _contact_differs(partner, wanted, aws):
        differing.append("contact")
    if differing:
        log.warning("left as it is, since the template didn't change it", partner=partner.id, differing=differing)


def _contact_differs(partner: Partner, wanted: Properties, aws: Aws) -> bool:
    try:
        return not aws.contact(partner, repeat=False).is_same_as(wanted.contact)
    except HandlerError:  # only told, so no reason to fail
        return False
