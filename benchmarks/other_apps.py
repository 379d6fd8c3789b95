"""The round of other people's CDK apps: add a PartnerAccount to each, synthesize it, run its own tests, rehearse it.

`python -m benchmarks.other_apps FOLDER` clones the apps of `other_apps_list` into FOLDER, where the logs and the
outcomes are kept too, and prints a table of these. It needs git, uv, and what the apps' own README files require: the
`cdk` CLI and Node.js. No app can block it for long: what takes too much time is stopped.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import textwrap
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.contenders import ROOT
from benchmarks.other_apps_list import APPS, OtherApp

OWN_STACK = "Alliances"
SECONDS_FOR_A_COMMAND = 600.0
SECONDS_TO_CLEAN_UP = 30.0
STOPPED = "stopped"

ADDED = """
import aws_cdk as _cdk
import partner_account as _pa

_pa.PartnerAccount(
    {scope},
    "Partner",
    catalog=_pa.Catalog.SANDBOX,
    legal_name="Example Corp",
    primary_solution_type=_pa.PrimarySolutionType.SOFTWARE_PRODUCTS,
    alliance_lead_contact=_pa.AllianceLeadContact(
        first_name="Jane", last_name="Doe", email="alliances@example.com", business_title="Alliance Lead"
    ),
    email_verification_code=_pa.VerificationCode.for_sandbox(),
)
"""


@dataclass
class RoundOutcome:
    """The outcome for one app: how each command ended and how long it took.

    Attributes:
        asks: the app's requirement of aws-cdk-lib.
        before, after: the version of aws-cdk-lib without, and with the construct.
        tests_before, tests: the app's own tests without, and with the construct.
        alone: the rehearsal of the partner in a stack of its own.
        synth: `cdk synth`, with the partner in one of the app's own stacks.
        within: the rehearsal of that.
    """

    app: str
    commit: str
    asks: str
    before: str = "–"
    after: str = "–"
    tests_before: str = "–"
    tests: str = "–"
    alone: str = "–"
    synth: str = "–"
    within: str = "–"


class Trial:
    """One app in a folder of its own, in a virtual environment of its own."""

    def __init__(self, app: OtherApp, folder: Path, wheel: Path, command: Path, seconds: float) -> None:
        """Try this wheel of the construct, and the installed `command`; stop a rehearsal after so many seconds."""
        self._app = app
        self._folder = folder
        self._wheel = wheel
        self._rehearse: list[str | Path] = [command, "rehearse", "--fault", "rollback"]
        self._seconds = seconds
        self._code = folder / "code" / app.folder
        self._environment = folder / "venv"
        self._options = [word for value in app.context for word in ("--context", value)]
        self._options += ["--app", app.command] if app.command else []

    def run(self) -> RoundOutcome:
        """Do what a new user would do with the app, and record the outcome."""
        outcome = RoundOutcome(self._app.name, self._app.commit[:7], self._app.asks)
        try:
            self._try(outcome)
        except subprocess.CalledProcessError as error:
            outcome.synth = f"`{shlex.join(map(str, error.cmd))}` failed"
        (self._folder / "outcome.json").write_text(json.dumps(asdict(outcome), indent=2), "utf-8")
        return outcome

    def _try(self, outcome: RoundOutcome) -> None:
        app = self._app
        self._check_out()
        self._install(*app.install)
        if has_cli := (self._code / "package.json").exists() or bool(app.npm):
            self._shell("npm", ["npm", "install", "--no-audit", "--no-fund", *app.npm])
        outcome.before = self._version()
        outcome.tests_before = self._tests("tests-before")
        self._install(self._wheel)
        outcome.after = self._version()
        outcome.tests = self._tests("tests")

        untouched = (self._code / app.program).read_text("utf-8")
        self._add_partner(untouched, f'_cdk.Stack({app.scope}, "{OWN_STACK}")')
        own = f"{app.path}{OWN_STACK}"
        outcome.alone = self._shell("alone", [*self._rehearse, *self._options, own], self._seconds)
        self._add_partner(untouched, app.stack)
        cdk = ["npx", "cdk"] if has_cli else ["cdk"]
        outcome.synth = self._shell("synth", [*cdk, "synth", "--quiet", *self._options])
        outcome.within = self._shell("within", [*self._rehearse, *self._options, *app.rehearse], self._seconds)

    def _check_out(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "logs").mkdir(parents=True)
        clone = self._folder / "code"
        only = [self._app.folder] if self._app.folder != "." else ["--no-cone", "/*"]
        _check("git", "clone", "--quiet", "--no-checkout", f"https://github.com/{self._app.repository}", clone)
        _check("git", "-C", clone, "sparse-checkout", "set", *only)
        _check("git", "-C", clone, "checkout", "--quiet", self._app.commit)
        for name, text in self._app.files.items():
            (self._code / name).write_text(text, "utf-8")
        _check("uv", "venv", "--quiet", "--python", self._app.python, self._environment)

    def _install(self, *what: str | Path) -> None:
        _check("uv", "pip", "install", "--quiet", "--python", self._environment, *what, folder=self._code)

    def _version(self) -> str:
        python = str(self._environment / "bin" / "python")
        words = [python, "-c", "from importlib.metadata import version; print(version('aws-cdk-lib'))"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603

    def _add_partner(self, program: str, scope: str) -> None:
        """Write the app's program with a partner in `scope`."""
        before, marker, rest = program.rpartition(self._app.before)
        indent = before[before.rindex("\n") + 1 :]
        added = textwrap.indent(ADDED.format(scope=scope), indent).lstrip()
        (self._code / self._app.program).write_text(f"{before}{added}{indent}{marker}{rest}", "utf-8")

    def _tests(self, log: str) -> str:
        return self._shell(log, shlex.split(self._app.tests)) if self._app.tests else "–"

    def _shell(self, log: str, command: Sequence[str | Path], seconds: float = SECONDS_FOR_A_COMMAND) -> str:
        """Run a command as in a shell in which the app's virtual environment is active; how it ended."""
        path = f"{self._environment / 'bin'}:{os.environ['PATH']}"
        variables = {"PATH": path, "VIRTUAL_ENV": str(self._environment), **self._app.variables}
        return _ending(command, self._code, variables, self._folder / "logs" / f"{log}.log", seconds)


def _check(*command: str | Path, folder: Path = ROOT, variables: Mapping[str, str] | None = None) -> None:
    """Run what must work before anything can be tried."""
    words = [str(word) for word in command]
    subprocess.run(words, cwd=folder, env={**os.environ, **(variables or {})}, check=True)  # noqa: S603


def _ending(
    command: Sequence[str | Path], folder: Path, variables: Mapping[str, str], log: Path, seconds: float
) -> str:
    """How a command ended, and after how long; one that takes too long is ended, and then killed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "PYTHON"))}
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603
            [str(word) for word in command],
            cwd=folder,
            env={**inherited, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ending = "failed" if process.wait(seconds) else "passed"
        except subprocess.TimeoutExpired:
            # Not Ctrl-C's signal, which a shell's background job ignores.
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_CLEAN_UP)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            ending = STOPPED
    return f"{ending}, {time.monotonic() - began:.0f} s"


def build(folder: Path) -> tuple[Path, Path]:
    """The construct's wheel, and the command, installed apart from every app as `uv tool install` does it."""
    shutil.rmtree(folder / "wheel", ignore_errors=True)
    _check("uv", "build", "--quiet", "--wheel", "--out-dir", folder / "wheel", ROOT)
    (wheel,) = (folder / "wheel").glob("*.whl")
    _check(
        *("uv", "tool", "install", "--quiet", "--force", "--python", "3.11", f"{wheel}[cli,local-aws]"),
        variables={"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")},
    )
    return wheel, folder / "bin" / "partner-account"


def table(outcomes: Sequence[RoundOutcome]) -> str:
    """The outcomes as Markdown."""
    rows = [[*map(str, asdict(one).values())] for one in outcomes]
    heads = [name.replace("_", " ") for name in RoundOutcome.__dataclass_fields__]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("names", nargs=-1)
@click.option("--minutes", default=5.0, show_default=True, help="After which a rehearsal is stopped.")
def main(*, folder: Path, names: tuple[str, ...], minutes: float) -> None:
    """Try the apps (or those with these NAMES) in FOLDER, and print what became of all that are there."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wheel, command = build(folder)
    for app in APPS:
        if not names or app.name in names:
            outcome = Trial(app, folder / app.name, wheel, command, minutes * 60).run()
            click.echo(f"{app.name}: {outcome}", err=True)
    kept = (folder / app.name / "outcome.json" for app in APPS)
    click.echo(table([RoundOutcome(**json.loads(file.read_text("utf-8"))) for file in kept if file.exists()]))


if __name__ == "__main__":
    main()
