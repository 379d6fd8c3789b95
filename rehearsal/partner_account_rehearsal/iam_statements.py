"""What the function of a partner account may do: the IAM statements of the app's template, and what they allowed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from partner_account_rehearsal.assembly import Template
from partner_account_rehearsal.expressions import references, to_text
from partner_account_rehearsal.partners import ManagedResource

IAM_PATH = "/_partner_account/iam"
"""The path at which the local AWS reports what it allows and has allowed."""

_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")


@dataclass(frozen=True)
class UsedStatement:
    """What a statement of a policy has allowed on the local AWS.

    Attributes:
        principal: the session that called.
        sid: the statement's Sid, empty if it has none.
        actions: the statement's actions, as its policy words them.
        allowed: the actions that were called.
    """

    principal: str
    sid: str
    actions: Sequence[str]
    allowed: Sequence[str]


@dataclass(frozen=True)
class Statement:
    """One IAM statement; what only CloudFormation knows is written `${…}`."""

    sid: str
    effect: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Sequence[str]
    used: Sequence[str] = ()
    """The actions that it has allowed in the rehearsal."""

    def with_usage(self, used: Sequence[UsedStatement]) -> "Statement":
        """The same, with what it has allowed on the local AWS."""
        own = [one for one in used if (one.sid, sorted(one.actions)) == (self.sid, sorted(self.actions))]
        return replace(self, used=sorted({action for one in own for action in one.allowed}))


def statements_of(managed: Iterable[ManagedResource]) -> list[Statement]:
    """What the functions of these may do, each statement once, managed policies as separate statements."""
    found = [statement for one in managed for statement in _statements(one)]
    return [one for number, one in enumerate(found) if one not in found[:number]]


def _statements(managed: ManagedResource) -> Iterator[Statement]:
    template = managed.resource.template
    functions = references(managed.resource.properties.get("ServiceToken", ""))
    for function in functions:
        for role in references(_properties(template, function).get("Role", "")):
            for document in _documents_of_role(template, role):
                yield from map(_statement, _as_list(document.get("Statement", ())))
            for arn in _as_list(_properties(template, role).get("ManagedPolicyArns", ())):
                yield Statement("ManagedPolicy", "Allow", [to_text(arn)], ["as that policy says"], [])
    # Of a role in another stack or in none, only the policies that a resource depends on are visible.
    for logical_id in (managed.resource.logical_id, *functions):
        for dependency in _as_list(template["Resources"].get(logical_id, {}).get("DependsOn", ())):
            if template["Resources"].get(dependency, {}).get("Type") in _POLICIES:
                document = _properties(template, dependency)["PolicyDocument"]
                yield from map(_statement, _as_list(document.get("Statement", ())))


def _documents_of_role(template: Template, role: str) -> Iterator[Mapping[str, Any]]:
    for policy in _as_list(_properties(template, role).get("Policies", ())):
        yield policy["PolicyDocument"]
    for logical_id, resource in template["Resources"].items():
        properties = _properties(template, logical_id)
        if resource["Type"] in _POLICIES and role in references(properties.get("Roles", [])):
            yield properties["PolicyDocument"]


def _statement(statement: Mapping[str, Any]) -> Statement:
    conditions = [
        f"{operator} {key} = {to_text(value)}"
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    ]
    return Statement(
        sid=statement.get("Sid", ""),
        effect=statement["Effect"],
        actions=[to_text(one) for one in _as_list(statement.get("Action", statement.get("NotAction", ())))],
        resources=[to_text(one) for one in _as_list(statement.get("Resource", ()))],
        conditions=conditions,
    )


def _properties(template: Template, logical_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = template["Resources"].get(logical_id, {}).get("Properties", {})
    return found


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
