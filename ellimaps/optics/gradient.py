"""Psi and Delta of many parameter vectors at once, with their derivatives.

The recursion is that of :mod:`ellimaps.optics.fresnel`; each step carries the derivative by every free
parameter along (forward differentiation), which is exact and costs less than differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from ellimaps.core.angles import full_circle
from ellimaps.optics.dual import Dual, slopes_of, value_of
from ellimaps.optics.fresnel import Complex, Real, Uniaxial, Wave, medium_waves, psi_delta
from ellimaps.optics.model import (
    AOI_OFFSET,
    DELTA_OFFSET,
    THICKNESS,
    Parameter,
    ThinFilm,
)
from ellimaps.optics.solver import FilmCurve

Tangents = dict[int, Complex]
"""Derivatives by the number of the parameter; one that is absent is zero."""

IndexTangents = dict[int, Complex | Uniaxial]

# The slope of the one index of a crystal by what belongs to the other.
_NOTHING: Complex = np.zeros(1, dtype=np.complex128)


@dataclass(frozen=True)
class _Medium:
    """A medium's p and s waves and their derivatives."""

    waves: tuple[Wave, Wave]
    tangents: tuple[dict[int, Wave], dict[int, Wave]]


class ExactCurve(FilmCurve):
    """A model at fixed wavelengths and angles, as a function of its free parameters.

    Parameters
    ----------
    model : ThinFilm
        The model.
    wavelength_nm, aoi_deg : ndarray of float, shape (band,)
        Where it was measured.

    Raises
    ------
    SettingError
        As `ThinFilm.rho`.
    """

    def __init__(self, model: ThinFilm, wavelength_nm: Real, aoi_deg: Real) -> None:
        self.parameters: tuple[Parameter, ...] = model.parameters
        self.low = np.array([p.low for p in self.parameters])
        self.high = np.array([p.high for p in self.parameters])
        self.model = model
        self.wavelength_nm = np.asarray(wavelength_nm, dtype=np.float64)
        self._wavelength = self.wavelength_nm[None, :]
        self.n_bands = len(self.wavelength_nm)
        self.aoi_deg = np.broadcast_to(model.incidence(aoi_deg), self.wavelength_nm.shape)
        self._ambient = model.ambient(self._wavelength)
        self._indices = [layer.material(self._wavelength) for layer in model.layers]
        self._substrate = model.substrate(self._wavelength)

    def values(self, parameters: Real) -> Real:
        """Return Psi and Delta in degrees without derivatives, shape (n, 2 band)."""
        rho = self.model.rho(self.wavelength_nm, self.aoi_deg, parameters)
        return np.concatenate(psi_delta(rho), axis=-1)

    def __call__(self, parameters: Real) -> tuple[Real, Real]:
        """Return Psi and Delta and their derivatives.

        Parameters
        ----------
        parameters : ndarray of float, shape (n, parameter)
            Values of the free parameters.

        Returns
        -------
        angles : ndarray of float, shape (n, 2 band)
            Psi of every band in 0..90, then Delta in 0..360 deg.
        derivatives : ndarray of float, shape (parameter, n, 2 band)
            Degrees per unit of each parameter.
        """
        given = {(p.layer, p.kind): parameters[:, i : i + 1] for i, p in enumerate(self.parameters)}
        media = self._media(given, parameters)
        phases = [
            4j * np.pi * given.get((i, THICKNESS), np.asarray(layer.thickness_nm)) / self._wavelength
            for i, layer in enumerate(self.model.layers)
        ]
        thickness_of = {p.layer: i for i, p in enumerate(self.parameters) if p.kind == THICKNESS}
        unit = 4j * np.pi / self._wavelength.astype(np.complex128)
        r_p, by_p = _reflect(media, 0, phases, thickness_of, unit)
        r_s, by_s = _reflect(media, 1, phases, thickness_of, unit)
        shape = (len(parameters), self.n_bands)
        psi, delta = psi_delta(np.broadcast_to(r_p / r_s, shape))
        turn = given.get((None, DELTA_OFFSET), np.asarray(self.model.delta_offset_deg))
        if np.any(turn):
            delta = full_circle(delta + turn)
        derivatives = np.zeros((len(self.parameters), len(parameters), 2 * self.n_bands))
        inverse_p, inverse_s = np.rad2deg(1.0) / r_p, np.rad2deg(1.0) / r_s
        half_sine = np.sin(np.deg2rad(2 * psi)) / 2
        for number, parameter in enumerate(self.parameters):
            if parameter.kind == DELTA_OFFSET:
                derivatives[number, :, self.n_bands :] = 1
                continue
            # rho = tan(Psi) exp(-i Delta), so d ln rho = 2 dPsi / sin 2Psi - i dDelta.
            logarithmic = by_p[number] * inverse_p - by_s[number] * inverse_s
            derivatives[number, :, : self.n_bands] = half_sine * logarithmic.real
            derivatives[number, :, self.n_bands :] = -logarithmic.imag
        return np.concatenate([psi, delta], axis=1), derivatives

    def _media(self, given: dict[tuple[int | None, str], Real], parameters: Real) -> list[_Medium]:
        offset = given.get((None, AOI_OFFSET), np.asarray(self.model.aoi_offset_deg))
        angle = np.deg2rad(self.aoi_deg[None, :] + offset)
        tangential = self._ambient * np.sin(angle)
        by_angle: Tangents = {}
        for number, parameter in enumerate(self.parameters):
            if parameter.kind == AOI_OFFSET:
                by_angle[number] = self._ambient * np.cos(angle) * np.deg2rad(1.0)
        media = [_medium(self._ambient, {}, tangential, by_angle)]
        for layer in range(len(self._indices)):
            index, by_index = self.layer_index(layer, parameters)
            media.append(_medium(index, by_index, tangential, by_angle))
        return [*media, _medium(self._substrate, {}, tangential, by_angle)]

    def layer_index(self, layer: int, parameters: Real) -> tuple[Complex | Uniaxial, IndexTangents]:
        """Return the index of a layer and its derivatives by the parameters it depends on.

        Parameters
        ----------
        layer : int
            Its number.
        parameters : ndarray of float, shape (n, parameter)
            Values of the free parameters.
        """
        values = {
            one.kind: Dual(parameters[:, number : number + 1], {number: 1.0})
            for number, one in enumerate(self.parameters)
            if one.layer == layer and one.kind != THICKNESS
        }
        if not values:
            return self._indices[layer], {}
        index = self.model.layers[layer].material.at(self._wavelength, values)
        if not isinstance(index, Uniaxial):
            return value_of(index), cast("IndexTangents", slopes_of(index))
        pair: Uniaxial = index
        across, along = slopes_of(pair.ordinary), slopes_of(pair.extraordinary)
        tangents: IndexTangents = {
            cast("int", number): Uniaxial(across.get(number, _NOTHING), along.get(number, _NOTHING))
            for number in across.keys() | along.keys()
        }
        return Uniaxial(value_of(pair.ordinary), value_of(pair.extraordinary)), tangents


def _medium(
    index: Complex | Uniaxial, by_index: IndexTangents, tangential: Complex, by_tangential: Tangents
) -> _Medium:
    p, s = medium_waves(index, tangential)
    n_o, n_e = both(index)
    e_o, e_e = n_o**2, n_e**2
    tangents_p: dict[int, Wave] = {}
    tangents_s: dict[int, Wave] = {}
    for number, change in by_index.items():
        # From normal**2 = e_o (1 - tangential**2 / e_e) for p, e_o - tangential**2 for s.
        change_o, change_e = both(change)
        by_o, by_e = 2 * n_o * change_o, 2 * n_e * change_e
        square = tangential**2 / e_e
        normal_p = (by_o * (1 - square) + e_o * square / e_e * by_e) / (2 * p.normal)
        normal_s = by_o / (2 * s.normal)
        tangents_p[number] = Wave(normal_p, (normal_p - p.admittance * by_o) / e_o)
        tangents_s[number] = Wave(normal_s, normal_s)
    for number, turn in by_tangential.items():
        normal_p, normal_s = -e_o / e_e * tangential * turn / p.normal, -tangential * turn / s.normal
        tangents_p[number] = Wave(normal_p, normal_p / e_o)
        tangents_s[number] = Wave(normal_s, normal_s)
    return _Medium((p, s), (tangents_p, tangents_s))


def both(index: Complex | Uniaxial) -> tuple[Complex, Complex]:
    """Return the ordinary and the extraordinary index, the same one twice where there is no crystal."""
    pair = index if isinstance(index, Uniaxial) else (index, index)
    return np.asarray(pair[0], dtype=np.complex128), np.asarray(pair[1], dtype=np.complex128)


def _reflect(
    media: list[_Medium], side: int, phases: list[Complex], thickness_of: dict[int | None, int], unit: Complex
) -> tuple[Complex, Tangents]:
    """Return the amplitude reflected and its derivatives; ``side`` is 0 for p, 1 for s."""
    reflected, tangents = _interface(media[-2], media[-1], side)
    for depth in range(len(phases) - 1, -1, -1):
        normal, by_normal = media[depth + 1].waves[side].normal, media[depth + 1].tangents[side]
        decay = np.exp(phases[depth] * normal)
        returned = reflected * decay
        changes = {number: change * decay for number, change in tangents.items()}
        for number, wave in by_normal.items():
            changes[number] = changes.get(number, 0) + returned * phases[depth] * wave.normal
        if depth in thickness_of:
            changes[thickness_of[depth]] = returned * (unit * normal)
        surface, by_surface = _interface(media[depth], media[depth + 1], side)
        scale = 1 / (1 + surface * returned)
        reflected = (surface + returned) * scale
        scale *= scale
        tangents = {number: (1 - surface**2) * scale * change for number, change in changes.items()}
        if by_surface:
            factor = (1 - returned**2) * scale
            for number, change in by_surface.items():
                tangents[number] = tangents.get(number, 0) + factor * change
    return reflected, tangents


def _interface(outer: _Medium, inner: _Medium, side: int) -> tuple[Complex, Tangents]:
    a, b = outer.waves[side].admittance, inner.waves[side].admittance
    scale = 1 / (a + b)
    tangents: Tangents = {}
    factor = 2 * scale * scale
    for number, wave in outer.tangents[side].items():
        tangents[number] = factor * b * wave.admittance
    for number, wave in inner.tangents[side].items():
        tangents[number] = tangents.get(number, 0) - factor * a * wave.admittance
    return (a - b) * scale, tangents
