"""Cubic B-splines over photon energy together with their Kramers-Kronig partners."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial import Polynomial
from scipy.interpolate import PPoly

from ellimaps.optics.fresnel import Complex, Real


def spline_basis(nodes_ev: tuple[float, ...], photon_ev: Real) -> Complex:
    """Return each spline as k, with the n that belongs to it.

    Parameters
    ----------
    nodes_ev : tuple of float
        Ascending; the spline of a node is 0 beyond the second node on either side,
        two steps beyond the first and the last.
    photon_ev : ndarray of float
        Photon energies in eV.

    Returns
    -------
    ndarray of complex, shape (node, ...)
        ``n + ik`` of each spline.

    Notes
    -----
    ``n(E) = 2 / pi P integral of x k(x) / (x**2 - E**2) dx`` has a closed form for each polynomial.
    """
    energies = np.asarray(photon_ev, dtype=np.float64)
    basis = _basis(nodes_ev, energies.tobytes())
    return basis.reshape(len(nodes_ev), *energies.shape)


@lru_cache(maxsize=64)
def _basis(nodes_ev: tuple[float, ...], photon_ev: bytes) -> Complex:
    energies = np.frombuffer(photon_ev)
    return np.array([_one(*piece, energies) for piece in _pieces(nodes_ev)])


def _pieces(nodes_ev: tuple[float, ...]) -> list[tuple[Real, Real]]:
    """Return the breaks and the coefficients of each spline."""
    nodes = np.asarray(nodes_ev)
    first, last = nodes[1] - nodes[0], nodes[-1] - nodes[-2]
    # The spline of the first node begins above 0 eV, where k is 0 by symmetry.
    before = [max(nodes[0] - i * first, nodes[0] * (1 - i / 3)) for i in (2, 1)]
    knots = np.concatenate([before, nodes, nodes[-1] + last * np.arange(1, 3)])
    return [_pieces_of(knots[i : i + 5]) for i in range(len(nodes))]


def _pieces_of(knots: Real) -> tuple[Real, Real]:
    """Return the breaks and the coefficients of the spline of five knots, highest power first."""
    repeated = np.pad(knots, 3, mode="edge")
    poly = PPoly.from_spline((repeated, np.eye(7)[3], 3))
    real = np.flatnonzero(np.diff(poly.x) > 0)
    return poly.x[[*real, real[-1] + 1]], poly.c[:, real]


def _one(breaks: Real, coefficients: Real, energies: Real) -> Complex:
    k, n = np.zeros(len(energies)), np.zeros(len(energies))
    for low, high, column in zip(breaks[:-1], breaks[1:], coefficients.T, strict=True):
        poly = Polynomial(column[::-1])(Polynomial([-low, 1.0]))
        inside = (energies >= low) & (energies < high)
        k[inside] = poly(energies[inside])
        for pole in (energies, -energies):
            n += _principal(poly, low, high, pole) / np.pi
    return n + 1j * k


def _principal(poly: Polynomial, low: float, high: float, pole: Real) -> Real:
    """Return the principal value of the integral of ``poly(x) / (x - pole)``, for each pole."""
    above, below = np.abs(high - pole), np.abs(low - pole)
    total = poly(pole) * (np.log(np.maximum(above, _TINY)) - np.log(np.maximum(below, _TINY)))
    # (poly(x) - poly(pole)) / (x - pole) by Horner's scheme, integrated power by power.
    quotient = np.zeros(len(pole))
    for power in range(poly.degree() - 1, -1, -1):
        quotient = quotient * pole + poly.coef[power + 1]
        total = total + quotient * (high ** (power + 1) - low ** (power + 1)) / (power + 1)
    return np.asarray(total)


# In place of the logarithm of 0, which two pieces add and take away.
_TINY = 1e-300
