"""The calendar of hours out of limit as a web page that needs nothing else."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from ellimaps.sensors.store.logs import KEY

_STYLE = """
body { font: 14px system-ui, sans-serif; margin: 2em; }
table { border-collapse: separate; border-spacing: 2px; }
td { width: 15px; height: 15px; border-radius: 2px; background: #eee; }
th { font-weight: normal; text-align: right; padding-right: 6px; color: #555; }
"""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar_page(calendar: pd.DataFrame, title: str = "Hours out of limit") -> bytes:
    """Return a page with a calendar per sensor; every day tells its value under the pointer.

    Parameters
    ----------
    calendar : DataFrame
        As `Stability.calendar` returns it.
    title : str
        Heading of the page.
    """
    highest = max(float(calendar["value"].max()), 1e-9) if len(calendar) else 1.0
    groups: list[tuple[Any, pd.DataFrame]] = list(calendar.groupby(list(KEY), sort=True, observed=True))
    parts = [
        f"<h2>{escape(' '.join(str(part) for part in key if part))}</h2>{_calendar(rows, highest)}"
        for key, rows in groups
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    body = f"<h1>{escape(title)}</h1>{''.join(parts)}"
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>\n".encode()


def _calendar(rows: pd.DataFrame, highest: float) -> str:
    weeks = pd.date_range(rows["week"].min(), rows["week"].max(), freq="7D")
    cells: dict[Any, Any] = {
        (row.week, row.weekday): (row.day, float(str(row.value))) for row in rows.itertuples()
    }
    lines = [
        f"<tr><th>{name}</th>{''.join(_cell(cells.get((week, number)), highest) for week in weeks)}</tr>"
        for number, name in enumerate(_DAYS)
    ]
    return f"<p>{weeks[0]:%d %b %Y} to {rows['day'].max():%d %b %Y}</p><table>{''.join(lines)}</table>"


def _cell(found: tuple[datetime, float] | None, highest: float) -> str:
    if found is None:
        return "<td></td>"
    day, value = found
    share = value / highest if value == value else 0.0
    color = f"rgb(255,{round(240 - 180 * share)},{round(200 - 160 * share)})"
    return f'<td style="background:{color}" title="{day:%Y-%m-%d}: {value:.1f}"></td>'
