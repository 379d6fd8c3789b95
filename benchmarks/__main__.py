"""`make bench`: measures everything, one stage after the other, and writes docs/benchmarks.*."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks import handler_requests, machine, newcomer, report, synths
from benchmarks.contenders import ROOT, fill_assets
from benchmarks.deployments import Deployments
from benchmarks.functions import Functions, moto
from benchmarks.series import Results
from benchmarks.synths import Synths
from benchmarks.targets import verdicts

DOCS = ROOT / "docs"
MINUTES = 11.5
"""The time by which the last round of deployments must end."""


@click.command()
@click.option("--quick", is_flag=True, help="One or two rounds of everything: to see that it works.")
@click.option("--docs", type=click.Path(path_type=Path, file_okay=False, exists=True), default=DOCS, show_default=True)
@click.option("--report-only", is_flag=True, help="Write the page again from benchmarks.json.")
@click.option("--newcomer", "is_newcomer", is_flag=True, help="Only what a newcomer waits for; the rest is kept.")
@click.option(
    "--other-app",
    type=click.Path(path_type=Path, file_okay=False, exists=True, resolve_path=True),
    help="Somebody else's app to rehearse with --newcomer: the folder of its cdk.json, with its .venv.",
)
def main(*, quick: bool, docs: Path, report_only: bool, is_newcomer: bool, other_app: Path | None) -> None:
    """Measure PartnerAccount and its alternatives, and write the results into docs/."""
    kept = docs / "benchmarks.json"
    if report_only:
        results = Results.read(kept)
    elif is_newcomer:
        results = _newcomer(kept, other_app)
    else:
        results = _measured(kept, quick=quick)
    report.write(results, docs)
    for verdict in verdicts(results):
        mark = {True: "met", False: "MISSED", None: "?"}[verdict.reached]
        click.echo(f"{mark:8} {verdict.target}: {verdict.measured}")


def _measured(kept: Path, *, quick: bool) -> Results:
    _forget_the_users_aws()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    until = time.monotonic() + MINUTES * 60
    results = Results({**machine.about(), "rounds": "quick" if quick else "full"})
    if kept.exists():
        results.keep(Results.read(kept), newcomer.METRIC)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        assets = fill_assets(Path(folder))
        functions = Functions(results, assets)
        stages: dict[str, Callable[[], None]] = {
            "synth": lambda: Synths(results, assets, synths.environment()).time_all(1 if quick else 5),
            "cold and warm starts": lambda: functions.time_all(*((2, 1) if quick else (11, 3))),
            "instructions": functions.count_instructions,
            "requests": lambda: _count_requests(results),
            "deployments": lambda: Deployments(results, assets).time_all(1 if quick else 3, until),
        }
        for name, measure in stages.items():
            began = time.monotonic()
            click.echo(f"{name} ...")
            with results.attempt(name, "all"):
                measure()
            click.echo(f"{name}: {time.monotonic() - began:.0f} s")
            results.write(kept)
    return results


def _count_requests(results: Results) -> None:
    with moto() as url:
        handler_requests.count_requests(results, url)


def _newcomer(kept: Path, other_app: Path | None) -> Results:
    """The results of an earlier run, with a newcomer's waiting times measured again."""
    _forget_the_users_aws()
    results = Results.read(kept)
    results.drop(newcomer.METRIC)
    here = machine.about()
    rehearsed = f", somebody else's app is {other_app.name}" if other_app else ""
    results.about[newcomer.METRIC.strip()] = (
        f"{here['date']}, {here['commit']}, load {here['load at the beginning']}{rehearsed}"
    )
    newcomer.measure(results, other_app)
    results.write(kept)
    return results


def _forget_the_users_aws() -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "CDK_"))]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


if __name__ == "__main__":
    main(prog_name="benchmarks")
