"""Psi and Delta of many parameter vectors at once, with their derivatives.

The parameters go through the model as numbers that carry their derivatives (forward differentiation), which
is exact and costs less than differences.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ellimaps.optics.averages import SPREADS
from ellimaps.optics.dual import Dual, slopes_of, value_of
from ellimaps.optics.fresnel import Real, psi_delta
from ellimaps.optics.media import Stack
from ellimaps.optics.model import Parameter, ThinFilm
from ellimaps.optics.reflection import Reflection
from ellimaps.optics.solver import FilmCurve

# 4 MB of complex numbers: an array of them, its derivatives and what is between are some 100 MB.
_BLOCK_VALUES = 1 << 18


class ExactCurve(FilmCurve):
    """A model at fixed wavelengths and angles, as a function of its free parameters.

    Parameters
    ----------
    model : ThinFilm
        The model.
    wavelength_nm, aoi_deg : ndarray of float, shape (band,)
        Where it was measured.

    Raises
    ------
    SettingError
        As `ThinFilm.rho`.
    """

    def __init__(self, model: ThinFilm, wavelength_nm: Real, aoi_deg: Real) -> None:
        self.parameters: tuple[Parameter, ...] = model.parameters
        self.low = np.array([_least(p) for p in self.parameters])
        self.high = np.array([p.high for p in self.parameters])
        self.model = model
        self.wavelength_nm = np.asarray(wavelength_nm, dtype=np.float64)
        self.n_bands = len(self.wavelength_nm)
        self.aoi_deg = np.broadcast_to(model.incidence(aoi_deg), self.wavelength_nm.shape)
        self.reflection = Reflection(model, self.wavelength_nm[None, :], self.aoi_deg[None, :])

    def values(self, parameters: Real) -> Real:
        """Return Psi and Delta in degrees without derivatives, shape (n, 2 band)."""
        angles = np.empty((len(parameters), 2 * self.n_bands))
        for rows in self._blocks(len(parameters)):
            rho = self.reflection.ratio(list(parameters[rows].T[:, :, None]))
            angles[rows, : self.n_bands], angles[rows, self.n_bands :] = psi_delta(rho)
        return angles

    def __call__(self, parameters: Real) -> tuple[Real, Real]:
        """Return Psi and Delta and their derivatives.

        Parameters
        ----------
        parameters : ndarray of float, shape (n, parameter)
            Values of the free parameters.

        Returns
        -------
        angles : ndarray of float, shape (n, 2 band)
            Psi of every band in 0..90, then Delta in 0..360 deg.
        derivatives : ndarray of float, shape (parameter, n, 2 band)
            Degrees per unit of each parameter.
        """
        angles = np.empty((len(parameters), 2 * self.n_bands))
        derivatives = np.zeros((len(self.parameters), len(parameters), 2 * self.n_bands))
        for rows in self._blocks(len(parameters)):
            ratio = self.reflection.ratio(_carrying(parameters[rows]))
            rho = value_of(ratio)
            psi, delta = psi_delta(rho)
            angles[rows, : self.n_bands], angles[rows, self.n_bands :] = psi, delta
            unit, half_sine = np.rad2deg(1.0) / rho, np.sin(np.deg2rad(2 * psi)) / 2
            for number, slope in slopes_of(ratio).items():
                # rho = tan(Psi) exp(-i Delta), so d ln rho = 2 dPsi / sin 2Psi - i dDelta.
                logarithmic = slope * unit
                derivatives[number, rows, : self.n_bands] = half_sine * logarithmic.real
                derivatives[number, rows, self.n_bands :] = -logarithmic.imag
        return angles, derivatives

    def stack(self, parameters: Real) -> Stack:
        """Return the media with their derivatives by the numbers of the parameters, shapes (n, 1 or band)."""
        return self.reflection.media.at(self.model.by_place(_carrying(parameters)))

    def _blocks(self, count: int) -> Iterator[slice]:
        """Return parts of so many vectors that the numbers of one fit into memory."""
        points = self.reflection.points
        values = self.n_bands * (1 if points is None else len(points.weights))
        rows = max(1, _BLOCK_VALUES // values)
        return (slice(start, start + rows) for start in range(0, count, rows))


def _least(parameter: Parameter) -> float:
    # A spread of a thousandth of what it may be changes nothing, and has a slope.
    return max(parameter.low, parameter.high / 1000) if parameter.kind in SPREADS else parameter.low


def _carrying(parameters: Real) -> list[Dual]:
    """Return each parameter of n vectors with its derivative by itself, shape (n, 1)."""
    return [Dual(parameters[:, number : number + 1], {number: 1.0}) for number in range(parameters.shape[1])]
