"""The answer as CloudFormation receives it: over HTTPS, once, to the right URL, and without a secret in it."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from typing import Any

import pytest

from partner_account_handler import index, lifecycle, response
from partner_account_handler.outcome import Answer, Outcome, Report
from partner_account_handler.response import SingleResponse
from tests.handler.cloud import CEO, Cloud, LambdaContext, contact, properties
from tests.handler.conftest import LocalFunction
from tests.handler.log_lines import final_lines_of, lines_of, without_times
from tests.handler.response_sink import ResponseSink


@pytest.mark.versions
def test_create_update_and_delete_are_answered_with_the_same_id(function: LocalFunction) -> None:
    """The partner's ARN, from Create on; Data holds three attributes and nothing else."""
    made = function.create(properties())
    assert made["Status"] == "SUCCESS"
    assert set(made["Data"]) == {"Arn", "Id", "ProfileId"}
    assert made["Data"]["Arn"] == made["PhysicalResourceId"]
    updated = function.update(properties(), CEO)
    assert (updated["Status"], updated["PhysicalResourceId"], updated["Data"]) == (
        "SUCCESS",
        function.arn,
        made["Data"],
    )
    assert function.delete(function.arn, CEO)["Status"] == "SUCCESS"
    assert function.arn == made["PhysicalResourceId"]
    assert len(function.cloud.partners) == 1


@pytest.mark.versions
def test_failed_create_has_an_id_that_its_redelivery_repeats(function: LocalFunction) -> None:
    """crhelper would make up a new one each time; CloudFormation then sends a Delete for it."""
    function.cloud.add_partner("Other")
    first, second = (function.create(properties(), RequestId="r") for _ in range(2))
    assert first == second
    assert first["Status"] == "FAILED"
    assert first["Reason"].startswith("PartnerExists")
    assert function.delete(first["PhysicalResourceId"])["Status"] == "SUCCESS"


@pytest.mark.versions
def test_warm_function_answers_each_event_at_its_own_url_and_ignores_foreign_events(function: LocalFunction) -> None:
    """One line of the log tells of it, as of no request of another invocation."""
    function.delete("x")
    before = len(function.sink.received)
    for foreign in (
        {"foreign": "canary"},
        None,
        {"RequestType": "Create"},
        function.cloud.event("Create", {}) | {"ResponseURL": ""},
    ):
        index.handler(foreign, LambdaContext())
        (line,) = lines_of(function.capsys.readouterr().out)
        assert line["level"] == "ERROR"
        assert not {"outcome", "request"} & set(line)
        assert "canary" not in str(line)
    assert len(function.sink.received) == before
    function.delete("y")


def test_invalid_properties_are_answered_with_all_errors(function: LocalFunction) -> None:
    """Not with silence until the time-out."""
    malformed: list[object] = [{}, [], None, "text", {"LegalName": ["x"]}]
    for wrong in malformed:
        answer = function.create(wrong)
        assert answer["Status"] == "FAILED"
        assert answer["Reason"].startswith("InvalidProperties: ")


@pytest.mark.versions
@pytest.mark.parametrize("status", [403, 500, 503])
def test_rejected_answer_is_resent_unchanged(function: LocalFunction, status: int) -> None:
    """crhelper takes a 403 for sent. `Retry-After: 3600` would outlive the function and CloudFormation's patience."""
    function.sink.statuses[:] = [status]
    function.sink.headers["Retry-After"] = "3600"
    function.delete(tries=2)
    _, body, headers = function.sink.received[-1]
    assert headers.get("Content-Type", "") == "", "the URL was signed for none"
    assert len(body) < 4096


def test_redirect_is_not_followed(function: LocalFunction) -> None:
    """The answer goes to the URL that CloudFormation has signed, or nowhere."""
    function.sink.statuses[:] = [307]
    function.sink.headers["Location"] = function.sink.url("elsewhere")
    function.delete()
    assert function.sink.answers("elsewhere") == []


@pytest.mark.parametrize(
    ("refused", "status", "wanted", "outcome"),
    [
        (403, "SUCCESS", properties(), "Created"),
        (503, "SUCCESS", properties(), "Created"),
        (403, "FAILED", {}, "Refused"),
    ],
)
def test_unaccepted_answer_ends_retries_and_is_logged(
    function: LocalFunction, monkeypatch: pytest.MonkeyPatch, refused: int, status: str, wanted: Any, outcome: str
) -> None:
    """Nothing is raised, since Lambda would deliver again. CloudFormation can't show the reason and its remedy."""
    monkeypatch.setattr(response, "SEND_SECONDS", 2.0)
    function.sink.statuses[:] = [refused] * 50
    answer = function.create(wanted, tries=3)
    assert answer["Status"] == status
    assert function.told("outcome", "reason", "level") == ("Failed", "AnswerNotDelivered", "ERROR")
    (message, partner) = function.told("message", "partner")
    assert f"(HTTP{refused}); the outcome was {outcome}" in message
    assert message.endswith(f" The answer was: {answer['Reason']}") == (status == "FAILED")
    assert partner == answer.get("Data", {}).get("Id")


def test_missing_bucket_is_reported_by_error_type_only(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither its address nor its signature."""
    monkeypatch.setattr(response, "SEND_SECONDS", 1.0)
    url = "https://localhost:1/gone?X-Amz-Signature=presigned-canary"
    index.handler(cloud.event("Delete", {}, PhysicalResourceId="x", ResponseURL=url), LambdaContext())
    log = capsys.readouterr().out
    (line,) = final_lines_of(log)
    assert "(NewConnectionError); the outcome was Retained" in line["message"]
    assert "localhost" not in log


@pytest.mark.parametrize("known", [None, Answer("the-arn", {"Arn": "the-arn"}, Report(Outcome.CREATED))])
@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_timer_answers_when_the_handler_hangs_and_the_handler_sends_no_second_answer(
    cloud: Cloud,
    sink: ResponseSink,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    known: Answer | None,
) -> None:
    """One answer and one final line per invocation: what is true already, or else the id and a remedy."""
    hanging = threading.Event()

    def hang(_request: Any, _aws: Any, on_timeout: Any) -> Answer:
        if known:
            on_timeout(known)
        hanging.wait(9)
        return Answer("too late", {}, Report(Outcome.UPDATED))

    monkeypatch.setattr(index, "respond", hang)
    event = cloud.event(kind, {}, ResponseURL=sink.url("late"), PhysicalResourceId="x")
    work = threading.Thread(target=index.handler, args=(event, LambdaContext(seconds=4)))
    work.start()
    while not sink.received:
        time.sleep(0.02)
        assert work.is_alive()
    hanging.set()
    work.join()
    (answer,) = sink.answers("late")
    (line,) = final_lines_of(capsys.readouterr().out)
    if known:
        assert (answer["Status"], answer["PhysicalResourceId"], answer["Data"]) == ("SUCCESS", "the-arn", known.data)
        assert line["outcome"] == "Created"
        return
    assert (answer["Status"], answer["Reason"].split(":")[0]) == ("FAILED", "OutOfTime")
    assert answer["PhysicalResourceId"].startswith("not-created-" if kind == "Create" else "x")
    assert "Deploy again" in answer["Reason"]
    assert (line["outcome"], line["reason"], line["message"]) == ("Failed", "OutOfTime", answer["Reason"])


@pytest.mark.versions
def test_timer_that_fires_while_the_answer_is_sent_does_not_change_it(
    function: LocalFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would have answered is older: a profile id that is known by now would be `pending` again."""
    deliver = index.helper._deliver  # noqa: SLF001
    seen: list[tuple[str, dict[str, str]]] = []

    def ring_meanwhile(*given: Any) -> None:
        helper = index.helper
        helper.succeed_on_timeout(Answer("an-older-arn", {"Arn": "an-older-arn"}, Report(Outcome.CREATED)))
        timer = threading.Thread(target=helper._answer_on_timeout, args=(helper._invocation,))  # noqa: SLF001
        timer.start()
        timer.join(0.2)
        seen.append((helper.PhysicalResourceId, dict(helper.Data)))
        deliver(*given)

    monkeypatch.setattr(index.helper, "_deliver", ring_meanwhile)
    answer = function.delete("x")
    assert seen == [("x", {})]
    assert (answer["PhysicalResourceId"], answer["Data"]) == ("x", {})


def test_no_time_left_fails_before_anything_is_sent(function: LocalFunction) -> None:
    """An invocation that begins late must not begin what it can't end."""
    answer = function.create(properties(), LambdaContext(seconds=29))
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("OutOfTime")
    assert function.cloud.operations() == []


def test_internal_defect_is_answered_with_its_location_only(
    function: LocalFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unforeseen exception may hold the input in its text."""
    monkeypatch.setattr("partner_account_handler.create.choose", lambda wanted, *_: {}[wanted.legal_name])
    answer = function.create(properties(LegalName="Canary Corp"))
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("Defect: KeyError at test_answers.py:")
    assert function.told("outcome", "reason") == ("Failed", "Defect")
    assert "Canary" not in json.dumps(answer) + function.log


@pytest.mark.versions
def test_failure_of_crhelper_itself_is_logged_as_a_defect(
    function: LocalFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has its exception's text, which is nobody's to judge; the line has not."""

    def break_down(*_: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(SingleResponse, "_cfn_response", break_down)
    function.delete()
    assert function.told("outcome", "reason") == ("Failed", "Defect")
    assert "canary" not in function.log


@pytest.mark.versions
def test_crhelper_creates_no_clients_and_leaves_the_environment_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be a quarter of the cold start; the variable that prevents them is put back."""
    for before in (None, "0"):
        monkeypatch.delenv("AWS_SAM_LOCAL", raising=False)
        if before is not None:
            monkeypatch.setenv("AWS_SAM_LOCAL", before)
        helper = SingleResponse()
        assert os.environ.get("AWS_SAM_LOCAL") == before
        assert not [name for name in vars(helper) if name.endswith("_client")]


class Everything(logging.Handler):
    """A root handler as Lambda installs it, that keeps what it would print."""

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a line."""
        self.lines.append(self.format(record))


@pytest.mark.versions
@pytest.mark.parametrize("is_set_up", [True, False])
def test_log_holds_outcomes_and_no_secret_at_any_level(
    cloud: Cloud,
    sink: ResponseSink,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    is_set_up: bool,
) -> None:
    """Even with botocore, urllib3 and crhelper at DEBUG, as an environment may switch them: none of them is heard.

    Where nobody has set logging up, as in MiniStack, Python writes warnings to stderr, and urllib3 warns with the URL.
    """
    code = cloud.prepare()
    seen = Everything()
    monkeypatch.setattr(logging.getLogger(), "handlers", [seen] if is_set_up else [])
    monkeypatch.setattr(logging, "lastResort", logging._StderrHandler(logging.DEBUG))  # type: ignore[attr-defined]  # noqa: SLF001
    for name in ("", "botocore", "urllib3", "crhelper", "partner_account_handler"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    capfd.readouterr()
    sink.statuses[:] = [503]
    index.handler(
        cloud.event("Create", properties(LegalName="Canary Corp"), ResponseURL=sink.url("log")), LambdaContext()
    )
    log, aside = capfd.readouterr()
    assert [line["message"] for line in lines_of(log)] == ["partner created", "Created"]
    assert (seen.lines, aside) == ([], "")
    for secret in (code, "Canary", "presigned-canary", *contact().values()):
        assert secret not in without_times(log)


def timer_of(function: LocalFunction, seconds: float = 180) -> Any:
    """The timer that was set for a Delete, which has been answered."""
    function.delete(context=LambdaContext(seconds))
    return index.helper._timer  # noqa: SLF001


def test_timer_that_fires_during_the_next_invocation_sends_no_answer(
    function: LocalFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one's work goes on, and its answer is its own."""
    timer, sink = timer_of(function), function.sink
    assert timer.finished.is_set(), "it is cancelled with the answer; this one rings all the same"
    started, may_end = threading.Event(), threading.Event()
    respond = lifecycle.respond

    def work(*given: Any) -> Answer:
        started.set()
        assert may_end.wait(9)
        return respond(*given)

    monkeypatch.setattr(index, "respond", work)
    event = function.cloud.event("Delete", {}, ResponseURL=sink.url("second"), PhysicalResourceId="x")
    second = threading.Thread(target=index.handler, args=(event, LambdaContext()))
    second.start()
    assert started.wait(9)
    timer.function(*timer.args)
    assert sink.answers("second") == []
    may_end.set()
    second.join()
    assert [answer["Status"] for answer in sink.answers("second")] == ["SUCCESS"]


@pytest.mark.versions
@pytest.mark.parametrize(("seconds", "rings_after"), [(180, 163), (20, 10)])
def test_timer_leaves_the_time_to_send_the_answer(function: LocalFunction, seconds: float, rings_after: float) -> None:
    """Sixteen seconds for all tries, and one to log what became of it; of a short invocation half."""
    assert timer_of(function, seconds).interval == pytest.approx(rings_after, abs=0.5)
