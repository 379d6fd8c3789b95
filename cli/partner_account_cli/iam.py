"""What IAM says that a caller may do, without doing it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

_ASSUMED_ROLE = re.compile(r"arn:[^:]+:sts::[0-9]+:assumed-role/([^/]+)/.*")


@dataclass(frozen=True)
class Request:
    """A request that the caller would make, as policies see it.

    Attributes:
        action: the action, such as `partnercentral:SendEmailVerificationCode`.
        context: the condition keys that the request has, with their values.
    """

    action: str
    context: Mapping[str, str]


@dataclass(frozen=True)
class Simulation:
    """What IAM says of some requests.

    Attributes:
        denied: the actions that are denied, whatever else is in the request.
        undecided: the other actions that depend on condition keys whose values nobody knows here, and these keys.
    """

    denied: Sequence[str]
    undecided: Mapping[str, Sequence[str]]


def simulate(iam: Any, caller: str, requests: Sequence[Request]) -> Simulation | None:
    """What the caller's policies, boundary and SCPs say of the requests; None if IAM doesn't tell."""
    if caller.endswith(":root"):  # IAM simulates users and roles only
        return None
    denied, undecided = [], {}
    try:
        # The ARN of a role's session doesn't tell the role's path.
        session = _ASSUMED_ROLE.fullmatch(caller)
        principal = iam.get_role(RoleName=session[1])["Role"]["Arn"] if session else caller
        for request in requests:
            answer = iam.simulate_principal_policy(
                PolicySourceArn=principal,
                ActionNames=[request.action],
                ContextEntries=[
                    {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                    for key, value in request.context.items()
                ],
            )
            (result,) = answer["EvaluationResults"]
            # A key that is missing here may be in the real request: a condition on it may then be met, or no longer.
            if missing := result.get("MissingContextValues"):
                undecided[request.action] = missing
            elif result["EvalDecision"] != "allowed":
                denied.append(request.action)
    except (ClientError, BotoCoreError, ResponseParserError, ValueError):
        return None
    return Simulation(
        list(dict.fromkeys(denied)), {action: keys for action, keys in undecided.items() if action not in denied}
    )
