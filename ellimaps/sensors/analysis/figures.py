"""Figures of anomalies, forecasts and hypotheses, for files."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ellimaps.sensors.analysis.forecast import Forecast
from ellimaps.sensors.analysis.hypotheses import Hypothesis

_LINE, _ALARM, _BASELINE = "#0B6BB8", "#D1495B", "#8A8A8A"
# Two pixels of a figure over three months, and what stands below it without crowding.
_NARROWEST = pd.Timedelta("3h")
_MOST_REASONS = 8


def anomalies_figure(series: pd.Series, periods: pd.DataFrame, title: str, unit: str) -> Figure:
    """Draw a log with its anomalies shaded, and the reasons of the strongest below.

    Parameters
    ----------
    series : Series
        Readings by local time.
    periods : DataFrame
        As `find_anomalies` returns them.
    title, unit : str
        What is written above, and at the axis.
    """
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    axes, text = figure.subplots(2, 1, gridspec_kw={"height_ratios": (3, 1.2)})
    axes.plot(series.index.to_numpy(), series.to_numpy(), linewidth=0.7, color=_LINE)
    strongest = periods.sort_values("score", ascending=False, kind="stable").head(_MOST_REASONS)
    numbers = {row: number for number, row in enumerate(periods.sort_values("start").index, start=1)}
    for at, row in zip(periods.index, periods.to_dict("records"), strict=True):
        # A single reading would be a hairline: every period is shaded wide enough to be seen.
        pad = max((_NARROWEST - (row["end"] - row["start"])) / 2, pd.Timedelta(0))
        axes.axvspan(row["start"] - pad, row["end"] + pad, color=_ALARM, alpha=0.3, linewidth=0)
        axes.annotate(
            str(numbers[at]),
            (row["start"], 1),
            xycoords=("data", "axes fraction"),
            fontsize=7,
            va="bottom",
        )
    axes.set_title(f"{title}: {len(periods)} anomalies", pad=14)
    axes.set_ylabel(unit)
    axes.grid(alpha=0.3)
    lines = [
        f"{numbers[at]}  {row['reason']}  (score {row['score']:.1f})"
        for at, row in zip(strongest.index, strongest.to_dict("records"), strict=True)
    ]
    text.axis("off")
    text.text(0, 1, "\n".join(lines) or "none", va="top", fontsize=9, transform=text.transAxes)
    return figure


def forecast_figure(forecast: Forecast, title: str) -> Figure:
    """Draw the last two days, the forecast with its interval, the baseline and the limit."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    table, times = forecast.table, forecast.table.index.to_numpy()
    axes.plot(
        forecast.recent.index.to_numpy(),
        forecast.recent.to_numpy(),
        color="black",
        linewidth=0.9,
        label="measured",
    )
    axes.fill_between(times, table["low"], table["high"], color=_LINE, alpha=0.2, label="80 % interval")
    axes.plot(times, table["value"], color=_LINE, label="forecast")
    axes.plot(times, table["seasonal_naive"], color=_BASELINE, linestyle="--", label="as the day before")
    for side in (-1, 1):
        axes.axhline(forecast.now + side * forecast.limit, color=_ALARM, linewidth=0.8, linestyle=":")
    scores = ", ".join(f"{row['horizon']} {row['mase']:.2f}" for row in forecast.horizons.to_dict("records"))
    axes.set_title(f"{title}\nerror against the day before (MASE): {scores}\n{forecast.warning}", fontsize=10)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return figure


def hypothesis_figure(card: Hypothesis) -> Figure:
    """Draw a card's chart under its statement and test."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    draw = {"lag": _draw_lag, "correlation": _draw_correlation}.get(card.kind, _draw_profile)
    draw(axes, card.table)
    verdict = "holds" if card.holds else "not supported"
    axes.set_title(f"{card.statement} ({verdict})\n{card.test}", fontsize=8, wrap=True)
    axes.grid(alpha=0.3)
    return figure


def _draw_lag(axes: Axes, table: pd.DataFrame) -> None:
    axes.fill_between(
        table["lag_min"], -table["band"], table["band"], color=_BASELINE, alpha=0.3, label="chance"
    )
    axes.plot(table["lag_min"], table["r"], color=_LINE, marker=".", label="cross-correlation")
    axes.set(xlabel="lag (min; positive: the second follows)", ylabel="correlation")
    axes.legend(fontsize=8)


def _draw_profile(axes: Axes, table: pd.DataFrame) -> None:
    along = table.columns[0]
    axes.fill_between(
        table[along].to_numpy(), table["p10"], table["p90"], color=_LINE, alpha=0.2, label="10 to 90 %"
    )
    axes.plot(table[along].to_numpy(), table["median"], color=_LINE, marker=".", label="median")
    axes.set_xlabel(along)
    axes.legend(fontsize=8)


def _draw_correlation(axes: Axes, table: pd.DataFrame) -> None:
    axes.plot(table["first"], table["second"], ".", color=_LINE, markersize=3, alpha=0.5)
    axes.set(xlabel="first, off its usual course", ylabel="second, off its usual course")
