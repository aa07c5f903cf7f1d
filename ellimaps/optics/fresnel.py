"""Reflection of polarised light from a stack of thin films, and the ellipsometric angles.

Conventions, used in all of :mod:`ellimaps.optics`:

- A refractive index is ``n + ik``; ``k >= 0`` absorbs. Fields vary as ``exp(-i omega t)``.
- ``rho = r_p / r_s = tan(Psi) exp(-i Delta)``, Psi in 0..90 deg, Delta in 0..360 deg.
- The p direction is such that ``r_p = -r_s`` at normal incidence, so Delta of bare silicon below its
  Brewster angle is about 180 deg, as ellipsometers report it.
- Layers are listed from the ambient to the substrate. Wavelengths and thicknesses are in nm.

Every argument may be an array; they broadcast against each other, for example wavelengths of shape
``(band, 1)`` against thicknesses of shape ``(pixel,)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ellimaps.core.errors import SettingError
from ellimaps.optics.dual import function_of, value_of

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


class Wave(NamedTuple):
    """One polarisation inside one medium, in units of the vacuum wave number.

    Media enter the recursion only through this pair, so an anisotropic medium needs nothing but its own
    function returning two of these.
    """

    normal: Complex
    """Component of the wave vector along the surface normal; its imaginary part decays inwards."""
    admittance: Complex
    """Ratio of the tangential fields, which decides what an interface reflects."""


def isotropic_waves(index: ArrayLike, tangential: ArrayLike) -> tuple[Wave, Wave]:
    """Return the p and the s wave in an isotropic medium.

    Parameters
    ----------
    index : array_like of complex
        Refractive index n + ik.
    tangential : array_like of complex
        Wave-vector component along the surface over the vacuum wave number, ``n sin(angle)``, the
        same in every medium.

    Returns
    -------
    p, s : Wave
        Arrays have the broadcast shape of the arguments.
    """
    permittivity = np.square(index)
    normal = _decaying_root(permittivity - np.square(tangential))
    return Wave(normal, normal / permittivity), Wave(normal, normal)


def uniaxial_waves(ordinary: ArrayLike, extraordinary: ArrayLike, tangential: ArrayLike) -> tuple[Wave, Wave]:
    """Return the p and the s wave in a uniaxial medium whose optical axis is the surface normal.

    Parameters
    ----------
    ordinary : array_like of complex
        Refractive index n + ik for fields in the plane of the surface.
    extraordinary : array_like of complex
        Refractive index for fields along the normal.
    tangential : array_like of complex
        As for :func:`isotropic_waves`.

    Returns
    -------
    p, s : Wave
        Arrays have the broadcast shape of the arguments.

    Notes
    -----
    The s wave sees the ordinary index alone. The p wave has
    ``normal**2 = e_o (1 - tangential**2 / e_e)`` and the admittance ``normal / e_o``
    (Azzam and Bashara, Ellipsometry and Polarized Light, sec. 4.7).
    """
    in_plane, along, square = np.square(ordinary), np.square(extraordinary), np.square(tangential)
    p = _decaying_root(in_plane * (1 - square / along))
    s = _decaying_root(in_plane - square)
    return Wave(p, p / in_plane), Wave(s, s)


class Uniaxial(NamedTuple):
    """Refractive indices of a layered crystal that lies flat; takes the place of one index in a stack."""

    ordinary: Complex
    extraordinary: Complex


def medium_waves(index: ArrayLike | Uniaxial, tangential: ArrayLike) -> tuple[Wave, Wave]:
    """Return the p and the s wave of a medium given by one index or by a :class:`Uniaxial` pair."""
    if isinstance(index, Uniaxial):
        return uniaxial_waves(index.ordinary, index.extraordinary, tangential)
    return isotropic_waves(index, tangential)


def reflection_coefficients(
    ambient_index: ArrayLike,
    layer_indices: Sequence[ArrayLike | Uniaxial],
    thicknesses_nm: Sequence[ArrayLike],
    substrate_index: ArrayLike | Uniaxial,
    wavelength_nm: ArrayLike,
    aoi_deg: ArrayLike,
) -> tuple[Complex, Complex]:
    """Return the amplitude reflection coefficients of a layer stack.

    Parameters
    ----------
    ambient_index : array_like
        Refractive index of the medium the light comes from; transparent.
    layer_indices : sequence of (array_like of complex or Uniaxial)
        Refractive index n + ik of each layer, from the ambient to the substrate; may be empty.
    thicknesses_nm : sequence of array_like
        Thickness of each layer in nm, as many as ``layer_indices``.
    substrate_index : array_like of complex or Uniaxial
        Refractive index of the half space below the layers.
    wavelength_nm : array_like
        Vacuum wavelength in nm.
    aoi_deg : array_like
        Angle of incidence in degrees, 0..90.

    Returns
    -------
    r_p, r_s : ndarray of complex
        Both have the shape to which all arguments broadcast.

    Raises
    ------
    SettingError
        If the numbers of layers and of thicknesses differ.

    Notes
    -----
    The recursion runs upwards from the substrate (Rouard; Parratt, Phys. Rev. 95, 359 (1954)). Only
    phase factors of modulus <= 1 occur in it, so thick absorbing layers neither overflow nor cancel.
    """
    if len(layer_indices) != len(thicknesses_nm):
        raise SettingError(
            f"A stack of {len(layer_indices)} layers needs as many thicknesses, got {len(thicknesses_nm)}."
        )
    given = [_as_index(one) for one in (ambient_index, *layer_indices, substrate_index)]
    thicknesses = [np.asarray(one, dtype=np.float64) for one in thicknesses_nm]
    wavelength, angle = (np.asarray(one, dtype=np.float64) for one in (wavelength_nm, aoi_deg))
    r_p, r_s = amplitudes(given[0], given[1:-1], thicknesses, given[-1], wavelength, angle)
    shape = np.broadcast_shapes(r_p.shape, r_s.shape, wavelength.shape)
    return np.broadcast_to(r_p, shape), np.broadcast_to(r_s, shape)


def amplitudes(
    ambient: Any,
    indices: Sequence[Any],
    thicknesses_nm: Sequence[Any],
    substrate: Any,
    wavelength_nm: Real,
    aoi_deg: Any,
) -> tuple[Any, Any]:
    """Return ``r_p, r_s`` as `reflection_coefficients`, of arrays or of numbers that carry derivatives.

    Parameters
    ----------
    ambient, indices, thicknesses_nm, substrate, wavelength_nm, aoi_deg
        As there; each an ndarray or a `Dual`, an index a `Uniaxial` of two of these.
    """
    tangential = ambient * np.sin(np.deg2rad(aoi_deg))
    media = [medium_waves(index, tangential) for index in (ambient, *indices, substrate)]
    phases = [thickness * (4j * np.pi / wavelength_nm) for thickness in thicknesses_nm]
    return _reflect([p for p, _ in media], phases), _reflect([s for _, s in media], phases)


def reflection_ratio(
    ambient_index: ArrayLike,
    layer_indices: Sequence[ArrayLike | Uniaxial],
    thicknesses_nm: Sequence[ArrayLike],
    substrate_index: ArrayLike | Uniaxial,
    wavelength_nm: ArrayLike,
    aoi_deg: ArrayLike,
) -> Complex:
    """Return ``rho = r_p / r_s`` of a layer stack.

    Parameters
    ----------
    ambient_index, layer_indices, thicknesses_nm, substrate_index, wavelength_nm, aoi_deg
        As in :func:`reflection_coefficients`.

    Returns
    -------
    rho : ndarray of complex
        ``tan(Psi) exp(-i Delta)``, of the shape to which all arguments broadcast.

    Raises
    ------
    SettingError
        If the numbers of layers and of thicknesses differ.
    """
    r_p, r_s = reflection_coefficients(
        ambient_index, layer_indices, thicknesses_nm, substrate_index, wavelength_nm, aoi_deg
    )
    ratio: Complex = r_p / r_s
    return ratio


def psi_delta(rho: ArrayLike) -> tuple[Real, Real]:
    """Return the ellipsometric angles of a reflection ratio.

    Parameters
    ----------
    rho : array_like of complex
        ``r_p / r_s = tan(Psi) exp(-i Delta)``.

    Returns
    -------
    psi_deg, delta_deg : ndarray of float
        Psi in 0..90 and Delta in 0..360 (360 excluded), in degrees; the shape of ``rho``.
    """
    rho = np.asarray(rho, dtype=np.complex128)
    psi: Real = np.rad2deg(np.arctan(np.abs(rho)))
    return psi, _full_circle(-np.angle(rho, deg=True))


def mueller_elements(r_p: ArrayLike, r_s: ArrayLike) -> Real:
    """Return reflectance times N, C and S, the quantities that add up when light is mixed.

    A detector pixel that sees two surfaces, or a blurred image, averages these elements of the Mueller
    matrix and not the angles.

    Parameters
    ----------
    r_p, r_s : array_like of complex
        Amplitude reflection coefficients, broadcasting against each other.

    Returns
    -------
    elements : ndarray of float, shape (3, ...)
        R N, R C and R S with N = cos 2Psi, C = sin 2Psi cos Delta, S = sin 2Psi sin Delta and
        R = (abs(r_p)**2 + abs(r_s)**2) / 2.
    """
    r_p, r_s = np.asarray(r_p, dtype=np.complex128), np.asarray(r_s, dtype=np.complex128)
    cross = r_p * r_s.conj()
    return np.stack([(np.abs(r_s) ** 2 - np.abs(r_p) ** 2) / 2, cross.real, -cross.imag])


def psi_delta_from_mueller(elements: ArrayLike) -> tuple[Real, Real]:
    """Return the ellipsometric angles of (possibly mixed) Mueller elements.

    Parameters
    ----------
    elements : array_like of float, shape (3, ...)
        N, C and S times any common positive factor, such as :func:`mueller_elements` returns.

    Returns
    -------
    psi_deg, delta_deg : ndarray of float
        Psi in 0..90 and Delta in 0..360 (360 excluded), in degrees: the angles of the polarised part.
    """
    n, c, s = np.asarray(elements, dtype=np.float64)
    psi: Real = np.rad2deg(np.arctan2(np.hypot(c, s), n)) / 2
    return psi, _full_circle(np.rad2deg(np.arctan2(s, c)))


def _reflect(waves: Sequence[Wave], phases: Sequence[Any]) -> Any:
    reflected = interface(waves[-2], waves[-1])
    for depth in range(len(phases) - 1, -1, -1):
        outer, layer = waves[depth], waves[depth + 1]
        returned = reflected * np.exp(phases[depth] * layer.normal)
        reflected = _both(interface(outer, layer), returned)
    return reflected


def _both(surface: Any, returned: Any) -> Any:
    """Return what a surface reflects with what comes back to it from below."""
    s, r = value_of(surface), value_of(returned)
    scale = 1 / (1 + s * r)
    by_surface, by_returned = lambda: (1 - r * r) * scale**2, lambda: (1 - s * s) * scale**2
    return function_of((s + r) * scale, (surface, by_surface), (returned, by_returned))


def interface(outer: Wave, inner: Wave) -> Any:
    """Return what the surface between two media reflects of light from the outer one."""
    a, b = value_of(outer.admittance), value_of(inner.admittance)
    scale = 1 / (a + b)
    by_outer, by_inner = lambda: 2 * b * scale**2, lambda: -2 * a * scale**2
    return function_of((a - b) * scale, (outer.admittance, by_outer), (inner.admittance, by_inner))


def _decaying_root(square: Any) -> Any:
    # The principal root of a negative real number with imaginary part -0.0 would grow inwards.
    root = np.sqrt(np.asarray(value_of(square), dtype=np.complex128))
    root = np.where(root.imag < 0, -root, root)
    return function_of(root, (square, lambda: 0.5 / root))


def _as_index(given: ArrayLike | Uniaxial) -> Any:
    if isinstance(given, Uniaxial):
        return Uniaxial(_as_index(given.ordinary), _as_index(given.extraordinary))
    return np.asarray(given, dtype=np.complex128)


def _full_circle(angle_deg: Real) -> Real:
    # The modulus of a tiny negative number rounds to 360 itself.
    turned = np.mod(angle_deg, 360.0)
    return np.where(turned >= 360.0, 0.0, turned)
