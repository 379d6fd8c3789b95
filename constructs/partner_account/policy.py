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


def shared_policy(
    partner: Construct,
    provider: Construct,
    role: iam.IRole,
    name: str,
    *,
    common: Sequence[Permission],
    own: Sequence[Permission],
) -> iam.Policy:
    """The policy of that name in the partner's stack, with what all that share it take, and what this one takes.

    A role holds 10,240 characters of policies: six partners would fill it if each brought all that it takes.
    """
    stack = Stack.of(partner)
    # A provider of another stack may serve beside the stack's own one.
    suffix = "" if Stack.of(provider) is stack else provider.node.addr[-8:]
    home = _child_of(_child_of(stack, f"{_SHARED_ID}{suffix}"), name)
    found = cast("iam.Policy | None", home.node.try_find_child(_POLICY_ID))
    if found is None:
        return add_policy(home, role, [*common, *own], partner)
    if _is_attached(found):
        found.add_statements(*to_statements(own))  # CDK leaves out what is there already
    elif own:
        add_policy(partner, role, own)  # CDK's report of precreated roles has what a policy held at first
    return found


def _child_of(scope: Construct, name: str) -> Construct:
    found = scope.node.try_find_child(name)
    return cast("Construct", found) if found else Construct(scope, name)


def _is_attached(policy: iam.Policy) -> bool:
    resource = cast("iam.CfnPolicy", policy.node.default_child)
    return bool(Stack.of(policy).resolve(resource.roles))


def _not_updated(permissions: Sequence[Permission]) -> str:
    sids = ", ".join(permission.sid for permission in permissions)
    return (
        f"The provider's role takes no policies from this app. It must allow the statements {sids} already; "
        "docs/provider.md lists them. Acknowledge this warning when it does."
    )
