"""One whole rehearsal: starts the local AWS, goes through the steps, and hands out the report, however it ended."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from partner_account_rehearsal.page import is_html_report, to_html
from partner_account_rehearsal.processes import ProcessError
from partner_account_rehearsal.report import Report, is_json_report
from partner_account_rehearsal.steps import Options, Rehearsal
from partner_account_rehearsal.terminal import Reporter
from partner_central_simulator.readings import ReadingsFileError, load_readings


@dataclass(frozen=True)
class ReportFiles:
    """Where the report goes, besides the terminal."""

    json: Path | None = None
    html: Path | None = None
    overwrite: bool = False

    def problem(self) -> str:
        """Why they can't be written, as far as that can be told before."""
        files = [file for file in (self.json, self.html) if file]
        if unwritable := [
            str(file) for file in files if not os.access(file if file.exists() else file.parent, os.W_OK)
        ]:
            return f"{' and '.join(unwritable)} can't be written: name a file in a directory of yours"
        if self.json and self.html and self.json.resolve() == self.html.resolve():
            return f"{self.json} can't be both reports: name another file by --json or --html"
        if not self.overwrite and (others := [*self._other_files()]):
            return f"{' and '.join(others)} would be lost, and holds no report: name another file, or add --overwrite"
        return ""

    def _other_files(self) -> Iterator[str]:
        """The files that hold something else than an earlier report, and would be lost."""
        checks: list[tuple[Path | None, Callable[[str], bool]]] = [
            (self.json, is_json_report),
            (self.html, is_html_report),
        ]
        for file, is_report in checks:
            # To read what is no file, such as a pipe, would wait for ever.
            if file and file.is_file() and (text := file.read_text("utf-8", "replace")).strip() and not is_report(text):
                yield str(file)

    def write(self, report: Report, reporter: Reporter) -> None:
        """Write the report, and tell where."""
        for file, to_text in ((self.json, Report.to_json), (self.html, to_html)):
            if file:
                file.write_text(to_text(report), encoding="utf-8")
                reporter.line(f"The report is in {file}")


def run(options: Options, files: ReportFiles) -> str:
    """Rehearse, tell all of it, and write the report; the problem, or nothing if it went as it should."""
    if not options.app and not (options.folder / "cdk.json").exists():
        return "there is no cdk.json here: go to the directory of your CDK app, or name its command by --app"
    reporter, report = Reporter(), Report()
    try:
        report.readings = load_readings(options.readings).differing() if options.readings else {}
    except ReadingsFileError as error:
        return str(error)
    if problem := files.problem():
        return problem
    with ExitStack() as running:
        try:
            with reporter.step("Start AWS and Partner Central on this machine"):
                aws = running.enter_context(local_aws(readings=options.readings))
        except ProcessError as error:
            return str(error)
        report.problem = _rehearse(options, aws, reporter, report)
        report.outcome = "failed" if report.problem else "passed"
        reporter.summary(report)
        files.write(report, reporter)
        if options.keep:
            aws.keep()
            reporter.section("To use this AWS in a terminal:", aws.shell_exports())
            reporter.section("To end it:", [aws.shutdown_command()])
    return report.problem


def _rehearse(options: Options, aws: LocalAws, reporter: Reporter, report: Report) -> str:
    """Go through the steps; the problem, or nothing."""
    try:
        Rehearsal(options, aws, aws.environment_of_app(os.environ), reporter, report).run()
    except (RehearsalError, ProcessError) as error:
        return str(error)
    except (BotoCoreError, ClientError) as error:
        return f"the local AWS failed: {error}"
    return ""
