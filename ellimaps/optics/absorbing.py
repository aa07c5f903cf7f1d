"""Dispersions of absorbing films: sums of oscillators, a Cauchy formula with an Urbach tail, splines of k."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.core.photons import EV_NM
from ellimaps.optics.fresnel import Real
from ellimaps.optics.materials import Cauchy, Material, check_numbers
from ellimaps.optics.oscillators.base import Oscillator
from ellimaps.optics.spline import spline_basis

MAX_OSCILLATORS = 20
"""More terms than a band structure has features are no model but a table."""


@dataclass(frozen=True)
class OscillatorSum(Material):
    """``n + ik = sqrt(offset + sum of oscillators)``, a permittivity that is Kramers-Kronig consistent.

    Attributes
    ----------
    terms : tuple of Oscillator
        At least one, `MAX_OSCILLATORS` at most.
    offset : float
        What lies beyond all oscillators in the ultraviolet; 1 is nothing.
    """

    terms: tuple[Oscillator, ...]
    offset: float = 1.0
    name: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.terms) <= MAX_OSCILLATORS:
            raise SettingError(
                f"A sum of oscillators has 1 to {MAX_OSCILLATORS} of them, got {len(self.terms)}."
            )
        kinds = " + ".join(dict.fromkeys(term.key.replace("_", "-") for term in self.terms))
        object.__setattr__(self, "name", self.name or kinds)
        check_numbers(self.name, [self.offset])

    @property
    def range_nm(self) -> tuple[float, float]:
        """From the X-rays to the far infrared; outside of it no film is measured."""
        return 10.0, 1e6

    @property
    def spec(self) -> Any:
        """As in a model file."""
        terms = [{term.key: dict(zip(_names(term), _values(term), strict=True))} for term in self.terms]
        return {"oscillators": terms, "offset": self.offset}

    @property
    def parameters(self) -> dict[str, float]:
        """Each term's, as ``gaussian_energy_ev``; of the second of its kind ``gaussian_2_energy_ev``."""
        own = {
            f"{prefix}_{name}": value
            for prefix, term in zip(self._prefixes, self.terms, strict=True)
            for name, value in zip(_names(term), _values(term), strict=True)
        }
        return own | {"offset": self.offset}

    @property
    def is_linear(self) -> bool:
        """Never: the index is a root."""
        return False

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the sum with another value of a parameter."""
        if name == "offset":
            return replace(self, offset=value, name="")
        for number, (prefix, term) in enumerate(zip(self._prefixes, self.terms, strict=True)):
            if name.removeprefix(f"{prefix}_") in _names(term) and name.startswith(prefix):
                changed = replace(term, **{name.removeprefix(f"{prefix}_"): value})
                terms = (*self.terms[:number], changed, *self.terms[number + 1 :])
                return replace(self, terms=terms, name="")
        raise KeyError(name)

    def names_of(self, number: int) -> list[str]:
        """Return the names of the parameters of a term, by its number from 0."""
        return [f"{self._prefixes[number]}_{name}" for name in _names(self.terms[number])]

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        keys = [term.key for term in self.terms]
        return tuple(
            key if keys.count(key) == 1 else f"{key}_{keys[: number + 1].count(key)}"
            for number, key in enumerate(keys)
        )

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        energy, total = EV_NM / wavelength_nm, values["offset"]
        for prefix, term in zip(self._prefixes, self.terms, strict=True):
            own = {name: values[f"{prefix}_{name}"] for name in _names(term)}
            total = total + term.permittivity(energy, **own)
        # Adding 0 makes -0.0 positive, whose root would grow inwards.
        return np.sqrt(total + 0j)


@dataclass(frozen=True)
class CauchyUrbach(Material):
    """A Cauchy formula for n, and ``k = amplitude exp((E - edge) / urbach)``, the tail of an absorption.

    F. Urbach, Phys. Rev. 92, 1324 (1953), doi:10.1103/PhysRev.92.1324. Amplitude and edge say the same thing
    twice, so that at most one of them can be free.

    Attributes
    ----------
    cauchy : (float, float, float)
        Of n, as `Cauchy`.
    amplitude : float
        k at the edge.
    urbach_ev : float
        The energy in eV over which k grows by e.
    edge_ev : float
        Where k is the amplitude, in eV.
    """

    cauchy: tuple[float, float, float]
    amplitude: float
    urbach_ev: float
    edge_ev: float
    name: str = "Cauchy-Urbach"

    def __post_init__(self) -> None:
        check_numbers(self.name, (*self.cauchy, self.amplitude, self.urbach_ev, self.edge_ev))
        if self.amplitude < 0 or self.urbach_ev <= 0:
            raise SettingError(
                f"An Urbach tail needs an amplitude of 0 or more and an energy above 0, got "
                f"{self.amplitude:g}, {self.urbach_ev:g}."
            )

    @property
    def spec(self) -> Any:
        """As in a model file."""
        tail = {name: getattr(self, name) for name in ("amplitude", "urbach_ev", "edge_ev")}
        return {"cauchy": list(self.cauchy), "urbach": tail}

    @property
    def parameters(self) -> dict[str, float]:
        """The coefficients of n, and those of the tail."""
        return Cauchy(*self.cauchy).parameters | {
            "urbach_amplitude": self.amplitude,
            "urbach_ev": self.urbach_ev,
        }

    @property
    def fixed(self) -> dict[str, float]:
        """Where k is the amplitude."""
        return {"urbach_edge_ev": self.edge_ev}

    @property
    def is_linear(self) -> bool:
        """Not in the width of the tail."""
        return False

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the material with another value of a parameter."""
        numbers = (self.parameters | self.fixed | {name: value}).values()
        a, b, c, amplitude, urbach, edge = numbers
        return replace(self, cauchy=(a, b, c), amplitude=amplitude, urbach_ev=urbach, edge_ev=edge)

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        a, b, c, amplitude, urbach = values.values()
        um = wavelength_nm / 1000
        k = amplitude * np.exp((EV_NM / wavelength_nm - self.edge_ev) / urbach)
        return a + b / um**2 + c / um**4 + 1j * k


@dataclass(frozen=True)
class SplineIndex(Material):
    """k as a cubic B-spline over photon energy, and the n that the Kramers-Kronig relations give to it.

    The idea is that of B. Johs and J. S. Hale, Phys. Status Solidi A 205, 715 (2008),
    doi:10.1002/pssa.200777754, for k in place of the permittivity.

    Attributes
    ----------
    energies_ev : tuple of float
        Nodes, ascending, evenly or not; k is 0 at the first and the last and beyond.
    k : tuple of float
        The coefficient of the spline at each node, 0 or more.
    offset : float
        n at high energies, of all that absorbs beyond the nodes.
    """

    energies_ev: tuple[float, ...]
    k: tuple[float, ...]
    offset: float = 1.0
    name: str = "spline"

    def __post_init__(self) -> None:
        check_numbers(self.name, (*self.energies_ev, *self.k, self.offset))
        energies = np.asarray(self.energies_ev)
        if not 2 <= len(energies) <= MAX_NODES or np.any(np.diff(energies) <= 0) or energies[0] <= 0:
            raise SettingError(f"A spline needs 2 to {MAX_NODES} ascending energies above 0 eV.")
        if len(self.k) != len(energies) or min(self.k) < 0:
            raise SettingError("A spline needs a k of 0 or more for each of its energies.")

    @property
    def spec(self) -> Any:
        """As in a model file."""
        return {"spline": {"energies_ev": list(self.energies_ev), "k": list(self.k), "offset": self.offset}}

    @property
    def parameters(self) -> dict[str, float]:
        """Coefficients as ``spline_k_1``, and the offset."""
        return {f"spline_k_{i}": value for i, value in enumerate(self.k, start=1)} | {"offset": self.offset}

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the spline with another value of a coefficient."""
        *k, offset = (self.parameters | {name: value}).values()
        return replace(self, k=tuple(k), offset=offset)

    def between(self, first_ev: float, last_ev: float, count: int) -> Self:
        """Return a spline with evenly spaced nodes, whose coefficients follow those of this one."""
        energies = np.linspace(first_ev, last_ev, count)
        k = np.interp(energies, self.energies_ev, self.k)
        return replace(self, energies_ev=tuple(energies.tolist()), k=tuple(k.tolist()))

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        *k, total = values.values()
        basis = spline_basis(self.energies_ev, EV_NM / wavelength_nm)
        for coefficient, part in zip(k, basis, strict=True):
            total = total + coefficient * part
        return total + 0j


MAX_NODES = 50
"""A node every 0.1 eV from the infrared to 6 eV; more are noise."""


def _names(term: Oscillator) -> list[str]:
    return [one.name for one in fields(term)]


def _values(term: Oscillator) -> list[float]:
    return [getattr(term, name) for name in _names(term)]
