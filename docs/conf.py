"""How the documentation becomes a site: ``make docs`` writes it to docs/_build/."""

from __future__ import annotations

import ellimaps

project = "ellimaps"
author = "the ellimaps developers"
copyright = author
version = release = ellimaps.__version__

extensions = [
    "myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_gallery.gen_gallery",
]  # fmt: skip
exclude_patterns = ["_build", "gallery"]
html_theme = "furo"
html_title = "ellimaps"

# The headings that pages link to are named as on GitHub, so that links work there and here.
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["myst.xref_missing", "myst.header"]

# Each script is run, and its picture taken, when it has changed. An error in one ends the build.
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "_gallery",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 1,
}

default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
