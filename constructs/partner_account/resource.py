"""The custom resource of one partner, as the handler reads it, and the policy that it needs."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource, IResolvable, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from partner_account import permissions
from partner_account.once import once
from partner_account.place import Place
from partner_account.policy import SharedPolicies
from partner_account.props import AllianceLeadContact, ExistingPartner, Partner
from partner_account.provider import SERVICE_TIMEOUT_SECONDS, PartnerAccountProvider
from partner_account.tags import RESOURCE_TYPE
from partner_account_handler.texts import composed

# Changes with the shape of the properties, so that a later handler can tell this one from its own.
_SCHEMA_VERSION = "1"


def add_resource(
    scope: Construct, place: Place, partner: Partner, tags: IResolvable | None, provider: PartnerAccountProvider
) -> CfnResource:
    """Put the custom resource into `scope`, and on the provider's role what it takes."""
    policy = _policy(scope, place, partner, provider)
    # The L1, so that it is the partner's `node.default_child`, which escape hatches and aspects reach for.
    resource = CfnResource(
        scope,
        "Resource",
        type=RESOURCE_TYPE,
        properties={
            "ServiceToken": provider.service_token,
            "ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS),
            **_properties(place, partner, tags),
        },
    )
    # There is no DeletePartner: nothing else could be true.
    resource.apply_removal_policy(RemovalPolicy.RETAIN)
    resource.node.add_dependency(policy, *provider.readiness)
    return resource


def _policy(scope: Construct, place: Place, partner: Partner, provider: PartnerAccountProvider) -> iam.Policy:
    """What partners of a stack take alike, and what each takes to read its code, stands in one policy."""
    may_create = partner.existing.may_create
    name = partner.catalog.value if may_create else f"{partner.catalog.value}Adopted"
    granted = permissions.of_partner(partner.catalog, may_create=may_create)
    policies = _policies(place.home.stack, provider)
    return policies.grant(scope, name, [*granted, *partner.code.permissions(place.home)])


@once
def _policies(stack: Stack, provider: PartnerAccountProvider) -> SharedPolicies:
    return SharedPolicies.of(stack, provider, provider.role)


def _properties(place: Place, partner: Partner, tags: IResolvable | None) -> Mapping[str, Any]:
    properties = {
        "SchemaVersion": _SCHEMA_VERSION,
        "Catalog": partner.catalog.value,
        "LegalName": composed(partner.legal_name),
        "PrimarySolutionType": str(partner.primary_solution_type),
        "AllianceLeadContact": _contact(partner.contact),
        "EmailVerificationCode": partner.code.template_value(place.home),
        "ExistingPartner": _existing(partner.existing),
        "Owner": _owner(place),
    }
    return {**properties, "Tags": tags} if tags else properties


def _contact(contact: AllianceLeadContact) -> Mapping[str, str]:
    return {
        "FirstName": composed(contact.first_name),
        "LastName": composed(contact.last_name),
        "Email": composed(contact.email),
        "BusinessTitle": composed(contact.business_title),
    }


def _existing(existing: ExistingPartner) -> Mapping[str, str]:
    partner_id = {} if existing.partner_id is None else {"PartnerId": existing.partner_id}
    return {"Policy": existing.policy, **partner_id}


def _owner(place: Place) -> Mapping[str, str]:
    return {
        # A nested stack's own name has a random suffix.
        "StackName": place.home.deployed_name,
        "ConstructPath": place.path_below_root_stack,
    }
