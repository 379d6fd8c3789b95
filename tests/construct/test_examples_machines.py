"""The example programs, run as the cdk CLI runs them, on two machines that have little in common but the source."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from partner_account_rehearsal.local_aws import JSII_CACHES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SOURCES = ("constructs", "examples", "lambda")
PROGRAMS = ["app.py", *sorted(f"examples/{path.name}" for path in (ROOT / "examples").glob("*.py"))]
CONTEXT = {
    # What the cdk CLI asks for by default.
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:version-reporting": True,
    "partner_arn": "arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/partner-abcDEF1234567",
    "reader_account": "222222222222",
    "reader_region": "eu-west-1",
}
# One process for all programs, since to start jsii takes most of the time.
RUN = """
import os, runpy, sys
from pathlib import Path
import partner_account, partner_account_handler

for package in (partner_account, partner_account_handler):
    assert Path(package.__file__).is_relative_to(Path.cwd()), package
for program in sys.argv[2:]:
    runpy.run_path(program, run_name="__main__")
    Path(os.environ["CDK_OUTDIR"]).rename(Path(sys.argv[1], Path(program).stem))
"""


def synthesized(source: Path, folder: Path, mask: int, **surroundings: str) -> dict[str, bytes]:
    """All files of the cloud assemblies that a machine makes of the source, by name."""
    made = folder / "assemblies"
    made.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(str(source / name) for name in ("constructs", "lambda")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": jsii_cache(),
        "CDK_DEFAULT_ACCOUNT": "111111111111",
        "CDK_DEFAULT_REGION": "us-east-1",
        "CDK_CONTEXT_JSON": json.dumps(CONTEXT),
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "NODE_NO_WARNINGS": "1",  # of more than ten apps in one process, which nobody else has
        **surroundings,
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(made), *PROGRAMS],
        cwd=source,
        env=environment,
        umask=mask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {str(path.relative_to(made)): path.read_bytes() for path in made.rglob("*") if path.is_file()}


def jsii_cache() -> str:
    """Where jsii has unpacked aws-cdk-lib already; to do so anew takes it ten seconds."""
    name = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
    return os.environ.get(name) or str(Path.home() / JSII_CACHES[sys.platform == "darwin"])


def fresh_copy(folder: Path) -> Path:
    """The sources in another place, with other times and modes."""
    copy = folder / "some where else"
    for name in SOURCES:
        for path in (ROOT / name).rglob("*.py"):
            target = copy / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    shutil.copyfile(ROOT / "app.py", copy / "app.py")
    return copy


def test_every_machine_makes_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Folder, user, locale, time zone, hash seed and file modes leave no trace in template, asset or manifest.

    So `cdk diff` shows no difference that nobody has made. Nor do the programs print anything.
    """
    here, there = (tmp_path_factory.mktemp(name) for name in ("here", "there"))
    one = synthesized(ROOT, here, 0o022, LANG="C.UTF-8", TZ="UTC", PYTHONHASHSEED="1", USER="jane")
    other = synthesized(
        fresh_copy(there), there, 0o077, LC_ALL="POSIX", TZ="Pacific/Kiritimati", PYTHONHASHSEED="2", USER="john"
    )
    assert {name.partition("/")[0] for name in one} == {Path(program).stem for program in PROGRAMS}
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
