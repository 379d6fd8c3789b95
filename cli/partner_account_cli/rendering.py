"""How results look: tables, sentences, JSON, and a sign of life; in colour only on a terminal.

What they say the commands decide. Results go to standard output, everything else to standard error.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from partner_account_cli import encoding

GOOD, BAD, OPEN, FAINT = "green", "bold red", "yellow", "dim"

_WIDE = 1_000
"""Where no terminal is that has a width, nothing is wrapped."""


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def say(sentence: str, style: str = "") -> None:
    """A line of the result."""
    # As text, not as markup: brackets in it mean nothing.
    _console().print(Text(sentence, style))


def verdict(word: str, style: str, *sentences: str, width: int = 7) -> None:
    """A judgement, and beside it what there is to say; a sentence that is too long for the terminal goes on below."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=width)
    table.add_column(overflow="fold")
    for sentence in sentences:
        table.add_row(Text(word, style), Text(sentence))
        word = ""
    _print(table)


def note(sentence: str) -> None:
    """What is worth knowing, and is no part of the result."""
    _console(stderr=True).print(Text(sentence, FAINT))


def facts(title: str, told: Mapping[str, str]) -> None:
    """One thing, and what there is to say of it, line by line."""
    table = Table(title=Text(title, "bold"), title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(style=FAINT, no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in told.items():
        table.add_row(Text(name), Text(value))
    _print(table)


def rows(columns: Sequence[str], told: Iterable[Sequence[str]], styles: Mapping[str, str] | None = None) -> None:
    """Many things of one kind; `styles` colours the cells that hold one of its words."""
    # In a narrow terminal a cell goes on below: none of it is cut off.
    heads = [Column(column, overflow="fold") for column in columns]
    table = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in told:
        table.add_row(*(Text(cell, (styles or {}).get(cell, "")) for cell in row))
    _print(table)


def _print(table: Table) -> None:
    console = _console()
    with console.capture() as captured:
        console.print(table, soft_wrap=False)
    # A table pads its last column, which nobody sees on a screen, and everybody in a file.
    lines = [line.rstrip() for line in captured.get().splitlines()]
    console.out("\n".join(line for line in lines if line), highlight=False)


def document(content: Any) -> None:
    """The whole result as JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=_plain)
    if not encoding.can_write(text):
        text = json.dumps(content, indent=2, default=_plain)
    print(text)  # noqa: T201 - without rich's wrapping


@contextmanager
def working(sentence: str) -> Iterator[None]:
    """A sign of life while something takes its time; on a terminal only."""
    console = _console(stderr=True)
    with console.status(Text(sentence), spinner="dots" if console.encoding.startswith("utf") else "line"):
        yield


def when(time: datetime) -> str:
    """A time to read, in UTC to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def masked(text: str) -> str:
    """Personal data so that its owner would know it, and nobody else: its first letter, and an address's domain."""
    name, at, domain = text.partition("@")
    return f"{name[:1]}***{at}{domain}"


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
