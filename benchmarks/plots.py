"""Plots as SVG that follow the reader's light or dark theme. Besides its color, each contender has its own mark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from benchmarks.contenders import ALL, Contender
from benchmarks.series import Spread

WIDTH = 760
_LEFT = 210
_RIGHT = 24
_ROW = 34
_TOP = 64

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.faint { fill: #59636e }
.paper { fill: #ffffff }
.grid { stroke: #d1d9e0 }
.one { stroke: #1f2328; stroke-width: 1.5 }
.series { fill: none; stroke-width: 2 }
.c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #bc4c00; stroke: #bc4c00 }
.c2 { fill: #1a7f37; stroke: #1a7f37 } .c3 { fill: #8250df; stroke: #8250df }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .faint { fill: #9198a1 } .paper { fill: #0d1117 } .grid { stroke: #3d444d }
.one { stroke: #f0f6fc }
.c0 { fill: #4493f8; stroke: #4493f8 } .c1 { fill: #f0883e; stroke: #f0883e }
.c2 { fill: #3fb950; stroke: #3fb950 } .c3 { fill: #ab7df8; stroke: #ab7df8 }
}
"""
_MARKS = {  # circle, square, triangle, diamond, each about a point
    0: "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0",
    1: "M-5,-5h10v10h-10z",
    2: "M0,-7l6,11h-12z",
    3: "M0,-7l6,7l-6,7l-6,-7z",
}


@dataclass(frozen=True)
class Scale:
    """A logarithmic scale from values to pixels."""

    lowest: float
    highest: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = math.log(value / self.lowest) / math.log(self.highest / self.lowest)
        return self.begin + share * (self.end - self.begin)


def ratios(title: str, rows: Mapping[str, Mapping[Contender, Spread]]) -> str:
    """Each contender's value as a multiple of PartnerAccount's: one row per metric, on one scale."""
    values = [limit for row in rows.values() for spread in row.values() for limit in (spread.low, spread.high)]
    scale = Scale(min(0.5, *values) / 1.2, max(2.0, *values) * 1.3, _LEFT, WIDTH - _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    svg = _paper(title, bottom + 44)
    for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 100, 300):
        if scale.lowest <= tick <= scale.highest:
            _line(svg, (scale(tick), _TOP - 6), (scale(tick), bottom), "one" if tick == 1 else "grid")
            _text(svg, (scale(tick), bottom + 16), f"{tick:g}×", "faint", "middle")
    _text(svg, (scale(1) + 6, bottom + 34), "right of the line: more than PartnerAccount", "faint", "start")
    for number, (name, row) in enumerate(rows.items()):
        y = _TOP + _ROW * (number + 0.5)
        _text(svg, (_LEFT - 14, y + 4), name, "", "end")
        for contender, spread in row.items():
            own = y + 5 * (ALL.index(contender) - (len(ALL) - 1) / 2)  # marks of equal value stay visible
            _line(svg, (scale(spread.low), own), (scale(spread.high), own), f"series c{ALL.index(contender)}")
            _mark(svg, contender, scale(spread.median), own)
    return _finished(svg)


def bars(title: str, rows: Mapping[str, Spread]) -> str:
    """Seconds as bars from zero: one row per name, with the quartiles as a line."""
    left, highest = 320, max(spread.high for spread in rows.values())
    svg = _paper(title, _TOP + _ROW * len(rows), ())
    for number, (name, spread) in enumerate(rows.items()):
        y = _TOP - 20 + _ROW * number
        low, median, high = (
            (WIDTH - left - 80) * value / highest for value in (spread.low, spread.median, spread.high)
        )
        bar = {"x": str(left), "y": str(y - 8), "width": f"{median:.1f}", "height": "16", "class": "c0"}
        SubElement(svg, "rect", bar)
        _line(svg, (left + low, y), (left + high, y), "one")
        _text(svg, (left - 14, y + 4), name, "", "end")
        _text(svg, (left + high + 8, y + 4), f"{spread.median:.2f} s", "", "start")
    return _finished(svg)


def _paper(title: str, height: int, contenders: Sequence[Contender] = ALL) -> Element:
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "role": "img",
            "aria-label": title,
        },
    )
    SubElement(svg, "style").text = _STYLE
    SubElement(svg, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    _text(svg, (16, 22), title, "title", "start")
    for number, contender in enumerate(contenders):
        x = 24 + number * 180
        _mark(svg, contender, x, 42)
        _text(svg, (x + 14, 46), contender.title, "", "start")
    return svg


def _mark(svg: Element, contender: Contender, x: float, y: float) -> None:
    number = ALL.index(contender)
    SubElement(svg, "path", {"d": _MARKS[number], "class": f"c{number}", "transform": f"translate({x:.1f},{y:.1f})"})


def _line(svg: Element, begin: tuple[float, float], end: tuple[float, float], css: str) -> None:
    names = ("x1", "y1", "x2", "y2")
    SubElement(svg, "line", {n: f"{v:.1f}" for n, v in zip(names, (*begin, *end), strict=True)} | {"class": css})


def _text(svg: Element, place: tuple[float, float], words: str, css: str, anchor: str) -> None:
    x, y = place
    SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": css, "text-anchor": anchor}).text = words


def _finished(svg: Element) -> str:
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"
