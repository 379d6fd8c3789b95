"""The custom resource of one partner, with the properties that the handler reads, and the policy that it needs."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource, IResolvable, RemovalPolicy, ScopedAws, Stack
from constructs import Construct

from partner_account import permissions
from partner_account.outputs import path_below, root_stack
from partner_account.policy import add_policy
from partner_account.provider import SERVICE_TIMEOUT_SECONDS, PartnerAccountProvider
from partner_account.validation import PartnerProps
from partner_account_handler.texts import composed

RESOURCE_TYPE = "Custom::PartnerAccount"

# Changes with the shape of the properties: the function refuses what a newer version of this package writes.
_SCHEMA_VERSION = "1"


def add_resource(
    partner: Construct, props: PartnerProps, tags: IResolvable | None, provider: PartnerAccountProvider
) -> CfnResource:
    """Put the custom resource into `partner`, and on the provider's role what it takes."""
    stack = Stack.of(partner)
    granted = permissions.of_partner(props.catalog, may_create=props.existing_partner_id is None)
    # Here, and not by a grant of the secret or key: that would make the provider's stack depend on this one.
    policy = add_policy(partner, provider.role, [*granted, *props.code._permissions(stack)])
    # The L1, so that it is the partner's `node.default_child`, which escape hatches and aspects reach for.
    resource = CfnResource(
        partner,
        "Resource",
        type=RESOURCE_TYPE,
        properties={
            "ServiceToken": provider.service_token,
            "ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS),
            **_properties(partner, props, stack),
            **({"Tags": tags} if tags else {}),
        },
    )
    # There is no DeletePartner: nothing else could be true.
    resource.apply_removal_policy(RemovalPolicy.RETAIN)
    # Without its settings Lambda might repeat a call for six hours; and they wait for the routes out of a VPC.
    resource.node.add_dependency(policy, provider.function.node.find_child("EventInvokeConfig"))
    return resource


def _properties(partner: Construct, props: PartnerProps, stack: Stack) -> Mapping[str, Any]:
    root = root_stack(stack)
    contact = props.contact
    existing = {} if props.existing_partner_id is None else {"ExistingPartnerId": props.existing_partner_id}
    return {
        "SchemaVersion": _SCHEMA_VERSION,
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
            # The name under which it is deployed, since one template may serve many stacks; and the outermost stack's,
            # since a nested one's own name has a random suffix.
            "StackName": ScopedAws(root).stack_name,
            "ConstructPath": path_below(root, partner),
        },
    }
