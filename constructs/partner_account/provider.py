"""The Lambda function behind a stack's PartnerAccounts, with its role and its log group.

What partners need beyond that is granted in their own stack, by `policy`, not here.
"""

from __future__ import annotations  # evaluated, they would load all of EC2: 80 ms of each synth

from collections.abc import Iterator, Sequence

from aws_cdk import Annotations, CfnResource, Duration, RemovalPolicy, Stack, Stage, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from partner_account import permissions
from partner_account.asset import assembled_asset
from partner_account.clashes import PartnerRegistry, is_in_tree
from partner_account.errors import DOCUMENTATION, PartnerAccountError, raise_if_invalid, stack_of, type_errors
from partner_account.network import Network
from partner_account.policy import add_policy
from partner_account.signature import ShownSignature

_HANDLER = "partner_account_handler.index.handler"
_ID = "PartnerAccountProvider"

# These times are nested: one run ends before CloudFormation stops waiting, even if it is the
# oldest delivery that Lambda may still make (the first two together are less than the third).
_OLDEST_EVENT_SECONDS = 60
_TIMEOUT_SECONDS = 180
SERVICE_TIMEOUT_SECONDS = 300

# CPU scales with memory, and most of a run is the start of Python and boto3.
_MEMORY_MB = 512

# Lambda deprecated Python 3.10 on October 31, 2026, and creates no functions with it from November 30, 2026 on:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_OLDEST_PYTHON = 11

_KEY_NOT_UPDATED = (
    "The policy of the encryption key can't be changed from this app. It must already allow CloudWatch Logs to use "
    f"the key; {DOCUMENTATION}provider.html shows how. Acknowledge this warning when it does."
)


class PartnerAccountProvider(ShownSignature, Construct):
    """The Lambda function that serves all PartnerAccounts of a stack, and of other stacks that it is passed to.

    Create it yourself, before the stack's first PartnerAccount, only to configure it. Regardless of its id and scope
    in the stack, its resources have the same logical ids: CloudFormation refuses a custom resource whose function's
    ARN changes. So it can be configured, or reconfigured, later.
    """

    def __init__(  # noqa: PLR0913 - flat props, as CDK has them
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name for it
        *,
        # With the classes themselves: to pyright they lack their interfaces, whose parameters jsii names otherwise.
        role: iam.IRole | iam.Role | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        encryption_key: kms.IKey | kms.Key | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        log_removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        memory_size: int = _MEMORY_MB,
        architecture: lambda_.Architecture | None = None,
        runtime: lambda_.Runtime | None = None,
    ) -> None:
        """Create the provider of the stack that `scope` belongs to.

        Args:
            scope: The stack, or any construct in it.
            id: Unique within `scope`.
            role: The function's role, which `lambda.amazonaws.com` must be able to assume. The function's and its
                partners' policies are added to it. A role that accepts none (`without_policy_updates`,
                `mutable=False`) must already have them; a warning names them. By default a role is created.
            permissions_boundary: For the role that is created. `PermissionsBoundary.of(app)` works too.
            vpc: Where the function runs; Partner Central must be reachable from there over the internet. By default
                in no VPC.
            vpc_subnets: Private subnets of the VPC. By default those with a NAT gateway.
            security_groups: They must allow outbound HTTPS. By default one is created that allows nothing else.
            encryption_key: A symmetric key for the function's environment and its log. The key's policy is extended
                to allow CloudWatch Logs to use it. By default AWS's own keys.
            log_retention: How long the function's log is kept.
            log_removal_policy: What happens to the log when the provider is removed from the stack or the stack is
                deleted. By default it is retained, since it records an action that can't be undone.
            memory_size: In MB, 128 to 10,240. By default 512.
            architecture: By default Arm.
            runtime: Python 3.11 or later that Lambda still supports. By default 3.14.

        Raises:
            PartnerAccountError: The stack already has a provider, or an option is invalid.
        """
        stack = stack_of(scope, id, _ID)
        if found := _provider_of(stack):
            raise PartnerAccountError(
                f"The stack {stack.node.path!r} already has a PartnerAccountProvider, {found.node.path!r}: created "
                "explicitly, or by its first PartnerAccount. Create it once, before the first PartnerAccount; "
                "PartnerAccountProvider.get_or_create(scope) returns it"
            )
        network = Network(vpc=vpc, subnets=vpc_subnets, security_groups=security_groups)
        errors = [
            *_role_errors(role, permissions_boundary),
            *network.errors(),
            *type_errors(
                "encryption_key", encryption_key, "key_arn", 'a KMS key, such as Key.from_key_arn(stack, "Key", arn)'
            ),
            *_option_errors(log_retention, log_removal_policy, memory_size, architecture),
            *_runtime_errors(runtime),
        ]
        raise_if_invalid(f"{scope.node.path}/{id}", errors, kind=_ID)

        super().__init__(scope, id)
        network.warn_if_isolated(self)
        self._log_group = logs.LogGroup(
            self,
            "LogGroup",
            retention=log_retention,
            removal_policy=log_removal_policy,
            encryption_key=encryption_key,
        )
        if encryption_key is not None:
            added = encryption_key.add_to_resource_policy(permissions.encrypt_log(stack), True)
            if not added.statement_added:
                Annotations.of(self).add_warning_v2("partner-account:key-not-updated", _KEY_NOT_UPDATED)
        self._role = role or iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Manages AWS Partner Central accounts",
            permissions_boundary=permissions_boundary,
        )
        needed = [permissions.write_log(self._log_group.log_group_arn)]
        needed += permissions.join_vpc() if vpc else []
        policy = add_policy(self, self._role, needed)
        with assembled_asset(self) as folder:
            self._function = lambda_.Function(
                self,
                "Function",
                description="Creates and updates AWS Partner Central accounts",
                code=lambda_.Code.from_asset(str(folder)),
                handler=_HANDLER,
                timeout=Duration.seconds(_TIMEOUT_SECONDS),
                # By default Lambda retries a failed call twice and queues calls for up to six hours.
                retry_attempts=0,
                max_event_age=Duration.seconds(_OLDEST_EVENT_SECONDS),
                # Not the member of the enum, which aws-cdk-lib has since 2.222 only.
                runtime=runtime or lambda_.Runtime("python3.14", lambda_.RuntimeFamily.PYTHON),
                architecture=architecture or lambda_.Architecture.ARM_64,
                memory_size=memory_size,
                role=self._role,
                log_group=self._log_group,
                environment_encryption=encryption_key,
                vpc=vpc,
                vpc_subnets=vpc_subnets,
                security_groups=network.groups(self),
            )
        # Lambda connects the function to its VPC, and disconnects it, with the role's permissions.
        self._function.node.add_dependency(policy)
        self._function.node.find_child("EventInvokeConfig").node.add_dependency(*network.dependencies())
        own_path = self.node.path
        for resource in self.node.find_all():
            if isinstance(resource, CfnResource):
                below = resource.node.path.removeprefix(f"{own_path}/").removesuffix("/Resource")
                resource.override_logical_id(f"{_ID}{below.replace('/', '')}")
        PartnerRegistry.of(stack).providers[stack.node.path] = self  # complete only now

    @staticmethod
    def get_or_create(scope: Construct) -> PartnerAccountProvider:
        """The provider of the stack that `scope` belongs to, created with its defaults if there is none."""
        stack = stack_of(scope, _ID, _ID)
        return _provider_of(stack) or PartnerAccountProvider(stack, _ID)

    @property
    def function(self) -> lambda_.Function:
        """The function that CloudFormation calls."""
        return self._function

    @property
    def role(self) -> iam.IRole:
        """The function's role, created here or given."""
        return self._role

    @property
    def log_group(self) -> logs.LogGroup:
        """The function's own log group."""
        return self._log_group

    @property
    def service_token(self) -> str:
        """The function's ARN, which CloudFormation calls."""
        return self._function.function_arn


def _provider_of(stack: Stack) -> PartnerAccountProvider | None:
    """The stack's provider, unless it was removed from the tree."""
    found = PartnerRegistry.of(stack).providers.get(stack.node.path)
    return found if isinstance(found, PartnerAccountProvider) and is_in_tree(found) else None


def sharing_errors(scope: Construct, provider: object) -> Iterator[str]:
    """Why a provider can't serve a partner at `scope`."""
    if not isinstance(provider, PartnerAccountProvider):
        yield "provider: must be a PartnerAccountProvider, such as PartnerAccountProvider.get_or_create(stack)"
        return
    here, there = Stack.of(scope), Stack.of(provider)
    if Stage.of(here) is not Stage.of(there):
        yield f"provider: is in another stage or app, in {there.node.path!r}; use one in the same, or omit it"
    elif here.environment != there.environment:
        yield (
            f"provider: is in another account or region, in {there.node.path!r}, but CloudFormation calls "
            "functions only in its own; use one in the same, or omit it"
        )


def _role_errors(role: iam.IRole | None, boundary: iam.IManagedPolicy | None) -> Iterator[str]:
    yield from type_errors("role", role, "role_arn", 'a role, such as Role.from_role_arn(stack, "Role", arn)')
    yield from type_errors(
        "permissions_boundary",
        boundary,
        "managed_policy_arn",
        'a managed policy, such as ManagedPolicy.from_managed_policy_name(stack, "Boundary", name)',
    )
    if role is not None and boundary is not None:
        yield "permissions_boundary: is for the role that is created here; set it on your own role instead"


def _option_errors(
    retention: object, removal_policy: object, memory_size: object, architecture: object
) -> Iterator[str]:
    if not isinstance(retention, logs.RetentionDays):
        yield "log_retention: must be a member of RetentionDays, such as RetentionDays.TEN_YEARS"
    if not isinstance(removal_policy, RemovalPolicy):
        yield "log_removal_policy: must be a member of RemovalPolicy, such as RemovalPolicy.DESTROY"
    lowest, highest = 128, 10_240  # what Lambda allows
    is_allowed = isinstance(memory_size, int) and lowest <= memory_size <= highest
    if not is_allowed and not Token.is_unresolved(memory_size):
        yield f"memory_size: is {memory_size!r}; allowed are {lowest} to {highest} MB"
    if not isinstance(architecture, lambda_.Architecture | None):
        yield "architecture: must be an Architecture, such as Architecture.X86_64"


def _runtime_errors(runtime: object) -> Iterator[str]:
    if runtime is None:
        return
    if not isinstance(runtime, lambda_.Runtime):
        yield "runtime: must be a Runtime, such as Runtime.PYTHON_3_13"
        return
    minor = runtime.name.removeprefix("python3.")
    if not (minor.isdecimal() and int(minor) >= _OLDEST_PYTHON):
        yield (
            f"runtime: is {runtime.name}; the function requires Python 3.{_OLDEST_PYTHON} or later, "
            "since Lambda has deprecated older versions and is ending the creation of functions with them"
        )
