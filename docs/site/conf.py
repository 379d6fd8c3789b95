"""The documentation site: every Markdown page of the repository as it is, and what only a site can show.

The source folder is the repository itself, so that each link works here and on the repository's own pages.
Build it with `make docs`; a warning is an error.
"""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

project = "cdk-partner-account"
author = "The authors of cdk-partner-account"
release = version_of(project)
root_doc = "docs/site/index"
include_patterns = ["*.md", "docs/*.md", "docs/site/*.md"]
# Not even to be searched: `.venv` alone holds thousands of files.
exclude_patterns = [".*", "node_modules", "benchmarks", "cdk.out", "build", "dist", "docs/_build"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "diagrams", "cookbook"]
myst_heading_anchors = 4
nitpicky = True
# Types of other projects, whose pages can't be looked up without network.
nitpick_ignore_regex = [("py:.*", r"(?!partner_account\.|partner_central_simulator\.).*")]
nitpick_ignore = [("py:class", "partner_central_simulator.authorization.Authorizer")]
toc_object_entries_show_parents = "hide"

# The docstrings' single backticks are code, as in Markdown.
default_role = "code"
# jsii's metaclass hides what a class is called with; its `__init__` shows it.
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "member-order": "bysource", "exclude-members": "__new__"}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = project
html_static_path = ["static", os.path.relpath(ROOT / "node_modules/@mermaid-js/tiny/dist", HERE)]
html_css_files = ["site.css"]
html_js_files = ["tables.js"]
html_extra_path = ["index.html"]
html_copy_source = False
html_show_copyright = False


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", keep_first_sentence, priority=0)


def keep_first_sentence(
    _app: Sphinx, what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Napoleon takes the words before a colon in an attribute's first line for its type."""
    if what in {"attribute", "property"}:
        lines.insert(0, "")
