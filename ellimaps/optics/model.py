"""A thin-film model: media and layers, which of their properties are free, and what they reflect.

Light is described as in :mod:`ellimaps.optics.fresnel`: ``rho = tan(Psi) exp(-i Delta)``, indices n + ik.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ellimaps.core.errors import SettingError
from ellimaps.optics.fresnel import Complex, Real, Uniaxial, psi_delta, reflection_ratio
from ellimaps.optics.library import material as built_in
from ellimaps.optics.materials import AnyMaterial, Cauchy, Constant, Material, UniaxialMaterial

THICKNESS = "thickness_nm"
CAUCHY_A = "cauchy_a"
CAUCHY_B = "cauchy_b"
EXTRAORDINARY_A = "extraordinary_a"
AOI_OFFSET = "aoi_offset_deg"
DISPERSION = (CAUCHY_A, CAUCHY_B, EXTRAORDINARY_A)
LAYER_PARAMETERS = (THICKNESS, *DISPERSION)
MAX_LAYERS = 20
"""Bounds the work that a model file can ask for; ten pairs of layers, a mirror, are still a model."""
MAX_THICKNESS_NM = 100_000.0
"""Beyond 0.1 mm a layer is a plate: its interferences are finer than any instrument's bandwidth."""
MAX_AOI_OFFSET_DEG = 10.0
"""An instrument that is off by more has another angle of incidence, which is ``aoi_deg``."""

Bounds = Mapping[str, tuple[float, float]]


class Parameter(NamedTuple):
    """A free parameter of a model."""

    name: str
    """The kind, with ``_1``, ``_2`` ... (layers from the ambient) where it is free in several layers."""
    kind: str
    """``thickness_nm``, ``cauchy_a``, ``cauchy_b``, ``extraordinary_a`` or ``aoi_offset_deg``."""
    layer: int | None
    """Number of the layer from the ambient, from 0; None for the angle of incidence."""
    start: float
    low: float
    high: float


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
        Bounds of what a fit may change: ``thickness_nm``; ``cauchy_a``, ``cauchy_b`` of a Cauchy material or
        of a crystal's ordinary index; ``extraordinary_a``, the first coefficient of the other index.
    """

    material: AnyMaterial
    thickness_nm: float
    free: Bounds = field(default_factory=dict)

    def __post_init__(self) -> None:
        _by_name(self, "material")
        if not 0 <= self.thickness_nm <= MAX_THICKNESS_NM:
            raise SettingError(
                f"A layer's thickness must be within 0..{MAX_THICKNESS_NM:g} nm, got {self.thickness_nm!r}."
            )
        _check_bounds(self.free, LAYER_PARAMETERS, f"the layer of {self.material.name}")
        low, high = self.free.get(THICKNESS, (0.0, 0.0))
        if low < 0 or high > MAX_THICKNESS_NM:
            raise SettingError(f"Bounds of a thickness must be within 0..{MAX_THICKNESS_NM:g} nm.")
        for kind in self.free:
            if not self.has(kind):
                raise SettingError(
                    f"{kind} is free in the layer of {self.material.name}, which has no such index: give it "
                    "as { cauchy = [a, b, c] }, for extraordinary_a that of extraordinary."
                )

    def value(self, kind: str) -> float:
        """Return the value of a parameter by its kind."""
        if kind == THICKNESS:
            return self.thickness_nm
        index = self._cauchy(kind)
        assert index is not None
        return index.b if kind == CAUCHY_B else index.a

    def has(self, kind: str) -> bool:
        """Whether the layer has such a parameter, free or not."""
        return kind == THICKNESS or self._cauchy(kind) is not None

    def with_value(self, kind: str, value: float) -> Layer:
        """Return the layer with another value of a parameter."""
        if kind == THICKNESS:
            return replace(self, thickness_nm=value)
        index = self._cauchy(kind)
        assert index is not None
        a, b = (index.a, value) if kind == CAUCHY_B else (value, index.b)
        changed = Cauchy(a, b, index.c, index.limits_nm)
        if not isinstance(self.material, UniaxialMaterial):
            return replace(self, material=changed)
        if kind == EXTRAORDINARY_A:
            return replace(self, material=UniaxialMaterial(self.material.ordinary, changed))
        return replace(self, material=UniaxialMaterial(changed, self.material.extraordinary))

    def _cauchy(self, kind: str) -> Cauchy | None:
        """Return the dispersion a parameter belongs to, None where there is none."""
        index: object = self.material if kind != EXTRAORDINARY_A else None
        if isinstance(self.material, UniaxialMaterial):
            index = self.material.extraordinary if kind == EXTRAORDINARY_A else self.material.ordinary
        return index if isinstance(index, Cauchy) else None


@dataclass(frozen=True)
class ThinFilm:
    """Layers between an ambient and a substrate.

    Attributes
    ----------
    substrate : Material or UniaxialMaterial, or str
        The half space below; a built-in material may be given by its name, here and elsewhere.
    layers : tuple of Layer
        From the ambient down.
    ambient : Material or str
        Where the light comes from; transparent.
    aoi_deg : float, optional
        Angle of incidence in degrees; None takes that of the data.
    aoi_offset_deg : float
        Added to the angle of incidence.
    free : mapping of str to (float, float)
        Bounds of ``aoi_offset_deg``, if a fit may change it.

    Raises
    ------
    SettingError
        If a value or a bound is out of range, or something is free that is not there.
    """

    substrate: AnyMaterial
    layers: tuple[Layer, ...] = ()
    ambient: Material = field(default_factory=lambda: Constant(1.0, name="air"))
    aoi_deg: float | None = None
    aoi_offset_deg: float = 0.0
    free: Bounds = field(default_factory=dict)

    def __post_init__(self) -> None:
        _by_name(self, "substrate")
        _by_name(self, "ambient")
        object.__setattr__(self, "layers", tuple(self.layers))
        if not isinstance(self.ambient, Material):
            raise SettingError(f"The ambient must be isotropic, and {self.ambient.name} is not.")
        if len(self.layers) > MAX_LAYERS:
            raise SettingError(f"A model has at most {MAX_LAYERS} layers, not {len(self.layers)}.")
        if self.aoi_deg is not None and not 0 < self.aoi_deg < 90:
            raise SettingError(f"The angle of incidence must be within 0..90 deg, got {self.aoi_deg!r}.")
        _check_bounds(self.free, (AOI_OFFSET,), "the whole model")
        for offset in (self.aoi_offset_deg, *self.free.get(AOI_OFFSET, ())):
            if not abs(offset) <= MAX_AOI_OFFSET_DEG:
                raise SettingError(
                    f"aoi_offset_deg must be within -{MAX_AOI_OFFSET_DEG:g}..{MAX_AOI_OFFSET_DEG:g} deg, got "
                    f"{offset!r}."
                )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The free parameters: layer by layer from the ambient, then the angle of incidence."""
        free = [(number, kind) for number, layer in enumerate(self.layers) for kind in LAYER_PARAMETERS
                if kind in layer.free]  # fmt: skip
        kinds = [kind for _, kind in free]
        result = []
        for number, kind in free:
            layer = self.layers[number]
            name = kind if kinds.count(kind) == 1 else f"{kind}_{number + 1}"
            result.append(Parameter(name, kind, number, layer.value(kind), *map(float, layer.free[kind])))
        if AOI_OFFSET in self.free:
            low, high = self.free[AOI_OFFSET]
            result.append(
                Parameter(AOI_OFFSET, AOI_OFFSET, None, self.aoi_offset_deg, float(low), float(high))
            )
        return tuple(result)

    def with_parameters(self, values: Sequence[float] | Real) -> ThinFilm:
        """Return the model with other values of its free parameters, in the order of `parameters`."""
        layers, offset = list(self.layers), self.aoi_offset_deg
        for parameter, value in zip(self.parameters, values, strict=True):
            if parameter.layer is None:
                offset = float(value)
            else:
                layers[parameter.layer] = layers[parameter.layer].with_value(parameter.kind, float(value))
        return replace(self, layers=tuple(layers), aoi_offset_deg=offset)

    def rho(
        self, wavelength_nm: ArrayLike, aoi_deg: ArrayLike | None = None, parameters: ArrayLike | None = None
    ) -> Complex:
        """Return ``r_p / r_s = tan(Psi) exp(-i Delta)``.

        Parameters
        ----------
        wavelength_nm : array_like of float
            Vacuum wavelengths in nm.
        aoi_deg : array_like of float, optional
            Angle of incidence in degrees, broadcasting against the wavelengths. The model's own angle, if
            it has one, goes before it.
        parameters : array_like of float, shape (..., parameter), optional
            Values of the free parameters; by default those of the model.

        Returns
        -------
        rho : ndarray of complex
            The shape of ``parameters`` without its last axis, followed by that of wavelengths and angles.

        Raises
        ------
        SettingError
            If no angle is known, a material does not cover the wavelengths, or parameters do not fit.
        """
        wavelength = np.asarray(wavelength_nm, dtype=np.float64)
        angle = self.incidence(aoi_deg)
        columns = self._columns(parameters, max(wavelength.ndim, angle.ndim))
        values = {(p.layer, p.kind): column for p, column in zip(self.parameters, columns, strict=True)}
        angle = angle + values.get((None, AOI_OFFSET), np.asarray(self.aoi_offset_deg))
        thicknesses = [values.get((i, THICKNESS), layer.thickness_nm) for i, layer in enumerate(self.layers)]
        indices = [self._index(i, wavelength, values) for i in range(len(self.layers))]
        ambient, substrate = self.ambient(wavelength), self.substrate(wavelength)
        rho = reflection_ratio(ambient, indices, thicknesses, substrate, wavelength, angle)
        shape = np.broadcast_shapes(rho.shape, *(column.shape for column in columns))
        return np.broadcast_to(rho, shape)

    def psi_delta(
        self, wavelength_nm: ArrayLike, aoi_deg: ArrayLike | None = None, parameters: ArrayLike | None = None
    ) -> tuple[Real, Real]:
        """Return Psi (0..90) and Delta (0..360) in degrees; arguments and shapes as for `rho`."""
        return psi_delta(self.rho(wavelength_nm, aoi_deg, parameters))

    def incidence(self, aoi_deg: ArrayLike | None) -> Real:
        """Return the angle of incidence, without its offset: the model's, else the one given.

        Raises
        ------
        SettingError
            If neither is known.
        """
        angle = np.asarray(np.nan if aoi_deg is None else aoi_deg, dtype=np.float64)
        if self.aoi_deg is not None:
            return np.full(angle.shape, self.aoi_deg)
        if not np.all(np.isfinite(angle)):
            raise SettingError("The data do not tell the angle of incidence: give aoi_deg in the model.")
        return angle

    def _columns(self, parameters: ArrayLike | None, n_axes: int) -> list[Real]:
        if parameters is None:
            return [np.asarray(p.start) for p in self.parameters]
        values = np.asarray(parameters, dtype=np.float64)
        if values.ndim == 0 or values.shape[-1] != len(self.parameters):
            raise SettingError(
                f"The model has {len(self.parameters)} free parameters, got values of shape {values.shape}."
            )
        return list(np.moveaxis(values.reshape(*values.shape, *(1,) * n_axes), values.ndim - 1, 0))

    def _index(
        self, number: int, wavelength_nm: Real, values: Mapping[tuple[int | None, str], Real]
    ) -> Complex | Uniaxial:
        layer = self.layers[number]
        index = layer.material(wavelength_nm)
        for kind in DISPERSION:
            if (number, kind) in values:
                change = values[number, kind] - layer.value(kind)
                index = moved_index(index, kind, change * index_slope(kind, wavelength_nm))
        return index


def index_slope(kind: str, wavelength_nm: Real) -> Real:
    """Return the derivative of a Cauchy index by one of its coefficients."""
    return 1 / (wavelength_nm / 1000) ** 2 if kind == CAUCHY_B else np.ones_like(wavelength_nm)


def moved_index(index: Complex | Uniaxial, kind: str, change: Real) -> Complex | Uniaxial:
    """Return an index with a change of the part of it that a parameter of this kind belongs to."""
    if not isinstance(index, Uniaxial):
        return index + change
    if kind == EXTRAORDINARY_A:
        return Uniaxial(index.ordinary, index.extraordinary + change)
    return Uniaxial(index.ordinary + change, index.extraordinary)


def _by_name(owner: object, attribute: str) -> None:
    given = getattr(owner, attribute)
    if isinstance(given, str):
        object.__setattr__(owner, attribute, built_in(given))


def _check_bounds(free: Bounds, known: Sequence[str], where: str) -> None:
    for name, bounds in free.items():
        if name not in known:
            raise SettingError(f"{name!r:.80} cannot be free in {where}: use {', '.join(known)}.")
        low, high = bounds
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise SettingError(f"The bounds of {name} in {where} must ascend, got {low!r}, {high!r}.")
