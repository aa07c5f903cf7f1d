"""Pages of HTML that need no other file and print well, from templates that escape what they are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
"""Templates by their path below the package; they extend ``core/templates/page.html``."""


def render(template: str, **values: Any) -> str:
    """Return a page made from a template.

    Parameters
    ----------
    template : str
        Its path below the package, such as ``maps/templates/report.html``.
    **values : object
        What it shows; texts are escaped.
    """
    return _TEMPLATES.get_template(template).render(**values)


def html_page(title: str, sections: Iterable[str], style: str = "") -> str:
    """Return a self-contained page of sections that are HTML already, with the house's and further styles."""
    parts = [Markup(section) for section in sections]
    return render("core/templates/page.html", title=title, sections=parts, style=Markup(style))


def facts_table(rows: Mapping[str, Any]) -> str:
    """Return a table of names and values."""
    return _macro("facts_table", rows)


def cell_table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are HTML already."""
    return _macro("cell_table", [Markup(cell) for cell in header], [map(Markup, row) for row in rows])


def _macro(name: str, *values: Any) -> str:
    tables = _TEMPLATES.get_template("core/templates/tables.html").module
    return str(getattr(tables, name)(*values))
