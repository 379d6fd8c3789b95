"""The report as one self-contained HTML page, without external scripts, fonts or images."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from partner_account_rehearsal.report import RehearsalReport, StepReport

_GENERATOR = '<meta name="generator" content="partner-account rehearse">'
"""This line of the page distinguishes an earlier report from a file of the user's."""
_TICKS = 8
_ROUND = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_LABEL_DISTANCE = 25.0
"""In percent of the timeline: closer labels would overlap on a narrow screen."""


@dataclass(frozen=True)
class Timeline:
    """The timeline on which the page shows the steps and requests, from 0 to `seconds`."""

    seconds: float

    def percent(self, seconds: float) -> float:
        """The position of a moment on the timeline."""
        return round(min(max(seconds / self.seconds, 0.0), 1.0) * 100, 2)

    def ticks(self) -> range:
        """The seconds of its ticks: a few round numbers."""
        distance = next((one for one in _ROUND if self.seconds / one <= _TICKS), math.ceil(self.seconds / _TICKS))
        return range(0, int(self.seconds) + 1, distance)

    def labels(self, step: StepReport) -> list[tuple[float, str]]:
        """The operations that change something, each once, at its last request; close ones share a label."""
        counts = Counter(step.changes)
        last = {request.subject: request.seconds for request in step.requests if request.changes}
        labels: list[tuple[float, str]] = []
        for subject, seconds in sorted(last.items(), key=lambda pair: pair[1]):
            percent = self.percent(seconds)
            text = f"{subject} ({counts[subject]} times)" if counts[subject] > 1 else subject
            if labels and percent - labels[-1][0] < _LABEL_DISTANCE:
                percent, former = labels.pop()
                text = f"{former}, {text}"
            labels.append((percent, text))
        return labels


def to_html(report: RehearsalReport) -> str:
    """The page; everything in it that comes from the app is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # An ARN or a path wraps between its parts, and not within a word.
    environment.filters["breakable"] = lambda text: Markup(re.sub("([:/]+)", r"\1<wbr>", str(escape(text))))  # noqa: S704
    whole = max([step.began + step.seconds for step in report.steps], default=0.0) or 1.0
    return environment.get_template("page.html.j2").render(report=report, timeline=Timeline(whole))


def is_html_report(text: str) -> bool:
    """Whether this is a page that `to_html` has made."""
    return _GENERATOR in text
