"""The simulated Partner Central in a user's own tests: the fixture, its context manager, and docs/testing.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from partner_central_simulator import simulate_partner_central
from tests.simulator.calls import client_of, partner_request, refusal

ROOT = Path(__file__).parents[2]


pytest_plugins = ["pytester"]


def test_examples_of_the_page_pass_in_a_project_of_their_own(pytester: pytest.Pytester) -> None:
    """Each file unchanged, with the fixture that pytest finds in the installed distribution."""
    page = (ROOT / "docs/testing.md").read_text("utf-8")
    for name, code in re.findall(r"^```python\n# (\S+)\.py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        pytester.makepyfile(**{name: code})
    pytester.syspathinsert()
    pytester.runpytest_inprocess().assert_outcomes(passed=4)


def test_aws_profile_of_the_shell_is_ignored() -> None:
    """Nor that this machine has none of that name."""
    program = "import partner_central_simulator.api as api; print(api._service_model().service_id)"
    environment = {**os.environ, "AWS_PROFILE": "nobody-has-this-one"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("PartnerCentral Account\n", "")


def test_fixture_without_the_extra_names_what_to_install(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The construct alone brings no web server."""
    monkeypatch.setitem(sys.modules, "partner_central_simulator.testing", None)
    pytester.makepyfile("def test_it(partner_central): ...")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*install cdk-partner-account[[]simulator]"])


def test_pytest_loads_nothing_of_the_simulator_for_projects_that_do_not_use_it() -> None:
    """Neither botocore nor the web server, which may not even be installed."""
    program = (
        "import sys, partner_central_simulator.pytest_plugin\n"
        "print([name for name in ('botocore', 'boto3', 'werkzeug') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_only_the_credentials_of_this_run_are_answered() -> None:
    """Neither a client with others, nor one with those of another run."""
    with simulate_partner_central():
        former = os.environ["AWS_SESSION_TOKEN"]
    with simulate_partner_central() as simulator:
        for token in ("", former):
            response = refusal(client_of(simulator, session_token=token).list_partners, Catalog="AWS")
            assert response["Error"]["Code"] == "UnrecognizedClientException"
        assert client_of(simulator, session_token=os.environ["AWS_SESSION_TOKEN"]).list_partners(Catalog="AWS")
        assert len(simulator.requests) == 1


def test_machine_settings_are_ignored_and_restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile, a proxy, an endpoint in its configuration, or a session that has credentials already."""
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\nignore_configured_endpoint_urls = true\n")
    before = {
        "AWS_CONFIG_FILE": str(config),
        "AWS_PROFILE": "that-is-not-there",
        "AWS_ACCESS_KEY_ID": "own",
        "AWS_SECRET_ACCESS_KEY": "own",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "NO_PROXY": "",
        "no_proxy": "",
    }
    own = boto3.Session(aws_access_key_id="own", aws_secret_access_key="own")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", own)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    with simulate_partner_central() as simulator:
        client = boto3.client("partnercentral-account")
        made = client.create_partner(**partner_request())
        assert [partner.arn for partner in simulator.account().partners] == [made["Arn"]]
    assert {name: os.environ[name] for name in before} == before
    assert boto3.DEFAULT_SESSION is own
    with pytest.raises(ClientError, match="UnrecognizedClient"), simulate_partner_central():
        boto3.client("partnercentral-account", aws_access_key_id="own", aws_secret_access_key="own").list_partners(
            Catalog="AWS"
        )


def test_client_created_earlier_is_rejected_and_does_not_call_aws() -> None:
    """It has AWS's address, and the credentials of whoever runs the tests."""
    client = boto3.client(
        "partnercentral-account", region_name="us-east-1", aws_access_key_id="own", aws_secret_access_key="own"
    )
    with simulate_partner_central() as simulator:
        with pytest.raises(RuntimeError, match="create it within the test"):
            client.list_partners(Catalog="AWS")
        assert simulator.requests == []


def test_moto_mocks_other_services_alongside() -> None:
    """Whichever of them comes first."""
    with simulate_partner_central() as simulator, mock_aws():
        assert boto3.client("partnercentral-account").list_partners(Catalog="AWS")["PartnerSummaryList"] == []
        assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
    with mock_aws(), simulate_partner_central() as other:
        assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
        assert boto3.client("partnercentral-account").list_partners(Catalog="AWS")["PartnerSummaryList"] == []
    assert [len(one.requests) for one in (simulator, other)] == [1, 1]
