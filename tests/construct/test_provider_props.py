"""A provider under other people's rules: role, boundary, VPC, key, log, memory, architecture and runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_secretsmanager import Secret

from partner_account import PartnerAccountError, PartnerAccountProvider, VerificationCode
from tests.construct.test_partners_of_an_app import (
    new_app,
    new_stack,
    partner_in,
    resource_of,
    resources_of,
    template_of,
    warnings_of,
)
from tests.construct.test_permissions import statements_of
from tests.construct.test_provider import LOGICAL_IDS, provider_of

ROLE_ARN = "arn:aws:iam::111111111111:role/platform"
LAMBDA = iam.ServicePrincipal("lambda.amazonaws.com")


def boundary_in(stack: cdk.Stack) -> iam.IManagedPolicy:
    """A permissions boundary of the company's."""
    return iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "boundary")


def code_in(stack: cdk.Stack, scope_id: str, name: str) -> VerificationCode:
    """A code in the secret of that name."""
    return VerificationCode.from_secrets_manager(Secret.from_secret_name_v2(stack, scope_id + "Secret", name))


def vpc_in(stack: cdk.Stack) -> ec2.IVpc:
    """A VPC of the company's, with private subnets behind a NAT gateway."""
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a"],
        private_subnet_ids=["subnet-0123456789abcdef0"],
        private_subnet_route_table_ids=["rtb-0123456789abcdef0"],
    )


def fully_configured_in(stack: cdk.Stack, **props: Any) -> PartnerAccountProvider:
    """A provider all of whose props are given, but `role`, which excludes the boundary."""
    everything: dict[str, Any] = {
        "permissions_boundary": boundary_in(stack),
        "vpc": vpc_in(stack),
        "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        "encryption_key": kms.Key(stack, "Key", enable_key_rotation=True),
        "log_retention": logs.RetentionDays.TEN_YEARS,
        "log_removal_policy": cdk.RemovalPolicy.DESTROY,
        "memory_size": 1024,
        "architecture": lambda_.Architecture.X86_64,
        "runtime": lambda_.Runtime.PYTHON_3_12,
    }
    return PartnerAccountProvider(stack, **(everything | props))


def function_in(stack: cdk.Stack) -> dict[str, Any]:
    """The function's properties."""
    properties: dict[str, Any] = resource_of(stack, "AWS::Lambda::Function")["Properties"]
    return properties


def roles_of_policies(stack: cdk.Stack) -> dict[str, Any]:
    """To which roles each policy is attached."""
    policies = resources_of(stack, "AWS::IAM::Policy").items()
    return {name: found["Properties"]["Roles"] for name, found in policies}


def test_whatever_is_configured_the_identity_stays() -> None:
    """Every prop leaves the logical ids as they are, and so the service token; the VPC adds a security group."""
    stack = new_stack()
    fully_configured_in(stack)
    partner_in(stack)
    assert provider_of(stack) == LOGICAL_IDS | {
        "PartnerAccountProviderSecurityGroupC6970F02": "AWS::EC2::SecurityGroup"
    }
    assert resource_of(stack)["Properties"]["ServiceToken"] == {
        "Fn::GetAtt": ["PartnerAccountProviderFunction683C5CE0", "Arn"]
    }


def test_the_plain_props_reach_function_and_log() -> None:
    """Memory, architecture, runtime, retention and removal are as given."""
    stack = new_stack()
    fully_configured_in(stack)
    function = function_in(stack)
    assert (function["MemorySize"], function["Architectures"], function["Runtime"]) == (1024, ["x86_64"], "python3.12")
    log_group = resource_of(stack, "AWS::Logs::LogGroup")
    assert log_group["Properties"]["RetentionInDays"] == 3653
    assert log_group["DeletionPolicy"] == log_group["UpdateReplacePolicy"] == "Delete"


class TestRole:
    """Whose role it is, and what is put on it."""

    def test_a_boundary_is_set_on_the_role_that_is_made(self) -> None:
        """By its prop."""
        stack = new_stack()
        PartnerAccountProvider(stack, permissions_boundary=boundary_in(stack))
        assert _boundary_of_the_role(stack)[-1] == ":policy/boundary"

    def test_a_boundary_of_the_app_reaches_it(self) -> None:
        """By CDK's own aspect, on the app or any construct in between."""
        stack = new_stack()
        partner_in(stack)
        iam.PermissionsBoundary.of(stack.node.root).apply(boundary_in(stack))
        assert _boundary_of_the_role(stack)[-1] == ":policy/boundary"

    def test_a_role_of_the_user_gets_all_policies(self) -> None:
        """The function's and the partner's are put on it, and no role is made beside it."""
        stack = new_stack()
        role = iam.Role(stack, "Own", assumed_by=LAMBDA)
        provider = PartnerAccountProvider(stack, role=role)
        partner_in(stack)
        assert provider.role is role
        (own,) = resources_of(stack, "AWS::IAM::Role")
        assert function_in(stack)["Role"] == {"Fn::GetAtt": [own, "Arn"]}
        assert list(roles_of_policies(stack).values()) == [[{"Ref": own}]] * 2
        assert warnings_of(stack) == []

    def test_an_imported_role_gets_them_too(self) -> None:
        """By its name, as CDK does it for roles that exist already in the account."""
        stack = new_stack()
        PartnerAccountProvider(stack, role=iam.Role.from_role_arn(stack, "Own", ROLE_ARN))
        partner_in(stack)
        assert function_in(stack)["Role"] == ROLE_ARN
        assert list(roles_of_policies(stack).values()) == [["platform"]] * 2
        assert warnings_of(stack) == []

    @pytest.mark.parametrize("kind", ["imported", "own"])
    def test_a_role_that_takes_no_policies_stays_as_it_is(self, kind: str) -> None:
        """Nothing is put on it; warnings name each statement that it must have already, and can be acknowledged."""
        stack = new_stack()
        role: iam.IRole = iam.Role(stack, "Own", assumed_by=LAMBDA).without_policy_updates()
        if kind == "imported":
            role = iam.Role.from_role_arn(stack, "Imported", ROLE_ARN, mutable=False)
        provider = PartnerAccountProvider(stack, role=role)
        partner = partner_in(stack)
        assert resources_of(stack, "AWS::IAM::Policy") == {}
        function, of_partner = warnings_of(stack)
        assert "must allow the statements WriteOwnLog already; docs/provider.md lists them" in function
        assert "LookForPartners, ReadPartner, UpdateContact, AskOwnStack, CreatePartner, ReadTags" in of_partner
        for scope in (provider, partner):
            cdk.Annotations.of(scope).acknowledge_warning("partner-account:role-not-updated", "it has them")
        assert warnings_of(stack) == []

    def test_a_second_partner_names_what_it_adds(self) -> None:
        """Of a role that takes no policies, each partner tells only what the one before did not take."""
        stack = new_stack()
        role = iam.Role(stack, "Own", assumed_by=LAMBDA).without_policy_updates()
        PartnerAccountProvider(stack, role=role)
        partner_in(stack)
        partner_in(stack, "Alike", legal_name="Alike Corp", email_verification_code=code_in(stack, "Alike", "code"))
        code = code_in(stack, "Other", "other-code")
        second = partner_in(stack, "Second", legal_name="Second Corp", email_verification_code=code)
        told = [warning for warning in warnings_of(stack) if "role-not-updated" in warning]
        assert len(told) == 3
        assert "must allow the statements ReadCodeFromSecret already" in told[-1]
        cdk.Annotations.of(second).acknowledge_warning("partner-account:role-not-updated", "it has it")
        assert len([warning for warning in warnings_of(stack) if "role-not-updated" in warning]) == 2

    def test_precreated_roles_are_reported_with_their_statements(self) -> None:
        """CDK's `Role.customize_roles` keeps the role out, and its report lists what the role must allow."""
        app = new_app()
        iam.Role.customize_roles(app, use_precreated_roles={"Demo/PartnerAccountProvider/Role": "platform"})
        stack = cdk.Stack(app, "Demo")
        partner_in(stack)
        code = code_in(stack, "Other", "other-code")
        partner_in(stack, "Other", legal_name="Other Corp", email_verification_code=code)
        assert {"AWS::IAM::Role", "AWS::IAM::Policy"}.isdisjoint(_types_in(stack))
        report = Path(app.synth(force=True).directory, "iam-policy-report.txt").read_text()
        for sid in ("WriteOwnLog", "CreatePartner", "TagAtCreation", "ReadCodeFromSecret"):
            assert f'"Sid": "{sid}"' in report
        assert "secret:other-code-" in report

    def test_a_boundary_beside_a_role_is_refused(self) -> None:
        """The library doesn't change what a role of the user's may do at most."""
        stack = new_stack()
        role = iam.Role(stack, "Own", assumed_by=LAMBDA)
        with pytest.raises(PartnerAccountError, match="permissions_boundary: .*give it to your own role instead"):
            PartnerAccountProvider(stack, role=role, permissions_boundary=boundary_in(stack))


def _boundary_of_the_role(stack: cdk.Stack) -> Any:
    return resource_of(stack, "AWS::IAM::Role")["Properties"]["PermissionsBoundary"]["Fn::Join"][1]


def _types_in(stack: cdk.Stack) -> set[str]:
    return {found["Type"] for found in template_of(stack)["Resources"].values()}


class TestVpc:
    """The function inside a VPC."""

    def test_the_function_joins_the_subnets(self) -> None:
        """With a security group that lets HTTPS out, and nothing else in or out."""
        stack = new_stack()
        PartnerAccountProvider(stack, vpc=vpc_in(stack))
        (group,) = resources_of(stack, "AWS::EC2::SecurityGroup")
        assert function_in(stack)["VpcConfig"] == {
            "SecurityGroupIds": [{"Fn::GetAtt": [group, "GroupId"]}],
            "SubnetIds": ["subnet-0123456789abcdef0"],
        }
        rules = resource_of(stack, "AWS::EC2::SecurityGroup")["Properties"]
        (out,) = rules["SecurityGroupEgress"]
        assert (out["CidrIp"], out["IpProtocol"], out["FromPort"], out["ToPort"]) == ("0.0.0.0/0", "tcp", 443, 443)
        assert "SecurityGroupIngress" not in rules

    def test_security_groups_of_the_user(self) -> None:
        """They are used as they are, and none is made beside them."""
        stack = new_stack()
        group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
        PartnerAccountProvider(stack, vpc=vpc_in(stack), security_groups=[group])
        assert function_in(stack)["VpcConfig"]["SecurityGroupIds"] == ["sg-0123456789abcdef0"]
        assert resources_of(stack, "AWS::EC2::SecurityGroup") == {}

    def test_only_lambda_itself_may_use_the_role_for_it(self) -> None:
        """What Lambda needs stands in a policy of our own, out of reach for the function's code."""
        stack = new_stack()
        PartnerAccountProvider(stack, vpc=vpc_in(stack))
        granted = statements_of(stack)
        del granted["WriteOwnLog"]
        assert {sid: found["Action"] for sid, found in granted.items()} == {
            "LookForNetworkInterfaces": ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            "ConnectToVpc": [
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
        }
        for statement in granted.values():
            assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}
        assert "ManagedPolicyArns" not in resource_of(stack, "AWS::IAM::Role")["Properties"]

    def test_the_partner_waits_for_the_way_out(self) -> None:
        """In a VPC of the same stack the function isn't called before its subnets have their routes."""
        stack = new_stack()
        PartnerAccountProvider(stack, vpc=ec2.Vpc(stack, "Vpc", max_azs=1))
        partner_in(stack)
        (route,) = [name for name in resources_of(stack, "AWS::EC2::Route") if "Private" in name]
        assert route in resource_of(stack)["DependsOn"]
        assert warnings_of(stack) == []

    def test_isolated_subnets_bring_a_warning(self) -> None:
        """CDK knows of no route to the internet, where Partner Central is; who knows one acknowledges that."""
        stack = new_stack()
        provider = PartnerAccountProvider(stack, vpc=ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0))
        (warning,) = warnings_of(stack)
        assert "reached over the internet only" in warning
        cdk.Annotations.of(provider).acknowledge_warning("partner-account:isolated-subnets", "transit gateway")
        assert warnings_of(stack) == []

    def test_public_subnets_are_refused(self) -> None:
        """A function has no public address, so from a public subnet it reaches nothing."""
        stack = new_stack()
        public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
        with pytest.raises(PartnerAccountError, match="vpc_subnets: are public ones.*choose private ones"):
            PartnerAccountProvider(stack, vpc=ec2.Vpc(stack, "Vpc", max_azs=1), vpc_subnets=public)

    def test_no_security_group_is_refused(self) -> None:
        """An empty list is no way to say "the default one"."""
        stack = new_stack()
        with pytest.raises(PartnerAccountError, match="security_groups: is empty"):
            PartnerAccountProvider(stack, vpc=vpc_in(stack), security_groups=[])

    def test_outside_a_vpc_nothing_of_it_is_there(self) -> None:
        """Neither permissions nor a security group."""
        stack = new_stack()
        PartnerAccountProvider(stack)
        assert list(statements_of(stack)) == ["WriteOwnLog"]
        assert "VpcConfig" not in function_in(stack)


class TestKey:
    """A customer-managed key for environment and log."""

    def test_it_encrypts_both(self) -> None:
        """The function's environment and its log group."""
        stack = new_stack()
        fully_configured_in(stack)
        (key,) = resources_of(stack, "AWS::KMS::Key")
        arn = {"Fn::GetAtt": [key, "Arn"]}
        assert function_in(stack)["KmsKeyArn"] == arn
        assert resource_of(stack, "AWS::Logs::LogGroup")["Properties"]["KmsKeyId"] == arn

    def test_its_policy_lets_the_log_of_this_stack_use_it(self) -> None:
        """CloudWatch Logs may use the key for log groups that bear the stack's name, and for no other."""
        stack = new_stack()
        fully_configured_in(stack)
        added = _last_statement_of_the_key(stack)
        assert added["Principal"] == {
            "Service": {"Fn::Join": ["", ["logs.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
        }
        assert added["Action"] == [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ]
        context = added["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
        assert context["Fn::Join"][1][-1] == ":log-group:Demo-*"
        assert "LogGroupName" not in resource_of(stack, "AWS::Logs::LogGroup")["Properties"]

    def test_in_a_nested_stack_any_log_group_of_the_account(self) -> None:
        """A nested stack's name is known only at deployment, and would close a circle between the two."""
        stack = new_stack()
        nested = cdk.NestedStack(stack, "Nested")
        PartnerAccountProvider(nested, encryption_key=kms.Key(stack, "Key"))
        context = _last_statement_of_the_key(stack)["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
        assert context["Fn::Join"][1][-1] == ":log-group:*"

    def test_a_key_of_another_stack_closes_no_circle(self) -> None:
        """The key's stack comes first, and needs nothing of the provider's."""
        app = new_app()
        platform, stack = cdk.Stack(app, "Platform"), cdk.Stack(app, "Demo")
        PartnerAccountProvider(stack, encryption_key=kms.Key(platform, "Key"))
        assert "ImportValue" in str(resource_of(stack, "AWS::Logs::LogGroup"))
        assert "Demo-*" in str(_last_statement_of_the_key(platform))
        assert "ImportValue" not in str(template_of(platform))

    def test_an_imported_key_brings_a_warning(self) -> None:
        """Its policy can't be changed from here, and without it CloudWatch Logs refuses the key."""
        stack = new_stack()
        arn = "arn:aws:kms:eu-west-1:111111111111:key/01234567-89ab-cdef-0123-456789abcdef"
        provider = PartnerAccountProvider(stack, encryption_key=kms.Key.from_key_arn(stack, "Key", arn))
        (warning,) = warnings_of(stack)
        assert "must let CloudWatch Logs use the key already; docs/provider.md shows how" in warning
        cdk.Annotations.of(provider).acknowledge_warning("partner-account:key-not-updated", "it does")
        assert warnings_of(stack) == []


def _last_statement_of_the_key(stack: cdk.Stack) -> dict[str, Any]:
    statement: dict[str, Any] = resource_of(stack, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"][-1]
    return statement


@pytest.mark.parametrize(
    ("props", "said"),
    [
        ({"memory_size": 127}, "memory_size: is 127; allowed are 128 to 10240 MB"),
        ({"memory_size": 10_241}, "memory_size: is 10241; allowed are 128 to 10240 MB"),
        ({"runtime": lambda_.Runtime.PYTHON_3_9}, "runtime: is python3.9; the function needs Python 3.11 or later"),
        (
            {"runtime": lambda_.Runtime.PYTHON_3_10},
            "runtime: is python3.10; the function needs Python 3.11 or later, since Lambda has deprecated",
        ),
        ({"runtime": lambda_.Runtime.NODEJS_22_X}, "runtime: is nodejs22.x; the function needs Python 3.11 or later"),
        ({"vpc_subnets": ec2.SubnetSelection()}, "vpc_subnets: need vpc as well"),
        ({"security_groups": []}, "security_groups: need vpc as well"),
    ],
)
def test_what_cannot_work_is_refused(props: dict[str, Any], said: str) -> None:
    """Each mistake in the props' own words."""
    with pytest.raises(PartnerAccountError) as refused:
        PartnerAccountProvider(new_stack(), **props)
    assert said in str(refused.value)


def test_all_mistakes_at_once() -> None:
    """Several mistakes are one error, which says where."""
    with pytest.raises(
        PartnerAccountError, match="PartnerAccountProvider 'Demo/PartnerAccountProvider' has 3 mistakes"
    ):
        PartnerAccountProvider(new_stack(), memory_size=1, runtime=lambda_.Runtime.RUBY_3_3, security_groups=[])


@pytest.mark.parametrize("memory_size", [128, 10_240])
def test_the_least_and_the_most_memory_are_taken(memory_size: int) -> None:
    """What Lambda allows is allowed."""
    stack = new_stack()
    PartnerAccountProvider(stack, memory_size=memory_size)
    assert function_in(stack)["MemorySize"] == memory_size


def test_the_oldest_python_is_taken() -> None:
    """The oldest that Lambda still lets one create functions with, now and for months."""
    stack = new_stack()
    PartnerAccountProvider(stack, runtime=lambda_.Runtime.PYTHON_3_11)
    assert function_in(stack)["Runtime"] == "python3.11"
