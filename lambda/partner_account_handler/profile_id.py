"""The profile id, which the service may tell late: after CreatePartner, or only with the partner's first profile."""

from __future__ import annotations

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.clock import pauses
from partner_account_handler.errors import CallError, HandlerError
from partner_account_handler.partner import Partner

PENDING = "pending"
"""ProfileId while the service has none: a missing attribute would fail the stack after the irreversible step."""


def find_profile_id(partner: Partner, aws: Aws) -> str:
    """The profile id, or the last known one, or ``pending``. Raises nothing: a partner outlives this question."""
    try:
        found = partner.profile_id or _asked(partner, aws)
    except Exception as error:  # noqa: BLE001 - after CreatePartner's answer nothing may make the Create fail
        log.warning("profile id unknown", partner=partner.id, error=type(error).__name__)
        found = None
    return found or last_profile_id(partner, aws)


def current_profile_id(partner: Partner, aws: Aws) -> str:
    """The profile id, or ``pending`` if the service says that there is none.

    Raises:
        HandlerError: neither the service nor the stack's outputs tell it; ``pending`` might be a step back.
    """
    try:
        found = partner.profile_id or _asked(partner, aws)
    except HandlerError:
        if known_profile_id(partner.arn, aws) is None:
            raise
        found = None
    return found or last_profile_id(partner, aws)


def last_profile_id(partner: Partner, aws: Aws) -> str:
    """The profile id that the stack shows now, which no rollback may change: an export may be in use."""
    return known_profile_id(partner.arn, aws) or PENDING


def known_profile_id(arn: str, aws: Aws) -> str | None:
    """The profile id that the stack shows."""
    return shown_attribute("ProfileId", arn, aws)


def shown_attribute(attribute: str, arn: str, aws: Aws) -> str | None:
    """The output of the stack that stands beside the output of this partner's ARN; None if there is none."""
    outputs = aws.known_stack.outputs if aws.known_stack else {}
    prefixes = (key[: -len("Arn")] for key, value in outputs.items() if value == arn and key.endswith("Arn"))
    beside = (outputs.get(f"{prefix}{attribute}") for prefix in prefixes)
    return next(filter(None, beside), None)


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
            return aws.profile_id(partner)
        except CallError as error:
            if not (aws.may_pass(error) and aws.clock.pause(pause)):
                raise
    raise AssertionError("pauses never end")
