"""docs/architecture.md: its times are those of the code. And which packages import what from each other."""

from __future__ import annotations

import ast
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from partner_account import provider
from partner_account_handler.clock import MARGIN_SECONDS
from partner_account_handler.delivery import SEND_SECONDS
from partner_account_handler.response import SEND_RESERVE_SECONDS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")

PURE = {"identity", "remedies", "service", "shapes", "texts"}
"""The handler's modules that other rooms import: what both must know alike is written once."""

ROOMS = {
    "constructs/partner_account": {"partner_account_handler"},
    "lambda/partner_account_handler": set[str](),
    "simulator/partner_central_simulator": set[str](),
    "rehearsal/partner_account_rehearsal": {"partner_central_simulator"},
    "cli/partner_account_cli": {
        "partner_account_handler",
        "partner_account_rehearsal",
        "partner_central_simulator",
    },
}
"""Each room, and which others it may import; of the handler only what is pure."""

PACKAGES = {Path(room).name for room in ROOMS}


def imports_of(module: Path) -> set[str]:
    """The modules that a module imports, by their full names, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names}
            case ast.ImportFrom(module=str(source), names=names) if source in PACKAGES:
                found |= {f"{source}.{name.name}" for name in names}
            case ast.ImportFrom(module=str(source)):
                found.add(source)
    return found


def test_pure_modules_import_nothing_but_the_standard_library() -> None:
    """So they load within milliseconds, without boto3, and on each Python that the handler knows."""
    handler = ROOT / "lambda/partner_account_handler"
    others = {
        name
        for module in PURE
        for name in imports_of(handler / f"{module}.py")
        if name.split(".")[0] not in sys.stdlib_module_names
    }
    assert others <= {f"partner_account_handler.{name}" for name in PURE}


@pytest.mark.parametrize("room", ROOMS)
def test_package_imports_only_its_allowed_packages(room: str) -> None:
    """Lambda has none of the others, and the construct loads without what the command needs."""
    imported = {name for module in (ROOT / room).rglob("*.py") for name in imports_of(module)}
    assert {name.split(".")[0] for name in imported} & PACKAGES <= {Path(room).name, *ROOMS[room]}
    if "partner_account_handler" in ROOMS[room]:
        handler = {name.split(".")[1] for name in imported if name.startswith("partner_account_handler.")}
        assert handler <= PURE


@pytest.mark.parametrize("room", ROOMS)
def test_modules_of_a_package_have_no_import_cycle(room: str) -> None:
    """Each can be read, and loaded, after those that it imports, be it at the top or in a function."""
    paths = {path.relative_to((ROOT / room).parent): path for path in (ROOT / room).rglob("*.py")}
    modules = {".".join(name.with_suffix("").parts).removesuffix(".__init__"): path for name, path in paths.items()}
    graph = {name: imports_of(path) & modules.keys() for name, path in modules.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


def test_each_limit_ends_before_the_next_one() -> None:
    """In the order of the table, with the numbers of the code."""
    timeout = provider._TIMEOUT_SECONDS  # noqa: SLF001
    oldest = provider._OLDEST_EVENT_SECONDS  # noqa: SLF001
    sending = timeout - SEND_RESERVE_SECONDS
    limits = [timeout - MARGIN_SECONDS, sending, sending + SEND_SECONDS, timeout, oldest + timeout]
    rows = re.findall(r"^\| [^|]+ \| (\d[^|]+) s \|$", PAGE, re.MULTILINE)
    told = [sum(int(number) for number in re.findall(r"\d+", row)) for row in rows]
    assert told == [*limits, provider.SERVICE_TIMEOUT_SECONDS]
    assert told == sorted(told)
