"""One layer of a film model: what it is made of, how thick it is, and what of it is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ellimaps.core.errors import SettingError
from ellimaps.optics.bounds import Bounds, check_number, check_start, checked_bounds
from ellimaps.optics.crystals import AnyMaterial
from ellimaps.optics.interface import ROUGHNESS, Interface
from ellimaps.optics.library import material as built_in
from ellimaps.optics.materials import LayerMaterial

THICKNESS = "thickness_nm"
SPREAD = "thickness_spread_nm"
SHARE = "share"
MAX_THICKNESS_NM = 100_000.0
"""Beyond 0.1 mm a layer is a plate: its interferences are finer than any instrument's bandwidth."""
MAX_PLATE_NM = 20_000_000.0
"""Through more than 20 mm of glass no light comes back to where a detector looks."""

OF_LAYER = {THICKNESS, SPREAD, SHARE}
"""What can be free of a layer that is no parameter of its material."""


class Repeat(NamedTuple):
    """The period that a layer is in."""

    number: int
    """Of the period in its model, from 1."""
    times: int
    """How often it is there."""


@dataclass(frozen=True)
class Layer:
    """One film.

    Attributes
    ----------
    material : Material or UniaxialMaterial, or str
        What it is made of; the name of a built-in material is replaced by that material, and ``"roughness"``
        by an `Interface` of equal shares.
    thickness_nm : float
        Its thickness in nm.
    free : mapping of str to (float, float)
        Bounds of what a fit may change: ``thickness_nm`` and the parameters of the material, as ``cauchy_a``
        or ``gaussian_energy_ev``; those of a crystal's extraordinary index as ``extraordinary_a``. Also
        ``thickness_spread_nm``, and ``share`` of a layer that is not coherent.
    thickness_spread_nm : float
        Standard deviation of the thickness within what one reading sees, a pixel or a cluster.
    coherent : bool
        False for a layer so thick that nothing interferes across it, as the glass above its backside.
    share : float
        Of the light that comes back from below a layer that is not coherent, what reaches the detector, 0..1.
    tied : mapping of str to int
        Parameters that are those of another layer, by its number from the ambient, 1 being the first: as
        ``{"cauchy_a": 1}``. They have its values, and change with it.
    repeat : Repeat, optional
        The `Period` that it is in; a model sets it.
    """

    material: AnyMaterial
    thickness_nm: float
    free: Bounds = field(default_factory=dict)
    thickness_spread_nm: float = 0.0
    coherent: bool = True
    share: float = 1.0
    tied: Mapping[str, int] = field(default_factory=dict)
    repeat: Repeat | None = None

    def __post_init__(self) -> None:
        by_name(self, "material")
        check_number(self.thickness_nm, f"The thickness of the layer of {self.material.name}")
        most_nm = MAX_THICKNESS_NM if self.coherent else MAX_PLATE_NM
        if not 0 <= self.thickness_nm <= most_nm:
            raise SettingError(
                f"A layer's thickness must be within 0..{most_nm:g} nm, got {self.thickness_nm!r}."
            )
        where = f"the layer of {self.material.name}"
        if isinstance(self.free, Mapping) and (unknown := set(self.free) - set(self.parameters)):
            raise SettingError(
                f"{min(unknown, key=str)!r:.80} cannot be free in {where}, which has no such index: use "
                f"{', '.join(self.parameters)}, or give the index as {{ cauchy = [a, b, c] }} and the like."
            )
        object.__setattr__(self, "free", checked_bounds(self.free, self.parameters, where))
        low, high = self.free.get(THICKNESS, (0.0, 0.0))
        if low < 0 or high > most_nm:
            raise SettingError(f"Bounds of a thickness must be within 0..{most_nm:g} nm.")
        self._check_light(where)
        for kind, bounds in self.free.items():
            check_start(kind, self.parameters[kind], bounds, where)
            if kind not in OF_LAYER:
                for bound in bounds:
                    self.material.with_parameter(kind, bound)
        self._check_ties(where)

    @property
    def parameters(self) -> dict[str, float]:
        """Values of all that can be free, by kind."""
        spreads = self.thickness_spread_nm or SPREAD in self.free or SPREAD in self.tied
        own = {THICKNESS: True, SPREAD: spreads, SHARE: not self.coherent}
        return {kind: getattr(self, kind) for kind, is_there in own.items() if is_there} | dict(
            self.material.parameters
        )

    @property
    def has_free_index(self) -> bool:
        """Whether a fit may change the material."""
        return bool(set(self.free) - OF_LAYER)

    @property
    def has_tied_index(self) -> bool:
        """Whether anything of the material is that of another layer."""
        return bool(set(self.tied) - OF_LAYER)

    def with_value(self, kind: str, value: float) -> Layer:
        """Return the layer with another value of a parameter."""
        if kind in OF_LAYER:
            return replace(self, **{kind: value})  # type: ignore[arg-type]  # names of numbers
        return replace(self, material=self.material.with_parameter(kind, value))

    def of(self, material: AnyMaterial, thickness_nm: float) -> Layer:
        """Return a layer of something else in its place, with the ties that it can have and nothing free."""
        bare = replace(self, material=material, thickness_nm=thickness_nm, free={}, tied={})
        return replace(bare, tied={kind: of for kind, of in self.tied.items() if kind in bare.parameters})

    def _check_ties(self, where: str) -> None:
        if not isinstance(self.tied, Mapping):
            raise SettingError(f"tied of {where} must map names to numbers of layers, got {self.tied!r:.80}.")
        for kind, number in self.tied.items():
            if kind not in self.parameters:
                raise SettingError(
                    f"{kind!r:.80} cannot be tied in {where}: use {', '.join(self.parameters)}."
                )
            if isinstance(number, bool) or not isinstance(number, int):
                raise SettingError(
                    f"{kind} of {where} must be tied to the number of a layer, got {number!r:.80}."
                )
            if kind in self.free:
                raise SettingError(
                    f"{kind} of {where} is free and tied to layer {number}: leave one of both."
                )
        object.__setattr__(self, "tied", dict(self.tied))

    def _check_light(self, where: str) -> None:
        check_number(self.thickness_spread_nm, f"thickness_spread_nm of {where}")
        check_number(self.share, f"The share of {where}")
        if not isinstance(self.coherent, bool):
            raise SettingError(f"coherent of {where} must be true or false, got {self.coherent!r:.80}.")
        for spread in (self.thickness_spread_nm, *self.free.get(SPREAD, ())):
            if not 0 <= spread <= MAX_THICKNESS_NM:
                raise SettingError(f"thickness_spread_nm of {where} must not be negative, got {spread!r}.")
        for share in (self.share, *self.free.get(SHARE, ())):
            if not 0 <= share <= 1:
                raise SettingError(f"The share of {where} must be within 0..1, got {share!r}.")
        if self.coherent and self.share != 1:
            raise SettingError(f"Only a layer with coherent = false has a share, and {where} is coherent.")
        if not self.coherent and SPREAD in self.parameters:
            raise SettingError(f"Nothing interferes across {where}: leave thickness_spread_nm out.")
        if not self.coherent and isinstance(self.material, LayerMaterial):
            raise SettingError(f"A layer with coherent = false is of a medium, which {where} is not.")


def by_name(owner: object, attribute: str) -> None:
    """Replace the name of a built-in material in a frozen dataclass by that material."""
    given = getattr(owner, attribute)
    if isinstance(given, str):
        object.__setattr__(owner, attribute, Interface() if given == ROUGHNESS else built_in(given))
