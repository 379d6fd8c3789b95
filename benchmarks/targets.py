"""The targets of PartnerAccount, each with the measured value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import handler_requests, newcomer
from benchmarks.contenders import ALL, AWS_CUSTOM_RESOURCE, CONSTRUCT, CRHELPER, FLOOR, PROVIDER_FRAMEWORK, Contender
from benchmarks.functions import COLD
from benchmarks.series import Results, Spread
from benchmarks.synths import FIVE_STACKS, IMPORT, ONE


@dataclass(frozen=True)
class TargetResult:
    """One target, and whether it is reached; None if that was not measured."""

    target: str
    measured: str
    reached: bool | None


@dataclass(frozen=True)
class RatioTarget:
    """A target for a cost of PartnerAccount's as a multiple of another's, in one case."""

    target: str
    metric: str
    case: str
    to: Contender
    most: float

    def judge(self, results: Results) -> TargetResult:
        """By the median, round by round; the quartiles are shown beside it."""
        ratio = results.ratio(self.metric, self.case, CONSTRUCT.name, self.to.name)
        if ratio is None:
            return TargetResult(self.target, "not measured", None)
        return TargetResult(self.target, _spread(ratio, "×"), ratio.median <= self.most)


RATIOS = (
    RatioTarget("synth of one partner no slower than AwsCustomResource's", "synth wall", ONE, AWS_CUSTOM_RESOURCE, 1),
    RatioTarget(
        "synth of 5 stacks no slower than AwsCustomResource's", "synth wall", FIVE_STACKS, AWS_CUSTOM_RESOURCE, 1
    ),
    RatioTarget("asset at most 1/300 of crhelper's with a vendored boto3", "asset bytes", ONE, CRHELPER, 1 / 300),
    RatioTarget("asset smaller than AwsCustomResource's", "asset bytes", ONE, AWS_CUSTOM_RESOURCE, 1),
    RatioTarget("cold start, CPU: at most 1.1 times the floor", "cold CPU", COLD, FLOOR, 1.1),
    RatioTarget("cold start, instructions: at most 1.1 times the floor", "cold instructions", COLD, FLOOR, 1.1),
    RatioTarget("cold start, CPU: below Provider's Python half", "cold CPU", COLD, PROVIDER_FRAMEWORK, 1),
    RatioTarget("cold start, CPU: below crhelper's", "cold CPU", COLD, CRHELPER, 1),
    RatioTarget("peak memory within 2 % of the floor", "cold memory", COLD, FLOOR, 1.02),
)
# (target, metric, case, how many of the unit one is, unit, at most)
LIMITS = (
    (
        "`import partner_account` at most 30 ms above the CDK modules that it needs",
        "import CPU",
        IMPORT,
        1e-3,
        "ms",
        30,
    ),
    ("`make demo`: installation under a minute", f"{newcomer.METRIC}wall", newcomer.DEMO_INSTALL, 1, "s", 60),
    ("`make demo`: packages under 700 MB", f"{newcomer.METRIC}kept", newcomer.DEMO_INSTALL, 1e6, "MB", 700),
    ("`make demo`: run under 40 s", f"{newcomer.METRIC}wall", newcomer.DEMO_RUN, 1, "s", 40),
)
LEVEL = 1.03
"""What counts as equal to the fastest: chosen, not derived from the variation of runs."""


def verdicts(results: Results) -> list[TargetResult]:
    """All targets, in the order of a partner's life."""
    return [
        *(ratio.judge(results) for ratio in RATIOS),
        _against_quickest(results, "deploy", LEVEL, "level with the fastest contender (3 %)"),
        _against_quickest(results, "no-op deploy", LEVEL, "level with the fastest contender (3 %)"),
        _against_quickest(results, "destroy", 1, "faster than every contender"),
        *_requests(results),
        *(_limit(results, *limit) for limit in LIMITS),
        _tests(results),
    ]


def _spread(spread: Spread, unit: str) -> str:
    low, median, high = (
        f"{value:.2g}" if value < 1 / 10 else f"{value:.2f}" for value in (spread.low, spread.median, spread.high)
    )
    return f"{median}{unit}" if low == high else f"{median}{unit} ({low} – {high})"


def _limit(results: Results, target: str, metric: str, case: str, one: float, unit: str, most: float) -> TargetResult:
    spread = results.spread(metric, case, CONSTRUCT.name)
    if spread is None:
        return TargetResult(target, "not measured", None)
    return TargetResult(target, f"{spread.median / one:.0f} {unit}", spread.median / one <= most)


def _against_quickest(results: Results, step: str, most: float, what: str) -> TargetResult:
    ratios = [results.ratio("wall", step, CONSTRUCT.name, one.name) for one in ALL if one is not CONSTRUCT]
    known = [ratio for ratio in ratios if ratio]
    if not known:
        return TargetResult(f"{step} {what}", "not measured", None)
    worst = max(known, key=lambda ratio: ratio.median)
    missing = len(ratios) - len(known)
    measured = _spread(worst, "×") + (f", {missing} of {len(ratios)} contenders not measured" if missing else "")
    if missing and worst.median <= most:
        return TargetResult(f"{step} {what}", measured, None)
    return TargetResult(f"{step} {what}", measured, worst.median <= most)


def _requests(results: Results) -> Iterator[TargetResult]:
    for step in ("no-op deploy", "destroy"):
        asked = results.values("requests to Partner Central", step, CONSTRUCT.name)
        yield TargetResult(
            f"{step} makes no request to Partner Central",
            f"{asked[0]:.0f}" if asked else "not measured",
            asked == [0] if asked else None,
        )
    for step, wanted in {
        handler_requests.CREATE: {"create_partner": 1},
        handler_requests.UNCHANGED: {},
        handler_requests.CONTACT: {"put_alliance_lead_contact": 1},
        handler_requests.ROLLBACK: {"put_alliance_lead_contact": 1},
        handler_requests.PROFILE_CREATE: {"start_profile_update_task": 1},
        handler_requests.PROFILE_UNCHANGED: {},
        handler_requests.PROFILE_UPDATE: {"start_profile_update_task": 1},
    }.items():
        sent = handler_requests.requests(results, step)
        writes = {name: times for name, times in sent.items() if not name.startswith(("get", "list", "describe"))}
        target = f"{step}: writes {' and '.join(f'`{name}`' for name in wanted) or 'nothing'}" + (
            ", once" if wanted else ""
        )
        told = ", ".join(f"{times} `{name}`" for name, times in writes.items()) or "nothing"
        yield TargetResult(target, told, writes == wanted) if sent else TargetResult(target, "not measured", None)


def _tests(results: Results) -> TargetResult:
    target = "`make test` without installation under 6 minutes"
    stages = [
        results.values(f"{newcomer.METRIC}wall", one, CONSTRUCT.name)
        for one in (newcomer.TEST_VERSIONS, newcomer.TEST_ALL)
    ]
    if not all(stages):
        return TargetResult(target, "not measured", None)
    seconds = sum(values[0] for values in stages)
    return TargetResult(target, f"{seconds / 60:.1f} min", seconds < 360)  # noqa: PLR2004
