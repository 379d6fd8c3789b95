"""Fixtures of the handler's tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from partner_account.asset import assembled_asset
from partner_account_handler import calls, index
from tests.handler.cloud import Cloud, Deployed, LambdaContext
from tests.handler.cloudformation import Bucket, DeployedFunction, Function
from tests.handler.log_lines import final_lines_of
from tests.handler.response_sink import ResponseSink


@pytest.fixture(autouse=True)
def logs_of_libraries_return() -> Iterator[None]:
    """Restores for the next test the log records that the function suppresses."""
    yield
    for handler in (*logging.getLogger().handlers, logging.lastResort):
        if handler is not None:
            handler.filters.clear()


@pytest.fixture
def deployed(cloud: Cloud) -> Deployed:
    """A partner in catalog AWS, whose stack is being updated."""
    return Deployed(cloud)


@pytest.fixture
def partner(cloud: Cloud) -> Any:
    """A partner that a person has created, whose profile tasks succeed at once."""
    cloud.account.plan_profile_tasks(reads=0)
    return cloud.add_partner()


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponseSink]:
    """Where the answers go; this process trusts it."""
    with ResponseSink(tmp_path) as sink:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(sink.ca_file))
        yield sink


@dataclass
class LocalFunction:
    """The function as Lambda invokes it, in this process: each request has one answer and one line that ends it."""

    cloud: Cloud
    sink: ResponseSink
    capsys: pytest.CaptureFixture[str]
    arn: str = ""
    line: dict[str, Any] | None = None
    log: str = ""

    def create(self, wanted: Any, context: LambdaContext | None = None, **changes: Any) -> Any:
        """Delivers a Create, and returns its answer."""
        return self.deliver("Create", wanted, context, **changes)

    def update(self, before: Any, wanted: Any, status: str = "UPDATE_IN_PROGRESS", **changes: Any) -> Any:
        """Delivers an Update of the partner that was answered last."""
        self.cloud.set_status(status)
        changes = {"PhysicalResourceId": self.arn, "OldResourceProperties": before, **changes}
        return self.deliver("Update", wanted, **changes)

    def delete(self, physical_id: str = "x", wanted: Any = None, **changes: Any) -> Any:
        """Delivers a Delete."""
        return self.deliver("Delete", wanted or {}, PhysicalResourceId=physical_id, **changes)

    def deliver(
        self, kind: str, wanted: Any, context: LambdaContext | None = None, *, tries: int = 1, **changes: Any
    ) -> Any:
        """Delivers a request, and returns its answer: one, or the same each time it was sent."""
        name = f"answer-{len(self.sink.received)}"
        event = self.cloud.event(kind, wanted, ResponseURL=self.sink.url(name), **changes)
        self.capsys.readouterr()
        index.handler(event, context or LambdaContext())
        self.log = self.capsys.readouterr().out
        (self.line,) = final_lines_of(self.log)
        assert (self.line["operation"], self.line["request"]) == (kind, event["RequestId"])
        assert (self.line["StackName"], self.line["LogicalResourceId"]) == ("Root", "Partner")
        answers = self.sink.answers(name)
        assert answers == answers[:1] * tries
        for member in ("StackId", "RequestId", "LogicalResourceId"):
            assert answers[0][member] == event[member]
        self.arn = answers[0]["PhysicalResourceId"]
        return answers[0]

    def told(self, *fields: str) -> tuple[Any, ...]:
        """Fields of the line that ended the last request; None for one that it lacks."""
        return tuple((self.line or {}).get(field) for field in fields)


@pytest.fixture
def function(cloud: Cloud, sink: ResponseSink, capsys: pytest.CaptureFixture[str]) -> LocalFunction:
    """One stack that is being created; the code of its contact is stored."""
    cloud.prepare()
    return LocalFunction(cloud, sink, capsys)


@pytest.fixture(scope="session")
def asset() -> Iterator[Path]:
    """The built asset."""
    with assembled_asset() as folder:
        yield folder


@pytest.fixture(scope="session")
def open_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """One server for all tests: stopping it takes half a second."""
    with Bucket(tmp_path_factory.mktemp("bucket")) as bucket:
        yield bucket


@pytest.fixture
def bucket(open_bucket: Bucket) -> Iterator[Bucket]:
    """Where the answers go, each delivery's once."""
    open_bucket.empty()
    yield open_bucket
    open_bucket.require_one_answer_each()


@pytest.fixture
def world(cloud: Cloud, bucket: Bucket, asset: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedFunction]:
    """The function in this process, whose pauses take no time; the code of the contact is stored."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bucket.ca_file))
    monkeypatch.setattr(calls, "CALL_CONFIG", calls.CALL_CONFIG.merge(Config(read_timeout=7)))
    made = DeployedFunction(cloud, bucket, asset, Function(lambda: made.start_here(), warm=True))  # noqa: PLW0108 - it needs itself
    cloud.prepare()
    with made.function:
        yield made
    made.require_one_final_line_each()
