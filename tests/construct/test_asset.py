"""The Lambda function's code: what is in it, how big it is, and that it is the same everywhere."""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import aws_cdk as cdk
import pytest
from botocore import xform_name

from partner_account import PartnerAccountError, asset, service_model
from partner_account.asset import code_alone
from tests.construct.apps import files_in, new_app, new_stack, partner_in, resource_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
MODEL = "models/partnercentral-account/2025-04-04"
SURROUNDINGS = os.environ | {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}


def staged_in(app: cdk.App) -> Path:
    """The only folder that CDK has copied into the cloud assembly."""
    (folder,) = Path(app.synth().directory).glob("asset.*")
    return folder


def asset_of_a_partner() -> dict[str, bytes]:
    """The files of the function behind a partner."""
    app = new_app()
    partner_in(cdk.Stack(app, "Demo"))
    return files_in(staged_in(app))


def key_of_code() -> str:
    """The name under which the function's code is uploaded: its hash."""
    stack = new_stack()
    partner_in(stack)
    key: str = resource_of(stack, "AWS::Lambda::Function")["Properties"]["Code"]["S3Key"]
    return key


def installed(package: str) -> Path:
    """Where a package is, without importing it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


@pytest.fixture
def forgetful() -> Iterator[None]:
    """The parts are read anew, and again after the test."""
    asset._files.cache_clear()  # noqa: SLF001
    yield
    asset._files.cache_clear()  # noqa: SLF001


def put_first(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Modules in the folder are found before installed ones."""
    monkeypatch.syspath_prepend(str(folder))
    # A package that is imported already is found where it was imported from.
    monkeypatch.delitem(sys.modules, "partner_account_handler")
    asset._files.cache_clear()  # noqa: SLF001


# --- What is in it ---


@pytest.mark.versions
def test_the_asset_holds_handler_crhelper_and_service_model_and_nothing_else() -> None:
    """Their Python files; the module that the function names as its handler is among them."""
    model = {f"{MODEL}/{name}" for name in ("service-2.json", "endpoint-rule-set-1.json.gz")}
    packages = {
        f"{package}/{path.relative_to(installed(package)).as_posix()}"
        for package in ("partner_account_handler", "crhelper")
        for path in installed(package).rglob("*.py")
    }
    stack = new_stack()
    partner_in(stack)
    properties = resource_of(stack, "AWS::Lambda::Function")["Properties"]
    app = stack.node.root
    assert isinstance(app, cdk.App)
    folder = staged_in(app)
    found = files_in(folder)
    assert found.keys() == model | packages
    assert f"{properties['Handler'].rpartition('.')[0].replace('.', '/')}.py" in packages
    assert properties["Code"]["S3Key"] == f"{folder.name.removeprefix('asset.')}.zip"


@pytest.mark.versions
def test_the_service_model_is_botocores_own_of_what_the_function_may_call_without_documentation() -> None:
    """The API's metadata is all there, and each operation with all shapes that it reaches."""
    bundled = asset_of_a_partner()[f"{MODEL}/service-2.json"]
    whole = gzip.decompress((service_model.model_folder() / "service-2.json.gz").read_bytes())
    model, original = json.loads(bundled), json.loads(whole)
    assert model.keys() == original.keys() - {"documentation"}
    assert model["metadata"] == original["metadata"]
    for part in ("operations", "shapes"):
        for name, members in model[part].items():
            assert members.keys() >= original[part][name].keys() - {"documentation"}
    assert set(re.findall(r'"shape":"(\w+)"', bundled.decode())) == model["shapes"].keys()
    assert len(bundled) < len(whole) / 4


def test_each_operation_that_the_handler_names_is_in_the_service_model_of_the_asset() -> None:
    """It is made of what the policies allow, so that what is missing there couldn't be called anyway."""
    files = asset_of_a_partner()
    source = b"".join(content for name, content in files.items() if name.startswith("partner_account_handler/"))
    named = {name for name in service_model.service_model()["operations"] if f'"{xform_name(name)}"'.encode() in source}
    assert {"CreatePartner", "PutAllianceLeadContact", "UntagResource"} <= named
    assert named <= json.loads(files[f"{MODEL}/service-2.json"])["operations"].keys()


# --- The same everywhere ---


@pytest.mark.usefixtures("forgetful")
def test_a_copy_elsewhere_has_the_same_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other times, modes, line ends and leftovers beside it."""
    before = key_of_code()
    for package in ("partner_account_handler", "crhelper"):
        shutil.copytree(installed(package), tmp_path / package)
    (tmp_path / "crhelper-99.dist-info").mkdir()
    for source in tmp_path.rglob("*.py"):
        source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
        source.chmod(0o755)
        os.utime(source, (0, 0))
    (tmp_path / "crhelper" / "notes.txt").write_text("not code")
    put_first(monkeypatch, tmp_path)
    assert installed("partner_account_handler") == tmp_path / "partner_account_handler"
    assert key_of_code() == before


def test_handler_in_the_asset_lacks_docstrings_and_comments_and_nothing_else() -> None:
    """A defect is reported with its line, which is that of the package's source."""
    sources = [path.read_text("utf-8") for path in installed("partner_account_handler").glob("*.py")]
    for source in sources:
        code = code_alone(source)
        assert not re.search(r'^ *("""|#)', code, re.MULTILINE)
        assert parts_of(code) == parts_of(source)
    assert sum(map(len, map(code_alone, sources))) < 0.8 * sum(map(len, sources))


def parts_of(source: str) -> list[tuple[str, int]]:
    """What a module consists of, each with its line; docstrings without their texts."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
    return [(ast.dump(node), getattr(node, "lineno", 0)) for node in ast.walk(tree)]


@pytest.mark.usefixtures("forgetful")
def test_one_changed_line_of_the_handler_changes_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is deployed. The files are read once in a process, however many stacks and apps it has."""
    before = key_of_code()
    copy = tmp_path / "partner_account_handler"
    shutil.copytree(installed("partner_account_handler"), copy)
    with (copy / "index.py").open("a") as index:
        index.write("CHANGED = True\n")
    put_first(monkeypatch, tmp_path)
    changed = key_of_code()
    assert changed != before
    shutil.rmtree(copy)
    assert key_of_code() == changed


SYNTH_FROM_A_ZIP = """
import partner_account
assert ".zip" in partner_account.__file__, partner_account.__file__
from tests.construct.apps import new_stack, partner_in, resource_of
stack = new_stack()
partner_in(stack)
print(resource_of(stack, "AWS::Lambda::Function")["Properties"]["Code"]["S3Key"])
roots = ("partner_account_handler", "crhelper", "boto3", "botocore")
print(*sorted(name for name in sys.modules if name.split(".")[0] in roots))
"""


def test_packages_in_a_zip_file_produce_the_same_asset_without_being_imported(tmp_path: Path) -> None:
    """As zip applications have them: construct, handler, crhelper and botocore are read where they are.

    Of the handler the pure modules are imported, of botocore the bare package, and nothing else.
    """
    packages = tmp_path / "packages.zip"
    with zipfile.ZipFile(packages, "w") as archive:
        for package in ("partner_account", "partner_account_handler", "crhelper"):
            for name, content in files_in(installed(package)).items():
                archive.writestr(f"{package}/{name}", content)
        archive.writestr("crhelper-99.dist-info/METADATA", "Name: crhelper")
        archive.writestr("botocore/__init__.py", "")
        data = f"data/{MODEL.removeprefix('models/')}"
        for name, content in files_in(installed("botocore") / data).items():
            archive.writestr(f"botocore/{data}/{name}", content)
    paths = [str(packages), str(ROOT), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}{SYNTH_FROM_A_ZIP}"],
        cwd=tmp_path,
        env=SURROUNDINGS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    key, imported = done.stdout.splitlines()
    assert key == key_of_code()
    from tests.test_architecture import PURE  # noqa: PLC0415 - other tests import this module where less is installed

    pure = {f"partner_account_handler.{name}" for name in PURE}
    assert set(imported.split()) - pure == {"botocore", "partner_account_handler"}


# --- Parts that are missing, or are something else ---


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("name", ["crhelper.py", "crhelper/__init__.py"])
def test_users_own_crhelper_module_is_not_in_the_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A module or package of the app's own, first on the path, changes nothing: the distribution crhelper is taken."""
    before = key_of_code()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("def handler(): ...\n")
    put_first(monkeypatch, tmp_path)
    assert key_of_code() == before


def without_crhelper(monkeypatch: pytest.MonkeyPatch, _tmp_path: Path) -> None:
    """It isn't installed."""
    monkeypatch.setattr(asset, "distribution", Mock(side_effect=PackageNotFoundError))


def older_crhelper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One before 2.0.6, such as tutorials put beside an app."""
    shutil.copytree(installed("crhelper"), tmp_path / "crhelper")
    (tmp_path / "crhelper-2.0.5.dist-info").mkdir()
    helper = tmp_path / "crhelper" / "resource_helper.py"
    helper.write_text(helper.read_text().replace("sleep_on_delete", "renamed"))
    put_first(monkeypatch, tmp_path)


def older_botocore(monkeypatch: pytest.MonkeyPatch, _tmp_path: Path) -> None:
    """One without the service's files."""
    monkeypatch.setattr(service_model, "API_VERSION", "1999-01-01")


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            without_crhelper,
            "crhelper, which the Lambda function needs, is not installed; reinstall cdk-partner-account",
        ),
        (older_crhelper, "is older than 2.0.6, or something else with that name; remove it"),
        (older_botocore, r"pip install --upgrade 'boto3>=1\.42\.4'"),
    ],
)
def test_missing_or_old_dependency_fails_the_asset_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[pytest.MonkeyPatch, Path], None], said: str
) -> None:
    """No function is made of the rest. An older crhelper sleeps in a Delete until CloudFormation gives up."""
    wrong(monkeypatch, tmp_path)
    with pytest.raises(PartnerAccountError, match=said), asset.assembled_asset():
        pass


# --- Where it is put ---


@pytest.mark.versions
def test_assembly_folder_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the app goes on."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = cdk.App(outdir=str(tmp_path / "out"))
    partner_in(cdk.Stack(app, "Demo"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def code_in(assembly: Path) -> tuple[str, Path]:
    """The key and the folder of a function's code in a cloud assembly."""
    files = json.loads((assembly / "Demo.assets.json").read_text())["files"]
    (code,) = (found for found in files.values() if found["source"]["packaging"] == "zip")
    (destination,) = code["destinations"].values()
    return destination["objectKey"], assembly / code["source"]["path"]


@pytest.mark.versions
def test_without_staging_the_code_is_in_the_cloud_assembly_and_outlives_synth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole and under the same key, and nowhere else; a second synth finds it there.

    CDK copies no assets then: what reads the assembly later is told of the folder itself.
    """
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    (tmp_path / "gone").mkdir()
    out = tmp_path / "out"
    for _ in range(2):
        app = cdk.App(outdir=str(out), context={"aws:cdk:disable-asset-staging": True})
        partner_in(cdk.Stack(app, "Demo"))
        app.synth()
        key, folder = code_in(out)
        assert key == key_of_code()
        assert files_in(folder) == asset_of_a_partner()
        assert {path.name for path in out.iterdir() if "asset" in path.name} == {"Demo.assets.json", folder.name}
