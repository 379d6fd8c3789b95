"""How results look: sentences, tables, JSON, and a spinner; in color only on a terminal.

Results go to standard output, everything else to standard error. In a terminal, lines wrap between words only, and
continuation lines are indented.
"""

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

GOOD, BAD, OPEN, FAINT = "green", "bold red", "yellow", "dim"

_UNLIMITED = 100_000
"""The width without a terminal: nothing is wrapped."""

_COMMAND = re.compile(r"`[^`]+`|\b(?:partner-account|export|aws partnercentral-account) .+")
"""Commands to copy: each stays on one line, as a word does."""

_JOINT = "\0"

_spinning: list[Console] = []
"""The console of the running spinner, which makes room only for what that console prints."""


def wrapped(text: str, indent: int = 2, *, stderr: bool = False) -> str:
    """The text wrapped to the terminal; continuation lines are indented."""
    kept = _COMMAND.sub(lambda command: command[0].replace(" ", _JOINT), text)
    width = console(stderr=stderr).width
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    # A text of several lines, such as an exception's list of errors, keeps them.
    return "\n".join(wrapper.fill(line) for line in kept.splitlines()).replace(_JOINT, " ")


def say(text: str, style: str = "", *, label: str = "", width: int = 0, stderr: bool = False) -> None:
    """Print a line of the result; `style` is that of the label, which is `width` wide, if there is one."""
    beside = label.ljust(width + 2) if width else ""
    # Continuation lines stay beside the label. As text, not as markup: brackets in it mean nothing.
    told = Text(wrapped(beside.replace(" ", _JOINT) + text, len(beside) or 2, stderr=stderr))
    told.stylize(style, 0, len(beside) or len(told))
    console(stderr=stderr).print(told)


def note(sentence: str) -> None:
    """Print a note that is not part of the result."""
    say(sentence, FAINT, stderr=True)


def facts(title: str, told: Mapping[str, str]) -> None:
    """Print the facts about one item line by line; without a title, after an empty line."""
    say(title, "bold")
    for name, value in told.items():
        say(value, FAINT, label=name, width=max(map(len, told)))


def rows(columns: Sequence[str], told: Iterable[Sequence[str]], styles: Mapping[str, str]) -> None:
    """Print items of one kind, in a table if it fits; `styles` colors the cells that equal one of its keys."""
    rows, table = list(told), Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for row in rows:
        table.add_row(*(Text(cell, styles.get(cell, "")) for cell in row))
    to = console()
    if to.measure(table, options=to.options.update(width=_UNLIMITED)).maximum > to.width:
        for row in rows:
            facts("", dict(zip(columns, row, strict=True)))
        return
    with to.capture() as captured:
        to.print(table)
    # A table pads its last column, which shows only in a file.
    to.out("\n".join(line.rstrip() for line in captured.get().splitlines() if line.strip()), highlight=False)


def document(content: Any, indent: int | None = 2) -> None:
    """Print the whole result as JSON."""
    text = json.dumps(content, indent=indent, ensure_ascii=False, default=_plain)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(content, indent=indent, default=_plain)
    print(text, flush=True)  # noqa: T201 - without rich's wrapping


@contextmanager
def working(sentence: str) -> Iterator[None]:
    """Show a spinner during the block, on a terminal only."""
    to = console(stderr=True)
    with to.status(Text(sentence), spinner="dots" if to.encoding.startswith("utf") else "line"):
        _spinning.append(to)
        try:
            yield
        finally:
            _spinning.remove(to)


def when(time: datetime) -> str:
    """A time for display, in UTC to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def masked(text: str) -> str:
    """Personal data that only its owner recognizes: its first letter, and an address's domain."""
    name, at, domain = text.partition("@")
    return f"{name[:1]}***{at}{domain}"


def console(*, stderr: bool = False) -> Console:
    """The terminal, or the stream in its place."""
    if stderr and _spinning:
        return _spinning[-1]
    made = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = _UNLIMITED
    return made


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
