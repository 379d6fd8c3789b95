"""What IAM says that a caller may do, without doing it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

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


_ASSUMED_ROLE = re.compile(r"arn:[^:]+:sts::[0-9]+:assumed-role/([^/]+)/.*")


def denied_actions(iam: Any, caller: str, actions: Sequence[str]) -> list[str] | None:
    """Those of the actions that the caller's policies, boundary and SCPs deny; None if IAM doesn't tell."""
    if caller.endswith(":root"):  # IAM simulates users and roles only
        return None
    try:
        source = _principal(iam, caller)
        answer = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=list(actions))
    except (ClientError, BotoCoreError, ResponseParserError):
        return None
    decisions = {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}
    if set(decisions) != set(actions):
        return None
    return [action for action in actions if decisions[action] != "allowed"]


def _principal(iam: Any, caller: str) -> str:
    """The user or the role, of which a session's ARN doesn't tell the path."""
    session = _ASSUMED_ROLE.fullmatch(caller)
    return str(iam.get_role(RoleName=session[1])["Role"]["Arn"]) if session else caller
