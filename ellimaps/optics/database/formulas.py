"""The nine dispersion formulae of refractiveindex.info, wavelengths in um.

As in its "Dispersion formulas" (https://refractiveindex.info/database/doc/Dispersion%20formulas.pdf); the
coefficients left out at a formula's end are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import numpy as np

from ellimaps.optics.fresnel import Real

Coefficients = tuple[float, ...]


def _terms(c: Coefficients, start: int) -> Iterator[tuple[float, float]]:
    """Return what comes in pairs from a coefficient on, without what adds nothing."""
    pairs = zip_longest(c[start::2], c[start + 1 :: 2], fillvalue=0.0)
    return ((strength, other) for strength, other in pairs if strength)


def _powers(um: Real, c: Coefficients, start: int) -> Any:
    return sum(strength * um**power for strength, power in _terms(c, start))


def _sellmeier(um: Real, c: Coefficients) -> Any:
    return np.sqrt(1 + c[0] + sum(s * um**2 / (um**2 - at**2) for s, at in _terms(c, 1)))


def _sellmeier_2(um: Real, c: Coefficients) -> Any:
    return np.sqrt(1 + c[0] + sum(s * um**2 / (um**2 - square) for s, square in _terms(c, 1)))


def _polynomial(um: Real, c: Coefficients) -> Any:
    return np.sqrt(c[0] + _powers(um, c, 1))


def _own(um: Real, c: Coefficients) -> Any:
    squared = c[0] + _powers(um, c, 9)
    for strength, power, at, exponent in (c[1:5], c[5:9]):
        if strength:
            squared = squared + strength * um**power / (um**2 - at**exponent)
    return np.sqrt(squared)


def _cauchy(um: Real, c: Coefficients) -> Any:
    return c[0] + _powers(um, c, 1)


def _gases(um: Real, c: Coefficients) -> Any:
    return 1 + c[0] + sum(s / (at - um**-2) for s, at in _terms(c, 1))


def _herzberger(um: Real, c: Coefficients) -> Any:
    pole = 1 / (um**2 - 0.028)
    return c[0] + c[1] * pole + c[2] * pole**2 + c[3] * um**2 + c[4] * um**4 + c[5] * um**6


def _retro(um: Real, c: Coefficients) -> Any:
    ratio = c[0] + c[1] * um**2 / (um**2 - c[2]) + c[3] * um**2
    return np.sqrt((1 + 2 * ratio) / (1 - ratio))


def _exotic(um: Real, c: Coefficients) -> Any:
    pole, band = c[1] / (um**2 - c[2]), c[3] * (um - c[4]) / ((um - c[4]) ** 2 + c[5])
    return np.sqrt(c[0] + pole + band)


FORMULAS: dict[int, tuple[Callable[[Real, Coefficients], Any], int]] = {
    1: (_sellmeier, 17),
    2: (_sellmeier_2, 17),
    3: (_polynomial, 17),
    4: (_own, 17),
    5: (_cauchy, 11),
    6: (_gases, 11),
    7: (_herzberger, 6),
    8: (_retro, 4),
    9: (_exotic, 6),
}
"""Each formula with the number of its coefficients."""

IN_PAIRS = (1, 2, 3, 4, 5, 6)
"""Those whose coefficients after the first come in pairs: one without its other half has no meaning."""


def formula_index(number: int, coefficients: Coefficients, wavelength_nm: Real) -> Real:
    """Return n of a formula; NaN or infinite where it gives none.

    Parameters
    ----------
    number : int
        Which of `FORMULAS`.
    coefficients : tuple of float
        As published, those at the end left out or not.
    wavelength_nm : ndarray of float
        Wavelengths in nm.
    """
    formula, count = FORMULAS[number]
    padded = (*coefficients, *[0.0] * (count - len(coefficients)))
    with np.errstate(all="ignore"):
        return np.asarray(formula(wavelength_nm / 1000, padded), dtype=np.float64) + 0 * wavelength_nm
