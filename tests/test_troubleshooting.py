"""docs/troubleshooting.md knows each code that the handler can answer with, and gives the handler's own remedies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from partner_account_handler.remedies import (
    BY_CODE,
    BY_DETAIL,
    BY_OPERATION,
    BY_OUTCOME,
    BY_REASON,
    DENIED_OPERATION,
)
from tests.handler.test_log import own_codes

PAGE = (Path(__file__).parents[1] / "docs/troubleshooting.md").read_text("utf-8")
BY_CALL = {
    **{f"{operation}` refused": remedy for operation, remedy in BY_OPERATION.items()},
    **{f"{operation}` denied": remedy for operation, remedy in DENIED_OPERATION.items()},
}


def sections(chapter: str) -> dict[str, str]:
    """The text of each section of a chapter, by its heading."""
    text = PAGE.split(f"\n## {chapter}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL))


def test_each_code_of_the_handler_has_its_section() -> None:
    """With what it means and what to do; and no section is about a code that doesn't exist."""
    told = sections("Codes of this construct")
    assert told.keys() == own_codes()
    assert [code for code, text in told.items() if len(text.split()) < 10] == []


@pytest.mark.parametrize(
    ("section", "remedies"),
    [
        ("By detail", BY_DETAIL),
        ("By reason", BY_REASON),
        ("By code", BY_CODE),
        ("By call", BY_CALL),
        ("Any other", BY_OUTCOME),
    ],
)
def test_each_remedy_is_the_one_that_the_handler_gives(section: str, remedies: Mapping[str, str]) -> None:
    """In the handler's words, so that a reader finds the sentence that CloudFormation showed."""
    rows = re.findall(r"^\| `([^|]+?)`?(?:: [^|]*)? \| ([^|]+) \|$", sections("Codes of AWS")[section], re.MULTILINE)
    assert dict(rows) == remedies
