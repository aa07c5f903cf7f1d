"""Films whose chi squared is summed up in compiled loops; imported only where numba is installed."""

from __future__ import annotations

import numpy as np

from ellimaps.optics import kernel, model
from ellimaps.optics.fresnel import Real, Uniaxial
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.solver import FilmCurve, Target

_KINDS = {
    model.THICKNESS: kernel.THICKNESS,
    model.CAUCHY_A: kernel.CAUCHY_A,
    model.CAUCHY_B: kernel.CAUCHY_B,
    model.EXTRAORDINARY_A: kernel.EXTRAORDINARY_A,
    model.AOI_OFFSET: kernel.AOI_OFFSET,
    model.DELTA_OFFSET: kernel.DELTA_OFFSET,
}


class CompiledCurve(FilmCurve):
    """An `ExactCurve` whose normal equations are summed up without arrays of derivatives."""

    def __init__(self, exact: ExactCurve) -> None:
        self._exact = exact
        self.parameters, self.low, self.high = exact.parameters, exact.low, exact.high
        self.n_bands = exact.n_bands
        self._film = _film(exact)

    def __call__(self, parameters: Real) -> tuple[Real, Real]:
        """Return Psi and Delta and their derivatives, as `ExactCurve`."""
        return self._exact(parameters)

    def values(self, parameters: Real) -> Real:
        """Return Psi and Delta in degrees without derivatives, shape (n, 2 band)."""
        angles = np.empty((len(parameters), 2 * self.n_bands))
        self._run(Target(np.zeros_like(angles), np.ones_like(angles)), parameters, 0, angles)
        return angles

    def chi2(self, target: Target, parameters: Real) -> Real:
        """Return chi squared, shape (n,)."""
        return self._run(target, parameters, 0)[0]

    def normal_equations(self, target: Target, parameters: Real) -> tuple[Real, Real, Real]:
        """Return chi squared, normal matrices and slopes, as `FilmCurve.normal_equations`."""
        return self._run(target, parameters, len(self.parameters))

    def _run(
        self, target: Target, parameters: Real, n_slopes: int, angles: Real | None = None
    ) -> tuple[Real, Real, Real]:
        n = len(parameters)
        chi2, slope = np.zeros(n), np.zeros((n, n_slopes))
        normal = np.zeros((n, n_slopes, n_slopes))
        out = np.empty((0, 0)) if angles is None else angles
        values = np.ascontiguousarray(parameters, dtype=np.float64)
        kernel.sum_up(values, target.angles, target.weights, self._film, chi2, slope, normal, out)
        return chi2, normal, slope


def _film(exact: ExactCurve) -> kernel.Film:
    film, wavelength = exact.model, exact.wavelength_nm
    materials = film.ambient, *(layer.material for layer in film.layers), film.substrate
    indices = [material(wavelength) for material in materials]
    pairs = [index if isinstance(index, Uniaxial) else (index, index) for index in indices]
    ordinary, extraordinary = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    return kernel.Film(
        kinds=np.array([_KINDS[parameter.kind] for parameter in exact.parameters]),
        media=np.array([-1 if p.layer is None else p.layer + 1 for p in exact.parameters]),
        starts=np.array([parameter.start for parameter in exact.parameters]),
        waves=wavelength,
        aoi=np.deg2rad(exact.aoi_deg + film.aoi_offset_deg),
        delta_offset=float(film.delta_offset_deg),
        thickness=np.array([0.0, *(layer.thickness_nm for layer in film.layers), 0.0]),
        ordinary=ordinary,
        extraordinary=extraordinary,
        is_crystal=np.array([isinstance(index, Uniaxial) for index in indices]),
    )
