"""Lead and lag between two logs, as between a room and its instrument.

Two logs with a common daily course correlate at any lag, so it is taken off, and both are whitened:
differences, filtered with the autoregression of the leader [1]_, and cut off at a few noises so that one
anomaly does not decide. What they then share beyond what each shares with the other's weeks before and after
(`ellimaps.sensors.analysis.excess`) peaks at the lag; its interval comes from drawing days with replacement
[2]_.

References
----------
.. [1] G. E. P. Box, G. M. Jenkins, G. C. Reinsel, G. M. Ljung, "Time Series Analysis", 5th ed., Wiley 2015,
   chapter 12 (prewhitening).
.. [2] D. N. Politis, J. P. Romano, "A circular block-resampling procedure for stationary data", in
   "Exploring the Limits of Bootstrap", Wiley 1992, 263-270.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.statistics import MAD_TO_SIGMA
from ellimaps.sensors.analysis.decomposition import decompose
from ellimaps.sensors.analysis.excess import Excess, correlation, excess_of

# Instruments in enclosures follow their room within an hour or two.
_LONGEST_LAG = pd.Timedelta("3h")
# A day of 5 minute readings, to have days to draw.
_FEWEST_ROWS = 288
# Noises at which steps are cut off: normal ones keep all but one in 16,000.
_CUT_OFF = 4.0
# Rows of autoregression, an hour at 5 minutes. The lags of generated logs (seeds 100 to 102) are the same to
# the minute with 6 and 24.
_MEMORY_ROWS = 12
# The ends of a 95 % interval then are the fifth largest and smallest.
_DRAWS = 200
_CONFIDENCE = 0.95

Values = NDArray[np.float64]


@dataclass(frozen=True)
class LagResult:
    """A lag with its uncertainty.

    Attributes
    ----------
    lag_min : float
        Minutes by which the second log follows the first; negative if it leads.
    low_min, high_min : float
        Ends of the 95 % interval, at least half a step to either side.
    r : float
        Correlation of the whitened logs at the lag.
    p : float
        Probability of as strong a peak at any lag by chance.
    n : int
        Rows that both logs have.
    step_min : float
        Minutes from row to row.
    table : DataFrame
        ``lag_min, r, band``: chance stays within ``+- band`` at all lags with 95 % confidence.
    """

    lag_min: float
    low_min: float
    high_min: float
    r: float
    p: float
    n: int
    step_min: float
    table: pd.DataFrame

    @property
    def significant(self) -> bool:
        """Whether the peak is more than chance at the 1 % level."""
        return self.p < 0.01

    def facts(self) -> dict[str, float]:
        """Return the numbers by their names, ready for JSON."""
        names = ("lag_min", "low_min", "high_min", "r", "p", "n")
        return {name: float(getattr(self, name)) for name in names}


def lead_lag(leader: pd.Series, follower: pd.Series, seed: int = 0) -> LagResult:
    """Estimate by how long one log follows another, up to 3 hours either way.

    Parameters
    ----------
    leader, follower : Series
        Readings by local time.
    seed : int
        Seed of the draws for the interval.

    Raises
    ------
    SettingError
        If the logs have less than 288 readings in common.
    """
    first, second = (one.values - one.daily for one in (decompose(leader), decompose(follower)))
    from scipy.stats import norm

    step = max(pd.Timedelta(one.index[1] - one.index[0]) for one in (first, second))
    both = pd.concat([first.resample(step).mean(), second.resample(step).mean()], axis=1).dropna(how="all")
    both = both.resample(step).mean()
    common = int(both.notna().all(axis=1).sum())
    if common < _FEWEST_ROWS:
        raise SettingError(
            f"{leader.name} and {follower.name} have {common} readings at common times: "
            f"it takes {_FEWEST_ROWS}."
        )
    step_min = float(step / pd.Timedelta("1min"))
    most = round(_LONGEST_LAG / step)
    x, y = _whitened(both.to_numpy(np.float64))
    rows = np.arange(-most, most + 1)
    excess = excess_of(x, y, round(pd.Timedelta("1D") / step), rows)
    lags = np.asarray(rows * step_min, np.float64)
    best = int(np.abs(excess.r).argmax())
    low, high = _interval(excess, lags, best, step_min, np.random.default_rng(seed))
    # The largest of all lags is what is looked at.
    p = min(1.0, len(lags) * excess.p(best))
    band = excess.error * float(norm.isf((1 - _CONFIDENCE) / 2 / len(lags)))
    table = pd.DataFrame({"lag_min": lags, "r": excess.r, "band": band})
    return LagResult(float(lags[best]), low, high, float(excess.r[best]), p, common, step_min, table)


def _whitened(values: Values) -> tuple[Values, Values]:
    """Return both logs as what their past does not foretell, by the leader's autoregression; NaN in gaps."""
    steps = np.diff(values, axis=0)
    noise = MAD_TO_SIGMA * np.nanmedian(np.abs(steps), axis=0)
    noise = np.where(noise > 0, noise, np.maximum(np.nanstd(steps, axis=0), np.finfo(float).tiny))
    steps = np.clip(steps / noise, -_CUT_OFF, _CUT_OFF)
    past = np.column_stack([np.roll(steps[:, 0], lag) for lag in range(1, _MEMORY_ROWS + 1)])[_MEMORY_ROWS:]
    known = np.isfinite(past).all(axis=1) & np.isfinite(steps[_MEMORY_ROWS:, 0])
    memory = np.linalg.lstsq(past[known], steps[_MEMORY_ROWS:, 0][known], rcond=None)[0]
    weights = np.concatenate([[1.0], -memory])
    x, y = (np.convolve(column, weights, mode="valid") for column in steps.T)
    return x, y


def _interval(
    excess: Excess, lags: Values, best: int, step_min: float, random: np.random.Generator
) -> tuple[float, float]:
    drawn = random.integers(len(excess.days), size=(_DRAWS, len(excess.days)))
    peaks = lags[[int(np.abs(correlation(excess.days[d], excess.squares[d])[0]).argmax()) for d in drawn]]
    low, high = np.quantile(peaks, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return float(min(low, lags[best]) - step_min / 2), float(max(high, lags[best]) + step_min / 2)
