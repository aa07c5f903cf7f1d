"""The media of a film model, as the recursion of :mod:`ellimaps.optics.fresnel` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ellimaps.optics.crystals import AnyMaterial
from ellimaps.optics.fresnel import Complex, Real, Uniaxial
from ellimaps.optics.graded import Graded
from ellimaps.optics.interface import FRACTION, Interface
from ellimaps.optics.layers import SHARE, SPREAD, THICKNESS

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
        self._profiles = [_profile(layer.material, wavelength_nm, {}) for layer in model.layers]

    def at(self, values: Values) -> Stack:
        """Return the media for values of the free parameters, which broadcast against the wavelengths."""
        profiles, thicknesses = list(self._profiles), list[Any]()
        all_shares = dict[int, Any]()
        for number, layer in enumerate(self._model.layers):
            own = {kind: value for (place, kind), value in values.items() if place == number}
            # Who averages moves thicknesses by their spread.
            own.pop(SPREAD, None)
            thickness, share = own.pop(THICKNESS, layer.thickness_nm), own.pop(SHARE, layer.share)
            if own:
                profiles[number] = _profile(layer.material, self.wavelength_nm, own)
            thicknesses.append(thickness * (1 / len(profiles[number])))
            if not layer.coherent:
                all_shares[number] = share
        order = [number for number in self._model.order for _ in profiles[number]]
        indices = self._mixed([index for number in self._model.order for index in profiles[number]])
        shares = {place: all_shares[number] for place, number in enumerate(order) if number in all_shares}
        repeated = [thicknesses[number] for number in order]
        return Stack(self._ambient, indices, repeated, self._substrate, shares)

    def _mixed(self, indices: list[Any]) -> list[Any]:
        """Return indices with those of interfaces, which depend on both neighbors, put in."""
        around = [self._ambient, *indices, self._substrate]
        return [
            index(around[place], around[place + 2]) if isinstance(index, partial) else index
            for place, index in enumerate(indices)
        ]


def _profile(material: AnyMaterial, wavelength_nm: Real, values: Mapping[str, Any]) -> list[Any]:
    """Return the index of each slice of a layer; of an interface what makes it of those around it."""
    if isinstance(material, Interface):
        return [partial(material.between, share=values.get(FRACTION, material.fraction))]
    if isinstance(material, Graded):
        return material.profile(wavelength_nm, values)
    return [material.at(wavelength_nm, values) if values else material(wavelength_nm)]
