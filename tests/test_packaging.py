"""How the project is found, installed, built and locked. Other tests cover what the packages do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.test_architecture import PURE

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEMO = "requirements/demo.txt"
PACKAGES = [
    ROOT / "constructs/partner_account",
    ROOT / "lambda/partner_account_handler",
    ROOT / "simulator/partner_central_simulator",
    ROOT / "rehearsal/partner_account_rehearsal",
    ROOT / "cli/partner_account_cli",
]

# `Construct` is an empty base class of the PyPI package, and nothing else anywhere.
WHERE_IS_CONSTRUCT = "import sys; from constructs import Construct; print(sys.modules[Construct.__module__].__file__)"

# A customer's app: prints where the construct came from, and the hash of the Lambda function's asset.
APP = """
import json, pathlib, sys
import aws_cdk as cdk
import partner_account
from partner_account import AllianceLeadContact, Catalog, PartnerAccount, PrimarySolutionType, VerificationCode

app = cdk.App(outdir=sys.argv[1])
PartnerAccount(
    cdk.Stack(app, "Stack"),
    "Partner",
    catalog=Catalog.SANDBOX,
    legal_name="Example Corp",
    primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
    alliance_lead_contact=AllianceLeadContact(
        first_name="Jane", last_name="Doe", email="jane@example.com", business_title="Alliance Lead"
    ),
    email_verification_code=VerificationCode.for_sandbox(),
)
app.synth()
manifest = json.loads(pathlib.Path(sys.argv[1], "Stack.assets.json").read_text())
print(json.dumps({
    "file": partner_account.__file__,
    "assets": [key for key, file in manifest["files"].items() if file["source"]["packaging"] == "zip"],
}))
"""


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """What a command prints, run with nothing of this test run's import path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def project_files(*under: Path) -> list[Path]:
    """The files that git tracks, or would track if they were added."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *under, cwd=ROOT)
    return [path for line in set(listed.splitlines()) if (path := ROOT / line).is_file()]


# --- Where imports lead ---


def is_from_pypi(file: str) -> bool:
    """Whether a file belongs to the installed distribution `constructs`."""
    return Path(file).is_relative_to(Path(str(distribution("constructs").locate_file("constructs"))))


@pytest.mark.parametrize("start", ["checkout", "elsewhere"])
def test_python_finds_the_constructs_of_pypi(start: str, tmp_path: Path) -> None:
    """Python finds PyPI's `constructs`, also with the checkout's `constructs` folder first on its path."""
    cwd = {"checkout": ROOT, "elsewhere": tmp_path}[start]
    assert is_from_pypi(run(sys.executable, "-c", WHERE_IS_CONSTRUCT, cwd=cwd))


@pytest.mark.parametrize("runner", [["pytest"], [sys.executable, "-m", "pytest"]], ids=["pytest", "python -m"])
def test_pytest_finds_the_constructs_of_pypi(runner: list[str], tmp_path: Path) -> None:
    """Both ways of starting pytest, with the project's settings, import PyPI's `constructs`."""
    inner = tmp_path / "test_inner.py"
    inner.write_text(f"def test_print():\n    {WHERE_IS_CONSTRUCT}\n")
    options: list[str | Path] = ["-qs", "-p", "no:cacheprovider", "--rootdir", ROOT, "-c", ROOT / "pyproject.toml"]
    assert is_from_pypi(run(*runner, *options, inner, cwd=ROOT).splitlines()[0])


def test_editable_install_serves_every_package(tmp_path: Path) -> None:
    """Outside the checkout, the editable install imports the five packages from the checkout."""
    names = ", ".join(package.name for package in PACKAGES)
    script = f"import {names}; print(*[m.__path__[0] for m in ({names})], sep='\\n')"
    assert run(sys.executable, "-c", script, cwd=tmp_path).splitlines() == [str(path) for path in PACKAGES]


def test_source_roots_are_no_packages() -> None:
    """No source root holds an `__init__.py`, which would shadow PyPI's `constructs` or name a keyword."""
    assert [package.parent for package in PACKAGES if (package.parent / "__init__.py").exists()] == []


def test_construct_imports_only_what_an_app_needs(tmp_path: Path) -> None:
    """Importing the construct loads nothing of the simulator, the command or their dependencies.

    Of the handler it loads what tests/test_architecture.py calls pure.
    """
    script = "import sys, partner_account; print(*sys.modules, sep='\\n')"
    modules = set(run(sys.executable, "-c", script, cwd=tmp_path).splitlines())
    handler = {name for name in modules if name.startswith("partner_account_handler.")}
    assert handler <= {f"partner_account_handler.{name}" for name in PURE}
    loaded = {name.partition(".")[0] for name in modules}
    assert "partner_account" in loaded
    others = {package.name for package in PACKAGES} - {"partner_account", "partner_account_handler"}
    assert (
        loaded & (others | {"boto3", "botocore", "crhelper", "werkzeug", "click", "rich", "yaml", "ministack"}) == set()
    )


# --- The wheel ---


BUILD = ["-m", "build", "--no-isolation"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, and the wheel that is built from it, as a release would be."""
    built = tmp_path_factory.mktemp("dist")
    run(sys.executable, *BUILD, "--outdir", built, ROOT, cwd=built, SOURCE_DATE_EPOCH="1700000000")
    return built


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The wheel alone."""
    [wheel] = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def customer(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel, and borrows only its dependencies from this one.

    A folder that a `.pth` file names has its own `.pth` files ignored, the editable install's among them.
    """
    home = tmp_path_factory.mktemp("customer")
    venv.create(home / "venv")
    python = home / "venv/bin/python"
    options = ["--disable-pip-version-check", "--quiet", "install", "--no-deps", "--no-index"]
    run(sys.executable, "-m", "pip", "--python", python, *options, wheel, cwd=home)
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home))
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home


def synthesize(python: str | Path, folder: Path) -> dict[str, str]:
    """Where a customer's app in `folder`, run by `python`, found the construct, and its assets."""
    (folder / "app.py").write_text(APP)
    printed: dict[str, str] = json.loads(run(python, "app.py", folder / "cdk.out", cwd=folder))
    return printed


@pytest.mark.slow
def test_wheel_contains_only_the_packages(wheel: Path) -> None:
    """The wheel holds each file of the four packages, the licence and its own metadata, and no other file."""
    shipped = {path.relative_to(package.parent) for package in PACKAGES for path in project_files(package)}
    metadata = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    info = f"cdk_partner_account-{PYPROJECT['project']['version']}.dist-info"
    assert set(zipfile.ZipFile(wheel).namelist()) == {str(path) for path in shipped} | {
        f"{info}/{name}" for name in metadata
    }
    assert {Path(package.name, "py.typed") for package in PACKAGES} <= shipped


@pytest.mark.slow
def test_wheel_works_in_another_project(customer: Path, tmp_path: Path) -> None:
    """The installed wheel synthesizes a customer's app, with the very asset that the checkout makes."""
    from_wheel = synthesize(customer / "venv/bin/python", customer)
    from_checkout = synthesize(sys.executable, tmp_path)
    assert Path(from_wheel["file"]).is_relative_to(customer)
    assert Path(from_checkout["file"]).is_relative_to(ROOT)
    assert from_wheel["assets"] == from_checkout["assets"]
    assert len(from_wheel["assets"]) == 1


@pytest.mark.slow
def test_build_is_reproducible_in_another_environment(dist: Path, tmp_path: Path) -> None:
    """In another folder, with files of another age and other rights, in another time zone and order of hashing."""
    elsewhere = tmp_path / "another name"
    for path in project_files():
        copy = elsewhere / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o700 if os.access(path, os.X_OK) else 0o600)
        os.utime(copy, (1e9, 1e9))
    other = {"SOURCE_DATE_EPOCH": "1700000000", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    run(sys.executable, *BUILD, "--outdir", tmp_path, elsewhere, cwd=tmp_path, **other)
    for built in dist.iterdir():
        assert (tmp_path / built.name).read_bytes() == built.read_bytes()
    assert sorted(path.suffix for path in dist.iterdir()) == [".gz", ".whl"]


@pytest.mark.slow
def test_distributions_pass_the_registrys_checks(dist: Path) -> None:
    """Their metadata are whole, and the README can be shown."""
    twine = [sys.executable, "-m", "twine", "check", "--strict"]
    told = run(*twine, *dist.iterdir(), cwd=dist, PYTHONPATH=str(ROOT / ".venv/publish"), NO_COLOR="1")
    assert told.count("PASSED") == 2


@pytest.mark.slow
def test_source_distribution_contains_the_files_tracked_by_git(dist: Path) -> None:
    """So that it can be tested and documented from; nothing else is in it but its metadata."""
    [sdist] = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames()}
    assert held == {str(path.relative_to(ROOT)) for path in project_files()} | {"PKG-INFO"}


# --- The lock files ---


def direct_requirements() -> list[Requirement]:
    """Everything that pyproject.toml requires by name, except what has a folder of its own."""
    project = PYPROJECT["project"]
    optional = chain(*project["optional-dependencies"].values(), PYPROJECT["dependency-groups"]["dev"])
    asked = chain(PYPROJECT["build-system"]["requires"], project["dependencies"], optional)
    return [found for text in asked if (found := Requirement(text)).name != project["name"]]


def pins(lock: str) -> dict[str, Version]:
    """Name and version of what a lock file pins for this Python."""
    entries = re.findall(r"^([^#\s][^\\\n]*)", (ROOT / lock).read_text(), re.MULTILINE)
    requirements = [Requirement(entry) for entry in entries]
    here = [found for found in requirements if found.marker is None or found.marker.evaluate()]
    return {canonicalize_name(found.name): Version(next(iter(found.specifier)).version) for found in here}


def unpinned(wanted: list[Requirement], lock: str) -> list[str]:
    """The requirements that a lock file doesn't pin to a version which they allow."""
    locked = pins(lock)
    return [
        str(found)
        for found in wanted
        if not found.specifier.contains(locked.get(canonicalize_name(found.name), Version("0")))
    ]


def test_lock_pins_each_direct_dependency() -> None:
    """Each requirement in pyproject.toml is pinned, to a version that it allows."""
    assert unpinned(direct_requirements(), "requirements.txt") == []
    publish = [Requirement(text) for text in PYPROJECT["dependency-groups"]["publish"]]
    assert unpinned(publish, "requirements/publish.txt") == []


def test_demo_lock_is_the_subset_of_the_main_lock_that_the_demo_needs() -> None:
    """What pyproject.toml names for users, in the versions that the tests run on, and nothing that only tests need."""
    extras = PYPROJECT["project"]["optional-dependencies"].values()
    wanted = [Requirement(text) for text in chain(PYPROJECT["project"]["dependencies"], *extras)]
    assert unpinned([found for found in wanted if found.name != PYPROJECT["project"]["name"]], DEMO) == []
    assert pins(DEMO).items() <= pins("requirements.txt").items()
    assert pins(DEMO).keys() & {"awscli", "moto", "mypy", "pytest", "sphinx", "twine"} == set()


def promised() -> list[Requirement]:
    """What the wheel depends on, with the extras that need no local AWS."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    more = [Requirement(text) for text in [*extras["simulator"], *extras["cli"]]]
    return [*promised_by_construct(), *(wanted for wanted in more if wanted.name != PYPROJECT["project"]["name"])]


def promised_by_construct() -> list[Requirement]:
    """What an app needs that has the construct alone."""
    return [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]


def floor_of_construct() -> dict[str, Version]:
    """What `make test-floor` has installed for the tests of the construct."""
    return pins("requirements/floor.txt") | pins("requirements/floor-construct.txt")


def test_floor_pins_the_minimum_versions() -> None:
    """Each dependency of the wheel to the lowest that pyproject.toml promises; that of an extra may be higher."""
    assert lowest(promised()).items() <= pins("requirements/floor.txt").items()
    assert lowest(promised_by_construct()).items() <= floor_of_construct().items()


def lowest(wanted: list[Requirement]) -> dict[str, Version]:
    """The lower bounds by name."""
    return {
        canonicalize_name(found.name): Version(specifier.version)
        for found in wanted
        for specifier in found.specifier
        if specifier.operator == ">="
    }


def test_newest_pins_no_older_version_than_the_main_lock() -> None:
    """Of each dependency of the wheel one that is promised; MiniStack holds back some in the main lock."""
    assert unpinned(promised(), "requirements/newest.txt") == []
    main, newest = pins("requirements.txt"), pins("requirements/newest.txt")
    assert [name for name, version in newest.items() if version < main.get(name, version)] == []


def test_files_contain_no_registry_host_and_no_machine_path() -> None:
    """No file of the project names a package registry's host or a folder of the machine it was written on."""
    private = re.compile(
        rf"(?:pypi|pythonhosted|npmjs|yarnpkg)\.(?:org|com)|/(?:home|Users|root)/|{re.escape(str(ROOT))}/"
    )
    texts = {path: path.read_text(errors="replace") for path in project_files()}
    assert ROOT / "requirements.txt" in texts
    assert {str(path): found[0] for path, text in texts.items() if (found := private.search(text))} == {}


def test_newest_has_the_cdk_of_the_main_lock() -> None:
    """So `make test-newest` may leave out what only CDK could change. If it hasn't: `make lock ARGS=--upgrade`."""
    main, newest = pins("requirements.txt"), pins("requirements/newest.txt")
    assert [name for name in ("aws-cdk-lib", "constructs", "jsii") if newest[name] != main[name]] == []


def test_each_test_that_another_version_may_fail_is_where_make_looks_for_it() -> None:
    """Else its marker would mean nothing."""
    mark = re.compile(r"^ *(@|pytestmark = )pytest\.mark\.versions$", re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    marked = {path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py") if mark.search(path.read_text())}
    places = {f"tests/{path.parts[1]}" for path in marked}
    assert places
    assert {place for place in places if place not in makefile} == set()
