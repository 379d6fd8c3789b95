"""What the function of a partner account may do: the IAM statements that the app's template gives its role."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from partner_account_rehearsal.allowed import AllowedBy
from partner_account_rehearsal.assembly import Template, in_words, references
from partner_account_rehearsal.partners import Partner

_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")


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

    def as_used(self, allowed: Sequence[AllowedBy]) -> "Statement":
        """The same, with what the local AWS tells that it has allowed."""
        own = [one for one in allowed if (one.sid, sorted(one.actions)) == (self.sid, sorted(self.actions))]
        return replace(self, used=sorted({action for one in own for action in one.allowed}))


def statements_of(partners: Sequence[Partner]) -> list[Statement]:
    """What the functions of these partners may do, each statement once, managed policies as statements of their own."""
    found = [statement for partner in partners for statement in _statements(partner)]
    return [one for number, one in enumerate(found) if one not in found[:number]]


def _statements(partner: Partner) -> Iterator[Statement]:
    template = partner.placed.template
    functions = list(references(partner.placed.properties.get("ServiceToken", "")))
    for function in functions:
        for role in references(_properties(template, function).get("Role", "")):
            for document in _documents(template, role):
                yield from map(_statement, _as_list(document.get("Statement", ())))
            for arn in _as_list(_properties(template, role).get("ManagedPolicyArns", ())):
                yield Statement("ManagedPolicy", "Allow", [in_words(arn)], ["as that policy says"], [])
    for logical_id in (partner.placed.logical_id, *functions):
        for document in _awaited(template, logical_id):
            yield from map(_statement, _as_list(document.get("Statement", ())))


def _documents(template: Template, role: str) -> Iterator[Mapping[str, Any]]:
    for policy in _as_list(_properties(template, role).get("Policies", ())):
        yield policy["PolicyDocument"]
    for logical_id, resource in template["Resources"].items():
        properties = _properties(template, logical_id)
        if resource["Type"] in _POLICIES and role in references(properties.get("Roles", ())):
            yield properties["PolicyDocument"]


def _awaited(template: Template, logical_id: str) -> Iterator[Mapping[str, Any]]:
    """The policies that a resource waits for: all there is to see of a role that is another stack's or nobody's."""
    for awaited in _as_list(template["Resources"].get(logical_id, {}).get("DependsOn", ())):
        if template["Resources"].get(awaited, {}).get("Type") in _POLICIES:
            yield _properties(template, awaited)["PolicyDocument"]


def _statement(statement: Mapping[str, Any]) -> Statement:
    conditions = [
        f"{operator} {key} = {in_words(value)}"
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    ]
    return Statement(
        sid=statement.get("Sid", ""),
        effect=statement["Effect"],
        actions=[in_words(one) for one in _as_list(statement.get("Action", statement.get("NotAction", ())))],
        resources=[in_words(one) for one in _as_list(statement.get("Resource", ()))],
        conditions=conditions,
    )


def _properties(template: Template, logical_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = template["Resources"].get(logical_id, {}).get("Properties", {})
    return found


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
