"""The optics of generated samples: oxide terraces on silicon.

Everything here is in the conventions of :mod:`ellimaps.optics.fresnel`.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
from scipy.optimize import brentq
from scipy.spatial.distance import cdist

from ellimaps.optics.fresnel import Complex, Real, mueller_elements, reflection_coefficients

# n = A + B / um**2 + C / um**4, fitted over 400..900 nm to fused silica (I. H. Malitson, J. Opt. Soc. Am.
# 55, 1205 (1965)); it stays within 3e-4 of that.
SILICA_CAUCHY_UM = (1.44686, 0.004274, -0.000095)

THICKEST_NM = 400.0
"""Two periods of Delta and Psi at 550 nm: room for ten that differ well, and for wrong fits."""

# At 50 deg Delta of an oxide film on silicon stays within 139..221 deg whatever its thickness. Beyond about
# 71 deg some thicknesses take it through 0/360; at 76 deg they do so at every wavelength from 450 to 750 nm
# and with Psi far enough below 90 deg for Delta to mean something.
PLAIN_AOI_DEG = 50.0
WRAPPING_AOI_DEG = 76.0

_CANDIDATE_STEP_NM = 2.5  # 160 candidates, of which at most 10 are chosen.


def silica_index(wavelength_nm: Real) -> Real:
    """Return the refractive index of SiO2, shape of ``wavelength_nm`` (in nm)."""
    um = np.asarray(wavelength_nm, dtype=np.float64) / 1000
    a, b, c = SILICA_CAUCHY_UM
    return a + b / um**2 + c / um**4


def silicon_table() -> Real:
    """Return the refractive index of silicon, 400..900 nm, shape (row, 3): wavelength in nm, n, k."""
    source = resources.files("ellimaps.optics").joinpath("data/Si.csv")
    with source.open(encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",")
    # The file goes further; a sample's substrate.nk holds what samples may use of it.
    return table[(table[:, 0] >= 400) & (table[:, 0] <= 900)]


def silicon_index(wavelength_nm: Real) -> Complex:
    """Return the index n + ik of silicon, shape of ``wavelength_nm``, interpolated between 400 and 900 nm."""
    wavelength, n, k = silicon_table().T
    index: Complex = np.interp(wavelength_nm, wavelength, n) + 1j * np.interp(wavelength_nm, wavelength, k)
    return index


def oxide_elements(thickness_nm: Real, wavelengths_nm: Real, aoi_deg: float) -> Real:
    """Return the Mueller elements of an oxide film on silicon in air.

    Parameters
    ----------
    thickness_nm : ndarray of float, shape (n,)
        Oxide thickness in nm.
    wavelengths_nm : ndarray of float, shape (band,)
        Wavelengths in nm.
    aoi_deg : float
        Angle of incidence in degrees.

    Returns
    -------
    elements : ndarray of float, shape (3, band, n)
        As :func:`ellimaps.optics.fresnel.mueller_elements`.
    """
    wavelength = np.asarray(wavelengths_nm, dtype=np.float64)[:, None]
    oxide, silicon = silica_index(wavelength), silicon_index(wavelength)
    return mueller_elements(
        *reflection_coefficients(1.0, [oxide], [thickness_nm], silicon, wavelength, aoi_deg)
    )


def choose_thicknesses(
    kinds: int, wavelengths_nm: Real, aoi_deg: float, tilt: float, wrap: bool, rng: np.random.Generator
) -> Real:
    """Choose oxide thicknesses whose spectra differ well from each other.

    Parameters
    ----------
    kinds : int
        How many.
    wavelengths_nm : ndarray of float, shape (band,)
        Wavelengths in nm.
    aoi_deg : float
        Angle of incidence in degrees.
    tilt : float
        Relative change of thickness across the map; the spectra keep their distance all along it.
    wrap : bool
        Choose the first thickness such that its Delta is 0 at one wavelength, and, if there are three or
        more, others on both sides of 0/360 at that wavelength (a single wavelength may not allow it).
    rng : numpy.random.Generator
        Source of the choice.

    Returns
    -------
    thicknesses_nm : ndarray of float, shape (kinds,)
        Thicknesses between 0 and 400 nm in the order of choice.

    Notes
    -----
    Each further thickness is the candidate farthest from those already chosen, in N, C, S over all
    wavelengths (farthest-point search from a random start).
    """
    grid = np.arange(0.0, THICKEST_NM, _CANDIDATE_STEP_NM)
    candidates: Real = grid + rng.uniform(0, _CANDIDATE_STEP_NM, len(grid))
    if not wrap:
        distances = _distances(candidates, wavelengths_nm, aoi_deg, tilt)
        return candidates[_farthest_points(distances, int(rng.integers(len(candidates))), kinds)]
    choices = []
    for band, crossing in rng.permutation(_wrap_crossings(wavelengths_nm, aoi_deg)):
        pool = np.append(crossing, candidates)
        chosen = pool[_farthest_points(_distances(pool, wavelengths_nm, aoi_deg, tilt), 0, kinds)]
        if kinds < 3 or _on_both_sides(chosen[1:], wavelengths_nm[int(band)], aoi_deg):
            return chosen
        choices.append(chosen)
    return choices[0]


def _normalized(thickness_nm: Real, wavelengths_nm: Real, aoi_deg: float) -> Real:
    elements = oxide_elements(thickness_nm, wavelengths_nm, aoi_deg)
    ncs: Real = elements / np.sqrt((elements**2).sum(axis=0))
    return ncs


def _distances(thickness_nm: Real, wavelengths_nm: Real, aoi_deg: float, tilt: float) -> Real:
    """Return the rms distance of every pair in N, C, S, the least along the tilt."""
    spectra = []
    for factor in np.unique([1 - abs(tilt) / 2, 1.0, 1 + abs(tilt) / 2]):
        ncs = _normalized(factor * thickness_nm, wavelengths_nm, aoi_deg)
        spectra.append(ncs.reshape(-1, len(thickness_nm)).T)
    pairs = [cdist(one, other) for one in spectra for other in spectra]
    nearest: Real = np.min(pairs, axis=0) / np.sqrt(spectra[0].shape[1])
    return nearest


def _farthest_points(distances: Real, start: int, count: int) -> list[int]:
    chosen = [start]
    while len(chosen) < count:
        chosen.append(int(distances[chosen].min(axis=0).argmax()))
    return chosen


def _wrap_crossings(wavelengths_nm: Real, aoi_deg: float) -> Real:
    """Return rows of (band number, thickness in nm) at which Delta passes through 0/360."""
    grid = np.arange(0.0, THICKEST_NM + 0.5, 0.5)
    n, c, s = _normalized(grid, wavelengths_nm, aoi_deg)
    # Where Psi is close to 0 or 90 deg Delta means little and one nanometre turns it right round.
    meaningful = (c > 0.1) & (np.abs(n) < 0.995)
    crosses = (s[:, 1:] * s[:, :-1] < 0) & meaningful[:, 1:] & meaningful[:, :-1]
    rows = []
    for band, left in np.argwhere(crosses):
        wavelength = wavelengths_nm[band : band + 1]
        root = brentq(_s_element, grid[left], grid[left + 1], args=(wavelength, aoi_deg), xtol=1e-9)
        rows.append((float(band), root))
    return np.array(rows)


def _s_element(thickness_nm: float, wavelength_nm: Real, aoi_deg: float) -> float:
    return float(oxide_elements(np.array([thickness_nm]), wavelength_nm, aoi_deg)[2, 0, 0])


def _on_both_sides(thickness_nm: Real, wavelength_nm: float, aoi_deg: float) -> bool:
    _, c, s = _normalized(thickness_nm, np.array([wavelength_nm]), aoi_deg)
    return bool(((c > 0) & (s > 0)).any() and ((c > 0) & (s < 0)).any())
