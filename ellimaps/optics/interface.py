"""Layers that are a mixture of their neighbors: rough surfaces and interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.optics.bounds import check_number
from ellimaps.optics.effective_medium import bruggeman
from ellimaps.optics.fresnel import Real
from ellimaps.optics.materials import LayerMaterial

FRACTION = "fraction"
ROUGHNESS = "roughness"
"""What model files call an interface of equal shares."""


@dataclass(frozen=True)
class Interface(LayerMaterial):
    """What lies above and below a layer, mixed as by Bruggeman; a rough surface has the ambient above.

    A rough surface whose heights scatter by far less than the wavelength reflects as such a layer does, half
    film and half ambient: D. E. Aspnes, J. B. Theeten and F. Hottier, Phys. Rev. B 20, 3292 (1979),
    doi:10.1103/PhysRevB.20.3292.

    Attributes
    ----------
    fraction : float
        Share of what lies below.
    """

    fraction: float = 0.5
    name: str = "interface"

    def __post_init__(self) -> None:
        check_number(self.fraction, "The share of what lies below an interface")
        if not 0 <= self.fraction <= 1:
            raise SettingError(f"An interface has a share within 0..1 of what is below: {self.fraction:g}.")

    @property
    def spec(self) -> Any:
        """As in a model file."""
        return {"interface": self.fraction}

    @property
    def parameters(self) -> dict[str, float]:
        """The share."""
        return {FRACTION: self.fraction}

    @property
    def is_linear(self) -> bool:
        """Never: the index is a root."""
        return False

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the interface with another share."""
        return replace(self, **{name: value})  # type: ignore[arg-type]

    def between(self, above: Any, below: Any, share: Any) -> Any:
        """Return the index of the mixture.

        Parameters
        ----------
        above, below : ndarray of complex or Dual
            The indices n + ik of the neighbors.
        share : float, ndarray or Dual
            Of what lies below; it broadcasts against them.
        """
        return np.sqrt(bruggeman([above**2, below**2], [1 - share, share]) + 0j)

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:  # noqa: ARG002
        raise SettingError("An interface has no index of its own: it mixes what lies above and below it.")
