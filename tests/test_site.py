"""The documentation site: it builds without a warning, needs no network, and leaves no public name out."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import partner_account
import partner_central_simulator

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


def test_make_docs_builds_the_same() -> None:
    """The command that the tests build the site with is that of the Makefile."""
    command = ["make", "docs", "--dry-run", "--always-make", "--old-file=install"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert " ".join(BUILD) in made.stdout


# --- Nothing public is left out ---


@pytest.fixture(scope="module")
def entries(site: Path) -> set[str]:
    """The names that the site has an entry of its own for, from what Sphinx tells other sites."""
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


@pytest.mark.parametrize("construct", ["PartnerAccount", "PartnerAccountProvider"])
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


class _Handler(SimpleHTTPRequestHandler):
    """Serves the site, and takes what measure_pages.html found out."""

    told: Queue[list[dict[str, Any]]] = Queue()

    def do_POST(self) -> None:
        """The last that the browser does."""
        self.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
        """Nothing: pytest shows what a test prints."""


@contextmanager
def measuring(browser: str, site: Path, profile: Path) -> Iterator[Queue[list[dict[str, Any]]]]:
    """A browser that opens the page of measurements, and what it finds."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        address = f"http://127.0.0.1:{server.server_port}/measure.html"
        with subprocess.Popen([browser, *options, address], stderr=subprocess.DEVNULL) as process:
            yield _Handler.told
            process.terminate()
        server.shutdown()


def test_no_table_is_cut_off_and_no_diagram_is_smaller_than_the_text(site: Path, tmp_path: Path) -> None:
    """On a phone and at two widths of a laptop, as a browser lays the pages out; on a phone a diagram can be moved."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not browser:
        pytest.skip("no Chromium on the PATH, nor named by CHROMIUM, so what the pages look like isn't measured")
    pages = [str(page.relative_to(site)) for page in site.rglob("*.html") if page.name != "search.html"]
    pages.remove("index.html")  # which leads elsewhere
    widths = [390, 1280, 1440]
    measure = (ROOT / "tests/measure_pages.html").read_text("utf-8")
    measure = measure.replace("of PAGES)", f"of {json.dumps(pages)})").replace(
        "of WIDTHS)", f"of {json.dumps(widths)})"
    )
    (site / "measure.html").write_text(measure, "utf-8")
    try:
        with measuring(browser, site, tmp_path) as told:
            measured = told.get(timeout=240)
    finally:
        (site / "measure.html").unlink()
    assert len(measured) == len(pages) * len(widths)
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


def test_each_link_arrives(site: Path) -> None:
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
