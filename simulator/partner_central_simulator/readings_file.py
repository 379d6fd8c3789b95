"""Reads which readings a file names, such as the report of `partner-account probe`, which found them at AWS."""

import json
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from partner_central_simulator.readings import Readings


class ReadingsFileError(Exception):
    """The file can't be read, or names readings that this simulator doesn't have."""


def load_readings(path: Path) -> Readings:
    """The readings below `Readings` in a JSON file; what the file doesn't name is as by default.

    Raises:
        ReadingsFileError: what is wrong with the file.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ReadingsFileError(f"{path} can't be read: {error.strerror}") from None
    except ValueError:
        raise ReadingsFileError(f"{path} is no JSON: name a report of `partner-account probe`") from None
    named = content.get("Readings") if isinstance(content, dict) else None
    if not isinstance(named, dict):
        raise ReadingsFileError(f"{path} has no object `Readings`: name a report of `partner-account probe`")
    known = {field.name: field for field in fields(Readings)}
    if unknown := sorted(set(named) - set(known)):
        raise ReadingsFileError(f"{path} names unknown readings: {', '.join(unknown)}; known are {', '.join(known)}")
    return Readings(**{name: _value(path, known[name], value) for name, value in named.items()})


def _value(path: Path, field: Field[Any], value: object) -> Any:
    kind: Any = type(field.default)
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise ReadingsFileError(f"{path}: {field.name} must be true or false")
    try:
        return kind(value)
    except ValueError:
        raise ReadingsFileError(f"{path}: {field.name} must be one of {', '.join(kind)}") from None
