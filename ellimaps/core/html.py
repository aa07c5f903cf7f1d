"""Pages of HTML that need no other file and print well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

PAGE_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 1100px; }
body { margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 1.8rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 0 0 1rem; }
th, td { border-bottom: 1px solid #ccc; padding: 3px 10px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .facts td { text-align: left; }
.facts td, thead th, .name { white-space: pre-line; overflow-wrap: anywhere; }
thead th { min-width: 3em; } .name { text-align: left; }
.wide { overflow-x: auto; }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; print-color-adjust: exact; }
footer { color: #555; font-size: 12px; margin-top: 2rem; }
@page { margin: 15mm; }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 12px; }
  table { font-size: 10px; } th, td { padding: 2px 5px; }
  h2 { break-after: avoid; } tr, img { break-inside: avoid; }
}
"""


def html_page(title: str, sections: Iterable[str], style: str = "") -> str:
    """Return a self-contained page of sections that are HTML already, with the house's and further styles."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<style>{PAGE_STYLE}{style}</style></head>\n<body>\n" + "\n".join(sections) + "\n</body></html>\n"
    )


def facts_table(rows: Mapping[str, Any]) -> str:
    """Return a table of names and values."""
    cells = (f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>" for key, value in rows.items())
    return f'<table class="facts">\n{_lines(cells)}\n</table>'


def cell_table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are HTML already."""
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = _lines("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    # With a tabindex, the arrow keys scroll a wide table.
    return (
        '<div class="wide" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
