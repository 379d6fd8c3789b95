"""The Lambda function's code: what is in it, how big it is, and that it is the same everywhere."""

from __future__ import annotations

import ast
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import aws_cdk as cdk
import pytest

from partner_account import PartnerAccountError, asset, service_model
from tests.construct.test_partners_of_an_app import new_app, new_stack, partner_in, resource_of, template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
MODEL = "models/partnercentral-account/2025-04-04"


def staged_in(app: cdk.App) -> Path:
    """The only folder that CDK has copied into the cloud assembly."""
    (folder,) = Path(app.synth().directory).glob("asset.*")
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def asset_of_a_partner() -> dict[str, bytes]:
    """The files of the function behind a partner."""
    app = new_app()
    partner_in(cdk.Stack(app, "Demo"))
    return files_in(staged_in(app))


def installed(package: str) -> Path:
    """Where a package lies, without importing it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The parts are located and read anew, and again after the test."""
    for package in ("partner_account_handler", "crhelper"):
        # A package that is imported already is found where it was imported from.
        monkeypatch.delitem(sys.modules, package, raising=False)
    asset._files.cache_clear()  # noqa: SLF001
    yield
    asset._files.cache_clear()  # noqa: SLF001


def test_what_is_in_it() -> None:
    """The asset holds the handler's and crhelper's Python files and the service model, and nothing else."""
    expected = {f"{MODEL}/{name}" for name in ("service-2.json", "endpoint-rule-set-1.json.gz")}
    expected |= {f"{MODEL}/paginators-1.json"}
    for package in ("partner_account_handler", "crhelper"):
        root = installed(package)
        expected |= {f"{package}/{path.relative_to(root).as_posix()}" for path in root.rglob("*.py")}
    assert set(asset_of_a_partner()) == expected


def test_the_entry_point_is_in_it() -> None:
    """The module that the function names as its handler is in the asset."""
    stack = new_stack()
    partner_in(stack)
    module = resource_of(stack, "AWS::Lambda::Function")["Properties"]["Handler"].rpartition(".")[0]
    app = stack.node.root
    assert isinstance(app, cdk.App)
    assert f"{module.replace('.', '/')}.py" in files_in(staged_in(app))


def test_the_model_knows_the_service() -> None:
    """The bundled model is botocore's own, but for the documentation, which is most of it."""
    bundled = asset_of_a_partner()[f"{MODEL}/service-2.json"]
    packed = (service_model.model_folder() / "service-2.json.gz").read_bytes()
    assert json.loads(bundled) == without_documentation(json.loads(gzip.decompress(packed)))
    assert len(bundled) < len(gzip.decompress(packed)) / 2


def without_documentation(model: Any) -> Any:
    """A service model without its explanations."""
    if isinstance(model, list):
        return [without_documentation(member) for member in model]
    if not isinstance(model, dict):
        return model
    kept = {name: member for name, member in model.items() if name != "documentation" or isinstance(member, dict)}
    return {name: without_documentation(member) for name, member in kept.items()}


def test_it_is_small() -> None:
    """Zipped as the CLI does, the asset has at most 60 KB; boto3, which others bring along, has 17 MB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in asset_of_a_partner().items():
            archive.writestr(name, content)
    assert len(buffer.getvalue()) <= 60 * 1024


def key_of_code() -> str:
    """The name under which the function's code is uploaded: its hash."""
    stack = new_stack()
    partner_in(stack)
    key: str = resource_of(stack, "AWS::Lambda::Function")["Properties"]["Code"]["S3Key"]
    return key


@pytest.mark.usefixtures("forgetful")
def test_the_hash_is_that_of_the_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy elsewhere, with other times, modes, line ends and leftovers beside it, has the same hash."""
    before = key_of_code()
    for package in ("partner_account_handler", "crhelper"):
        shutil.copytree(installed(package), tmp_path / package)
    (tmp_path / "crhelper-99.dist-info").mkdir()
    for source in tmp_path.rglob("*.py"):
        source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
        source.chmod(0o755)
        os.utime(source, (0, 0))
    (tmp_path / "crhelper" / "notes.txt").write_text("not code")
    monkeypatch.syspath_prepend(str(tmp_path))
    asset._files.cache_clear()  # noqa: SLF001
    assert installed("partner_account_handler") == tmp_path / "partner_account_handler"
    assert key_of_code() == before


@pytest.mark.usefixtures("forgetful")
def test_the_hash_tells_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One changed line of the handler gives another hash, so that it is deployed."""
    before = key_of_code()
    copy = tmp_path / "partner_account_handler"
    shutil.copytree(installed("partner_account_handler"), copy)
    with (copy / "index.py").open("a") as index:
        index.write("# changed\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    asset._files.cache_clear()  # noqa: SLF001
    assert key_of_code() != before


@pytest.mark.usefixtures("forgetful")
def test_the_parts_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many stacks and apps a process has, the installed files are read for the first one only."""
    copy = tmp_path / "partner_account_handler"
    shutil.copytree(installed("partner_account_handler"), copy)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = key_of_code()
    shutil.rmtree(copy)
    assert key_of_code() == before


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder in which the code was assembled is gone before the app goes on."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = cdk.App(outdir=str(tmp_path / "out"))
    partner_in(cdk.Stack(app, "Demo"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_assembly_holds_the_code() -> None:
    """What the template calls the function's code lies in the cloud assembly, ready to be uploaded."""
    stack = new_stack()
    partner_in(stack)
    app = stack.node.root
    assert isinstance(app, cdk.App)
    digest = staged_in(app).name.removeprefix("asset.")
    assert template_of(stack)["Resources"]["PartnerAccountProviderFunction683C5CE0"]["Properties"]["Code"]["S3Key"] == (
        f"{digest}.zip"
    )


SYNTH = """
import sys
sys.path[:0] = {paths!r}
import tests.construct.test_partners_of_an_app as apps
stack = apps.new_stack()
apps.partner_in(stack)
apps.template_of(stack)
roots = ("partner_account_handler", "crhelper", "boto3", "botocore")
print(sorted(name for name in sys.modules if name.split(".")[0] in roots))
"""


def test_of_the_handler_only_pure_modules_are_imported(tmp_path: Path) -> None:
    """Synth locates the rest of it, and crhelper, without running a line of them, and needs no botocore."""
    paths = [str(Path(__file__).parents[2]), *sys.path]
    environment = os.environ | {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SYNTH.format(paths=paths)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    from tests.test_architecture import PURE  # noqa: PLC0415 - other tests import this module where less is installed

    imported = ["partner_account_handler", *(f"partner_account_handler.{name}" for name in sorted(PURE))]
    assert ast.literal_eval(done.stdout) == imported


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("missing", ["_HANDLER", "_CRHELPER"])
def test_an_installation_without_one_of_the_parts_is_told_which_one(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """No function is made of the rest."""
    monkeypatch.setattr(asset, missing, "no_such_package")
    with pytest.raises(
        PartnerAccountError, match=r"The package no_such_package, which the Lambda function.* no package"
    ):
        partner_in(new_stack())


def put_module(package: str, folder: Path) -> None:
    """A module of the user's."""
    (folder / f"{package}.py").write_text("def handler(): ...\n")


def put_package(package: str, folder: Path) -> None:
    """A package of the user's, or one that was emptied."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("put", [put_module, put_package])
def test_what_the_user_calls_crhelper_stays_out_of_the_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[str, Path], None]
) -> None:
    """A module or package of the app's own, first on the path, changes nothing: the distribution crhelper is taken."""
    before = key_of_code()
    put("crhelper", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    asset._files.cache_clear()  # noqa: SLF001
    assert key_of_code() == before


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("put", [put_module, put_package])
@pytest.mark.parametrize("package", ["partner_account_handler", "crhelper"])
def test_another_package_of_the_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[str, Path], None], package: str
) -> None:
    """Where nothing tells which one is installed, the asset is refused rather than made of what isn't the handler."""
    put(package, tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(asset, "distribution", Mock(side_effect=PackageNotFoundError))
    with pytest.raises(PartnerAccountError, match=f"package {package}, .* is not found: .*Rename what else is called"):
        partner_in(new_stack())


@pytest.mark.usefixtures("forgetful")
def test_an_older_crhelper_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One before 2.0.6, such as tutorials put beside an app, sleeps in a Delete until CloudFormation gives up."""
    shutil.copytree(installed("crhelper"), tmp_path / "crhelper")
    (tmp_path / "crhelper-2.0.5.dist-info").mkdir()
    helper = tmp_path / "crhelper" / "resource_helper.py"
    helper.write_text(helper.read_text().replace("sleep_on_delete", "renamed"))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PartnerAccountError, match="package crhelper, .* holds something else"):
        partner_in(new_stack())


SYNTH_FROM_A_ZIP = """
import partner_account
assert ".zip" in partner_account.__file__, partner_account.__file__
from tests.construct.test_asset import key_of_code
print(key_of_code())
"""


def test_packages_in_a_zip_file_give_the_same_asset(tmp_path: Path) -> None:
    """As zip applications have them: construct, handler, crhelper and botocore are read where they are."""
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
    paths = [str(packages), str(Path(__file__).parents[2]), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}{SYNTH_FROM_A_ZIP}"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == key_of_code()


# --- Without staging, CDK copies no assets: what reads the assembly later is told of the folder itself ---


def code_without_staging(outdir: Path) -> tuple[str, Path]:
    """The key of a function's code, and the folder that the assembly names for it."""
    app = cdk.App(outdir=str(outdir), context={"aws:cdk:disable-asset-staging": True})
    partner_in(cdk.Stack(app, "Demo"))
    app.synth()
    return code_in(outdir)


def code_in(assembly: Path) -> tuple[str, Path]:
    """The key and the folder of a function's code in a cloud assembly."""
    files = json.loads((assembly / "Demo.assets.json").read_text())["files"]
    (code,) = (found for found in files.values() if found["source"]["packaging"] == "zip")
    (destination,) = code["destinations"].values()
    return destination["objectKey"], assembly / code["source"]["path"]


def test_without_staging_the_code_outlives_the_synth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies in the cloud assembly, whole and under the same key, and nowhere else; a second synth finds it there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    (tmp_path / "gone").mkdir()
    key, folder = code_without_staging(tmp_path / "out")
    assert key == key_of_code()
    assert files_in(folder) == asset_of_a_partner()
    assert folder.parent == tmp_path / "out"
    assert code_without_staging(tmp_path / "out") == (key, folder)
    assert [path.name for path in (tmp_path / "out").iterdir() if "asset" in path.name] == [
        "Demo.assets.json",
        folder.name,
    ]


def test_without_staging_synths_at_the_same_time_share_one_folder(tmp_path: Path) -> None:
    """Whoever comes second takes what the first one has put there, never half of it."""
    synths = [
        subprocess.Popen([sys.executable, "-c", SYNTH_WITHOUT_STAGING, str(tmp_path / "out")], cwd=ROOT)
        for _ in range(2)
    ]
    assert [synth.wait() for synth in synths] == [0, 0]
    _, folder = code_in(tmp_path / "out")
    assert files_in(folder) == asset_of_a_partner()
    assert list((tmp_path / "out").glob("partner-account-asset*")) == [folder]


SYNTH_WITHOUT_STAGING = """
import sys
from pathlib import Path
from tests.construct.test_asset import code_without_staging
code_without_staging(Path(sys.argv[1]))
"""


@pytest.mark.e2e
def test_the_cdk_cli_without_staging_names_a_folder_that_holds_the_code(tmp_path: Path) -> None:
    """After the app has ended, what the manifest names is the whole code."""
    (tmp_path / "app.py").write_text(APP)
    done = subprocess.run(
        ["cdk", "synth", "--quiet", "--app", f"{sys.executable} app.py", "--no-staging"],
        cwd=tmp_path,
        env=os.environ
        | {
            "PATH": os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "CDK_HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    key, folder = code_in(tmp_path / "cdk.out")
    assert key == key_of_code()
    assert files_in(folder) == asset_of_a_partner()


APP = """
import aws_cdk as cdk
from tests.construct.test_partners_of_an_app import partner_in

app = cdk.App()
partner_in(cdk.Stack(app, "Demo"))
app.synth()
"""


@pytest.mark.usefixtures("forgetful")
def test_the_model_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A botocore without the service's files stops the asset with the remedy."""
    monkeypatch.setattr(service_model, "API_VERSION", "1999-01-01")
    with (
        pytest.raises(PartnerAccountError, match=r"pip install --upgrade 'boto3>=1\.43\.57'"),
        asset.assembled_asset(),
    ):
        pass
