"""A thin-film model: media and layers, which of their properties are free, and what they reflect.

Light is described as in :mod:`ellimaps.optics.fresnel`: ``rho = tan(Psi) exp(-i Delta)``, indices n + ik.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ellimaps.core.errors import SettingError
from ellimaps.optics.bounds import Bounds, check_number, check_start, checked_bounds, is_number
from ellimaps.optics.crystals import AnyMaterial
from ellimaps.optics.fresnel import Complex, Real, psi_delta
from ellimaps.optics.graded import Graded
from ellimaps.optics.instrument import (
    LIMITS_DEG,
    OF_FILE,
    OF_INSTRUMENT,
    Bandwidth,
    bandwidths_of_data,
    checked_bandwidth,
)
from ellimaps.optics.interface import Interface
from ellimaps.optics.layers import Layer, by_name
from ellimaps.optics.materials import Constant, LayerMaterial, Material, lossless
from ellimaps.optics.media import Values
from ellimaps.optics.period import LayersOfModel, runs_of
from ellimaps.optics.reflection import Reflection
from ellimaps.optics.ties import arranged, settled, source_of

MAX_LAYERS = 20
"""Bounds the work that a model file can ask for; ten pairs of layers, a mirror, are still a model."""
MAX_MEDIA = 200
"""Bounds it for slices and periods: a fit's time grows with them. A mirror of 80 pairs has 160."""


class Parameter(NamedTuple):
    """A free parameter of a model."""

    name: str
    """The kind, with ``_1``, ``_2`` ... (layers from the ambient) where it is free in several layers."""
    kind: str
    """``thickness_nm``, a parameter of the layer's material such as ``cauchy_a``, or one of the offsets."""
    layer: int | None
    """Number of the layer from the ambient, from 0; None for an offset."""
    start: float
    low: float
    high: float


@dataclass(frozen=True)
class ThinFilm:
    """Layers between an ambient and a substrate.

    Attributes
    ----------
    substrate : Material or UniaxialMaterial, or str
        The half space below; a built-in material may be given by its name, here and elsewhere.
    layers : tuple of Layer
        From the ambient down. A `Period` may be given among them; its layers then stand in its place, one by
        one, and know that they are repeated.
    ambient : Material or str
        Where the light comes from; transparent.
    aoi_deg : float, optional
        Angle of incidence in degrees; None takes that of the data.
    aoi_offset_deg, delta_offset_deg : float
        Added to the angle of incidence, and to Delta (a window or an azimuth that is off).
    bandwidth_nm : float, "file" or tuple of (float, float)
        Full width at half maximum of the light in nm: of every wavelength, as the data tell it, or pairs of
        wavelength and bandwidth, straight lines between them.
    angular_spread_deg : float
        Standard deviation of the angle of incidence within the light of one reading.
    wavelengths_nm : (float, float), optional
        First and last wavelength that a fit uses; all by default.
    without_nm : tuple of (float, float)
        Ranges of wavelengths that a fit leaves out; a number given here is the range that holds only it.
    free : mapping of str to (float, float)
        Bounds of the offsets and the angular spread, if a fit may change them.

    Raises
    ------
    SettingError
        If a value or a bound is out of range, or something is free that is not there.
    """

    substrate: AnyMaterial
    layers: LayersOfModel = LayersOfModel()  # noqa: RUF009
    ambient: Material = field(default_factory=lambda: Constant(1.0, name="air"))
    aoi_deg: float | None = None
    aoi_offset_deg: float = 0.0
    free: Bounds = field(default_factory=dict)
    delta_offset_deg: float = 0.0
    bandwidth_nm: Bandwidth = 0.0
    angular_spread_deg: float = 0.0
    wavelengths_nm: tuple[float, float] | None = None
    without_nm: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        by_name(self, "substrate")
        by_name(self, "ambient")
        for half_space in (self.ambient, self.substrate):
            if isinstance(half_space, LayerMaterial):
                raise SettingError(f"Ambient and substrate must be media, which {half_space.name} is not.")
        if not isinstance(self.ambient, Material):
            raise SettingError(f"The ambient must be isotropic, and {self.ambient.name} is not.")
        if not lossless(self.ambient):
            raise SettingError(f"The ambient must be transparent, and {self.ambient.name} absorbs.")
        if len(self.layers) > MAX_LAYERS:
            raise SettingError(f"A model has at most {MAX_LAYERS} layers, not {len(self.layers)}.")
        self.__dict__["layers"] = settled(self.layers)
        self._check_media()
        if self.aoi_deg is not None:
            check_number(self.aoi_deg, "The angle of incidence")
            if not 0 < self.aoi_deg < 90:
                raise SettingError(f"The angle of incidence must be within 0..90 deg, got {self.aoi_deg!r}.")
        object.__setattr__(self, "free", checked_bounds(self.free, OF_INSTRUMENT, "the whole model"))
        for name, (least, most) in LIMITS_DEG.items():
            check_number(getattr(self, name), name)
            for value in (getattr(self, name), *self.free.get(name, ())):
                if not least <= value <= most:
                    raise SettingError(f"{name} must be within {least:g}..{most:g} deg, got {value!r}.")
            if name in self.free:
                check_start(name, getattr(self, name), self.free[name], "the whole model")
        object.__setattr__(self, "bandwidth_nm", checked_bandwidth(self.bandwidth_nm))
        self._check_wavelengths()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The free parameters: layer by layer from the ambient, then those of the instrument."""
        free = [(number, kind) for number, layer in enumerate(self.layers) for kind in layer.parameters
                if kind in layer.free]  # fmt: skip
        kinds = [kind for _, kind in free]
        result = []
        for number, kind in free:
            layer = self.layers[number]
            name = kind if kinds.count(kind) == 1 else f"{kind}_{number + 1}"
            result.append(
                Parameter(name, kind, number, layer.parameters[kind], *map(float, layer.free[kind]))
            )
        for name in OF_INSTRUMENT:
            if name in self.free:
                start, (low, high) = getattr(self, name), self.free[name]
                result.append(Parameter(name, name, None, float(start), float(low), float(high)))
        return tuple(result)

    @property
    def order(self) -> tuple[int, ...]:
        """Numbers of the layers as light meets them, those of a period as often as it is there."""
        return tuple(number for times, run in runs_of(self.layers) for number in run * times)

    @property
    def is_linear(self) -> bool:
        """Whether all indices are linear functions of the free parameters."""
        moving = [layer for layer in self.layers if layer.has_free_index or layer.has_tied_index]
        mixed = any(isinstance(layer.material, Interface) for layer in self.layers)
        return all(layer.material.is_linear for layer in moving) and not (moving and mixed)

    def arranged(self, order: Sequence[int | Layer]) -> ThinFilm:
        """Return the model with its layers in another order, or with others; see `ties.arranged`."""
        return replace(self, layers=arranged(self.layers, order))

    def with_layer(self, number: int, layer: Layer) -> ThinFilm:
        """Return the model with another layer in place of one."""
        return replace(self, layers=(*self.layers[:number], layer, *self.layers[number + 1 :]))

    def with_parameters(self, values: Sequence[float] | Real) -> ThinFilm:
        """Return the model with other values of its free parameters, in the order of `parameters`."""
        layers = list(self.layers)
        whole: dict[str, Any] = {}
        for parameter, value in zip(self.parameters, values, strict=True):
            if parameter.layer is None:
                whole[parameter.kind] = float(value)
            else:
                layers[parameter.layer] = layers[parameter.layer].with_value(parameter.kind, float(value))
        return replace(self, layers=tuple(layers), **whole)

    def rho(
        self, wavelength_nm: ArrayLike, aoi_deg: ArrayLike | None = None, parameters: ArrayLike | None = None
    ) -> Complex:
        """Return ``r_p / r_s = tan(Psi) exp(-i Delta)``, of the polarised part if the light is a mixture.

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
        rho = Reflection(self, wavelength, angle).ratio(columns)
        shape = np.broadcast_shapes(np.shape(rho), wavelength.shape, *(column.shape for column in columns))
        return np.broadcast_to(rho, shape)

    def by_place(self, columns: Sequence[Any]) -> Values:
        """Return values of the free parameters, and of those tied to them, by layer and kind."""
        free = {(p.layer, p.kind): column for p, column in zip(self.parameters, columns, strict=True)}
        tied = {
            (number, kind): free.get((source_of(self.layers, number, kind), kind))
            for number, layer in enumerate(self.layers)
            for kind in layer.tied
        }
        return free | {place: column for place, column in tied.items() if column is not None}

    def psi_delta(
        self, wavelength_nm: ArrayLike, aoi_deg: ArrayLike | None = None, parameters: ArrayLike | None = None
    ) -> tuple[Real, Real]:
        """Return Psi (0..90) and Delta (0..360) in degrees; arguments and shapes as for `rho`."""
        return psi_delta(self.rho(wavelength_nm, aoi_deg, parameters))

    def depolarization(
        self, wavelength_nm: ArrayLike, aoi_deg: ArrayLike | None = None, parameters: ArrayLike | None = None
    ) -> Real:
        """Return which share of the light is not polarised, 0..1; arguments and shapes as for `rho`."""
        wavelength = np.asarray(wavelength_nm, dtype=np.float64)
        angle = self.incidence(aoi_deg)
        columns = self._columns(parameters, max(wavelength.ndim, angle.ndim))
        return np.asarray(Reflection(self, wavelength, angle).elements(columns).depolarization)

    def with_bandwidths(self, points: pd.DataFrame) -> ThinFilm:
        """Return the model with the bandwidths of the data, if it asks for them and they are known.

        Parameters
        ----------
        points : DataFrame
            With ``wavelength_nm`` and, where the data tell it, ``bandwidth_nm``.
        """
        if self.bandwidth_nm != OF_FILE or not points.get("bandwidth_nm", pd.Series(np.nan)).notna().any():
            return self
        waves, widths = (points[name].to_numpy(np.float64) for name in ("wavelength_nm", "bandwidth_nm"))
        return replace(self, bandwidth_nm=bandwidths_of_data(waves, widths))

    def uses(self, wavelength_nm: ArrayLike) -> NDArray[np.bool_]:
        """Return which wavelengths a fit uses, by `wavelengths_nm` and `without_nm`; any shape, in nm."""
        wavelength = np.asarray(wavelength_nm, dtype=np.float64)
        low, high = self.wavelengths_nm or (0.0, np.inf)
        used = (wavelength >= low) & (wavelength <= high)
        for first, last in self.without_nm:
            # A number written in a file stands for the band that shows it, whatever its last digits are.
            used &= (wavelength < first - 0.05) | (wavelength > last + 0.05)
        return np.asarray(used)

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

    def _check_media(self) -> None:
        """Refuse more media than a fit should go through, and interfaces beside what they cannot mix."""
        materials = [layer.material for layer in self.layers]
        slices = [one.slices if isinstance(one, Graded) else 1 for one in materials]
        n_media = sum(times * slices[number] for times, run in runs_of(self.layers) for number in run)
        if n_media > MAX_MEDIA:
            raise SettingError(
                f"Slices and periods of a model make at most {MAX_MEDIA} media, not {n_media}."
            )
        around = [self.ambient, *(materials[number] for number in self.order), self.substrate]
        for above, below in pairwise(around):
            if isinstance(above, Interface) or isinstance(below, Interface):
                other = above if isinstance(below, Interface) else below
                if not isinstance(other, Material) or isinstance(other, Interface):
                    raise SettingError(
                        f"An interface mixes isotropic media and cannot lie beside {_called(other)}: give it "
                        "as a mixture, { bruggeman = [..., ...], fractions = [0.5] }."
                    )

    def _check_wavelengths(self) -> None:
        if self.wavelengths_nm is not None:
            object.__setattr__(self, "wavelengths_nm", _range(self.wavelengths_nm, "wavelengths_nm"))
        ranges = tuple(_range(one, "without_nm") for one in self.without_nm)
        object.__setattr__(self, "without_nm", ranges)

    def _columns(self, parameters: ArrayLike | None, n_axes: int) -> list[Real]:
        if parameters is None:
            return [np.asarray(p.start) for p in self.parameters]
        values = np.asarray(parameters, dtype=np.float64)
        if values.ndim == 0 or values.shape[-1] != len(self.parameters):
            raise SettingError(
                f"The model has {len(self.parameters)} free parameters, got values of shape {values.shape}."
            )
        return list(np.moveaxis(values.reshape(*values.shape, *(1,) * n_axes), values.ndim - 1, 0))


def _called(material: AnyMaterial) -> str:
    return "another interface" if isinstance(material, Interface) else f"the crystal {material.name}"


def _range(value: object, name: str) -> tuple[float, float]:
    """Return a range of wavelengths; a number is the range that holds only it."""
    ends = (value, value) if is_number(value) else value
    if isinstance(ends, Sequence) and len(ends) == 2 and all(map(is_number, ends)):
        low, high = map(float, ends)
        if 0 < low <= high < np.inf:
            return low, high
    raise SettingError(
        f"{name} must hold ascending wavelengths in nm such as [500.0, 750.0], got {value!r:.80}."
    )
