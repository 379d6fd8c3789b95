"""How a command tells its story: steps with their durations, in colour only on a terminal.

What is told, and whether it is good news, the commands decide.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


class Narrator:
    """Tells a story on standard output."""

    def __init__(self) -> None:
        """Begin the story, and count its seconds."""
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell of a step that begins, and how long it took once it has succeeded."""
        began = time.monotonic()
        self._say(f"\n{title}", "bold")
        # On a terminal a sign of life stands below the last line; elsewhere it prints nothing.
        with self._console.status("", spinner=spinner(self._console)):
            yield
        self._say(f"  ✓ {time.monotonic() - began:.1f} s", "green")

    def quote(self, line: str) -> None:
        """Pass on a line that another program has written, unless it is empty."""
        if line.strip():
            self._say(f"  │ {line}", "dim")

    def tell(self, sentence: str, style: str = "") -> None:
        """Say something about the step."""
        self._say(f"  {sentence}", style)

    def dictate(self, purpose: str, commands: Iterable[str] = ()) -> None:
        """Give a heading, and below it lines that can be copied as they are."""
        self._say(f"\n{purpose}", "bold")
        for command in commands:
            self._say(command)

    def conclude(self, sentence: str) -> None:
        """Say how the story ended, and how long it was."""
        self._say(f"\n{sentence} ({time.monotonic() - self._began:.0f} s in all)", "bold green")

    def _say(self, line: str, style: str = "") -> None:
        # As text, not as markup: brackets in it mean nothing.
        self._console.print(Text(line, style))


def spinner(console: Console) -> str:
    """The name of a sign of life that the terminal can show."""
    return "dots" if console.encoding.startswith("utf") else "line"
