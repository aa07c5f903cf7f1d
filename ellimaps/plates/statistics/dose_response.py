"""Dose-response curves: a four-parameter logistic, and the EC50 where the doses determine it.

``y(x) = bottom + (top - bottom) / (1 + (EC50 / x)^hill)``, and ``y(0) = bottom`` for the controls. For a
given EC50 and hill the curve is a straight line in bottom and top, so that a grid over the other two finds
the best fit whatever the start (variable projection; Golub and Pereyra 1973, doi:10.1137/0710036). The
interval of the EC50 is that of its profile likelihood (Bates and Watts 1988, ch. 6): it can be open to one
side, where a symmetric one would pretend to knowledge. The band of the curve is the same for its height at a
dose: all heights of curves that the data tell as little from the best one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import f as f_distribution

from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.permutation import p_value

CONFIDENCE = 0.95
"""A convention; `_chance` is judged at the same level."""
FEWEST_DOSES = 4
"""As many as the curve has parameters."""
HILL_RANGE = (0.5, 6.0)
"""A curve rises from 10 to 90 % within a factor of ``81 ** (1 / hill)``: from nearly four decades of dose,
more than a series spans, down to a factor of two, which lies between neighbouring doses."""

# The grid. EC50s a decade beyond the doses show that an interval is open; a test of chance needs every fourth
# point. On two generated plates, half and twice of _BEYOND and of the ends of HILL_RANGE move an EC50 by at
# most 5 %.
_BEYOND = 10.0
_STEPS_EC50 = 241
_STEPS_HILL = 49
_EVERY = 4
_STEPS_FINE, _ZOOMS = 13, 4
"""Each zoom narrows the neighbours of the best of these to a sixth: steps of 4 % in EC50 become 1e-5."""
_STEPS_BAND = 81
"""For EC50 and for hill: twice as many move no end by more than 1 % of the band's width, of noise between 0.6
and 20 % of the curve's height (60 generated curves; a finer grid in `tests/plates/statistics`)."""
_N_SHUFFLED = 999
"""With the observed one 1,000 assignments, so that p comes in thousandths."""


@dataclass(frozen=True)
class DoseResponse:
    """A fitted curve, or why there is none.

    Attributes
    ----------
    ec50, ec50_low, ec50_high : float
        With its 95 % interval, in the unit of the doses; NaN where it does not hold.
    hill, bottom, top : float
        Of the best curve; NaN where none was fitted.
    r2 : float
        Share of the variance the curve explains.
    p : float
        Share of 1,000 random assignments of the values to the doses (the given one among them) that a curve
        fits as well. An F test would be too certain, as the curve's bend is free.
    reason : str
        Why the EC50 does not hold; empty where it does.
    """

    ec50: float = float("nan")
    ec50_low: float = float("nan")
    ec50_high: float = float("nan")
    hill: float = float("nan")
    bottom: float = float("nan")
    top: float = float("nan")
    r2: float = float("nan")
    p: float = float("nan")
    reason: str = ""

    def at(self, doses: Floats) -> Floats:
        """Return the curve's values at doses of any shape; NaN where the EC50 does not hold."""
        return self.bottom + (self.top - self.bottom) * _shape(doses, np.log(self.ec50), self.hill)


def fit_dose_response(doses: Floats, values: Floats, seed: int = 0) -> DoseResponse:
    """Fit a curve to the values of wells.

    Parameters
    ----------
    doses : ndarray, shape (well,)
        0 for controls; wells without a dose or value are left out.
    values : ndarray, shape (well,)
        The response.
    seed : int
        Of the random assignments.
    """
    known = np.isfinite(doses) & np.isfinite(values) & (doses >= 0)
    doses, values = doses[known], values[known]
    tested = np.unique(doses[doses > 0])
    n_levels = len(np.unique(doses))
    if n_levels < FEWEST_DOSES + 1:
        shown = "the controls and " if (doses == 0).any() else ""
        return DoseResponse(
            reason=f"{shown}{len(tested)} dose{'s' * (len(tested) != 1)} cannot determine four parameters"
        )
    total = float(np.square(values - values.mean()).sum())
    freedom = len(values) - 4
    if total <= 0 or freedom < 1:
        return DoseResponse(reason="all wells have the same value" if total <= 0 else "too few wells")
    return _fitted(doses, values, tested, seed)


def confidence_band(fit: DoseResponse, doses: Floats, values: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Return the lower and upper end of the 95 % interval of a curve's height at each dose.

    A curve with a given EC50 and hill is a line in bottom and top, so that its heights are an interval within
    which the sum of squares stays below the limit of the EC50's interval; the band is the union of these
    over EC50 and hill. It holds dose by dose, not for all doses at once.

    Parameters
    ----------
    fit : DoseResponse
        What `fit_dose_response` returned for these doses and values.
    doses, values : ndarray, shape (well,)
        As there.
    at : ndarray, shape (dose,)
        Where the band is wanted, 0 or above.

    Returns
    -------
    low, high : ndarray, shape (dose,)
        NaN where the EC50 does not hold.
    """
    if fit.reason:
        return np.full(at.shape, np.nan), np.full(at.shape, np.nan)
    known = np.isfinite(doses) & np.isfinite(values) & (doses >= 0)
    doses, values = doses[known], values[known]
    limit = float(np.square(values - fit.at(doses)).sum()) * _allowed(len(values) - 4)
    centers = np.linspace(np.log(fit.ec50_low), np.log(fit.ec50_high), _STEPS_BAND)
    hills = np.geomspace(*HILL_RANGE, _STEPS_HILL)
    near = np.flatnonzero((_rests(doses, values, centers, hills) <= limit).any(axis=0))
    # Curves that are as good may all lie within one step of the grid.
    near = np.append(near, np.abs(hills - fit.hill).argmin())
    low, high = hills[max(near.min() - 1, 0)], hills[min(near.max() + 1, len(hills) - 1)]
    hills = np.append(np.geomspace(low, high, _STEPS_BAND), fit.hill)
    centers = np.append(centers, np.log(fit.ec50))
    lows, highs = _heights(doses, values, at, (centers, hills), limit)
    return np.nanmin(lows, axis=0), np.nanmax(highs, axis=0)


def _heights(
    doses: Floats, values: Floats, at: Floats, grid: tuple[Floats, Floats], limit: float
) -> tuple[Floats, Floats]:
    """Return between which heights the curves of each shape stay within the limit, shape (curve, dose).

    With its shape known a curve is a regression on it. NaN where none stays within.
    """
    center, hill = (one.reshape(-1, 1) for one in np.meshgrid(*grid))
    shapes = _shape(doses, center, hill)
    middle = shapes.mean(axis=1, keepdims=True)
    length = np.square(shapes - middle).sum(axis=1, keepdims=True)
    slope = (shapes - middle) @ (values - values.mean())[:, None] / length
    spare = limit - np.square(values - values.mean() - slope * (shapes - middle)).sum(axis=1, keepdims=True)
    off = _shape(at, center, hill) - middle
    reach = np.sqrt(np.where(spare >= 0, spare, np.nan) * (1 / len(values) + np.square(off) / length))
    best = values.mean() + slope * off
    return best - reach, best + reach


def _fitted(doses: Floats, values: Floats, tested: Floats, seed: int) -> DoseResponse:
    beyond = np.log(_BEYOND)
    centers = np.linspace(np.log(tested[0]) - beyond, np.log(tested[-1]) + beyond, _STEPS_EC50)
    rest, _ = _profile(doses, values, centers)
    fine = centers
    for _ in range(_ZOOMS):
        best = int(_profile(doses, values, fine)[0].argmin())
        fine = np.linspace(fine[max(best - 1, 0)], fine[min(best + 1, len(fine) - 1)], _STEPS_FINE)
    fine_rest, hills = _profile(doses, values, fine)
    best = int(fine_rest.argmin())
    center, hill = float(fine[best]), float(hills[best])

    total, freedom = float(np.square(values - values.mean()).sum()), len(values) - 4
    smallest = max(float(fine_rest[best]), 1e-12 * total)
    p = _chance(doses, values, centers[::_EVERY], seed)
    limit = smallest * _allowed(freedom)
    low, high = np.exp(_interval(doses, values, centers, np.append(centers[rest <= limit], center), limit))
    bottom, top = _line(_shape(doses, center, hill), values)
    ec50 = float(np.exp(center))
    curve = DoseResponse(ec50, float(low), float(high), hill, bottom, top, 1 - smallest / total, p)
    reason = _why_not(curve, tested)
    unknown = float("nan")
    return (
        replace(curve, ec50=unknown, ec50_low=unknown, ec50_high=unknown, reason=reason) if reason else curve
    )


def _chance(doses: Floats, values: Floats, centers: Floats, seed: int) -> float:
    """Return how often chance fits as well; a coarse grid is as good for that."""
    unit = _unit_shapes(doses, centers, np.geomspace(*HILL_RANGE, _STEPS_HILL // _EVERY))
    unit = unit.reshape(-1, len(doses))
    random = np.random.default_rng(seed)
    centered = values - values.mean()
    shuffled = random.permuted(np.broadcast_to(centered, (_N_SHUFFLED, len(values))), axis=1)
    explained = np.abs(np.vstack([centered, shuffled]) @ unit.T).max(axis=1)
    return p_value(np.asarray(explained, dtype=np.float64))


def _why_not(curve: DoseResponse, tested: Floats) -> str:
    """Return why the doses do not determine the EC50; empty if they do."""
    if curve.p >= 1 - CONFIDENCE:
        return f"no dose effect beyond chance (p = {curve.p:.2g})"
    if curve.ec50 > tested[-1]:
        return "the EC50 lies above the highest dose: the curve does not level off"
    if curve.ec50 < tested[0]:
        return "the EC50 lies below the lowest dose: all doses act alike"
    if curve.ec50_low == 0 or np.isinf(curve.ec50_high):
        side = "below" if curve.ec50_low == 0 else "above"
        return f"the interval of the EC50 is open {side}: the doses do not determine it"
    return ""


def _allowed(freedom: int) -> float:
    """Return by which factor the sum of squares may exceed the smallest within the interval."""
    return float(1 + f_distribution.ppf(CONFIDENCE, 1, freedom) / freedom)


def _interval(
    doses: Floats, values: Floats, centers: Floats, inside: Floats, limit: float
) -> tuple[float, float]:
    """Return the ends of the profile likelihood's interval in log dose, infinite where it is open."""

    def excess(center: float) -> float:
        return float(_profile(doses, values, np.array([center]))[0][0]) - limit

    first, last = inside.min(), inside.max()
    below, above = centers[centers < first], centers[centers > last]
    low = brentq(excess, below[-1], first) if len(below) else -np.inf
    high = brentq(excess, last, above[0]) if len(above) else np.inf
    return float(low), float(high)


def _profile(doses: Floats, values: Floats, centers: Floats) -> tuple[Floats, Floats]:
    """Return for each log EC50 the least sum of squares over hill, bottom and top, and the hill."""
    every = np.arange(len(centers))
    hills = np.tile(np.geomspace(*HILL_RANGE, _STEPS_HILL), (len(centers), 1))
    for _ in range(_ZOOMS):
        best = _rests(doses, values, centers, hills).argmin(axis=1)
        low, high = (hills[every, np.clip(best + step, 0, hills.shape[1] - 1)] for step in (-1, 1))
        hills = np.exp(np.linspace(np.log(low), np.log(high), _STEPS_FINE, axis=1))
    rests = _rests(doses, values, centers, hills)
    best = rests.argmin(axis=1)
    return rests[every, best], hills[every, best]


def _rests(doses: Floats, values: Floats, centers: Floats, hills: Floats) -> Floats:
    """Return the least sum of squares over bottom and top, shape (center, hill)."""
    centered = values - values.mean()
    explained = np.square(_unit_shapes(doses, centers, hills) @ centered)
    return np.asarray(np.maximum(np.square(centered).sum() - explained, 0.0), dtype=np.float64)


def _unit_shapes(doses: Floats, centers: Floats, hills: Floats) -> Floats:
    """Return rises with mean 0 and length 1, shape (center, hill, well); those that are flat are 0."""
    shapes = _shape(doses, centers[:, None, None], hills[..., None])
    deviations = shapes - shapes.mean(axis=2, keepdims=True)
    length = np.sqrt(np.square(deviations).sum(axis=2, keepdims=True))
    return np.asarray(deviations / np.where(length > 1e-6, length, np.inf), dtype=np.float64)


def _shape(doses: Floats, center: float | Floats, hill: float | Floats) -> Floats:
    """Return the rise from 0 to 1; 0 at dose 0."""
    logs = np.log(np.where(doses > 0, doses, 1.0))
    power = np.clip(hill * (center - logs), -60, 60)
    return np.asarray(np.where(doses > 0, 1 / (1 + np.exp(power)), 0.0), dtype=np.float64)


def _line(shape: Floats, values: Floats) -> tuple[float, float]:
    """Return bottom and top by linear least squares."""
    design: NDArray[np.float64] = np.stack([1 - shape, shape], axis=1)
    bottom, top = np.linalg.lstsq(design, values, rcond=None)[0]
    return float(bottom), float(top)
