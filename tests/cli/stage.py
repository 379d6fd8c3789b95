"""A stage for `partner-account` between simulator and moto: in this process, as the installed script, in a terminal."""

from __future__ import annotations

import fcntl
import functools
import inspect
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from unittest import mock

import boto3
import botocore.session
import urllib3
from botocore import loaders
from click.testing import CliRunner

from partner_account_cli.command_line import partner_account
from partner_central_simulator import Simulator
from partner_central_simulator.contract import profile_life

SCRIPT = Path(sys.executable).parent / "partner-account"
ACCOUNT = "123456789012"
REGION = "eu-west-1"
EMAIL = "jane@example.com"
CONTACT = {"FirstName": "Jane", "LastName": "Doe", "Email": EMAIL, "BusinessTitle": "Alliance Lead"}
BUSINESS = ("--legal-name", "Example Corp", "--registration-id", "12-3456789", "--country-code", "US")

# click 8.1 mixes standard output and error unless it is told not to; later versions never do.
_SEPARATE: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


# The command makes one session in its process; the tests make hundreds, which would all read botocore's files again.
botocore.session.create_loader = loaders.create_loader = functools.cache(loaders.create_loader)


@dataclass(frozen=True)
class Ended:
    """How a command has ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.stdout)

    @property
    def plain(self) -> str:
        """The same, without what moves the cursor of a terminal, and without what a spinner shows."""
        return re.sub(r"\r?\x1b\[[0-9;?]*[A-Za-z]", "", re.sub(r"[⠀-⣿].*?(?=[\r\n\x1b]|$)", "", self.told))

    @property
    def told(self) -> str:
        """All that was written."""
        return self.stdout + self.stderr


@dataclass
class CliStage:
    """Where the command is run."""

    partner_central: Simulator | str
    moto_url: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def simulator(self) -> Simulator:
        """Partner Central, where it runs in this process."""
        assert isinstance(self.partner_central, Simulator)
        return self.partner_central

    def run(self, *arguments: str, stdin: str | bytes = "", charset: str = "utf-8", **environment: str) -> Ended:
        """Run the command in this process, without a terminal; an empty variable is left out."""
        own = self.variables(**environment)
        ended = CliRunner(charset, **_SEPARATE).invoke(partner_account, arguments, stdin, own, catch_exceptions=False)
        assert "Traceback" not in ended.stdout + ended.stderr
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    @contextmanager
    def terminal(self, *arguments: str, **environment: str) -> Iterator[PseudoTerminal]:
        """Run the command in a terminal of its own."""
        with PseudoTerminal([str(SCRIPT), *arguments], self.variables(**environment)) as terminal:
            yield terminal

    def variables(self, **changes: str) -> dict[str, str]:
        """The environment variables of a run; an empty one is left out, which tests/conftest.py has removed."""
        own = {
            "PATH": os.environ["PATH"],
            "HOME": "/nowhere",
            "LANG": "C.UTF-8",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.moto_url,
            "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": getattr(self.partner_central, "url", ""),
        }
        return {name: value for name, value in {**own, **self.environment, **changes}.items() if value}

    def client(self, service: str, region: str = REGION) -> Any:
        """A client of another user in the same account."""
        own = service == "partnercentral-account"
        return boto3.client(
            service,
            endpoint_url=self.simulator.url if own else self.moto_url,
            region_name="us-east-1" if own else region,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="x",
        )

    def operations(self) -> list[str]:
        """The requests to Partner Central so far."""
        return [request.operation or "?" for request in self.simulator.requests]

    def create_partner(self, catalog: str = "AWS", **changes: Any) -> str:
        """A partner, created by the API; its ARN."""
        client = self.client("partnercentral-account")
        client.send_email_verification_code(Catalog=catalog, Email=EMAIL)
        code = self.simulator.outbox[-1].code if catalog == "AWS" else "123456"
        request = {
            "Catalog": catalog,
            "LegalName": "Example Corp",
            "PrimarySolutionType": "SOFTWARE_PRODUCTS",
            "AllianceLeadContact": CONTACT,
            "EmailVerificationCode": code,
            **changes,
        }
        return str(client.create_partner(**request)["Arn"])


class PseudoTerminal:
    """A command in a pseudo-terminal: what it shows, and what is typed."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        """Start it as the leader of the terminal's session, so that Ctrl-C reaches it."""
        self.shown = ""
        self._outside, inside = pty.openpty()
        self._process = subprocess.Popen(
            command,
            env={"TERM": "xterm-256color", "COLUMNS": "120", **environment},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=_lead_the_terminal,  # noqa: PLW1509 - setsid(1) isn't everywhere
        )
        os.close(inside)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._outside)

    def expect(self, pattern: str, seconds: float = 30) -> None:
        """Wait until the terminal shows it."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.shown, re.DOTALL):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{pattern!r} was not shown, but: {self.shown}")

    def type(self, text: str) -> None:
        """Type it; the character 3 is Ctrl-C."""
        os.write(self._outside, text.encode())

    def ended(self, seconds: float = 30) -> int:
        """Wait for the end; the exit status."""
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(timeout=10)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._outside], [], [], max(seconds, 0))
        try:
            text = os.read(self._outside, 10_000).decode(errors="replace") if ready else ""
        except OSError:  # Linux tells the end of the other side so
            text = ""
        self.shown += text
        return bool(text)


def _lead_the_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # What a test run in the background starts would ignore Ctrl-C, as the test run itself does.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def open_stage(moto_url: str, *, verified: bool = True, **settings: Any) -> Iterator[CliStage]:
    """A stage with an empty account, whose verifications have succeeded if it is `verified`."""
    urllib3.request("POST", f"{moto_url}/moto-api/reset")
    at_once = mock.patch.object(profile_life, "_WAITS", (0,) * 5)  # the simulator's reviews end at the first look
    with at_once, Simulator(verified=verified, **settings) as simulator:
        # moto knows neither: it would tell so on the standard output of this process, which is the command's, too.
        unknown = {f"AWS_ENDPOINT_URL_{service}": "http://127.0.0.1:9" for service in ("IAM", "FREETIER")}
        yield CliStage(simulator, moto_url, unknown)
