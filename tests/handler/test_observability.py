"""docs/observability.md: its tables are those of the code, its example is a line that the handler would write."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import partner_account_handler
from partner_account import PartnerMetric
from partner_account_handler.errors import (
    AnswerUnreachableError,
    CodeError,
    DefectError,
    Fault,
    HandlerError,
    NotWaitingError,
    PartnerError,
    RequestError,
    TagsNotVisibleError,
    TimeLeftError,
)
from partner_account_handler.metrics import ALARMING, UNREPORTED, Outcome, Report, embedded, report_of, undelivered
from tests.handler.log_lines import emf_problems, lines_of

DOCUMENT = (Path(__file__).parents[2] / "docs" / "observability.md").read_text("utf-8")
HANDLER = Path(partner_account_handler.__file__).parent


def section(heading: str) -> str:
    """What stands below a heading."""
    return DOCUMENT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def table(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    rows = [line.strip("|").split("|") for line in section(heading).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def first_cells(heading: str) -> list[str]:
    """The names that a table is about."""
    return [row[0].strip("`") for row in table(heading)]


def example() -> dict[str, Any]:
    """The line that the document shows."""
    (block,) = re.findall(r"^```json\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    (line,) = lines_of(json.dumps(json.loads(block)))
    return line


def calls() -> Iterator[ast.Call]:
    """Every call in the handler's source."""
    for source in HANDLER.glob("*.py"):
        yield from (node for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.Call))


def text(node: ast.expr) -> str | None:
    """The text that an expression is, if it is one."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def test_each_metric_is_documented_in_its_order() -> None:
    """With what CloudFormation is told: SUCCESS, unless the request was refused or has failed."""
    assert first_cells("Metrics") == [metric.value for metric in PartnerMetric]
    for metric, told, *_ in table("Metrics")[:-1]:
        fails = Outcome(metric.strip("`")) in {Outcome.REFUSED, Outcome.FAILED}
        assert told.startswith("FAILED" if fails else "SUCCESS")


def test_each_metric_has_a_docstring() -> None:
    """Which is what a user's editor shows."""
    source = inspect.getsource(PartnerMetric)
    documented = re.findall(r'^    [A-Z_]+ = "(\w+)"\n    """', source, re.MULTILINE)
    assert documented == [metric.value for metric in PartnerMetric]


def test_each_field_of_the_last_line_is_documented() -> None:
    """In the order in which they are written."""
    event = {"StackId": "arn:aws:cloudformation:eu-west-1:1:stack/S/1", "LogicalResourceId": "P"}
    members = embedded({**event, "RequestType": "Create"}, Report(Outcome.FAILED, "Defect"), 1, 1.0)
    written = ["timestamp", "level", "message", "request", "partner", *members]
    documented = [name.replace("*the outcome*", "Failed") for name in first_cells("The line that ends a request")]
    assert documented == written


def test_the_example_is_a_line_of_the_handler() -> None:
    """The embedded metric format, and what the handler would write of the same request."""
    line = example()
    assert list(emf_problems(line)) == []
    event = {"StackId": f"arn:aws:cloudformation:eu-west-1:1:stack/{line['StackName']}/1"}
    event |= {"LogicalResourceId": line["LogicalResourceId"], "RequestType": line["operation"]}
    report = Report(Outcome(line["outcome"]), line["Reason"], line["message"])
    written = embedded(event, report, line["Duration"], line["_aws"]["Timestamp"] / 1000)
    assert {name: line[name] for name in written} == written
    assert (line["level"] == "ERROR") == (report.outcome in ALARMING)


def test_the_queries_ask_for_fields_that_are_written() -> None:
    """Of the last line or of those before it; `@timestamp` is CloudWatch's own."""
    before = {name for row in table("The lines before") for name in re.findall(r"`(\w+)`", row[3])}
    known = {*first_cells("The line that ends a request"), *before, "@timestamp"}
    queries = re.findall(r"^```\n(fields .*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert len(queries) == 2
    for query in queries:
        asked = re.findall(r"[@\w]+", query.splitlines()[0])[1:]
        asked += re.findall(r"(?:ispresent\(|filter (?!ispresent)|sort )([@\w]+)", query)
        assert set(asked) <= known


def own_codes() -> dict[str, Outcome]:
    """The codes that the handler's own errors have, and what becomes of a request that ends in one."""
    samples: list[HandlerError] = [
        *(RequestError([]), CodeError(""), NotWaitingError(""), TagsNotVisibleError(""), TimeLeftError("")),
        *(DefectError("", ""), AnswerUnreachableError("")),
        *(PartnerError(code, "", "") for call in calls() if _calls(call, "PartnerError") for code in _first(call)),
    ]
    reports = [*map(report_of, samples), UNREPORTED, undelivered(UNREPORTED, "")]
    return {report.reason: report.outcome for report in reports}


def _calls(call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == name


def _first(call: ast.Call) -> list[str]:
    return [found for argument in call.args[:1] if (found := text(argument)) is not None]


def test_each_reason_is_documented_with_its_outcome() -> None:
    """Those of the handler's own errors; those of AWS are told in general."""
    documented = {row[0].strip("`"): row[1].strip("`") for row in table("Reasons") if row[0].startswith("`")}
    assert documented == {code: outcome.value for code, outcome in own_codes().items()}
    assert "CreateOnly" in documented


def test_each_line_before_the_last_one_is_documented_with_its_level() -> None:
    """And with its fields."""
    told = {}
    for call in calls():
        if (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "log"
        ):
            for message in _first(call):
                told[message] = (call.func.attr.upper(), {keyword.arg for keyword in call.keywords if keyword.arg})
    told["call failed"] = ("WARNING", {field.name for field in fields(Fault)})
    documented = {
        row[0].strip("`"): (row[1].strip("`"), set(re.findall(r"`(\w+)`", row[3].split(": `tags`")[0])))
        for row in table("The lines before")
    }
    assert documented == told
