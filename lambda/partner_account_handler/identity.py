"""Who is who: the client token, the ownership tag, partner ARNs and legal names. Pure functions."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata

OWNER_TAG = "cdk-partner-account:owner"
"""Key of the tag that says which construct of which stack a partner belongs to."""

PARTITION = "aws"
"""The partition that Partner Central is in; it is in no other."""

_PARTNER_ARN = re.compile(
    r"arn:[a-z-]+:partnercentral:[a-z0-9-]+:[0-9]{12}:catalog/([A-Za-z-_]+)/partner/(partner-[A-Za-z0-9]{13})"
)


def client_token(stack_id: str, logical_id: str, request_id: str) -> str:
    """The idempotency token of CreatePartner, 64 characters of ``[0-9a-f]``.

    A redelivered event keeps its RequestId, so the service sees the same request; a new attempt of the same
    stack is a new request. The verification code is no part of it: six digits can be guessed from a hash.
    """
    return _digest(stack_id, logical_id, request_id)


def owner_id(stack_id: str, root_stack_name: str, construct_path: str) -> str:
    """The value of the ownership tag: the same for each stack that is deployed under this name again."""
    _, _, _, region, account, _ = stack_id.split(":", 5)
    return _digest(account, region, root_stack_name, construct_path)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def is_partner_arn(text: str) -> bool:
    """Whether a physical resource id is a partner's ARN, and not one that CloudFormation made up."""
    return _PARTNER_ARN.fullmatch(text) is not None


def is_partner_id(text: str) -> bool:
    """Whether a text has the form of a partner's id."""
    return re.fullmatch(r"partner-[A-Za-z0-9]{13}", text) is not None


def catalog_of(arn: str) -> str:
    """The catalog that a partner's ARN names."""
    return _parts(arn)[0]


def partner_id(arn: str) -> str:
    """The partner id (``partner-`` and 13 characters) that a partner's ARN names."""
    return _parts(arn)[1]


def _parts(arn: str) -> tuple[str, str]:
    match = _PARTNER_ARN.fullmatch(arn)
    if match is None:
        raise ValueError("not the ARN of a partner")
    return match[1], match[2]


def same_name(one: str, other: str) -> bool:
    """Whether two legal names differ in case, width or blanks at most."""
    return folded(one) == folded(other)


def folded(text: str) -> str:
    """What all spellings of one legal name have in common."""
    return normalized(text).casefold()


def normalized(text: str) -> str:
    """A text without differences of width and blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
