"""Identities: the client token, the ownership tag, partner ARNs and legal names. Pure functions."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass

OWNER_TAG = "cdk-partner-account:owner"  # key of the tag with the construct and stack that own a partner

SCHEMA_VERSION = 1  # of the custom resources' properties: a function refuses those of a newer construct

PROFILE_TYPE = "Custom::PartnerProfile"  # by which the function distinguishes a profile from a partner

PARTITION = "aws"  # the partition that Partner Central is in; it is in no other


def client_token(stack_id: str, logical_id: str, request_id: str) -> str:
    """The idempotency token of CreatePartner, 64 characters of ``[0-9a-f]``.

    A redelivered event keeps its RequestId, so the service sees the same request; a new attempt of the same
    stack is a new request. The verification code is no part of it: six digits can be guessed from a hash.
    """
    return _digest(stack_id, logical_id, request_id)


@dataclass(frozen=True)
class Owner:
    """The owner of a partner, as in its ownership tag: two digests, and a third if the construct was moved."""

    stack: str  # account, region and root stack name: the same for each stack that is deployed under this name again

    path: str  # the construct's path in that stack

    move: str = ""
    """The path before, and the stack operation that moved it: its rollback goes back there, and nowhere else."""

    @classmethod
    def of(cls, stack_id: str, root_stack_name: str, construct_path: str) -> Owner:
        """The owner that a request of CloudFormation comes from."""
        _, _, _, region, account, _ = stack_id.split(":", 5)
        return cls(_digest(account, region, root_stack_name)[:32], _digest(construct_path)[:32])

    @classmethod
    def from_tag(cls, value: str) -> Owner:
        """The owner that a tag names; a value in another form is of no stack of this package."""
        stack, _, paths = value.partition("/")
        return cls(stack, *paths.split("/", 1))

    def to_tag(self) -> str:
        """The value of the ownership tag, 65 or 98 characters of ``[0-9a-f/]``."""
        return "/".join(filter(None, (self.stack, self.path, self.move)))

    def shown(self) -> str:
        """The value of the tag for the log: a person may have written anything there."""
        value = self.to_tag()
        return value if re.fullmatch(r"[0-9a-f]{32}(/[0-9a-f]{32}){1,2}", value) else "of another form"

    def moved_to(self, other: Owner, operation: str) -> Owner:
        """The other owner, marked with where it was moved from, and in which operation of the stack."""
        return Owner(other.stack, other.path, _digest(self.path, operation)[:32])

    def is_same_construct(self, other: Owner) -> bool:
        """Whether both are one construct of one stack."""
        return (self.stack, self.path) == (other.stack, other.path)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def is_partner_arn(text: str) -> bool:
    """Whether a physical resource id is a partner's ARN, in whatever form the service writes it.

    Other ids are those of failed Creates and those that CloudFormation generates.
    """
    return re.fullmatch(r"arn:[^:]+:partnercentral[a-z-]*:.+", text) is not None


def catalog_of(arn: str) -> str | None:
    """The catalog in a partner's ARN; None if its form is not the known one."""
    found = re.search(r":catalog/([^/]+)/partner/", arn)
    return found[1] if found else None


def partner_id(arn: str) -> str:
    """The partner id that a partner's ARN ends with, mostly ``partner-`` and 13 characters."""
    return re.split("[/:]", arn)[-1]


def same_name(one: str, other: str) -> bool:
    """Whether two legal names differ in case, width or spaces at most."""
    return folded(one) == folded(other)


def folded(text: str) -> str:
    """The form that all spellings of one legal name share."""
    return normalized(text).casefold()


def normalized(text: str) -> str:
    """A text without differences of width and spaces, and without invisible characters."""
    seen = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", seen).split())
