"""Dose-response curves: a four-parameter logistic, and the EC50 where the doses determine it.

``y(x) = bottom + (top - bottom) / (1 + (EC50 / x)^hill)``, and ``y(0) = bottom`` for the controls. For a
given EC50 and hill the curve is a straight line in bottom and top, so that a grid over the other two finds
the best fit whatever the start (variable projection; Golub and Pereyra 1973, doi:10.1137/0710036). The
interval of the EC50 is that of its profile likelihood (Bates and Watts 1988, ch. 6): it can be open to one
side, where a symmetric one would pretend to knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
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

# The grid. EC50s a decade beyond the doses show that an interval is open; steps of 4 % over two decades of
# doses are refined to 0.2 %; a test of chance needs every fourth point. On two generated plates, half and
# twice of _BEYOND and of the ends of HILL_RANGE move an EC50 by at most 5 %.
_BEYOND = 10.0
_STEPS_EC50 = 241
_STEPS_HILL = 49
_STEPS_FINE = 41
_EVERY = 4
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


def _fitted(doses: Floats, values: Floats, tested: Floats, seed: int) -> DoseResponse:
    beyond = np.log(_BEYOND)
    centers = np.linspace(np.log(tested[0]) - beyond, np.log(tested[-1]) + beyond, _STEPS_EC50)
    rest, _ = _profile(doses, values, centers)
    best = int(rest.argmin())
    fine = np.linspace(centers[max(best - 1, 0)], centers[min(best + 1, len(centers) - 1)], _STEPS_FINE)
    fine_rest, hills = _profile(doses, values, fine)
    best = int(fine_rest.argmin())
    center, hill = float(fine[best]), float(hills[best])

    total, freedom = float(np.square(values - values.mean()).sum()), len(values) - 4
    smallest = max(float(fine_rest[best]), 1e-12 * total)
    p = _chance(doses, values, centers[::_EVERY], seed)
    low, high = np.exp(_interval(centers, rest, smallest, freedom))
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


def _interval(centers: Floats, rest: Floats, smallest: float, freedom: int) -> tuple[float, float]:
    """Return the ends of the profile likelihood's interval in log dose, infinite where it is open."""
    limit = smallest * (1 + f_distribution.ppf(CONFIDENCE, 1, freedom) / freedom)
    inside = np.flatnonzero(rest <= limit)
    # Of a nearly perfect fit the interval is narrower than the grid.
    inside = inside if len(inside) else np.array([rest.argmin()])
    first, last = int(inside[0]), int(inside[-1])
    low = -np.inf if first == 0 else _crossing(centers, rest, first - 1, first, limit)
    high = np.inf if last == len(rest) - 1 else _crossing(centers, rest, last + 1, last, limit)
    return float(low), float(high)


def _crossing(centers: Floats, rest: Floats, outside: int, inside: int, limit: float) -> float:
    step = (rest[outside] - limit) / max(rest[outside] - rest[inside], 1e-300)
    return float(centers[outside] + min(step, 1.0) * (centers[inside] - centers[outside]))


def _profile(doses: Floats, values: Floats, centers: Floats) -> tuple[Floats, Floats]:
    """Return for each log EC50 the least sum of squares over hill, bottom and top, and the hill."""
    hills = np.geomspace(*HILL_RANGE, _STEPS_HILL)
    unit = _unit_shapes(doses, centers, hills)
    explained = np.square(unit @ (values - values.mean()))
    best = explained.argmax(axis=1)
    total = np.square(values - values.mean()).sum()
    rest = np.maximum(total - explained[np.arange(len(centers)), best], 0.0)
    return rest, hills[best]


def _unit_shapes(doses: Floats, centers: Floats, hills: Floats) -> Floats:
    """Return rises with mean 0 and length 1, shape (center, hill, well); those that are flat are 0."""
    shapes = _shape(doses, centers[:, None, None], hills[:, None])
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
