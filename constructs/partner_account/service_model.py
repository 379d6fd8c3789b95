"""The Partner Central Account API as the installed botocore knows it: its files and its shapes.

Only the botocore package itself is imported, to find its data: its loader would cost an app a tenth of a second.
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from partner_account.errors import PartnerAccountError
from partner_account_handler.service import API_VERSION, SERVICE

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def member_shape(structure: str, member: str) -> Mapping[str, Any]:
    """The constraints of one member of a structure: min, max, pattern, enum."""
    found: Mapping[str, Any] = shapes()[shapes()[structure]["members"][member]["shape"]]
    return found


def shapes() -> Mapping[str, Mapping[str, Any]]:
    """The shapes of the service model by name."""
    found: Mapping[str, Mapping[str, Any]] = service_model()["shapes"]
    return found


@cache
def service_model() -> Mapping[str, Any]:
    """The service model: everything that a client needs, without the documentation, which is most of it."""
    # Only botocore's own data: a model under ~/.aws/models would make synth depend on the machine.
    packed = (model_folder() / "service-2.json.gz").read_bytes()
    found: Mapping[str, Any] = json.loads(gzip.decompress(packed), object_hook=_without_documentation)
    return found


def model_of(operations: Iterable[str]) -> Mapping[str, Any]:
    """The service model with these operations only, and the shapes that they reach."""
    model = service_model()
    kept = {name: model["operations"][name] for name in sorted(operations)}
    reached: dict[str, Any] = {}
    to_follow: list[Any] = [kept]
    while to_follow:
        match to_follow.pop():
            case {"shape": str(name)} if name not in reached:
                reached[name] = model["shapes"][name]
                to_follow.append(reached[name])
            case dict() as members:
                to_follow += members.values()
            case list() as entries:
                to_follow += entries
    return {**model, "operations": kept, "shapes": dict(sorted(reached.items()))}


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
    folder = files("botocore") / "data" / SERVICE / API_VERSION
    if folder.is_dir():
        return folder
    raise PartnerAccountError(
        f"The installed botocore doesn't support the service {SERVICE} ({API_VERSION}); "
        "install a newer version: pip install --upgrade 'boto3>=1.42.4'"
    )
