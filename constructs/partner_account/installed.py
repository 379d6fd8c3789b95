"""Finds packages as Python would import them, in folders and in zip files, without importing them."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def package_folder(name: str) -> "Traversable | None":
    """The folder of the package of that name; None if there is none, or only a module."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0])
    if folder.is_dir():
        return folder
    loader: Any = spec.loader  # of zip files, for one
    found: Traversable = loader.get_resource_reader(name).files()
    return found
