"""The simulator as a process of its own: its command line, its state file, and the AWS CLI against it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from partner_central_simulator import Simulator, StateFileError
from tests.simulator.test_profiles import PROFILE
from tests.simulator.test_simulator import ACCOUNT, CONTACT, EMAIL, client_of, new_code, partner_request, refusal

VARIABLE = "PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN"
SESSION_TOKEN = "as-told-by-the-environment"
STRANGERS = ("", "made-up", SESSION_TOKEN[:-1])


@contextmanager
def process(*options: str, session_token: str = SESSION_TOKEN) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m partner_central_simulator`, and the address that its first line tells."""
    command = [sys.executable, "-m", "partner_central_simulator", *options]
    environment = {**os.environ, VARIABLE: session_token}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as running:
        assert running.stdout
        line = running.stdout.readline()
        address = re.search(r"listening on (http://127\.0\.0\.1:\d+)$", line)
        try:
            assert address, line + running.stdout.read()
            yield running, address[1]
        finally:
            running.kill()


def boto3_client(url: str, session_token: str = SESSION_TOKEN) -> Any:
    """A client of a simulator in another process."""
    return boto3.client(
        "partnercentral-account",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="secret",
        aws_session_token=session_token or None,
    )


def own_endpoint(url: str, what: str, session_token: str = SESSION_TOKEN, method: str = "GET") -> Any:
    """What the simulator's own endpoints answer to whoever has this session token."""
    return urllib3.request(method, f"{url}/_simulator/{what}", headers={"X-Amz-Security-Token": session_token})


class TestCommand:
    """`python -m partner_central_simulator`."""

    @pytest.mark.parametrize("port", ["99999", "-1", "http"])
    def test_no_port(self, port: str) -> None:
        """A number that is no port is refused in a sentence."""
        command = [sys.executable, "-m", "partner_central_simulator", f"--port={port}"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert f"'{port}' is no port: name one from 1 to 65535" in ended.stderr
        assert "Traceback" not in ended.stderr

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_life(self, number: signal.Signals) -> None:
        """It tells how to point clients at it, logs e-mails and requests, and ends cleanly when interrupted."""
        with process("--verified") as (running, url):
            client = boto3_client(url)
            client.send_email_verification_code(Catalog="AWS", Email=EMAIL)
            code = own_endpoint(url, "outbox").json()["outbox"][0]["code"]
            client.create_partner(**partner_request(Catalog="AWS", EmailVerificationCode=code))
            running.send_signal(number)
            assert running.wait(timeout=10) == 0
            assert running.stdout
            output = running.stdout.read()
        assert f"AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT={url}" in output
        lines = [line.partition(" ")[2].partition(" ")[2] for line in output.splitlines() if line.startswith("20")]
        assert lines == [
            f"e-mail to {EMAIL} (account {ACCOUNT}): your verification code is {code}",
            f"#1 {ACCOUNT} SendEmailVerificationCode 200",
            f"#2 {ACCOUNT} CreatePartner 200",
        ]

    def test_unverified(self) -> None:
        """Without --verified, accounts are not verified."""
        with process() as (_, url), pytest.raises(ClientError, match="ResourceNotFoundException"):
            boto3_client(url).get_verification(VerificationType="BUSINESS_VERIFICATION")

    @pytest.mark.parametrize("session_token", STRANGERS)
    def test_strangers(self, session_token: str) -> None:
        """Whoever hasn't its session token sees no code, orders no fault, calls no operation, and isn't noted."""
        with process("--verified") as (_, url):
            boto3_client(url).send_email_verification_code(Catalog="AWS", Email=EMAIL)
            asked = [
                ("GET", "outbox"),
                ("GET", "requests"),
                ("POST", "faults"),
                ("DELETE", "faults"),
                ("GET", "health"),
            ]
            assert {own_endpoint(url, what, session_token, method).status for method, what in asked} == {403}
            with pytest.raises(ClientError, match="UnrecognizedClientException"):
                boto3_client(url, session_token).send_email_verification_code(Catalog="AWS", Email=EMAIL)
            assert len(own_endpoint(url, "requests").json()["requests"]) == 1

    def test_completion_url(self) -> None:
        """The link on which a verification is completed holds its own secret, and is followed without a token."""
        with process() as (_, url):
            client = boto3_client(url)
            started = client.start_verification(VerificationDetails={"RegistrantVerificationDetails": {}})
            (details,) = started["VerificationResponseDetails"].values()
            assert urllib3.request("GET", details["CompletionUrl"]).status == 200
            status = client.get_verification(VerificationType="REGISTRANT_VERIFICATION")["VerificationStatus"]
        assert status == "SUCCEEDED"

    def test_its_own_session_token(self) -> None:
        """Told none, it makes a new one each time, and tells it with the address of the outbox."""
        told = []
        for _ in range(2):
            with process("--verified", session_token="") as (running, url):
                assert running.stdout
                lines = iter(running.stdout.readline, "E")
                outbox = next(found for line in lines if (found := re.search(r"http\S+/_simulator/outbox\S+", line)))
                token = outbox[0].rpartition("=")[2]
                boto3_client(url, token).send_email_verification_code(Catalog="AWS", Email=EMAIL)
                assert urllib3.request("GET", outbox[0]).json()["outbox"][0]["email"] == EMAIL
                told.append(token)
        assert len(set(told)) == 2
        assert min(map(len, told)) >= 43

    def test_any_credentials(self) -> None:
        """If asked for, anybody calls the service, as a function in a container does; nobody else sees the codes."""
        with process("--any-credentials") as (_, url):
            boto3_client(url, "").send_email_verification_code(Catalog="AWS", Email=EMAIL)
            assert own_endpoint(url, "outbox", "").status == 403
            assert len(own_endpoint(url, "outbox").json()["outbox"]) == 1

    def test_port_taken(self) -> None:
        """A taken port is told in one line, with exit status 1."""
        with Simulator() as other:
            port = other.url.rpartition(":")[2]
            command = [sys.executable, "-m", "partner_central_simulator", "--port", port]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        assert ended.stderr.startswith("the simulator cannot run: ")
        assert len(ended.stderr.splitlines()) == 1

    def test_killed(self, tmp_path: Path) -> None:
        """A process that is killed as soon as it has answered has lost nothing when it starts again."""
        file = str(tmp_path / "state.json")
        with process("--state-file", file) as (running, url):
            made = boto3_client(url).create_partner(**partner_request(ClientToken="once"))
            running.kill()
        with process("--state-file", file) as (_, url):
            again = boto3_client(url).create_partner(**partner_request(ClientToken="once"))
        assert again["Arn"] == made["Arn"]

    def test_log_in_a_terminal_that_is_not_utf8(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the terminal can't show is escaped: nothing is lost, and no traceback told."""
        monkeypatch.setenv("PYTHONIOENCODING", "ascii")
        with process("--verified") as (running, url):
            headers = {"X-Amz-Target": "PartnerCentralAccount.Zo\xeb", "X-Amz-Security-Token": SESSION_TOKEN}
            urllib3.request("POST", url, headers=headers, body=b"{}")
            running.send_signal(signal.SIGTERM)
            assert running.stdout
            told = running.stdout.read()
        assert r"Zo\xeb" in told
        assert "Traceback" not in told


class TestStateFile:
    """`state_file`."""

    def test_everything(self, tmp_path: Path) -> None:
        """Partners, contact, tags, profile, tasks, codes, verifications and tokens outlive a restart."""
        file, which = tmp_path / "state.json", {"Catalog": "AWS"}
        with Simulator(state_file=file, verified=True) as simulator:
            client = client_of(simulator)
            code = new_code(simulator, client)
            tags = [{"Key": "\ud83d", "Value": "lone surrogate"}]
            which["Identifier"] = client.create_partner(
                **partner_request(Catalog="AWS", EmailVerificationCode=code, Tags=tags, LegalName="Ünï")
            )["Id"]
            client.start_profile_update_task(**which, TaskDetails=PROFILE)
            client.get_profile_update_task(**which)
            new_code(simulator, client)
            before = self._everything(simulator, which)
        with Simulator(state_file=file) as simulator:
            assert self._everything(simulator, which) == before

    @staticmethod
    def _everything(simulator: Simulator, which: dict[str, str]) -> list[Any]:
        client = client_of(simulator)
        calls: list[Callable[..., dict[str, Any]]] = [
            client.get_partner,
            client.get_alliance_lead_contact,
            client.get_profile_visibility,
            client.get_profile_update_task,
        ]
        answers = [call(**which) for call in calls]
        answers.append(client.get_verification(VerificationType="BUSINESS_VERIFICATION"))
        answers.append(client.list_tags_for_resource(ResourceArn=answers[0]["Arn"]))
        for answer in answers:
            del answer["ResponseMetadata"]
        details = answers[4]["VerificationResponseDetails"]["BusinessVerificationResponse"]
        assert "CompletionUrl" not in details
        return [*answers, simulator.outbox]

    def test_written_before_the_answer(self, tmp_path: Path) -> None:
        """If the file cannot be written, creation is no success; later the same token finds the partner."""
        folder = tmp_path / "folder"
        folder.mkdir()
        with Simulator(state_file=folder / "state.json") as simulator:
            client = client_of(simulator)
            moved = folder.rename(tmp_path / "elsewhere")
            response = refusal(client.create_partner, **partner_request(ClientToken="once"))
            assert response["Error"]["Code"] == "InternalServerException"
            moved.rename(folder)
            made = client.create_partner(**partner_request(ClientToken="once"))
            assert made["Id"] in (folder / "state.json").read_text()
            assert len(simulator.account(ACCOUNT).partners) == 1

    def test_private_and_alone(self, tmp_path: Path) -> None:
        """The file, which holds codes, is readable by its owner only, and no other file is left beside it."""
        with Simulator(state_file=tmp_path / "state.json") as simulator:
            client_of(simulator).create_partner(**partner_request())
        assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
        assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", '{"accounts": 1}', '{"colour": "red"}', '{"accounts": {"1": {}}}']
    )
    def test_other_content(self, tmp_path: Path, content: str) -> None:
        """A file that holds something else is left alone, and the error names it."""
        file = tmp_path / "state.json"
        file.write_text(content)
        with pytest.raises(StateFileError, match=re.escape(str(file))):
            Simulator(state_file=file)
        assert file.read_text() == content

    def test_no_folder(self, tmp_path: Path) -> None:
        """It is told at the start, and not when the first partner would be lost."""
        with pytest.raises(StateFileError, match="there is no folder .*/nowhere: create it"):
            Simulator(state_file=tmp_path / "nowhere" / "state.json")


class TestAwsCli:
    """PyPI's `awscli`, unmodified."""

    def test_story(self) -> None:
        """Verification, code, creation, list and reading work by the AWS CLI's own commands."""
        with Simulator() as simulator:
            aws = _AwsCli(simulator.url)
            business = {"LegalName": "Example Corp", "RegistrationId": "1", "CountryCode": "DE"}
            aws("start-verification", verification_details=json.dumps({"BusinessVerificationDetails": business}))
            details: dict[str, Any] = {"RegistrantVerificationDetails": {}}
            started = aws("start-verification", verification_details=json.dumps(details))
            response = started["VerificationResponseDetails"]["RegistrantVerificationResponse"]
            assert urllib3.request("GET", response["CompletionUrl"]).status == 200
            simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "SUCCEEDED")
            aws("send-email-verification-code", catalog="AWS", email=EMAIL)
            made = aws(
                "create-partner",
                catalog="AWS",
                legal_name="Example Corp",
                primary_solution_type="SOFTWARE_PRODUCTS",
                alliance_lead_contact=json.dumps(CONTACT),
                email_verification_code=simulator.outbox[-1].code,
                tags="Key=team,Value=alliances",
            )
            (listed,) = aws("list-partners", catalog="AWS")["PartnerSummaryList"]
            seen = aws("get-partner", catalog="AWS", identifier=made["Arn"])
            assert listed["Arn"] == seen["Arn"] == made["Arn"]
            assert f":{ACCOUNT}:" in made["Arn"]


class _AwsCli:
    """`aws partnercentral-account ...`, with nothing but the environment that the simulator tells."""

    def __init__(self, url: str) -> None:
        self._environment = {
            **os.environ,
            "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    def __call__(self, operation: str, **options: str) -> Any:
        arguments = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        command = [sys.executable, "-m", "awscli", "partnercentral-account", operation, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout or "{}")
