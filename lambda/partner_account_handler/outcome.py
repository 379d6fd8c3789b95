"""What became of a request of CloudFormation: its answer, and what the last line of the log says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from partner_account_handler.errors import HandlerError


class Outcome(Enum):
    """What became of a request."""

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
"""What a human should look at: logged as an error."""


@dataclass(frozen=True)
class Report:
    """What became of a request, and of which error. Neither text holds a value of the user's."""

    outcome: Outcome
    reason: str = ""  # the error's code
    message: str = ""  # the error's sentence, as CloudFormation is told it


@dataclass(frozen=True)
class Answer:
    """What CloudFormation is told on success, and the log beside it."""

    physical_id: str
    data: Mapping[str, str]
    report: Report = field(compare=False)


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
