"""What the local AWS has allowed, and where it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

LOCAL_PATH = "/_partner_account/iam"
"""Where the local AWS is asked what it allows, and what it has allowed."""


@dataclass(frozen=True)
class AllowedBy:
    """What a statement of a policy has allowed on the local AWS.

    Attributes:
        principal: the session that asked.
        sid: the statement's Sid, empty if it has none.
        actions: the statement's actions, as its policy words them.
        allowed: the actions that were asked for.
    """

    principal: str
    sid: str
    actions: Sequence[str]
    allowed: Sequence[str]
