"""The line that ends each request: told by stories over the wire, read from stdout."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import partner_account_handler
from partner_account_handler import index, response
from partner_account_handler.errors import (
    AnswerUnreachableError,
    CallError,
    CodeError,
    DefectError,
    HandlerError,
    NotWaitingError,
    PartnerError,
    RequestError,
    TagsNotVisibleError,
    TimeLeftError,
)
from partner_account_handler.failure import CallFailure, CallOutcome
from partner_account_handler.outcome import UNREPORTED, Outcome, Report, report_of, undelivered
from partner_account_handler.response import SingleResponse
from tests.handler.cloud import ACCOUNT, Cloud, contact, properties, sandbox
from tests.handler.log_lines import FIELDS, final_lines_of, lines_of
from tests.handler.response_sink import ResponseSink
from tests.handler.test_answers import Context

CEO = properties(AllianceLeadContact=contact(BusinessTitle="CEO"))
IMPATIENT = partial(Context, 52.4)
"""Time for each call, and none for a second try."""


@dataclass
class Story:
    """Requests of CloudFormation, and the line that each of them ended with."""

    cloud: Cloud
    sink: ResponseSink
    capsys: pytest.CaptureFixture[str]
    arn: str = ""

    def create(self, wanted: Any, **changes: Any) -> dict[str, Any]:
        """A Create."""
        return self.deliver("Create", wanted, **changes)

    def update(self, before: Any, wanted: Any, status: str = "UPDATE_IN_PROGRESS", **changes: Any) -> dict[str, Any]:
        """An Update of the partner that was created last."""
        self.cloud.set_status(status)
        changes = {"PhysicalResourceId": self.arn, "OldResourceProperties": before, **changes}
        return self.deliver("Update", wanted, **changes)

    def deliver(self, kind: str, wanted: Any, context: Context | None = None, **changes: Any) -> dict[str, Any]:
        """Any request; its final line is held against the format and against the answer."""
        name = f"answer-{len(self.sink.received)}"
        event = self.cloud.event(kind, wanted, ResponseURL=self.sink.url(name), **changes)
        self.capsys.readouterr()
        index.handler(event, context or Context())
        (line,) = final_lines_of(self.capsys.readouterr().out)
        self.answer = self.sink.answers(name)[0]
        self.arn = self.answer["PhysicalResourceId"]
        assert (line["operation"], line["request"]) == (kind, event["RequestId"])
        assert (line["StackName"], line["LogicalResourceId"]) == ("Root", "Partner")
        return line


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponseSink]:
    """Where the answers go; this process trusts it."""
    with ResponseSink(tmp_path) as sink:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(sink.ca_file))
        yield sink


@pytest.fixture
def story(cloud: Cloud, sink: ResponseSink, capsys: pytest.CaptureFixture[str]) -> Story:
    """One stack that is being created; the code of its contact is stored."""
    cloud.prepare()
    return Story(cloud, sink, capsys)


# What a request becomes


def test_a_new_partner_is_created(story: Story) -> None:
    """With the partner's id and the time it took; the line before it tells of CreatePartner alone."""
    line = story.create(properties())
    assert (line["outcome"], line["level"], line["message"]) == ("Created", "INFO", "Created")
    assert line["partner"] == story.answer["Data"]["Id"]
    assert 0 < line["duration_ms"] < 60_000


def test_a_partner_of_ours_is_recovered(story: Story) -> None:
    """By a redelivery, or after a rollback or a deleted stack."""
    made = story.create(properties(), RequestId="r")
    again = story.create(properties(), RequestId="r")
    assert (again["outcome"], again["partner"]) == ("Recovered", made["partner"])


def test_a_partner_of_another_day_is_adopted(story: Story) -> None:
    """As existing_partner_id says."""
    foreign = story.cloud.simulator.account(ACCOUNT).add_partner("Example Corp", contact=contact())
    line = story.create(properties(ExistingPartnerId=foreign.id))
    assert (line["outcome"], line["partner"]) == ("Adopted", foreign.id)


def test_an_update_writes_or_leaves_all_as_it_is(story: Story) -> None:
    """Updated counts only what was written."""
    story.create(properties())
    assert story.update(properties(), CEO)["outcome"] == "Updated"
    assert story.update(properties(), CEO)["outcome"] == "Unchanged"


def test_a_sandbox_that_was_wiped_counts_as_created(story: Story) -> None:
    """Though by an Update."""
    made = story.create(sandbox())
    story.cloud.simulator.account(ACCOUNT).delete_partner(made["partner"])
    line = story.update(sandbox(), sandbox(AllianceLeadContact=contact(LastName="Roe")), context=Context(60))
    assert (line["operation"], line["outcome"]) == ("Update", "Created")
    assert line["partner"] != made["partner"]


@pytest.mark.parametrize("ours", [True, False])
def test_a_delete_retains_the_partner(story: Story, ours: bool) -> None:
    """The line names it, if the id is a partner's."""
    partner = story.create(properties())["partner"]
    line = story.deliver("Delete", properties(), PhysicalResourceId=story.arn if ours else "Root-Partner-MADEUP")
    assert (line["outcome"], line["level"]) == ("Retained", "INFO")
    assert line.get("partner") == (partner if ours else None)


def test_a_foreign_partner_is_refused(story: Story) -> None:
    """With the sentence that CloudFormation is told, and its code."""
    story.cloud.simulator.account(ACCOUNT).add_partner("Other Corp")
    line = story.create(properties())
    assert (line["outcome"], line["level"], line["reason"]) == ("Refused", "ERROR", "PartnerExists")
    assert line["message"] == story.answer["Reason"]
    assert "partner" not in line


def test_an_update_that_is_refused_names_the_partner(story: Story) -> None:
    """Its id is that of the resource."""
    partner = story.create(properties())["partner"]
    line = story.update(properties(), properties(LegalName="Another Corp"))
    assert (line["outcome"], line["reason"], line["partner"]) == ("Refused", "CreateOnly", partner)


def test_a_service_that_is_down_is_a_failure(story: Story) -> None:
    """Nobody has to correct anything."""
    story.cloud.simulator.faults.add("ListPartners", "internal-error", times=None)
    line = story.create(properties(), context=IMPATIENT())
    assert (line["outcome"], line["level"], line["reason"]) == ("Failed", "ERROR", "InternalServerException")


def test_a_rollback_that_is_let_through_is_loud(story: Story) -> None:
    """CloudFormation is told SUCCESS; the line tells what could not be written back."""
    partner = story.create(properties())["partner"]
    story.update(properties(), CEO)
    story.cloud.simulator.faults.add("PutAllianceLeadContact", "internal-error", times=None)
    line = story.update(CEO, properties(), "UPDATE_ROLLBACK_IN_PROGRESS", context=IMPATIENT())
    assert story.answer["Status"] == "SUCCESS"
    assert (line["outcome"], line["level"], line["partner"]) == ("RollbackTolerated", "ERROR", partner)
    assert line["reason"] == "InternalServerException"
    assert line["message"].startswith("InternalServerException: PutAllianceLeadContact")


@pytest.mark.parametrize("status", [403, 503])
def test_an_answer_that_nobody_takes_is_a_failure(story: Story, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Whatever was done: the stack waits, and fails. The line before the last one tells of the new partner."""
    monkeypatch.setattr(response, "SEND_SECONDS", 1.0)
    story.sink.statuses[:] = [status] * 50
    line = story.create(properties())
    assert story.answer["Status"] == "SUCCESS"
    assert (line["outcome"], line["reason"]) == ("Failed", "AnswerNotDelivered")
    assert f"(HTTP{status}); the outcome was Created" in line["message"]
    assert line["partner"] == story.answer["Data"]["Id"]


def test_an_answer_that_is_lost_stands_in_the_log(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation can't show its reason and its remedy."""
    monkeypatch.setattr(response, "SEND_SECONDS", 1.0)
    story.sink.statuses[:] = [403] * 50
    line = story.create({})
    assert (line["outcome"], line["reason"]) == ("Failed", "AnswerNotDelivered")
    assert "the outcome was Refused" in line["message"]
    assert line["message"].endswith(f" The answer was: {story.answer['Reason']}")


def test_a_bucket_that_is_gone_is_told_by_its_kind_alone(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither its address nor its signature."""
    monkeypatch.setattr(response, "SEND_SECONDS", 1.0)
    url = "https://localhost:1/gone?X-Amz-Signature=presigned-canary"
    index.handler(cloud.event("Delete", {}, PhysicalResourceId="x", ResponseURL=url), Context())
    log = capsys.readouterr().out
    (line,) = final_lines_of(log)
    assert "(NewConnectionError); the outcome was Retained" in line["message"]
    assert "localhost" not in log


def test_what_is_no_request_is_told_and_not_counted(story: Story) -> None:
    """And about no request of another invocation."""
    story.create(properties())
    index.handler({"foreign": "canary"}, Context())
    (line,) = lines_of(story.capsys.readouterr().out)
    assert line["level"] == "ERROR"
    assert not {"outcome", "request"} & set(line)
    assert "canary" not in str(line)


def test_a_failure_of_crhelper_itself_is_a_defect(
    cloud: Cloud, sink: ResponseSink, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has its exception's text, which is nobody's to judge; the line has not."""

    def break_down(*_: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(SingleResponse, "_cfn_response", break_down)
    event = cloud.event("Delete", {}, PhysicalResourceId="x", ResponseURL=sink.url("broken"))
    index.handler(event, Context())
    (line,) = final_lines_of(capsys.readouterr().out)
    assert (line["outcome"], line["reason"]) == ("Failed", "Defect")
    assert "canary" not in str(line)


def test_all_lines_of_a_request_name_it(story: Story) -> None:
    """Those before the last one too, so that a query finds them together."""
    story.cloud.simulator.faults.add("ListPartners", "internal-error", times=1)
    event = story.cloud.event("Create", properties(), ResponseURL=story.sink.url("named"), RequestId="the-request")
    story.capsys.readouterr()
    index.handler(event, Context())
    lines = lines_of(story.capsys.readouterr().out)
    assert [line["message"] for line in lines] == ["call failed", "partner created", "Created"]
    assert {line["request"] for line in lines} == {"the-request"}


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
def test_a_log_that_can_not_be_written_stops_nothing(
    story: Story, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Above all no Create that has created."""

    def fail() -> None:
        raise failure

    monkeypatch.setattr(sys, "stdout", Stdout(fail))
    index.handler(story.cloud.event("Create", properties(), ResponseURL=story.sink.url("deaf")), Context())
    (answer,) = story.sink.answers("deaf")
    assert (answer["Status"], answer["Reason"]) == ("SUCCESS", "")
    assert len(story.cloud.simulator.account(ACCOUNT).partners) == 1


def test_the_answer_is_sent_before_the_line_is_written(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is slow does not delay it. Each line is written at once, so that two threads' lines stay apart."""
    answered: list[int] = []
    stdout = Stdout(lambda: answered.append(len(story.sink.received)))
    monkeypatch.setattr(sys, "stdout", stdout)
    index.handler(story.cloud.event("Create", properties(), ResponseURL=story.sink.url("first")), Context())
    assert answered == [0, 1]
    assert [text.count("\n") for text in stdout.written] == [1, 1]
    assert all(text.endswith("\n") for text in stdout.written)


# Refused or failed


def own_codes() -> set[str]:
    """The codes that the handler's own errors have."""
    samples: list[HandlerError] = [
        *(RequestError([]), CodeError(""), NotWaitingError(""), TagsNotVisibleError(""), TimeLeftError("")),
        *(DefectError("", ""), AnswerUnreachableError("")),
    ]
    sources = [source.read_text("utf-8") for source in Path(partner_account_handler.__file__).parent.glob("*.py")]
    codes = {code for source in sources for code in re.findall(r'PartnerError\(\s*"(\w+)"', source)}
    reports = [*map(report_of, samples), UNREPORTED, undelivered(UNREPORTED, "")]
    assert "CreateOnly" in codes
    return codes | {report.reason for report in reports}


def call_error(ending: CallOutcome, code: str = "Code", reason: str = "") -> CallError:
    """A call that ended so."""
    return CallError(CallFailure("CreatePartner", ending, code, reason))


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (RequestError(["Catalog is missing"]), Outcome.REFUSED, "InvalidProperties"),
        (CodeError("what the secret holds is not six digits"), Outcome.REFUSED, "VerificationCode"),
        (PartnerError("PartnerExists", "there is one", "Adopt it."), Outcome.REFUSED, "PartnerExists"),
        (TagsNotVisibleError("partner-1"), Outcome.FAILED, "TagsNotVisible"),
        (
            call_error(CallOutcome.REFUSED, "ConflictException", "DUPLICATE_PARTNER"),
            Outcome.REFUSED,
            "ConflictException/DUPLICATE_PARTNER",
        ),
        (call_error(CallOutcome.DENIED, "AccessDeniedException"), Outcome.REFUSED, "AccessDeniedException"),
        (call_error(CallOutcome.THROTTLED, "ThrottlingException"), Outcome.FAILED, "ThrottlingException"),
        (call_error(CallOutcome.UNKNOWN, "HTTP503"), Outcome.FAILED, "HTTP503"),
        (NotWaitingError("ROLLBACK_COMPLETE"), Outcome.FAILED, "StackNotWaiting"),
        (AnswerUnreachableError("ConnectTimeoutError"), Outcome.FAILED, "AnswerUnreachable"),
        (TimeLeftError("ListPartners"), Outcome.FAILED, "OutOfTime"),
        (DefectError("KeyError", "look.py:1"), Outcome.FAILED, "Defect"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, HandlerError) else "",
)
def test_what_a_human_must_correct_is_refused(error: HandlerError, outcome: Outcome, reason: str) -> None:
    """What may be over when the stack is deployed again has failed."""
    assert report_of(error) == Report(outcome, reason, str(error))


def test_every_kind_of_error_is_told_apart_above() -> None:
    """A new one must be given a side."""
    kinds = {RequestError, CodeError, PartnerError, CallError, NotWaitingError, TimeLeftError, DefectError}
    assert set(PartnerError.__subclasses__()) == {TagsNotVisibleError}
    assert set(CallError.__subclasses__()) == {AnswerUnreachableError}
    assert set(HandlerError.__subclasses__()) == kinds


def test_each_outcome_and_field_of_the_last_line_is_documented() -> None:
    """In code, somewhere in the documentation."""
    docs = "".join(page.read_text("utf-8") for page in (Path(__file__).parents[2] / "docs").rglob("*.md"))
    names = [*(outcome.value for outcome in Outcome), *FIELDS, "StackName", "LogicalResourceId", "partner"]
    assert [name for name in names if f"`{name}`" not in docs] == []


@pytest.mark.parametrize("output", ["plain text\n", "[1]\n", '{"level": "INFO"', '{"level": "DEBUG", "message": "x"}'])
def test_a_log_line_that_is_none_is_noticed(output: str) -> None:
    """Lambda's prefix would be one."""
    with pytest.raises((AssertionError, KeyError)):
        lines_of(output)
