"""How the documentation becomes a site: ``make docs`` writes it to docs/_build/."""

from __future__ import annotations

import ellimaps

project = "ellimaps"
author = "the ellimaps developers"
copyright = author
version = release = ellimaps.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "ellimaps"

# The headings that pages link to are named as on GitHub, so that links work there and here.
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["myst.xref_missing", "myst.header"]

default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
