"""docs/architecture.md: the times that it tells are those of the code. And which rooms import what of each other."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import partner_account
import partner_account_handler
from partner_account import provider
from partner_account_handler.clock import MARGIN_SECONDS
from partner_account_handler.response import SENDING_SECONDS

PAGE = (Path(__file__).parents[1] / "docs/architecture.md").read_text("utf-8")
HANDLER = Path(partner_account_handler.__file__).parent
CONSTRUCT = Path(partner_account.__file__).parent

PURE = {"identity", "texts"}
"""The handler's modules that the construct imports: what both must know alike is written once."""


def imports_of(module: Path) -> set[str]:
    """The modules that a module imports, by their full names, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names}
            case ast.ImportFrom(module=str(source), names=names) if source == "partner_account_handler":
                found |= {f"{source}.{name.name}" for name in names}
            case ast.ImportFrom(module=str(source)):
                found.add(source)
    return found


def test_pure_modules_import_nothing_but_the_standard_library() -> None:
    """So they load within milliseconds, without boto3, and on each Python that the handler knows."""
    others = {
        name
        for module in PURE
        for name in imports_of(HANDLER / f"{module}.py")
        if name.split(".")[0] not in sys.stdlib_module_names
    }
    assert others <= {f"partner_account_handler.{name}" for name in PURE}


def test_the_construct_imports_only_the_pure_modules_of_the_handler() -> None:
    """The rest of it runs in Lambda."""
    imported = {name for module in CONSTRUCT.glob("*.py") for name in imports_of(module)}
    shared = {name for name in imported if name.split(".")[0] == "partner_account_handler"}
    assert shared == {f"partner_account_handler.{name}" for name in PURE}


def test_the_handler_imports_nothing_of_the_construct() -> None:
    """Nor of any other room: Lambda has none of them."""
    rooms = {"partner_account", "partner_account_cli", "partner_central_simulator", "aws_cdk", "constructs"}
    imported = {name.split(".")[0] for module in HANDLER.glob("*.py") for name in imports_of(module)}
    assert imported & rooms == set()


def test_each_limit_ends_before_the_next_one() -> None:
    """In the order of the table, with the numbers of the code."""
    timeout = provider._TIMEOUT.to_seconds()  # noqa: SLF001
    oldest = provider._OLDEST_EVENT.to_seconds()  # noqa: SLF001
    limits = [timeout - MARGIN_SECONDS, timeout - SENDING_SECONDS, timeout, oldest + timeout]
    rows = re.findall(r"^\| [^|]+ \| (\d[^|]+) s \|$", PAGE, re.MULTILINE)
    told = [sum(int(number) for number in re.findall(r"\d+", row)) for row in rows]
    assert told == [*limits, provider.SERVICE_TIMEOUT_SECONDS]
    assert told == sorted(told)
