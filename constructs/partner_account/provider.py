"""The Lambda function behind a stack's PartnerAccounts, with its role and its log group.

What one partner needs beyond writing the log is granted beside that partner, not here.
"""

from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from partner_account import permissions
from partner_account.asset import assembled_asset
from partner_account.errors import PartnerAccountError

_HANDLER = "partner_account_handler.index.handler"
_ID = "PartnerAccountProvider"

# The times fit into each other: one run ends before CloudFormation stops waiting, even if it is the
# oldest delivery that Lambda may still make (_OLDEST_EVENT + _TIMEOUT < SERVICE_TIMEOUT).
_TIMEOUT = Duration.seconds(180)
_OLDEST_EVENT = Duration.seconds(60)
SERVICE_TIMEOUT = Duration.seconds(300)

# CPU comes with memory, and most of a run is the start of Python and boto3.
_MEMORY_MB = 512


class PartnerAccountProvider(Construct):
    """The one Lambda function that serves all PartnerAccounts of a stack.

    Make it yourself, before the stack's first PartnerAccount, only to configure it. Its place in
    the stack is always `<stack>/PartnerAccountProvider`: CloudFormation refuses a custom resource
    whose function has changed its identity.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
    ) -> None:
        """Make the provider of the stack that `scope` belongs to.

        Args:
            scope: The stack, or any construct in it.
            log_retention: How long the function's log is kept. The log group itself outlives the
                stack, since it documents an act that can't be undone.

        Raises:
            PartnerAccountError: The stack has a provider already.
        """
        stack = Stack.of(scope)
        _refuse_second_in(stack)
        super().__init__(stack, _ID)
        self._log_group = logs.LogGroup(self, "LogGroup", retention=log_retention, removal_policy=RemovalPolicy.RETAIN)
        self._role = _role(self, self._log_group)
        self._function = _function(self, self._role, self._log_group)

    @staticmethod
    def of(scope: Construct) -> "PartnerAccountProvider":
        """The provider of the stack that `scope` belongs to, made with its defaults if need be."""
        found = Stack.of(scope).node.try_find_child(_ID)
        return cast("PartnerAccountProvider", found) if found else PartnerAccountProvider(scope)

    @property
    def function(self) -> lambda_.Function:
        """The function that CloudFormation calls."""
        return self._function

    @property
    def role(self) -> iam.Role:
        """The function's role. It may write the function's log; each partner adds what it needs."""
        return self._role

    @property
    def log_group(self) -> logs.LogGroup:
        """The function's own log group."""
        return self._log_group

    @property
    def service_token(self) -> str:
        """What CloudFormation calls: the function's ARN."""
        return self._function.function_arn

    @property
    def delivery_settings(self) -> IDependable:
        """What must exist before the first call, or Lambda might repeat it for six hours."""
        return self._function.node.find_child("EventInvokeConfig")


def _refuse_second_in(stack: Stack) -> None:
    if stack.node.try_find_child(_ID) is None:
        return
    raise PartnerAccountError(
        f"The stack {stack.node.path!r} has a PartnerAccountProvider already: made by hand, or by its "
        "first PartnerAccount. Make it once, before the first PartnerAccount; "
        "PartnerAccountProvider.of(scope) finds it"
    )


def _role(scope: Construct, log_group: logs.LogGroup) -> iam.Role:
    writing = permissions.to_document([permissions.write_log(log_group.log_group_arn)])
    return iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description="Manages the AWS Partner Central accounts of this stack",
        inline_policies={"WriteOwnLog": writing},
    )


def _function(scope: Construct, role: iam.Role, log_group: logs.LogGroup) -> lambda_.Function:
    with assembled_asset() as folder:
        return lambda_.Function(
            scope,
            "Function",
            description="Creates and updates the AWS Partner Central accounts of this stack",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(str(folder)),
            handler=_HANDLER,
            role=role,
            log_group=log_group,
            timeout=_TIMEOUT,
            memory_size=_MEMORY_MB,
            # Lambda repeats a failed call twice and queues calls for up to six hours, unless told.
            retry_attempts=0,
            max_event_age=_OLDEST_EVENT,
        )
