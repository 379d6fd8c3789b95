"""Puts permissions on the function's role, in policies whose names no other stack has, and tells if it can't."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import aws_cdk
from aws_cdk import Annotations, Aws, Fn, Names, ScopedAws, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from partner_account.errors import DOCUMENTATION
from partner_account.permissions import Permission, parents_of

# A policy's name has up to 128 characters; a hyphen and the 36 of the stack's UUID follow.
_MAX_NAME_LENGTH = 91


def add_policy(scope: Construct, role: iam.IRole, permissions: Sequence[Permission]) -> iam.Policy:
    """A policy of the role that holds these permissions, as the child `Policy` of `scope`.

    A role that takes no policies from this app stays as it is, and the user is told, at `scope`.
    """
    name = Names.unique_resource_name(scope, max_length=_MAX_NAME_LENGTH)
    # Two stacks may share a role, where a second policy of one name would replace the first.
    stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    statements = [permission.to_statement() for permission in permissions]
    policy = iam.Policy(scope, "Policy", statements=statements, policy_name=f"{name}-{stack_uuid}")
    _ = role.role_arn  # a LazyRole is made, and takes policies, when it is asked for
    # Not `roles=[role]`, which would attach it to an immutable role too.
    role.attach_inline_policy(policy)
    resource = cast("iam.CfnPolicy", policy.node.default_child)
    if reasons := _wildcards(permissions, Stack.of(scope)):
        # What cdk-nag 2 reads. It is part of the template, so the reasons themselves stand in the documentation.
        reason = f"cdk-partner-account: {DOCUMENTATION}permissions.html says why"
        # It judges a nested stack's policy before CDK makes the parameters.
        findings = [re.sub(r"<referenceto\w+>", "<AWS::StackName>", finding) for finding in reasons]
        rule = {"id": "AwsSolutions-IAM5", "reason": reason, "applies_to": list(dict.fromkeys(findings))}
        resource.add_metadata("cdk_nag", {"rules_to_suppress": [rule]})
        # What cdk-nag 3 reads. Before 2.270 aws-cdk-lib refuses these ids, or has no such validations at all.
        with suppress(AttributeError, RuntimeError):
            aws_cdk.Validations.of(policy).acknowledge(
                *(
                    aws_cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-IAM5[{finding}]", reason=why)
                    for finding, why in reasons.items()
                )
            )
    if not Stack.of(policy).resolve(resource.roles):
        sids = ", ".join(permission.sid for permission in permissions)
        Annotations.of(scope).add_warning_v2(
            "partner-account:role-not-updated",
            f"The provider's role takes no policies from this app. It must allow the statements {sids} already; "
            f"{DOCUMENTATION}permissions.html lists them. Acknowledge this warning when it does.",
        )
        # It reaches no template, and cdk-nag would judge it all the same.
        scope.node.try_remove_child("Policy")
    return policy


def _wildcards(permissions: Sequence[Permission], stack: Stack) -> dict[str, str]:
    """What cdk-nag finds in these permissions, and why it is there.

    Its rule AwsSolutions-IAM5 reports each distinct resource with a wildcard once per policy.
    """
    names = {
        Aws.PARTITION: "AWS::Partition",
        Aws.REGION: "AWS::Region",
        Aws.ACCOUNT_ID: "AWS::AccountId",
        # So CDK calls the parameter by which a nested stack gets it.
        **{
            ScopedAws(parent).stack_name: f"referenceto{Names.node_unique_id(parent.node)}AWSStackName"
            for parent in parents_of(stack)
        },
    }
    reasons: dict[str, list[str]] = {}
    for permission in permissions:
        if permission.resource.endswith("*"):
            resource = permission.resource
            for token, name in names.items():
                resource = resource.replace(token, f"<{name}>")
            reasons.setdefault(f"Resource::{resource}", []).append(f"{permission.sid}: {permission.reason}")
    return {finding: " ".join(why) for finding, why in reasons.items()}
