"""Films whose chi squared is summed up in compiled loops; imported only where numba is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.optics import kernel
from ellimaps.optics.dual import slopes_of, value_of
from ellimaps.optics.fresnel import Complex, Real, Uniaxial
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.instrument import AOI_OFFSET, DELTA_OFFSET
from ellimaps.optics.media import Stack
from ellimaps.optics.solver import FilmCurve, Target

# Numbers of an index at a time, of spectra with one of their own: 320 spectra with three media and 50 bands,
# which a core's cache holds. A Tauc-Lorentz film takes 25 us each so, and 29 with 2048 spectra at a time.
_VALUES = 48_000
# Of many media, so few spectra would take longer to call than to compute.
_LEAST_ROWS = 32


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
        rows = max(n, 1) if self._film.is_linear else max(_LEAST_ROWS, _VALUES // self._film.ordinary[0].size)
        for start in range(0, n, rows):
            part = slice(start, start + rows)
            film = self._film
            if not film.is_linear:
                film = film._replace(**_indices(self._exact.stack(values[part]), film.ordinary.shape[2]))
            out = np.empty((0, 0)) if angles is None else angles[part]
            kernel.sum_up(
                *(values[part], target.angles[part], target.weights[part], film),
                *(chi2[part], slope[part], normal[part], out),
            )
        return chi2, normal, slope


def _film(exact: ExactCurve) -> kernel.Film:
    film, numbers = exact.model, {one.kind: number for number, one in enumerate(exact.parameters)}
    starts = np.array([parameter.start for parameter in exact.parameters])
    stack = exact.stack(starts[None])
    thicknesses = [0.0, *stack.thicknesses_nm, 0.0]
    changed_by = [next(iter(slopes_of(one).items()), (-1, 0.0)) for one in thicknesses]
    links = [list(_slopes(index)) for index in _media(stack)]
    return kernel.Film(
        starts=starts,
        turned=numbers.get(AOI_OFFSET, -1),
        shifted=numbers.get(DELTA_OFFSET, -1),
        waves=exact.wavelength_nm,
        aoi=np.deg2rad(exact.aoi_deg + film.aoi_offset_deg),
        delta_offset=float(film.delta_offset_deg),
        thickness=np.array([np.ravel(value_of(one))[0] for one in thicknesses]),
        thickness_of=np.array([number for number, _ in changed_by]),
        thickness_slope=np.array([np.ravel(slope)[0] for _, slope in changed_by]),
        first_link=np.cumsum([0, *map(len, links)]),
        link_of=np.array([number for one in links for number in one], dtype=np.intp),
        is_crystal=np.array([isinstance(index, Uniaxial) for index in _media(stack)]),
        is_linear=film.is_linear,
        **_indices(stack, exact.n_bands),
    )


def _indices(stack: Stack, n_bands: int) -> dict[str, Any]:
    """Return the indices of the media and their derivatives, shapes (row, medium or link, band)."""
    pairs = [_pair(index) for index in _media(stack)]
    n_rows = max(len(value_of(one)) for pair in pairs for one in pair)

    def rows(arrays: list[Complex]) -> NDArray[np.complex128]:
        filled = np.zeros((n_rows, len(arrays), n_bands), dtype=np.complex128)
        for place, array in enumerate(arrays):
            filled[:, place] = array
        return filled

    return {
        "ordinary": rows([value_of(across) for across, _ in pairs]),
        "extraordinary": rows([value_of(along) for _, along in pairs]),
        "by_ordinary": rows([by_o for index in _media(stack) for by_o, _ in _slopes(index).values()]),
        "by_extraordinary": rows([by_e for index in _media(stack) for _, by_e in _slopes(index).values()]),
    }


def _media(stack: Stack) -> list[Any]:
    return [stack.ambient, *stack.indices, stack.substrate]


def _pair(index: Any) -> tuple[Any, Any]:
    """Return the ordinary and the extraordinary index, the same one twice where there is no crystal."""
    return (index.ordinary, index.extraordinary) if isinstance(index, Uniaxial) else (index, index)


def _slopes(index: Any) -> dict[int, tuple[Any, Any]]:
    """Return the derivatives of both indices by the numbers of the parameters they depend on."""
    across, along = map(slopes_of, _pair(index))
    return {number: (across.get(number, 0.0), along.get(number, 0.0)) for number in {**across, **along}}
