"""The asset that is deployed, in the places it runs: as Lambda loads it, on each Python, with an older boto3."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from partner_account import service_model
from partner_account_handler.service import API_VERSION, SERVICE
from partner_central_simulator import models
from tests.handler.cloud import ACCOUNT, Cloud, contact, properties
from tests.handler.lambda_runtime import LambdaRuntime, variables
from tests.handler.log_lines import final_lines_of, without_times
from tests.handler.network import Proxy
from tests.handler.response_sink import ResponseSink

ROOT = Path(__file__).parents[2]
OLD_BOTO3 = ROOT / ".venv" / "boto3-1.34"
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]

INVOKE = """
import json, sys
from partner_account_handler.index import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 180_000

for event in json.load(sys.stdin):
    handler(event, Context())
import boto3
print(boto3.__version__, boto3.__file__)
"""


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[ResponseSink]:
    """Where the answers go."""
    with ResponseSink(tmp_path) as sink:
        yield sink


def events(cloud: Cloud, sink: ResponseSink) -> list[dict[str, Any]]:
    """A Create, and its redelivery."""
    create = cloud.event("Create", properties(), ResponseURL=sink.url("create"))
    return [create, {**create, "ResponseURL": sink.url("again")}]


def test_running_python_is_among_the_tested_versions() -> None:
    """Else the tests below would pass by trying none."""
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in installed_pythons()


def test_lambdas_runtime_loads_and_runs_the_asset(cloud: Cloud, sink: ResponseSink, asset: Path) -> None:
    """Cold and warm: create, the same again, update, delete, each answered once, and a log without secrets."""
    code = cloud.prepare()
    with LambdaRuntime(asset, {**variables(cloud, sink), "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}) as function:
        for event in events(cloud, sink):
            assert function.invoke(event) == ("response", None)
        (made,) = sink.answers("create")
        assert (made["Status"], made["Reason"]) == ("SUCCESS", "")
        assert sink.answers("again") == [made]

        cloud.set_status("UPDATE_IN_PROGRESS")
        arn, changed = made["PhysicalResourceId"], properties(AllianceLeadContact=contact(LastName="Roe"))
        later = {"PhysicalResourceId": arn, "ResponseURL": sink.url("later")}
        function.invoke(cloud.event("Update", changed, properties(), **later))
        function.invoke(cloud.event("Delete", changed, **later))
        assert [answer["Status"] for answer in sink.answers("later")] == ["SUCCESS", "SUCCESS"]
        assert function.invoke({"foreign": True}) == ("response", None)
    assert cloud.simulator.account(ACCOUNT).partners[0].contact["LastName"] == "Roe"
    assert len(sink.received) == 4
    outcomes = [line["outcome"] for line in final_lines_of(function.output)]
    assert outcomes == ["Created", "Recovered", "Updated", "Retained"]
    for secret in (code, "presigned-canary", "Example Corp", *contact().values()):
        assert secret not in without_times(function.output)


S3 = "cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.test"


def test_a_function_behind_a_proxy_creates_and_answers(cloud: Cloud, tmp_path: Path, asset: Path) -> None:
    """In a network that inspects TLS: S3's name and certificate are known to the proxy and in AWS_CA_BUNDLE only."""
    cloud.prepare()
    with ResponseSink(tmp_path, S3) as sink, Proxy("user:pass word") as proxy:
        network = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "example.com"}
        with LambdaRuntime(asset, {**variables(cloud, sink), **network}) as function:
            for event in events(cloud, sink):
                assert function.invoke(event) == ("response", None)
        (made,) = sink.answers("create")
        assert (made["Status"], made["Reason"]) == ("SUCCESS", "")
        assert sink.answers("again") == [made]
        assert proxy.connected == [f"{S3}:{sink.port}"] * 2
    assert [line["outcome"] for line in final_lines_of(function.output)] == ["Created", "Recovered"]
    for secret in ("presigned-canary", "pass", S3):
        assert secret not in function.output


@cache
def installed_pythons() -> dict[str, Path]:
    """Those of Lambda's Pythons that this machine has, by version: on the PATH, or of pyenv."""
    return {version: python for version in PYTHONS for python in _places(version) if _is_python(python, version)}


def _places(version: str) -> list[Path]:
    on_path = [Path(folder, f"python{version}") for folder in os.get_exec_path()]
    return [*on_path, *Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")]


def _is_python(python: Path, version: str) -> bool:
    if not python.exists():
        return False
    told = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
    return told.stdout.startswith(f"Python {version}.")


def boto3_of_this_environment(folder: Path) -> Path:
    """boto3 and what it needs, apart from everything else that is installed here: all of it is pure Python."""
    import boto3  # noqa: PLC0415

    site = Path(boto3.__file__).parent.parent
    folder.mkdir()
    for name in ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3"):
        (folder / name).symlink_to(site / name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
def test_the_asset_runs_on_each_python_with_this_boto3(
    cloud: Cloud, sink: ResponseSink, asset: Path, tmp_path: Path, version: str
) -> None:
    """Lambda's runtimes are of many versions; the asset has no other dependency than boto3."""
    cloud.prepare()
    run_with(version, boto3_of_this_environment(tmp_path / "boto3"), cloud, sink, asset)


@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
def test_asset_adds_the_service_to_a_boto3_without_it(
    cloud: Cloud, sink: ResponseSink, asset: Path, version: str
) -> None:
    """boto3 1.34 is older than the service by a year and a half; it comes with urllib3 1.26, as in older runtimes."""
    assert [path.name for path in OLD_BOTO3.glob("urllib3-*")] == ["urllib3-1.26.20.dist-info"]
    assert not (OLD_BOTO3 / "botocore" / "data" / "partnercentral-account").exists()
    cloud.prepare()
    assert run_with(version, OLD_BOTO3, cloud, sink, asset).startswith("1.34.")


def run_with(version: str, boto3: Path, cloud: Cloud, sink: ResponseSink, asset: Path, **more: str) -> str:
    """Delivers a Create twice in a process that sees the asset and that boto3 only; returns the boto3 it used."""
    if version not in installed_pythons():
        pytest.skip(f"this machine has no Python {version}")
    done = subprocess.run(
        [installed_pythons()[version], "-S", "-c", INVOKE],
        input=json.dumps(events(cloud, sink)),
        env={
            **variables(cloud, sink),
            "PYTHONPATH": f"{asset}{os.pathsep}{boto3}",
            "HOME": os.environ.get("HOME", "/"),
            **more,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made,) = sink.answers("create")
    assert made["Status"] == "SUCCESS", made["Reason"]
    assert sink.answers("again") == [made]
    log, last = done.stdout.strip().rsplit("\n", 1)
    assert [line["outcome"] for line in final_lines_of(log)] == ["Created", "Recovered"]
    used, place = last.split(maxsplit=1)
    assert place.startswith(str(boto3))
    return used


def later_model(data: Path) -> None:
    """Puts another model of the service, of a later date, into a data folder of botocore's."""
    model = json.dumps(service_model.service_model())
    for old, new in (("CreatePartner", "MakePartner"), ("LegalName", "Name")):
        assert old in model
        model = model.replace(old, new)
    later = data / SERVICE / "2099-01-01"
    later.mkdir(parents=True)
    (later / "service-2.json").write_text(model.replace(API_VERSION, later.name))
    for name in ("endpoint-rule-set-1.json.gz", "paginators-1.json"):
        (later / name).write_bytes((service_model.model_folder() / name).read_bytes())


def in_home(folder: Path, boto3: Path) -> dict[str, str]:
    """The later model is the user's own, in `~/.aws/models`."""
    del boto3
    later_model(folder / ".aws" / "models")
    return {"HOME": str(folder)}


def in_data_path(folder: Path, boto3: Path) -> dict[str, str]:
    """The later model lies where `AWS_DATA_PATH` leads."""
    del boto3
    later_model(folder / "data")
    return {"AWS_DATA_PATH": str(folder / "data")}


def in_botocore(folder: Path, boto3: Path) -> dict[str, str]:
    """The later model is that of the runtime's own botocore, beside today's."""
    del folder
    installed = (boto3 / "botocore").readlink()
    (boto3 / "botocore").unlink()
    shutil.copytree(installed, boto3 / "botocore", ignore=shutil.ignore_patterns("data", "__pycache__"))
    data = boto3 / "botocore" / "data"
    data.mkdir()
    for entry in (installed / "data").iterdir():
        if entry.name != SERVICE:
            (data / entry.name).symlink_to(entry)
    shutil.copytree(installed / "data" / SERVICE, data / SERVICE)
    later_model(data)
    return {}


@pytest.mark.parametrize("put", [in_home, in_data_path, in_botocore], ids=lambda put: str(put.__name__))
def test_a_later_api_version_beside_the_bundled_model_changes_nothing(
    cloud: Cloud, sink: ResponseSink, asset: Path, tmp_path: Path, put: Callable[[Path, Path], dict[str, str]]
) -> None:
    """botocore takes the latest version that it finds anywhere; the handler names the one that it was written for."""
    cloud.prepare()
    boto3 = boto3_of_this_environment(tmp_path / "boto3")
    more = put(tmp_path / "later", boto3)
    run_with(f"{sys.version_info.major}.{sys.version_info.minor}", boto3, cloud, sink, asset, **more)


def test_simulator_speaks_the_api_version_that_construct_handler_and_commands_are_written_for() -> None:
    """It shares no code with them."""
    assert (models.SERVICE, models.API_VERSION) == (SERVICE, API_VERSION)
