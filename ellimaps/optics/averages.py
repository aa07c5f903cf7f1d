"""What one reading averages over: wavelengths, angles of incidence, thicknesses.

Each is taken as normally distributed and independent of the others. Of a bandwidth the full width at half
maximum is given, as instruments state it; the triangle that equal slits of a monochromator pass has the
standard deviation of such a normal distribution within 4 %, and nothing else of the shape counts as long as
fringes are wider than it. Of angles and thicknesses the standard deviation is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import factorial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.optics.fresnel import Real, Uniaxial
from ellimaps.optics.instrument import ANGULAR_SPREAD, bandwidth_at
from ellimaps.optics.layers import SPREAD, THICKNESS
from ellimaps.optics.media import Media

if TYPE_CHECKING:
    from ellimaps.optics.model import ThinFilm

SPREADS = (SPREAD, ANGULAR_SPREAD)
"""What averages depend on by its square: a fit must not begin at 0, where it has no slope."""

# Of N, C and S, so that Psi is right to 0.003 deg: less than the noise of any instrument.
_ERROR = 1e-4
# Points of one average, and of all together: at 50 wavelengths and 1000 nodes of a look-up 100 MB of numbers.
_MOST_POINTS = 31
_MOST_TOGETHER = 512
_FWHM = 2 * np.sqrt(2 * np.log(2))


class GaussPoints(NamedTuple):
    """Gauss points of all averages of a model together.

    Attributes
    ----------
    weights : ndarray of float, shape (point,)
        They add up to 1.
    wavelengths_nm : ndarray of float, shape (..., point)
        Where the wavelengths are.
    angles : ndarray of float, shape (point,)
        Angles of incidence from their mean, in standard deviations.
    thicknesses : mapping of int to ndarray of float, shape (point,)
        By the numbers of layers, their thicknesses from their mean, in standard deviations.
    """

    weights: Real
    wavelengths_nm: Real
    angles: Real
    thicknesses: Mapping[int, Real]


def points_of(model: ThinFilm, wavelength_nm: Real) -> GaussPoints | None:
    """Return the points that a model's averages need at some wavelengths; None if it has no averages.

    Raises
    ------
    SettingError
        If the bandwidth is to be that of the data, which is not known here, or the averages need too many
        points.
    """
    fwhm = bandwidth_at(model.bandwidth_nm, wavelength_nm)
    spread = [number for number, layer in enumerate(model.layers) if SPREAD in layer.parameters]
    has_angles = model.angular_spread_deg > 0 or ANGULAR_SPREAD in model.free
    if not (fwhm.any() or has_angles or spread):
        return None
    reaches = _Reaches(model, wavelength_nm)
    counts = [
        _count(reaches.of_wavelengths(fwhm / _FWHM)) if fwhm.any() else 1,
        _count(reaches.of_angles()) if has_angles else 1,
        *(_count(reaches.of_thickness(number)) for number in spread),
    ]
    if max(counts) > _MOST_POINTS or np.prod(counts) > _MOST_TOGETHER:
        raise SettingError(
            "A layer of the model is so thick that the bandwidth, the angular spread or its own spread wash "
            "its interferences out: give it coherent = false, or narrower bounds."
        )
    axes, weights = zip(*map(_normal_points, counts), strict=True)
    grid = [one.ravel() for one in np.meshgrid(*axes, indexing="ij")]
    together = np.prod(np.meshgrid(*weights, indexing="ij"), axis=0).ravel()
    at = wavelength_nm[..., None] + (fwhm / _FWHM)[..., None] * grid[0]
    return GaussPoints(together, at, grid[1], dict(zip(spread, grid[2:], strict=True)))


class _Reaches:
    """By how many radians a standard deviation turns the phase of the light across all films, at the most."""

    def __init__(self, model: ThinFilm, wavelength_nm: Real) -> None:
        # Thick films turn it most, of indices any will do.
        at_most = (THICKNESS, SPREAD, ANGULAR_SPREAD)
        self._widest = model.by_place([p.high if p.kind in at_most else p.start for p in model.parameters])
        self._model, self._wavelength_nm = model, wavelength_nm
        self._media = Media(model, wavelength_nm)
        self._films = self._films_at(self._widest)

    def of_wavelengths(self, sd_nm: Real) -> float:
        path = sum(n * nm for n, nm in self._films)
        return float(np.max(4 * np.pi * path * sd_nm / self._wavelength_nm**2))

    def of_angles(self) -> float:
        sd = np.deg2rad(self._widest.get((None, ANGULAR_SPREAD), self._model.angular_spread_deg))
        # Of sqrt(n**2 - sin**2) the derivative is largest near 45 deg.
        change = sum(nm / (2 * np.sqrt(np.maximum(n**2 - 0.5, 0.5))) for n, nm in self._films)
        return float(np.max(4 * np.pi * change * sd / self._wavelength_nm))

    def of_thickness(self, number: int) -> float:
        layer = self._model.layers[number]
        sd = self._widest.get((number, SPREAD), layer.thickness_spread_nm)
        mean = self._widest.get((number, THICKNESS), layer.thickness_nm)
        thicker = self._films_at({**self._widest, (number, THICKNESS): mean + sd})
        change = sum(n * (more - nm) for (n, nm), (_, more) in zip(self._films, thicker, strict=True))
        return float(np.max(4 * np.pi * change / self._wavelength_nm))

    def _films_at(self, values: Mapping[tuple[int | None, str], Any]) -> list[tuple[Real, Real]]:
        """Return real indices and thicknesses of the layers across which light interferes."""
        stack = self._media.at(values)
        films = enumerate(zip(stack.indices, stack.thicknesses_nm, strict=True))
        return [(_real(index), nm) for number, (index, nm) in films if number not in stack.shares]


def _real(index: Any) -> Real:
    return np.abs(np.real(index.ordinary if isinstance(index, Uniaxial) else index))


def _count(reach: float) -> int:
    """Return how many Gauss points average ``cos(2 reach x)`` over a normal x, 3 or more.

    That is the remainder of Gauss-Hermite quadrature (Abramowitz and Stegun, 25.4.46), whose bound has a
    power of the reach in place of a derivative; twice the reach, as light goes through a film several times.
    """
    for count in range(3, _MOST_POINTS + 1):
        if (2 * reach) ** (2 * count) * factorial(count) / factorial(2 * count) < _ERROR:
            return count
    return _MOST_POINTS + 1


def _normal_points(count: int) -> tuple[Real, Real]:
    places, weights = np.polynomial.hermite_e.hermegauss(count)
    return places, weights / weights.sum()
