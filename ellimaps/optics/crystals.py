"""Layered crystals, whose index along the surface normal is another than in the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from ellimaps.optics.fresnel import Real, Uniaxial
from ellimaps.optics.materials import Material

EXTRAORDINARY = "extraordinary_"


@dataclass(frozen=True)
class UniaxialMaterial:
    """A layered crystal with its axis along the surface normal; calling it gives both indices."""

    ordinary: Material
    extraordinary: Material
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"{self.ordinary.name}/{self.extraordinary.name}")

    def __call__(self, wavelength_nm: ArrayLike) -> Uniaxial:
        """Return the ordinary and the extraordinary index at wavelengths in nm."""
        return Uniaxial(self.ordinary(wavelength_nm), self.extraordinary(wavelength_nm))

    @property
    def range_nm(self) -> tuple[float, float]:
        """Wavelengths in nm for which both indices are known."""
        ranges = self.ordinary.range_nm, self.extraordinary.range_nm
        return max(low for low, _ in ranges), min(high for _, high in ranges)

    @property
    def spec(self) -> Any:
        """As in a model file."""
        return {"ordinary": self.ordinary.spec, "extraordinary": self.extraordinary.spec}

    @property
    def parameters(self) -> dict[str, float]:
        """Those of the ordinary index, then those of the other one, as ``extraordinary_a``."""
        return self.ordinary.parameters | _along(self.extraordinary.parameters)

    @property
    def fixed(self) -> dict[str, float]:
        """Those of both indices that no fit may change."""
        return self.ordinary.fixed | _along(self.extraordinary.fixed)

    @property
    def is_linear(self) -> bool:
        """Whether both indices are linear functions of every parameter."""
        return self.ordinary.is_linear and self.extraordinary.is_linear

    def with_parameter(self, name: str, value: float) -> UniaxialMaterial:
        """Return the crystal with another value of one of its parameters."""
        if not name.startswith(EXTRAORDINARY):
            return UniaxialMaterial(self.ordinary.with_parameter(name, value), self.extraordinary)
        changed = self.extraordinary.with_parameter(self._along(name), value)
        return UniaxialMaterial(self.ordinary, changed)

    def at(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Uniaxial:
        """Return both indices with other values of some parameters; see `Material.at`."""
        along = {self._along(name): value for name, value in values.items() if name.startswith(EXTRAORDINARY)}
        across = {name: value for name, value in values.items() if not name.startswith(EXTRAORDINARY)}
        return Uniaxial(
            self.ordinary.at(wavelength_nm, across) if across else self.ordinary(wavelength_nm),
            self.extraordinary.at(wavelength_nm, along) if along else self.extraordinary(wavelength_nm),
        )

    def _along(self, name: str) -> str:
        """Return what the extraordinary index calls a parameter of the crystal."""
        short, known = name.removeprefix(EXTRAORDINARY), self.extraordinary
        return short if short in known.parameters | known.fixed else f"cauchy_{short}"


def _along(values: Mapping[str, float]) -> dict[str, float]:
    """Return values under the names that a crystal has for them."""
    return {EXTRAORDINARY + name.removeprefix("cauchy_"): value for name, value in values.items()}


AnyMaterial = Material | UniaxialMaterial
