"""Three families of generated maps, each with assumptions of its own, for judging a suggested k.

- `contours`: oxide on silicon in terraces along the contours of a smooth field, so that each kind borders on
  the next thicker one; steps of 5 to 30 nm, as uneven as chance makes them; a tilted and bowed film.
- `islands`: flakes of a transparent crystal on oxidised silicon, every kind as one to four separate islands
  of various shapes all over a tilted film.
- `mosaic`: materials with arbitrary smooth spectra, some of them near to each other, in a mosaic without any
  background; texture inside each and a drift across every map.
- `uneven`: the terraces of the first with given steps, of 95, 103, 115, 134 nm and of 95, 101, 108, 123, 141,
  161 nm; `patches`: one or two kinds, each in five patches all over a film tilted by 2 to 6 %.

None uses the generator behind `ellimaps.samples.sample_ep4`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.stack import DELTA, PSI, ImageStack
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Constant
from ellimaps.optics.model import ThinFilm

SIZE = (128, 160)
PSI_NOISE_DEG, DELTA_NOISE_DEG = 0.05, 0.1

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Maps:
    """Generated maps and what they were made of.

    Attributes
    ----------
    stack : ImageStack
        Delta and Psi.
    kinds : ndarray of int, shape (y, x)
        Kind of each pixel.
    about : str
        The kinds and the disturbances, for whoever looks at a wrong answer.
    """

    stack: ImageStack
    kinds: NDArray[np.intp]
    about: str

    @property
    def k(self) -> int:
        """Number of kinds."""
        return int(self.kinds.max()) + 1


def contours(number: int) -> Maps:
    """Return maps of the family `contours`."""
    rng = np.random.default_rng([1, number])
    k = 2 + number % 7
    gaps = np.exp(rng.uniform(np.log(5), np.log(30), k - 1))
    return terraces(rng.uniform(60, 130) + np.r_[0, np.cumsum(gaps)], rng)


def terraces(thicknesses_nm: Real, rng: np.random.Generator, tilt: float | None = None) -> Maps:
    """Return terraces of oxide with given thicknesses along the contours of a smooth field."""
    k = len(thicknesses_nm)
    field = ndimage.gaussian_filter(rng.normal(size=SIZE), rng.uniform(9, 18), mode="wrap")
    shares = 0.5 / k + 0.5 * rng.dirichlet(np.full(k, 2.0))
    kinds = np.searchsorted(np.quantile(field, np.cumsum(shares)[:-1]), field)
    smallest = np.diff(thicknesses_nm).min() / thicknesses_nm.max()
    tilt = rng.uniform(0, min(0.035, 0.8 * smallest)) if tilt is None else tilt
    factor = 1 + tilt * _plane(rng) + 0.3 * tilt * _bowl()
    film = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 400.0)}),))
    wavelengths = np.linspace(*rng.uniform((420, 680), (500, 800)), int(rng.choice([7, 11, 15])))
    spectra = _film_spectra(film, wavelengths, rng.uniform(48, 62))
    maps = spectra(thicknesses_nm[kinds] * factor)
    text = f"{np.round(thicknesses_nm, 1).tolist()} nm, tilt {tilt:.3f}"
    return _measured(maps, wavelengths, kinds, rng, text)


def islands(number: int) -> Maps:
    """Return maps of the family `islands`."""
    rng = np.random.default_rng([2, number])
    return flakes(2 + number % 7, rng)


def flakes(k: int, rng: np.random.Generator, patches: int | None = None, tilt: float | None = None) -> Maps:
    """Return islands of ``k - 1`` thicknesses on a bare film, each as some ``patches``."""
    kinds = np.zeros(SIZE, dtype=np.intp)
    for kind in range(1, k):
        for _ in range(patches or int(rng.integers(1, 5))):
            _draw_island(kinds, kind, rng)
    kinds = np.unique(kinds, return_inverse=True)[1].reshape(SIZE)
    k = int(kinds.max()) + 1
    gaps = np.exp(rng.uniform(np.log(4), np.log(20), k - 1))
    thicknesses = np.r_[0, rng.uniform(0, 25) + np.cumsum(gaps)]
    order = np.r_[0, 1 + rng.permutation(k - 1)]
    smallest = gaps.min() / thicknesses.max()
    tilt = rng.uniform(0.005, max(0.006, min(0.04, 0.8 * smallest))) if tilt is None else tilt
    factor = 1 + tilt * _plane(rng)
    crystal = Layer(Constant(rng.uniform(1.8, 2.3)), 10.0, {"thickness_nm": (0.0, 400.0)})
    film = ThinFilm("Si", (crystal, Layer("SiO2", rng.uniform(80, 300))))
    wavelengths = np.linspace(*rng.uniform((450, 700), (550, 820)), int(rng.choice([7, 11, 15])))
    spectra = _film_spectra(film, wavelengths, rng.uniform(48, 58))
    maps = spectra(thicknesses[order][kinds] * factor)
    text = f"{np.round(thicknesses, 1).tolist()} nm, tilt {tilt:.3f}"
    return _measured(maps, wavelengths, kinds, rng, text)


def mosaic(number: int) -> Maps:
    """Return maps of the family `mosaic`."""
    rng = np.random.default_rng([3, number])
    k = 2 + number % 7
    wavelengths = np.linspace(450, 750, int(rng.choice([5, 9, 13])))
    kinds = _cells(k, rng) if number % 3 else _stripes(k, rng)
    spectra = _arbitrary_spectra(k, len(wavelengths), rng)
    apart = min(float(np.sqrt(np.square(spectra[i] - spectra[j]).mean())) for i in range(k) for j in range(i))
    maps = spectra[kinds]
    texture = ndimage.gaussian_filter(rng.normal(size=SIZE), rng.uniform(0.8, 3))
    strength = rng.uniform(0.03, 0.15) * apart
    maps += strength * (texture / texture.std())[..., None] * _smooth_curve(2 * len(wavelengths), rng)
    drift = rng.uniform(0, 0.25) * apart
    maps += drift * _plane(rng)[..., None] * _smooth_curve(2 * len(wavelengths), rng)
    psi, delta = np.deg2rad(np.split(maps, 2, axis=-1))
    ncs = np.stack([np.cos(2 * psi), np.sin(2 * psi) * np.cos(delta), np.sin(2 * psi) * np.sin(delta)])
    text = f"apart {apart:.2f} deg, texture {strength / apart:.2f}, drift {drift / apart:.2f}"
    return _measured(ncs, wavelengths, kinds, rng, text)


def uneven(number: int) -> Maps:
    """Return terraces of the family `uneven`."""
    thicknesses = ((95, 103, 115, 134), (95, 101, 108, 123, 141, 161))[number % 2]
    return terraces(np.array(thicknesses, dtype=np.float64), np.random.default_rng([9, number // 2]))


def patches(number: int) -> Maps:
    """Return flakes of the family `patches`."""
    rng = np.random.default_rng([9, number])
    return flakes(2 + number % 2, rng, patches=5, tilt=(0.02, 0.03, 0.04, 0.06)[number % 4])


FAMILIES: dict[str, Callable[[int], Maps]] = {
    "contours": contours,
    "islands": islands,
    "mosaic": mosaic,
    "uneven": uneven,
    "patches": patches,
}
"""What makes the maps of each family from a number."""


def _film_spectra(film: ThinFilm, wavelengths_nm: Real, aoi_deg: float) -> Callable[[Real], Real]:
    """Return what computes N, C, S, shape (3, y, x, wavelength), of a map of thicknesses in nm."""

    def of_map(thickness_nm: Real) -> Real:
        low, high = thickness_nm.min(), thickness_nm.max()
        grid = np.linspace(low, high + 1e-6, max(2, int((high - low) / 0.1) + 2))
        psi, delta = np.deg2rad(film.psi_delta(wavelengths_nm, aoi_deg, grid[:, None]))
        curves = np.stack([np.cos(2 * psi), np.sin(2 * psi) * np.cos(delta), np.sin(2 * psi) * np.sin(delta)])
        position = (thickness_nm - low) / (grid[1] - grid[0])
        before = np.minimum(position.astype(int), len(grid) - 2)
        share = (position - before)[None, ..., None]
        return curves[:, before] * (1 - share) + curves[:, before + 1] * share

    return of_map


def _measured(
    ncs: Real, wavelengths_nm: Real, kinds: NDArray[np.intp], rng: np.random.Generator, about: str
) -> Maps:
    """Blur N, C, S as optics do, and add white and correlated noise to Psi and Delta."""
    blur, noise, correlated = rng.uniform(0.4, 1.5), rng.uniform(0.7, 4), rng.uniform(0, 1)
    seen = ndimage.gaussian_filter(ncs, (0, blur, blur, 0), mode="nearest")
    n, c, s = seen / np.linalg.norm(seen, axis=0)
    psi = np.rad2deg(np.arccos(np.clip(n, -1, 1))) / 2
    delta = np.rad2deg(np.arctan2(s, c))
    length = rng.uniform(1, 5)
    maps = []
    for values, sigma in ((delta, DELTA_NOISE_DEG), (psi, PSI_NOISE_DEG)):
        white = rng.normal(size=values.shape)
        patchy = ndimage.gaussian_filter(rng.normal(size=values.shape), (length, length, 0))
        patchy /= patchy.std()
        maps.append(values + noise * sigma * (white + correlated * patchy))
    values = np.concatenate(maps, axis=-1).transpose(2, 0, 1)
    values[: len(wavelengths_nm)] %= 360
    quantity = np.repeat([DELTA, PSI], len(wavelengths_nm))
    bands = pd.DataFrame({"quantity": quantity, "wavelength_nm": np.tile(wavelengths_nm, 2), "aoi_deg": 50.0})
    shares = ", ".join(f"{share:.1%}" for share in np.bincount(kinds.ravel()) / kinds.size)
    text = f"{about}, blur {blur:.1f} px, noise {noise:.1f} + {noise * correlated:.1f} over {length:.1f} px"
    return Maps(ImageStack(values.astype(np.float32), bands, "maps"), kinds, f"{text}, shares {shares}")


def _plane(rng: np.random.Generator) -> Real:
    """Return a plane of random direction from -0.5 to 0.5."""
    y, x = np.indices(SIZE) / max(SIZE)
    direction = rng.uniform(0, 2 * np.pi)
    plane = np.cos(direction) * y + np.sin(direction) * x
    return np.asarray((plane - plane.min()) / np.ptp(plane) - 0.5)


def _bowl() -> Real:
    y, x = np.indices(SIZE) / max(SIZE)
    return np.asarray(np.square(y - y.mean()) + np.square(x - x.mean())) * 2


def _draw_island(kinds: NDArray[np.intp], kind: int, rng: np.random.Generator) -> None:
    """Draw an ellipse, a rectangle or a triangle where there is room; give up where there is none."""
    y, x = np.indices(SIZE)
    for _ in range(200):
        height, width = rng.uniform(6, 18, 2)
        row, column = rng.uniform(5, SIZE[0] - 5), rng.uniform(5, SIZE[1] - 5)
        angle = rng.uniform(0, np.pi)
        along = np.cos(angle) * (x - column) + np.sin(angle) * (y - row)
        across = np.cos(angle) * (y - row) - np.sin(angle) * (x - column)
        shape = rng.integers(3)
        if shape == 0:
            island = np.hypot(along / width, across / height) < 1
        elif shape == 1:
            island = (np.abs(along) < 0.9 * width) & (np.abs(across) < 0.9 * height)
        else:
            island = (across > -height) & (across < height - 2 * height * np.abs(along) / (1.5 * width))
        room = ndimage.binary_dilation(island, iterations=3)
        if island.sum() > 120 and not (kinds[room] > 0).any():
            kinds[island] = kind
            return


def _cells(k: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return a mosaic of Voronoi cells, each of one kind and every kind at least once."""
    count = int(rng.integers(2 * k, 4 * k + 6))
    seeds = rng.uniform(0, 1, (count, 2)) * SIZE
    y, x = np.indices(SIZE)
    nearest = np.square(y[..., None] - seeds[:, 0]) + np.square(x[..., None] - seeds[:, 1])
    owners = np.r_[np.arange(k), rng.integers(0, k, count - k)]
    kinds = owners[nearest.argmin(axis=-1)]
    return kinds if len(np.unique(kinds)) == k else _cells(k, rng)


def _stripes(k: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return slanted stripes of different widths, two of each kind."""
    y, x = np.indices(SIZE)
    slant = rng.uniform(-0.6, 0.6)
    across = x + slant * y
    widths = rng.uniform(0.5, 1.5, 2 * k)
    ends = across.min() + np.ptp(across) * np.cumsum(widths) / widths.sum()
    order = np.r_[rng.permutation(k), rng.permutation(k)]
    kinds = order[np.searchsorted(ends[:-1], across)]
    return kinds if len(np.unique(kinds)) == k else _stripes(k, rng)


def _arbitrary_spectra(k: int, count: int, rng: np.random.Generator) -> Real:
    """Return Psi and Delta in deg of materials, shape (kind, 2 * wavelength); every third has a relative."""
    spectra = []
    for kind in range(k):
        if kind and rng.random() < 0.35:
            relative = spectra[int(rng.integers(kind))]
            spectra.append(relative + rng.uniform(1.2, 3) * _smooth_curve(2 * count, rng))
        else:
            psi = rng.uniform(18, 38) + 4 * _smooth_curve(count, rng)
            delta = rng.uniform(70, 170) + 12 * _smooth_curve(count, rng)
            spectra.append(np.r_[psi, delta])
    return np.array(spectra)


def _smooth_curve(count: int, rng: np.random.Generator) -> Real:
    """Return a smooth curve with a root mean square of 1."""
    curve = np.interp(np.linspace(0, 3, count), np.arange(4), rng.normal(size=4))
    return np.asarray(curve / np.sqrt(np.square(curve).mean()))
