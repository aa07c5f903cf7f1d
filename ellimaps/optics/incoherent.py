"""Stacks with layers so thick that nothing interferes across them, and light that is a mixture.

What adds up when light is mixed are products of amplitudes: ``abs(r_p)**2``, ``abs(r_s)**2``, ``r_p r_s*``,
which hold reflectance, N, C and S (:func:`ellimaps.optics.fresnel.mueller_elements`). All numbers may be
arrays or `Dual`s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ellimaps.optics.fresnel import Real, Wave, interface, medium_waves


class Elements(NamedTuple):
    """Products of reflection coefficients, averaged over whatever the light is a mixture of."""

    pp: Any
    """``abs(r_p)**2``."""
    ss: Any
    """``abs(r_s)**2``."""
    ps: Any
    """``r_p r_s*``."""

    def each(self, function: Callable[[Any], Any]) -> Elements:
        """Return what a linear function makes of each of them."""
        return Elements(*map(function, self))

    @property
    def ratio(self) -> Any:
        """``tan(Psi) exp(-i Delta)`` of the polarised part."""
        n = (self.ss - self.pp) / 2
        return self.ps / (n + np.sqrt(n * n + (self.ps * self.ps.conjugate()).real))

    @property
    def depolarization(self) -> Any:
        """The share of the reflected light that is not polarised, 0..1, for light that has as much p as s."""
        n, c2 = (self.ss - self.pp) / 2, (self.ps * self.ps.conjugate()).real
        return 1 - 2 * np.sqrt(n * n + c2) / (self.ss + self.pp)


class _Response(NamedTuple):
    """What thin layers between two media do to light of one polarisation."""

    reflected: Any
    """Amplitude that returns to the outer medium of light from it."""
    returned: Any
    """Amplitude that returns to the inner medium of light from it."""
    through: Any
    """Product of what passes inwards and of what passes outwards."""


def reflected_elements(
    ambient: Any,
    indices: Sequence[Any],
    thicknesses_nm: Sequence[Any],
    substrate: Any,
    wavelength_nm: Real,
    aoi_deg: Any,
    shares: Mapping[int, Any],
) -> Elements:
    """Return the products of the amplitudes that a stack reflects.

    Parameters
    ----------
    ambient, indices, thicknesses_nm, substrate, wavelength_nm, aoi_deg
        As for :func:`ellimaps.optics.fresnel.amplitudes`.
    shares : mapping of int to (float, ndarray or Dual)
        By the numbers of the layers across which nothing interferes, what share of the light that comes back
        out of each reaches the detector.

    Notes
    -----
    Below a thick layer the elements are ``M``, seen from within it. Thin layers above it reflect ``r``, from
    below ``r'``, and pass ``T`` there and back. The mean of the products of ``r + T e m / (1 - r' e m)`` over
    the phase of ``e`` is ``r_i r_j* + T_i T_j* E M_ij / (1 - r'_i r'_j* E M_ij)`` with ``E = e_i e_j*``.
    Light that took the ways through two thick layers in another order does not interfere either.
    """
    tangential = ambient * np.sin(np.deg2rad(aoi_deg))
    media = [medium_waves(index, tangential) for index in (ambient, *indices, substrate)]
    phases = [thickness * (4j * np.pi / wavelength_nm) for thickness in thicknesses_nm]
    thick = sorted(shares)
    edges = [0, *(number + 1 for number in thick), len(media) - 1]
    groups = []
    for top, bottom in pairwise(edges):
        between = media[top : bottom + 1], phases[top : bottom - 1]
        groups.append(tuple(_response([one[light] for one in between[0]], between[1]) for light in (0, 1)))
    seen = _products(groups[-1][0].reflected, groups[-1][1].reflected)
    for number, (p, s) in zip(reversed(thick), reversed(groups[:-1]), strict=True):
        decay = _products(*(np.exp(phases[number] * wave.normal) for wave in media[number + 1]))
        inner = [one * below for one, below in zip(decay, seen, strict=True)]
        rows = zip(*(_products(*pair) for pair in zip(p, s, strict=True)), inner, strict=True)
        seen = Elements(
            *(
                reflected + shares[number] * through * back / (1 - returned * back)
                for reflected, returned, through, back in rows
            )
        )
    return Elements(seen.pp.real, seen.ss.real, seen.ps)


def _products(p: Any, s: Any) -> Elements:
    return Elements(p * p.conjugate(), s * s.conjugate(), p * s.conjugate())


def _response(waves: Sequence[Wave], phases: Sequence[Any]) -> _Response:
    surface = interface(waves[-2], waves[-1])
    reflected, returned, through = surface, -surface, 1 - surface * surface
    for depth in range(len(phases) - 1, -1, -1):
        surface = interface(waves[depth], waves[depth + 1])
        decay = np.exp(phases[depth] * waves[depth + 1].normal)
        back = decay * reflected
        scale = 1 / (1 + surface * back)
        returned = returned - through * decay * surface * scale
        through = through * decay * (1 - surface * surface) * scale * scale
        reflected = (surface + back) * scale
    return _Response(reflected, returned, through)
