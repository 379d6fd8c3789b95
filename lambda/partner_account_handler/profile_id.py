"""The profile id, which the service may tell late: after CreatePartner, or only with the partner's first profile."""

from __future__ import annotations

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.clock import pauses
from partner_account_handler.errors import CallError, HandlerError
from partner_account_handler.partner import Partner
from partner_account_handler.stack_gate import ObservedStack

PENDING = "pending"
"""ProfileId while the service has none: a missing attribute would fail the stack after the irreversible step."""


def profile_id(
    partner: Partner, stack: ObservedStack, aws: Aws, *, keep_shown: bool = False, required: bool = False
) -> str:
    """The profile id by the service, or else the one that the stack shows, or else ``pending``.

    `keep_shown` asks nothing if the stack shows one, which no rollback may change: an export may be in use. If neither
    the service nor the stack tells, ``pending`` might be a step back: then a `required` one raises the HandlerError.
    Else nothing is raised: a partner outlives this question.
    """
    shown = stack.attribute("ProfileId", partner.arn)
    if keep_shown and shown:
        return shown
    try:
        found = partner.profile_id or _asked(partner, aws)
    except Exception as error:  # after CreatePartner's answer nothing may make the Create fail
        if required and not (shown and isinstance(error, HandlerError)):
            raise
        log.warning("profile id unknown", partner=partner.id, error=type(error).__name__)
        found = None
    return found or shown or PENDING


def _asked(partner: Partner, aws: Aws) -> str | None:
    """What the service says, asked again for a few seconds if it has none."""
    for pause in (0.5, 1.0, 2.0):
        found = _answered(partner, aws)
        if found or not aws.clock.pause(pause):
            return found
    return _answered(partner, aws)


def _answered(partner: Partner, aws: Aws) -> str | None:
    """What the service says, asked until the time is up if it fails."""
    for pause in pauses():
        try:
            return aws.partner_central.profile_id(partner)
        except CallError as error:
            if not (aws.calls.may_pass(error) and aws.clock.pause(pause)):
                raise
    raise AssertionError("pauses never end")
