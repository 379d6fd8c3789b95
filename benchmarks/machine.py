"""Machine, time and versions of a run, without which no number means anything."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.contenders import ROOT

PACKAGES = ("aws-cdk-lib", "boto3", "crhelper", "awslambdaric", "ministack")


def about() -> dict[str, str]:
    """Everything that a reader needs to interpret the numbers."""
    processor = _found(r"model name.*: (.+)", "/proc/cpuinfo") or platform.processor()
    kibibytes = int(_found(r"MemTotal: +([0-9]+)", "/proc/meminfo") or 0)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _told("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "processor": f"{processor}, {os.cpu_count()} cores",
        "memory": f"{kibibytes / 2**20:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "load at the beginning": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "Node.js": _told("node", "--version").removeprefix("v"),
        "cdk CLI": _told(str(ROOT / "node_modules" / ".bin" / "cdk"), "--version").split(" ")[0],
        **{name: version(name) for name in PACKAGES},
    }


def _found(pattern: str, path: str) -> str:
    found = re.search(pattern, Path(path).read_text()) if Path(path).exists() else None
    return found[1] if found else ""


def _told(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - as written here
    return done.stdout.strip() or "unknown"
