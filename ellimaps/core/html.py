"""Pages of HTML that need no other file and print well, from templates that escape what they are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

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
