"""The outcome of a CloudFormation request: its answer, and the last line of the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from partner_account_handler.errors import HandlerError


class Outcome(Enum):
    """The outcome of a request."""

    CREATED = "Created"
    RECOVERED = "Recovered"
    ADOPTED = "Adopted"
    UPDATED = "Updated"
    UNCHANGED = "Unchanged"
    RETAINED = "Retained"
    REFUSED = "Refused"
    FAILED = "Failed"
    ROLLBACK_TOLERATED = "RollbackTolerated"


NEEDS_ATTENTION = {Outcome.REFUSED, Outcome.FAILED, Outcome.ROLLBACK_TOLERATED}
"""Outcomes that a person should check: logged as errors."""


@dataclass(frozen=True)
class Report:
    """The outcome of a request, and its error. Neither text contains a value of the user's."""

    outcome: Outcome
    reason: str = ""  # the error's code
    message: str = ""  # the error's sentence, as sent to CloudFormation


@dataclass(frozen=True)
class Answer:
    """The answer to CloudFormation on success, and the report for the log."""

    physical_id: str
    data: Mapping[str, str]
    report: Report = field(compare=False)


UNREPORTED = Report(Outcome.FAILED, "Defect", "Defect: the request ended without a report")


def report_of(error: HandlerError) -> Report:
    """The report of a request that ends in this error."""
    return Report(Outcome.REFUSED if error.is_refusal else Outcome.FAILED, error.code, str(error))


def undelivered(report: Report, failure: str) -> Report:
    """The report of a request whose answer was not accepted: the stack waits, and fails, whatever was done."""
    return Report(
        Outcome.FAILED,
        "AnswerNotDelivered",
        f"AnswerNotDelivered: CloudFormation's URL did not confirm the answer ({failure}); the outcome was "
        f"{report.outcome.value}. Deploy again when the stack has given up: what is already done is found and kept."
        + (f" The answer was: {report.message}" if report.message else ""),
    )
