"""The Lambda function behind the partners: its identity, its settings, and that there is one per stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs

from partner_account import PartnerAccountError, PartnerAccountProvider
from tests.construct.test_partners_of_an_app import (
    new_app,
    new_stack,
    partner_in,
    resource_of,
    resources_of,
    template_of,
)

if TYPE_CHECKING:
    from constructs import Construct

LOGICAL_IDS = {
    "PartnerAccountProviderLogGroup9015FD4B": "AWS::Logs::LogGroup",
    "PartnerAccountProviderRoleFEFAC87E": "AWS::IAM::Role",
    "PartnerAccountProviderPolicyAEB33209": "AWS::IAM::Policy",
    "PartnerAccountProviderFunction683C5CE0": "AWS::Lambda::Function",
    "PartnerAccountProviderFunctionEventInvokeConfig19334728": "AWS::Lambda::EventInvokeConfig",
}


def provider_of(scope: Construct) -> dict[str, str]:
    """The types of the provider's resources by logical id."""
    return {
        name: resource["Type"]
        for name, resource in template_of(scope)["Resources"].items()
        if name.startswith("PartnerAccountProvider")
    }


def test_identity_by_default() -> None:
    """The function's logical id never changes: CloudFormation refuses another service token for ever."""
    stack = new_stack()
    partner_in(stack)
    assert provider_of(stack) == LOGICAL_IDS


def test_identity_when_configured_first() -> None:
    """A provider made by hand has the very same identity, wherever in the stack it is made."""
    stack = new_stack()
    PartnerAccountProvider(cdk.Resource(stack, "Deep"), log_retention=logs.RetentionDays.TEN_YEARS)
    partner_in(stack)
    assert provider_of(stack) == LOGICAL_IDS
    assert resource_of(stack, "AWS::Logs::LogGroup")["Properties"]["RetentionInDays"] == 3653


def test_the_configured_provider_is_found() -> None:
    """`PartnerAccountProvider.of` finds the stack's provider, and every partner uses it."""
    stack = new_stack()
    provider = PartnerAccountProvider(stack)
    partner = partner_in(stack, provider=provider)
    assert PartnerAccountProvider.of(partner) is provider
    token = resource_of(stack)["Properties"]["ServiceToken"]
    assert token == stack.resolve(provider.service_token) == stack.resolve(provider.function.function_arn)


def test_a_second_provider_is_refused() -> None:
    """A second provider would be a second identity, so making one is an error that says what to do."""
    stack = new_stack()
    PartnerAccountProvider(stack)
    with pytest.raises(PartnerAccountError, match=r"'Demo' has a PartnerAccountProvider already.*of\(scope\)"):
        PartnerAccountProvider(stack)


def test_configuring_too_late_is_refused() -> None:
    """After the first partner the stack has a provider, and configuring another is an error."""
    stack = new_stack()
    partner_in(stack)
    with pytest.raises(PartnerAccountError, match="Make it once, before the first PartnerAccount"):
        PartnerAccountProvider(stack, log_retention=logs.RetentionDays.ONE_WEEK)


def test_each_stack_has_its_own() -> None:
    """A nested stack is a stack of its own: its partner is served by a function inside it."""
    stack = new_stack()
    nested = cdk.NestedStack(stack, "Nested")
    partner_in(stack, legal_name="One Corp")
    partner_in(nested, legal_name="Two Corp")
    assert provider_of(stack) == provider_of(nested) == LOGICAL_IDS


def test_the_function() -> None:
    """The function runs the handler on Arm, long enough for one run and with nothing in its environment."""
    stack = new_stack()
    partner_in(stack)
    properties = resource_of(stack, "AWS::Lambda::Function")["Properties"]
    del properties["Code"]
    assert properties == {
        "Architectures": ["arm64"],
        "Description": "Creates and updates AWS Partner Central accounts",
        "Handler": "partner_account_handler.index.handler",
        "LoggingConfig": {"LogGroup": {"Ref": "PartnerAccountProviderLogGroup9015FD4B"}},
        "MemorySize": 512,
        "Role": {"Fn::GetAtt": ["PartnerAccountProviderRoleFEFAC87E", "Arn"]},
        "Runtime": "python3.14",
        "Timeout": 180,
    }


def test_lambda_repeats_nothing() -> None:
    """A failed call isn't repeated and an old one is dropped, since everybody may have given up by then."""
    stack = new_stack()
    partner_in(stack)
    properties = resource_of(stack, "AWS::Lambda::EventInvokeConfig")["Properties"]
    assert properties["MaximumRetryAttempts"] == 0
    assert properties["MaximumEventAgeInSeconds"] == 60


def test_the_times_fit_into_each_other() -> None:
    """The oldest delivery and one whole run end before CloudFormation stops waiting."""
    stack = new_stack()
    partner_in(stack)
    run = resource_of(stack, "AWS::Lambda::Function")["Properties"]["Timeout"]
    age = resource_of(stack, "AWS::Lambda::EventInvokeConfig")["Properties"]["MaximumEventAgeInSeconds"]
    assert run + age < int(resource_of(stack)["Properties"]["ServiceTimeout"])


def test_the_log_outlives_the_stack() -> None:
    """The log is kept for a year, also after the stack, since it documents what can't be undone."""
    stack = new_stack()
    provider = PartnerAccountProvider(stack)
    log_group = resource_of(stack, "AWS::Logs::LogGroup")
    assert log_group["Properties"] == {"RetentionInDays": 365}
    assert log_group["DeletionPolicy"] == log_group["UpdateReplacePolicy"] == "Retain"
    assert stack.resolve(provider.log_group.log_group_name) == {"Ref": "PartnerAccountProviderLogGroup9015FD4B"}


def test_the_policies_go_to_the_provider_role() -> None:
    """The function's policy and each partner's are attached to the role that the provider shows."""
    stack = new_stack()
    partner = partner_in(stack)
    role = stack.resolve(PartnerAccountProvider.of(partner).role.role_name)
    policies = resources_of(stack, "AWS::IAM::Policy").values()
    assert [policy["Properties"]["Roles"] for policy in policies] == [[role], [role]]


def test_the_function_waits_for_its_policy() -> None:
    """Lambda uses the role as soon as the function is made, and until it is gone."""
    stack = new_stack()
    partner_in(stack)
    assert "PartnerAccountProviderPolicyAEB33209" in resource_of(stack, "AWS::Lambda::Function")["DependsOn"]


def test_stacks_share_the_asset() -> None:
    """The same code stands behind every stack, so that it is uploaded once."""
    app = new_app()
    stacks = [cdk.Stack(app, name) for name in ("One", "Two")]
    for stack in stacks:
        partner_in(stack, legal_name=stack.stack_name)
    one, two = (resources_of(stack, "AWS::Lambda::Function").values() for stack in stacks)
    assert [found["Properties"]["Code"] for found in one] == [found["Properties"]["Code"] for found in two]
