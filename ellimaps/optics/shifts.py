"""Materials whose real index is a little off; for asking what an error of the index would do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.fresnel import Real
from ellimaps.optics.graded import Graded
from ellimaps.optics.layers import OF_LAYER
from ellimaps.optics.materials import Material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.ties import index_followers


@dataclass(frozen=True)
class Shifted(Material):
    """A material with ``change`` added to its real index."""

    material: Material
    change: float

    @property
    def name(self) -> str:  # type: ignore[override]
        """The material's name."""
        return self.material.name

    def _index(self, wavelength_nm: Real) -> Any:
        return self.material(wavelength_nm) + self.change


def shifted(material: AnyMaterial, change: float) -> AnyMaterial:
    """Return a material with ``change`` added to its real index, to both of a crystal or a graded layer."""
    if isinstance(material, UniaxialMaterial):
        ordinary, extraordinary = Shifted(material.ordinary, change), Shifted(material.extraordinary, change)
        return UniaxialMaterial(ordinary, extraordinary, material.name)
    if isinstance(material, Graded):
        top, bottom = Shifted(material.top, change), Shifted(material.bottom, change)
        return Graded(top, bottom, material.slices, material.name)
    return Shifted(material, change)


def denser(model: ThinFilm, number: int, change: float) -> ThinFilm:
    """Return a model with ``change`` added to a layer's real index, and to that of layers tied to it."""
    for one in (*index_followers(model.layers, number), number):
        layer = model.layers[one]
        free = {kind: bounds for kind, bounds in layer.free.items() if kind in OF_LAYER}
        model = model.with_layer(
            one, replace(layer.of(shifted(layer.material, change), layer.thickness_nm), free=free)
        )
    return model
