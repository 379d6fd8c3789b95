"""The simulator in a process of its own, by `partner-account simulator start`, and the AWS CLI as its client."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from partner_central_simulator import Simulator
from tests.simulator.calls import ACCOUNT, CONTACT, EMAIL, client_of, partner_request, refusal

START = [sys.executable, "-m", "partner_account_cli", "simulator", "start"]
VARIABLE = "PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN"
SESSION_TOKEN = "as-told-by-the-environment"


@contextmanager
def process(*options: str, session_token: str = SESSION_TOKEN) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`partner-account simulator start`, and the address in its first line."""
    environment = {**os.environ, VARIABLE: session_token}
    with subprocess.Popen(
        [*START, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as running:
        assert running.stdout
        line = running.stdout.readline()
        address = re.search(r"listening on (http://127\.0\.0\.1:\d+)$", line)
        try:
            assert address, line + running.stdout.read()
            yield running, address[1]
        finally:
            running.kill()


def own_endpoint(url: str, what: str, session_token: str = SESSION_TOKEN, method: str = "GET") -> Any:
    """What the simulator's own endpoints answer to whoever has this session token."""
    return urllib3.request(method, f"{url}/_simulator/{what}", headers={"X-Amz-Security-Token": session_token})


def test_process_prints_its_settings_logs_emails_and_requests_and_ends_when_interrupted() -> None:
    """With the status of an interruption; tests/cli/test_commands.py asks it to end by SIGTERM."""
    with process("--verified") as (running, url):
        client = client_of(url, session_token=SESSION_TOKEN)
        client.send_email_verification_code(Catalog="AWS", Email=EMAIL)
        code = own_endpoint(url, "outbox").json()["outbox"][0]["code"]
        client.create_partner(**partner_request(Catalog="AWS", EmailVerificationCode=code))
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=10) == 130
        assert running.stdout
        output = running.stdout.read()
    assert f"AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT={url}" in output
    lines = [line.partition(" ")[2].partition(" ")[2] for line in output.splitlines() if line.startswith("20")]
    assert lines == [
        f"e-mail to {EMAIL} (account {ACCOUNT}): your verification code is {code}",
        f"#1 {ACCOUNT} SendEmailVerificationCode 200",
        f"#2 {ACCOUNT} CreatePartner 200",
    ]


def test_log_in_a_terminal_that_is_not_utf8_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost, and no traceback shown."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with process("--verified") as (running, url):
        headers = {"X-Amz-Target": "PartnerCentralAccount.Zo\xeb", "X-Amz-Security-Token": SESSION_TOKEN}
        urllib3.request("POST", url, headers=headers, body=b"{}")
        running.send_signal(signal.SIGTERM)
        assert running.stdout
        told = running.stdout.read()
    assert r"Zo\xeb" in told
    assert "Traceback" not in told


def test_accounts_are_unverified_by_default_and_completion_urls_need_no_session_token() -> None:
    """The link on which a verification is completed holds its own secret, and is followed in a browser."""
    with process() as (_, url):
        client = client_of(url, session_token=SESSION_TOKEN)
        response = refusal(client.get_verification, VerificationType="BUSINESS_VERIFICATION")
        assert response["Reason"] == "VERIFICATION_NOT_FOUND"
        started = client.start_verification(VerificationDetails={"RegistrantVerificationDetails": {}})
        (details,) = started["VerificationResponseDetails"].values()
        assert urllib3.request("GET", details["CompletionUrl"]).status == 200
        status = client.get_verification(VerificationType="REGISTRANT_VERIFICATION")["VerificationStatus"]
    assert status == "SUCCEEDED"


def test_caller_without_the_session_token_has_no_access_and_is_not_recorded() -> None:
    """No code, no request, no fault, no operation; one that only begins with it is that of a role of the rehearsal."""
    with Simulator(session_token=SESSION_TOKEN) as simulator:
        url = simulator.url
        client_of(url, session_token=SESSION_TOKEN).send_email_verification_code(Catalog="AWS", Email=EMAIL)
        asked = [("GET", "outbox"), ("GET", "requests"), ("POST", "faults"), ("DELETE", "faults")]
        for token in ("", "made-up", SESSION_TOKEN[:-1]):
            assert {own_endpoint(url, what, token, method).status for method, what in asked} == {403}
            with pytest.raises(ClientError, match="UnrecognizedClientException"):
                client_of(url, session_token=token).send_email_verification_code(Catalog="AWS", Email=EMAIL)
        assert len(own_endpoint(url, "requests").json()["requests"]) == 1
        assert client_of(url, session_token=f"{SESSION_TOKEN}-of-a-role").list_partners(Catalog="AWS")


def test_process_without_a_session_token_generates_and_prints_one() -> None:
    """With the address of the outbox."""
    told = []
    for _ in range(2):
        with process("--verified", session_token="") as (running, url):
            assert running.stdout
            lines = iter(running.stdout.readline, "E")
            outbox = next(found for line in lines if (found := re.search(r"http\S+/_simulator/outbox\S+", line)))
            token = outbox[0].rpartition("=")[2]
            client_of(url, session_token=token).send_email_verification_code(Catalog="AWS", Email=EMAIL)
            assert urllib3.request("GET", outbox[0]).json()["outbox"][0]["email"] == EMAIL
            told.append(token)
    assert len(set(told)) == 2
    assert min(map(len, told)) >= 43


def test_any_credentials_can_call_the_service_but_not_read_the_codes() -> None:
    """As a function in a container calls it."""
    with process("--any-credentials") as (_, url):
        client_of(url).send_email_verification_code(Catalog="AWS", Email=EMAIL)
        assert own_endpoint(url, "outbox", "").status == 403
        assert len(own_endpoint(url, "outbox").json()["outbox"]) == 1


@pytest.mark.parametrize(
    ("host", "taken", "wrong"),
    [("127.0.0.1", True, "--port"), ("foo.bar.invalid", False, "--host"), ("192.0.2.1", False, "--host")],
)
def test_unusable_listen_address_is_reported_with_the_option_to_change(host: str, wrong: str, *, taken: bool) -> None:
    """A port that is taken, and a host that is not of this machine, where another port wouldn't help."""
    with Simulator() as other:
        port = other.url.rpartition(":")[2] if taken else "0"
        ended = subprocess.run([*START, "--host", host, "--port", port], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: the simulator can't listen on {host}:{port}: ")
    assert ended.stderr.splitlines()[1:] == [f"Use another {wrong}."]


def test_aws_cli_creates_and_reads_a_partner_with_nothing_but_the_environment() -> None:
    """PyPI's `awscli`, unmodified, with the variables that the simulator prints."""
    with Simulator(verified=True) as simulator:
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": simulator.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

        def aws(operation: str, **options: str) -> Any:
            arguments = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
            command = [sys.executable, "-m", "awscli", "partnercentral-account", operation, *arguments]
            ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
            assert ended.returncode == 0, ended.stderr
            return json.loads(ended.stdout or "{}")

        made = aws(
            "create-partner",
            catalog="Sandbox",
            legal_name="Example Corp",
            primary_solution_type="SOFTWARE_PRODUCTS",
            alliance_lead_contact=json.dumps(CONTACT),
            email_verification_code="123456",
        )
        assert aws("get-partner", catalog="Sandbox", identifier=made["Arn"])["Arn"] == made["Arn"]
        assert f":{ACCOUNT}:" in made["Arn"]
