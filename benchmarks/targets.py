"""What PartnerAccount has to reach, each with what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.contenders import CONSTRUCT, CRHELPER, EMPTY, FLOOR
from benchmarks.functions import COLD
from benchmarks.series import Results, Spread
from benchmarks.synths import FIVE, ONE

_NAME = CONSTRUCT.name


@dataclass(frozen=True)
class TargetResult:
    """One target, and whether it is reached; None if that was not measured."""

    target: str
    measured: str
    reached: bool | None


def verdicts(results: Results) -> list[TargetResult]:
    """All targets, in the order of a partner's life."""
    return [
        _of("asset at most 1/300 of crhelper's", _asset_share(results), "1/{:.0f}", least=300),
        _of("synth of one partner at most 0.5 s above an empty app", above_empty(results, _NAME), "{:.2f} s", most=0.5),
        _of("less than 30 ms for each further partner", _synth_per_partner(results), "{:.1f} ms", most=30),
        _of("one function for 5 partners", _one(results, "functions"), "{:.0f}", most=1),
        _of("one role for 5 partners", _one(results, "roles"), "{:.0f}", most=1),
        _of("cold start CPU at most 1.2 times the floor", _cold(results, "cold CPU", FLOOR.name), "{:.2f}", most=1.2),
        _of("the same in instructions", _cold(results, "cold instructions", FLOOR.name), "{:.2f}", most=1.2),
        _of("cold start CPU below crhelper's", _cold(results, "cold CPU", CRHELPER.name), "{:.2f}", most=1),
        *_requests(results),
    ]


def _of(
    target: str, value: float | None, told: str, *, most: float = float("inf"), least: float = float("-inf")
) -> TargetResult:
    if value is None:
        return TargetResult(target, "not measured", None)
    return TargetResult(target, told.format(value), least <= value <= most)


def _asset_share(results: Results) -> float | None:
    ratio = results.ratio("asset bytes", str(ONE), CRHELPER.name, _NAME)
    return ratio.median if ratio else None


def above_empty(results: Results, contender: str) -> float | None:
    """A synth's seconds over an empty app's, round by round, since both met the same minute of the machine."""
    pairs = zip(
        results.values("synth wall", str(ONE), contender),
        results.values("synth wall", str(ONE), EMPTY.name),
        strict=False,
    )
    above = [own - empty for own, empty in pairs]
    return Spread.of(above).median if above else None


def _synth_per_partner(results: Results) -> float | None:
    one = results.spread("synth wall", str(ONE), _NAME)
    five = results.spread("synth wall", str(FIVE), _NAME)
    return (five.median - one.median) / (FIVE.partners - 1) * 1000 if one and five else None


def _one(results: Results, what: str) -> float | None:
    spread = results.spread(what, str(FIVE), _NAME)
    return spread.median if spread else None


def _cold(results: Results, metric: str, to: str) -> float | None:
    ratio = results.ratio(metric, COLD, _NAME, to)
    return ratio.median if ratio else None


def _requests(results: Results) -> Iterator[TargetResult]:
    wanted = {
        "a no-op deploy asks Partner Central nothing": ("no-op deploy", set()),
        "a fault-free Create sends it two requests, and a third while CreatePartner tells no profile id": (
            "deploy",
            {"ListPartners", "CreatePartner"},
        ),
        "an Update of the contact writes the contact only": ("update", {"PutAllianceLeadContact"}),
        "a destroy asks nothing, and waits for nothing": ("destroy", set()),
    }
    for target, (step, expected) in wanted.items():
        if not results.values("requests to Partner Central", step, _NAME):
            yield TargetResult(target, "not measured", None)
            continue
        sent = requests(results, step, _NAME, "partnercentral")
        found = {name for name in sent if step != "update" or not name.startswith(("Get", "List"))}
        # While CreatePartner tells no profile id, as the simulator has it unless told otherwise, it must be asked for.
        found -= {"GetProfileVisibility"}
        yield TargetResult(target, ", ".join(f"`{name}`" for name in sent) or "none", found == expected)


def requests(results: Results, step: str, contender: str, service: str) -> dict[str, int]:
    """The requests of a contender's functions to one service in one step, by operation."""
    prefix = f"requests {service}:"
    return {
        one.metric.removeprefix(prefix): int(one.values[0])
        for one in results.series
        if (one.case, one.contender) == (step, contender) and one.metric.startswith(prefix)
    }
