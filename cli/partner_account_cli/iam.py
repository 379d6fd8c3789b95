"""What IAM says that a caller may do, without doing it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

_ASSUMED_ROLE = re.compile(r"arn:[^:]+:sts::[0-9]+:assumed-role/([^/]+)/.*")
_LISTS = {"aws:TagKeys"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """Requests that a caller would make, as policies see them.

    Attributes:
        actions: the actions that are asked for, such as `partnercentral:CreatePartner`.
        context: the condition keys that the request has, with their values.
        resource: what it is about; None if the service knows no resource type for it.
    """

    actions: Sequence[str]
    context: Mapping[str, str] = field(default_factory=dict)
    resource: str | None = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What IAM says of some requests.

    Attributes:
        denied: the actions that are denied, whatever else is in the request.
        undecided: for each action that may be denied, the condition keys that the policies ask for and nobody knows.
    """

    denied: Sequence[str]
    undecided: Mapping[str, Sequence[str]]


def judge(iam: Any, caller: str, requests: Iterable[Request]) -> Judgement | None:
    """What the caller's policies, boundary and SCPs say of the requests; None if IAM doesn't tell."""
    if caller.endswith(":root"):  # IAM simulates users and roles only
        return None
    try:
        source = _principal(iam, caller)
        results = [result for request in requests for result in _simulated(iam, source, request)]
    except (ClientError, BotoCoreError, ResponseParserError, _IncompleteError):
        return None
    refused = [result for result in results if result["EvalDecision"] != "allowed"]
    # A key that is missing here may be in the real request, and a condition on it may then be met.
    denied = [one["EvalActionName"] for one in refused if not one.get("MissingContextValues")]
    undecided = {
        one["EvalActionName"]: one["MissingContextValues"] for one in refused if one.get("MissingContextValues")
    }
    return Judgement(
        denied=list(dict.fromkeys(denied)),
        undecided={action: keys for action, keys in undecided.items() if action not in denied},
    )


class _IncompleteError(Exception):
    """IAM answered, and not about each action."""


def _simulated(iam: Any, source: str, request: Request) -> Sequence[Mapping[str, Any]]:
    entries = [
        {
            "ContextKeyName": key,
            "ContextKeyValues": [value],
            "ContextKeyType": "stringList" if key in _LISTS else "string",
        }
        for key, value in request.context.items()
    ]
    about = {"ResourceArns": [request.resource]} if request.resource else {}
    answer = iam.simulate_principal_policy(
        PolicySourceArn=source, ActionNames=list(request.actions), ContextEntries=entries, **about
    )
    results: Sequence[Mapping[str, Any]] = answer["EvaluationResults"]
    if {one["EvalActionName"] for one in results} != set(request.actions):
        raise _IncompleteError
    return results


def _principal(iam: Any, caller: str) -> str:
    """The user or the role, of which a session's ARN doesn't tell the path."""
    session = _ASSUMED_ROLE.fullmatch(caller)
    return str(iam.get_role(RoleName=session[1])["Role"]["Arn"]) if session else caller
