"""Assembles the folder that becomes the Lambda function's code, without Docker, pip or network.

It holds the handler, crhelper and the service model, each as installed beside this package (the model
without its documentation); boto3 is the Lambda runtime's own. Nothing of the handler is imported here, only located.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from aws_cdk import Stage
from constructs import Construct

from partner_account.errors import PartnerAccountError
from partner_account.installed import package_folder
from partner_account.service_model import API_VERSION, SERVICE, model_folder, service_model

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_HANDLER, _CRHELPER = "partner_account_handler", "crhelper"
_MODEL_FILES = ("endpoint-rule-set-1.json.gz", "paginators-1.json")

# What tells each part from another module of its name: a file, and what stands in it.
_MARKS = {
    _HANDLER: ("index.py", b"def handler("),
    _CRHELPER: ("resource_helper.py", b"sleep_on_delete"),
}

_WITHOUT_STAGING = "aws:cdk:disable-asset-staging"


@contextmanager
def assembled_asset(scope: Construct | None = None) -> Iterator[Path]:
    """A folder with the function's code; it is gone when the context ends, unless it is still needed in `scope`.

    CDK copies an asset into the cloud assembly while the construct that uses it is made. Without staging
    (`cdk synth --no-staging`) it doesn't: who reads the assembly, later, is told of this very folder.

    Raises:
        PartnerAccountError: A part is not installed, or is another one, or botocore doesn't know the service.
    """
    if scope is not None and scope.node.try_get_context(_WITHOUT_STAGING):
        yield _kept_in(scope)
        return
    with TemporaryDirectory(prefix="partner-account-asset-") as folder:
        _write(Path(folder))
        yield Path(folder)


def _kept_in(scope: Construct) -> Path:
    """A folder in the cloud assembly, named after what is in it, so that each synth finds its own or none."""
    stage = cast("Stage", Stage.of(scope))
    content = hashlib.sha256(repr(sorted(_files().items())).encode()).hexdigest()
    kept = Path(stage.asset_outdir, f"partner-account-asset.{content}").resolve()
    if not kept.exists():
        with TemporaryDirectory(prefix="partner-account-asset-", dir=kept.parent) as folder:
            whole = Path(folder, "whole")
            _write(whole)
            try:
                whole.rename(kept)  # whole, or not at all
            except OSError:
                if not kept.exists():  # another synth may have been faster
                    raise
    return kept


def _write(folder: Path) -> None:
    for path, content in _files().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@cache
def _files() -> Mapping[PurePosixPath, bytes]:
    model = PurePosixPath("models", SERVICE, API_VERSION)
    files = {model / name: (model_folder() / name).read_bytes() for name in _MODEL_FILES}
    # Not packed here: what gzip makes of it depends on the machine, and CDK packs the asset anyway.
    files[model / "service-2.json"] = json.dumps(service_model(), separators=(",", ":")).encode()
    for package, folder in ((_HANDLER, _handler_folder()), (_CRHELPER, _crhelper_folder())):
        found = dict(_python_files(PurePosixPath(package), folder))
        name, mark = _MARKS[package]
        if mark not in found.get(PurePosixPath(package, name), b""):
            raise _wrong(package, f"{folder} holds something else")
        files |= found
    return files


def _python_files(path: PurePosixPath, folder: "Traversable") -> Iterator[tuple[PurePosixPath, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _python_files(path / entry.name, entry)
        elif entry.name.endswith(".py"):
            yield path / entry.name, entry.read_bytes()


def _handler_folder() -> "Traversable":
    """The handler that was installed together with this package, or, in an editable installation, the imported one."""
    beside = Path(__file__).parent.parent / _HANDLER
    return beside if beside.is_dir() else _imported_folder(_HANDLER)


def _crhelper_folder() -> "Traversable":
    """That of the distribution crhelper, whatever else is called so on the path, such as a module of the app."""
    try:
        folder = cast("Traversable", distribution(_CRHELPER).locate_file(_CRHELPER))
    except PackageNotFoundError:
        return _imported_folder(_CRHELPER)
    return folder if folder.is_dir() else _imported_folder(_CRHELPER)


def _imported_folder(package: str) -> "Traversable":
    folder = package_folder(package)
    if folder is None:
        raise _wrong(package, "there is no package of that name")
    return folder


def _wrong(package: str, why: str) -> PartnerAccountError:
    return PartnerAccountError(
        f"The package {package}, which the Lambda function needs, is not found: {why}. Rename what else is called "
        f"{package}, and install cdk-partner-account again with its dependencies"
    )
