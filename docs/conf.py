"""The documentation site: the pages of this folder, as Sphinx and MyST build them (`make docs`)."""

from __future__ import annotations

from pygments.lexers.shell import BashLexer
from sphinx.application import Sphinx

project = "rollout"
author = "the rollout team"

extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "reliability"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
copybutton_prompt_text = "$ "  # copied without the prompt

html_theme = "furo"
html_title = "rollout"
html_theme_options = {"navigation_with_keys": True}
nitpicky = True


def setup(app: Sphinx) -> None:
    """`az` names the blocks of docs/emulator-as-a-tool.md that need Microsoft's command line; they read as shell."""
    app.add_lexer("az", BashLexer)
