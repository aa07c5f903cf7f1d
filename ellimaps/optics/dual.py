"""Numbers that carry their derivatives by named parameters through a formula (forward differentiation).

A formula written with NumPy and `scipy.special` takes `Dual` numbers as it takes arrays, and what comes out
holds the exact derivatives beside the value; nothing is differenced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy import special

Slopes = dict[Any, Any]


class Dual(NDArrayOperatorsMixin):
    """A value and its derivatives.

    Parameters
    ----------
    value : array_like
        Real or complex.
    slopes : mapping to array_like
        Derivatives by the name or number of a parameter, broadcasting against the value; by others it is 0.
    """

    def __init__(self, value: Any, slopes: Mapping[Any, Any]) -> None:
        self.value = value
        self.slopes: Slopes = dict(slopes)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply a function to the value, and the chain rule to the slopes."""
        if method != "__call__" or kwargs or ufunc not in _DERIVATIVES:
            return NotImplemented
        values = [value_of(one) for one in inputs]
        result = ufunc(*values)
        derivatives = [partial(one, result, *values) for one in _DERIVATIVES[ufunc]]
        return function_of(result, *zip(inputs, derivatives, strict=True))

    @property
    def real(self) -> Dual:
        """The real part; parameters are real."""
        return self._each(np.real)

    def __getitem__(self, key: Any) -> Dual:
        """Return a part, or with ``[..., None]`` one axis more."""
        return self._each(lambda one: np.asarray(one)[key])

    def conjugate(self) -> Dual:
        """Return the conjugate; parameters are real."""
        return self._each(np.conj)

    def sum(self, axis: int) -> Dual:
        """Return the sum along an axis, which the slopes must have as well."""
        return self._each(partial(np.sum, axis=axis))

    def _each(self, linear: Callable[[Any], Any]) -> Dual:
        return Dual(linear(self.value), {name: linear(slope) for name, slope in self.slopes.items()})


def slopes_of(number: Any) -> Slopes:
    """Return the derivatives of what a formula returned; a plain number has none."""
    return number.slopes if isinstance(number, Dual) else {}


def function_of(value: Any, *arguments: tuple[Any, Callable[[], Any]]) -> Any:
    """Return a value as a function of some numbers, for what is no ufunc, or has a shorter derivative.

    Parameters
    ----------
    value : ndarray
        The function's value.
    arguments : tuple of (ndarray or Dual, callable)
        What it depends on, and what gives its derivative by that, which is called only if it is needed.
    """
    slopes: Slopes = {}
    for number, derivative in arguments:
        if own := slopes_of(number):
            factor = derivative()
            for name, slope in own.items():
                part = factor * slope
                slopes[name] = slopes[name] + part if name in slopes else part
    return Dual(value, slopes) if slopes else value


def value_of(number: Any) -> Any:
    """Return the value of what a formula returned."""
    return number.value if isinstance(number, Dual) else number


# The derivative by each argument, from the result and the arguments.
_DERIVATIVES: dict[np.ufunc, tuple[Callable[..., Any], ...]] = {
    np.add: (lambda *_: 1.0, lambda *_: 1.0),
    np.subtract: (lambda *_: 1.0, lambda *_: -1.0),
    np.multiply: (lambda *given: given[2], lambda *given: given[1]),
    np.divide: (lambda *given: 1 / given[2], lambda result, _, below: -result / below),
    # Exponents of formulae are plain numbers.
    np.power: (lambda _, base, exponent: exponent * base ** (exponent - 1), lambda *_: 0.0),
    np.negative: (lambda *_: -1.0,),
    np.square: (lambda _, number: 2 * number,),
    np.sqrt: (lambda root, _: 0.5 / root,),
    np.exp: (lambda power, _: power,),
    np.log: (lambda _, number: 1 / number,),
    np.sin: (lambda _, angle: np.cos(angle),),
    np.deg2rad: (lambda *_: np.deg2rad(1.0),),
    # Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.20.
    special.wofz: (lambda result, number: 2j / np.sqrt(np.pi) - 2 * number * result,),
}
