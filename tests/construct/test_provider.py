"""The Lambda function behind the partners: its identity, its settings, and who shares it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from partner_account import PartnerAccountError, PartnerAccountProvider
from partner_account.errors import DOCUMENTATION
from tests.construct.apps import (
    HERE,
    deployed,
    new_app,
    new_stack,
    partner_in,
    resource_of,
    resources_of,
    statements_of,
    template_of,
    warnings_of,
)

pytestmark = pytest.mark.versions

FUNCTION = "AWS::Lambda::Function"
POLICY = "AWS::IAM::Policy"
LOGICAL_IDS = {
    "PartnerAccountProviderLogGroup": "AWS::Logs::LogGroup",
    "PartnerAccountProviderRole": "AWS::IAM::Role",
    "PartnerAccountProviderPolicy": POLICY,
    "PartnerAccountProviderFunction": FUNCTION,
    "PartnerAccountProviderFunctionEventInvokeConfig": "AWS::Lambda::EventInvokeConfig",
}
ROLE_ARN = "arn:aws:iam::111111111111:role/platform"
LAMBDA = iam.ServicePrincipal("lambda.amazonaws.com")


def boundary_in(stack: cdk.Stack) -> iam.IManagedPolicy:
    """A permissions boundary of the company's."""
    return iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "boundary")


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
    return PartnerAccountProvider(stack, "Provider", **(everything | props))


def provider_of(scope: Construct) -> dict[str, str]:
    """The types of the provider's resources by logical id."""
    return {
        name: resource["Type"]
        for name, resource in template_of(scope)["Resources"].items()
        if name.startswith("PartnerAccountProvider")
    }


def function_in(stack: cdk.Stack) -> dict[str, Any]:
    """The function's properties."""
    properties: dict[str, Any] = resource_of(stack, FUNCTION)["Properties"]
    return properties


# --- Identity ---


@pytest.mark.parametrize("configured", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_functions_logical_id_is_stable(configured: bool, nested: bool) -> None:
    """CloudFormation refuses another service token for ever: whatever is configured, and wherever in the stack."""
    stack: cdk.Stack = cdk.NestedStack(new_stack(), "Nested") if nested else new_stack()
    if configured:
        fully_configured_in(stack)
    partner_in(stack)
    added = {"PartnerAccountProviderSecurityGroup": "AWS::EC2::SecurityGroup"} if configured else {}
    assert provider_of(stack) == LOGICAL_IDS | added
    token = resource_of(stack)["Properties"]["ServiceToken"]
    assert token == {"Fn::GetAtt": ["PartnerAccountProviderFunction", "Arn"]}


def test_provider_that_was_removed_from_the_stack_serves_no_partner() -> None:
    """Its function isn't in the template: a new one is made."""
    stack = new_stack()
    PartnerAccountProvider(stack, "Provider")
    stack.node.try_remove_child("Provider")
    partner_in(stack)
    assert PartnerAccountProvider.get_or_create(stack).node.id == "PartnerAccountProvider"
    assert function_in(stack)


def test_get_or_create_returns_the_stacks_provider_or_creates_one_with_defaults() -> None:
    """However many partners a stack has, they share its function and its role."""
    stack = new_stack()
    provider = PartnerAccountProvider(cdk.Resource(stack, "Deep"), "Provider")
    partner = partner_in(stack, "One", legal_name="One Corp", provider=provider)
    partner_in(stack, "Two", legal_name="Two Corp")
    assert PartnerAccountProvider.get_or_create(partner) is provider
    assert stack.resolve(provider.service_token) == stack.resolve(provider.function.function_arn)
    assert provider_of(stack) == LOGICAL_IDS
    created = PartnerAccountProvider.get_or_create(Construct(cdk.Stack(new_app(), "Other"), "Deep"))
    assert created.node.path == "Other/PartnerAccountProvider"


@pytest.mark.parametrize("first", [fully_configured_in, partner_in])
def test_a_second_provider_in_a_stack_is_refused(first: Callable[[cdk.Stack], object]) -> None:
    """It would be a second identity, or too late to configure the first."""
    stack = new_stack()
    first(stack)
    said = (
        r"'Demo' already has a PartnerAccountProvider, 'Demo/.*before the first PartnerAccount.*get_or_create\(scope\)"
    )
    with pytest.raises(PartnerAccountError, match=said):
        PartnerAccountProvider(stack, "Provider", log_retention=logs.RetentionDays.ONE_WEEK)


# --- Settings ---


def test_function_runs_the_handler_on_arm_with_enough_time_for_one_run() -> None:
    """With nothing in its environment. Lambda uses the role as soon as the function is made, so it waits for it."""
    stack = new_stack()
    partner_in(stack)
    function = resource_of(stack, FUNCTION)
    del function["Properties"]["Code"]
    assert function["Properties"] == {
        "Architectures": ["arm64"],
        "Description": "Creates and updates AWS Partner Central accounts",
        "Handler": "partner_account_handler.index.handler",
        "LoggingConfig": {"LogGroup": {"Ref": "PartnerAccountProviderLogGroup"}},
        "MemorySize": 512,
        "Role": {"Fn::GetAtt": ["PartnerAccountProviderRole", "Arn"]},
        "Runtime": "python3.14",
        "Timeout": 180,
    }
    assert "PartnerAccountProviderPolicy" in function["DependsOn"]


def test_the_oldest_delivery_and_one_run_end_before_cloudformation_stops_waiting() -> None:
    """A failed call isn't retried and an old one is dropped, since CloudFormation may have given up by then."""
    stack = new_stack()
    partner_in(stack)
    settings = resource_of(stack, "AWS::Lambda::EventInvokeConfig")["Properties"]
    assert (settings["MaximumRetryAttempts"], settings["MaximumEventAgeInSeconds"]) == (0, 60)
    assert function_in(stack)["Timeout"] + 60 < int(resource_of(stack)["Properties"]["ServiceTimeout"])


def test_the_log_is_kept_for_a_year_and_outlives_the_stack() -> None:
    """It documents what can't be undone."""
    stack = new_stack()
    provider = PartnerAccountProvider(stack, "Provider")
    log_group = resource_of(stack, "AWS::Logs::LogGroup")
    assert log_group["Properties"] == {"RetentionInDays": 365}
    assert log_group["DeletionPolicy"] == log_group["UpdateReplacePolicy"] == "Retain"
    assert stack.resolve(provider.log_group.log_group_name) == {"Ref": "PartnerAccountProviderLogGroup"}


def test_memory_architecture_runtime_retention_and_removal_policy_are_applied() -> None:
    """Each reaches function or log group."""
    stack = new_stack()
    fully_configured_in(stack)
    function = function_in(stack)
    assert (function["MemorySize"], function["Architectures"], function["Runtime"]) == (1024, ["x86_64"], "python3.12")
    log_group = resource_of(stack, "AWS::Logs::LogGroup")
    assert log_group["Properties"]["RetentionInDays"] == 3653
    assert log_group["DeletionPolicy"] == log_group["UpdateReplacePolicy"] == "Delete"


@pytest.mark.parametrize(
    ("props", "written"),
    [
        ({"memory_size": 128}, ("MemorySize", 128)),
        ({"memory_size": 10_240}, ("MemorySize", 10_240)),
        ({"runtime": lambda_.Runtime.PYTHON_3_11}, ("Runtime", "python3.11")),
    ],
)
def test_lambdas_minimum_and_maximum_memory_are_accepted(props: dict[str, Any], written: tuple[str, object]) -> None:
    """The oldest Python is the oldest that Lambda still lets one create functions with."""
    stack = new_stack()
    PartnerAccountProvider(stack, "Provider", **props)
    assert function_in(stack)[written[0]] == written[1]


# --- Errors ---

WRONG_TYPES: dict[str, tuple[object, str]] = {
    "role": (ROLE_ARN, 'a role, such as Role.from_role_arn(stack, "Role", arn)'),
    "permissions_boundary": (ROLE_ARN, "a managed policy, such as ManagedPolicy.from_managed_policy_name("),
    "vpc": ("vpc-1", "a VPC, such as Vpc.from_lookup("),
    "vpc_subnets": ({"subnet_group_name": "x"}, "a SubnetSelection, such as SubnetSelection("),
    "security_groups": ("sg-1", "a list of security groups, such as [SecurityGroup.from_security_group_id("),
    "encryption_key": (ROLE_ARN, "a KMS key, such as Key.from_key_arn("),
    "log_retention": (365, "a member of RetentionDays, such as RetentionDays.TEN_YEARS"),
    "log_removal_policy": ("destroy", "a member of RemovalPolicy, such as RemovalPolicy.DESTROY"),
    "architecture": ("arm64", "an Architecture, such as Architecture.X86_64"),
    "runtime": ("python3.13", "a Runtime, such as Runtime.PYTHON_3_13"),
}


def provider_errors(stack: cdk.Stack | None = None, **props: Any) -> str:
    """The error when a provider with these props is created."""
    with pytest.raises(PartnerAccountError) as told:
        PartnerAccountProvider(stack or new_stack(), "Provider", **props)
    return str(told.value)


def test_values_of_the_wrong_type_are_all_reported_by_prop_and_construct_path() -> None:
    """In one error, each with what to write."""
    wrong: dict[str, Any] = {prop: value for prop, (value, _) in WRONG_TYPES.items()}
    told = provider_errors(memory_size="512", **wrong)
    assert told.startswith("PartnerAccountProvider 'Demo/Provider' has 12 errors:")
    assert all(f"\n  - {prop}: must be {wanted}" in told for prop, (_, wanted) in WRONG_TYPES.items())
    assert "\n  - memory_size: is '512'; allowed are 128 to 10240 MB" in told


TOO_OLD = "the function requires Python 3.11 or later, since Lambda has deprecated older versions"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: {"memory_size": 127}, "memory_size: is 127; allowed are 128 to 10240 MB"),
        (lambda _: {"memory_size": 10_241}, "memory_size: is 10241; allowed are 128 to 10240 MB"),
        (lambda _: {"runtime": lambda_.Runtime.PYTHON_3_9}, f"runtime: is python3.9; {TOO_OLD}"),
        (lambda _: {"runtime": lambda_.Runtime.PYTHON_3_10}, f"runtime: is python3.10; {TOO_OLD}"),
        (lambda _: {"runtime": lambda_.Runtime.NODEJS_22_X}, f"runtime: is nodejs22.x; {TOO_OLD}"),
        (lambda _: {"vpc_subnets": ec2.SubnetSelection()}, "vpc_subnets: requires vpc"),
        (lambda _: {"security_groups": []}, "security_groups: requires vpc"),
        (lambda _: {"security_groups": ["sg-1"]}, "security_groups: must be a list of security groups"),
        (lambda stack: {"vpc": vpc_in(stack), "security_groups": []}, "security_groups: is empty"),
        (
            lambda stack: {
                "vpc": ec2.Vpc(stack, "Vpc", max_azs=1),
                "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            },
            "vpc_subnets: are public, and a function has no internet access there; choose private ones",
        ),
        (
            lambda stack: {
                "role": iam.Role(stack, "Own", assumed_by=LAMBDA),
                "permissions_boundary": boundary_in(stack),
            },
            "permissions_boundary: is for the role that is created here; set it on your own role instead",
        ),
    ],
)
def test_what_cannot_work_is_refused(make: Callable[[cdk.Stack], dict[str, Any]], said: str) -> None:
    """In the props' own words."""
    stack = new_stack()
    assert f"\n  - {said}" in provider_errors(stack, **make(stack))


# --- Role ---


@pytest.mark.parametrize("how", ["prop", "app", "provider"])
def test_boundary_is_set_on_the_created_role(how: str) -> None:
    """By its prop, or by CDK's own aspect on the app or anything below."""
    stack = new_stack()
    provider = PartnerAccountProvider(
        stack, "Provider", permissions_boundary=boundary_in(stack) if how == "prop" else None
    )
    if how != "prop":
        scope = stack.node.root if how == "app" else provider
        iam.PermissionsBoundary.of(scope).apply(boundary_in(stack))
    boundary = resource_of(stack, "AWS::IAM::Role")["Properties"]["PermissionsBoundary"]
    assert boundary["Fn::Join"][1][-1] == ":policy/boundary"


@pytest.mark.parametrize("kind", ["made here", "own", "lazy", "imported"])
def test_the_function_gets_its_role_and_the_role_gets_all_policies(kind: str) -> None:
    """The function's and each partner's; of an imported role by its name."""
    stack = new_stack()
    role: iam.IRole | None = None
    if kind == "own":
        role = iam.Role(stack, "Own", assumed_by=LAMBDA)
    elif kind == "lazy":
        role = iam.LazyRole(stack, "Own", assumed_by=LAMBDA)
    elif kind == "imported":
        role = iam.Role.from_role_arn(stack, "Own", ROLE_ARN)
    provider = PartnerAccountProvider(stack, "Provider", role=role)
    partner_in(stack)
    assert function_in(stack)["Role"] == stack.resolve(provider.role.role_arn)
    names = [policy["Properties"]["Roles"] for policy in resources_of(stack, POLICY).values()]
    assert names == [[stack.resolve(provider.role.role_name)]] * 2
    assert len(resources_of(stack, "AWS::IAM::Role")) == (kind != "imported")
    assert warnings_of(stack) == []


@pytest.mark.parametrize("kind", ["imported", "own"])
def test_role_that_accepts_no_policies_is_unchanged_and_warnings_name_the_required_statements(kind: str) -> None:
    """Each statement that it must have already; the warnings can be acknowledged."""
    stack = new_stack()
    role: iam.IRole = iam.Role(stack, "Own", assumed_by=LAMBDA).without_policy_updates()
    if kind == "imported":
        role = iam.Role.from_role_arn(stack, "Imported", ROLE_ARN, mutable=False)
    provider = PartnerAccountProvider(stack, "Provider", role=role)
    partner = partner_in(stack)
    assert resources_of(stack, POLICY) == {}
    function, of_partner = warnings_of(stack)
    assert f"must already allow the statements WriteOwnLog; {DOCUMENTATION}permissions.html lists them" in function
    assert (
        "LookForPartners, ReadPartner, UpdateContact, ReadTags, UpdateTags, CreatePartner, TagAtCreation" in of_partner
    )
    for scope in (provider, partner):
        cdk.Annotations.of(scope).acknowledge_warning("partner-account:role-not-updated", "it has them")
    assert warnings_of(stack) == []


def test_precreated_roles_are_reported_with_their_statements() -> None:
    """CDK's `Role.customize_roles` keeps the role out, and its report lists what the role must allow."""
    app = new_app()
    iam.Role.customize_roles(app, use_precreated_roles={"Demo/PartnerAccountProvider/Role": "platform"})
    stack = cdk.Stack(app, "Demo")
    partner_in(stack)
    assert {"AWS::IAM::Role", POLICY}.isdisjoint(found["Type"] for found in template_of(stack)["Resources"].values())
    report = Path(app.synth(force=True).directory, "iam-policy-report.txt").read_text()
    for sid in ("WriteOwnLog", "CreatePartner", "TagAtCreation", "ReadCodeFromSecret"):
        assert f'"Sid": "{sid}"' in report
    assert "secret:code-" in report


# --- VPC ---


def test_function_in_a_vpc_gets_a_security_group_with_outbound_https_only() -> None:
    """In or out."""
    stack = new_stack()
    PartnerAccountProvider(stack, "Provider", vpc=vpc_in(stack))
    (group,) = resources_of(stack, "AWS::EC2::SecurityGroup")
    assert function_in(stack)["VpcConfig"] == {
        "SecurityGroupIds": [{"Fn::GetAtt": [group, "GroupId"]}],
        "SubnetIds": ["subnet-0123456789abcdef0"],
    }
    rules = resource_of(stack, "AWS::EC2::SecurityGroup")["Properties"]
    (out,) = rules["SecurityGroupEgress"]
    assert (out["CidrIp"], out["IpProtocol"], out["FromPort"], out["ToPort"]) == ("0.0.0.0/0", "tcp", 443, 443)
    assert "SecurityGroupIngress" not in rules


def test_security_groups_of_the_user_are_used_as_they_are() -> None:
    """None is made beside them; outside a VPC there are none."""
    stack = new_stack()
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    PartnerAccountProvider(stack, "Provider", vpc=vpc_in(stack), security_groups=[group])
    assert function_in(stack)["VpcConfig"]["SecurityGroupIds"] == ["sg-0123456789abcdef0"]
    assert resources_of(stack, "AWS::EC2::SecurityGroup") == {}


def test_only_lambda_itself_may_use_the_role_to_join_the_vpc() -> None:
    """Lambda's permissions are in a policy of our own that the function's code can't use."""
    stack = new_stack()
    PartnerAccountProvider(stack, "Provider", vpc=vpc_in(stack))
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


def test_partner_depends_on_the_routes_of_a_vpc_in_the_same_stack() -> None:
    """Before them a call would be in vain."""
    stack = new_stack()
    PartnerAccountProvider(stack, "Provider", vpc=ec2.Vpc(stack, "Vpc", max_azs=1))
    partner_in(stack)
    (route,) = [name for name in resources_of(stack, "AWS::EC2::Route") if "Private" in name]
    assert route in resource_of(stack, "AWS::Lambda::EventInvokeConfig")["DependsOn"]
    assert "PartnerAccountProviderFunctionEventInvokeConfig" in resource_of(stack)["DependsOn"]
    assert warnings_of(stack) == []


def test_isolated_subnets_add_a_warning() -> None:
    """CDK knows no route to the internet, where Partner Central is; the warning can be acknowledged."""
    stack = new_stack()
    provider = PartnerAccountProvider(stack, "Provider", vpc=ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0))
    (warning,) = warnings_of(stack)
    assert "reachable only over the internet" in warning
    cdk.Annotations.of(provider).acknowledge_warning("partner-account:isolated-subnets", "transit gateway")
    assert warnings_of(stack) == []


# --- Encryption key ---


def key_statement_in(stack: cdk.Stack) -> dict[str, Any]:
    """What was added to the policy of the stack's key."""
    statement: dict[str, Any] = resource_of(stack, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"][-1]
    return statement


def test_the_key_encrypts_environment_and_log_and_lets_the_log_of_this_stack_use_it() -> None:
    """CloudWatch Logs may use it for log groups that bear the stack's name, and for no other."""
    stack = new_stack("Alliances", env=HERE)
    fully_configured_in(stack)
    (key,) = resources_of(stack, "AWS::KMS::Key")
    arn = {"Fn::GetAtt": [key, "Arn"]}
    assert function_in(stack)["KmsKeyArn"] == arn
    log_group = resource_of(stack, "AWS::Logs::LogGroup")["Properties"]
    assert log_group["KmsKeyId"] == arn
    assert "LogGroupName" not in log_group
    assert deployed(key_statement_in(stack)) == {
        "Sid": "EncryptPartnerAccountLog",
        "Effect": "Allow",
        "Principal": {"Service": "logs.eu-west-1.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111111111111:log-group:Alliances-*"
            }
        },
    }


def test_key_of_another_stack_causes_no_circular_dependency() -> None:
    """The key's stack comes first, and needs nothing of the provider's; nor does the parent of a nested one."""
    app = new_app()
    platform, stack = cdk.Stack(app, "Platform"), cdk.Stack(app, "Demo")
    PartnerAccountProvider(stack, "Provider", encryption_key=kms.Key(platform, "Key"))
    assert "ImportValue" in str(resource_of(stack, "AWS::Logs::LogGroup"))
    assert "Demo-*" in str(key_statement_in(platform))
    assert "ImportValue" not in str(template_of(platform))

    stack = new_stack()
    PartnerAccountProvider(cdk.NestedStack(stack, "Nested"), "Provider", encryption_key=kms.Key(stack, "Key"))
    context = key_statement_in(stack)["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert context["Fn::Join"][1][-1] == ":log-group:*"  # its name is known only at deployment


def test_key_whose_policy_cant_be_changed_adds_a_warning() -> None:
    """Without it CloudWatch Logs refuses the key."""
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111111111111:key/0123")
    provider = PartnerAccountProvider(stack, "Provider", encryption_key=key)
    (warning,) = warnings_of(stack)
    assert f"must already allow CloudWatch Logs to use the key; {DOCUMENTATION}provider.html shows how" in warning
    cdk.Annotations.of(provider).acknowledge_warning("partner-account:key-not-updated", "it does")
    assert warnings_of(stack) == []


# --- One provider for several stacks ---


def policy_names(*stacks: cdk.Stack) -> list[str]:
    """The names of all policies, as stacks of these ids have them once they are deployed."""
    found = []
    for number, stack in enumerate(stacks):
        for policy in resources_of(stack, POLICY).values():
            name, unique = policy["Properties"]["PolicyName"]["Fn::Join"][1]
            assert unique == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
            found.append(f"{name}{number:036}")
    return found


def test_another_stack_may_use_the_function_and_puts_its_own_policy_on_the_role() -> None:
    """It imports the function's ARN and the role's name, is deployed later, and may describe its own stack."""
    app = new_app()
    platform, stack = cdk.Stack(app, "Platform"), cdk.Stack(app, "Demo")
    provider = PartnerAccountProvider(platform, "Provider")
    partner_in(stack, provider=provider)
    assert {found["Type"] for found in template_of(stack)["Resources"].values()} == {POLICY, "Custom::PartnerAccount"}
    exports = {output["Export"]["Name"]: output["Value"] for output in template_of(platform)["Outputs"].values()}
    token = resource_of(stack)["Properties"]["ServiceToken"]["Fn::ImportValue"]
    (role,) = resource_of(stack, POLICY)["Properties"]["Roles"]
    assert exports[token] == platform.resolve(provider.service_token)
    assert exports[role["Fn::ImportValue"]] == platform.resolve(provider.role.role_name)
    assert [found.stack_name for found in stack.dependencies] == ["Platform"]
    assert statements_of(stack)["AskOwnStack"]["Resource"] == {"Ref": "AWS::StackId"}


def test_policies_on_one_role_have_names_of_their_own() -> None:
    """A second one of the same name would replace the first: of stacks of one app, or of the same one of another."""
    app = new_app()
    stacks = [cdk.Stack(app, name) for name in ("Platform", "One", "Two")]
    provider = PartnerAccountProvider(stacks[0], "Provider")
    for stack in stacks:
        partner_in(stack, legal_name=stack.stack_name, provider=provider)
    twins = [new_stack(), new_stack()]
    for stack in twins:
        PartnerAccountProvider(stack, "Provider", role=iam.Role.from_role_name(stack, "Role", "shared"))
        partner_in(stack)
    for names in (policy_names(*stacks), policy_names(*twins)):
        assert len(names) == len(set(names)) == 4


@pytest.mark.parametrize("stack", ["S", "S" * 128])
@pytest.mark.parametrize("partner", ["P", "P" * 200])
def test_no_policys_name_is_longer_than_128_characters(stack: str, partner: str) -> None:
    """Whatever the stack and the construct are called."""
    made = new_stack(stack)
    partner_in(made, partner, outputs=False)
    assert max(map(len, policy_names(made))) <= 128


def test_a_nested_stack_may_use_its_parents_provider() -> None:
    """The function's ARN is handed down, and the nested stack waits for the function."""
    stack = new_stack()
    nested = cdk.NestedStack(stack, "Nested")
    partner_in(nested, provider=PartnerAccountProvider(stack, "Provider"))
    assert resources_of(nested, FUNCTION) == {}
    child = resource_of(stack, "AWS::CloudFormation::Stack")
    token = resource_of(nested)["Properties"]["ServiceToken"]["Ref"]
    function_arn = {"Fn::GetAtt": ["PartnerAccountProviderFunction", "Arn"]}
    assert child["Properties"]["Parameters"][token] == function_arn
    assert "PartnerAccountProviderFunctionEventInvokeConfig" in child["DependsOn"]


def test_a_provider_of_another_account_region_stage_or_app_is_refused() -> None:
    """CloudFormation calls functions of its own account and region only, and CDK connects stacks of one stage only."""
    app = new_app()
    provider = PartnerAccountProvider(cdk.Stack(app, "Platform", env=HERE), "Provider")
    for account, region in (("111111111111", "us-east-1"), ("222222222222", "eu-west-1")):
        stack = cdk.Stack(app, f"In{account}{region}", env=cdk.Environment(account=account, region=region))
        with pytest.raises(PartnerAccountError, match="provider: is in another account or region, in 'Platform'"):
            partner_in(stack, provider=provider)
    for stack in (cdk.Stack(cdk.Stage(app, "Prod"), "Demo", env=HERE), new_stack(env=HERE)):
        with pytest.raises(PartnerAccountError, match="provider: is in another stage or app, in 'Platform'"):
            partner_in(stack, provider=provider)
