"""The answer as CloudFormation receives it: over HTTPS, once, to the right URL, and without a secret in it."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from partner_account_handler import index, response
from partner_account_handler.outcome import Answer, Outcome, Report
from partner_account_handler.response import SingleResponse
from tests.handler.cloud import ACCOUNT, Cloud, contact, properties
from tests.handler.log_lines import final_lines_of, lines_of, without_times
from tests.handler.response_sink import ResponseSink


class Context:
    """Lambda's context, as far as the handler uses it."""

    def __init__(self, seconds: float = 180) -> None:
        self._seconds = seconds
        self._end = 0.0

    def get_remaining_time_in_millis(self) -> int:
        """What is left until Lambda ends the invocation, which begins with the first question."""
        self._end = self._end or time.monotonic() + self._seconds
        return int((self._end - time.monotonic()) * 1000)


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponseSink]:
    """A sink that this process trusts."""
    with ResponseSink(tmp_path) as sink:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(sink.ca_file))
        yield sink


def invoke(
    cloud: Cloud, sink: ResponseSink, kind: str, wanted: Any, context: Context | None = None, **changes: Any
) -> Any:
    """Delivers an event as Lambda does, and returns the answer to it: one, or the same each time it was sent."""
    tries = changes.pop("answers", 1)
    name = f"answer-{len(sink.received)}"
    event = cloud.event(kind, wanted, ResponseURL=sink.url(name), **changes)
    index.handler(event, context or Context())
    answers = sink.answers(name)
    assert answers == answers[:1] * tries
    ids = ("StackId", "RequestId", "LogicalResourceId")
    assert {name: answers[0][name] for name in ids} == {name: event[name] for name in ids}
    return answers[0]


def test_create_update_and_delete_are_answered_with_the_same_id(cloud: Cloud, sink: ResponseSink) -> None:
    """The partner's ARN, from Create on; Data holds three attributes and nothing else."""
    cloud.prepare()
    made = invoke(cloud, sink, "Create", properties())
    assert made["Status"] == "SUCCESS"
    assert set(made["Data"]) == {"Arn", "Id", "ProfileId"}
    arn = made["PhysicalResourceId"]
    assert made["Data"]["Arn"] == arn
    cloud.set_status("UPDATE_IN_PROGRESS")
    changed = properties(AllianceLeadContact=contact(LastName="Roe"))
    updated = invoke(cloud, sink, "Update", changed, PhysicalResourceId=arn, OldResourceProperties=properties())
    assert (updated["Status"], updated["PhysicalResourceId"], updated["Data"]) == ("SUCCESS", arn, made["Data"])
    deleted = invoke(cloud, sink, "Delete", changed, PhysicalResourceId=arn)
    assert (deleted["Status"], deleted["PhysicalResourceId"]) == ("SUCCESS", arn)
    assert len(cloud.simulator.account(ACCOUNT).partners) == 1


def test_a_failed_create_has_an_id_that_its_redelivery_repeats(cloud: Cloud, sink: ResponseSink) -> None:
    """crhelper would make up a new one each time; CloudFormation then sends a Delete for it."""
    cloud.simulator.account(ACCOUNT).add_partner("Other")
    first, second = (invoke(cloud, sink, "Create", properties(), RequestId="r") for _ in range(2))
    assert first == second
    assert first["Status"] == "FAILED"
    assert first["Reason"].startswith("PartnerExists")
    assert invoke(cloud, sink, "Delete", {}, PhysicalResourceId=first["PhysicalResourceId"])["Status"] == "SUCCESS"


def test_a_warm_function_answers_each_event_to_its_own_url(cloud: Cloud, sink: ResponseSink) -> None:
    """A foreign event between two others gets no answer at all, at no old URL."""
    invoke(cloud, sink, "Delete", {}, PhysicalResourceId="x")
    before = len(sink.received)
    for foreign in ({}, None, {"RequestType": "Create"}, cloud.event("Create", {}, ResponseURL="")):
        index.handler(foreign, Context())
    assert len(sink.received) == before
    invoke(cloud, sink, "Delete", {}, PhysicalResourceId="y")


def test_properties_of_any_kind_are_answered(cloud: Cloud, sink: ResponseSink) -> None:
    """A malformed request is FAILED with what is wrong, not silence until the time-out."""
    malformed: list[object] = [{}, [], None, "text", {"LegalName": ["x"]}]
    for wrong in malformed:
        answer = invoke(cloud, sink, "Create", wrong)
        assert answer["Status"] == "FAILED"
        assert answer["Reason"].startswith("InvalidProperties: ")


@pytest.mark.parametrize("status", [403, 500, 503])
def test_an_answer_that_is_refused_is_sent_again(cloud: Cloud, sink: ResponseSink, status: int) -> None:
    """crhelper takes a 403 for sent. S3 keeps what is put last, and each try puts the same."""
    sink.statuses[:] = [status]
    event = cloud.event("Delete", {}, PhysicalResourceId="x", ResponseURL=sink.url("again"))
    index.handler(event, Context())
    first, second = sink.answers("again")
    assert first == second


def test_a_bucket_that_asks_for_more_time_than_there_is_gets_none(cloud: Cloud, sink: ResponseSink) -> None:
    """`Retry-After: 3600` would outlive the function, and CloudFormation's patience."""
    sink.statuses[:] = [503]
    sink.headers["Retry-After"] = "3600"
    invoke(cloud, sink, "Delete", {}, Context(), answers=2, PhysicalResourceId="x")


def test_a_redirect_is_not_followed(cloud: Cloud, sink: ResponseSink) -> None:
    """The answer goes to the URL that CloudFormation has signed, or nowhere."""
    sink.statuses[:] = [307]
    sink.headers["Location"] = sink.url("elsewhere")
    invoke(cloud, sink, "Delete", {}, PhysicalResourceId="x")
    assert sink.answers("elsewhere") == []


def test_a_bucket_that_refuses_for_ever_ends_the_tries(
    cloud: Cloud, sink: ResponseSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """crhelper would go on until Lambda ends it; nothing is raised, since Lambda would deliver again."""
    monkeypatch.setattr(response, "SEND_SECONDS", 2.0)
    sink.statuses[:] = [503] * 50
    index.handler(cloud.event("Delete", {}, PhysicalResourceId="x", ResponseURL=sink.url("never")), Context())
    assert len(sink.answers("never")) == 3


def test_a_bucket_that_is_gone_ends_the_tries(
    cloud: Cloud, sink: ResponseSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is raised here either."""
    monkeypatch.setattr(response, "SEND_SECONDS", 1.0)
    url = "https://localhost:1/gone?X-Amz-Signature=canary"
    index.handler(cloud.event("Delete", {}, PhysicalResourceId="x", ResponseURL=url), Context())
    assert sink.received == []


def test_the_put_is_what_the_url_was_signed_for(cloud: Cloud, sink: ResponseSink) -> None:
    """With an empty content type, and a body below 4096 bytes."""
    invoke(cloud, sink, "Delete", {}, PhysicalResourceId="x")
    _, body, headers = sink.received[-1]
    assert headers.get("Content-Type", "") == ""
    assert len(body) < 4096


@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_the_timer_answers_when_the_work_hangs_and_the_work_then_stays_silent(
    cloud: Cloud,
    sink: ResponseSink,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    """One answer and one final line per invocation, with the id of the resource and a remedy."""
    hanging, late = threading.Event(), Answer("too late", {}, Report(Outcome.CREATED))
    monkeypatch.setattr(index, "respond", lambda *_: hanging.wait(9) and late)
    known = {} if kind == "create" else {"PhysicalResourceId": "x"}
    event = cloud.event(kind.title(), {}, ResponseURL=sink.url("late"), **known)
    work = threading.Thread(target=index.handler, args=(event, Context(seconds=4)))
    work.start()
    while not sink.received:
        assert work.is_alive()
    hanging.set()
    work.join()
    (answer,) = sink.answers("late")
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"].startswith("not-created-" if kind == "create" else "x")
    assert answer["Reason"].startswith("OutOfTime")
    assert "Deploy again" in answer["Reason"]
    (line,) = final_lines_of(capsys.readouterr().out)
    assert (line["outcome"], line["reason"], line["message"]) == ("Failed", "OutOfTime", answer["Reason"])


@pytest.mark.parametrize("kind", ["create", "update"])
def test_the_timer_answers_what_is_true_already(
    cloud: Cloud, sink: ResponseSink, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Slow bytes trip no time-out of a socket: a partner that exists, or a rollback, is answered all the same."""
    hanging = threading.Event()

    def slow(_request: Any, _aws: Any, on_timeout: Any) -> Answer:
        on_timeout(Answer("the-arn", {"Arn": "the-arn"}, Report(Outcome.CREATED)))
        hanging.wait(9)
        return Answer("too late", {}, Report(Outcome.UPDATED))

    monkeypatch.setattr(index, "respond", slow)
    event = cloud.event(kind.title(), {}, ResponseURL=sink.url("late"), PhysicalResourceId="the-arn")
    work = threading.Thread(target=index.handler, args=(event, Context(seconds=4)))
    work.start()
    while not sink.received:
        assert work.is_alive()
    hanging.set()
    work.join()
    (answer,) = sink.answers("late")
    assert (answer["Status"], answer["PhysicalResourceId"], answer["Data"]) == (
        "SUCCESS",
        "the-arn",
        {"Arn": "the-arn"},
    )


def test_a_timer_of_one_invocation_never_answers_for_the_next(cloud: Cloud, sink: ResponseSink) -> None:
    """It is cancelled with the answer; one that rings all the same finds its own turn taken."""
    rings: list[Any] = []
    for name in ("first", "second"):
        index.handler(cloud.event("Delete", {}, PhysicalResourceId=name, ResponseURL=sink.url(name)), Context())
        assert index.helper._timer is not None  # noqa: SLF001
        assert index.helper._timer.finished.is_set()  # noqa: SLF001
        rings.append(index.helper._timer)  # noqa: SLF001
    rings[0].function(*rings[0].args)
    assert [len(sink.answers(name)) for name in ("first", "second")] == [1, 1]


def test_no_time_left_fails_before_anything_is_sent(cloud: Cloud, sink: ResponseSink) -> None:
    """An invocation that begins late must not begin what it can't end."""
    cloud.prepare()
    answer = invoke(cloud, sink, "Create", properties(), Context(seconds=29))
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("OutOfTime")
    assert cloud.operations() == []


def test_a_defect_of_ours_is_answered_with_its_place_and_nothing_else(
    cloud: Cloud, sink: ResponseSink, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An unforeseen exception may hold the input in its text."""
    monkeypatch.setattr("partner_account_handler.existing.choose", lambda wanted, *_: {}[wanted.legal_name])
    answer = invoke(cloud, sink, "Create", properties(LegalName="Canary Corp"))
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("Defect: KeyError at test_answers.py:")
    told = "".join(capfd.readouterr())
    assert '"reason": "Defect"' in told
    assert "Canary" not in json.dumps(answer) + told


def test_crhelper_makes_no_clients_and_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_log_holds_outcomes_and_no_secret_at_any_level(
    cloud: Cloud, sink: ResponseSink, capfd: pytest.CaptureFixture[str]
) -> None:
    """Even with botocore, urllib3 and crhelper at DEBUG, as an environment may switch them: none of them is heard."""
    code = cloud.prepare()
    capfd.readouterr()
    seen, root = Everything(), logging.getLogger()
    root.addHandler(seen)
    try:
        for name in ("", "botocore", "urllib3", "crhelper", "partner_account_handler"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        sink.statuses[:] = [503]
        event = cloud.event("Create", properties(LegalName="Canary Corp"), ResponseURL=sink.url("log"))
        index.handler(event, Context())
    finally:
        root.removeHandler(seen)
    log, aside = capfd.readouterr()
    assert [line["message"] for line in lines_of(log)] == ["partner created", "Created"]
    assert (seen.lines, aside) == ([], "")
    for secret in (code, "Canary", "presigned-canary", *contact().values()):
        assert secret not in without_times(log)


def test_no_record_of_logging_is_written_where_nobody_has_set_it_up(
    cloud: Cloud, sink: ResponseSink, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python then writes warnings to stderr, and urllib3 warns with the URL; MiniStack runs functions so."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging, "lastResort", logging._StderrHandler(logging.DEBUG))  # type: ignore[attr-defined]  # noqa: SLF001
    capfd.readouterr()
    sink.statuses[:] = [503]
    index.handler(cloud.event("Delete", {}, PhysicalResourceId="x", ResponseURL=sink.url("quiet")), Context())
    log, aside = capfd.readouterr()
    assert [line["message"] for line in lines_of(log)] == ["Retained"]
    assert aside == ""
