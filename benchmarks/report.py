"""The page with the results: docs/benchmarks.md, with its plots beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import handler_requests, newcomer, plots
from benchmarks.contenders import ALL, CONSTRUCT, EMPTY, FLOOR, ROLE, Contender
from benchmarks.deployments import STEPS
from benchmarks.functions import COLD, WARM
from benchmarks.series import Results, Spread
from benchmarks.synths import FIVE_STACKS, ONE
from benchmarks.targets import verdicts

_VERDICTS = {True: "met", False: "**missed**", None: "?"}


@dataclass(frozen=True)
class ResultRow:
    """One line of a table: a metric in a case, and how its values are formatted."""

    title: str
    metric: str
    case: str
    told: Callable[[float], str]


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"  # noqa: PLR2004 - three digits are enough


def _milliseconds(value: float) -> str:
    return f"{value * 1000:.0f} ms"


def _bytes(value: float) -> str:
    for unit, size in (("MB", 1e6), ("KB", 1e3)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} B"


def _count(value: float) -> str:
    return f"{value:.0f}"


def _instructions(value: float) -> str:
    return f"{value / 1e9:.2f} G"


COSTS = (
    ResultRow("synth, wall", "synth wall", ONE, _seconds),
    ResultRow("synth, CPU", "synth CPU", ONE, _seconds),
    ResultRow("synth of 5 stacks, wall", "synth wall", FIVE_STACKS, _seconds),
    ResultRow("asset", "asset bytes", ONE, _bytes),
    ResultRow("template", "template bytes", ONE, _bytes),
    ResultRow("resources", "resources", ONE, _count),
    ResultRow("IAM resources `*` without a condition", "IAM wildcards", ONE, _count),
    ResultRow("cold start, CPU", "cold CPU", COLD, _milliseconds),
    ResultRow("cold start, instructions", "cold instructions", COLD, _instructions),
    ResultRow("cold start, peak memory", "cold memory", COLD, _bytes),
    ResultRow("warm update, CPU", "warm CPU", WARM, _milliseconds),
    *(ResultRow(f"{step}, wall", "wall", step, _seconds) for step in STEPS),
    *(ResultRow(f"{step}, requests to Partner Central", "requests to Partner Central", step, _count) for step in STEPS),
)
PLOTTED = [row for row in COSTS if row.told is not _count]
PARTS = {
    EMPTY: "an empty stack",
    ROLE: "one IAM role",
    FLOOR: "a function, its role, and a secret by its name",
    CONSTRUCT: "one PartnerAccount",
}


def write(results: Results, docs: Path) -> None:
    """Write the page and its plots into the folder `docs`."""
    (docs / "benchmarks.md").write_text("\n".join(_page(results)) + "\n")
    for name, svg in _plots(results):
        (docs / name).write_text(svg)


def _page(results: Results) -> Iterator[str]:
    yield from (Path(__file__).parent / "preface.md").read_text().splitlines()
    yield from ("", "## Targets", "", "| target | measured | |", "|---|---|---|")
    for verdict in verdicts(results):
        yield f"| {verdict.target} | {verdict.measured} | {_VERDICTS[verdict.reached]} |"
    yield from ("", "## Why targets are missed", "")
    yield from (Path(__file__).parent / "missed.md").read_text().splitlines()
    yield from ("", "## Costs", "", "![Ratios to PartnerAccount](benchmarks-ratios.svg)", "")
    yield from _table((*ALL, FLOOR), COSTS, results)
    yield from ("", "## Requests of the handler", "")
    yield from _requests_table(results)
    yield from ("", "## What a newcomer waits for", "")
    yield from _newcomer_table(results)
    yield from ("", "## What a synth consists of", "", "![Seconds of a synth](benchmarks-synth.svg)", "")
    yield from (Path(__file__).parent / "synth.md").read_text().splitlines()
    yield from ("", "## Not measured", "")
    for entry in results.missing:
        yield f"* {entry['what']}, {_title(entry['contender'])}: {entry['why']}"
    yield from ("", "## Machine and versions", "")
    yield "; ".join(f"{name} {value}" for name, value in results.about.items()) + "."


def _table(columns: Sequence[Contender], rows: Sequence[ResultRow], results: Results) -> Iterator[str]:
    yield "| | " + " | ".join(column.title for column in columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for row in rows:
        cells = [_cell(row, row.case, column, results) for column in columns]
        if any(cells):
            yield f"| {row.title} | " + " | ".join(cells) + " |"


def _cell(row: ResultRow, case: str, contender: Contender, results: Results) -> str:
    spread = results.spread(row.metric, case, contender.name)
    if spread is None:
        return ""
    told = row.told(spread.median)
    if row.told(spread.low) != row.told(spread.high):
        told += f" ({row.told(spread.low)} – {row.told(spread.high)})"
    ratio = results.ratio(row.metric, case, contender.name, CONSTRUCT.name)
    if contender is CONSTRUCT or ratio is None:
        return told
    return f"{told}; {_times(ratio)}"


def _times(ratio: Spread) -> str:
    def digits(value: float) -> str:
        return f"{value:.0f}" if value >= 10 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"  # noqa: PLR2004

    low, median, high = map(digits, (ratio.low, ratio.median, ratio.high))
    return f"{median}×" if low == high else f"{median}× ({low} – {high})"


def _requests_table(results: Results) -> Iterator[str]:
    sent = {step: found for step in handler_requests.STEPS if (found := handler_requests.requests(results, step))}
    if not sent:
        yield "Not measured."
        return
    yield "| request | " + " | ".join(sent) + " | why |"
    yield "|---|" + "---|" * len(sent) + "---|"
    for operation in dict.fromkeys(operation for found in sent.values() for operation in found):
        cells = [str(found.get(operation, "")) for found in sent.values()]
        yield f"| `{operation}` | " + " | ".join(cells) + f" | {handler_requests.REASONS.get(operation, '**none**')} |"


def _newcomer_table(results: Results) -> Iterator[str]:
    yield "| | time | downloaded | kept |"
    yield "|---|---|---|---|"
    for stage in newcomer.STAGES:
        told = []
        for metric, tell in (("wall", _seconds), ("fetched", _bytes), ("kept", _bytes)):
            values = results.values(newcomer.METRIC + metric, stage, CONSTRUCT.name)
            told.append(tell(values[0]) if values else "not measured" if metric == "wall" else "")
        stacks = results.values(f"{newcomer.METRIC}stacks", stage, CONSTRUCT.name)
        yield f"| {stage}{f', {stacks[0]:.0f} stacks' if stacks else ''} | {' | '.join(told)} |"


def _title(name: str) -> str:
    return next((one.title for one in (*ALL, EMPTY, FLOOR) if one.name == name), name)


def _plots(results: Results) -> Iterator[tuple[str, str]]:
    rows = {}
    for row in PLOTTED:
        found = {one: results.ratio(row.metric, row.case, one.name, CONSTRUCT.name) for one in ALL}
        known = {contender: ratio for contender, ratio in found.items() if ratio}
        if known:
            rows[row.title] = known
    if rows:
        yield "benchmarks-ratios.svg", plots.ratios("How many times PartnerAccount's cost", rows)
    parts = {what: results.spread("synth wall", ONE, contender.name) for contender, what in PARTS.items()}
    if measured := {what: spread for what, spread in parts.items() if spread}:
        yield "benchmarks-synth.svg", plots.bars("Seconds of a synth of a stack with", measured)
