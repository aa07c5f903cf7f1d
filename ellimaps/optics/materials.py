"""Refractive indices n + ik over wavelength: constants, dispersion formulae, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ellimaps.core.errors import SettingError
from ellimaps.optics.dual import value_of
from ellimaps.optics.fresnel import Complex, Real

CAUCHY_A = "cauchy_a"

_LARGEST_NUMBER = 1e9
"""A meter, in nm: no wavelength, energy or coefficient of a medium for light is larger."""
_LARGEST_INDEX = 1e6
"""Metals have some hundred at a tenth of a millimeter; its 8th power, in reflection, is still finite."""


class Material:
    """An optically isotropic medium; ``material(wavelength_nm)`` is its refractive index."""

    name: str
    """What messages and lists call it."""

    def __call__(self, wavelength_nm: ArrayLike) -> Complex:
        """Return the refractive index n + ik.

        Parameters
        ----------
        wavelength_nm : array_like of float
            Vacuum wavelengths in nm.

        Returns
        -------
        index : ndarray of complex
            The shape of ``wavelength_nm``; the imaginary part absorbs.

        Raises
        ------
        SettingError
            If a wavelength lies outside the range the material is known for, or has no index.
        """
        wavelength = np.asarray(wavelength_nm, dtype=np.float64)
        self._check_range(wavelength)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            index = np.asarray(self._index(wavelength), dtype=np.complex128)
            wrong = ~((np.abs(index) > 1 / _LARGEST_INDEX) & (np.abs(index) < _LARGEST_INDEX))
        if wrong.any():
            raise SettingError(
                f"{self.name} has no index at {wavelength[wrong].flat[0]:g} nm (its numbers give "
                f"{index[wrong].flat[0]:g}): correct them."
            )
        return index

    @property
    def range_nm(self) -> tuple[float, float]:
        """Shortest and longest wavelength in nm that the material is known for."""
        return 0.0, np.inf

    @property
    def telling_nm(self) -> Real:
        """Wavelengths in nm that show what the index is like: a formula's where ellipsometers measure."""
        low, high = self.range_nm
        if high <= 190 or low >= 2000:
            return np.array([low, high])
        return np.geomspace(max(low, 190.0), min(high, 2000.0)).clip(low, high)

    @property
    def spec(self) -> Any:
        """How a model file gives the material: a name, or a table with one key.

        Raises
        ------
        SettingError
            If its class is none that a file can name.
        """
        raise SettingError(
            f"{self.name} is a {type(self).__name__}, which no model file can hold: give a Table of n and k."
        )

    @property
    def file(self) -> tuple[str, bytes] | None:
        """Name and content of the file that a model file names for the material; None if it needs none."""
        return None

    @property
    def parameters(self) -> dict[str, float]:
        """Values of what a fit may change, by name."""
        return {}

    @property
    def fixed(self) -> dict[str, float]:
        """Values of numbers that no fit may change, by name; `with_parameter` takes them as well."""
        return {}

    @property
    def is_linear(self) -> bool:
        """Whether the index is a linear function of every parameter."""
        return True

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the material with another value of one of its parameters.

        Raises
        ------
        SettingError
            If the material cannot have that value.
        """
        raise NotImplementedError(name)

    def at(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        """Return the index with other values of some parameters.

        Parameters
        ----------
        wavelength_nm : ndarray of float
            Wavelengths in nm.
        values : mapping of str to (float, ndarray or Dual)
            Values by name, broadcasting against the wavelengths.

        Returns
        -------
        ndarray of complex or Dual
            Of their broadcast shape.
        """
        self._check_range(wavelength_nm)
        return self._formula(wavelength_nm, {**self.parameters, **values})

    def _index(self, wavelength_nm: Real) -> Any:
        return self._formula(wavelength_nm, self.parameters)

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        """Return the index; a material without parameters gives `_index` in its place."""
        raise NotImplementedError

    def _check_range(self, wavelength_nm: Real) -> None:
        low, high = self.range_nm
        if wavelength_nm.size and not (low <= wavelength_nm.min() and wavelength_nm.max() <= high):
            asked = f"{wavelength_nm.min():g}..{wavelength_nm.max():g}"
            raise SettingError(
                f"{self.name} is known from {low:g} to {high:g} nm, but {asked} nm were asked for: choose "
                "another material or leave out the other wavelengths."
            )


class LayerMaterial(Material):
    """What only a layer can be made of: no half space is of it, no crystal and no mixture."""


@dataclass(frozen=True)
class Constant(Material):
    """The same index n + ik at every wavelength."""

    n: float
    k: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"index {self.n:g}")
        check_numbers(self.name, (self.n, self.k))
        if self.n <= 0 or self.k < 0:
            raise SettingError(
                f"An index needs n above 0 and k (n + ik) of 0 or more, got {self.n:g}, {self.k:g}."
            )

    @property
    def spec(self) -> Any:
        """As in a model file."""
        return {"index": [self.n, self.k] if self.k else self.n}

    @property
    def parameters(self) -> dict[str, float]:
        """Both."""
        return {"index_n": self.n, "index_k": self.k}

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the medium with another n or k."""
        n, k = (self.parameters | {name: value}).values()
        return replace(self, n=n, k=k, name="")

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        return values["index_n"] + 1j * values["index_k"] + np.zeros(wavelength_nm.shape)


@dataclass(frozen=True)
class Cauchy(Material):
    """``n = a + b / um**2 + c / um**4``, transparent; ``limits_nm`` is where the formula holds."""

    a: float
    b: float = 0.0
    c: float = 0.0
    limits_nm: tuple[float, float] = (0.0, np.inf)
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"Cauchy {self.a:g}")
        check_numbers(self.name, (self.a, self.b, self.c))

    @property
    def range_nm(self) -> tuple[float, float]:
        """Shortest and longest wavelength in nm that the formula holds for."""
        return self.limits_nm

    @property
    def spec(self) -> Any:
        """As in a model file."""
        return {"cauchy": [self.a, self.b, self.c]}

    @property
    def parameters(self) -> dict[str, float]:
        """The coefficients."""
        return {CAUCHY_A: self.a, "cauchy_b": self.b, "cauchy_c": self.c}

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the formula with another coefficient."""
        a, b, c = (self.parameters | {name: value}).values()
        return replace(self, a=a, b=b, c=c, name="")

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        um = wavelength_nm / 1000
        a, b, c = values.values()
        return a + b / um**2 + c / um**4


@dataclass(frozen=True)
class Sellmeier(Material):
    """``n**2 = 1 + sum of s um**2 / (um**2 - r**2)`` over terms ``(s, r)``, transparent.

    Attributes
    ----------
    terms : tuple of (float, float)
        Strength and resonance wavelength in um of each term.
    limits_nm : (float, float)
        Wavelengths in nm for which the formula holds.
    """

    terms: tuple[tuple[float, float], ...]
    limits_nm: tuple[float, float] = (0.0, np.inf)
    name: str = "Sellmeier"

    def __post_init__(self) -> None:
        check_numbers(self.name, [value for term in self.terms for value in term])

    @property
    def range_nm(self) -> tuple[float, float]:
        """Shortest and longest wavelength in nm that the formula holds for."""
        return self.limits_nm

    @property
    def spec(self) -> Any:
        """As in a model file."""
        return {"sellmeier": [list(term) for term in self.terms]}

    @property
    def parameters(self) -> dict[str, float]:
        """Each term's, as ``sellmeier_1_strength`` and ``sellmeier_1_resonance_um``."""
        return {
            f"sellmeier_{number}_{what}": value
            for number, term in enumerate(self.terms, start=1)
            for what, value in zip(("strength", "resonance_um"), term, strict=True)
        }

    @property
    def is_linear(self) -> bool:
        """Never: the index is a root."""
        return False

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the formula with another strength or resonance."""
        values = list((self.parameters | {name: value}).values())
        terms = tuple(zip(values[::2], values[1::2], strict=True))
        return replace(self, terms=terms, name="Sellmeier")

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        square, numbers = (wavelength_nm / 1000) ** 2, list(values.values())
        squared: Any = np.ones(wavelength_nm.shape)
        for strength, at in zip(numbers[::2], numbers[1::2], strict=True):
            squared = squared + strength * square / (square - at * at)
        if np.any(value_of(squared) <= 0):
            raise SettingError(f"{self.name}: the formula gives no real index at {wavelength_nm.min():g} nm.")
        return np.sqrt(squared)


@dataclass(frozen=True)
class Table(Material):
    """A table of n and k, interpolated linearly.

    Attributes
    ----------
    rows : tuple of (float, float, float)
        Wavelength in nm, n, k; ascending.
    name : str
        Name of the material or of the file.
    """

    rows: tuple[tuple[float, float, float], ...]
    name: str = "table"

    def __post_init__(self) -> None:
        values = np.asarray(self.rows, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != 3 or len(values) < 2:
            raise SettingError(f"{self.name} needs at least two rows of wavelength_nm, n, k.")
        check_numbers(self.name, values.ravel())
        if np.any(np.diff(values[:, 0]) <= 0):
            raise SettingError(f"{self.name}: wavelengths must ascend, each only once.")
        if np.any(values[:, 0] <= 0) or np.any(values[:, 1] <= 0) or np.any(values[:, 2] < 0):
            raise SettingError(f"{self.name}: wavelength and n must be above 0, k (n + ik) 0 or more.")

    @property
    def range_nm(self) -> tuple[float, float]:
        """First and last wavelength in nm of the table."""
        return self.rows[0][0], self.rows[-1][0]

    @property
    def telling_nm(self) -> Real:
        """Those of the rows."""
        return np.array([row[0] for row in self.rows])

    @property
    def spec(self) -> Any:
        """As in a model file, which names the table's file."""
        return {"file": self.name}

    @property
    def file(self) -> tuple[str, bytes]:
        """The rows."""
        rows = "".join(" ".join(map(repr, row)) + "\n" for row in self.rows)
        return self.name, f"# wavelength_nm n k\n{rows}".encode()

    def _index(self, wavelength_nm: Real) -> Any:
        wavelength, n, k = np.asarray(self.rows).T
        return np.interp(wavelength_nm, wavelength, n) + 1j * np.interp(wavelength_nm, wavelength, k)


def tabulated(material: Material, wavelength_nm: Real) -> Material:
    """Return a material as it is if a model file can name it, else its table at some wavelengths in nm."""
    try:
        _ = material.spec
    except SettingError:
        # A table needs two rows.
        waves = np.append(wavelength_nm, wavelength_nm[-1] + 1) if len(wavelength_nm) == 1 else wavelength_nm
        index = material(np.minimum(waves, material.range_nm[1]))
        rows = zip(waves.tolist(), index.real.tolist(), index.imag.tolist(), strict=True)
        return Table(tuple(rows), material.name)
    return material


def lossless(material: Material) -> bool:
    """Whether a material absorbs nowhere in the range it is known for."""
    return not np.any(material(material.telling_nm).imag)


def check_numbers(name: str, values: Sequence[float] | Real) -> None:
    """Refuse values of a material that are not finite, or so large that computing with them is not."""
    if not np.all(np.abs(np.asarray(values, dtype=np.float64)) <= _LARGEST_NUMBER):
        raise SettingError(f"{name} holds a value that is not a finite number below {_LARGEST_NUMBER:g}.")
