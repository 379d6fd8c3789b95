"""The line that ends each request: told by stories over the wire, read from stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from partner_account_handler import index
from partner_account_handler.clock import Clock
from partner_account_handler.errors import (
    AnswerUnreachableError,
    CallError,
    CallFailure,
    CallOutcome,
    CodeError,
    HandlerError,
    NotWaitingError,
    PartnerError,
    ProfileTaskError,
    RequestError,
    TagsNotVisibleError,
    TimeLeftError,
)
from partner_account_handler.identity import OWNER_TAG
from partner_account_handler.outcome import Outcome, Report, report_of
from tests.handler.cloud import CEO, LambdaContext, properties
from tests.handler.conftest import LocalFunction
from tests.handler.log_lines import lines_of

# What a request becomes


def test_new_partner_is_created_and_a_redelivery_recovers_it(function: LocalFunction) -> None:
    """With the partner's id and the time it took; all lines of a request name it, so that a query finds them."""
    function.cloud.fail("ListPartners", "internal-error")
    partner = function.create(properties(), RequestId="r")["Data"]["Id"]
    lines = lines_of(function.log)
    assert [line["message"] for line in lines] == ["call failed", "partner created", "Created"]
    assert {line["request"] for line in lines} == {"r"}
    assert function.told("outcome", "level", "partner") == ("Created", "INFO", partner)
    (milliseconds,) = function.told("duration_ms")
    assert 500 <= milliseconds < 60_000
    function.create(properties(), RequestId="r")
    assert function.told("outcome", "partner") == ("Recovered", partner)


def test_update_is_updated_unchanged_or_refused(function: LocalFunction) -> None:
    """Updated counts only what was written; a refused one names the partner, since its id is that of the resource."""
    partner = function.create(properties())["Data"]["Id"]
    function.update(properties(), CEO)
    assert function.told("outcome") == ("Updated",)
    function.update(properties(), CEO)
    assert function.told("outcome") == ("Unchanged",)
    function.update(properties(), properties(LegalName="Another Corp"))
    assert function.told("outcome", "reason", "partner") == ("Refused", "CreateOnly", partner)


@pytest.mark.parametrize("tag", ["Jane Doe, 555-0100", "a" * 32], ids=["text", "half"])
def test_former_owner_is_logged_only_in_the_form_of_the_ownership_tag(function: LocalFunction, tag: str) -> None:
    """Anything may have been written into that tag by hand."""
    other = function.cloud.add_partner(tags={OWNER_TAG: tag})
    function.create(properties(ExistingPartnerId=other.id))
    (line,) = [line for line in lines_of(function.log) if line["message"] == "partner taken over"]
    assert line["former_owner"] == "of another form"


@pytest.mark.parametrize("ours", [True, False])
def test_delete_retains_the_partner(function: LocalFunction, ours: bool) -> None:
    """The line names it, if the id is a partner's."""
    partner = function.create(properties())["Data"]["Id"]
    function.delete(function.arn if ours else "Root-Partner-MADEUP")
    assert function.told("outcome", "level", "partner") == ("Retained", "INFO", partner if ours else None)


def test_other_owners_partner_is_refused_with_the_reason_sent_to_cloudformation(function: LocalFunction) -> None:
    """Loud, and without an id: it is not this resource's."""
    function.cloud.add_partner("Other Corp")
    reason = function.create(properties())["Reason"]
    expected = ("Refused", "ERROR", "PartnerExists", reason, None)
    assert function.told("outcome", "level", "reason", "message", "partner") == expected


def test_tolerated_rollback_is_logged_as_an_error(function: LocalFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation is told SUCCESS; the line tells what could not be written back."""
    partner = function.create(properties())["Data"]["Id"]
    function.update(properties(), CEO)
    function.cloud.fail("PutAllianceLeadContact", "internal-error", times=None)
    context = LambdaContext()
    monkeypatch.setattr(index, "Clock", lambda remaining: Clock(remaining, context.sleep))
    answer = function.update(CEO, properties(), "UPDATE_ROLLBACK_IN_PROGRESS", context=context)
    assert answer["Status"] == "SUCCESS"
    expected = ("RollbackTolerated", "ERROR", partner, "InternalServerException")
    assert function.told("outcome", "level", "partner", "reason") == expected
    assert str(function.told("message")[0]).startswith("InternalServerException: PutAllianceLeadContact")


# The answer comes first


class Stdout:
    """A stdout that keeps what is written to it, and does first what a test wants."""

    def __init__(self, before: Callable[[], object]) -> None:
        self.written: list[str] = []
        self._before = before

    def write(self, text: str) -> int:
        """Keeps a text."""
        self._before()
        self.written.append(text)
        return len(text)

    def flush(self) -> None:
        """Does nothing."""


@pytest.mark.parametrize("failure", [BrokenPipeError(), OSError(28, "no space"), ValueError("closed file")])
def test_unwritable_log_stops_nothing(
    function: LocalFunction, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Above all no Create that has created."""

    def fail() -> None:
        raise failure

    monkeypatch.setattr(sys, "stdout", Stdout(fail))
    index.handler(function.cloud.event("Create", properties(), ResponseURL=function.sink.url("deaf")), LambdaContext())
    (answer,) = function.sink.answers("deaf")
    assert (answer["Status"], answer["Reason"]) == ("SUCCESS", "")
    assert len(function.cloud.partners) == 1


def test_answer_is_sent_before_the_line_is_written(function: LocalFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is slow does not delay it. Each line is written at once, so that two threads' lines stay apart."""
    answered: list[int] = []
    stdout = Stdout(lambda: answered.append(len(function.sink.received)))
    monkeypatch.setattr(sys, "stdout", stdout)
    index.handler(function.cloud.event("Create", properties(), ResponseURL=function.sink.url("first")), LambdaContext())
    assert answered == [0, 1]
    assert [text.count("\n") for text in stdout.written] == [1, 1]
    assert all(text.endswith("\n") for text in stdout.written)


# Refused or failed


def failed(outcome: CallOutcome, code: str = "Code", reason: str = "") -> CallError:
    """A call that ended so."""
    return CallError(CallFailure("CreatePartner", outcome, code, reason))


OUTCOMES = [
    (RequestError(["Catalog is missing"]), Outcome.REFUSED, "InvalidProperties"),
    (CodeError("the secret doesn't hold six digits"), Outcome.REFUSED, "VerificationCode"),
    (PartnerError("PartnerExists", "there is one", "Adopt it."), Outcome.REFUSED, "PartnerExists"),
    (ProfileTaskError("pprofiletask-1", "FAILED", []), Outcome.REFUSED, "ProfileTaskFailed"),
    (TagsNotVisibleError("partner-1"), Outcome.FAILED, "TagsNotVisible"),
    (failed(CallOutcome.REFUSED, "Conflict", "DUPLICATE"), Outcome.REFUSED, "Conflict/DUPLICATE"),
    (failed(CallOutcome.DENIED, "AccessDeniedException"), Outcome.REFUSED, "AccessDeniedException"),
    (failed(CallOutcome.THROTTLED, "ThrottlingException"), Outcome.FAILED, "ThrottlingException"),
    (failed(CallOutcome.UNKNOWN, "HTTP503"), Outcome.FAILED, "HTTP503"),
    (NotWaitingError("ROLLBACK_COMPLETE"), Outcome.FAILED, "StackNotWaiting"),
    (AnswerUnreachableError("ConnectTimeoutError"), Outcome.FAILED, "AnswerUnreachable"),
    (TimeLeftError("ListPartners"), Outcome.FAILED, "OutOfTime"),
    (HandlerError("Defect", "KeyError at create.py:1", "Report this."), Outcome.FAILED, "Defect"),
]
"""Errors of each kind, with the outcome and the reason of the last line."""


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    OUTCOMES,
    ids=lambda value: type(value).__name__ if isinstance(value, HandlerError) else "",
)
def test_user_errors_are_refused_and_all_others_fail(error: HandlerError, outcome: Outcome, reason: str) -> None:
    """What may be over when the stack is deployed again has failed."""
    assert report_of(error) == Report(outcome, reason, str(error))


def kinds_of_error(kind: type[HandlerError] = HandlerError) -> set[type[HandlerError]]:
    """A class of errors, and all that are made of it."""
    return {kind}.union(*map(kinds_of_error, kind.__subclasses__()))


def test_each_kind_of_error_has_an_outcome() -> None:
    """A new one must be given a side."""
    assert {type(error) for error, _, _ in OUTCOMES} == kinds_of_error()


@pytest.mark.parametrize("output", ["plain text\n", "[1]\n", '{"level": "INFO"', '{"level": "DEBUG", "message": "x"}'])
def test_log_line_that_is_not_a_json_object_is_detected(output: str) -> None:
    """Lambda's prefix would be one."""
    with pytest.raises((AssertionError, KeyError)):
        lines_of(output)
