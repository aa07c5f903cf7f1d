"""One layer of a film model: what it is made of, how thick it is, and what of it is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ellimaps.core.errors import SettingError
from ellimaps.optics.bounds import Bounds, check_number, check_start, checked_bounds
from ellimaps.optics.crystals import AnyMaterial
from ellimaps.optics.library import material as built_in

THICKNESS = "thickness_nm"
MAX_THICKNESS_NM = 100_000.0
"""Beyond 0.1 mm a layer is a plate: its interferences are finer than any instrument's bandwidth."""


@dataclass(frozen=True)
class Layer:
    """One film.

    Attributes
    ----------
    material : Material or UniaxialMaterial, or str
        What it is made of; the name of a built-in material is replaced by that material.
    thickness_nm : float
        Its thickness in nm.
    free : mapping of str to (float, float)
        Bounds of what a fit may change: ``thickness_nm`` and the parameters of the material, as ``cauchy_a``
        or ``gaussian_energy_ev``; those of a crystal's extraordinary index as ``extraordinary_a``.
    """

    material: AnyMaterial
    thickness_nm: float
    free: Bounds = field(default_factory=dict)

    def __post_init__(self) -> None:
        by_name(self, "material")
        check_number(self.thickness_nm, f"The thickness of the layer of {self.material.name}")
        if not 0 <= self.thickness_nm <= MAX_THICKNESS_NM:
            raise SettingError(
                f"A layer's thickness must be within 0..{MAX_THICKNESS_NM:g} nm, got {self.thickness_nm!r}."
            )
        where = f"the layer of {self.material.name}"
        if isinstance(self.free, Mapping) and (unknown := set(self.free) - set(self.parameters)):
            raise SettingError(
                f"{min(unknown, key=str)!r:.80} cannot be free in {where}, which has no such index: use "
                f"{', '.join(self.parameters)}, or give the index as {{ cauchy = [a, b, c] }} and the like."
            )
        object.__setattr__(self, "free", checked_bounds(self.free, self.parameters, where))
        low, high = self.free.get(THICKNESS, (0.0, 0.0))
        if low < 0 or high > MAX_THICKNESS_NM:
            raise SettingError(f"Bounds of a thickness must be within 0..{MAX_THICKNESS_NM:g} nm.")
        for kind, bounds in self.free.items():
            check_start(kind, self.parameters[kind], bounds, where)
            if kind != THICKNESS:
                for bound in bounds:
                    self.material.with_parameter(kind, bound)

    @property
    def parameters(self) -> dict[str, float]:
        """Values of all that can be free, by kind."""
        return {THICKNESS: self.thickness_nm, **self.material.parameters}

    @property
    def has_free_index(self) -> bool:
        """Whether a fit may change anything but the thickness."""
        return bool(set(self.free) - {THICKNESS})

    def with_value(self, kind: str, value: float) -> Layer:
        """Return the layer with another value of a parameter."""
        if kind == THICKNESS:
            return replace(self, thickness_nm=value)
        return replace(self, material=self.material.with_parameter(kind, value))


def by_name(owner: object, attribute: str) -> None:
    """Replace the name of a built-in material in a frozen dataclass by that material."""
    given = getattr(owner, attribute)
    if isinstance(given, str):
        object.__setattr__(owner, attribute, built_in(given))
