"""What a rehearsal tells in the terminal: steps with their durations, what would be created, and the verdict."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from partner_account_rehearsal.iam_statements import Statement
from partner_account_rehearsal.report import Report, created_accounts


class Reporter:
    """Writes to standard output, in colour only on a terminal."""

    def __init__(self) -> None:
        """Begin to count the seconds."""
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell of a step that begins, and how long it took once it has succeeded."""
        began = time.monotonic()
        self._print(f"\n{title}", "bold")
        # On a terminal a sign of life stands below the last line; elsewhere it prints nothing.
        with self._console.status("", spinner="dots" if self._console.encoding.startswith("utf") else "line"):
            yield
        self._print(f"  ✓ {time.monotonic() - began:.1f} s", "green")

    def quote(self, line: str) -> None:
        """Pass on a line that another program has written, unless it is empty."""
        if line.strip():
            self._print(f"  │ {line}", "dim")

    def line(self, text: str, style: str = "") -> None:
        """Write an indented line."""
        self._print(f"  {text}", style)

    def section(self, heading: str, lines: Iterable[str] = ()) -> None:
        """Write a heading, and below it lines that can be copied as they are."""
        self._print(f"\n{heading}", "bold")
        for line in lines:
            self._print(line)

    def preview(self, report: Report) -> None:
        """Tell what would be created, with which permissions, what can't be undone, and what is not rehearsed."""
        for one in report.partners:
            self.section(f"Partner account {one.path}")
            self.line(f"legal name             {one.legal_name}")
            self.line(f"catalog                {one.catalog}")
            self.line(f"primary solution type  {one.primary_solution_type}")
            self.line(f"alliance lead contact  {one.contact}")
            self.line(f"verification code      {one.verification_code}")
        self.section("Would be created")
        for stack in report.stacks:
            counted = (f"{name} ({count})" if count > 1 else name for name, count in stack.resources.items())
            self.line(f"{stack.name}: {', '.join(counted)}")
        self.section("The partner account's function may", map(_statement, report.iam_statements))
        self.section("Can't be undone", (f"  {sentence}" for sentence in report.irreversible))
        if report.readings:
            readings = (f"  {name}: {json.dumps(value)}" for name, value in report.readings.items())
            self.section("Readings of Partner Central that differ from the simulator's defaults", readings)
        if report.not_rehearsed:
            self.section("Not rehearsed: the local AWS can't create it, so something that does nothing stands in")
            for stand_in in report.not_rehearsed:
                self.line(f"{stand_in.type}: {', '.join(stand_in.paths)} ({stand_in.reason})", "yellow")

    def summary(self, report: Report) -> None:
        """Tell how each step ended, the outputs, and the verdict."""
        self.section("Report")
        for step in report.steps:
            self.line(f"{'✓' if step.outcome == 'passed' else '✗'} {step.title}  {step.seconds:.1f} s")
        for stack, outputs in report.outputs.items():
            self.section(f"Outputs of {stack} (simulated)", (f"  {name} = {value}" for name, value in outputs.items()))
        if report.outcome == "passed":
            self.section("Results", (f"  {sentence}" for sentence in report.shown))
            verdict = f"{created_accounts(len(report.partners)).capitalize()}, and no other."
            self._print(f"\n{verdict} ({time.monotonic() - self._began:.0f} s in all)", "bold green")

    def _print(self, line: str, style: str = "") -> None:
        # As text, not as markup: brackets in it mean nothing.
        self._console.print(Text(line, style))


def _statement(statement: Statement) -> str:
    name, resources = statement.sid or statement.effect, ", ".join(statement.resources)
    conditions = f" if {' and '.join(statement.conditions)}" if statement.conditions else ""
    return f"  {name}: {', '.join(statement.actions)} on {resources}{conditions}"
