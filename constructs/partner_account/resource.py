"""The custom resources of a partner and a profile, with the handler's input, and the policy that each needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnResource, IResolvable, ScopedAws, Stack
from constructs import Construct

from partner_account import permissions
from partner_account.grants import IPartnerAccount
from partner_account.outputs import OutputNames, path_below, root_stack
from partner_account.permissions import Permission
from partner_account.policy import add_policy
from partner_account.profile_props import ProfileProps
from partner_account.provider import SERVICE_TIMEOUT_SECONDS, PartnerAccountProvider
from partner_account.validation import PartnerProps
from partner_account_handler.identity import PROFILE_TYPE, SCHEMA_VERSION
from partner_account_handler.texts import composed

PARTNER_TYPE = "Custom::PartnerAccount"


def add_partner(
    partner: Construct,
    props: PartnerProps,
    names: OutputNames,
    tags: IResolvable | None,
    provider: PartnerAccountProvider,
) -> CfnResource:
    """Add the custom resource of a partner to `partner`, and its permissions to the provider's role."""
    stack = Stack.of(partner)
    granted = [
        *permissions.of_partner(props.catalog, may_create=props.existing_partner_id is None),
        # Not by a grant of the secret or key: that would make the provider's stack depend on this one.
        *props.code._permissions(stack),
    ]
    properties = {**_partner_properties(partner, props, stack), **({"Tags": tags} if tags else {})}
    return _add(partner, PARTNER_TYPE, provider, granted, names, properties)


def add_profile(
    profile: Construct, props: ProfileProps, names: OutputNames, provider: PartnerAccountProvider
) -> CfnResource:
    """Add the custom resource of a profile to `profile`, and its permissions to the provider's role."""
    partner_arn = _real_arn(props.partner, Stack.of(profile))
    granted = permissions.of_profile(partner_arn, sets_visibility=props.visibility is not None)
    return _add(profile, PROFILE_TYPE, provider, granted, names, {"PartnerArn": partner_arn, **props.to_properties()})


def _real_arn(partner: IPartnerAccount, stack: Stack) -> str:
    """The partner's ARN, even if the attribute keeps a former one, which in the Sandbox a stack may import."""
    match partner.node.default_child:
        case CfnResource() as resource if Stack.of(resource) is stack:
            return resource.ref
    return partner.partner_arn


def _add(
    construct: Construct,
    resource_type: str,
    provider: PartnerAccountProvider,
    granted: Sequence[Permission],
    names: OutputNames,
    properties: Mapping[str, Any],
) -> CfnResource:
    policy = add_policy(construct, provider.role, [*granted, *permissions.of_stack(Stack.of(construct))])
    # The L1, so that it is the construct's `node.default_child`, which escape hatches and aspects reach for.
    resource = CfnResource(
        construct,
        "Resource",
        type=resource_type,
        properties={
            "ServiceToken": provider.service_token,
            "ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS),
            "SchemaVersion": str(SCHEMA_VERSION),
            **properties,
            # From this the handler finds the stack's outputs.
            **({"OutputPrefix": names.prefix} if names.logical_ids else {}),
        },
    )
    retain(resource)
    # Without these settings Lambda might retry a call for six hours; they also wait for the routes out of a VPC.
    resource.node.add_dependency(policy, provider.function.node.find_child("EventInvokeConfig"))
    return resource


def retain(resource: CfnResource) -> None:
    """Retain it, regardless of its removal policy: no API call deletes a partner or a profile."""
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        resource.add_override(attribute, "Retain")


def _partner_properties(partner: Construct, props: PartnerProps, stack: Stack) -> Mapping[str, Any]:
    root = root_stack(stack)
    contact = props.contact
    existing = {} if props.existing_partner_id is None else {"ExistingPartnerId": props.existing_partner_id}
    return {
        "Catalog": props.catalog.value,
        "LegalName": composed(props.legal_name),
        "PrimarySolutionType": str(props.primary_solution_type),
        "AllianceLeadContact": {
            "FirstName": composed(contact.first_name),
            "LastName": composed(contact.last_name),
            "Email": composed(contact.email),
            "BusinessTitle": composed(contact.business_title),
        },
        "EmailVerificationCode": props.code._template_value(stack),
        **existing,
        "Owner": {
            # The name under which it is deployed, since many stacks may use one template; and the outermost stack's,
            # since a nested one's own name has a random suffix.
            "StackName": ScopedAws(root).stack_name,
            "ConstructPath": path_below(root, partner),
        },
    }
