"""Numbers that carry their derivatives by named parameters through a formula (forward differentiation).

A formula written with NumPy and `scipy.special` takes `Dual` numbers as it takes arrays, and what comes out
holds the exact derivatives beside the value; nothing is differenced.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy import special

Slopes = dict[Hashable, Any]


class Dual(NDArrayOperatorsMixin):
    """A value and its derivatives.

    Parameters
    ----------
    value : array_like
        Real or complex.
    slopes : mapping to array_like
        Derivatives by the name or number of a parameter, broadcasting against the value; by others it is 0.
    """

    def __init__(self, value: Any, slopes: Mapping[Hashable, Any]) -> None:
        self.value = value
        self.slopes: Slopes = dict(slopes)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply a function to the value, and the chain rule to the slopes."""
        if method != "__call__" or kwargs or ufunc not in _DERIVATIVES:
            return NotImplemented
        values = [one.value if isinstance(one, Dual) else one for one in inputs]
        result = ufunc(*values)
        slopes: Slopes = {}
        for one, factor in zip(inputs, _DERIVATIVES[ufunc](result, *values), strict=True):
            for name, slope in slopes_of(one).items():
                part = factor * slope
                slopes[name] = slopes[name] + part if name in slopes else part
        return Dual(result, slopes)

    @property
    def real(self) -> Dual:
        """The real part; parameters are real."""
        return Dual(np.real(self.value), {name: np.real(slope) for name, slope in self.slopes.items()})


def slopes_of(number: Any) -> Slopes:
    """Return the derivatives of what a formula returned; a plain number has none."""
    return number.slopes if isinstance(number, Dual) else {}


def chained(number: Any, value: Any, slope: Any) -> Any:
    """Return a function of a number from its value and its derivative there, for what is no ufunc."""
    if not isinstance(number, Dual):
        return value
    return Dual(value, {name: slope * part for name, part in number.slopes.items()})


def value_of(number: Any) -> Any:
    """Return the value of what a formula returned."""
    return number.value if isinstance(number, Dual) else number


def _times(_: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return b, a


# Derivatives by each argument, from the result and the arguments.
_DERIVATIVES: dict[np.ufunc, Callable[..., tuple[Any, ...]]] = {
    np.add: lambda *_: (1.0, 1.0),
    np.subtract: lambda *_: (1.0, -1.0),
    np.multiply: _times,
    np.divide: lambda result, _, below: (1 / below, -result / below),
    # Exponents of formulae are plain numbers.
    np.power: lambda _, base, exponent: (exponent * base ** (exponent - 1), 0.0),
    np.negative: lambda *_: (-1.0,),
    np.square: lambda _, number: (2 * number,),
    np.sqrt: lambda root, _: (0.5 / root,),
    np.exp: lambda power, _: (power,),
    np.log: lambda _, number: (1 / number,),
    # Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.20.
    special.wofz: lambda result, number: (2j / np.sqrt(np.pi) - 2 * number * result,),
}
