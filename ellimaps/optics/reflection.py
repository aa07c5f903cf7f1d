"""What a film model reflects, averaged over what one reading averages over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ellimaps.optics.averages import points_of
from ellimaps.optics.dual import slopes_of, value_of
from ellimaps.optics.fresnel import Real, amplitudes
from ellimaps.optics.incoherent import Elements, reflected_elements
from ellimaps.optics.instrument import ANGULAR_SPREAD, AOI_OFFSET, DELTA_OFFSET
from ellimaps.optics.layers import SPREAD, THICKNESS
from ellimaps.optics.media import Media, Values

if TYPE_CHECKING:
    from ellimaps.optics.model import ThinFilm


class Reflection:
    """A model at some wavelengths and angles, for arrays of parameters or numbers that carry derivatives.

    Parameters
    ----------
    model : ThinFilm
        The model.
    wavelength_nm, aoi_deg : ndarray of float
        Where, of shapes that broadcast; the angles without the model's offset.

    Raises
    ------
    SettingError
        If a material does not cover the wavelengths, or averages need too many points.
    """

    def __init__(self, model: ThinFilm, wavelength_nm: Real, aoi_deg: Real) -> None:
        self._model = model
        self.points = points_of(model, wavelength_nm)
        # Points are one axis more, the last, along which everything is summed in the end.
        self._aoi_deg = aoi_deg if self.points is None else aoi_deg[..., None]
        self.media = Media(model, wavelength_nm if self.points is None else self.points.wavelengths_nm)
        self.is_mixture = self.points is not None or not all(layer.coherent for layer in model.layers)

    def ratio(self, columns: Sequence[Any]) -> Any:
        """Return rho, of the polarised part if the light is a mixture.

        Parameters
        ----------
        columns : sequence of (ndarray or Dual)
            Values of the free parameters, broadcasting against the wavelengths.
        """
        if self.is_mixture:
            rho = self.elements(columns).ratio
        else:
            values = self._model.by_place(columns)
            stack = self.media.at(values)
            r_p, r_s = amplitudes(*stack.media, self.media.wavelength_nm, self._angle(values))
            rho = r_p / r_s
        turn = self._model.by_place(columns).get((None, DELTA_OFFSET), self._model.delta_offset_deg)
        return rho * np.exp(-1j * np.deg2rad(turn)) if np.any(value_of(turn)) or slopes_of(turn) else rho

    def elements(self, columns: Sequence[Any]) -> Elements:
        """Return the products of the amplitudes, averaged; arguments as for `ratio`."""
        if self.points is None:
            return self._elements(self._model.by_place(columns))
        weights = self.points.weights
        values = self._model.by_place([column[..., None] for column in columns])
        return self._elements(values).each(lambda one: (one * weights).sum(axis=-1))

    def _elements(self, values: Values) -> Elements:
        stack = self.media.at(self._spread(values))
        return reflected_elements(
            *stack.media, self.media.wavelength_nm, self._angle(values), shares=stack.shares
        )

    def _angle(self, values: Values) -> Any:
        angle = self._aoi_deg + values.get((None, AOI_OFFSET), self._model.aoi_offset_deg)
        if self.points is None:
            return angle
        return angle + self.points.angles * values.get((None, ANGULAR_SPREAD), self._model.angular_spread_deg)

    def _spread(self, values: Values) -> Values:
        """Return the values with thicknesses at the points."""
        if self.points is None:
            return values
        moved = dict(values)
        for number, places in self.points.thicknesses.items():
            layer = self._model.layers[number]
            spread = moved.pop((number, SPREAD), layer.thickness_spread_nm)
            moved[number, THICKNESS] = moved.get((number, THICKNESS), layer.thickness_nm) + spread * places
        return moved
