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
# What is spared was chosen on generated logs, seeds 100 to 104, with the real machine in view: a twentieth of
# the time instead of a tenth misses a second of its windows, a fifth changes nothing.
_SPARED_PER_MONTH = 4
_SPARED_TIME = 0.1
_LARGEST_SPARED = 0.4
# Shapes of measured extremes seldom leave -0.2 to 0.2 (Coles and Dixon 1999 penalise them likewise).
_SHAPE_PRIOR = 0.1
# Below it the power law and its limit, the exponential, agree to seven digits.
_STRAIGHT = 1e-6
# Nelder-Mead's first steps: a start at shape 0.05, as the edge at 0 would hold all corners.
_FIRST_SIMPLEX = np.array([[0, 0, 0.05], [0.3, 0, 0.05], [0, -0.5, 0.05], [0, 0, 0.15]])

Values = NDArray[np.float64]


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


def fit_extreme_values(maxima: Values, months: float) -> ExtremeValues | None:
    """Fit the distribution of block maxima; None for fewer than 8 blocks or blocks that are all alike.

    Parameters
    ----------
    maxima : array
        Block maxima, shape ``(block,)``, in any unit.
    months : float
        The time they cover, in months of 30 days; what four events a month that last a tenth of
        the time touch is spared.
    """
    from scipy.optimize import minimize

    if len(maxima) < _FEWEST_BLOCKS:
        return None
    spared = min(_LARGEST_SPARED, _SPARED_TIME + max(_SPARED_PER_MONTH * months, 1.0) / len(maxima))
    bound = float(np.quantile(maxima, 1 - spared))
    known = maxima[maxima < bound]
    spread = float(np.std(known)) if len(known) else 0.0
    if spread <= 0:
        return None
    # The search must not depend on the unit of the log, nor on where its zero is.
    middle = float(np.median(known))
    found = minimize(
        _cost,
        np.zeros(3),
        args=((known - middle) / spread, (bound - middle) / spread, len(maxima) - len(known)),
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


def _cost(parameters: Values, known: Values, bound: float, censored: int) -> float:
    """Return the negative log-likelihood of known maxima and of those only known to reach the bound."""
    location, scale, shape = parameters[0], float(np.exp(parameters[1])), parameters[2]
    z = (np.append(known, bound) - location) / scale
    if shape < 0 or (1 + shape * z <= 0).any():
        return 1e12
    rates = _rate(z, shape)
    density = -np.log(scale) + (1 + shape) * np.log(rates[:-1]) - rates[:-1]
    above = np.log(max(-np.expm1(-rates[-1]), 1e-300))
    return float(-density.sum() - censored * above + 0.5 * (shape / _SHAPE_PRIOR) ** 2)
