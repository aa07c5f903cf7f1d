"""The calendar of hours out of limit as a web page that needs nothing else."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ellimaps.core.html import render
from ellimaps.sensors.store.logs import KEY

_STYLE = """
.calendar { border-collapse: separate; border-spacing: 2px; }
.calendar td { width: 15px; height: 15px; padding: 0; border: 0; border-radius: 2px; background: #eee; }
.calendar td { print-color-adjust: exact; }
.calendar th { font-weight: normal; border: 0; padding: 0 6px 0 0; color: #555; }
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
    sensors = [
        {"name": " ".join(str(part) for part in key if part), **_calendar(rows, highest)}
        for key, rows in groups
    ]
    return render("sensors/templates/calendar.html", title=title, style=_STYLE, sensors=sensors).encode()


def _calendar(rows: pd.DataFrame, highest: float) -> dict[str, Any]:
    weeks = pd.date_range(rows["week"].min(), rows["week"].max(), freq="7D")
    cells: dict[Any, Any] = {
        (row.week, row.weekday): _cell(row.day, float(str(row.value)), highest) for row in rows.itertuples()
    }
    return {
        "first": f"{weeks[0]:%d %b %Y}",
        "last": f"{rows['day'].max():%d %b %Y}",
        "days": {name: [cells.get((week, number)) for week in weeks] for number, name in enumerate(_DAYS)},
    }


def _cell(day: Any, value: float, highest: float) -> tuple[str, str]:
    """Return a day's color and what it tells."""
    share = value / highest if value == value else 0.0
    color = f"rgb(255,{round(240 - 180 * share)},{round(200 - 160 * share)})"
    return color, f"{day:%Y-%m-%d}: {value:.1f}"
