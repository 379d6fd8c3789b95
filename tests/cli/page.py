"""Makes the examples of docs/cli.md by running them: `python -m tests.cli.page` writes the page anew.

The page itself is the source. Each `$ partner-account …` in its console blocks is run, in the page's order, on one
stage; what follows is replaced by what it printed. What happens in between is ordered by `<!-- stage: … -->`.
Words that differ from run to run (ids, ports, codes) are replaced by ones that don't.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3
from moto.server import ThreadedMotoServer

from tests.cli.stage import ACCOUNT, Ended, Stage, open_stage
from tests.cli.test_drift import Deployment, template

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$|^<!-- stage: (.*?) -->$", re.MULTILINE | re.DOTALL)
_VARYING = (
    (r"http://127\.0\.0\.1:[0-9]+", "http://127.0.0.1:4711"),
    (r"(/_simulator/verifications/)[\w-]+", r"\1q7Rk2VtY0aWc"),
    (r"partner-[A-Za-z0-9]{13}", "partner-a1B2c3D4e5F6g"),
    (r"pprofile-[A-Za-z0-9]{13}", "pprofile-h7I8j9K0l1M2n"),
    (r"\b[0-9a-f]{32}/[0-9a-f]{32}\b", "5d1f0c9a7b3e…"),
    (r"\b[0-9a-f]{64}\b", "5d1f0c9a7b3e…"),
    (r"\b[0-9a-f]{12}…", "5d1f0c9a7b3e…"),
    (r"\b[0-9]{6}\b(?=   |\"|$)", "271828"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}( |T)[0-9:]{8}", r"2026-05-04\g<1>12:00:00"),
    (r"until 2026-05-04", "until 2026-05-05"),
    (r"request id [\w-]+", "request id 1b9d6bcd"),
    (r"(calls (?:with)?in |longer than )[0-9]+ s", r"\g<1>240 s"),
    (r"(version )[0-9.]+", r"\g<1>0.1.0"),
)


class Play:
    """The page, played on a stage."""

    def __init__(self, stage: Stage) -> None:
        """Begin with an account that has verified nothing."""
        self._stage = stage
        self._deployment = Deployment(stage)
        self.statuses: list[tuple[str, int]] = []

    def page(self, text: str) -> str:
        """The page with the examples as they are."""
        return _BLOCK.sub(self._part, text)

    def _part(self, found: re.Match[str]) -> str:
        if found[2]:
            _SCENES[found[2]](self)
            return found[0]
        lines = [line for line in found[1].splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"{line}\n{self._output(line[2:])}" for line in lines) + "```"

    def _output(self, line: str) -> str:
        if line == "echo $?":
            return f"{self.statuses[-1][1]}\n"
        ended = self._run(line)
        self.statuses.append((line, ended.status))
        told = ended.told
        for pattern, constant in _VARYING:
            told = re.sub(pattern, constant, told, flags=re.MULTILINE)
        return told

    def _run(self, line: str) -> Ended:
        piped, _, command = line.rpartition(" | ")
        _, *arguments = shlex.split(command)
        return self._stage.run(*arguments, stdin=" ".join(shlex.split(piped)[1:]))

    def verify_business(self) -> None:
        """AWS has verified the business."""
        self._stage.simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "SUCCEEDED")

    def verify_registrant(self) -> None:
        """The registrant follows the completion URL."""
        client = self._stage.client("partnercentral-account")
        answer = client.get_verification(VerificationType="REGISTRANT_VERIFICATION")
        (details,) = answer["VerificationResponseDetails"].values()
        urllib3.request("POST", details["CompletionUrl"])

    def deploy(self) -> None:
        """The stack Demo is deployed."""
        self._deployment.deploy(template())

    def change(self) -> None:
        """Somebody changes the contact in Partner Central."""
        desk = self._stage.simulator.account(ACCOUNT)
        desk.change_contact(desk.partners[0].id, BusinessTitle="CTO")

    def keep_password(self) -> None:
        """Somebody keeps a password there."""
        self._stage.client("secretsmanager").create_secret(Name="database/password", SecretString="swordfish")


_SCENES: dict[str, Callable[[Play], None]] = {
    "the business is verified": Play.verify_business,
    "the registrant is verified": Play.verify_registrant,
    "a secret holds a database password": Play.keep_password,
    "the stack is deployed": Play.deploy,
    "the contact is changed in the console": Play.change,
}


def played(moto_url: str) -> tuple[str, list[tuple[str, int]]]:
    """The page with the examples as they are now, and the exit status of each command in it."""
    with open_stage(moto_url, verified=False) as stage:
        play = Play(stage)
        return play.page(PAGE.read_text("utf-8")), play.statuses


@contextmanager
def _moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


if __name__ == "__main__":
    with _moto() as url:
        written, _ = played(url)
    PAGE.write_text(written, "utf-8")
