"""Fixtures of the handler's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handler.cloud import Cloud, Deployed
from tests.handler.response_sink import ResponseSink


@pytest.fixture
def deployed(cloud: Cloud) -> Deployed:
    """A partner in catalog AWS, whose stack is being updated."""
    return Deployed(cloud)


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponseSink]:
    """Where the answers go; this process trusts it."""
    with ResponseSink(tmp_path) as sink:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(sink.ca_file))
        yield sink
