"""Update: writes an aspect only if the template changed it and the service differs; other drift is left.

So the reversed Update of a rollback is harmless, and a repeated one makes no changing call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.converge import converge_contact, converge_tags
from partner_account_handler.create import create
from partner_account_handler.errors import CallError, PartnerError
from partner_account_handler.identity import OWNER_TAG, catalog_of, is_partner_arn, owner_id, partner_id, same_name
from partner_account_handler.look import owner_of
from partner_account_handler.metrics import Outcome
from partner_account_handler.partner import Partner
from partner_account_handler.request import Properties, Request


def update(request: Request, aws: Aws) -> tuple[Partner, Outcome]:
    """The partner of this request, as the template now says, and whether anything was written for it.

    Raises:
        HandlerError: the partner is not, or can't become, what the template says.
    """
    if not is_partner_arn(request.physical_id):
        raise PartnerError(
            "NoPartner", "this resource has no partner yet", "Remove it from the stack, then add it again."
        )
    if catalog_of(request.physical_id) != request.wanted.catalog:
        raise _create_only(request.physical_id, ["catalog"])  # the function may no longer ask about the former one
    try:
        # The id is the stack's own: if the service spelled it otherwise, CloudFormation would see a replacement.
        partner = replace(aws.partner(request.physical_id), arn=request.physical_id)
    except CallError as error:
        if error.fault.reason == "PARTNER_NOT_FOUND" and not request.wanted.taggable:
            log.warning("the Sandbox no longer has this partner")
            return create(request, aws)
        raise
    _require_same_identity(partner, request.wanted, request.previous)
    written = _converge(partner, request, aws)
    log.info("partner compared", partner=partner.id, written=written)
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
        f"{', '.join(props)} of {partner_id(arn)} can't be changed by AWS's API",
        "Restore the former value; for another partner add another PartnerAccount.",
    )


def _changed(aspect: str, wanted: Properties, previous: Properties | None) -> bool:
    return previous is None or getattr(previous, aspect) != getattr(wanted, aspect)


def _converge(partner: Partner, request: Request, aws: Aws) -> list[str]:
    """Tags before the contact, whose change may need a code. Names what was written."""
    written = []
    if request.wanted.taggable and _converge_tags(partner, request, aws):
        written.append("tags")
    if _changed("contact", request.wanted, request.previous) and converge_contact(partner.arn, request.wanted, aws):
        written.append("contact")
    return written


def _converge_tags(partner: Partner, request: Request, aws: Aws) -> bool:
    tagged = replace(partner, tags=aws.tags(partner.arn))
    _require_ownership(tagged, request)
    before = request.previous.tags if request.previous else {}
    after = request.wanted.tags
    to_set = {key: value for key, value in after.items() if before.get(key) != value}
    to_remove = [key for key in before if key not in after]
    return converge_tags(tagged, {**to_set, OWNER_TAG: owner_of(request)}, to_remove, aws)


def _require_ownership(partner: Partner, request: Request) -> None:
    """No tag, or the tag of the place that this resource had before, is no other stack's claim."""
    allowed = {None, owner_of(request)}
    if request.previous is not None:
        allowed.add(owner_id(request.stack_id, request.previous.owner_stack, request.previous.owner_path))
    if partner.owner not in allowed:
        raise PartnerError(
            "OtherOwner",
            f"{partner.id} carries the cdk-partner-account:owner tag of another stack",
            "Manage it there, or take it over here by ExistingPartner.adopt in a new PartnerAccount.",
        )
