"""The report as one HTML page that needs nothing else: no script, no font, no picture from anywhere."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from partner_account_rehearsal.report import Report, StepReport

_GENERATOR = '<meta name="generator" content="partner-account rehearse">'
"""By this line of the page an earlier report is told from a file of the user's."""
_TICKS = 8
_ROUND = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_LABEL_DISTANCE = 25.0
"""In percent of the timeline: labels that are nearer would lie on each other on a narrow screen."""


@dataclass(frozen=True)
class Mark:
    """A request of Partner Central on the timeline: where, and how it looks."""

    percent: float
    kind: str
    title: str


@dataclass(frozen=True)
class Label:
    """The operations of changes on the timeline, and where the first of them stands."""

    percent: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A step on the timeline, in percent of the whole."""

    step: StepReport
    left: float
    width: float
    marks: Sequence[Mark]
    labels: Sequence[Label]

    @property
    def outcome(self) -> str:
        """How the step ended, for the reader and for the style."""
        if self.step.outcome == "failed":
            return "failed"
        return "rolled back" if self.step.rolled_back else "passed"


@dataclass(frozen=True)
class Timeline:
    """The whole rehearsal, from 0 to `seconds`."""

    seconds: float
    bars: Sequence[Bar]
    ticks: Sequence[int]


def to_html(report: Report) -> str:
    """The page; everything in it that comes from the app is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        timeline=timeline_of(report),
        versions={name: version(name) for name in ("cdk-partner-account", "ministack")},
        retained=[path for stack in report.stacks for path in stack.retained],
        expected=any(request.expected for step in report.steps for request in step.requests),
    )


def is_html_report(text: str) -> bool:
    """Whether this is a page that `to_html` has made."""
    return _GENERATOR in text


def timeline_of(report: Report) -> Timeline:
    """Where each step and each request stands on a line as long as the rehearsal."""
    whole = max([step.began + step.seconds for step in report.steps], default=0.0) or 1.0
    bars = [
        Bar(
            step,
            left=_percent(step.began, whole),
            width=max(_percent(step.seconds, whole), 0.6),
            marks=list(_marks(step, whole)),
            labels=_labels(step, whole),
        )
        for step in report.steps
    ]
    distance = next((one for one in _ROUND if whole / one <= _TICKS), math.ceil(whole / _TICKS))
    return Timeline(whole, bars, range(0, int(whole) + 1, distance))


def _marks(step: StepReport, whole: float) -> Iterator[Mark]:
    # Changes are drawn last, so that they lie above the rest.
    for request in sorted(step.requests, key=lambda request: request.changes):
        kind = "change" if request.changes else "look"
        kind += " failed" if request.failed else " expected" if request.expected else ""
        title = f"{request.subject}: {'; '.join(filter(None, (request.status, request.reason)))}"
        yield Mark(_percent(request.seconds, whole), kind, title)


def _labels(step: StepReport, whole: float) -> list[Label]:
    """Each operation that changes something once, where it was last requested; one label for those too near."""
    counts = Counter(step.changes)
    last = {request.subject: request.seconds for request in step.requests if request.changes}
    labels: list[Label] = []
    for subject, seconds in sorted(last.items(), key=lambda pair: pair[1]):
        percent = _percent(seconds, whole)
        text = f"{subject} ({counts[subject]} times)" if counts[subject] > 1 else subject
        if labels and percent - labels[-1].percent < _LABEL_DISTANCE:
            former = labels.pop()
            percent, text = former.percent, f"{former.text}, {text}"
        labels.append(Label(percent, text))
    return labels


def _percent(seconds: float, whole: float) -> float:
    return round(min(max(seconds / whole, 0.0), 1.0) * 100, 2)
