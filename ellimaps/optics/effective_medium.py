"""Materials mixed more finely than the wavelength: effective media of two or three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, get_args

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.optics.dual import Dual, slopes_of, value_of
from ellimaps.optics.fresnel import Complex, Real
from ellimaps.optics.library import spec_of
from ellimaps.optics.materials import LayerMaterial, Material, check_numbers

Rule = Literal["bruggeman", "maxwell_garnett", "linear"]
_FRACTION = "fraction_"
# Of the largest root: imaginary parts below it are those of rounding.
_REAL = 1e-9


@dataclass(frozen=True)
class EffectiveMedium(Material):
    """Two or three materials mixed in parts of the volume.

    ``bruggeman``: grains of equal right, D. A. G. Bruggeman, Ann. Phys. 416, 636 (1935),
    doi:10.1002/andp.19354160705, for spheres. ``maxwell_garnett``: inclusions in the first material,
    J. C. Maxwell Garnett, Phil. Trans. R. Soc. A 203, 385 (1904), doi:10.1098/rsta.1904.0024. ``linear``: the
    mean of the permittivities.

    Attributes
    ----------
    rule : {"bruggeman", "maxwell_garnett", "linear"}
        How they are mixed.
    materials : tuple of Material
        Two or three.
    fractions : tuple of float
        Of all but the first, which is the rest.
    """

    rule: Rule
    materials: tuple[Material, ...]
    fractions: tuple[float, ...]
    name: str = ""

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule):
            raise SettingError(f"A mixture is one of {', '.join(get_args(Rule))}, not {self.rule!r:.80}.")
        if not 2 <= len(self.materials) <= 3 or len(self.fractions) != len(self.materials) - 1:
            raise SettingError("A mixture has two or three materials, and a fraction for all but the first.")
        for one in self.materials:
            if not isinstance(one, Material) or isinstance(one, LayerMaterial):
                raise SettingError(f"A mixture is of isotropic materials, and {one.name} is not.")
        named = " and ".join(one.name for one in self.materials)
        object.__setattr__(self, "name", self.name or named)
        check_numbers(self.name, self.fractions)
        if min(self.fractions) < 0 or sum(self.fractions) > 1 + 1e-9:
            raise SettingError(f"Fractions of {self.name} must be 0 or more, and no more than 1 together.")

    @property
    def range_nm(self) -> tuple[float, float]:
        """Wavelengths in nm for which all are known."""
        ranges = [one.range_nm for one in self.materials]
        return max(low for low, _ in ranges), min(high for _, high in ranges)

    @property
    def spec(self) -> Any:
        """As in a model file."""
        return {self.rule: [spec_of(one) for one in self.materials], "fractions": list(self.fractions)}

    @property
    def parameters(self) -> dict[str, float]:
        """The fractions, as ``fraction_2``."""
        return {f"{_FRACTION}{number}": value for number, value in enumerate(self.fractions, start=2)}

    @property
    def is_linear(self) -> bool:
        """Never: the index is a root."""
        return False

    def with_parameter(self, name: str, value: float) -> Self:
        """Return the mixture with another fraction."""
        return replace(self, fractions=tuple((self.parameters | {name: value}).values()))

    def _formula(self, wavelength_nm: Real, values: Mapping[str, Any]) -> Any:
        parts = [one(wavelength_nm) ** 2 for one in self.materials]
        fractions = [values[name] for name in self.parameters]
        mixed = {"bruggeman": bruggeman, "maxwell_garnett": maxwell_garnett, "linear": linear}[self.rule]
        return np.sqrt(mixed(parts, [1 - sum(fractions), *fractions]) + 0j)


def linear(permittivities: Sequence[Any], fractions: Sequence[Any]) -> Any:
    """Return the mean of permittivities."""
    return sum(fraction * one for fraction, one in zip(fractions, permittivities, strict=True))


def maxwell_garnett(permittivities: Sequence[Any], fractions: Sequence[Any]) -> Any:
    """Return the permittivity of the first material with spheres of the others."""
    host, *others = permittivities
    polarized = sum(
        fraction * (one - host) / (one + 2 * host)
        for fraction, one in zip(fractions[1:], others, strict=True)
    )
    return host * (1 + 2 * polarized) / (1 - polarized)


def bruggeman(permittivities: Sequence[Any], fractions: Sequence[Any]) -> Any:
    """Return the permittivity for which the polarizations of all grains cancel.

    Parameters
    ----------
    permittivities, fractions : sequence of (ndarray or Dual)
        Of each material; they broadcast against each other.

    Returns
    -------
    ndarray of complex or Dual
        The root that absorbs as its materials do; its derivatives are those of the equation.
    """
    parts = [np.asarray(value_of(one), dtype=np.complex128) for one in permittivities]
    shares = [np.asarray(value_of(one), dtype=np.complex128) for one in fractions]
    mixed = _physical_root(parts, shares)
    # Where the sum stays 0, its change by what is mixed is that by everything else.
    by_mixed = sum(
        -3 * share * one / (one + 2 * mixed) ** 2 for share, one in zip(shares, parts, strict=True)
    )
    change = sum(
        fraction * (one - mixed) / (one + 2 * mixed)
        for fraction, one in zip(fractions, permittivities, strict=True)
    )
    slopes = {name: -slope / by_mixed for name, slope in slopes_of(change).items()}
    return Dual(mixed, slopes) if slopes else mixed


def _physical_root(parts: Sequence[Complex], shares: Sequence[Complex]) -> Complex:
    """Return the root of the sum of ``f (e - x) / (e + 2 x)`` that absorbs, or else is positive."""
    shape = np.broadcast_shapes(*(one.shape for one in (*parts, *shares)))
    degree = len(parts)
    polynomial = np.zeros((degree + 1, *shape), dtype=np.complex128)
    for number, (part, share) in enumerate(zip(parts, shares, strict=True)):
        factors: list[tuple[Any, Any]] = [(share * part, -share)]
        factors += [(other, 2.0) for place, other in enumerate(parts) if place != number]
        term: list[Any] = [np.ones(shape, dtype=np.complex128)]
        for low, high in factors:
            raised = [one * high for one in term]
            term = [one * low for one in term]
            term = [a + b for a, b in zip([*term, 0], [0, *raised], strict=True)]
        polynomial += np.stack([np.broadcast_to(one, shape) for one in term])
    roots = _square_roots(*polynomial) if degree == 2 else _roots(polynomial)
    absorbs = roots.imag > _REAL * np.abs(roots).max(axis=-1, keepdims=True)
    liked = np.where(absorbs, 1e9 + roots.imag, roots.real)
    best = np.argmax(liked, axis=-1)[..., None]
    return np.asarray(np.take_along_axis(roots, best, axis=-1)[..., 0])


def _square_roots(constant: Complex, linear_part: Complex, square: Complex) -> Complex:
    """Return both roots of a polynomial of second degree, shape (..., 2)."""
    root = np.sqrt(linear_part * linear_part - 4 * constant * square)
    # Of equal signs, so that nothing cancels; the other root has the product of both.
    along = (linear_part.conj() * root).real >= 0
    larger = -(linear_part + np.where(along, root, -root)) / 2
    tiny = larger == 0
    smaller = np.where(tiny, 0, constant / np.where(tiny, 1, larger))
    return np.stack([larger / square, smaller], axis=-1)


def _roots(polynomial: Complex) -> Complex:
    """Return the roots of polynomials, lowest power first, shape (..., degree)."""
    degree, shape = len(polynomial) - 1, polynomial.shape[1:]
    companion = np.zeros((*shape, degree, degree), dtype=np.complex128)
    companion[..., range(1, degree), range(degree - 1)] = 1
    companion[..., :, -1] = np.moveaxis(-polynomial[:-1] / polynomial[-1], 0, -1)
    return np.asarray(np.linalg.eigvals(companion), dtype=np.complex128)
