"""docs/troubleshooting.md: each code, each remedy, each outcome and each line of the log is the handler's."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import pytest

import partner_account_handler
from partner_account_handler import remedies
from partner_account_handler.errors import (
    AnswerUnreachableError,
    CallFailure,
    CodeError,
    HandlerError,
    NotWaitingError,
    PartnerError,
    ProfileTaskError,
    RequestError,
    TagsNotVisibleError,
    TimeLeftError,
)
from partner_account_handler.outcome import NEEDS_ATTENTION, UNREPORTED, Outcome, report_of, undelivered

PAGE = (Path(__file__).parents[2] / "docs/troubleshooting.md").read_text("utf-8")
HANDLER = Path(partner_account_handler.__file__).parent


def table(head: str) -> list[list[str]]:
    """The rows of the table whose first row begins with `head`."""
    rows = PAGE.split(f"\n| {head} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def calls() -> Iterator[ast.Call]:
    """Every call in the handler's source."""
    for source in HANDLER.glob("*.py"):
        yield from (node for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.Call))


def first_text(call: ast.Call) -> str:
    """The first argument of a call, if it is a text."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def own_codes() -> dict[str, str]:
    """The codes of the handler's own errors, and what becomes of a request that ends in one."""
    made = (call for call in calls() if isinstance(call.func, ast.Name) and call.func.id == "PartnerError")
    samples: list[HandlerError] = [
        *(RequestError([]), CodeError(""), NotWaitingError(""), TagsNotVisibleError(""), TimeLeftError("")),
        AnswerUnreachableError(""),
        *(ProfileTaskError("", status, []) for status in remedies.BY_TASK_STATUS),
        *(PartnerError(code, "", "") for code in map(first_text, made) if code),
    ]
    reports = [*map(report_of, samples), UNREPORTED, undelivered(UNREPORTED, "")]
    return {f"`{report.reason}`": f"`{report.outcome.value}`" for report in reports}


def test_each_code_of_the_handler_is_documented_with_its_outcome() -> None:
    """And no code that doesn't exist."""
    codes = own_codes()
    assert {row[0]: row[1] for row in table("code | outcome")} == codes
    assert "`CreateOnly`" in codes


def rows_of(*remedies: Mapping[str, str], suffix: str = "") -> set[tuple[str, str]]:
    """A remedy's row names all that it is given for."""
    return {(f"`{name}`{suffix}", remedy) for one in remedies for name, remedy in one.items()}


@pytest.mark.parametrize(
    ("head", "given"),
    [
        ("detail", rows_of(remedies.BY_DETAIL, remedies.BY_FIELD)),
        ("reason or code", rows_of(remedies.BY_REASON, remedies.BY_CODE)),
        ("profile task", rows_of(remedies.BY_PROFILE_ERROR, remedies.BY_TASK_STATUS)),
        (
            "call",
            rows_of(remedies.BY_OPERATION, suffix=" refused") | rows_of(remedies.BY_DENIED_OPERATION, suffix=" denied"),
        ),
    ],
)
def test_each_remedy_on_the_page_is_the_handlers_own_sentence(head: str, given: set[tuple[str, str]]) -> None:
    """So that a reader finds the sentence that CloudFormation showed."""
    told = {(name, remedy) for names, remedy in table(head) for name in names.split(", ")}
    assert given <= told
    of_outcomes = set(remedies.BY_OUTCOME.values()) if head == "call" else set()  # what a code of nobody's gets
    assert {remedy for _, remedy in told - given} == of_outcomes


def test_each_outcome_is_documented_with_level_and_status() -> None:
    """SUCCESS, unless the request was refused or has failed."""
    for outcome, (name, level, status, _) in zip(Outcome, table("`outcome`"), strict=True):
        assert name == f"`{outcome.value}`"
        assert level == ("`ERROR`" if outcome in NEEDS_ATTENTION else "`INFO`")
        assert status.startswith("FAILED" if outcome in {Outcome.REFUSED, Outcome.FAILED} else "SUCCESS")


def test_example_of_a_last_log_line_has_the_handlers_fields() -> None:
    """In their order; `partner`, which it has not, is written only where there is one."""
    (shown,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (write,) = (call for call in calls() if isinstance(call.func, ast.Name) and call.func.id == "write")
    keywords = [keyword.arg or ast.unparse(keyword.value).split("'")[1] for keyword in write.keywords]
    assert list(json.loads(shown)) == ["timestamp", "level", "message", "request", *keywords[:-1]]
    assert keywords[-1] == "partner"


def test_each_other_line_of_the_log_is_documented_with_its_level_and_fields() -> None:
    """Each call of `log` in the handler's source."""
    written = {}
    for call in calls():
        match call.func:
            case ast.Attribute(value=ast.Name(id="log"), attr=level) if message := first_text(call):
                written[f"`{message}`"] = (f"`{level.upper()}`", {one.arg for one in call.keywords if one.arg})
    written["`call failed`"] = ("`WARNING`", {field.name for field in fields(CallFailure)})
    told = {row[0]: (row[1], set(re.findall(r"`(\w+)`", row[3].split(": `")[0]))) for row in table("`message`")}
    assert told == written
