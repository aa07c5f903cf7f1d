"""Hypothesis cards: what may explain a log, stated, tested with numbers, and ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.sensors.analysis.decomposition import decompose, regular
from ellimaps.sensors.analysis.excess import excess_of
from ellimaps.sensors.analysis.lags import LagResult, lead_lag
from ellimaps.sensors.analysis.spectral_lines import line_test, season_test

# Of the cards of one log, some ten, none should hold by chance.
SIGNIFICANCE = 0.01
# A week, so that every weekday takes part.
_FEWEST_DAYS = 7
# Two months, the fewest that can differ.
_SEASON_DAYS = 60
# A year, some days of which may be missing.
_YEAR_DAYS = 350
# Two days: with fewer hours the daily course cannot be told from what is beyond it.
_FEWEST_HOURS = 48


@dataclass(frozen=True)
class Hypothesis:
    """A card.

    Attributes
    ----------
    kind : str
        ``lag``, ``daily``, ``seasonal`` or ``correlation``: what the table draws.
    title : str
        A few words.
    statement : str
        What is claimed.
    test : str
        How it was tested, with the numbers.
    holds : bool
        Whether the test supports the claim.
    table : DataFrame
        What the chart of the card shows.
    numbers : mapping of str to float
        The numbers of the test.
    """

    kind: str
    title: str
    statement: str
    test: str
    holds: bool
    table: pd.DataFrame
    numbers: Mapping[str, float]

    def facts(self) -> dict[str, Any]:
        """Return the card as plain values, ready for JSON."""
        return {
            "kind": self.kind,
            "title": self.title,
            "statement": self.statement,
            "test": self.test,
            "holds": self.holds,
            "numbers": dict(self.numbers),
        }


def follows(leader: pd.Series, follower: pd.Series) -> Hypothesis:
    """Test that one log follows another, as an instrument follows its room; ``table``: ``lag_min, r, band``.

    Raises
    ------
    SettingError
        If the logs have too little time in common.
    """
    found = lead_lag(leader, follower)
    first, second = _name(leader), _name(follower)
    if abs(found.lag_min) < found.step_min / 2:
        statement = f"{second} moves together with {first}."
    else:
        late, early = (second, first) if found.lag_min > 0 else (first, second)
        statement = f"{late} follows {early} by {abs(found.lag_min):.0f} min."
    return Hypothesis(
        "lag",
        f"{first} and {second}",
        statement,
        _lag_test(found),
        found.significant,
        found.table,
        found.facts(),
    )


def daily_profile(series: pd.Series, unit: str = "") -> Hypothesis:
    """Test that a log repeats itself every day; ``table``: ``hour, median, p10, p90`` off the day's median.

    A course of the day stands out of the spectrum at one, two and three turns a day. Noise, however long it
    remembers, and drift have a smooth spectrum there, so the lines beside say what chance gives [1]_.

    References
    ----------
    .. [1] D. J. Thomson, "Spectrum estimation and harmonic analysis", Proceedings of the IEEE 70 (1982)
       1055-1096, doi:10.1109/PROC.1982.12433

    Raises
    ------
    SettingError
        If fewer than 7 whole days were measured.
    """
    log = decompose(series)
    off = log.values - log.values.rolling(log.steps(24), center=True, min_periods=log.steps(12)).median()
    hourly = off.resample("1h").median()
    index = pd.DatetimeIndex(hourly.index)
    days = hourly.groupby([index.normalize(), index.hour]).first().unstack().dropna()
    if len(days) < _FEWEST_DAYS or days.shape[1] < 24:
        raise SettingError(
            f"The log has {len(days)} whole days, too few for a daily profile: it takes {_FEWEST_DAYS}."
        )
    statistic, p = line_test(log.values.resample("1h").median(), 24)
    median = days.median()
    table = pd.DataFrame(
        {"hour": days.columns, "median": median, "p10": days.quantile(0.1), "p90": days.quantile(0.9)}
    ).reset_index(drop=True)
    swing = float(median.max() - median.min())
    name = _name(series)
    statement = (
        f"{name} has a daily course: {_with(swing, unit)} from {median.to_numpy().argmin()}:00 "
        f"to {median.to_numpy().argmax()}:00."
    )
    test = (
        f"Spectrum at one, two and three turns a day against its lines beside, over {len(days)} days: "
        f"F = {statistic:.1f}, {_p(p)}."
    )
    facts = {"statistic": statistic, "p": p, "days": float(len(days)), "swing": swing}
    return Hypothesis("daily", f"Daily profile of {name}", statement, test, p < SIGNIFICANCE, table, facts)


def seasonal_profile(series: pd.Series, unit: str = "") -> Hypothesis:
    """Test that a log moves with the seasons; ``table``: ``month`` (its first day), ``median, p10, p90``.

    A level that walks at random moves from month to month as well; its changes from day to day have a flat
    spectrum. A season stands out of it at one turn a year. Less than a year cannot tell one from the other.

    Raises
    ------
    SettingError
        If less than 60 days were measured.
    """
    values = regular(series)
    daily = values.resample("1D").median()
    measured = int(daily.notna().sum())
    if measured < _SEASON_DAYS:
        raise SettingError(
            f"The log has {measured} days, too few for a seasonal profile: it takes {_SEASON_DAYS}."
        )
    month = pd.DatetimeIndex(daily.index).to_period("M").to_timestamp()
    by_month = daily.groupby(month)
    table = (
        pd.DataFrame(
            {"median": by_month.median(), "p10": by_month.quantile(0.1), "p90": by_month.quantile(0.9)}
        )
        .dropna()
        .rename_axis("month")
        .reset_index()
    )
    swing = float(table["median"].max() - table["median"].min())
    name = _name(series)
    statement = f"{name} moves with the seasons: its monthly median spans {_with(swing, unit)}."
    facts = {"days": float(measured), "swing": swing}
    if measured < _YEAR_DAYS:
        test = f"Not known: {measured} days cannot tell a season from drift; it takes a year."
        facts |= {"statistic": 0.0, "p": 1.0}
    else:
        statistic, p = season_test(daily)
        test = f"Changes of {measured} days at one turn a year against others: F = {statistic:.1f}, {_p(p)}."
        facts |= {"statistic": statistic, "p": p}
    return Hypothesis(
        "seasonal", f"Seasons of {name}", statement, test, facts["p"] < SIGNIFICANCE, table, facts
    )


def correlated(first: pd.Series, second: pd.Series) -> Hypothesis:
    """Test that two sensors move together beyond the course of day, week and year that they may share.

    Rank correlation of hourly residuals, as far as it exceeds that with the weeks before and after; see
    `ellimaps.sensors.analysis.excess`. ``table``: the hourly residuals ``first, second``.

    Raises
    ------
    SettingError
        If the logs have too little time in common.
    """
    names = _name(first), _name(second)
    hourly = [decompose(one).residual.resample("1h").median() for one in (first, second)]
    both = pd.concat(hourly, axis=1, keys=["first", "second"]).asfreq("1h")
    known = both.dropna()
    if len(known) < _FEWEST_HOURS:
        raise SettingError(
            f"{names[0]} and {names[1]} have {len(known)} hours in common: "
            f"it takes {_FEWEST_HOURS} to compare them."
        )
    ranks = both.where(both.notna().all(axis=1)).rank()
    x, y = (ranks - ranks.mean()).to_numpy(np.float64).T
    excess = excess_of(x, y, 24, np.zeros(1, np.intp))
    r, error, days = float(excess.r[0]), float(excess.error[0]), int(np.isfinite(excess.days).sum())
    p = excess.p(0) if days > 2 else 1.0
    low, high = max(r - 1.96 * error, -1.0), min(r + 1.96 * error, 1.0)
    how = "move together" if r > 0 else "move against each other"
    test = (
        f"Rank correlation of hourly residuals beyond that with other weeks {r:+.2f} (95 % interval "
        f"{low:+.2f} to "
        f"{high:+.2f}; {days} days, {len(known)} hours), {_p(p)}."
    )
    facts = {"r": r, "low": low, "high": high, "p": p, "days": float(days), "hours": float(len(known))}
    statement = f"{names[0]} and {names[1]} {how} beyond their daily course."
    title = f"{names[0]} and {names[1]}"
    table = known.reset_index(drop=True)
    return Hypothesis("correlation", title, statement, test, p < SIGNIFICANCE, table, facts)


def _with(number: float, unit: str) -> str:
    return f"{number:.2g} {unit}".rstrip()


def _lag_test(found: LagResult) -> str:
    return (
        f"Cross-correlation after whitening: r = {found.r:+.2f} at {found.lag_min:+.0f} min "
        f"(95 % interval {found.low_min:+.0f} to {found.high_min:+.0f} min), {_p(found.p)} over all lags; "
        f"{found.n} readings in common every {found.step_min:g} min."
    )


def _name(series: pd.Series) -> str:
    return str(series.name if series.name is not None else "the log")


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
