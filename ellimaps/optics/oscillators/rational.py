"""The Kramers-Kronig integral of an absorption that is rational above an energy and 0 below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ellimaps.optics.dual import value_of

Function = Callable[[Any], Any]

# A damping of exactly twice the energy has a double pole, which is taken apart by so much: the result differs
# by some 1e-8 there.
_APART = 1e-8
# In place of the logarithm of 0, which is multiplied by 0.
_TINY = 1e-300


def lorentz_squares(photon_ev: Any, center_ev: Any, broadening_ev: Any) -> Any:
    """Return ``(E**2 - E0**2)**2 + C**2 E**2``, what a Lorentz oscillator is divided by."""
    square = photon_ev * photon_ev
    off = square - center_ev * center_ev
    return off * off + broadening_ev * broadening_ev * square


def lorentz_poles(center_ev: Any, broadening_ev: Any) -> list[tuple[Any, Any]]:
    """Return the roots of `lorentz_squares` above the real axis, two of four, with the derivatives there."""
    square = center_ev * center_ev - broadening_ev * broadening_ev / 4
    near = np.abs(value_of(square)) < _APART * np.square(value_of(center_ev))
    real = np.sqrt(square + near * _APART * np.square(value_of(center_ev)) + 0j)
    poles = []
    for side in (1, -1):
        pole = side * real + 1j * broadening_ev / 2
        poles.append((pole, 4j * side * real * broadening_ev * pole))
    return poles


def kramers_kronig(
    photon_ev: Any, lower_ev: Any, weight: Function, divisor: Function, poles: Sequence[tuple[Any, Any]]
) -> Any:
    """Return the real part that belongs to ``e2 = weight(E) / divisor(E) / E`` above an energy.

    Parameters
    ----------
    photon_ev : ndarray of float
        Photon energies in eV.
    lower_ev : float, ndarray or Dual
        Below it e2 is 0.
    weight, divisor : callable
        Polynomials in E; the divisor's degree is higher by at least 1.
    poles : sequence of (pole, slope)
        The roots of the divisor above the real axis, and its derivatives there; all are simple and none real.

    Returns
    -------
    ndarray of float or Dual
        ``2 / pi P integral of x e2(x) / (x**2 - E**2) dx``, by residues: each pole z of the integrand
        adds its residue times ``-log(lower - z)``, and those below the axis the conjugate numbers.
    """
    gap = lower_ev - photon_ev
    total = weight(photon_ev) / divisor(photon_ev) * (0.5 * np.log(gap * gap + _TINY))
    total = total - weight(-photon_ev) / divisor(-photon_ev) * np.log(lower_ev + photon_ev)
    total = total / (2 * photon_ev)
    for pole, slope in poles:
        total = total + 2 * weight(pole) / ((pole * pole - photon_ev**2) * slope) * np.log(lower_ev - pole)
    return total.real * (-2 / np.pi)
