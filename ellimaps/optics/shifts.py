"""Materials whose real index is a little off; for asking what an error of the index would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.fresnel import Real
from ellimaps.optics.materials import Material


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
    """Return a material with ``change`` added to its real index, to both of a layered crystal."""
    if isinstance(material, UniaxialMaterial):
        ordinary, extraordinary = Shifted(material.ordinary, change), Shifted(material.extraordinary, change)
        return UniaxialMaterial(ordinary, extraordinary, material.name)
    return Shifted(material, change)
