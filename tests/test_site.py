"""The documentation site: it builds without a warning, needs no network, and leaves no public name out."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from enum import Enum
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest

import partner_account
import partner_central_simulator
from tests.browser import chromium, needs_chromium

ROOT = Path(__file__).parents[1]
BUILD = ["-m", "sphinx", "--nitpicky", "--fail-on-warning", "--keep-going", "--quiet", "-c", "docs/site", "."]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"PYTHONPATH": str(ROOT / ".venv/publish")}
    command = [sys.executable, *BUILD, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0
    return folder


def test_make_docs_is_reproducible() -> None:
    """The command that the tests build the site with is that of the Makefile."""
    command = ["make", "docs", "--dry-run", "--always-make", "--old-file=install"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert " ".join(BUILD) in made.stdout


# --- Nothing public is left out ---


@pytest.fixture(scope="module")
def entries(site: Path) -> set[str]:
    """The names with an entry on the site, from the inventory that Sphinx publishes."""
    packed = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(packed).decode().splitlines()
    return {line.split(" ", 1)[0] for line in lines if " py:" in line}


def public_names(module: ModuleType) -> Iterator[str]:
    """What a module exports, with the public members of its classes, but for those of other projects."""
    for name in module.__all__:
        yield f"{module.__name__}.{name}"
        if isinstance(kind := getattr(module, name), type):
            yield from (f"{module.__name__}.{name}.{member}" for member in members(kind))


def members(kind: type) -> set[str]:
    """The public members of a class that this project has written."""
    if issubclass(kind, Enum):
        return set(kind.__members__)
    own = [base for base in kind.__mro__ if base.__module__.startswith("partner_")]
    found = {name for base in own for name in vars(base)}
    if dataclasses.is_dataclass(kind):
        found |= {field.name for field in dataclasses.fields(kind)}
    return {name for name in found if not name.startswith("_")}


@pytest.mark.parametrize("module", [partner_account, partner_central_simulator], ids=lambda module: module.__name__)
def test_each_public_name_has_its_entry(module: ModuleType, entries: set[str]) -> None:
    """Each class of the two packages that users import, each method, property, value of an enum and field."""
    assert {name for name in public_names(module) if name not in entries} == set()


@pytest.mark.parametrize("construct", ["PartnerAccount", "PartnerAccountProvider", "PartnerProfile"])
def test_each_prop_is_described(construct: str, site: Path) -> None:
    """With its type and in words, in the entry of its construct."""
    page = (site / "docs/site/api.html").read_text("utf-8")
    entry = page.split(f'id="partner_account.{construct}.__init__"')[1].split('<dt class="sig ', 1)[0]
    described = re.findall(r"<strong>(\w+)</strong> \(.+\) \W \w", entry)
    written = inspect.signature(vars(getattr(partner_account, construct))["__init__"])
    assert ["self", *described] == list(written.parameters)


def test_each_example_is_in_the_cookbook(site: Path) -> None:
    """With its code, to the last line."""
    page = (site / "docs/site/cookbook.html").read_text("utf-8")
    text = re.sub(r"<[^>]*>", "", page)
    for path in (ROOT / "examples").rglob("*.*"):
        if path.suffix in {".py", ".yml"}:
            assert f"examples/{path.relative_to(ROOT / 'examples')}" in text
            last = path.read_text("utf-8").strip().splitlines()[-1]
            assert last.strip().split("(")[0].split('"')[0] in text


def test_each_page_has_a_title_of_its_own(site: Path) -> None:
    """Which is what search engines and tabs show."""
    pages = [page for page in site.rglob("*.html") if page.name not in {"genindex.html", "search.html"}]
    pages.remove(site / "index.html")  # which leads to the first of them
    titles = [re.findall(r"<title>(.*?)</title>", page.read_text("utf-8"))[0] for page in pages]
    assert len(set(titles)) == len(pages)


# --- What the reader's browser does ---


class _References(HTMLParser):
    """Where a page leads, what it loads, and where in it one can arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = {""}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        found = {name: value or "" for name, value in attrs}
        self.anchors.add(found.get("id", ""))
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        elif source := found.get("src") or (tag == "link" and found.get("href")):
            self.loaded.add(str(source))


def references(page: Path) -> _References:
    """All of one page."""
    parser = _References()
    parser.feed(page.read_text("utf-8"))
    return parser


FITS = """
(async () => {
  const all = selector => [...document.querySelectorAll(selector)];
  const pause = () => new Promise(done => setTimeout(done, 50));
  while (all("pre.mermaid").some(diagram => !diagram.querySelector("svg g"))) await pause();
  await pause();
  return {
    tables: all("table").length,
    diagrams: all("pre.mermaid").length,
    cut: all(".table-wrapper").filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText.slice(0, 60)),
    small: all("pre.mermaid svg").filter(svg => svg.clientWidth < Math.floor(svg.viewBox.baseVal.width)).length,
    over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
})()
"""
"""An expression: what a page has, once its diagrams are drawn, and what of it doesn't fit."""


@needs_chromium
def test_no_table_is_cut_off_and_no_diagram_is_smaller_than_the_text(site: Path, tmp_path: Path) -> None:
    """On a phone and at two widths of a laptop, as a browser lays the pages out; on a phone a diagram can be moved."""
    pages = [page for page in site.rglob("*.html") if page.name != "search.html"]
    pages.remove(site / "index.html")  # which leads elsewhere
    with chromium(tmp_path) as browser:
        measured = [
            {"page": page.name, "width": width, **browser.measure(page, width, FITS)}
            for page in pages
            for width in (390, 1280, 1440)
        ]
    assert sum(one["tables"] for one in measured) > 100
    assert sum(one["diagrams"] for one in measured) > 10
    assert [one for one in measured if one["cut"] or one["small"] or one["over"] > 0] == []


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    """Style sheets, scripts and pictures are all files of the site: it works from disk, without network."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        for source in references(page).loaded:
            assert not urlsplit(source).netloc, (page, source)
            assert (page.parent / urlsplit(source).path).exists(), (page, source)


def test_each_link_resolves(site: Path) -> None:
    """Each link to another page or into it, and to each file of the repository that is offered."""
    pages = {page: references(page) for page in site.rglob("*.html")}
    for page, found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), (page, link)
            assert target not in pages or unquote(parts.fragment) in pages[target].anchors, (page, link)
