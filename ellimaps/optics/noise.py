"""Standard deviations of measured Psi and Delta, and what they are at a value of Psi."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ellimaps.optics.fresnel import Real

USUAL_PSI_DEG, USUAL_DELTA_DEG = 0.05, 0.1
"""A good instrument; flat parts of the real folder have 0.033..0.09 deg of Psi, and twice as much of Delta
(``tests/maps/films/test_real_film.py`` prints it)."""


@dataclass(frozen=True, eq=False)
class Noise:
    """Noise of single values, by wavelength and angle.

    Attributes
    ----------
    psi_deg : ndarray of float, shape (band,) or (n, band)
        Standard deviation of Psi in degrees.
    delta_deg : ndarray of float, shape (band,) or (n, band)
        Standard deviation of Delta in degrees; if it grows, that at sin 2 Psi = 1.
    grows : bool
        Whether Delta's is this over sin 2 Psi, as in nulling and imaging instruments.
    origin : str
        Where the numbers come from, in words.
    is_known : bool
        Whether they were measured or given, so that misfit beyond them is the model's.
    """

    psi_deg: Real
    delta_deg: Real
    grows: bool = True
    origin: str = "the usual noise of a good instrument"
    is_known: bool = False

    def sigmas(self, psi_deg: Real) -> tuple[Real, Real]:
        """Return the standard deviations of Psi and Delta where Psi was measured.

        Parameters
        ----------
        psi_deg : ndarray of float, shape (n, band)
            Measured Psi in degrees; where it is missing, the nearest wavelengths stand for it.

        Returns
        -------
        sigma_psi, sigma_delta : ndarray of float, shape (n, band)
            In degrees.
        """
        sigma_psi = np.broadcast_to(self.psi_deg, psi_deg.shape)
        if not self.grows:
            return sigma_psi, np.broadcast_to(self.delta_deg, psi_deg.shape)
        # Psi itself is not known better than its noise, so neither is how far Delta is defined.
        sine = np.maximum(np.sin(np.deg2rad(2 * _completed(psi_deg))), np.deg2rad(2 * sigma_psi))
        return sigma_psi, self.delta_deg / sine

    def part(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Noise:
        """Return the noise of some spectra, where each has its own."""
        psi, delta = (part if part.ndim == 1 else part[rows] for part in (self.psi_deg, self.delta_deg))
        return Noise(psi, delta, self.grows, self.origin, self.is_known)

    @property
    def text(self) -> str:
        """The noise in one line."""
        over = " / sin 2 Psi" if self.grows else ""
        psi, delta = (float(np.median(part)) for part in (self.psi_deg, self.delta_deg))
        return f"noise: Delta {delta:.2g}°{over}, Psi {psi:.2g}° ({self.origin})"

    @property
    def chord(self) -> Real:
        """Standard deviation of a point's place on the sphere of N, C, S in radians, at the most."""
        return np.deg2rad(np.maximum(2 * self.psi_deg, self.delta_deg))


def usual_noise(n_bands: int, *, grows: bool = True) -> Noise:
    """Return the noise that is assumed where nothing tells it."""
    return Noise(np.full(n_bands, USUAL_PSI_DEG), np.full(n_bands, USUAL_DELTA_DEG), grows)


def _completed(values: Real) -> Real:
    """Return rows with gaps closed by straight lines between the nearest known values; 45 where none is."""
    known = np.isfinite(values)
    if known.all():
        return values
    place = np.arange(values.shape[1])
    before = np.maximum.accumulate(np.where(known, place, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, place, len(place))[:, ::-1], axis=1)[:, ::-1]
    left, right = _either(before, after, len(place)), _either(after, before, len(place))
    low, high = (np.take_along_axis(values, side, axis=1) for side in (left, right))
    share = (place - left) / np.maximum(right - left, 1)
    return np.where(known.any(axis=1, keepdims=True), low + share * (high - low), 45.0)


def _either(wanted: NDArray[np.intp], other: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    inside = np.where((wanted >= 0) & (wanted < count), wanted, other)
    return np.clip(inside, 0, count - 1)
