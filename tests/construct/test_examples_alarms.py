"""examples/alarms.py, run as the cdk CLI runs it: its alarms watch what the handler writes, and tell somebody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from partner_account_handler import index
from partner_account_handler.delivery import Delivery
from tests.handler.cloud import Cloud, sandbox
from tests.handler.log_lines import final_lines_of, metrics_of
from tests.handler.test_answers import Context

ROOT = Path(__file__).parents[2]
NAME = "PartnerAlarms"
IMPATIENT = partial(Context, 45.4)
"""Time for each call, and none for a second try."""


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The resources of the example's only stack."""
    folder = tmp_path_factory.mktemp("assembly")
    environment = os.environ | {"CDK_OUTDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "examples/alarms.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (template,) = folder.glob("*.template.json")
    assert template.name == f"{NAME}.template.json"
    found: dict[str, Any] = json.loads(template.read_text())["Resources"]
    return found


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of all resources of a type, by logical id."""
    return {name: found.get("Properties", {}) for name, found in resources.items() if found["Type"] == kind}


def test_each_alarm_tells_the_topic_what_to_do(resources: dict[str, Any]) -> None:
    """At the first request that needs a human, and never because nobody has deployed."""
    (topic,) = of_type(resources, "AWS::SNS::Topic")
    for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": topic}]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("Sum", 1, 1)
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["AlarmDescription"].endswith(".")


def test_each_alarm_watches_what_the_handler_writes(
    resources: dict[str, Any], cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused, a failed and a let through request of this stack's partner, each with the metric of one alarm."""
    monkeypatch.setattr(Delivery, "send", lambda *_: "")
    (partner,) = of_type(resources, "Custom::PartnerAccount")
    stack_id = cloud.new_stack(NAME)
    named = {"StackId": stack_id, "LogicalResourceId": partner}

    index.handler(cloud.event("Create", {}, **named), Context())
    cloud.simulator.faults.add("ListPartners", "internal-error", times=None)
    index.handler(
        cloud.event("Create", sandbox(Owner={"StackName": NAME, "ConstructPath": "Partner"}), **named), IMPATIENT()
    )
    cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS", stack_id)
    index.handler(cloud.event("Update", {}, PhysicalResourceId="x", **named), Context())

    written = [metrics_of(line) for line in final_lines_of(capsys.readouterr().out)]
    alarms = [watched(alarm) for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()]
    assert [[metric in metrics for metric in alarms].count(True) for metrics in written] == [1, 1, 1]
    assert set(alarms) <= set().union(*written)
    assert len(alarms) == 3


def watched(alarm: dict[str, Any]) -> tuple[str, str, frozenset[tuple[str, str]]]:
    """The metric of an alarm, in the stack that is deployed under the example's name."""
    values = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    deployed = {name: NAME if value == {"Ref": "AWS::StackName"} else value for name, value in values.items()}
    return alarm["Namespace"], alarm["MetricName"], frozenset(deployed.items())
