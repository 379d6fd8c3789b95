"""Checks of requests and answers against botocore's service model, which is AWS's own. No rules beyond the model."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from botocore.model import ListShape, Shape, StringShape, StructureShape

from partner_central_simulator.exceptions import FieldProblem

MASK = "***"

_INCOMPLETE_AT_BIRTH = "PartnerProfile"
"""A partner that has run no profile task has no name, logo and so on, which this shape requires."""


def problems(shape: Shape | None, value: Any, path: str = "") -> Iterator[FieldProblem]:
    """Everything in `value` that breaks the shape, each with its path, such as `Tags[0].Key`; never a value."""
    check = _CHECKS.get(shape.type_name) if shape else None
    if check:
        yield from check(shape, value, path)


def _structure(shape: StructureShape, value: object, path: str) -> Iterator[FieldProblem]:
    if not isinstance(value, dict):
        yield FieldProblem(path, "Must be a structure.", "INVALID_VALUE")
        return
    present = {name: value[name] for name in shape.members if value.get(name) is not None}
    paths = {name: f"{path}.{name}".removeprefix(".") for name in shape.members}
    required = () if shape.name == _INCOMPLETE_AT_BIRTH else shape.required_members
    for name in (name for name in required if name not in present):
        yield FieldProblem(paths[name], "A value is required.", "REQUIRED_FIELD_MISSING")
    if shape.is_tagged_union and len(present) != 1:
        yield FieldProblem(path, f"Needs exactly one of {', '.join(shape.members)}.", "INVALID_VALUE")
    for name, member in present.items():
        yield from problems(shape.members[name], member, paths[name])


def _list(shape: ListShape, value: object, path: str) -> Iterator[FieldProblem]:
    if not isinstance(value, list):
        yield FieldProblem(path, "Must be a list.", "INVALID_VALUE")
        return
    if len(value) > shape.metadata.get("max", len(value)):
        yield FieldProblem(path, f"No more than {shape.metadata['max']} elements.", "TOO_MANY_VALUES")
    if len(value) < shape.metadata.get("min", 0):
        yield FieldProblem(path, f"At least {shape.metadata['min']} elements.", "INVALID_VALUE")
    for index, element in enumerate(value):
        yield from problems(shape.member, element, f"{path}[{index}]")


def _string(shape: StringShape, value: object, path: str) -> Iterator[FieldProblem]:
    minimum, maximum = shape.metadata.get("min", 0), shape.metadata.get("max")
    pattern = shape.metadata.get("pattern")
    if not isinstance(value, str):
        yield FieldProblem(path, "Must be a string.", "INVALID_VALUE")
        return
    if shape.enum and value not in shape.enum:
        yield FieldProblem(path, f"Must be one of {', '.join(shape.enum)}.", "INVALID_ENUM_VALUE")
        return
    if len(value) < minimum or (maximum is not None and len(value) > maximum):
        message = f"Length must be from {minimum} to {maximum or 'any number of'} characters."
        yield FieldProblem(path, message, "INVALID_VALUE")
    if pattern and not re.fullmatch(pattern, value):
        yield FieldProblem(path, f"Must match the pattern {pattern}", "INVALID_STRING_FORMAT")


def _timestamp(_shape: Shape, value: object, path: str) -> Iterator[FieldProblem]:
    if not isinstance(value, datetime) or value.tzinfo is None:
        yield FieldProblem(path, "Must be a time with its time zone.", "INVALID_VALUE")


_CHECKS: dict[str, Callable[[Any, object, str], Iterator[FieldProblem]]] = {
    "structure": _structure,
    "list": _list,
    "string": _string,
    "timestamp": _timestamp,
}


def known_members(shape: Shape | None, value: Any) -> Any:
    """A valid value without nulls and without members that the model lacks, which AWS ignores."""
    if isinstance(shape, StructureShape):
        return {
            name: known_members(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [known_members(shape.member, element) for element in value]
    return value


def masked(shape: Shape | None, value: Any) -> Any:
    """Any value, valid or not, with everything sensitive or unknown replaced by `MASK`; the keys stay."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {name: masked(shape.members.get(name), member) for name, member in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [masked(shape.member, element) for element in value]
    if shape is None or shape.metadata.get("sensitive") or not isinstance(value, str):
        return MASK
    return value
