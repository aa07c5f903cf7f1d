"""Hypothesis cards: what may explain a log, stated, tested with numbers, and ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.core.extras import optional
from ellimaps.sensors.analysis.decomposition import decompose, regular
from ellimaps.sensors.analysis.lags import LagResult, lead_lag

# Of the cards of one log, some ten, none should hold by chance.
SIGNIFICANCE = 0.01
# A week, so that every weekday takes part.
_FEWEST_DAYS = 7
# Two months, the fewest that can differ.
_SEASON_DAYS = 60
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


def daily_profile(series: pd.Series) -> Hypothesis:
    """Test that a log repeats itself every day; ``table``: ``hour, median, p10, p90`` off the day's median.

    Friedman's test on hours as treatments and days as blocks needs neither normal nor independent days.

    Raises
    ------
    SettingError
        If fewer than 7 whole days were measured.
    """
    from scipy.stats import friedmanchisquare

    log = decompose(series)
    off = log.values - log.values.rolling(log.steps(24), center=True, min_periods=log.steps(12)).median()
    hourly = off.resample("1h").median()
    index = pd.DatetimeIndex(hourly.index)
    days = hourly.groupby([index.normalize(), index.hour]).first().unstack().dropna()
    if len(days) < _FEWEST_DAYS or days.shape[1] < 24:
        raise SettingError(
            f"The log has {len(days)} whole days, too few for a daily profile: it takes {_FEWEST_DAYS}."
        )
    hours = days.to_numpy()
    # Days without any change have no order of hours.
    statistic, p = friedmanchisquare(*hours.T) if (np.ptp(hours, axis=1) > 0).any() else (0.0, 1.0)
    median = days.median()
    table = pd.DataFrame(
        {"hour": days.columns, "median": median, "p10": days.quantile(0.1), "p90": days.quantile(0.9)}
    ).reset_index(drop=True)
    swing = float(median.max() - median.min())
    # Kendall's W: the share of agreement between days, 0 none, 1 the same order of hours every day.
    agreement = float(statistic / (len(days) * 23))
    holds = bool(p < SIGNIFICANCE)
    name = _name(series)
    statement = (
        f"{name} has a daily course: {swing:.2g} from {median.to_numpy().argmin()}:00 "
        f"to {median.to_numpy().argmax()}:00."
    )
    test = (
        f"Friedman's test of the hours over {len(days)} days: chi2 = {statistic:.1f}, {_p(float(p))}; "
        f"agreement between days {agreement:.2f} of 1."
    )
    numbers = {
        "statistic": float(statistic),
        "p": float(p),
        "days": float(len(days)),
        "swing": swing,
        "agreement": agreement,
    }
    return Hypothesis("daily", f"Daily profile of {name}", statement, test, holds, table, numbers)


def seasonal_profile(series: pd.Series) -> Hypothesis:
    """Test that a log moves with the months; ``table``: ``month`` (its first day), ``median, p10, p90``.

    A rank test (Kruskal and Wallis) on weekly medians, which depend on each other little.

    Raises
    ------
    SettingError
        If less than 60 days were measured.
    """
    from scipy.stats import kruskal

    values = regular(series)
    daily = values.resample("1D").median().dropna()
    if len(daily) < _SEASON_DAYS:
        raise SettingError(
            f"The log has {len(daily)} days, too few for a seasonal profile: it takes {_SEASON_DAYS}."
        )
    month = pd.DatetimeIndex(daily.index).to_period("M").to_timestamp()
    by_month = daily.groupby(month)
    table = (
        pd.DataFrame(
            {"median": by_month.median(), "p10": by_month.quantile(0.1), "p90": by_month.quantile(0.9)}
        )
        .rename_axis("month")
        .reset_index()
    )
    weekly = daily.resample("7D").median().dropna()
    groups = [part.to_numpy() for _, part in weekly.groupby(pd.DatetimeIndex(weekly.index).to_period("M"))]
    groups = [part for part in groups if len(part) > 1]
    statistic, p = kruskal(*groups) if len(groups) > 1 and np.ptp(weekly) > 0 else (0.0, 1.0)
    swing = float(table["median"].max() - table["median"].min())
    name = _name(series)
    statement = f"{name} moves with the months: its monthly median spans {swing:.2g}."
    test = (
        f"Kruskal-Wallis test of {len(weekly)} weekly medians by month: H = {statistic:.1f}, {_p(float(p))}."
    )
    numbers = {"statistic": float(statistic), "p": float(p), "weeks": float(len(weekly)), "swing": swing}
    return Hypothesis(
        "seasonal", f"Months of {name}", statement, test, bool(p < SIGNIFICANCE), table, numbers
    )


def correlated(first: pd.Series, second: pd.Series) -> Hypothesis:
    """Test that two instruments move together beyond their daily course; ``table``: their hourly residuals.

    Spearman's correlation; the number of independent hours is reduced by how long both logs remember [1]_.

    References
    ----------
    .. [1] G. V. Bayley, J. M. Hammersley, "The effective number of independent observations in an
       autocorrelated time series", JRSS Supplement 8 (1946) 184-197, doi:10.2307/2983560

    Raises
    ------
    SettingError
        If the logs have too little time in common.
    """
    from scipy.stats import norm, spearmanr

    names = _name(first), _name(second)
    hourly = [decompose(one).residual.resample("1h").median() for one in (first, second)]
    both = pd.concat(hourly, axis=1, keys=["first", "second"]).dropna()
    if len(both) < _FEWEST_HOURS:
        raise SettingError(
            f"{names[0]} and {names[1]} have {len(both)} hours in common: "
            f"it takes {_FEWEST_HOURS} to compare them."
        )
    r = float(spearmanr(both["first"], both["second"]).statistic)
    independent = max(_independent(both), 4.0)
    z, se = np.arctanh(np.clip(r, -0.999999, 0.999999)), 1 / np.sqrt(independent - 3)
    low, high = (float(np.tanh(z + side * 1.96 * se)) for side in (-1, 1))
    p = float(2 * norm.sf(abs(z) / se))
    how = "move together" if r > 0 else "move against each other"
    test = (
        f"Spearman's correlation of hourly residuals {r:+.2f} (95 % interval {low:+.2f} to {high:+.2f}; "
        f"{independent:.0f} independent of {len(both)} hours), {_p(p)}."
    )
    numbers = {
        "r": r,
        "low": low,
        "high": high,
        "p": p,
        "independent": independent,
        "hours": float(len(both)),
    }
    statement = f"{names[0]} and {names[1]} {how} beyond their daily course."
    return Hypothesis(
        "correlation",
        f"{names[0]} and {names[1]}",
        statement,
        test,
        p < SIGNIFICANCE,
        both.reset_index(drop=True),
        numbers,
    )


def _independent(both: pd.DataFrame) -> float:
    """Return the effective number of independent rows of two autocorrelated columns."""
    acf = optional("statsmodels.tsa.stattools", "sensors", "Sensor logs").acf
    lags = min(len(both) // 4, 240)
    product = acf(both["first"].rank(), nlags=lags)[1:] * acf(both["second"].rank(), nlags=lags)[1:]
    weights = 1 - np.arange(1, lags + 1) / len(both)
    return float(min(len(both), len(both) / max(1 + 2 * float((weights * product).sum()), 1e-3)))


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
