"""Fixtures that more than one test module uses."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from tests.cli.stage import CliStage, open_stage
from tests.handler.cloud import Cloud, open_cloud

# The tests choose their own trust and credentials; those of the machine must not reach them.
for _name in [
    name for name in os.environ if name.startswith("AWS_") or name in {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
]:
    del os.environ[_name]
for _name in ("NO_PROXY", "no_proxy"):  # the servers of the tests are on this machine
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "localhost", "127.0.0.1"]))
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
# aws_cdk's own check of the templates takes each process a second: tests/construct/test_checks.py asks for it.
os.environ["CDK_VALIDATION"] = "false"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


# What the imports leave behind stays until the end: to look for garbage in it would take a twentieth of the time.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage in what comes now."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first, so that no worker is left alone with one in the end."""
    items.sort(key=lambda item: [item.get_closest_marker(mark) is None for mark in ("e2e", "slow")])


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """CloudFormation, Secrets Manager and SSM of one account, over HTTP."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def cloud(moto_url: str) -> Iterator[Cloud]:
    """AWS around one stack that is being created: an account with a verified business and no partner."""
    with open_cloud(moto_url) as cloud:
        yield cloud


@pytest.fixture
def stage(moto_url: str) -> Iterator[CliStage]:
    """A verified account without a partner."""
    with open_stage(moto_url) as stage:
        yield stage


@pytest.fixture
def newcomer(moto_url: str) -> Iterator[CliStage]:
    """An account that has verified nothing yet."""
    with open_stage(moto_url, verified=False) as stage:
        yield stage
