"""Reads what the function has written to its log, and holds metrics against the embedded metric format.

The rules are those of AWS's specification of the format and of the JSON schema in it; the lengths of a dimension's
value are CloudWatch's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

LEVELS = {"INFO", "WARNING", "ERROR"}
UNITS = re.compile(
    r"Seconds|Microseconds|Milliseconds|Percent|Count|None"
    r"|((Kilo|Mega|Giga|Tera)?(bytes|bits)|Bytes|Bits|Count)(/Second)?"
)
DIMENSIONS_AT_MOST = 9
METRICS_AT_MOST = 100


def lines_of(output: str) -> list[dict[str, Any]]:
    """Each line of a log; an AssertionError if one is no JSON object with what each line has."""
    lines = [_object(line) for line in output.splitlines()]
    for line in lines:
        assert line["level"] in LEVELS, line
        assert isinstance(line["message"], str), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["timestamp"]), line
    return lines


def _object(line: str) -> dict[str, Any]:
    try:
        decoded = json.loads(line)
    except ValueError:
        decoded = None
    assert isinstance(decoded, dict), f"no JSON object: {line!r}"
    return decoded


def final_lines_of(output: str) -> list[dict[str, Any]]:
    """The lines that end an invocation, each of them with metrics that CloudWatch would take."""
    final = [line for line in lines_of(output) if "_aws" in line]
    for line in final:
        assert not (problems := list(emf_problems(line))), (problems, line)
    return final


def metrics_of(line: dict[str, Any]) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    """What CloudWatch makes of a line: the namespace, name and dimensions of each metric."""
    return {
        (directive["Namespace"], metric["Name"], frozenset((name, line[name]) for name in dimensions))
        for directive in line["_aws"]["CloudWatchMetrics"]
        for dimensions in directive["Dimensions"]
        for metric in directive["Metrics"]
    }


def without_times(output: str) -> str:
    """A log whose digits say nothing of the time, so that a code can't be found in them by chance."""
    return re.sub(r'"(Timestamp|Duration)": \d+', r'"\1": 0', output)


def emf_problems(line: dict[str, Any]) -> Iterator[str]:
    """What keeps CloudWatch from finding the metrics of a line."""
    metadata = line.get("_aws")
    if not isinstance(metadata, dict):
        yield "_aws is no object"
        return
    if type(metadata.get("Timestamp")) is not int:
        yield "Timestamp is no integer"
    directives = metadata.get("CloudWatchMetrics")
    if not isinstance(directives, list) or set(metadata) != {"Timestamp", "CloudWatchMetrics"}:
        yield "_aws has other members than Timestamp and the array CloudWatchMetrics"
        return
    for directive in directives:
        if not isinstance(directive, dict) or set(directive) != {"Namespace", "Dimensions", "Metrics"}:
            yield "a directive has other members than Namespace, Dimensions and Metrics"
            return
        if not _is_name(directive["Namespace"]):
            yield "Namespace is no text of 1 to 255 characters"
        yield from _dimension_problems(directive["Dimensions"], line)
        yield from _metric_problems(directive["Metrics"], line)


def _dimension_problems(sets: Any, line: dict[str, Any]) -> Iterator[str]:
    if not isinstance(sets, list) or not sets:
        yield "Dimensions is no array of sets"
        return
    for dimensions in sets:
        if not isinstance(dimensions, list) or len(dimensions) > DIMENSIONS_AT_MOST:
            yield f"a set of dimensions is no array of at most {DIMENSIONS_AT_MOST}"
            return
        for name in dimensions:
            value = line.get(name) if _is_name(name) else None
            if not isinstance(value, str) or not 0 < len(value.strip()) <= len(value) <= 1024:
                yield f"the dimension {name} is no text at the root"


def _metric_problems(metrics: Any, line: dict[str, Any]) -> Iterator[str]:
    if not isinstance(metrics, list) or len(metrics) > METRICS_AT_MOST:
        yield f"Metrics is no array of at most {METRICS_AT_MOST}"
        return
    for metric in metrics:
        if not isinstance(metric, dict) or not set(metric) <= {"Name", "Unit"} or not _is_name(metric.get("Name")):
            yield "a metric has other members than Name and Unit"
            return
        if type(line.get(metric["Name"])) not in (int, float):
            yield f"the metric {metric['Name']} is no number at the root"
        if not UNITS.fullmatch(metric.get("Unit", "None")):
            yield f"{metric['Unit']} is no unit"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 255
