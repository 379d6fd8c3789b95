"""Puts permissions on the function's role: under a name that no other stack has, or by telling that it can't."""

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import Annotations, Aws, Fn, Names, Stack, Stage, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from partner_account.permissions import Permission, acknowledgments, to_statements

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
    Validations.of(policy).acknowledge(*acknowledgments(permissions))
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
        self._policies: dict[str, iam.Policy] = {}
        self._granted: dict[str, list[Permission]] = {}
        self._statements: dict[str, dict[str, iam.PolicyStatement]] = {}

    @staticmethod
    def of(partner: Construct, provider: Construct, role: iam.IRole) -> "SharedPolicies":
        """The policies of the partner's stack on the provider's role."""
        stack = Stack.of(partner)
        name = _SHARED_ID if Stack.of(provider) is stack else f"{_SHARED_ID}{_path_in_stage(provider)}"
        found = stack.node.try_find_child(name)
        return cast("SharedPolicies", found) if found else SharedPolicies(stack, name, role)

    def grant(self, partner: Construct, name: str, permissions: Sequence[Permission]) -> iam.Policy:
        """The policy of that name, with what the partner takes and it has not yet."""
        if name not in self._policies:
            self._granted[name] = list(permissions)
            statements = self._statements[name] = to_statements(permissions)
            self._policies[name] = _add_policy(Construct(self, name), self._role, permissions, statements, partner)
        elif new := [permission for permission in permissions if permission not in self._granted[name]]:
            self._granted[name] += new
            self._extend(name, partner, new)
        return self._policies[name]

    def _extend(self, name: str, partner: Construct, new: Sequence[Permission]) -> None:
        if _is_attached(self._policies[name]):
            _add_permissions(self._policies[name], self._statements[name], new)
        else:
            add_policy(partner, self._role, new)  # CDK's report of precreated roles has what a policy held at first


def _add_permissions(policy: iam.Policy, statements: dict[str, iam.PolicyStatement], new: Sequence[Permission]) -> None:
    """One Sid, one statement: permissions of the same Sid differ by their resource."""
    for permission in new:
        if permission.sid in statements:
            statements[permission.sid].add_resources(permission.resource)
        else:
            statements |= to_statements([permission])
            policy.add_statements(statements[permission.sid])


def _path_in_stage(provider: Construct) -> str:
    """Tells a provider of another stack from the own one, beside which it may serve; stages stay alike."""
    stage = Stage.of(provider)
    return provider.node.path.removeprefix(stage.node.path if stage else "")


def _is_attached(policy: iam.Policy) -> bool:
    resource = cast("iam.CfnPolicy", policy.node.default_child)
    return bool(Stack.of(policy).resolve(resource.roles))


def _not_updated(permissions: Sequence[Permission]) -> str:
    sids = ", ".join(permission.sid for permission in permissions)
    return (
        f"The provider's role takes no policies from this app. It must allow the statements {sids} already; "
        "docs/provider.md lists them. Acknowledge this warning when it does."
    )
