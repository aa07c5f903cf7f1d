"""How often a quiet log reaches a level by chance: extreme values, with room for true anomalies.

The largest values of equal blocks of time follow a generalised extreme value distribution [1]_. Its
parameters are found by maximum likelihood; of the highest blocks, which may hold anomalies, the likelihood
only knows that they are high (they are censored), so that an anomaly does not teach the threshold to ignore
it. A weak prior keeps the shape, which few blocks determine badly, near 0 [2]_, and it is
never negative: that would say that there is a level which chance cannot pass.

References
----------
.. [1] S. Coles, "An Introduction to Statistical Modeling of Extreme Values", Springer 2001, chapter 3.
.. [2] S. G. Coles, M. J. Dixon, "Likelihood-based inference for extreme value models", Extremes 2 (1999)
   5-23, doi:10.1023/A:1009905222644
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Three parameters need more than that many maxima that are not spared.
_FEWEST_BLOCKS = 8
# Fewer say little of their upper half; from 80 to 500 the rooms for choosing have the same false periods.
_FEWEST_FOR_UPPER_HALF = 100
_UPPER_HALF = 0.5
_LARGEST_SPARED = 0.4
# Of the blocks of a log with many events: rooms whose doors open some times a day are quiet in four of five.
QUIET = 0.8
# Shapes of measured extremes seldom leave -0.2 to 0.2 (Coles and Dixon 1999 penalise them likewise).
_SHAPE_PRIOR = 0.1
# Below it the power law and its limit, the exponential, agree to seven digits.
_STRAIGHT = 1e-6
# Nelder-Mead's first steps: a start at shape 0.05, as the edge at 0 would hold all corners.
_FIRST_SIMPLEX = np.array([[0, 0, 0.05], [0.3, 0, 0.05], [0, -0.5, 0.05], [0, 0, 0.15]])

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Spared:
    """The events that a fit leaves room for.

    Attributes
    ----------
    per_month : float
        How many in 30 days.
    time : float
        Share of the time that they last.
    """

    per_month: float
    time: float


# Chosen on generated logs, seeds 100 to 104, with the real machine in view: a twentieth of the time instead
# of a tenth misses a second of its windows, a fifth changes nothing.
LASTING = Spared(4, 0.1)
"""Events that stand out as long as they last."""
BRIEF = Spared(4, 0.0)
"""Events that stand out where they begin or end."""
NONE = Spared(0, 0.0)
"""A log that has more events than these: they are what is usual."""


@dataclass(frozen=True)
class ExtremeValues:
    """A generalised extreme value distribution of block maxima.

    Attributes
    ----------
    location, scale, shape : float
        Its parameters; a positive shape is a heavy tail.
    blocks_per_month : float
        Blocks in 30 days.
    """

    location: float
    scale: float
    shape: float
    blocks_per_month: float

    def rate(self, level: float) -> float:
        """Return how often in 30 days chance exceeds a level."""
        return float(self.blocks_per_month * _rate((level - self.location) / self.scale, self.shape))

    def level(self, rate: float) -> float:
        """Return the level that chance exceeds this often in 30 days."""
        share = rate / self.blocks_per_month
        if abs(self.shape) < _STRAIGHT:
            return self.location - self.scale * float(np.log(share))
        return self.location + self.scale * float(np.expm1(-self.shape * np.log(share))) / self.shape


def block_maxima(values: Values, rows: int) -> Values:
    """Return the largest value of every block of some rows; blocks without a value are left out.

    Parameters
    ----------
    values : array, shape (row,)
        In any unit; NaN where there is none.
    rows : int
        Length of a block.

    Returns
    -------
    array, shape (block,)
        In the unit of the values.
    """
    blocks = len(values) // rows
    whole = np.where(np.isfinite(values), values, -np.inf)[: blocks * rows].reshape(blocks, rows)
    maxima = whole.max(axis=1)
    return np.asarray(maxima[np.isfinite(maxima)])


def law_of_chance(
    maxima: Values, months: float, rate: float, spared: Spared = LASTING
) -> ExtremeValues | None:
    """Return the law that asks more of an anomaly: that of all block maxima or of their upper half.

    Quiet nights say little of the rare large values of days, and so would have too many of them unusual; the
    upper half alone, of few blocks, says little at all.

    Parameters
    ----------
    maxima : array, shape (block,)
        Block maxima, in any unit.
    months : float
        The time they cover, in months of 30 days.
    rate : float
        False alarms in 30 days: where the laws are compared.
    spared : Spared
        What they leave out.
    """
    quiet = (0.0, _UPPER_HALF) if len(maxima) >= _FEWEST_FOR_UPPER_HALF else (0.0,)
    laws = [fit_extreme_values(maxima, months, spared, quiet=share) for share in quiet]
    return max((law for law in laws if law), key=lambda law: law.level(rate), default=None)


def fit_extreme_values(
    maxima: Values, months: float, spared: Spared = LASTING, *, quiet: float = 0.0
) -> ExtremeValues | None:
    """Fit the distribution of block maxima; None for fewer than 8 blocks or blocks that are all alike.

    Parameters
    ----------
    maxima : array, shape (block,)
        Block maxima, in any unit.
    months : float
        The time they cover, in months of 30 days.
    spared : Spared
        What may be anomalies: of as many of the highest blocks the fit only knows that they are high.
    quiet : float
        Share of the lowest blocks, of which it only knows that they are low.
    """
    from scipy.optimize import minimize

    if len(maxima) < _FEWEST_BLOCKS:
        return None
    high = min(_LARGEST_SPARED, spared.time + max(spared.per_month * months, 1.0) / len(maxima))
    bound = float(np.quantile(maxima, 1 - high))
    floor = float(np.quantile(maxima, quiet)) if quiet else -np.inf
    known = maxima[(maxima < bound) & (maxima >= floor)]
    spread = float(np.std(known)) if len(known) else 0.0
    if spread <= 0:
        return None
    # The search must not depend on the unit of the log, nor on where its zero is.
    middle = float(np.median(known))
    found = minimize(
        _cost,
        np.zeros(3),
        args=(
            (known - middle) / spread,
            ((floor - middle) / spread, (bound - middle) / spread),
            (int((maxima < floor).sum()), int((maxima >= bound).sum())),
        ),
        method="Nelder-Mead",
        options={"maxiter": 2000, "initial_simplex": _FIRST_SIMPLEX},
    ).x
    location, scale = middle + spread * float(found[0]), spread * float(np.exp(found[1]))
    return ExtremeValues(location, scale, float(found[2]), len(maxima) / months)


def _rate(z: float | Values, shape: float) -> Values:
    """Return the expected exceedances in a block, ``-log G(z)``."""
    if abs(shape) < _STRAIGHT:
        return np.asarray(np.exp(-np.asarray(z)))
    inside = np.maximum(1 + shape * np.asarray(z), 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(inside ** (-1 / shape))


def _cost(parameters: Values, known: Values, bounds: tuple[float, float], censored: tuple[int, int]) -> float:
    """Return the negative log-likelihood of known maxima and of those only known to be below or above."""
    location, scale, shape = parameters[0], float(np.exp(parameters[1])), parameters[2]
    floor, bound = bounds
    z = (np.concatenate([known, [bound], [floor] if censored[0] else []]) - location) / scale
    if shape < 0 or (1 + shape * z <= 0).any():
        return 1e12
    rates = _rate(z, shape)
    inside, top = rates[: len(known)], rates[len(known)]
    density = -np.log(scale) + (1 + shape) * np.log(inside) - inside
    above = np.log(max(-np.expm1(-top), 1e-300))
    below = censored[0] * rates[-1] if censored[0] else 0.0
    return float(-density.sum() - censored[1] * above + below + 0.5 * (shape / _SHAPE_PRIOR) ** 2)
