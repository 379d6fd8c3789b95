"""Which processes still run on behalf of a folder, and how a test's own ones are made interruptible."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path


def processes_that_name(folder: Path | str) -> list[str]:
    """The processes whose command line or environment names the folder."""
    listed = subprocess.run(["ps", "axeww", "-o", "pid=,args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line and "ps axeww" not in line]


def heed_interruptions() -> None:
    """What a test run in the background, or by nohup, starts would ignore them, as the test run itself does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def eventually_none(folder: Path | str) -> bool:
    """Whether the processes that name the folder end within ten seconds."""
    deadline = time.monotonic() + 10
    while processes_that_name(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not processes_that_name(folder)
