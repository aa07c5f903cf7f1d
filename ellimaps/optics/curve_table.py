"""A model with one free parameter as a fine table, for fitting many pixels."""

from __future__ import annotations

import numpy as np

from ellimaps.core.angles import wrap_degrees
from ellimaps.optics.fresnel import Real
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.solver import FilmCurve

# Any start ends at the tolerance; 400 nm of oxide at 50 wavelengths end at 512 cells, 2000 nm at 2048.
_FIRST_CELLS = 256
# At 50 wavelengths 26 MB of coefficients and a second's work, in which 30,000 pixels are fitted.
_MOST_CELLS = 8192
# A thousandth of the noise of a good instrument; fits differ by nothing that counts from 1e-5 to 1e-3
# (`benchmarks/bench_fits.py --constants`).
_TOLERANCE_DEG = 1e-4


class TabulatedCurve(FilmCurve):
    """Cubic Hermite interpolation of an `ExactCurve` of one parameter between its bounds.

    Cells are halved until the interpolation is right within 1e-4 deg at the middle of all cells but the
    few in which Delta turns round at once (there Psi passes 0 or 90 deg). ``is_accurate`` tells whether that
    was reached with as many cells as there may be; bounds of tens of micrometres are too wide for a table.
    """

    def __init__(self, exact: ExactCurve) -> None:
        self.parameters, self.low, self.high = exact.parameters, exact.low, exact.high
        self.n_bands = exact.n_bands
        cells = _FIRST_CELLS
        nodes = exact(self._grid(cells))
        while True:
            self._build(nodes, cells)
            finer = exact(self._grid(2 * cells))
            misfit = np.abs(_wrapped(self(self._grid(2 * cells)[1::2])[0] - finer[0][1::2], self.n_bands))
            self.is_accurate = bool(np.quantile(misfit.max(axis=1), 0.99) < _TOLERANCE_DEG)
            if self.is_accurate or cells >= _MOST_CELLS:
                break
            nodes, cells = finer, 2 * cells

    def __call__(self, parameters: Real) -> tuple[Real, Real]:
        """Return Psi and Delta and their derivatives, as `ExactCurve`; Delta may lie outside 0..360."""
        position = (parameters[:, 0] - self.low[0]) / self._step
        cell = np.clip(position.astype(np.intp), 0, len(self._cubics) - 1)
        t = (position - cell)[:, None]
        c0, c1, c2, c3 = np.moveaxis(self._cubics[cell], 1, 0)
        angles: Real = c0 + t * (c1 + t * (c2 + t * c3))
        slopes = (c1 + t * (2 * c2 + 3 * t * c3)) / self._step
        return angles, slopes[None]

    def _grid(self, cells: int) -> Real:
        return np.linspace(self.low, self.high, cells + 1)

    def _build(self, nodes: tuple[Real, Real], cells: int) -> None:
        self._step = (self.high[0] - self.low[0]) / cells
        angles, slopes = nodes[0], nodes[1][0] * self._step
        rise = _wrapped(np.diff(angles, axis=0), self.n_bands)
        left, right = slopes[:-1], slopes[1:]
        self._cubics = np.stack(
            [angles[:-1], left, 3 * rise - 2 * left - right, left + right - 2 * rise], axis=1
        )


def _wrapped(angles: Real, n_bands: int) -> Real:
    """Return differences of angles, those of Delta wrapped to -180..180 deg."""
    result = angles.copy()
    result[..., n_bands:] = wrap_degrees(angles[..., n_bands:])
    return result
