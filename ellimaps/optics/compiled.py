"""Films whose chi squared is summed up in compiled loops; imported only where numba is installed."""

from __future__ import annotations

import numpy as np

from ellimaps.optics import kernel
from ellimaps.optics.crystals import EXTRAORDINARY
from ellimaps.optics.fresnel import Real, Uniaxial
from ellimaps.optics.gradient import ExactCurve, both
from ellimaps.optics.model import AOI_OFFSET, DELTA_OFFSET, THICKNESS, Parameter
from ellimaps.optics.solver import FilmCurve, Target

# Spectra with an index of their own at a time: 50 bands of three media and four parameters are 16 MB.
_ROWS = 2048


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
        values = np.ascontiguousarray(parameters, dtype=np.float64)
        rows = n if self._film.is_linear else _ROWS
        for start in range(0, n, max(rows, 1)):
            part = slice(start, start + rows)
            film = self._film if self._film.is_linear else self._with_indices(values[part])
            out = np.empty((0, 0)) if angles is None else angles[part]
            kernel.sum_up(
                *(values[part], target.angles[part], target.weights[part], film),
                *(chi2[part], slope[part], normal[part], out),
            )
        return chi2, normal, slope

    def _with_indices(self, parameters: Real) -> kernel.Film:
        """Return the film with the indices of each spectrum and their slopes."""
        shape = len(parameters), *self._film.ordinary.shape[1:]
        ordinary, extraordinary = (
            np.broadcast_to(model_own, shape).copy()
            for model_own in (self._film.ordinary, self._film.extraordinary)
        )
        slopes = np.zeros((len(parameters), len(self.parameters), self.n_bands), dtype=np.complex128)
        for layer in range(len(self._exact.model.layers)):
            index, tangents = self._exact.layer_index(layer, parameters)
            if tangents:
                ordinary[:, layer + 1], extraordinary[:, layer + 1] = both(index)
            for number, tangent in tangents.items():
                slopes[:, number] = both(tangent)[int(self._film.kinds[number] == kernel.EXTRAORDINARY)]
        return self._film._replace(ordinary=ordinary, extraordinary=extraordinary, slopes=slopes)


def _film(exact: ExactCurve) -> kernel.Film:
    film, wavelength = exact.model, exact.wavelength_nm
    materials = film.ambient, *(layer.material for layer in film.layers), film.substrate
    indices = [material(wavelength) for material in materials]
    ordinary, extraordinary = (np.array([both(index)[side] for index in indices])[None] for side in (0, 1))
    starts = np.array([parameter.start for parameter in exact.parameters])
    kinds = np.array([_kind(parameter) for parameter in exact.parameters])
    slopes = np.zeros((1, len(starts), len(wavelength)), dtype=np.complex128)
    for layer in range(len(film.layers)):
        for number, tangent in exact.layer_index(layer, starts[None])[1].items():
            slopes[0, number] = both(tangent)[int(kinds[number] == kernel.EXTRAORDINARY)]
    return kernel.Film(
        kinds=kinds,
        media=np.array([-1 if p.layer is None else p.layer + 1 for p in exact.parameters]),
        starts=starts,
        waves=wavelength,
        aoi=np.deg2rad(exact.aoi_deg + film.aoi_offset_deg),
        delta_offset=float(film.delta_offset_deg),
        thickness=np.array([0.0, *(layer.thickness_nm for layer in film.layers), 0.0]),
        ordinary=ordinary,
        extraordinary=extraordinary,
        slopes=slopes,
        is_crystal=np.array([isinstance(index, Uniaxial) for index in indices]),
        is_linear=all(layer.material.is_linear for layer in film.layers if layer.has_free_index),
    )


def _kind(parameter: Parameter) -> int:
    if parameter.kind in _KINDS:
        return _KINDS[parameter.kind]
    return kernel.EXTRAORDINARY if parameter.kind.startswith(EXTRAORDINARY) else kernel.ORDINARY


_KINDS = {
    THICKNESS: kernel.THICKNESS,
    AOI_OFFSET: kernel.AOI_OFFSET,
    DELTA_OFFSET: kernel.DELTA_OFFSET,
}
