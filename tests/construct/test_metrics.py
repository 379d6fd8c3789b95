"""The metrics of a partner as an alarm or a dashboard gets them, held against the lines that the handler writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from partner_account import PartnerAccountError, PartnerMetric
from partner_account.metrics import NAMESPACE
from partner_account_handler import metrics as written
from tests.construct.test_partners_of_an_app import (
    new_app,
    new_stack,
    partner_in,
    resource_of,
    resources_of,
    sandbox_partner_in,
    template_of,
)
from tests.handler.log_lines import metrics_of

if TYPE_CHECKING:
    from constructs import Construct

    from partner_account import PartnerAccount


def alarm_in(scope: Construct, partner: PartnerAccount, metric: PartnerMetric, **options: Any) -> dict[str, Any]:
    """The properties of an alarm on a metric."""
    alarm = partner.metric(metric, **options).create_alarm(scope, "Alarm", threshold=1, evaluation_periods=1)
    properties: dict[str, Any] = template_of(alarm)["Resources"][logical_id_of(alarm)]["Properties"]
    return properties


def logical_id_of(construct: Construct) -> str:
    """The logical id of a construct's resource."""
    return str(cdk.Stack.of(construct).resolve(construct.node.default_child.logical_id))  # type: ignore[union-attr]


def dimensions_of(alarm: dict[str, Any]) -> dict[str, Any]:
    """The dimensions of the metric that an alarm watches."""
    return {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}


def test_both_sides_have_the_same_metrics() -> None:
    """What the handler writes is what can be asked for, and nothing else is."""
    assert {metric.value for metric in PartnerMetric} == {o.value for o in written.Outcome} | {written.DURATION}
    assert written.NAMESPACE == NAMESPACE


@pytest.mark.parametrize("metric", [metric for metric in PartnerMetric if metric != PartnerMetric.DURATION])
@pytest.mark.parametrize("reason", [None, "OutOfTime"])
def test_an_alarm_watches_what_the_handler_writes(metric: PartnerMetric, reason: str | None) -> None:
    """In the stack's own template, as it is deployed: namespace, name and each dimension."""
    stack = new_stack("Alliances")
    partner = partner_in(stack)
    more = {"dimensions_map": {"Reason": reason}} if reason else {}
    alarm = alarm_in(stack, partner, metric, **more)
    (logical_id,) = resources_of(stack, "Custom::PartnerAccount")
    event = {"StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/Alliances/1"}
    event |= {"LogicalResourceId": logical_id, "RequestType": "Create"}
    line = written.embedded(event, written.Report(written.Outcome(metric.value), reason or ""), 1, 1.0)
    deployed = {**dimensions_of(alarm), "StackName": "Alliances"}
    assert dimensions_of(alarm)["StackName"] == {"Ref": "AWS::StackName"}
    assert (alarm["Namespace"], alarm["MetricName"], frozenset(deployed.items())) in metrics_of(line)


def test_counts_are_summed_and_the_duration_is_averaged() -> None:
    """Over five minutes, if nothing else is said."""
    count = alarm_in(stack := new_stack(), partner := partner_in(stack), PartnerMetric.CREATED)
    assert (count["Statistic"], count["Period"]) == ("Sum", 300)
    duration = partner.metric(PartnerMetric.DURATION)
    assert (duration.statistic, duration.period.to_seconds()) == ("Average", 300)


def test_each_option_of_cdk_may_be_given() -> None:
    """And an unknown one is refused by its name."""
    partner = partner_in(new_stack())
    metric = partner.metric(
        PartnerMetric.DURATION, statistic="p99", period=cdk.Duration.minutes(1), label="Duration", color="#ff0000"
    )
    assert (metric.statistic, metric.label, metric.color) == ("p99", "Duration", "#ff0000")
    assert metric.period.to_seconds() == 60
    with pytest.raises(TypeError, match="statistik"):
        partner.metric(PartnerMetric.DURATION, statistik="p99")


def test_another_stack_watches_by_the_partners_stack() -> None:
    """Without an export, which would tie the two."""
    app = new_app()
    partner = partner_in(cdk.Stack(app, "Alliances", stack_name="deployed-alliances"))
    other = cdk.Stack(app, "Monitoring")
    dimensions = dimensions_of(alarm_in(other, partner, PartnerMetric.FAILED))
    (logical_id,) = resources_of(partner, "Custom::PartnerAccount")
    assert dimensions == {"StackName": "deployed-alliances", "LogicalResourceId": logical_id}
    assert not [name for name in template_of(partner)["Outputs"] if name.startswith("ExportsOutput")]


def test_a_nested_stack_has_a_name_of_its_own() -> None:
    """With a random part, which within it is a reference, and in its parent a part of its id."""
    nested = cdk.NestedStack(new_stack("Alliances"), "Nested")
    alarm = alarm_in(nested, sandbox_partner_in(nested), PartnerMetric.FAILED)
    assert dimensions_of(alarm)["StackName"] == {"Ref": "AWS::StackName"}

    root = new_stack("Alliances")
    nested = cdk.NestedStack(root, "Nested")
    alarm = alarm_in(root, sandbox_partner_in(nested), PartnerMetric.FAILED)
    (nested_id,) = resources_of(root, "AWS::CloudFormation::Stack")
    assert dimensions_of(alarm)["StackName"] == {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": nested_id}]}]}


def test_a_logical_id_that_is_given_later_is_watched() -> None:
    """As resources are moved between stacks."""
    stack = new_stack()
    partner = partner_in(stack)
    metric = partner.metric(PartnerMetric.FAILED)
    resource = partner.node.default_child
    assert isinstance(resource, cdk.CfnElement)
    resource.override_logical_id("Former")
    metric.create_alarm(stack, "Alarm", threshold=1, evaluation_periods=1)
    assert dimensions_of(resource_of(stack, "AWS::CloudWatch::Alarm")["Properties"])["LogicalResourceId"] == "Former"


def test_the_same_metric_may_be_asked_for_twice() -> None:
    """Two expressions of a graph may call it by one name: CDK takes it for one metric."""
    stack = new_stack()
    partner = partner_in(stack)
    expressions = [
        cloudwatch.MathExpression(
            expression=f"failed * {factor}", using_metrics={"failed": partner.metric(PartnerMetric.FAILED)}
        )
        for factor in (1, 2)
    ]
    cloudwatch.Dashboard(stack, "Dashboard", widgets=[[cloudwatch.GraphWidget(left=expressions)]])
    assert len(resources_of(stack, "AWS::CloudWatch::Dashboard")) == 1


def test_an_alarm_in_another_region_is_refused_by_cdk() -> None:
    """Metrics are where the stack is, and CloudWatch has no alarm on those of another region."""
    app = new_app()
    partner = partner_in(cdk.Stack(app, "Alliances", env=cdk.Environment(account="123456789012", region="eu-west-1")))
    other = cdk.Stack(app, "Monitoring", env=cdk.Environment(account="123456789012", region="us-east-1"))
    with pytest.raises(RuntimeError, match="region 'us-east-1' based on metric .* in 'eu-west-1'"):
        alarm_in(other, partner, PartnerMetric.FAILED)


def test_a_partner_whose_metrics_nobody_asks_for_has_nothing_of_them() -> None:
    """No alarm, no dashboard, no output."""
    stack = new_stack()
    partner_in(stack)
    assert "CloudWatch" not in str(template_of(stack))
    assert NAMESPACE not in str(template_of(stack))


def test_a_metric_that_is_none() -> None:
    """A name that the handler never writes is refused, with where to find those that it does."""
    with pytest.raises(PartnerAccountError, match="metric: 'Nope' is none; take a member of PartnerMetric"):
        partner_in(new_stack()).metric("Nope")  # type: ignore[arg-type]
