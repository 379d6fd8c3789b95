"""The real cdk CLI, run on an app's directory without changing it."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from partner_account_rehearsal import processes

# It asks nobody, and tells nobody: what runs here is a rehearsal.
QUIET = {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_DISABLE_VERSION_CHECK": "1"}


@dataclass(frozen=True)
class Result:
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
    ) -> Result:
        """Run `cdk` with the arguments, and `echo` each line as it comes.

        Raises:
            ProcessError: there is no cdk CLI.
        """
        values = [word for name, value in (context or {}).items() for word in ("--context", f"{name}={value}")]
        with processes.uninterrupted_cleanup() as resources:
            process = processes.start(
                [*self._command(arguments), *values],
                environment={**self.environment, **QUIET},
                folder=self.app,
                output=subprocess.PIPE,
                resources=resources,
            )
            output = ""
            for line in process.stdout or ():
                echo(line.rstrip("\n"))
                output += line
            return Result(process.wait(), output)

    def version(self) -> str:
        """The version of this CLI.

        Raises:
            ProcessError: there is no cdk CLI.
        """
        package = Path(self._program()).resolve().parents[1] / "package.json"
        if package.is_file() and (read := json.loads(package.read_text("utf-8"))).get("name") == "aws-cdk":
            return str(read["version"])
        # A shim of a version manager stands elsewhere; to ask the CLI itself takes it most of a second.
        return self.run("--version").output.split(" ")[0].strip()

    def _program(self) -> str:
        own = self.app / "node_modules" / ".bin"
        program = shutil.which("cdk", path=f"{own}{os.pathsep}{self.environment['PATH']}")
        if program is None:
            install = "npm ci" if (self.app / "package-lock.json").exists() else "npm install aws-cdk@2"
            raise processes.ProcessError(f"there is no cdk CLI: run `{install}` in {self.app}")
        return program

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [self._program(), *arguments, "--no-notices", "--output", str(self.folder / "cdk.out")]
