"""Update: writes an aspect only if the template changed it and the service differs; other drift is left unchanged.

So the reversed Update of a rollback is harmless, and a repeated one makes no changing call.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from partner_account_handler import log
from partner_account_handler.create import Result, create
from partner_account_handler.errors import CallError, HandlerError, PartnerError
from partner_account_handler.identity import catalog_of, is_partner_arn, partner_id, same_name
from partner_account_handler.outcome import Outcome
from partner_account_handler.partner_central import Aws, Partner
from partner_account_handler.partner_properties import PartnerProperties
from partner_account_handler.reconcile import Changes, contact_change, differing_tags, owner_change
from partner_account_handler.request import PartnerRequest
from partner_account_handler.stack_gate import ObservedStack


def update(
    request: PartnerRequest,
    aws: Aws,
    stack: ObservedStack,
    on_created: Callable[[Result], None] = lambda _: None,
    *,
    is_rollback: bool = False,
) -> Result:
    """The partner of this request, as the template now says, and whether anything was written for it.

    A HandlerError means that the partner is not, or can't become, what the template says.
    """
    wanted, arn, central = request.wanted, request.physical_id, aws.partner_central
    stack.require_root(wanted.owner_stack, request.stack_id)
    if not is_partner_arn(arn):
        remedy = "Remove it from the stack, then add it again."
        raise PartnerError("NoPartner", "this resource has no partner yet", remedy)
    if catalog_of(arn) not in {wanted.catalog, None}:
        raise _create_only(arn, ["catalog"])  # the function may no longer call the former one
    try:
        # The id is the stack's own: if the service spelled it differently, CloudFormation would see a replacement.
        partner = replace(central.partner(arn, wanted.catalog), arn=arn)
    except CallError as error:
        if error.failure.reason == "PARTNER_NOT_FOUND" and not wanted.taggable:
            log.warning("the Sandbox no longer has this partner")
            return create(request, aws, on_created)
        raise
    if wanted.existing_partner_id not in {"", partner.id}:
        happened = f"this resource is {partner.id}, and existing_partner_id names {wanted.existing_partner_id}"
        raise PartnerError(
            "OtherPartner", happened, "Restore existing_partner_id, or adopt that one in a new PartnerAccount."
        )
    # A create-only prop may change only to the value that the partner has: then the template catches up.
    is_so = {
        "legal_name": same_name(partner.legal_name, wanted.legal_name),
        # Once there is a profile, its value takes precedence.
        "primary_solution_type": partner.has_profile or partner.primary_solution_type == wanted.primary_solution_type,
    }
    different = [prop for prop in is_so if not is_so[prop]]
    if refused := [prop for prop in different if _changed(prop, wanted, request.previous)]:
        raise _create_only(arn, refused)
    tags = central.tags(arn) if wanted.taggable else central.sandbox_tags(arn)
    partner = replace(partner, tags=tags or {})
    if partner.owner is not None and partner.owner.stack != request.owner.stack:
        # Any construct of this stack may have had the partner before, as when another construct id was tried.
        raise PartnerError(
            "OtherOwner",
            f"{partner.id} has the cdk-partner-account:owner tag of another stack",
            "Manage it there, or adopt it here by existing_partner_id in a new PartnerAccount.",
        )
    written = _reconcile(partner, request, aws, stack, is_rollback=is_rollback)
    log.info("partner compared", partner=partner.id, written=written)
    if not is_rollback:
        _log_drift(partner, request, aws, different)
    return Result(partner, Outcome.UPDATED if written else Outcome.UNCHANGED, stack)


def _create_only(arn: str, props: Sequence[str]) -> PartnerError:
    happened = f"{', '.join(props)} of {partner_id(arn)} can't be changed by a deployment"
    return PartnerError("CreateOnly", happened, "Restore the partner's value, deploy again.")


def _changed(prop: str, wanted: PartnerProperties, previous: PartnerProperties | None) -> bool:
    return previous is None or getattr(previous, prop) != getattr(wanted, prop)


def _reconcile(
    partner: Partner, request: PartnerRequest, aws: Aws, stack: ObservedStack, *, is_rollback: bool
) -> list[str]:
    """Writes what the template changed, and names what was written."""
    wanted, previous = request.wanted, request.previous
    if is_rollback and request.was_refused:
        return []
    nothing = Changes({}, [], None, None)
    owner = owner_change(partner, request.owner, stack.operation, is_rollback=is_rollback)
    if wanted.taggable:
        before = previous.tags if previous else {}
        changed = {key: value for key, value in wanted.tags.items() if before.get(key) != value}
        removed = sorted(key for key in before if key not in wanted.tags and key in partner.tags)
        tags = Changes(differing_tags(partner, changed), removed, None, owner)
    else:
        # One without the tag, or with unreadable tags, stays so: another stack may share it by its legal name.
        tags = replace(nothing, optional_owner=owner if partner.owner else None)
    written, failure = [], None
    if is_rollback:  # it restores what it can: the former contact may require a code that nobody has any more
        try:
            written = tags.write(partner, aws, stack)
        except HandlerError as error:
            failure = error
        tags = nothing
    contact = contact_change(partner, wanted, aws) if _changed("contact", wanted, previous) else None
    written += replace(tags, contact=contact).write(partner, aws, stack)
    if failure:
        raise failure
    return written


def _log_drift(partner: Partner, request: PartnerRequest, aws: Aws, create_only: Sequence[str]) -> None:
    """Logs what differs though the template didn't change it now; `create_only` are the create-only props that do.

    A person may have changed it, or an Update that failed without rollback has left it: if CloudFormation treats that
    Update's properties as the former ones, a retry with a further change shows only that change.
    """
    wanted, previous = request.wanted, request.previous
    differing = [*create_only]
    if previous and wanted.taggable:
        unchanged = {key: value for key, value in wanted.tags.items() if previous.tags.get(key) == value}
        differing += ["tags"] if differing_tags(partner, unchanged) else []
    if not _changed("contact", wanted, previous):
        with suppress(HandlerError):  # only logged, so no reason to fail
            is_same = aws.partner_central.contact(partner, repeat=False).is_same_as(wanted.contact)
            differing += [] if is_same else ["contact"]
    if differing:
        log.warning("left unchanged, since the template didn't change it", partner=partner.id, differing=differing)
