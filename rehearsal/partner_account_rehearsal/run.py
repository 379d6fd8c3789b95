"""One whole rehearsal: starts the local AWS, goes through the steps, and hands out the report, however it ended."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from partner_account_rehearsal.narration import Narrator
from partner_account_rehearsal.page import is_html_report, to_html
from partner_account_rehearsal.processes import ProcessError
from partner_account_rehearsal.report import Report, is_json_report
from partner_account_rehearsal.steps import Rehearsal, Wanted
from partner_account_rehearsal.terminal import summary
from partner_central_simulator.readings import ReadingsFileError, load_readings

# What could lead the app to a real account, or away from this machine.
_AWS_OWN = ("AWS_", "CDK_")
_NETWORK = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
_TRUST = {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}


@dataclass(frozen=True)
class Files:
    """Where the report goes, besides the terminal."""

    json: Path | None = None
    html: Path | None = None
    overwrite: bool = False

    def not_replaceable(self) -> list[str]:
        """The files that hold something else than an earlier report, and would be lost."""
        wanted = ((self.json, is_json_report), (self.html, is_html_report))
        return [str(file) for file, is_report in wanted if file and file.is_file() and not _may_go(file, is_report)]

    def unwritable(self) -> list[str]:
        """The files that can't be written, as far as that can be told before."""
        wanted = [file for file in (self.json, self.html) if file]
        return [str(file) for file in wanted if not os.access(file if file.exists() else file.parent, os.W_OK)]

    def write(self, report: Report, narrator: Narrator) -> None:
        """Write the report, and tell where."""
        for file, text in ((self.json, report.to_json), (self.html, lambda: to_html(report))):
            if file:
                file.write_text(text(), encoding="utf-8")
                narrator.tell(f"The report is in {file}")


def _may_go(file: Path, is_report: Callable[[str], bool]) -> bool:
    text = file.read_text("utf-8", "replace")
    return not text.strip() or is_report(text)


def run(wanted: Wanted, files: Files) -> str:
    """Rehearse, tell all of it, and write the report; the problem, or nothing if it went as it should."""
    if problem := _unready(wanted, files):
        return problem
    narrator, report = Narrator(), Report()
    if wanted.readings:
        report.readings = load_readings(wanted.readings).differing()
    with ExitStack() as running:
        try:
            with narrator.step("Start AWS and Partner Central on this machine"):
                aws = running.enter_context(local_aws(readings=wanted.readings))
        except ProcessError as error:
            return str(error)
        report.problem = _rehearse(wanted, aws, narrator, report)
        report.outcome = "failed" if report.problem else "passed"
        summary(report, narrator)
        files.write(report, narrator)
        if wanted.keep:
            aws.keep()
            narrator.dictate("To use this AWS in a terminal:", aws.directions())
            narrator.dictate("To end it:", [aws.farewell()])
    return report.problem


def _unready(wanted: Wanted, files: Files) -> str:
    if not wanted.app and not (wanted.folder / "cdk.json").exists():
        return "there is no cdk.json here: go to the directory of your CDK app, or name its command by --app"
    if wanted.readings and (problem := _unusable(wanted.readings)):
        return problem
    if unwritable := files.unwritable():
        return f"{' and '.join(unwritable)} can't be written: name a file in a directory of yours"
    if files.json and files.html and files.json.resolve() == files.html.resolve():
        return f"{files.json} can't be both reports: name another file by --json or --html"
    if not files.overwrite and (others := files.not_replaceable()):
        return f"{' and '.join(others)} would be lost, and holds no report: name another file, or add --overwrite"
    return ""


def _unusable(readings: Path) -> str:
    try:
        load_readings(readings)
    except ReadingsFileError as error:
        return str(error)
    return ""


def _rehearse(wanted: Wanted, aws: LocalAws, narrator: Narrator, report: Report) -> str:
    environment = {**_surroundings(os.environ), **aws.environment}
    try:
        Rehearsal(wanted, aws, environment, narrator, report).run()
    except (RehearsalError, ProcessError) as error:
        return str(error)
    except (BotoCoreError, ClientError) as error:
        return f"the local AWS failed: {error}"
    return ""


def _surroundings(own: Mapping[str, str]) -> dict[str, str]:
    """What an app may read of the user's environment, without what could lead it to a real account."""
    return {
        name: value
        for name, value in own.items()
        if not name.startswith(_AWS_OWN) and name.lower() not in _NETWORK and name not in _TRUST
    }
