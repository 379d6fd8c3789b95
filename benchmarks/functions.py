"""The cost of a function in Lambda: its first answer, and later ones, under Lambda's own runtime client.

The assets are unpacked as in Lambda, without compiled files, and nothing is compiled into them. The boto3 of this
environment stands for the one that Lambda's runtime brings, and is compiled, as installed packages are.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer

from benchmarks.apps import SECRET
from benchmarks.contenders import AWS_CUSTOM_RESOURCE, CONSTRUCT, CRHELPER, FLOOR, PROVIDER_FRAMEWORK, Contender, turned
from benchmarks.series import Results
from tests.handler.cloud import ACCOUNT, Cloud, contact, open_cloud, properties
from tests.handler.lambda_runtime import LambdaRuntime, environment
from tests.handler.response_sink import ResponseSink

COLD = "cold start"
WARM = "warm update"
MEASURED = (CONSTRUCT, PROVIDER_FRAMEWORK, CRHELPER, FLOOR)
_CALLGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
_TICKS = os.sysconf("SC_CLK_TCK")
# Under valgrind everything takes about fifty times as long.
_SECONDS = 900.0


@dataclass(frozen=True)
class FunctionTrial:
    """One contender's function, and the AWS around it.

    Attributes:
        contender: whose function it is.
        asset: its code.
        cloud: a new account with a stored code, and a stack that is being created.
        sink: receives its answers.
    """

    contender: Contender
    asset: Path
    cloud: Cloud
    sink: ResponseSink

    @contextmanager
    def runtime(self, *under: str) -> Iterator[LambdaRuntime]:
        """A new process of the function."""
        urls = {name: value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")}
        variables = environment(urls, self.sink.ca_file, ACCOUNT)
        variables |= {"AWS_DEFAULT_REGION": variables["AWS_REGION"]}  # Lambda sets both
        variables |= {"SSL_CERT_FILE": str(self.sink.ca_file)}  # the trust of crhelper's own sender
        variables |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        runtime = LambdaRuntime(self.asset, variables, under=under)
        if self.contender.handler:
            runtime.handler = f"{self.contender.handler}.handler"
        with runtime:
            yield runtime

    def create(self, runtime: LambdaRuntime) -> str:
        """Deliver a Create, and return the partner's ARN."""
        return str(self._deliver(runtime, self.cloud.event("Create", self._properties()))["PhysicalResourceId"])

    def update(self, runtime: LambdaRuntime, arn: str, title: str) -> None:
        """Deliver an Update that changes the contact."""
        before, after = self._properties(), self._properties(AllianceLeadContact=contact(BusinessTitle=title))
        self._deliver(runtime, self.cloud.event("Update", after, before, PhysicalResourceId=arn))

    def _deliver(self, runtime: LambdaRuntime, event: dict[str, Any]) -> dict[str, Any]:
        name = event["RequestId"]
        kind, returned = runtime.invoke({**event, "ResponseURL": self.sink.url(name)}, seconds=_SECONDS)
        answered = self.sink.answers(name)
        if kind != "response":
            raise RuntimeError(f"{returned} {runtime.output[-300:]}")
        # Behind the Provider framework, what the function returns is its answer.
        answer: dict[str, Any] = answered[0] if answered else {"Status": "SUCCESS", **(returned or {})}
        if answer["Status"] != "SUCCESS" or not answer.get("PhysicalResourceId"):
            raise RuntimeError(f"the function answered {answer}")
        return answer

    def _properties(self, **changes: Any) -> dict[str, Any]:
        if self.contender in (CONSTRUCT, FLOOR):
            return properties(EmailVerificationCode={"From": "SecretsManager", "SecretId": SECRET}, **changes)
        return properties(SecretName=SECRET, **changes)


@dataclass(frozen=True)
class Functions:
    """Invokes functions, and records the cost.

    Attributes:
        results: where it is recorded.
        assets: the functions' code.
    """

    results: Results
    assets: Mapping[Contender, Path]

    def time_all(self, rounds: int, rounds_of_warm: int) -> None:
        """Start each function once per round, so that a slow minute of the machine affects them all."""
        self.results.miss(COLD, AWS_CUSTOM_RESOURCE.name, "its function is CDK's, in Node.js; awslambdaric is Python")
        self.results.miss(COLD, PROVIDER_FRAMEWORK.name, "only its Python half: CDK's half that answers is in Node.js")
        with moto() as moto_url:
            for number in range(rounds):
                for contender in turned(MEASURED, number):
                    with self.results.attempt(COLD, contender.name):
                        self._time_cold(contender, moto_url)
                    if number < rounds_of_warm and contender is not FLOOR:
                        with self.results.attempt(WARM, contender.name):
                            self._time_warm(contender, moto_url)

    def count_instructions(self) -> None:
        """Count the instructions of each function's cold start, which don't depend on the machine's load."""
        for contender in MEASURED:
            with self.results.attempt("cold start, instructions", contender.name), moto() as moto_url:
                if shutil.which("valgrind") is None:
                    raise RuntimeError("valgrind is not installed")
                self._count_instructions(contender, moto_url)

    def _time_cold(self, contender: Contender, moto_url: str) -> None:
        with _stage(contender, moto_url, self.assets[contender]) as stage, stage.runtime() as runtime:
            stage.create(runtime)
            memory = _peak_memory(runtime.pid)
            cpu = _cpu_until_the_end(runtime.pid)
        self.results.add("cold CPU", COLD, contender.name, cpu)
        self.results.add("cold memory", COLD, contender.name, memory)

    def _time_warm(self, contender: Contender, moto_url: str, invocations: int = 20) -> None:
        with _stage(contender, moto_url, self.assets[contender]) as stage, stage.runtime() as runtime:
            arn = stage.create(runtime)
            stage.cloud.set_status("UPDATE_IN_PROGRESS")
            stage.update(runtime, arn, "the first update is warm too, but makes clients of its own")
            used = _cpu(runtime.pid)
            for number in range(invocations):
                stage.update(runtime, arn, f"Title {number}")
            self.results.add("warm CPU", WARM, contender.name, (_cpu(runtime.pid) - used) / invocations)

    def _count_instructions(self, contender: Contender, moto_url: str) -> None:
        with _stage(contender, moto_url, self.assets[contender]) as stage, stage.runtime(*_CALLGRIND) as runtime:
            stage.create(runtime)
            os.kill(runtime.pid, signal.SIGTERM)
            deadline = time.monotonic() + 10
            while not (found := re.search(r"Collected : (\d+)", runtime.output)) and time.monotonic() < deadline:
                time.sleep(0.1)
        if not found:
            raise RuntimeError(f"valgrind told no number: {runtime.output[-300:]}")
        self.results.add("cold instructions", COLD, contender.name, int(found[1]))


@contextmanager
def moto() -> Iterator[str]:
    """The rest of AWS, at this URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


@contextmanager
def _stage(contender: Contender, moto_url: str, asset: Path) -> Iterator[FunctionTrial]:
    with tempfile.TemporaryDirectory() as folder, ResponseSink(Path(folder)) as sink, open_cloud(moto_url) as cloud:
        cloud.client("secretsmanager").create_secret(Name=SECRET, SecretString=cloud.request_code())
        yield FunctionTrial(contender, asset, cloud, sink)


def _peak_memory(pid: int) -> int:
    """Bytes. Of the program alone: the value of `wait4` includes the memory of the process that started it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _cpu(pid: int) -> float:
    """Seconds, in steps of a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _cpu_until_the_end(pid: int) -> float:
    """End the process, and return the seconds that it has used."""
    os.kill(pid, signal.SIGKILL)
    _, _, used = os.wait4(pid, 0)
    return used.ru_utime + used.ru_stime
