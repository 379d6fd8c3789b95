"""The cost of an app at synth, alone in its process as the cdk CLI runs it, and the content of its templates."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import (
    ALL,
    AWS_CUSTOM_RESOURCE,
    CONSTRUCT,
    EMPTY,
    FLOOR,
    ROLE,
    ROOT,
    Contender,
    turned,
    zipped_bytes,
)
from benchmarks.series import Results

ONE = "1 partner"
FIVE_STACKS = "5 stacks"
STACKS = {ONE: 1, FIVE_STACKS: 5}
IMPORT = "import above CDK's modules"
_NEEDED = "import sys, partner_account; print(*(name for name in sys.modules if name.startswith('aws_cdk')))"
_ABOVE = """
import importlib, sys, time
for name in sys.argv[1:]: importlib.import_module(name)
began = time.process_time(); import partner_account; print(time.process_time() - began)
"""


@dataclass(frozen=True)
class Synths:
    """Synthesizes apps, and records the cost.

    Attributes:
        results: where it is recorded.
        assets: the functions' code.
        environment: what the apps' processes see.
    """

    results: Results
    assets: Mapping[Contender, Path]
    environment: Mapping[str, str]

    def time_all(self, rounds: int) -> None:
        """Measure each app once per round, so that a slow minute of the machine affects them all."""
        with tempfile.TemporaryDirectory() as out:
            self._run(EMPTY, ONE, out)  # jsii unpacks its packages at the first start
        needed = self._told("-c", _NEEDED).split()
        for number in range(rounds):
            with self.results.attempt(IMPORT, CONSTRUCT.name):
                above = float(self._told("-c", _ABOVE, *needed))
                self.results.add("import CPU", IMPORT, CONSTRUCT.name, above)
            for contender in turned((EMPTY, ROLE, FLOOR, *ALL), number):
                self._synth(contender, ONE, number)
            for contender in turned((CONSTRUCT, AWS_CUSTOM_RESOURCE), number):
                self._synth(contender, FIVE_STACKS, number)

    def _synth(self, contender: Contender, case: str, number: int) -> None:
        name = contender.name
        with self.results.attempt(f"synth, {case}", name), tempfile.TemporaryDirectory() as out:
            began, used = time.monotonic(), _cpu_of_children()
            self._run(contender, case, out)
            self.results.add("synth wall", case, name, time.monotonic() - began)
            self.results.add("synth CPU", case, name, _cpu_of_children() - used)
            if number == 0:
                for metric, value in counts(Path(out)).items():
                    self.results.add(metric, case, name, value)

    def _run(self, contender: Contender, case: str, out: str) -> None:
        context = {"stacks": STACKS[case], "asset": str(self.assets.get(contender, ""))}
        variables = {"CDK_OUTDIR": out, "CDK_CONTEXT_JSON": json.dumps(context)}
        self._told("-m", f"benchmarks.apps.{contender.name}", **variables)

    def _told(self, *arguments: str, **variables: str) -> str:
        """The output of Python."""
        done = subprocess.run(  # noqa: S603 - this project's own programs
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
        return done.stdout


def counts(assembly: Path) -> dict[str, float]:
    """The content of a cloud assembly, in machine-independent numbers."""
    templates = sorted(assembly.glob("*.template.json"))
    resources = [entry for path in templates for entry in json.loads(path.read_text()).get("Resources", {}).values()]
    types = [entry["Type"] for entry in resources if entry["Type"] != "AWS::CDK::Metadata"]
    statements = [statement for entry in resources for statement in _statements(entry["Properties"])]
    return {
        "template bytes": sum(path.stat().st_size for path in templates),
        "resources": len(types),
        "functions": types.count("AWS::Lambda::Function"),
        "roles": types.count("AWS::IAM::Role"),
        "IAM statements": len(statements),
        "IAM wildcards": sum(_wildcards(statement) for statement in statements),
        "asset bytes": sum(zipped_bytes(path) for path in assembly.glob("asset.*") if path.is_dir()),
    }


def _statements(value: Any) -> Iterator[Mapping[str, Any]]:
    """All statements that allow something to the role they belong to, anywhere in the template."""
    if isinstance(value, dict):
        for statement in value.get("Statement", []):
            if "Principal" not in statement:
                yield statement
        for member in value.values():
            yield from _statements(member)
    elif isinstance(value, list):
        for member in value:
            yield from _statements(member)


def _wildcards(statement: Mapping[str, Any]) -> int:
    """The resources `*` that no condition narrows, and the actions with a `*`."""
    open_resources = _listed(statement["Resource"]).count("*") if not statement.get("Condition") else 0
    return open_resources + sum("*" in action for action in _listed(statement["Action"]))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def environment() -> dict[str, str]:
    """This process's environment for an app, without the user's settings for AWS and CDK."""
    kept = ("PATH", "HOME", "LANG", "JSII_RUNTIME_PACKAGE_CACHE_ROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONPATH": str(ROOT)}
