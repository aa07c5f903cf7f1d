"""Chi squared of films and its derivatives in compiled loops; imported only where numba is installed.

The recursion is that of :mod:`ellimaps.optics.fresnel`, with each amplitude kept as a fraction, so that one
division a wavelength is left.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ellimaps.optics.fresnel import Real

# Radians; numba takes what is global as a constant.
_DEGREE = np.pi / 180

# A surface multiplies a fraction's parts by an admittance, at most 100 or so in a metal: 10^32 in 16 media,
# of which the fourth power is taken.
_BEFORE_OVERFLOW = 16

_Function = TypeVar("_Function", bound=Callable[..., object])


class Film(NamedTuple):
    """A model as arrays; media are numbered from the ambient, 0, to the substrate.

    Attributes
    ----------
    starts : ndarray of float, shape (parameter,)
        Values of the free parameters in the model.
    turned, shifted : int
        Which of them are offsets of the angle of incidence and of Delta; -1 for none.
    waves : ndarray of float, shape (band,)
        Wavelengths in nm.
    aoi : ndarray of float, shape (band,)
        Angles of incidence in radians.
    delta_offset : float
        In degrees.
    thickness : ndarray of float, shape (medium,)
        In nm, in the model; of any value for ambient and substrate.
    thickness_of, thickness_slope : ndarray, shape (medium,)
        The parameter that changes it, -1 for none, and by how much per unit.
    ordinary, extraordinary : ndarray of complex, shape (row, medium, band)
        Indices, of each spectrum, or in one row those of the model for all.
    first_link : ndarray of int, shape (medium + 1,)
        From where to where in the next ones the parameters stand that change the indices of a medium.
    link_of : ndarray of int, shape (link,)
        Numbers of these parameters.
    by_ordinary, by_extraordinary : ndarray of complex, shape (row, link, band)
        Derivatives of the indices by them.
    is_crystal : ndarray of bool, shape (medium,)
        Whether the two differ.
    is_linear : bool
        Whether the indices are those of the model, to be moved along the slopes, and not of each spectrum.
    """

    starts: Real
    turned: int
    shifted: int
    waves: Real
    aoi: Real
    delta_offset: float
    thickness: Real
    thickness_of: NDArray[np.intp]
    thickness_slope: Real
    ordinary: NDArray[np.complex128]
    extraordinary: NDArray[np.complex128]
    first_link: NDArray[np.intp]
    link_of: NDArray[np.intp]
    by_ordinary: NDArray[np.complex128]
    by_extraordinary: NDArray[np.complex128]
    is_crystal: NDArray[np.bool_]
    is_linear: bool


def _compiled(function: _Function) -> _Function:
    # Products and sums in one instruction save a tenth of the time (`benchmarks/bench_fits.py`).
    compiler = partial(njit, nogil=True, error_model="numpy", fastmath={"contract"})
    # Numba keeps what it compiled beside this file or in the user's cache, where it may write to either.
    try:
        return cast("_Function", compiler(cache=True)(function))
    except RuntimeError:
        return cast("_Function", compiler()(function))


@_compiled
def decaying_root(square: complex) -> complex:
    """Return the root whose imaginary part is not negative."""
    x, y = square.real, square.imag
    if y == 0 and x >= 0:
        return complex(np.sqrt(x), 0.0)
    size = np.sqrt(x * x + y * y)
    if x >= 0:
        real = np.sqrt((size + x) / 2)
        root = complex(real, y / (2 * real))
    else:
        imag = np.sqrt((size - x) / 2)
        root = complex(y / (2 * imag), imag)
    return -root if root.imag < 0 else root


@_compiled
def propagated(phase: float, normal: complex) -> complex:
    """Return exp(i phase normal), the phase being real."""
    turn = phase * normal.real
    decay = np.exp(-phase * normal.imag) if normal.imag != 0 else 1.0
    return complex(decay * np.cos(turn), decay * np.sin(turn))


@_compiled
def inverse(number: complex) -> complex:
    """Return one over a complex number that is neither huge nor tiny."""
    square = number.real * number.real + number.imag * number.imag
    return complex(number.real / square, -number.imag / square)


# Called, it would take a third of the time: a film is eighty arguments then.
@njit(inline="always")
def _set_medium(
    j: int,
    b: int,
    row: int,
    theta: Real,
    film: Film,
    tangential: complex,
    turn: complex,
    q: NDArray[np.complex128],
    a: NDArray[np.complex128],
    dq: NDArray[np.complex128],
    da: NDArray[np.complex128],
) -> None:
    """Set a medium's normal parts and admittances of p and s light at a wavelength, and their derivatives."""
    crystal = film.is_crystal[j]
    n_o, n_e = film.ordinary[row, j, b], film.extraordinary[row, j, b]
    links = range(film.first_link[j], film.first_link[j + 1])
    if film.is_linear:
        for link in links:
            change = theta[film.link_of[link]] - film.starts[film.link_of[link]]
            n_o += change * film.by_ordinary[0, link, b]
            n_e += change * film.by_extraordinary[0, link, b]
    e_o, square = n_o * n_o, tangential * tangential
    inverse_o = inverse_e = inverse(e_o)
    if crystal:
        inverse_e = inverse(n_e * n_e)
    else:
        n_e = n_o
    q_s = decaying_root(e_o - square)
    q_p = decaying_root(e_o * (1 - square * inverse_e)) if crystal else q_s
    q[j, 0], q[j, 1], a[j, 0], a[j, 1] = q_p, q_s, q_p * inverse_o, q_s
    if dq.shape[1] == 0:
        return
    k = film.turned
    if k >= 0:
        dq[j, k, 0], dq[j, k, 1] = -e_o * inverse_e * turn * inverse(q_p), -turn * inverse(q_s)
        da[j, k, 0], da[j, k, 1] = dq[j, k, 0] * inverse_o, dq[j, k, 1]
    for link in links:
        k, by_o = film.link_of[link], 2 * n_o * film.by_ordinary[row, link, b]
        dq[j, k, 1] = dq[j, k, 0] = by_o * inverse(q_s) / 2
        if crystal:
            by_e, share = 2 * n_e * film.by_extraordinary[row, link, b], square * inverse_e
            dq[j, k, 0] = (by_o * (1 - share) + e_o * share * inverse_e * by_e) * inverse(q_p) / 2
        da[j, k, 0], da[j, k, 1] = (dq[j, k, 0] - a[j, 0] * by_o) * inverse_o, dq[j, k, 1]


@_compiled
def sum_up(
    theta: Real,
    measured: Real,
    weights: Real,
    film: Film,
    chi2: Real,
    slope: Real,
    normal: Real,
    angles: Real,
) -> None:
    """Add up chi squared, slopes and normal matrices of n spectra.

    Parameters
    ----------
    theta : ndarray of float, shape (n, parameter)
        Where.
    measured, weights : ndarray of float, shape (n, 2 band)
        Psi, then Delta, in degrees, and one over their standard deviations.
    film : Film
        The model.
    chi2, slope, normal : ndarray of float, shape (n,), (n, m) and (n, m, m)
        Zero; the sums are added. No derivatives are computed if m is 0, else m is the number of parameters.
    angles : ndarray of float, shape (n, 2 band) or (0, 0)
        Gets modelled Psi and Delta if it has a size.
    """
    starts, waves, is_crystal, thickness_of = film.starts, film.waves, film.is_crystal, film.thickness_of
    ordinary, delta_offset, turned, shifted = film.ordinary, film.delta_offset, film.turned, film.shifted
    n_bands, n_media, m = len(waves), ordinary.shape[1], slope.shape[1]
    moves, is_thickness = np.zeros(n_media, np.bool_), np.zeros(len(starts), np.bool_)
    for j in range(n_media):
        moves[j] = turned >= 0 or film.first_link[j] < film.first_link[j + 1]
        if thickness_of[j] >= 0:
            is_thickness[thickness_of[j]] = True
    # Normal parts and admittances in each medium, of p and of s, and their derivatives.
    q, a = np.empty((n_bands, n_media, 2), np.complex128), np.empty((n_bands, n_media, 2), np.complex128)
    dq, da = np.zeros((n_media, m, 2), np.complex128), np.zeros((n_media, m, 2), np.complex128)
    above, below = np.empty(2, np.complex128), np.empty(2, np.complex128)
    d_above, d_below = np.empty((m, 2), np.complex128), np.empty((m, 2), np.complex128)
    decays, tangential, turn = np.empty(n_media, np.complex128), np.empty(n_bands, np.complex128), 0j
    d_psi, d_delta = np.empty(m), np.empty(m)
    for p in range(len(theta)):
        row = 0 if film.is_linear else p
        for b in range(n_bands):
            w_psi, w_delta = weights[p, b], weights[p, n_bands + b]
            if w_psi == 0 and w_delta == 0 and p > 0:
                continue
            if turned >= 0 or p == 0:
                angle = film.aoi[b]
                if turned >= 0:
                    angle += (theta[p, turned] - starts[turned]) * _DEGREE
                tangential[b] = ordinary[0, 0, b] * np.sin(angle)
                turn = tangential[b] * ordinary[0, 0, b] * np.cos(angle) * _DEGREE
            for j in range(n_media):
                if moves[j] or p == 0:
                    _set_medium(j, b, row, theta[p], film, tangential[b], turn, q[b], a[b], dq, da)
            if w_psi == 0 and w_delta == 0:
                continue
            unit = 4 * np.pi / waves[b]
            for light in range(2):
                t = a[b, n_media - 2, light] - a[b, n_media - 1, light]
                s = a[b, n_media - 2, light] + a[b, n_media - 1, light]
                top, bottom = t, s
                for k in range(m):
                    outer, inner = da[n_media - 2, k, light], da[n_media - 1, k, light]
                    d_above[k, light], d_below[k, light] = outer - inner, outer + inner
                for j in range(n_media - 2, 0, -1):
                    number, nm, stretch = thickness_of[j], film.thickness[j], film.thickness_slope[j]
                    if number >= 0:
                        nm += (theta[p, number] - starts[number]) * stretch
                    phase = unit * nm
                    # Light of both kinds has one normal part in an isotropic medium, and so one exponential.
                    if light == 0 or is_crystal[j]:
                        decays[j] = propagated(phase, q[b, j, light])
                    back = decays[j] * top
                    t = a[b, j - 1, light] - a[b, j, light]
                    s = a[b, j - 1, light] + a[b, j, light]
                    for k in range(m):
                        d_back = decays[j] * d_above[k, light]
                        if k == number:
                            d_back += back * (1j * unit * stretch * q[b, j, light])
                        elif moves[j]:
                            d_back += back * (1j * phase * dq[j, k, light])
                        d_top = t * d_below[k, light] + s * d_back
                        d_bottom = s * d_below[k, light] + t * d_back
                        if not is_thickness[k]:
                            by_outer = da[j - 1, k, light] * (bottom + back)
                            by_inner = da[j, k, light] * (back - bottom)
                            d_top += by_outer + by_inner
                            d_bottom += by_outer - by_inner
                        d_above[k, light], d_below[k, light] = d_top, d_bottom
                    top, bottom = t * bottom + s * back, s * bottom + t * back
                    if j % _BEFORE_OVERFLOW == 0:
                        scale = 1 / (abs(top) + abs(bottom))
                        top, bottom = top * scale, bottom * scale
                        for k in range(m):
                            d_above[k, light] *= scale
                            d_below[k, light] *= scale
                above[light], below[light] = top, bottom
            over, under = above[0] * below[1], below[0] * above[1]
            over2 = over.real * over.real + over.imag * over.imag
            under2 = under.real * under.real + under.imag * under.imag
            rho = over * under.conjugate()
            psi = np.arctan2(np.sqrt(over2), np.sqrt(under2)) / _DEGREE
            delta = -np.arctan2(rho.imag, rho.real) / _DEGREE + delta_offset
            if shifted >= 0:
                delta += theta[p, shifted] - delta_offset
            if angles.size:
                angles[p, b], angles[p, n_bands + b] = psi, delta % 360
            rest_psi = (measured[p, b] - psi) * w_psi
            rest_delta = measured[p, n_bands + b] - delta
            rest_delta = (rest_delta - 360 * np.rint(rest_delta / 360)) * w_delta
            chi2[p] += rest_psi * rest_psi + rest_delta * rest_delta
            if m == 0:
                continue
            by_psi = np.sqrt(over2 * under2) / (over2 + under2) / _DEGREE * w_psi
            by_delta = -w_delta / _DEGREE
            above_p, below_p = inverse(above[0]), inverse(below[0])
            above_s, below_s = inverse(above[1]), inverse(below[1])
            for k in range(m):
                ratio = d_above[k, 0] * above_p - d_below[k, 0] * below_p
                ratio += d_below[k, 1] * below_s - d_above[k, 1] * above_s
                d_psi[k], d_delta[k] = by_psi * ratio.real, by_delta * ratio.imag
            if shifted >= 0:
                d_psi[shifted], d_delta[shifted] = 0.0, w_delta
            for k in range(m):
                slope[p, k] += d_psi[k] * rest_psi + d_delta[k] * rest_delta
                for i in range(k + 1):
                    normal[p, k, i] += d_psi[k] * d_psi[i] + d_delta[k] * d_delta[i]
        for k in range(m):
            for i in range(k):
                normal[p, i, k] = normal[p, k, i]
