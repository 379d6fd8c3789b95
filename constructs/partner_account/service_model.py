"""The Partner Central Account API as the installed botocore knows it: its files and its shapes.

botocore itself isn't imported: its loader takes a tenth of the time that this package may cost an app.
"""

import gzip
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from partner_account.errors import PartnerAccountError
from partner_account.installed import package_folder

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

SERVICE = "partnercentral-account"
API_VERSION = "2025-04-04"


def member_shape(structure: str, member: str) -> Mapping[str, Any]:
    """What the model says about one member of a structure: min, max, pattern, enum."""
    found: Mapping[str, Any] = shapes()[shapes()[structure]["members"][member]["shape"]]
    return found


def shapes() -> Mapping[str, Mapping[str, Any]]:
    """The shapes of the service model by name.

    Raises:
        PartnerAccountError: The installed botocore doesn't know the service.
    """
    found: Mapping[str, Mapping[str, Any]] = service_model()["shapes"]
    return found


@cache
def service_model() -> Mapping[str, Any]:
    """The service model: all that a client needs, without the documentation, which is most of it.

    Raises:
        PartnerAccountError: The installed botocore doesn't know the service.
    """
    # Only botocore's own data: a model under ~/.aws/models would make synth depend on the machine.
    packed = (model_folder() / "service-2.json.gz").read_bytes()
    found: Mapping[str, Any] = json.loads(gzip.decompress(packed), object_hook=_without_documentation)
    return found


def _without_documentation(members: dict[str, Any]) -> dict[str, Any]:
    # Text is documentation; a member of that name would be an object.
    if isinstance(members.get("documentation"), str):
        del members["documentation"]
    return members


def model_folder() -> "Traversable":
    """The folder with the files of the service's model.

    Raises:
        PartnerAccountError: The installed botocore doesn't know the service.
    """
    botocore = package_folder("botocore")
    folder = botocore and botocore / "data" / SERVICE / API_VERSION
    if folder and folder.is_dir():
        return folder
    raise PartnerAccountError(
        f"The installed botocore doesn't know the service {SERVICE} ({API_VERSION}); "
        "install a newer one: pip install --upgrade 'boto3>=1.43.57'"
    )
