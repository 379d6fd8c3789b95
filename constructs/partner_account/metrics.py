"""The metrics that the handler writes for a partner, each in one line of its log, as CloudWatch metrics of CDK."""

from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Aws, CfnResource, IResolveContext, IStringProducer, Lazy, Stack

from partner_account.errors import PartnerAccountError

if TYPE_CHECKING:
    from aws_cdk.aws_cloudwatch import Metric

# The handler's own words for these stand in partner_account_handler/metrics.py, which can't be imported.
NAMESPACE = "CdkPartnerAccount"


class PartnerMetric(StrEnum):
    """What the handler counts. Each request of CloudFormation is one of these counts, and one duration."""

    CREATED = "Created"
    """CreatePartner has made a partner."""

    RECOVERED = "Recovered"
    """A Create found the partner that an earlier deployment, delivery or lost call had made, and took it."""

    ADOPTED = "Adopted"
    """A Create took the partner that `ExistingPartner.adopt` names."""

    UPDATED = "Updated"
    """An Update wrote contact or tags."""

    UNCHANGED = "Unchanged"
    """An Update found all as the template says."""

    RETAINED = "Retained"
    """A Delete left the partner as it is."""

    REFUSED = "Refused"
    """The request failed, and a human must correct or decide something. Also counted by the dimension `Reason`."""

    FAILED = "Failed"
    """The request failed of something that may pass: deploy again. Also counted by the dimension `Reason`."""

    ROLLBACK_LET_THROUGH = "RollbackLetThrough"
    """A rollback could not restore the partner, and was answered with success. Also counted by `Reason`."""

    DURATION = "Duration"
    """Milliseconds from a request's arrival until its answer was sent."""


class PartnerMetrics:
    """The metrics of one partner."""

    def __init__(self, resource: CfnResource) -> None:
        """Find them by the partner's custom resource."""
        self._resource = resource

    def metric(self, metric: PartnerMetric, options: dict[str, Any]) -> "Metric":
        """One of them, with the options of `cloudwatch.MetricOptions`."""
        from aws_cdk.aws_cloudwatch import Metric, Stats  # noqa: PLC0415 - apps without metrics needn't load it

        if metric not in set(PartnerMetric):
            raise PartnerAccountError(f"metric: {metric!r} is none; take a member of PartnerMetric, such as FAILED")
        name = PartnerMetric(metric)
        chosen = {
            "statistic": Stats.AVERAGE if name is PartnerMetric.DURATION else Stats.SUM,
            **options,
            "dimensions_map": {**self._dimensions(), **options.get("dimensions_map", {})},
        }
        return Metric(namespace=NAMESPACE, metric_name=name.value, **chosen).attach_to(self._resource)

    @cached_property  # a metric is known by its dimensions as they are written, and a new token is another one
    def _stack_name(self) -> str:
        return Lazy.uncached_string(_DeployedName(Stack.of(self._resource)))

    def _dimensions(self) -> dict[str, str]:
        return {"StackName": self._stack_name, "LogicalResourceId": self._resource.logical_id}


@jsii.implements(IStringProducer)
class _DeployedName:
    """The name under which a stack is deployed, wherever it is asked for."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def produce(self, context: IResolveContext) -> str:
        """A reference within the stack itself: one template may serve many stacks."""
        return Aws.STACK_NAME if Stack.of(context.scope) is self._stack else self._stack.stack_name
