"""Brings tags and contact of a partner to what the template says."""

from __future__ import annotations

from collections.abc import Mapping

from partner_account_handler.aws import Aws
from partner_account_handler.errors import CallError, Ending
from partner_account_handler.identity import OWNER_TAG
from partner_account_handler.partner import Partner
from partner_account_handler.request import Contact, Properties


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
    if actual.is_same_as(wanted.contact):
        return False
    code = None if actual.has_email_of(wanted.contact) else aws.verification_code(wanted.code)
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
    return aws.contact(arn).is_same_as(contact)


def _wants_code(error: CallError) -> bool:
    return error.fault.ending is Ending.REFUSED and any(
        detail.startswith("EmailVerificationCode:") for detail in error.fault.details
    )
