"""How a partner differs from the template: read first, and written only when all of it is known.

So a missing code, or another owner's partner, is reported before anything is written. The ownership tag comes last:
until all is done it names the former construct.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from partner_account_handler.code_store import verification_code
from partner_account_handler.errors import CallError, CallOutcome
from partner_account_handler.identity import OWNER_TAG, Owner
from partner_account_handler.partner_central import Aws, Partner
from partner_account_handler.partner_properties import CodeSource, Contact, PartnerProperties
from partner_account_handler.stack_gate import ObservedStack


@dataclass(frozen=True, repr=False)
class ContactChange:
    """A contact to be written, with the code that a new address requires."""

    contact: Contact
    source: CodeSource
    code: str | None

    def write(self, partner: Partner, aws: Aws, stack: ObservedStack) -> None:
        """Writes the contact.

        Whether the service requires a code for changes other than that of the address is not documented: if it reports
        that, the call is repeated with the code.
        """
        code = self.code
        while True:
            try:
                aws.partner_central.put_contact(partner, self.contact, code, stack)
            except CallError as error:
                if aws.partner_central.contact(partner).is_same_as(self.contact):
                    return  # a lost answer was a success, after which a repeated call finds its code used
                wants_code = error.failure.call_outcome is CallOutcome.REFUSED and any(
                    detail.startswith("EmailVerificationCode:") for detail in error.failure.details
                )
                if code is not None or not wants_code:
                    raise
                code = verification_code(self.source, aws.calls)
            else:
                return


@dataclass(frozen=True, repr=False)
class Changes:
    """All that is to be written to a partner."""

    tags: Mapping[str, str]
    removed_keys: Sequence[str]
    contact: ContactChange | None
    owner: Owner | None
    optional_owner: Owner | None = None  # the ownership tag in the Sandbox, which may take none

    def write(self, partner: Partner, aws: Aws, stack: ObservedStack) -> list[str]:
        """Writes them while the stack is as observed, and names what was written."""
        central, arn = aws.partner_central, partner.arn
        owner = {OWNER_TAG: self.owner.to_tag()} if self.owner else {}
        # One call if nothing comes between.
        first, last = (self.tags, owner) if self.contact else ({**self.tags, **owner}, {})
        if self.removed_keys:  # before others are set: there may be 200 in all, and AWS may treat Team and team as one
            central.untag(arn, self.removed_keys, stack)
        if first:
            central.tag(arn, first, stack)
        if self.contact:
            self.contact.write(partner, aws, stack)
        if last:
            central.tag(arn, last, stack)
        optional = {OWNER_TAG: self.optional_owner.to_tag()} if self.optional_owner else {}
        tagged = bool(optional) and central.tag_in_sandbox(arn, optional, stack)
        has = {"tags": self.tags or self.removed_keys, "contact": self.contact, "owner": self.owner or tagged}
        return [name for name, change in has.items() if change]


def differing_tags(partner: Partner, wanted: Mapping[str, str]) -> dict[str, str]:
    """The wanted tags that the partner lacks, or has with another value."""
    return {key: value for key, value in wanted.items() if partner.tags.get(key) != value}


def contact_change(partner: Partner, wanted: PartnerProperties, aws: Aws) -> ContactChange | None:
    """What is to be written for the contact, or None if it matches; for a new address the code is read at once."""
    actual = aws.partner_central.contact(partner)
    if actual.is_same_as(wanted.contact):
        return None
    code = None if actual.has_email_of(wanted.contact) else verification_code(wanted.code, aws.calls)
    return ContactChange(wanted.contact, wanted.code, code)


def owner_change(partner: Partner, owner: Owner, operation: str, *, is_rollback: bool = False) -> Owner | None:
    """The ownership tag that is to be written, or None if it is to stay.

    A rollback only undoes what the same operation of the stack has done: an Update that is redelivered during one
    looks like any other, and would diverge from the stack's template.
    """
    before = partner.owner
    if before is None:
        return None if is_rollback else owner
    if before.is_same_construct(owner):
        return None
    if before.stack != owner.stack:
        return owner
    if is_rollback:
        was_moved_from_there = before == owner.moved_to(before, operation)
        return owner if was_moved_from_there else None
    return before.moved_to(owner, operation)
