"""Mermaid diagrams, drawn by the reader's browser from the site's own files: without network, even from disk.

`sphinxcontrib-mermaid` imports an ES module, which browsers refuse to do from disk.
"""

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Diagram(SphinxDirective):
    """A fenced block of the language `mermaid`, which the repository's page draws too."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Its text is what a reader without JavaScript sees."""
        self.env.metadata[self.env.docname]["diagrams"] = "yes"
        text = escape("\n".join(self.content))
        return [nodes.raw("", f'<pre class="mermaid" role="img">{text}</pre>', format="html")]


def load_where_needed(app: Sphinx, page: str, _template: str, _context: dict[str, Any], _doctree: object) -> None:
    """The library has 2.5 MB."""
    if "diagrams" in app.env.metadata.get(page, {}):
        app.add_js_file("mermaid.tiny.js")
        app.add_js_file("diagrams.js")


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.config.myst_fence_as_directive.add("mermaid")
    app.add_directive("mermaid", Diagram)
    app.connect("html-page-context", load_where_needed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
