"""Puts permissions on the function's role: under a name that no other stack has, or by telling that it can't."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Annotations, Aws, Fn, Names, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from partner_account.permissions import Permission, acknowledgments, to_document, to_statements

_POLICY_ID = "Policy"
_SHARED_ID = "PartnerAccountPermissions"

# A policy's name has up to 128 characters; a hyphen and the 36 of the stack's UUID follow.
_LONGEST_NAME = 91


def add_policy(
    scope: Construct, role: iam.IRole, permissions: Sequence[Permission], wanted_by: Construct | None = None
) -> iam.Policy:
    """A policy of the role that holds these permissions, as the child `Policy` of `scope`.

    A role that takes no policies from this app stays as it is, and the user is told, at `scope` or who wants it.
    """
    name = Names.unique_resource_name(scope, max_length=_LONGEST_NAME)
    # Two stacks may share a role, where a second policy of one name would replace the first.
    stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    policy = iam.Policy(scope, _POLICY_ID, document=to_document(permissions), policy_name=f"{name}-{stack_uuid}")
    # Not `roles=[role]`, which would attach it to an immutable role too.
    role.attach_inline_policy(policy)
    Validations.of(policy).acknowledge(*acknowledgments(permissions))
    if not _is_attached(policy):
        Annotations.of(wanted_by or scope).add_warning_v2("partner-account:role-not-updated", _not_updated(permissions))
    return policy


class SharedPolicies(Construct):
    """The policies by which partners of one stack use one provider.

    A role holds 10,240 characters of policies: six partners would fill it if each brought all that it takes.
    """

    def __init__(self, stack: Stack, id: str, role: iam.IRole) -> None:  # noqa: A002 - CDK's name for it
        """Start without any; use `of`."""
        super().__init__(stack, id)
        self._role = role
        self._made: dict[str, tuple[iam.Policy, list[Permission]]] = {}

    @staticmethod
    def of(partner: Construct, provider: Construct, role: iam.IRole) -> "SharedPolicies":
        """The policies of the partner's stack on the provider's role."""
        stack = Stack.of(partner)
        # A provider of another stack may serve beside the stack's own one.
        name = _SHARED_ID if Stack.of(provider) is stack else f"{_SHARED_ID}{provider.node.addr[-8:]}"
        found = stack.node.try_find_child(name)
        return cast("SharedPolicies", found) if found else SharedPolicies(stack, name, role)

    def grant(self, partner: Construct, name: str, permissions: Sequence[Permission]) -> iam.Policy:
        """The policy of that name, with what the partner takes and it has not yet."""
        if name not in self._made:
            policy = add_policy(Construct(self, name), self._role, permissions, partner)
            self._made[name] = policy, list(permissions)
            return policy
        policy, granted = self._made[name]
        if new := [permission for permission in permissions if permission not in granted]:
            granted += new
            self._extend(policy, partner, new)
        return policy

    def _extend(self, policy: iam.Policy, partner: Construct, new: Sequence[Permission]) -> None:
        if _is_attached(policy):
            policy.add_statements(*to_statements(new))
        else:
            add_policy(partner, self._role, new)  # CDK's report of precreated roles has what a policy held at first


def _is_attached(policy: iam.Policy) -> bool:
    resource = cast("iam.CfnPolicy", policy.node.default_child)
    return bool(Stack.of(policy).resolve(resource.roles))


def _not_updated(permissions: Sequence[Permission]) -> str:
    sids = ", ".join(permission.sid for permission in permissions)
    return (
        f"The provider's role takes no policies from this app. It must allow the statements {sids} already; "
        "docs/provider.md lists them. Acknowledge this warning when it does."
    )
