"""The measurements: series of values, and what is missing, with the reason. Stored as JSON, compared as ratios."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


def _anywhere(text: str) -> str:
    """The text in one line, without the folders of this machine."""
    for place in (str(Path(__file__).parents[1]), tempfile.gettempdir(), str(Path.home())):
        text = text.replace(place, "…")
    return " ".join(text.split())


@dataclass(frozen=True)
class Spread:
    """A median with its quartiles."""

    low: float
    median: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        if len(values) == 1:
            return Spread(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return Spread(low, median, high)


@dataclass
class Series:
    """The values of one metric of one contender in one case, in the order of the rounds."""

    metric: str
    case: str
    contender: str
    values: list[float] = field(default_factory=list)


@dataclass
class Results:
    """All that one run has measured."""

    about: dict[str, Any]
    series: list[Series] = field(default_factory=list)
    missing: list[dict[str, str]] = field(default_factory=list)

    def add(self, metric: str, case: str, contender: str, value: float) -> None:
        """Add one value."""
        found = self._find(metric, case, contender)
        if found is None:
            found = Series(metric, case, contender)
            self.series.append(found)
        found.values.append(value)

    @contextmanager
    def attempt(self, what: str, contender: str) -> Iterator[None]:
        """Note a failure as missing, and continue: one contender's failure doesn't lose the rest."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the other measurements are kept
            self.miss(what, contender, _anywhere(f"{type(error).__name__}: {error}")[-400:])

    def miss(self, what: str, contender: str, why: str) -> None:
        """Note, once, that something was not measured, and why."""
        entry = {"what": what, "contender": contender, "why": why}
        if entry not in self.missing:
            self.missing.append(entry)

    def drop(self, metrics: str, case: str = "") -> None:
        """Remove the series, and what is missing, whose name has this prefix; of one case only, if it is given."""
        self.series = [one for one in self.series if not one.metric.startswith(metrics) or case not in ("", one.case)]
        self.missing = [entry for entry in self.missing if not entry["what"].startswith(metrics)]

    def keep(self, former: Results, metrics: str) -> None:
        """Copy what an earlier run has measured, and missed, whose name has this prefix."""
        self.series += [one for one in former.series if one.metric.startswith(metrics)]
        self.missing += [entry for entry in former.missing if entry["what"].startswith(metrics)]
        if metrics.strip() in former.about:
            self.about[metrics.strip()] = former.about[metrics.strip()]

    def values(self, metric: str, case: str, contender: str) -> list[float]:
        """The values of a series; none if it was not measured."""
        found = self._find(metric, case, contender)
        return found.values if found else []

    def spread(self, metric: str, case: str, contender: str) -> Spread | None:
        """The spread of a series, if it was measured."""
        values = self.values(metric, case, contender)
        return Spread.of(values) if values else None

    def ratio(self, metric: str, case: str, contender: str, to: str) -> Spread | None:
        """A contender's value as a multiple of the other's, compared round by round."""
        both = zip(self.values(metric, case, contender), self.values(metric, case, to), strict=False)
        ratios = [one / other for one, other in both if other]
        return Spread.of(ratios) if ratios else None

    def write(self, path: Path) -> None:
        """Store everything as JSON."""
        series = [{**asdict(one), "values": [round(value, 6) for value in one.values]} for one in self.series]
        path.write_text(
            json.dumps({"about": self.about, "missing": self.missing, "series": series}, separators=(",", ":")) + "\n"
        )

    @staticmethod
    def read(path: Path) -> Results:
        """The results of an earlier run."""
        kept = json.loads(path.read_text())
        return Results(kept["about"], [Series(**one) for one in kept["series"]], kept["missing"])

    def _find(self, metric: str, case: str, contender: str) -> Series | None:
        wanted = (metric, case, contender)
        return next((one for one in self.series if (one.metric, one.case, one.contender) == wanted), None)
