"""Assembles the folder that becomes the Lambda function's code, without Docker, pip or network.

It contains the handler, crhelper and the service model, each as installed beside this package: the model has only the
operations that the function can call, and handler and model have no documentation, but the handler's line numbers are
unchanged. boto3 is the Lambda runtime's own.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from aws_cdk import Stage
from constructs import Construct

from partner_account.errors import PartnerAccountError
from partner_account.permissions import partner_operations
from partner_account.service_model import model_folder, model_of
from partner_account_handler.service import API_VERSION, SERVICE

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_HANDLER, _CRHELPER = "partner_account_handler", "crhelper"
_ENDPOINT_RULES = "endpoint-rule-set-1.json.gz"
_WITHOUT_STAGING = "aws:cdk:disable-asset-staging"


@contextmanager
def assembled_asset(scope: Construct | None = None) -> Iterator[Path]:
    """A folder with the function's code; it is deleted when the context ends, unless `scope` still needs it.

    CDK copies an asset into the cloud assembly while the construct that uses it is created. Without staging
    (`cdk synth --no-staging`) it doesn't: the assembly refers to this folder itself.

    Raises:
        PartnerAccountError: crhelper is not installed or too old, or botocore doesn't know the service.
    """
    if scope is not None and scope.node.try_get_context(_WITHOUT_STAGING):
        # Named after its content, so that no file of another version of this package remains in it.
        digest = hashlib.sha256(repr(sorted(_files().items())).encode()).hexdigest()
        stage = cast("Stage", Stage.of(scope))
        folder = Path(stage.asset_outdir, f"partner-account-asset.{digest}").resolve()
        _write(folder)
        yield folder
        return
    with TemporaryDirectory(prefix="partner-account-asset-") as temporary:
        _write(Path(temporary))
        yield Path(temporary)


def _write(folder: Path) -> None:
    for path, content in _files().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@cache
def _files() -> Mapping[PurePosixPath, bytes]:
    model = PurePosixPath("models", SERVICE, API_VERSION)
    found = {model / _ENDPOINT_RULES: (model_folder() / _ENDPOINT_RULES).read_bytes()}
    # Not compressed here: gzip's output depends on the machine, and CDK zips the asset anyway.
    found[model / "service-2.json"] = json.dumps(model_of(partner_operations()), separators=(",", ":")).encode()
    handler = _python_files(PurePosixPath(_HANDLER), files(_HANDLER))
    found |= {path: code_alone(source.decode().replace("\r\n", "\n")).encode() for path, source in handler}
    return {**found, **dict(_python_files(PurePosixPath(_CRHELPER), _crhelper_folder()))}


def code_alone(source: str) -> str:
    """A module of the handler without docstrings and comment lines, line numbers unchanged: a quarter less to upload.

    With regular expressions, since ruff keeps the format uniform and parsing would cost each synth a tenth of a second.
    """
    source = re.sub(
        r'^( *)"""(?:.|\n)*?"""$',
        lambda found: f'{found[1]}""' + "\n" * found[0].count("\n"),
        source,
        flags=re.MULTILINE,
    )
    return re.sub(r"^ *#.*", "", source, flags=re.MULTILINE)


def _python_files(path: PurePosixPath, folder: "Traversable") -> Iterator[tuple[PurePosixPath, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _python_files(path / entry.name, entry)
        elif entry.name.endswith(".py"):
            yield path / entry.name, entry.read_bytes()


def _crhelper_folder() -> "Traversable":
    """That of the distribution crhelper, even if anything else on the path has that name, such as the app's module."""
    try:
        folder = cast("Traversable", distribution(_CRHELPER).locate_file(_CRHELPER))
    except PackageNotFoundError:
        raise PartnerAccountError(
            "crhelper, which the Lambda function needs, is not installed; reinstall cdk-partner-account with its "
            "dependencies"
        ) from None
    # Older ones sleep in a Delete until CloudFormation gives up.
    if not folder.is_dir() or b"sleep_on_delete" not in (folder / "resource_helper.py").read_bytes():
        raise PartnerAccountError(
            f"crhelper in {folder} is older than 2.0.6, or something else with that name; remove it, and "
            "reinstall cdk-partner-account with its dependencies"
        )
    return folder
