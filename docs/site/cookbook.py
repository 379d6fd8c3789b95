"""The directive `cookbook`: every file under `examples/`, with what it says of itself, and its code."""

import ast
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
LANGUAGES = {".py": "python", ".yml": "yaml"}


class Cookbook(SphinxDirective):
    """All examples, each in a section."""

    def run(self) -> list[nodes.Node]:
        """A new example appears by itself."""
        files = [path for path in sorted((ROOT / "examples").rglob("*.*")) if path.suffix in LANGUAGES]
        sections: list[nodes.Node] = self.parse_text_to_nodes(
            "\n".join(map(recipe, files)), allow_section_headings=True
        )
        return sections


def recipe(path: Path) -> str:
    """The section of one example, in Markdown."""
    name = path.relative_to(ROOT)
    told, first = (docstring if path.suffix == ".py" else opening_comment)(path.read_text("utf-8"))
    language = LANGUAGES[path.suffix]
    return f"## `{name}`\n\n{told}\n\n```{{literalinclude}} /{name}\n:language: {language}\n:lines: {first}-\n```\n"


def docstring(source: str) -> tuple[str, int]:
    """What a program says of itself, and the line after that."""
    module = ast.parse(source)
    return ast.get_docstring(module) or "", (module.body[0].end_lineno or 0) + 2


def opening_comment(source: str) -> tuple[str, int]:
    """What another file says of itself."""
    lines = list(comment_lines(source))
    return "\n".join(lines), len(lines) + 2


def comment_lines(source: str) -> Iterator[str]:
    """The lines of the comment at the beginning."""
    for line in source.splitlines():
        if not line.startswith("#"):
            return
        yield line.removeprefix("#").removeprefix(" ")


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_directive("cookbook", Cookbook)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
