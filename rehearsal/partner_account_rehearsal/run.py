"""One whole rehearsal: starts the local AWS, runs the steps, and writes the report, whatever the outcome."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from partner_account_rehearsal.page import is_html_report, to_html
from partner_account_rehearsal.partners import SANDBOX
from partner_account_rehearsal.processes import ProcessError, interruptions_as_exits, interruptions_deferred
from partner_account_rehearsal.report import RehearsalReport, StepReport, is_json_report, without_addresses
from partner_account_rehearsal.steps import Options, Rehearsal
from partner_account_rehearsal.terminal import Reporter
from partner_central_simulator.readings import load_readings


@dataclass(frozen=True)
class ReportFiles:
    """The files for the report, in addition to the terminal."""

    json: Path | None = None
    html: Path | None = None
    overwrite: bool = False

    def problem(self) -> str:
        """Why they can't be written, as far as that is known before."""
        files = [file for file in (self.json, self.html) if file]
        if unwritable := [
            str(file) for file in files if not os.access(file if file.exists() else file.parent, os.W_OK)
        ]:
            return f"{' and '.join(unwritable)} can't be written: use a file in a directory of yours"
        if self.json and self.html and self.json.resolve() == self.html.resolve():
            return f"{self.json} can't be both reports: use another file for --json or --html"
        lost = [
            str(file)
            for file, is_report in ((self.json, is_json_report), (self.html, is_html_report))
            # Reading what is not a file, such as a pipe, would wait forever.
            if file and file.is_file() and (text := file.read_text("utf-8", "replace")).strip() and not is_report(text)
        ]
        if lost and not self.overwrite:
            return f"{' and '.join(lost)} would be lost, and is not a report: use another file, or add --overwrite"
        return ""

    def write(self, report: RehearsalReport) -> list[Path]:
        """Write the report, and return the files that have it."""
        if self.json:
            self.json.write_text(report.to_json(), encoding="utf-8")
        if self.html:
            self.html.write_text(to_html(report), encoding="utf-8")
        return [file for file in (self.json, self.html) if file]


def run(options: Options, files: ReportFiles, *, verbose: bool = False, json_to_stdout: bool = False) -> str:
    """Rehearse, print the progress, and write the report; returns the problem, or nothing if it passed."""
    report = RehearsalReport()
    report.readings = load_readings(options.readings).differing() if options.readings else {}
    if problem := _no_app(options):
        return problem
    reporter = Reporter(verbose=verbose, to_stderr=json_to_stdout)
    with interruptions_as_exits(), ExitStack() as running:
        rehearsal = None
        try:
            with reporter.step(StepReport("start", "Start AWS and Partner Central on this machine")):
                aws = running.enter_context(local_aws(readings=options.readings))
            rehearsal = Rehearsal(options, aws, reporter, report)
            _rehearse(rehearsal, options, aws, report)
            report.outcome = "passed"
        except BaseException as error:
            report.outcome = "interrupted" if isinstance(error, KeyboardInterrupt | SystemExit) else "failed"
            report.problem = without_addresses(_problem(error))
            if not isinstance(error, RehearsalError | ProcessError | BotoCoreError | ClientError):
                raise
        finally:
            with interruptions_deferred():
                # The files first: a terminal may be closed by now.
                written = files.write(report)
                if json_to_stdout:
                    sys.stdout.write(report.to_json())
                reporter.summary(report)
                if written:
                    reporter.commands("The report is in", (f"  {file}" for file in written))
        if rehearsal and options.keep:
            aws = rehearsal.aws_of_partner
            aws.keep()
            reporter.commands("To use this AWS in a terminal:", aws.shell_exports())
            reporter.commands("To stop it:", [aws.stop_command()])
        reporter.next_steps(_next_steps(options, files, report))
    return report.problem


def _problem(error: BaseException) -> str:
    match error:
        case RehearsalError() | ProcessError():
            return str(error)
        case BotoCoreError() | ClientError():
            return f"the local AWS failed: {error}"
        case KeyboardInterrupt() | SystemExit():
            return "the rehearsal was interrupted"
        case ModuleNotFoundError():
            return f"the Python package {error.name} is not installed"
        case _:  # its message may repeat what must not be shown
            return f"internal error ({type(error).__name__}): report it"


def _no_app(options: Options) -> str:
    """What to do if there is no app to rehearse; empty if there is one."""
    if options.app or (options.folder / "cdk.json").exists():
        return ""
    return "there is no cdk.json here: go to the directory of your CDK app, or add its command with --app"


def _rehearse(rehearsal: Rehearsal, options: Options, aws: LocalAws, report: RehearsalReport) -> None:
    """Run the steps."""
    report.commit = commit_of(options.folder)
    report.versions = {
        "cdk-partner-account": version("cdk-partner-account"),
        "aws-cdk": rehearsal.cdk().version(),
        "ministack": version("ministack"),
    }
    try:
        rehearsal.run()
    finally:
        # CDK writes the version of its library there.
        tree = aws.folder / "cdk.out" / "tree.json"
        if tree.is_file():
            made_by = json.loads(tree.read_text("utf-8"))["tree"].get("constructInfo", {})
            report.versions["aws-cdk-lib"] = made_by.get("version", "unknown")


def commit_of(folder: Path) -> str:
    """The commit that is checked out there, and whether files differ from it; empty if there is none."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _next_steps(options: Options, files: ReportFiles, report: RehearsalReport) -> Iterator[tuple[str, str]]:
    """What to run next, and why."""
    if report.outcome == "passed" and not options.fault:
        yield "--fault rollback", "rehearse a deployment that is rolled back after the partner was created or updated"
    # If only the synthesis was tried, there is nothing to look at.
    tried = any(step.id != "synthesize" for step in report.steps)
    if report.outcome != "passed" and (tried or report.cli_output):
        yield "--verbose", "show all output of cdk, and each event of each resource"
    if tried and not options.keep:
        yield "--keep", "leave this AWS running at the end, and explore it"
    if tried and not files.html:
        yield "--html rehearsal.html", "get a page that can be attached to the change request"
    if report.outcome == "passed":
        catalogs = {partner.catalog for partner in report.new_partners or report.partners}
        option = f" --catalog {SANDBOX}" if catalogs == {SANDBOX} else ""
        yield f"partner-account doctor{option}", "check the real account; then: cdk bootstrap, once, and cdk deploy"
