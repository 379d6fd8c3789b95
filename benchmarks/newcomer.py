"""A newcomer's waiting times: the demo and the tests in a new clone, and a rehearsal of another app."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.contenders import CONSTRUCT, ROOT
from benchmarks.series import Results

METRIC = "newcomer "
DEMO_INSTALL = "`make demo`, installation"
DEMO_RUN = "`make demo`, run"
TEST_INSTALL = "`make test`, installation"
TEST_VERSIONS = "`make test`, style ‖ oldest ‖ newest versions"
TEST_ALL = "`make test`, all tests"
OTHER_APP = "rehearsal of somebody else's app"
STAGES = (DEMO_INSTALL, DEMO_RUN, TEST_INSTALL, TEST_VERSIONS, TEST_ALL, OTHER_APP)
_DEMO = (".venv/installed", "node_modules/.package-lock.json")
_ENVIRONMENTS = (".venv", ".venv-floor", ".venv/newest")
_TEST = ("install", ".venv-floor/construct", *(f"{environment}/compiled" for environment in _ENVIRONMENTS))


def measure(results: Results, other_app: Path | None) -> None:
    """Measure all stages in a clone of the last commit, with caches of its own, which are empty at first.

    `other_app` is the folder of a ready app's `cdk.json`, with a PartnerAccount in it and its packages in `.venv`.
    """
    name = CONSTRUCT.name
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        clone, cache = Path(folder, "clone"), Path(folder, "cache")
        variables = {"PIP_CACHE_DIR": str(cache / "pip"), "npm_config_cache": str(cache / "npm")}
        # Nothing of the `make bench` that may have started this, and no packages that this machine has at hand.
        variables |= {"MAKEFLAGS": "", "MAKELEVEL": "0", "ARGS": "", "PIP_FIND_LINKS": ""}
        _run(Path(folder), "git", "clone", "--quiet", str(ROOT), str(clone))
        with results.attempt(METRIC + DEMO_INSTALL, name):
            results.add(METRIC + "wall", DEMO_INSTALL, name, _run(clone, "make", *_DEMO, **variables)[0])
            _add_fetched(results, DEMO_INSTALL, cache)
            results.add(METRIC + "kept", DEMO_INSTALL, name, _bytes(clone / ".venv") + _bytes(clone / "node_modules"))
        with results.attempt(METRIC + DEMO_RUN, name):
            results.add(METRIC + "wall", DEMO_RUN, name, _run(clone, "make", "demo", **variables)[0])
        with results.attempt(METRIC + TEST_INSTALL, name):
            before = _bytes(cache)
            results.add(METRIC + "wall", TEST_INSTALL, name, _run(clone, "make", *_TEST, **variables)[0])
            _add_fetched(results, TEST_INSTALL, cache, before)
        with results.attempt(METRIC + "`make test`", name):
            seconds, began = _run(clone, "make", "test", **variables)
            results.add(METRIC + "wall", TEST_VERSIONS, name, began["2 of 2"] - began["1 of 2"])
            results.add(METRIC + "wall", TEST_ALL, name, seconds - began["2 of 2"])
    if other_app is None:
        results.miss(METRIC + OTHER_APP, name, "no folder was given: `make bench ARGS='--newcomer --other-app FOLDER'`")
        return
    with results.attempt(METRIC + OTHER_APP, name):
        path = os.pathsep.join(
            [str(other_app / ".venv" / "bin"), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]
        )
        command = str(ROOT / ".venv" / "bin" / "partner-account")
        listed = subprocess.run(  # noqa: S603 - the app that was given
            [str(ROOT / "node_modules" / ".bin" / "cdk"), "ls"],
            cwd=other_app,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        results.add(METRIC + "stacks", OTHER_APP, name, len(listed.stdout.split("\n")) - 1)
        results.add(METRIC + "wall", OTHER_APP, name, _run(other_app, command, "rehearse", PATH=path)[0])


def _add_fetched(results: Results, stage: str, cache: Path, before: int = 0) -> None:
    """Add the size of the caches, unless the index forbids pip to cache anything."""
    if (cache / "pip").exists():
        results.add(f"{METRIC}fetched", stage, CONSTRUCT.name, _bytes(cache) - before)


def _run(folder: Path, *command: str, **variables: str) -> tuple[float, Mapping[str, float]]:
    """Run a command; its seconds, and at which of them each of its stages (`1 of 2: …`) began."""
    began, stages, last = time.monotonic(), {}, ""
    process = subprocess.Popen(  # noqa: S603 - as written here
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        for line in process.stdout or ():
            last = line.strip() or last
            if line[1:5] == " of ":
                stages[line[:6]] = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:2])} failed: {last}")
    return time.monotonic() - began, stages


def _bytes(folder: Path) -> int:
    """The size of a folder, without files that Python compiled while it ran."""
    files = (path for path in folder.rglob("*") if path.suffix != ".pyc")
    return sum(path.lstat().st_size for path in files if path.is_symlink() or path.is_file())
