"""`make demo` as its user has it: a program that tells its story, ends well or says why not, and cleans up."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from partner_account_cli.cdk import Cdk
from partner_account_cli.processes import ProcessError
from tests.test_local_aws import eventually_none, heed_interruptions, processes_that_name

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Place:
    """A directory with the example app, and a temporary directory that nobody else uses."""

    app: Path
    temporary: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the demo."""
        heed_interruptions()
        programs = f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            [sys.executable, "-m", "partner_account_cli", "demo", *arguments],
            cwd=self.app,
            env=os.environ | {"PATH": programs, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def assert_untouched(self) -> None:
        """Nothing was left behind, and the app's directory is as it was."""
        assert list(self.temporary.iterdir()) == []
        assert eventually_none(self.temporary)
        assert sorted(path.name for path in self.app.rglob("*")) == ["app.py", "cdk.json"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The example app as it is in the checkout."""
    place = Place(tmp_path / "app", tmp_path / "temporary")
    place.temporary.mkdir()
    place.app.mkdir()
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, place.app)
    return place


def test_it_tells_the_life_of_one_partner(place: Place) -> None:
    """The whole demo succeeds with one CreatePartner and one PutAllianceLeadContact, and can be kept and ended."""
    with place.start("--keep") as demo:
        told, _ = demo.communicate(timeout=280)
    assert demo.returncode == 0, told
    requests = re.findall(r"Partner Central received: (.*)", told)
    assert sum(line.count("CreatePartner") for line in requests) == 1
    assert sum(line.count("PutAllianceLeadContact") for line in requests) == 1
    assert requests[4] == "nothing"
    assert len(set(re.findall(r"partner-[A-Za-z0-9]{13}", told))) == 1
    assert "\x1b" not in told, "colours are for terminals"

    farewell = told.splitlines()[-1]
    assert processes_that_name(place.temporary), "it was to go on running"
    subprocess.run(["sh", "-c", farewell], check=True)
    place.assert_untouched()


def test_interrupted_midway_it_leaves_nothing(place: Place) -> None:
    """Ctrl-C during the deployment ends the demo, the CLI and the servers, and the directory is as before."""
    with place.start() as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "PartnerAccount: creating CloudFormation changeset" in line:
                break
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert demo.returncode != 0
    place.assert_untouched()


def test_a_step_that_does_something_else_fails_the_demo(place: Place) -> None:
    """If the app doesn't do what the demo promises, the demo says what differs, fails, and leaves nothing."""
    app = (place.app / "app.py").read_text()
    (place.app / "app.py").write_text(app.replace('"PartnerProfileId"', '"PartnerId"'))
    with place.start() as demo:
        told, _ = demo.communicate(timeout=120)
    assert demo.returncode == 1
    assert told.splitlines()[-1].startswith("Error: what the second stack read should be")
    assert "Traceback" not in told
    place.assert_untouched()


def test_elsewhere_it_says_where_it_belongs(place: Place) -> None:
    """In a directory without an app it says so, and starts nothing."""
    (place.app / "cdk.json").unlink()
    with place.start() as demo:
        told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert told.startswith("Error: there is no cdk.json here")


def test_without_the_cdk_cli_it_says_how_to_get_it(place: Place) -> None:
    """A missing cdk CLI is named, with the command that installs it."""
    with pytest.raises(ProcessError, match="there is no cdk CLI: run `npm ci`"):
        Cdk(place.app, place.temporary, {"PATH": str(place.temporary)}).run("synth")
