"""Checks a request against the service model, which botocore does for minimum lengths only.

The construct does the same at synth; this checks the values that were tokens then.
"""

import re
from collections.abc import Iterator
from typing import Any


def shape_errors(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Where a value violates its shape, by the member's path, without showing the value."""
    if shape.type_name == "structure":
        for name, member in value.items():
            part = f"{path}.{name}".lstrip(".")
            if name in shape.members:
                yield from shape_errors(shape.members[name], member, part)
            else:
                yield f"{part} is unknown to the function's service model"
        return
    if shape.type_name != "list" and shape.enum and value not in shape.enum:
        yield f"{path} is none of {', '.join(shape.enum)}"
        return
    lowest, highest = shape.metadata.get("min", 0), shape.metadata.get("max", float("inf"))
    unit = "entries" if shape.type_name == "list" else "characters"
    if len(value) < lowest:
        yield f"{path} has fewer than {lowest} {unit}"
    if len(value) > highest:
        yield f"{path} has more than {highest} {unit}"
    if shape.type_name == "list":
        for number, member in enumerate(value):
            yield from shape_errors(shape.member, member, f"{path}[{number}]")
    elif (pattern := shape.metadata.get("pattern")) and value and not re.fullmatch(pattern, value):
        yield f"{path} has characters or a form that AWS refuses"
