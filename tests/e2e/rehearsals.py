"""Rehearsals by the installed command, as its user runs it: output and reports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.e2e.account import ROOT, path_with_locked_cdk
from tests.rehearsal.process_list import eventually_none, heed_interruptions


@dataclass(frozen=True)
class Place:
    """A directory with a CDK app, and a temporary directory of its own."""

    app: Path
    temporary: Path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a rehearsal in it, by the installed command."""
        heed_interruptions()
        own = {"PATH": path_with_locked_cdk(os.environ["PATH"]), "TMPDIR": str(self.temporary)}
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("partner-account")), "rehearse", *arguments],
            cwd=self.app,
            env=os.environ | own | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def assert_untouched(self) -> None:
        """Nothing was left behind, and the app's directory is as it was."""
        assert list(self.temporary.iterdir()) == []
        assert eventually_none(self.temporary)
        assert sorted(path.name for path in self.app.rglob("*")) == ["app.py", "cdk.json"]


def place_with(folder: Path, app: str) -> Place:
    """A place for an app, run as the example is."""
    place = Place(folder / "app", folder / "temporary")
    place.temporary.mkdir()
    place.app.mkdir()
    (place.app / "app.py").write_text(app)
    shutil.copy(ROOT / "cdk.json", place.app)
    return place


@dataclass(frozen=True)
class Rehearsed:
    """A finished rehearsal: its output, and its reports."""

    place: Place
    exit_code: int
    told: str
    folder: Path

    @cached_property
    def report(self) -> Any:
        """The JSON report."""
        return json.loads((self.folder / "report.json").read_text())

    @cached_property
    def page(self) -> Page:
        """The HTML report, parsed."""
        page = Page()
        page.feed((self.folder / "report.html").read_text())
        return page

    def everything(self) -> str:
        """All three, as text."""
        return "\n".join([self.told, *(file.read_text() for file in sorted(self.folder.glob("report.*")))])

    def changes(self) -> list[list[str]]:
        """The requests of each step that change something at Partner Central."""
        return [[event["Subject"] for event in step["Events"] if event["Changes"]] for step in self.report["Steps"]]


class Page(HTMLParser):
    """What a browser would find in a page: attributes that could lead elsewhere, and the text of each section."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[tuple[str, str | None]] = []
        self.sections: dict[str, str] = {}
        self._section = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where it could lead."""
        self.tags.add(tag)
        self.links += [pair for pair in attrs if pair[0] in {"src", "href", "srcset", "action", "data", "poster"}]
        if tag in {"section", "header", "footer", "style"}:
            self._section = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.sections[self._section] = self.sections.get(self._section, "") + data


def rehearsed(place: Place, folder: Path, *arguments: str, **environment: str) -> Rehearsed:
    """A rehearsal from its beginning to its end."""
    reports = ["--json", str(folder / "report.json"), "--html", str(folder / "report.html")]
    with place.start(*arguments, *reports, **environment) as rehearsal:
        told, _ = rehearsal.communicate(timeout=280)
    return Rehearsed(place, rehearsal.returncode, told, folder)
