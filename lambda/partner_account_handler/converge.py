"""Brings tags and contact of a partner to what the template says, and finds out its profile id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from partner_account_handler import log
from partner_account_handler.aws import Aws
from partner_account_handler.errors import CallError, Ending
from partner_account_handler.identity import OWNER_TAG, is_partner_arn
from partner_account_handler.partner import Partner
from partner_account_handler.request import Contact, Properties

PENDING = "pending"
"""ProfileId while the service has none: a missing attribute would fail the stack after the irreversible step."""

_PROFILE_ID = re.compile(r"pprofile-[A-Za-z0-9]{13}")


def converge_tags(partner: Partner, to_set: Mapping[str, str], to_remove: list[str], aws: Aws) -> bool:
    """Writes those tags that differ; tells whether anything was written."""
    missing = {key: value for key, value in to_set.items() if partner.tags.get(key) != value}
    surplus = sorted(key for key in to_remove if key in partner.tags)
    if missing:
        aws.tag(partner.arn, missing)
    if surplus:
        aws.untag(partner.arn, surplus)
    return bool(missing or surplus)


def wanted_tags(wanted: Properties, owner: str) -> dict[str, str]:
    """The template's tags and the ownership tag; none in the Sandbox, which refuses them."""
    return {**wanted.tags, OWNER_TAG: owner} if wanted.taggable else {}


def converge_contact(arn: str, wanted: Properties, aws: Aws) -> bool:
    """Writes the contact if it differs; tells whether it was written.

    The code is read and sent if the e-mail changes. Whether the service wants it for other changes too is
    documented nowhere: if it says so, the call is made again with the code.
    """
    actual = aws.contact(arn)
    if actual == wanted.contact:
        return False
    code = aws.verification_code(wanted.code) if actual.email != wanted.contact.email else None
    try:
        aws.put_contact(arn, wanted.contact, code)
    except CallError as error:
        if not _is_written(arn, wanted.contact, aws):
            if code is not None or not _wants_code(error):
                raise
            aws.put_contact(arn, wanted.contact, aws.verification_code(wanted.code))
    return True


def _is_written(arn: str, contact: Contact, aws: Aws) -> bool:
    """A lost answer may have been a success, after which a repeated call finds its code used up."""
    return aws.contact(arn) == contact


def _wants_code(error: CallError) -> bool:
    return error.fault.ending is Ending.REFUSED and any(
        detail.startswith("EmailVerificationCode:") for detail in error.fault.details
    )


def find_profile_id(partner: Partner, aws: Aws) -> str:
    """The profile id, or the last known one, or ``pending``. Raises nothing: a partner outlives this question."""
    try:
        found = partner.profile_id or _asked_profile_id(partner.arn, aws)
    except Exception as error:  # noqa: BLE001 - after CreatePartner's answer nothing may make the Create fail
        log.warning("profile id unknown", partner=partner.id, error=type(error).__name__)
        found = None
    return found or remembered_profile_id(partner.arn, aws.known_stack.outputs if aws.known_stack else {})


def _asked_profile_id(arn: str, aws: Aws) -> str | None:
    for pause in (0.5, 1.0, 2.0, 0.0):
        try:
            found = aws.profile_id(arn)
        except CallError as error:
            if not aws.may_pass(error):
                return None
            found = None
        if found or not pause or not aws.clock.pause(pause):
            return found
    return None


def remembered_profile_id(arn: str, outputs: Mapping[str, str]) -> str:
    """What the stack's own outputs said last: an export in use must not fall back to ``pending``."""
    prefixes = [key[: -len("Arn")] for key, value in outputs.items() if value == arn and key.endswith("Arn")]
    beside = _profile_ids(outputs.get(f"{prefix}ProfileId", "") for prefix in prefixes)
    of_others = any(is_partner_arn(value) and value != arn for value in outputs.values())
    known = beside or (set() if of_others else _profile_ids(outputs.values()))
    return known.pop() if len(known) == 1 else PENDING


def _profile_ids(values: Iterable[str]) -> set[str]:
    return {value for value in values if _PROFILE_ID.fullmatch(value)}
