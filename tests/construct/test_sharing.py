"""One provider for the partners of several stacks; nested stacks and stages."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from partner_account import PartnerAccountError, PartnerAccountProvider
from tests.construct.test_partners_of_an_app import (
    new_app,
    new_stack,
    partner_in,
    resource_of,
    resources_of,
    sandbox_partner_in,
    template_of,
    warnings_of,
)

FUNCTION = "AWS::Lambda::Function"
POLICY = "AWS::IAM::Policy"


def policy_names(*stacks: cdk.Stack) -> list[str]:
    """The names of all policies, as two stacks of these construct paths have them once they are deployed."""
    found = []
    for number, stack in enumerate(stacks):
        for policy in resources_of(stack, POLICY).values():
            name, unique = policy["Properties"]["PolicyName"]["Fn::Join"][1]
            assert unique == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
            found.append(f"{name}{number:036}")
    return found


class TestSharing:
    """Partners in other stacks than their provider."""

    def test_another_stack_uses_function_and_role(self) -> None:
        """It has no function of its own: it imports the function's ARN and the role's name, and is deployed later."""
        app = new_app()
        platform, stack = cdk.Stack(app, "Platform"), cdk.Stack(app, "Demo")
        provider = PartnerAccountProvider(platform)
        partner_in(stack, provider=provider)
        assert {found["Type"] for found in template_of(stack)["Resources"].values()} == {
            POLICY,
            "Custom::PartnerAccount",
        }
        exports = {output["Export"]["Name"]: output["Value"] for output in template_of(platform)["Outputs"].values()}
        token = resource_of(stack)["Properties"]["ServiceToken"]["Fn::ImportValue"]
        (role,) = resource_of(stack, POLICY)["Properties"]["Roles"]
        assert exports[token] == platform.resolve(provider.service_token)
        assert exports[role["Fn::ImportValue"]] == platform.resolve(provider.role.role_name)
        assert [found.stack_name for found in stack.dependencies] == ["Platform"]

    def test_the_partner_asks_about_its_own_stack(self) -> None:
        """What a partner takes is granted in its own stack, and names that one."""
        app = new_app()
        stack = cdk.Stack(app, "Demo")
        partner_in(stack, provider=PartnerAccountProvider(cdk.Stack(app, "Platform")))
        statements = resource_of(stack, POLICY)["Properties"]["PolicyDocument"]["Statement"]
        (asking,) = [found for found in statements if found["Sid"] == "AskOwnStack"]
        assert asking["Resource"] == {"Ref": "AWS::StackId"}

    def test_policies_of_several_stacks_have_names_of_their_own(self) -> None:
        """They stand on one role, where a second policy of the same name would replace the first."""
        app = new_app()
        stacks = [cdk.Stack(app, name) for name in ("Platform", "One", "Two")]
        provider = PartnerAccountProvider(stacks[0])
        for stack in stacks:
            partner_in(stack, legal_name=stack.stack_name, provider=provider)
        names = policy_names(*stacks)
        assert len(names) == 4
        assert len(set(names)) == 4

    def test_even_the_same_stack_of_another_app(self) -> None:
        """Two apps that share a role may be equal in all names: their stacks' ids are not."""
        stacks = []
        for _ in range(2):
            stack = new_stack()
            PartnerAccountProvider(stack, role=iam.Role.from_role_name(stack, "Role", "shared"))
            partner_in(stack)
            stacks.append(stack)
        assert len(set(policy_names(*stacks))) == 4

    @pytest.mark.parametrize("stack", ["S", "S" * 128])
    @pytest.mark.parametrize("partner", ["P", "P" * 200])
    def test_no_name_is_too_long(self, stack: str, partner: str) -> None:
        """Policies' names have 128 characters at most, whatever the stack and the construct are called."""
        made = new_stack(stack)
        partner_in(made, partner, outputs=False)
        assert max(map(len, policy_names(made))) <= 128

    def test_another_region_or_account_is_refused(self) -> None:
        """CloudFormation calls functions of its own account and region only."""
        app = new_app()
        platform = cdk.Stack(app, "Platform", env=cdk.Environment(account="111111111111", region="eu-west-1"))
        provider = PartnerAccountProvider(platform)
        for environment in (
            cdk.Environment(account="111111111111", region="us-east-1"),
            cdk.Environment(account="222222222222", region="eu-west-1"),
        ):
            stack = cdk.Stack(app, f"In{environment.account}{environment.region}", env=environment)
            with pytest.raises(PartnerAccountError, match="provider: is in another account or region, in 'Platform'"):
                partner_in(stack, provider=provider)

    def test_another_stage_or_app_is_refused(self) -> None:
        """CDK connects stacks of one stage only."""
        app = new_app()
        provider = PartnerAccountProvider(cdk.Stack(cdk.Stage(app, "Prod"), "Platform"))
        for stack in (cdk.Stack(app, "Demo"), new_stack()):
            with pytest.raises(PartnerAccountError, match="provider: is in another stage or app"):
                partner_in(stack, provider=provider)

    def test_something_else_is_refused(self) -> None:
        """In the prop's words."""
        with pytest.raises(PartnerAccountError, match="provider: must be a PartnerAccountProvider"):
            partner_in(new_stack(), provider="provider")


class TestNestedStacks:
    """Stacks within stacks."""

    def test_a_nested_stack_may_use_its_parents_provider(self) -> None:
        """The function's ARN and the role's name are handed down, and the nested stack waits for the function."""
        stack = new_stack()
        nested = cdk.NestedStack(stack, "Nested")
        partner_in(nested, provider=PartnerAccountProvider(stack))
        assert resources_of(nested, FUNCTION) == {}
        handed_on = resource_of(stack, "AWS::CloudFormation::Stack")["Properties"]["Parameters"]
        token = resource_of(nested)["Properties"]["ServiceToken"]["Ref"]
        assert handed_on[token] == {"Fn::GetAtt": ["PartnerAccountProviderFunction683C5CE0", "Arn"]}
        settings = "PartnerAccountProviderFunctionEventInvokeConfig19334728"
        assert settings in resource_of(stack, "AWS::CloudFormation::Stack")["DependsOn"]

    def test_a_parent_may_use_its_nested_stacks_provider(self) -> None:
        """The other way round they are outputs of the nested stack."""
        stack = new_stack()
        nested = cdk.NestedStack(stack, "Nested")
        partner_in(stack, provider=PartnerAccountProvider(nested))
        assert resources_of(stack, FUNCTION) == {}
        outputs = template_of(nested)["Outputs"]
        (_, attribute) = resource_of(stack)["Properties"]["ServiceToken"]["Fn::GetAtt"]
        value = outputs[attribute.removeprefix("Outputs.")]["Value"]
        assert value == {"Fn::GetAtt": ["PartnerAccountProviderFunction683C5CE0", "Arn"]}

    def test_partners_in_several_nested_stacks(self) -> None:
        """Each has its function, its policy and its owner; nothing collides in the parent."""
        stack = new_stack()
        nests = [cdk.NestedStack(stack, name) for name in ("One", "Two")]
        for nested in nests:
            partner_in(nested, legal_name=nested.node.id)
        owners = [resource_of(nested)["Properties"]["Owner"]["ConstructPath"] for nested in nests]
        assert owners == ["One/Partner", "Two/Partner"]
        assert len(set(policy_names(*nests))) == 4


class TestStages:
    """One app, deployed several times."""

    def test_the_stages_are_alike(self) -> None:
        """A stack has the same template in each stage, but for what bears the stack's name."""
        app = new_app()
        templates = []
        for name in ("Beta", "Prod"):
            stack = cdk.Stack(cdk.Stage(app, name), "Demo")
            partner_in(stack, legal_name=f"{name} Corp")
            templates.append(_without_name(template_of(stack), name))
        assert templates[0] == templates[1]

    def test_what_is_shared_is_alike(self) -> None:
        """The policy for another stack's provider has the same logical id in each stage."""
        app = new_app()
        logical_ids = []
        for name in ("Beta", "Prod"):
            stage = cdk.Stage(app, name)
            stack = cdk.Stack(stage, "Demo")
            provider = PartnerAccountProvider(cdk.Stack(stage, "Platform"))
            partner_in(stack, legal_name=f"{name} Corp", provider=provider)
            logical_ids.append(set(template_of(stack)["Resources"]))
        assert logical_ids[0] == logical_ids[1]

    def test_both_catalogs_in_stages_of_one_account(self) -> None:
        """A rehearsal stage beside the real one: no clash of names or exports, and no warning."""
        app = new_app()
        beta, prod = (cdk.Stack(cdk.Stage(app, name), "Demo") for name in ("Beta", "Prod"))
        sandbox_partner_in(beta)
        partner_in(prod)
        exports = [
            output["Export"]["Name"] for stack in (beta, prod) for output in template_of(stack)["Outputs"].values()
        ]
        assert len(set(exports)) == 6
        assert warnings_of(beta) == warnings_of(prod) == []

    def test_one_name_in_two_stages_of_one_catalog_is_refused(self) -> None:
        """Stages are deployed side by side, and the service keeps names unique."""
        app = new_app()
        partner_in(cdk.Stack(cdk.Stage(app, "Beta"), "Demo"))
        with pytest.raises(PartnerAccountError, match="legal_name: 'Beta/Demo/Partner' has the same name"):
            partner_in(cdk.Stack(cdk.Stage(app, "Prod"), "Demo"))


def _without_name(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {_without_name(key, name): _without_name(member, name) for key, member in value.items()}
    if isinstance(value, list):
        return [_without_name(member, name) for member in value]
    if isinstance(value, str) and value.startswith((f"{name}-Demo", f"{name}Demo", f"{name} Corp")):
        return value[len(name) :].rstrip("-0123456789ABCDEF")
    return value
