"""The media of a film model, as the recursion of :mod:`ellimaps.optics.fresnel` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ellimaps.optics.fresnel import Complex, Real, Uniaxial
from ellimaps.optics.layers import SHARE, THICKNESS

if TYPE_CHECKING:
    from ellimaps.optics.model import ThinFilm

Values = Mapping[tuple[int | None, str], Any]
"""Values of free parameters by the number of their layer, None for the offsets, and their kind."""


class Stack(NamedTuple):
    """The media of a model as the recursion takes them: arrays, or numbers that carry derivatives."""

    ambient: Complex
    indices: list[Any]
    thicknesses_nm: list[Any]
    substrate: Complex | Uniaxial
    shares: dict[int, Any]
    """By the numbers of thick layers among ``indices``, what of the light below them reaches the detector."""

    @property
    def media(self) -> tuple[Complex, list[Any], list[Any], Complex | Uniaxial]:
        """All but the shares, as `fresnel.amplitudes` takes them."""
        return self[:4]


class Media:
    """The media of a model at some wavelengths; what no parameter changes is computed once.

    Parameters
    ----------
    model : ThinFilm
        The model.
    wavelength_nm : ndarray of float
        Wavelengths in nm.

    Raises
    ------
    SettingError
        If a material does not cover the wavelengths.
    """

    def __init__(self, model: ThinFilm, wavelength_nm: Real) -> None:
        self._model, self.wavelength_nm = model, wavelength_nm
        self._ambient, self._substrate = model.ambient(wavelength_nm), model.substrate(wavelength_nm)
        self._indices = [layer.material(wavelength_nm) for layer in model.layers]

    def at(self, values: Values) -> Stack:
        """Return the media for values of the free parameters, which broadcast against the wavelengths."""
        indices, thicknesses = list(self._indices), list[Any]()
        shares = dict[int, Any]()
        for number, layer in enumerate(self._model.layers):
            own = {kind: value for (place, kind), value in values.items() if place == number}
            if not layer.coherent:
                shares[len(thicknesses)] = own.pop(SHARE, layer.share)
            thicknesses.append(own.pop(THICKNESS, layer.thickness_nm))
            if own:
                indices[number] = layer.material.at(self.wavelength_nm, own)
        return Stack(self._ambient, indices, thicknesses, self._substrate, shares)
