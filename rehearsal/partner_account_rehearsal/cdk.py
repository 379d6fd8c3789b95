"""The real cdk CLI, run on an app's directory without changing it."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partner_account_rehearsal import processes

# No telemetry and no version check: this is a rehearsal.
QUIET = {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_DISABLE_VERSION_CHECK": "1"}

NO_BUILD = "--build="
"""Keeps the CLI from running the `build` of `cdk.json`."""

MINUTES = 30
"""How long a command may take."""

# Older ones call the real AWS, whatever AWS_ENDPOINT_URL is: they have an older SDK.
_OLDEST = (2, 167)


@dataclass(frozen=True)
class CommandResult:
    """How a cdk command ended: its exit code, and all that it printed."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Cdk:
    """The cdk CLI for one app.

    Attributes:
        app: the directory with the app's `cdk.json`.
        folder: where the cloud assembly and the CLI's caches go.
        environment: the complete environment of the CLI and of the app.
    """

    app: Path
    folder: Path
    environment: Mapping[str, str]

    def run(
        self,
        *arguments: str,
        context: Mapping[str, str] | None = None,
        echo: Callable[[str], None] = lambda _line: None,
    ) -> CommandResult:
        """Run `cdk` with the arguments, and `echo` each line as it comes.

        Raises:
            ProcessError: there is no cdk CLI, it is too old, or it has not ended after 30 minutes.
        """
        program = self._program()
        self._write_profile()
        values = [word for name, value in (context or {}).items() for word in ("--context", f"{name}={value}")]
        # The CLI runs the `build` of `cdk.json` even where it only reads a cloud assembly.
        if "--app" in arguments and Path(arguments[arguments.index("--app") + 1]).is_dir():
            values.append(NO_BUILD)
        with processes.uninterrupted_cleanup() as resources:
            process = processes.start(
                [program, *arguments, "--no-notices", "--output", str(self.folder / "cdk.out"), *values],
                environment={**self.environment, **QUIET},
                folder=self.app,
                output=subprocess.PIPE,
                resources=resources,
            )
            stopped = threading.Event()

            def stop() -> None:
                stopped.set()
                processes.end_group(process.pid)

            timer = threading.Timer(60 * MINUTES, stop)
            timer.daemon = True
            # However this ends: the process ID may be another process's by then.
            resources.callback(timer.cancel)
            timer.start()
            output = ""
            for line in process.stdout or ():
                echo(line.rstrip("\n"))
                output += line
            exit_code = process.wait()
            if stopped.is_set():
                raise processes.ProcessError(
                    f"cdk {arguments[0]} was stopped: it had not ended after {MINUTES} minutes"
                )
            return CommandResult(exit_code, output)

    def version(self) -> str:
        """The version of this CLI.

        Raises:
            ProcessError: there is none, or it is too old.
        """
        return self._version(self._program()).split(" ")[0].strip()

    def _program(self) -> str:
        """The app's own, or else the first on the PATH, as `npx cdk` finds it."""
        own = self.app / "node_modules" / ".bin"
        program = shutil.which("cdk", path=f"{own}{os.pathsep}{self.environment['PATH']}")
        if program is None:
            install = "npm ci" if (self.app / "package-lock.json").exists() else "npm install aws-cdk@2"
            raise processes.ProcessError(f"there is no cdk CLI: run `{install}` in {self.app}")
        version = self._version(program)
        if (numbers := re.match(r"(\d+)\.(\d+)", version)) and (int(numbers[1]), int(numbers[2])) < _OLDEST:
            raise processes.ProcessError(
                f"{program} is version {version}, which would call the real AWS: "
                f"run `npm install aws-cdk@2` in {self.app} for {_OLDEST[0]}.{_OLDEST[1]} or newer"
            )
        return program

    def _version(self, program: str) -> str:
        for folder in Path(program).resolve().parents:
            package = _read_json(folder / "package.json")
            if package.get("name") == "aws-cdk":
                return str(package["version"])
        # Such as a shim of a version manager. Old ones also check for a newer version, unless that is disabled.
        asked = {**self.environment, **QUIET}
        command = [program, "--version"]
        return subprocess.run(command, cwd=self.app, env=asked, capture_output=True, text=True, check=False).stdout  # noqa: S603

    def _write_profile(self) -> None:
        """Give the profile that `cdk.json` names the credentials of this environment."""
        for file in (self.app / "cdk.json", Path.home() / ".cdk.json"):
            profile = _read_json(file).get("profile")
            if profile and (credentials := self.environment.get("AWS_SHARED_CREDENTIALS_FILE")):
                names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
                values = (f"{name.lower()} = {self.environment[name]}" for name in names)
                Path(credentials).write_text("\n".join([f"[{profile}]", *values, ""]), "utf-8")
                return


def _read_json(file: Path) -> Mapping[str, Any]:
    """The object in a file; an empty one if there is none, or if it is invalid, which the CLI reports."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
