"""A rehearsal's output in the terminal: steps with their durations, what would be created, and the verdict.

Without a terminal there are no colors, nothing moves, and each fact is on one line, however long it is.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from partner_account_rehearsal.report import (
    PARTNER_CENTRAL,
    RehearsalEvent,
    RehearsalReport,
    StackReport,
    StepReport,
    created_accounts,
    without_arn_prefix,
)


class Reporter:
    """Prints the progress of a rehearsal.

    Args:
        verbose: whether to print all output of the cdk CLI and every event, and not only what matters.
        to_stderr: whether standard output is used for something else.
    """

    def __init__(self, *, verbose: bool = False, to_stderr: bool = False) -> None:
        """Start to count the seconds."""
        self.verbose = verbose
        self._console = Console(highlight=False, stderr=to_stderr)
        self._began = time.monotonic()
        self._clock: Progress | None = None

    @contextmanager
    def step(self, step: StepReport, number: int = 0) -> Iterator[None]:
        """Print the start of a step, its time so far, and its outcome."""
        self.section(f"{number}. {step.title}" if number else step.title)
        began = time.monotonic()
        spinner = SpinnerColumn("dots" if self._console.encoding.startswith("utf") else "line")
        rest_of_line = Column(no_wrap=True, overflow="ellipsis", ratio=1)
        now = TextColumn("{task.description}", "dim", markup=False, table_column=rest_of_line)
        clock = Progress(
            *(TextColumn(" "), spinner, TimeElapsedColumn(), now),
            console=self._console,
            transient=True,
            expand=True,
            disable=not self._console.is_terminal,
        )
        clock.add_task("", total=None)
        sign, style, ending = "✗", "bold red", "failed"
        self._clock = clock
        try:
            with clock:
                yield
            ending = step.ending
            if step.outcome == "passed":
                sign, style = "✓", "green"
        except (KeyboardInterrupt, SystemExit):
            ending = "interrupted"
            raise
        finally:
            self._clock = None
            words = "" if ending == "passed" else f"{ending}  "
            self.line(f"{sign} {words}{time.monotonic() - began:.1f} s", style)

    def progress(self, text: str) -> None:
        """Show what is in progress, beside the step's clock: on a terminal only, and until something else is."""
        if self._clock:
            self._clock.update(self._clock.task_ids[0], description=text)

    def cli_line(self, line: str) -> None:
        """Show a line of the cdk CLI: beside the clock, or on a line of its own if `verbose`."""
        if self.verbose:
            self.quote(line)
        elif line.strip():
            self.progress(line.strip())

    def quote(self, line: str) -> None:
        """Print a line of another program's output, unless it is empty."""
        if line.strip():
            self.line(f"│ {line}", "dim", hang=len("│ "))

    def event(self, event: RehearsalEvent, *, intended: bool) -> None:
        """Print an event; an `intended` failure is shown in a less alarming color."""
        failure = "yellow" if intended else "bold red"
        if event.source == PARTNER_CENTRAL:
            outcome = "" if event.status == "OK" else f" ({'; '.join(filter(None, (event.status, event.reason)))})"
            style = failure if event.failed else "bold magenta" if event.changes else "cyan"
            self.line(f"→ Partner Central: {event.subject}{outcome}", style)
            return
        words = " ".join(filter(None, (event.status, event.type, event.subject, event.reason)))
        if event.matters or self.verbose:
            self.line(words, failure if event.failed else "bold" if event.is_of_stack else "")
        else:
            self.progress(words)

    def section(self, heading: str) -> None:
        """Print a heading."""
        self._console.print()
        self._write(heading, "bold", indent=0, hang=3)

    def line(self, text: str, style: str = "", *, hang: int = 2) -> None:
        """Print an indented line; continuation lines are indented by `hang` more characters."""
        self._write(text, style, indent=2, hang=hang)

    def commands(self, heading: str, lines: Iterable[str]) -> None:
        """Print a heading, and below it lines that can be copied as they are."""
        self.section(heading)
        for line in lines:
            self._console.print(Text(line), soft_wrap=True)

    def next_steps(self, steps: Iterable[tuple[str, str]]) -> None:
        """Print what can be done next, and the command for it."""
        self.section("Next")
        for command, purpose in steps:
            self.line(f"{command:22}  {purpose}", hang=24)

    def preview(self, report: RehearsalReport) -> None:
        """Print what would be created, with which permissions, what can't be undone, and what is not rehearsed."""
        partners = ((f"Partner account {one.path}", one.rows) for one in report.partners)
        profiles = ((f"Profile {one.path}", one.rows) for one in report.profiles)
        for heading, rows in (*partners, *profiles):
            self.section(heading)
            width = max(len(name) for name, _ in rows)
            for name, value in rows:
                self.line(f"{name:{width}}  {value}", hang=width + 2)
        self.section(f"Would be {report.course}")
        for stack in report.stacks:
            self._preview_of(stack)
        self.section("The partner account's function may")
        for statement in report.iam_statements:
            resources = ", ".join(without_arn_prefix(resource) for resource in statement.resources)
            conditions = f" if {' and '.join(statement.conditions)}" if statement.conditions else ""
            name, actions = statement.sid or statement.effect, ", ".join(statement.actions)
            self.line(f"{name}: {actions} on {resources}{conditions}")
        for heading, lines in (
            ("Can't be undone", report.irreversible),
            ("Kept when the stacks are destroyed", report.retained),
            (
                "Readings of Partner Central that differ from the simulator's defaults",
                [f"{name}: {json.dumps(value)}" for name, value in report.readings.items()],
            ),
        ):
            if lines:
                self.section(heading)
                for line in lines:
                    self.line(line)
        if report.not_rehearsed:
            self.section("Not rehearsed: the local AWS can't create it, so a stand-in that does nothing replaces it")
            for stand_in in report.not_rehearsed:
                self.line(f"{stand_in.type}: {', '.join(stand_in.paths)} ({stand_in.reason})", "yellow")

    def _preview_of(self, stack: StackReport) -> None:
        """Print the resources of a new stack, counted by type, or what an update changes, by path."""
        if stack.update is None:
            counted = (f"{name} ({count})" if count > 1 else name for name, count in stack.resources.items())
            self.line(f"{stack.name}: {', '.join(counted)}")
            return
        self.line(f"{stack.name}: {stack.update.unchanged} of its resources are unchanged")
        for change in stack.update.changes:
            self.line(f"  {change.done:7}  {change.type} {change.path}", hang=11)

    def summary(self, report: RehearsalReport) -> None:
        """Print the outcome of each step, the outputs, and the verdict."""
        self.section("Steps")
        for step in report.steps:
            ending = "" if step.ending == "passed" else f": {step.ending}"
            sign = "✓" if step.outcome == "passed" else "✗"
            self.line(f"{sign} {step.seconds:6.1f} s  {step.title}{ending}", hang=12)
        for stack, outputs in report.outputs.items():
            self.commands(f"Outputs of {stack} (simulated)", (f"  {name} = {value}" for name, value in outputs.items()))
        if report.findings:
            self.section("Findings")
            for finding in report.findings:
                self.line(finding.text, "red" if finding.fails else "yellow")
        if report.outcome == "passed":
            self.section("Results")
            for sentence in report.results:
                self.line(sentence)
            verdict = f"{created_accounts(len(report.new_partners)).capitalize()}."
            self._console.print()
            self._write(f"{verdict} ({time.monotonic() - self._began:.0f} s in all)", "bold green", indent=0, hang=2)

    def _write(self, text: str, style: str, *, indent: int, hang: int) -> None:
        room = self._console.width - indent if self._console.is_terminal else sys.maxsize
        for number, line in enumerate(_wrap(text, room, hang)):
            margin = " " * (indent + (hang if number else 0))
            # As text, not as markup: brackets in it mean nothing.
            self._console.print(Text(f"{margin}{line}".rstrip(), style), soft_wrap=True)


def _wrap(text: str, room: int, hang: int) -> list[str]:
    """The lines, of at most `room` cells, less `hang` for continuation lines.

    A longer word stays whole, so that it can be copied.
    """
    lines: list[str] = []
    for word in text.split(" "):
        if lines and cell_len(f"{lines[-1]} {word}") <= (room if len(lines) == 1 else room - hang):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
