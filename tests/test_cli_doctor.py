"""`partner-account doctor`: what each check says, and that none of them changes anything."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from typing import Any

import pytest

from tests.cli_stage import ACCOUNT, Stage, open_stage
from tests.test_simulator import ManualClock


def verdicts(stage: Stage, *options: str) -> dict[str, str]:
    """How each check ended."""
    done = stage.run("doctor", *options, "--output", "json")
    found = {one["Check"]: one["Status"] for one in done.document["Checks"]}
    assert done.status == (1 if "failed" in found.values() else 0)
    return found


def test_newcomer(newcomer: Stage) -> None:
    """What is missing has failed, in order, each with its remedy; nothing is created or changed."""
    done = newcomer.run("doctor", "--secret-id", "code")
    assert done.status == 1
    lines = done.stdout.splitlines()
    checks = [line.split()[0] + line[7:].partition(":")[0] for line in lines if not line.startswith(" ")]
    assert checks == [
        "passed  credentials",
        "passed  endpoint",
        "passed  permissions to read",
        "unknown  permissions to act",
        "failed  business verification",
        "failed  registrant verification",
        "unknown  account plan",
        "passed  existing partner",
        "failed  verification code",
    ]
    for line, after in pairwise(lines):
        assert not line.startswith("failed") or after.startswith(" ")
    assert "partner-account store-code --secret-id code --create" in done.stdout
    assert all(operation.startswith(("Get", "List")) for operation in newcomer.operations())
    assert newcomer.client("secretsmanager").list_secrets()["SecretList"] == []


def test_ready(stage: Stage) -> None:
    """A verified account with a stored code has nothing that failed; the code isn't shown."""
    stage.client("secretsmanager").create_secret(Name="code", SecretString="314159")
    done = stage.run("doctor", "--secret-id", "code")
    assert done.status == 0
    assert "failed" not in done.stdout
    assert "the secret code holds six digits, stored just now" in done.stdout
    assert "314159" not in done.told


def test_code_of_another_kind(stage: Stage) -> None:
    """What is no code is not shown either."""
    stage.client("ssm").put_parameter(Name="/code", Value="swordfish", Type="SecureString")
    done = stage.run("doctor", "--parameter", "/code", "--debug")
    assert done.status == 1
    assert "what the parameter /code holds is not six digits" in done.stdout
    assert "swordfish" not in done.told


@pytest.mark.parametrize("days", [0, 2])
def test_pending(moto_url: str, days: int) -> None:
    """A verification that waits for a human has its URL, and no longer when that has expired."""
    with open_stage(moto_url, verified=False, clock=ManualClock(datetime.now(UTC) - timedelta(days=days))) as stage:
        stage.run("verification", "start", "registrant")
        checks = stage.run("doctor", "--output", "json").document["Checks"]
        (registrant,) = (one for one in checks if one["Check"] == "registrant verification")
        assert registrant["Status"] == "failed"
        assert ("CompletionUrl" in registrant) == (days == 0)
        assert ("start registrant" in registrant["Remedy"]) == (days > 0)
        assert ("has expired" in stage.run("verification", "status").stdout) == (days > 0)


def test_existing_partner(stage: Stage) -> None:
    """One of a stack is found by its deployment; one that isn't stands in its way."""
    stage.create_partner()
    assert verdicts(stage)["existing partner"] == "failed"
    (partner,) = stage.simulator.account(ACCOUNT).partners
    stage.simulator.account(ACCOUNT).tag_partner(partner.id, {"cdk-partner-account:owner": "x"})
    assert verdicts(stage)["existing partner"] == "passed"


def test_sandbox(newcomer: Stage) -> None:
    """Nothing is certain there, and nothing has failed."""
    newcomer.create_partner("Sandbox")
    found = verdicts(newcomer, "--catalog", "Sandbox")
    assert found["business verification"] == "unknown"
    assert found["existing partner"] == "unknown"
    assert found["verification code"] == "passed"


def test_denied(stage: Stage) -> None:
    """Each permission to read that is missing is named; what depends on it is unknown."""
    stage.simulator.faults.add("*", "access-denied", times=None)
    done = stage.run("doctor", "--output", "json")
    found = {one["Check"]: one for one in done.document["Checks"]}
    assert found["endpoint"]["Status"] == "passed"
    assert found["permissions to read"]["Status"] == "failed"
    assert "partnercentral:ListPartners, partnercentral:GetVerification" in found["permissions to read"]["Remedy"]
    assert {found[name]["Status"] for name in ("business verification", "existing partner")} == {"unknown"}
    assert done.status == 1


def test_no_credentials(stage: Stage) -> None:
    """The rest is unknown."""
    done = stage.run("doctor", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.status == 1
    assert done.stdout.startswith("failed   credentials: Unable to locate credentials\n         Log in")
    assert done.stdout.count("unknown") == 8


def test_no_network(stage: Stage) -> None:
    """Credentials that nobody can be asked about are not called missing: the endpoint is what has failed."""
    nowhere = "http://127.0.0.1:9"
    done = stage.run("doctor", AWS_ENDPOINT_URL=nowhere, AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT=nowhere)
    assert done.status == 1
    assert done.stdout.startswith("unknown  credentials: Could not connect to the endpoint URL")
    assert done.stdout.count("failed ") == 1
    assert "without credentials" not in done.stdout


def test_a_narrow_terminal(stage: Stage) -> None:
    """A sentence goes on beside its verdict, between words."""
    with stage.terminal("doctor", COLUMNS="60", NO_COLOR="1") as terminal:
        assert terminal.ended() == 0
    assert "only doing it would tell of\r\n         CreatePartner, PutAllianceLeadContact,\r\n" in terminal.shown


def test_no_endpoint(stage: Stage) -> None:
    """What needs Partner Central is unknown if it is out of reach."""
    found = verdicts(stage, "--endpoint-url", "http://127.0.0.1:9")
    assert found["credentials"] == "passed"
    assert found["endpoint"] == "failed"
    assert set(list(found.values())[2:]) == {"unknown"}


@contextmanager
def free_tier(**plan: str) -> Iterator[str]:
    """What answers GetAccountPlanState, as AWS's model has it: no local AWS knows this service."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["X-Amz-Target"] == "AWSFreeTierService.GetAccountPlanState"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"accountId": ACCOUNT, **plan}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("plan", "verdict"), [("PAID", "passed"), ("FREE", "failed")])
def test_account_plan(stage: Stage, plan: str, verdict: str) -> None:
    """A free plan is told before Partner Central refuses it."""
    with free_tier(accountPlanType=plan, accountPlanStatus="ACTIVE") as url:
        stage.environment["AWS_ENDPOINT_URL_FREETIER"] = url
        assert verdicts(stage)["account plan"] == verdict
