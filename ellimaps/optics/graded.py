"""Layers whose index changes with depth, as slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.optics.dual import value_of
from ellimaps.optics.fresnel import Real
from ellimaps.optics.library import spec_of
from ellimaps.optics.materials import LayerMaterial, Material

BOTTOM = "bottom_"
MAX_SLICES = 100
"""Thinner ones change nothing: the error falls with the square of their thickness, and a slice of a film of
1 um is then 10 nm."""


@dataclass(frozen=True)
class Graded(LayerMaterial):
    """An index that goes linearly with depth from one material's to another's.

    Attributes
    ----------
    top, bottom : Material
        What the layer begins and ends with.
    slices : int
        Of equal thickness, each with the index of its middle.
    """

    top: Material
    bottom: Material
    slices: int = 10
    name: str = ""

    def __post_init__(self) -> None:
        for end in (self.top, self.bottom):
            if not isinstance(end, Material) or isinstance(end, LayerMaterial):
                raise SettingError(
                    f"A graded layer needs an isotropic medium at either end, got {end!r:.80}."
                )
        if isinstance(self.slices, bool) or not isinstance(self.slices, int):
            raise SettingError(
                f"The slices of a graded layer must be a whole number, got {self.slices!r:.80}."
            )
        if not 2 <= self.slices <= MAX_SLICES:
            raise SettingError(f"A graded layer has 2 to {MAX_SLICES} slices, not {self.slices}.")
        object.__setattr__(self, "name", self.name or f"{self.top.name} to {self.bottom.name}")

    @property
    def range_nm(self) -> tuple[float, float]:
        """Wavelengths in nm for which both ends are known."""
        ranges = self.top.range_nm, self.bottom.range_nm
        return max(low for low, _ in ranges), min(high for _, high in ranges)

    @property
    def spec(self) -> Any:
        """As in a model file."""
        return {"graded": [spec_of(self.top), spec_of(self.bottom)], "slices": self.slices}

    @property
    def parameters(self) -> dict[str, float]:
        """Those of the top, then those of the bottom, as ``bottom_cauchy_a``."""
        return self.top.parameters | _below(self.bottom.parameters)

    @property
    def fixed(self) -> dict[str, float]:
        """Those of both ends that no fit may change."""
        return self.top.fixed | _below(self.bottom.fixed)

    @property
    def is_linear(self) -> bool:
        """Whether both ends are linear functions of every parameter."""
        return self.top.is_linear and self.bottom.is_linear

    def with_parameter(self, name: str, value: float) -> Graded:
        """Return the layer with another value of one of its parameters."""
        if name.startswith(BOTTOM):
            bottom = self.bottom.with_parameter(name.removeprefix(BOTTOM), value)
            return replace(self, bottom=bottom, name="")
        return replace(self, top=self.top.with_parameter(name, value), name="")

    def profile(self, wavelength_nm: Real, values: Mapping[str, Any]) -> list[Any]:
        """Return the index of each slice from the top, as `Material.at` gives that of a medium.

        Raises
        ------
        SettingError
            If an end has no index there, or a slice between them.
        """
        top, bottom = self._ends(wavelength_nm, values)
        depths = (np.arange(self.slices) + 0.5) / self.slices
        slices = [top * (1 - depth) + bottom * depth for depth in depths.tolist()]
        if not all(np.all(value_of(one)) for one in slices):
            raise SettingError(f"{self.name} has a slice without an index: its ends are opposite numbers.")
        return slices

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        """Return the index in the middle."""
        return sum(self._ends(wavelength_nm, values)) / 2

    def _ends(self, wavelength_nm: Real, values: Mapping[str, Any]) -> tuple[Any, Any]:
        below = {name.removeprefix(BOTTOM): one for name, one in values.items() if name.startswith(BOTTOM)}
        above = {name: one for name, one in values.items() if not name.startswith(BOTTOM)}
        return (
            self.top.at(wavelength_nm, above) if above else self.top(wavelength_nm),
            self.bottom.at(wavelength_nm, below) if below else self.bottom(wavelength_nm),
        )


def _below(values: Mapping[str, float]) -> dict[str, float]:
    """Return values of the bottom under the names that the layer has for them."""
    return {BOTTOM + name: value for name, value in values.items()}
