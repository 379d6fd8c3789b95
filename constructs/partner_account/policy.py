"""Puts permissions on the function's role: under a name that no other stack has, or by telling that it can't."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import Acknowledgment, Annotations, Aws, Fn, Names, Stack, Stage, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from partner_account.permissions import Permission, acknowledgments, to_statements
from partner_account.place import own_child

_SHARED_ID = "PartnerAccountPermissions"

# A policy's name has up to 128 characters; a hyphen and the 36 of the stack's UUID follow.
_LONGEST_NAME = 91


def add_policy(scope: Construct, role: iam.IRole, permissions: Sequence[Permission]) -> iam.Policy:
    """A policy of the role that holds these permissions, as the child `Policy` of `scope`.

    A role that takes no policies from this app stays as it is, and the user is told, at `scope`.
    """
    return _add_policy(scope, role, permissions, to_statements(permissions), scope)


def _add_policy(
    scope: Construct,
    role: iam.IRole,
    permissions: Sequence[Permission],
    statements: Mapping[str, iam.PolicyStatement],
    wanted_by: Construct,
) -> iam.Policy:
    name = Names.unique_resource_name(scope, max_length=_LONGEST_NAME)
    # Two stacks may share a role, where a second policy of one name would replace the first.
    stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    policy = iam.Policy(scope, "Policy", statements=list(statements.values()), policy_name=f"{name}-{stack_uuid}")
    # Not `roles=[role]`, which would attach it to an immutable role too.
    role.attach_inline_policy(policy)
    acknowledged = acknowledgments(permissions)
    Validations.of(policy).acknowledge(*acknowledged)
    if acknowledged:
        _resource_of(policy).add_metadata("cdk_nag", _for_cdk_nag_2(acknowledged))
    if not _is_attached(policy):
        Annotations.of(wanted_by).add_warning_v2("partner-account:role-not-updated", _not_updated(permissions))
    return policy


class SharedPolicies(Construct):
    """The policies by which partners of one stack use one provider.

    A role holds 10,240 characters of policies: six partners would fill it if each brought all that it takes.
    """

    def __init__(self, stack: Stack, id: str, role: iam.IRole) -> None:  # noqa: A002 - CDK's name for it
        """Start without any; use `of`."""
        super().__init__(stack, id)
        self._role = role
        self._shared: dict[str, _Shared] = {}

    @staticmethod
    def of(stack: Stack, provider: Construct, role: iam.IRole) -> "SharedPolicies":
        """The policies of a stack's partners on the provider's role."""
        name = _SHARED_ID if Stack.of(provider) is stack else f"{_SHARED_ID}{_path_in_stage(provider)}"
        return own_child(stack, name, SharedPolicies) or SharedPolicies(stack, name, role)

    def grant(self, partner: Construct, name: str, permissions: Sequence[Permission]) -> iam.Policy:
        """The policy of that name, with what the partner takes and it has not yet."""
        if name not in self._shared:
            statements = to_statements(permissions)
            policy = _add_policy(Construct(self, name), self._role, permissions, statements, partner)
            self._shared[name] = _Shared(policy, statements, list(permissions))
        shared = self._shared[name]
        if new := [permission for permission in permissions if permission not in shared.granted]:
            shared.granted.extend(new)
            self._extend(shared, partner, new)
        return shared.policy

    def _extend(self, shared: "_Shared", partner: Construct, new: Sequence[Permission]) -> None:
        if _is_attached(shared.policy):
            shared.add(new)
        else:
            add_policy(partner, self._role, new)  # CDK's report of precreated roles has what a policy held at first


@dataclass(frozen=True)
class _Shared:
    """A policy that several partners share, with its statements by their Sid."""

    policy: iam.Policy
    statements: dict[str, iam.PolicyStatement]
    granted: list[Permission]

    def add(self, permissions: Sequence[Permission]) -> None:
        """One Sid, one statement: permissions of the same Sid differ by their resource, and by its region."""
        for permission in permissions:
            if permission.sid in self.statements:
                statement = self.statements[permission.sid]
                statement.add_resources(permission.resource)
                for operator, values in self._differing_conditions(permission).items():
                    statement.add_condition(operator, values)
            else:
                self.statements.update(to_statements([permission]))
                self.policy.add_statements(self.statements[permission.sid])

    def _differing_conditions(self, permission: Permission) -> Mapping[str, Mapping[str, list[str]]]:
        """The conditions whose values aren't the same in all granted permissions of that Sid, with all the values."""
        alike = [granted.conditions for granted in self.granted if granted.sid == permission.sid]
        values = {
            (operator, key): list(dict.fromkeys(conditions[operator][key] for conditions in alike))
            for operator, keys in permission.conditions.items()
            for key in keys
        }
        return {operator: {key: found} for (operator, key), found in values.items() if len(found) > 1}


def _path_in_stage(provider: Construct) -> str:
    """Tells a provider of another stack from the own one, beside which it may serve; stages stay alike."""
    stage = Stage.of(provider)
    return provider.node.path.removeprefix(stage.node.path if stage else "")


def _for_cdk_nag_2(acknowledged: Sequence[Acknowledgment]) -> Mapping[str, object]:
    """What cdk-nag 2, an aspect, reads in the resource's metadata, where its NagSuppressions writes it.

    The metadata is part of the template, so the reasons themselves stand in the documentation.
    """
    findings = [one.id.removeprefix("AwsSolutions::AwsSolutions-IAM5[").removesuffix("]") for one in acknowledged]
    reason = "cdk-partner-account: docs/permissions.md says why"
    return {"rules_to_suppress": [{"id": "AwsSolutions-IAM5", "reason": reason, "applies_to": findings}]}


def _is_attached(policy: iam.Policy) -> bool:
    return bool(Stack.of(policy).resolve(_resource_of(policy).roles))


def _resource_of(policy: iam.Policy) -> iam.CfnPolicy:
    return cast("iam.CfnPolicy", policy.node.default_child)


def _not_updated(permissions: Sequence[Permission]) -> str:
    sids = ", ".join(permission.sid for permission in permissions)
    return (
        f"The provider's role takes no policies from this app. It must allow the statements {sids} already; "
        "docs/provider.md lists them. Acknowledge this warning when it does."
    )
