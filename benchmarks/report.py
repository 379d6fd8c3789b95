"""The page that tells what was measured: docs/benchmarks.md, with its plots beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import plots
from benchmarks.contenders import ALL, CONSTRUCT, EMPTY, FLOOR, ROLE, Contender
from benchmarks.deployments import SERVICES, STEPS
from benchmarks.functions import COLD, WARM
from benchmarks.series import Results, Spread
from benchmarks.synths import GROWTH, ONE
from benchmarks.targets import above_empty, requests, verdicts

_VERDICTS = {True: "reached", False: "**missed**", None: "?"}


@dataclass(frozen=True)
class ResultRow:
    """One line of a table: a metric in a case, and how its values are told."""

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
    ResultRow("synth, wall", "synth wall", str(ONE), _seconds),
    ResultRow("synth, CPU", "synth CPU", str(ONE), _seconds),
    ResultRow("asset", "asset bytes", str(ONE), _bytes),
    ResultRow("uploaded by the first deploy", "uploaded bytes", "deploy", _bytes),
    ResultRow("cold start, CPU", "cold CPU", COLD, _milliseconds),
    ResultRow("cold start, instructions", "cold instructions", COLD, _instructions),
    ResultRow("cold start, peak memory", "cold memory", COLD, _bytes),
    ResultRow("cold start, wall", "cold wall", COLD, _milliseconds),
    ResultRow("warm update, CPU", "warm CPU", WARM, _milliseconds),
    ResultRow("warm update, wall", "warm wall", WARM, _milliseconds),
    *(ResultRow(f"{step}, wall", "wall", step, _seconds) for step in STEPS),
)
COUNTS = (
    ResultRow("template", "template bytes", "", _bytes),
    ResultRow("resources", "resources", "", _count),
    ResultRow("functions", "functions", "", _count),
    ResultRow("roles", "roles", "", _count),
    ResultRow("IAM statements", "IAM statements", "", _count),
    ResultRow("of them `*` without a condition", "IAM wildcards", "", _count),
    ResultRow("synth, wall", "synth wall", "", _seconds),
    ResultRow("synth, CPU", "synth CPU", "", _seconds),
)


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
    yield from ("", "## One partner", "", "![Ratios to PartnerAccount](benchmarks-ratios.svg)", "")
    yield from _table("", (*ALL, EMPTY, FLOOR), [(row.title, row, row.case) for row in COSTS], results)
    yield from _synth_parts(results)
    yield from ("", "## More partners and stacks", "")
    for size in (ONE, *GROWTH):
        if results.spread(COUNTS[0].metric, str(size), CONSTRUCT.name) is not None:
            yield from _table(str(size), ALL, [(row.title, row, str(size)) for row in COUNTS], results)
            yield ""
    yield from ("## Requests of the functions", "")
    yield from _requests_table(results)
    yield from ("", "## Not measured", "")
    for entry in results.missing:
        yield f"* {entry['what']}, {_title(entry['contender'])}: {entry['why']}"
    yield from ("", "## Machine and versions", "")
    yield "; ".join(f"{name} {value}" for name, value in results.about.items()) + "."


def _synth_parts(results: Results) -> Iterator[str]:
    yield from ("", "## What a synth consists of", "", *(Path(__file__).parent / "synth.md").read_text().splitlines())
    yield from ("", "| a stack with | above an empty one |", "|---|---|")
    for contender, what in {
        ROLE: "one IAM role",
        FLOOR: "a function, its role, and a secret by its name",
        CONSTRUCT: "one PartnerAccount",
    }.items():
        above = above_empty(results, contender.name)
        if above is not None:
            yield f"| {what} | {above:.2f} s |"


def _table(
    corner: str, columns: Sequence[Contender], rows: Sequence[tuple[str, ResultRow, str]], results: Results
) -> Iterator[str]:
    yield f"| {corner} | " + " | ".join(column.title for column in columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for title, row, case in rows:
        cells = [_cell(row, case, column, results) for column in columns]
        yield f"| {title} | " + " | ".join(cells) + " |"


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
    yield "| step | to | " + " | ".join(contender.title for contender in ALL) + " |"
    yield "|---|---|" + "---|" * len(ALL)
    for step in STEPS:
        for service in ("partnercentral", *SERVICES):
            cells = [_requests(results, step, contender, service) for contender in ALL]
            if service == "partnercentral" or any(cell not in ("0", "") for cell in cells):
                yield f"| {step} | {service} | " + " | ".join(cells) + " |"


def _requests(results: Results, step: str, contender: Contender, service: str) -> str:
    if not results.values("requests to Partner Central", step, contender.name):
        return ""
    sent = requests(results, step, contender.name, service)
    if service != "partnercentral":
        return str(sum(sent.values()))
    return ", ".join(f"`{name}`" if times == 1 else f"{times} `{name}`" for name, times in sent.items()) or "none"


def _title(name: str) -> str:
    return next((one.title for one in (*ALL, EMPTY, FLOOR) if one.name == name), name)


def _plots(results: Results) -> Iterator[tuple[str, str]]:
    rows = {}
    for row in COSTS:
        found = {one: results.ratio(row.metric, row.case, one.name, CONSTRUCT.name) for one in ALL}
        known = {contender: ratio for contender, ratio in found.items() if ratio}
        if known:
            rows[row.title] = known
    if rows:
        yield "benchmarks-ratios.svg", plots.ratios("How many times PartnerAccount's cost", rows)
