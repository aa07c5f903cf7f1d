"""Misfits in N, C, S in place of Psi and Delta."""

from __future__ import annotations

import numpy as np

from ellimaps.optics.fresnel import Real
from ellimaps.optics.solver import FilmCurve, Target


class NcsCurve(FilmCurve):
    """A model's N, C, S and their derivatives, from a curve of Psi and Delta."""

    def __init__(self, curve: FilmCurve) -> None:
        self._curve = curve
        self.low, self.high, self.n_bands = curve.low, curve.high, curve.n_bands

    def __call__(self, parameters: Real) -> tuple[Real, Real]:
        """Return N, C and S of every band, shape (n, 3 band), and derivatives (parameter, n, 3 band)."""
        angles, slopes = self._curve(parameters)
        psi, delta = np.split(np.deg2rad(angles), 2, axis=-1)
        by_psi, by_delta = np.split(np.deg2rad(slopes), 2, axis=-1)
        cosine, sine = np.cos(2 * psi), np.sin(2 * psi)
        c, s = np.cos(delta), np.sin(delta)
        values = np.concatenate([cosine, sine * c, sine * s], axis=-1)
        derivatives = np.concatenate(
            [
                -2 * sine * by_psi,
                2 * cosine * c * by_psi - sine * s * by_delta,
                2 * cosine * s * by_psi + sine * c * by_delta,
            ],
            axis=-1,
        )
        return values, derivatives


def ncs_target(target: Target, chord: Real) -> Target:
    """Return N, C, S of spectra; a wavelength at which Psi or Delta is missing has no weight.

    Parameters
    ----------
    target : Target
        Psi and Delta.
    chord : ndarray of float, shape (band,) or (n, band)
        Standard deviation of N, C, S in radians.
    """
    psi, delta = np.split(np.deg2rad(target.angles), 2, axis=1)
    has_psi, has_delta = np.split(target.weights > 0, 2, axis=1)
    sine = np.sin(2 * psi)
    values = np.concatenate([np.cos(2 * psi), sine * np.cos(delta), sine * np.sin(delta)], axis=1)
    weights = np.where(has_psi & has_delta, 1 / np.broadcast_to(chord, psi.shape), 0)
    return Target(values, np.tile(weights, (1, 3)), is_angle=False)
