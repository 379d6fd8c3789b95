"""What IAM says that a caller may do, without doing it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

_ASSUMED_ROLE = re.compile(r"arn:[^:]+:sts::[0-9]+:assumed-role/([^/]+)/.*")

SimulatedRequest = tuple[str, Mapping[str, str]]
"""An action, such as `partnercentral:StartVerification`, and the condition keys of the request with their values."""


def simulate(
    iam: Any, caller: str, requests: Sequence[SimulatedRequest]
) -> tuple[list[str], dict[str, list[str]]] | None:
    """What the caller's policies, boundary and SCPs say of the requests.

    Returns the actions that are denied, whatever else is in the request, and those that depend on condition keys whose
    values nobody knows here, with these keys; None if IAM doesn't tell.
    """
    if caller.endswith(":root"):  # IAM simulates users and roles only
        return None
    denied, undecided = [], {}
    try:
        # The ARN of a role's session doesn't tell the role's path.
        session = _ASSUMED_ROLE.fullmatch(caller)
        principal = iam.get_role(RoleName=session[1])["Role"]["Arn"] if session else caller
        for action, context in requests:
            entries = [
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in context.items()
            ]
            answer = iam.simulate_principal_policy(
                PolicySourceArn=principal, ActionNames=[action], ContextEntries=entries
            )
            (result,) = answer["EvaluationResults"]
            # A key that is missing here may be in the real request: a condition on it may then be met, or no longer.
            if missing := result.get("MissingContextValues"):
                undecided[action] = missing
            elif result["EvalDecision"] != "allowed":
                denied.append(action)
    except (ClientError, BotoCoreError, ResponseParserError, ValueError):
        return None
    return list(dict.fromkeys(denied)), undecided
