"""Reads what the function has written to its log."""

from __future__ import annotations

import json
import re
from typing import Any

FIELDS = ("timestamp", "level", "message", "request", "operation", "outcome", "reason", "duration_ms")
"""Of the line that ends a request, beside those that name the stack, the resource and the partner."""


def lines_of(output: str) -> list[dict[str, Any]]:
    """Each line of a log; an AssertionError if one is no JSON object with what each line has."""
    lines = []
    for text in output.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        assert isinstance(line, dict), f"no JSON object: {text!r}"
        assert line["level"] in {"INFO", "WARNING", "ERROR"}, line
        assert isinstance(line["message"], str), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["timestamp"]), line
        lines.append(line)
    return lines


def final_lines_of(output: str) -> list[dict[str, Any]]:
    """The lines that end a request, in order."""
    final = [line for line in lines_of(output) if "outcome" in line]
    for line in final:
        assert set(line) - {"reason", "partner"} == {*FIELDS, "StackName", "LogicalResourceId"} - {"reason"}, line
        assert type(line["duration_ms"]) is int, line
    return final


def without_times(output: str) -> str:
    """A log whose digits say nothing of the time, so that a code can't be found in them by chance."""
    return re.sub(r'"duration_ms": \d+', '"duration_ms": 0', output)
