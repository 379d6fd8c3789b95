"""Assembles the folder that becomes the Lambda function's code, without Docker, pip or network.

It holds the handler, crhelper and the service model, each as installed beside this package (the model
without its documentation); boto3 is the Lambda runtime's own. Nothing of the handler is imported here, only located.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from partner_account.errors import PartnerAccountError
from partner_account.service_model import API_VERSION, SERVICE, model_folder, service_model

_PACKAGES = ("partner_account_handler", "crhelper")
_MODEL_FILES = ("endpoint-rule-set-1.json.gz", "paginators-1.json")


@contextmanager
def assembled_asset() -> Iterator[Path]:
    """A folder with the function's code; it is gone when the context ends.

    CDK copies an asset into the cloud assembly while the construct that uses it is made.

    Raises:
        PartnerAccountError: A part is not installed, or botocore doesn't know the service.
    """
    with TemporaryDirectory(prefix="partner-account-asset-") as folder:
        for path, content in _files().items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield Path(folder)


@cache
def _files() -> Mapping[PurePosixPath, bytes]:
    model = PurePosixPath("models", SERVICE, API_VERSION)
    files = {model / name: (model_folder() / name).read_bytes() for name in _MODEL_FILES}
    # Not packed here: what gzip makes of it depends on the machine, and CDK packs the asset anyway.
    files[model / "service-2.json"] = json.dumps(service_model(), separators=(",", ":")).encode()
    for package in _PACKAGES:
        files |= _python_files(package)
    return files


def _python_files(package: str) -> Mapping[PurePosixPath, bytes]:
    root = _installed_folder(package)
    return {
        PurePosixPath(package, source.relative_to(root).as_posix()): source.read_bytes()
        for source in root.rglob("*.py")
    }


def _installed_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise PartnerAccountError(
            f"The package {package}, which the Lambda function needs, is not installed; "
            "install cdk-partner-account again with its dependencies"
        )
    return Path(spec.submodule_search_locations[0])
