"""What became of a request of CloudFormation, as CloudWatch reads it from the log: the embedded metric format.

The names here are those of `PartnerMetric` in the construct's package, which can't be imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from partner_account_handler.errors import HandlerError

NAMESPACE = "CdkPartnerAccount"
DURATION = "Duration"
_REASON = "Reason"


class Outcome(Enum):
    """What became of a request; each is a metric."""

    CREATED = "Created"
    RECOVERED = "Recovered"
    ADOPTED = "Adopted"
    UPDATED = "Updated"
    UNCHANGED = "Unchanged"
    RETAINED = "Retained"
    REFUSED = "Refused"
    FAILED = "Failed"
    ROLLBACK_LET_THROUGH = "RollbackLetThrough"


ALARMING = {Outcome.REFUSED, Outcome.FAILED, Outcome.ROLLBACK_LET_THROUGH}
"""What a human should look at."""


@dataclass(frozen=True)
class Report:
    """What became of a request, and of which error. Neither text holds a value of the user's."""

    outcome: Outcome
    reason: str = ""
    """The error's code."""
    message: str = ""
    """The error's sentence, as CloudFormation is told it."""


UNREPORTED = Report(Outcome.FAILED, "Defect", "Defect: the request ended without a report")


def report_of(error: HandlerError) -> Report:
    """What becomes of a request that ends in this error."""
    return Report(Outcome.REFUSED if error.is_refusal else Outcome.FAILED, error.code, str(error))


def undelivered(report: Report, failure: str) -> Report:
    """What becomes of a request whose answer was not taken: the stack waits, and fails, whatever was done."""
    return Report(
        Outcome.FAILED,
        "AnswerNotDelivered",
        f"AnswerNotDelivered: CloudFormation's URL did not confirm the answer ({failure}); the outcome was "
        f"{report.outcome.value}. Deploy again when the stack has given up: what is already done is found and kept."
        + (f" The answer was: {report.message}" if report.message else ""),
    )


def embedded(event: Mapping[str, Any], report: Report, milliseconds: int, now: float) -> dict[str, object]:
    """The members by which CloudWatch counts this request, and those by which a human finds it.

    Args:
        event: CloudFormation's event.
        report: What became of it.
        milliseconds: From the event's arrival until its answer was sent.
        now: Seconds since 1970.
    """
    stack_name = event["StackId"].split("/")[1]
    dimensions = {"StackName": stack_name, "LogicalResourceId": event["LogicalResourceId"]}
    reason = {_REASON: report.reason} if report.reason else {}
    values = {report.outcome.value: 1, DURATION: milliseconds}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions), *([[*dimensions, *reason]] if reason else [])],
        "Metrics": [
            {"Name": report.outcome.value, "Unit": "Count"},
            {"Name": DURATION, "Unit": "Milliseconds"},
        ],
    }
    return {
        "operation": event["RequestType"],
        "outcome": report.outcome.value,
        **dimensions,
        **reason,
        **values,
        "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]},
    }
