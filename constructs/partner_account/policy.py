"""Attaches permissions to the function's role, in policies whose names no other stack has; warns if it can't."""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
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
    """A policy of the role with these permissions, as the child `Policy` of `scope`.

    A role that accepts no policies from this app is left unchanged, with a warning at `scope`.
    """
    name = Names.unique_resource_name(scope, max_length=_MAX_NAME_LENGTH)
    # In one call: each costs a synth half a millisecond.
    document = iam.PolicyDocument.from_json({"Statement": [permission.to_statement() for permission in permissions]})
    policy = iam.Policy(scope, "Policy", document=document, policy_name=f"{name}-{_stack_uuid()}")
    _ = role.role_arn  # a LazyRole is created, and accepts policies, on first use
    # Not `roles=[role]`, which would attach it to an immutable role too.
    role.attach_inline_policy(policy)
    resource = cast("iam.CfnPolicy", policy.node.default_child)
    if reasons := _wildcards(permissions, Stack.of(scope)):
        # What cdk-nag 2 reads. It is part of the template, so the reasons themselves are in the documentation.
        reason = f"cdk-partner-account: {DOCUMENTATION}permissions.html says why"
        # It checks a nested stack's policy before CDK creates the parameters.
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
            f"The provider's role accepts no policies from this app. It must already allow the statements {sids}; "
            f"{DOCUMENTATION}permissions.html lists them. Acknowledge this warning when it does.",
        )
        # It reaches no template, but cdk-nag would check it all the same.
        scope.node.try_remove_child("Policy")
    return policy


@cache
def _stack_uuid() -> str:
    """Differs between stacks that share a role: a second policy with the same name would replace the first."""
    return Fn.select(2, Fn.split("/", Aws.STACK_ID))


def _wildcards(permissions: Sequence[Permission], stack: Stack) -> dict[str, str]:
    """The findings of cdk-nag in these permissions, and why they are there.

    Its rule AwsSolutions-IAM5 reports each distinct resource with a wildcard once per policy.
    """
    names = {
        Aws.PARTITION: "AWS::Partition",
        Aws.REGION: "AWS::Region",
        Aws.ACCOUNT_ID: "AWS::AccountId",
        # CDK's name for the parameter that passes it to a nested stack.
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
