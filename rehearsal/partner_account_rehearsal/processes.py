"""Child processes that leave nothing behind, however the parent ends.

What the processes are, and what they need to run, is up to the callers.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

assert sys.platform != "win32"  # noqa: S101 - importers have called `require_posix`

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS_TO_START = 30.0
# Nothing that runs here has anything to save.
SECONDS_TO_STOP = 1.0

T = TypeVar("T")


class ProcessError(Exception):
    """A program is missing, could not be started, or ended when it should have kept running."""


@contextmanager
def uninterrupted_cleanup() -> Iterator[ExitStack]:
    """An exit stack whose cleanup is never interrupted."""
    resources = ExitStack()
    try:
        yield resources
    finally:
        with interruptions_deferred():
            resources.close()


@contextmanager
def interruptions_deferred() -> Iterator[None]:
    """Defer interruptions until the end of the block, then raise the first one."""
    held: list[int] = []
    previous = {number: signal.signal(number, lambda n, _: held.append(n)) for number in INTERRUPTIONS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


@contextmanager
def interruptions_as_exits() -> Iterator[None]:
    """Let termination and a closed terminal unwind the stack as Ctrl-C does, so that every `finally` runs.

    Ignored signals, as under `nohup`, stay ignored, except SIGINT: shells make background jobs ignore it, and nobody
    could interrupt them.
    """

    def unwind(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    deadly = (number for number in INTERRUPTIONS if signal.getsignal(number) is signal.SIG_DFL)
    previous = {number: signal.signal(number, unwind) for number in deadly}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        previous[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def start(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: int | IO[str],
    resources: ExitStack,
    file_descriptors: Sequence[int] = (),
) -> subprocess.Popen[str]:
    """Start `command` in `folder`; `resources` ends it, and every process that it starts.

    It leads a process group of its own: Ctrl-C in the terminal reaches only the parent, which then ends
    its children in the right order.
    """
    with interruptions_deferred():
        process = subprocess.Popen(  # noqa: S603 - the caller's own command, and no shell
            [str(word) for word in command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=file_descriptors,
        )
        resources.callback(end, process)
    return process


def end(process: subprocess.Popen[str]) -> None:
    """End the process and its group: by SIGTERM, then by SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_STOP)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def end_group(number: int) -> None:
    """End a process group of another program: by SIGTERM, then by SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(number, signal.SIGTERM)
        deadline = time.monotonic() + SECONDS_TO_STOP
        while time.monotonic() < deadline:
            time.sleep(0.05)
            os.killpg(number, 0)
        os.killpg(number, signal.SIGKILL)


def command_of(pid: int) -> str:
    """The command line of a running process; empty if there is none with this ID."""
    return subprocess.run(  # noqa: S603 - a process ID, and no shell
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607 - of the user's own PATH
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    ).stdout.strip()


@dataclass(frozen=True)
class Server:
    """A server process, whose output goes to the file `log`."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    def wait_for(self, ready: Callable[[], T | None]) -> T:
        """Wait until `ready` returns something, and return that.

        Raises:
            ProcessError: the server has ended, or isn't ready after 30 seconds.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while self.process.poll() is None and time.monotonic() < deadline:
            if (answer := ready()) is not None:
                return answer
            time.sleep(0.05)
        last_lines = "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-20:])
        raise ProcessError(f"{self.name} did not start. The end of its log:\n{last_lines}")
