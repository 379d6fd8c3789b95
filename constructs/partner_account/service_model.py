"""The Partner Central Account API as the installed botocore knows it: its files and its shapes."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from partner_account.errors import PartnerAccountError

SERVICE = "partnercentral-account"
API_VERSION = "2025-04-04"


def member_shape(structure: str, member: str) -> Mapping[str, Any]:
    """What the model says about one member of a structure: min, max, pattern, enum."""
    found: Mapping[str, Any] = shapes()[shapes()[structure]["members"][member]["shape"]]
    return found


@cache
def shapes() -> Mapping[str, Mapping[str, Any]]:
    """The shapes of the service model by name.

    Raises:
        PartnerAccountError: The installed botocore doesn't know the service.
    """
    # Only botocore's own data: a model under ~/.aws/models would make synth depend on the machine.
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    try:
        model = loader.load_service_model(SERVICE, "service-2", API_VERSION)
    except DataNotFoundError:
        raise _unknown_service() from None
    found: Mapping[str, Mapping[str, Any]] = model["shapes"]
    return found


def model_folder() -> Path:
    """The folder with the files of the service's model.

    Raises:
        PartnerAccountError: The installed botocore doesn't know the service.
    """
    folder = Path(Loader.BUILTIN_DATA_PATH, SERVICE, API_VERSION)
    if not folder.is_dir():
        raise _unknown_service()
    return folder


def _unknown_service() -> PartnerAccountError:
    return PartnerAccountError(
        f"The installed botocore doesn't know the service {SERVICE} ({API_VERSION}); "
        "install a newer one: pip install --upgrade 'boto3>=1.43.57'"
    )
