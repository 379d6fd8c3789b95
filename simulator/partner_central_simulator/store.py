"""The simulator's state in a file, so that a restart loses no partner. What the state means is `models`' affair."""

import json
import os
import tempfile
from pathlib import Path

from cattrs.errors import BaseValidationError
from cattrs.preconf.json import make_converter

from partner_central_simulator.models import State

_converter = make_converter(forbid_extra_keys=True)


class StateFileError(Exception):
    """The state file can't be written, or holds something else than a simulator's state."""


class Store:
    """Where the state is kept: in a file, or, without a path, nowhere."""

    def __init__(self, path: Path | None) -> None:
        """Take the file's path; it need not exist yet, but its folder must."""
        self._path = path
        self._written: str | None = None

    def load(self) -> State:
        """The state that was saved last; an empty one if there is no file."""
        if self._path is None:
            return State()
        if not self._path.parent.is_dir():
            raise StateFileError(f"there is no folder {self._path.parent}: create it, or name a file elsewhere")
        if not self._path.exists():
            return State()
        try:
            return _read(self._path.read_text("utf-8"))
        except (ValueError, BaseValidationError) as error:
            raise StateFileError(
                f"{self._path} is no state of this simulator: name another file, or remove it to begin anew"
            ) from error

    def save(self, state: State) -> None:
        """Write the state if it has changed, so that at every moment the file holds either the old or the new one."""
        if self._path is None:
            return
        text = json.dumps(_converter.unstructure(state), indent=1)
        if text != self._written:
            _replace(self._path, text)
            self._written = text


def _read(text: str) -> State:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not an object")  # noqa: TRY004 - it is the file that is wrong, not a caller
    return _converter.structure(content, State)


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
