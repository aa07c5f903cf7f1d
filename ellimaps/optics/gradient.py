"""Psi and Delta of many parameter vectors at once, with their derivatives.

The parameters go through the model as numbers that carry their derivatives (forward differentiation), which
is exact and costs less than differences.
"""

from __future__ import annotations

import numpy as np

from ellimaps.optics.dual import Dual, slopes_of, value_of
from ellimaps.optics.fresnel import Real, psi_delta
from ellimaps.optics.media import Media, Stack
from ellimaps.optics.model import Parameter, ThinFilm
from ellimaps.optics.solver import FilmCurve


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
        self.low = np.array([p.low for p in self.parameters])
        self.high = np.array([p.high for p in self.parameters])
        self.model = model
        self.wavelength_nm = np.asarray(wavelength_nm, dtype=np.float64)
        self.n_bands = len(self.wavelength_nm)
        self.aoi_deg = np.broadcast_to(model.incidence(aoi_deg), self.wavelength_nm.shape)
        self._media = Media(model, self.wavelength_nm[None, :])

    def values(self, parameters: Real) -> Real:
        """Return Psi and Delta in degrees without derivatives, shape (n, 2 band)."""
        rho = self.model.ratio(self._media, self.aoi_deg[None, :], list(parameters.T[:, :, None]))
        return np.concatenate(psi_delta(np.broadcast_to(rho, (len(parameters), self.n_bands))), axis=-1)

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
        ratio = self.model.ratio(self._media, self.aoi_deg[None, :], _carrying(parameters))
        rho = np.broadcast_to(value_of(ratio), (len(parameters), self.n_bands))
        psi, delta = psi_delta(rho)
        derivatives = np.zeros((len(self.parameters), len(parameters), 2 * self.n_bands))
        unit, half_sine = np.rad2deg(1.0) / rho, np.sin(np.deg2rad(2 * psi)) / 2
        for number, slope in slopes_of(ratio).items():
            # rho = tan(Psi) exp(-i Delta), so d ln rho = 2 dPsi / sin 2Psi - i dDelta.
            logarithmic = slope * unit
            derivatives[number, :, : self.n_bands] = half_sine * logarithmic.real
            derivatives[number, :, self.n_bands :] = -logarithmic.imag
        return np.concatenate([psi, delta], axis=1), derivatives

    def stack(self, parameters: Real) -> Stack:
        """Return the media with their derivatives by the numbers of the parameters, shapes (n, 1 or band)."""
        return self._media.at(self.model.by_place(_carrying(parameters)))


def _carrying(parameters: Real) -> list[Dual]:
    """Return each parameter of n vectors with its derivative by itself, shape (n, 1)."""
    return [Dual(parameters[:, number : number + 1], {number: 1.0}) for number in range(parameters.shape[1])]
