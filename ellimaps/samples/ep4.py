"""A generated EP4 measurement of oxide terraces on silicon, with known truth.

A sample folder holds

- ``sample_20260101120000000.ds.dat``, ``.dsinfo.xml`` and ``_001.png`` ...: the measurement;
- ``truth.npz``, arrays of shape (y, x): ``labels`` (int16, 0 the background, flakes numbered by ascending
  thickness), ``thickness_nm`` (float32), ``edge`` (bool, within 2 px of a boundary between kinds);
- ``model.toml`` and ``substrate.nk``: the optical model behind it.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.errors import SettingError
from ellimaps.optics.fresnel import Real, psi_delta_from_mueller
from ellimaps.samples.ep4_files import MapSeries, ep4_files
from ellimaps.samples.new_folder import new_folder
from ellimaps.samples.oxide import (
    PLAIN_AOI_DEG,
    SILICA_CAUCHY_UM,
    THICKEST_NM,
    WRAPPING_AOI_DEG,
    choose_thicknesses,
    oxide_elements,
    silicon_index,
    silicon_table,
)
from ellimaps.samples.terraces import SampleScene, draw_gaps, draw_scene

TAG = "sample_20260101120000000"
WAVELENGTH_RANGE_NM = (450.0, 750.0)
"""What the filters of such an instrument pass, and the indices of its samples are known for."""
# A real measurement has 0.04..0.09 deg in Psi and 0.08..0.23 deg in Delta, by wavelength: the median absolute
# second difference of its maps, in both directions.
PSI_SIGMA_DEG = 0.05
DELTA_SIGMA_DEG = 0.1


@dataclass(frozen=True)
class _Settings:
    seed: int
    size: tuple[int, int]
    kinds: int
    bands: int
    noise: float
    wrap: bool
    blur_px: float
    tilt: float
    smallest: float

    def __post_init__(self) -> None:
        _check(self)

    @property
    def aoi_deg(self) -> float:
        return WRAPPING_AOI_DEG if self.wrap else PLAIN_AOI_DEG

    @property
    def wavelengths_nm(self) -> Real:
        # The .ds.dat keeps one decimal, and table, images and physics have to agree.
        return np.round(np.linspace(*WAVELENGTH_RANGE_NM, self.bands), 1)


def sample_ep4(
    folder: str | Path,
    *,
    seed: int = 0,
    size: tuple[int, int] = (96, 128),
    kinds: int = 4,
    bands: int = 11,
    noise: float = 1.0,
    wrap: bool = False,
    blur_px: float = 0.0,
    tilt: float = 0.0,
    smallest: float = 0.03,
) -> Path:
    """Write a computed EP4 map measurement of SiO2 terraces on silicon, with its truth.

    Parameters
    ----------
    folder : str or Path
        Where to write; created if need be, and empty if it exists.
    seed : int
        The same seed and settings give the same bytes.
    size : (int, int)
        Map size (y, x) in pixels, each 32..4096.
    kinds : int
        Number of oxide thicknesses, the background included, 2..10.
    bands : int
        Number of wavelengths, evenly spaced from 450 to 750 nm, 1..301.
    noise : float
        Noise in units of a good instrument's: 0.05 deg in Psi, 0.1 deg in Delta (standard deviation).
    wrap : bool
        Measure at 76 deg instead of 50 deg, with thicknesses such that Delta of at least one kind
        scatters around 0/360 at some wavelength. Otherwise no kind's Delta comes near it.
    blur_px : float
        Standard deviation in pixels of the image blur, 0..20; it acts on the light (Mueller elements).
    tilt : float
        Relative change of every thickness from one side of the map to the other, 0..0.5.
    smallest : float
        Share of the map that the smallest kind covers, below 1 / kinds; the background covers most.

    Returns
    -------
    Path
        The folder; see :mod:`ellimaps.samples.ep4` for what it holds.

    Raises
    ------
    SettingError
        If a setting is out of its range.
    ExportError
        If the folder holds files already or cannot be written.

    Notes
    -----
    About 1 % of the values are missing, in Delta and Psi of a wavelength together. A pixel on an edge
    averages the Mueller elements of both kinds by area.
    """
    settings = _Settings(seed, _checked_size(size), kinds, bands, noise, bool(wrap), blur_px, tilt, smallest)
    files = _sample_files(settings)
    with new_folder(Path(folder)) as staged:
        for name, content in files.items():
            (staged / name).write_bytes(content)
    return Path(folder)


def _sample_files(settings: _Settings) -> dict[str, bytes]:
    # One generator per step, so that for example another noise level leaves the flakes where they were.
    optics, shapes, losses, errors = np.random.default_rng(settings.seed).spawn(4)
    thicknesses = _numbered(
        choose_thicknesses(
            settings.kinds, settings.wavelengths_nm, settings.aoi_deg, settings.tilt, settings.wrap, optics
        )
    )
    order = 1 + shapes.permutation(settings.kinds - 1)
    scene = draw_scene(settings.size, settings.kinds, settings.smallest, shapes, order)
    factor = 1 + settings.tilt * _slope(settings.size, shapes)
    angles = psi_delta_from_mueller(_mueller_maps(scene, thicknesses, factor, settings))
    psi, delta = _measure(*angles, settings.noise, errors)
    gaps = draw_gaps(scene.edge, settings.bands, losses)
    psi[gaps] = delta[gaps] = np.nan
    comment = f"{settings.kinds} thicknesses of SiO2 on Si, computed with seed {settings.seed}"
    series = MapSeries(TAG, comment, settings.wavelengths_nm, settings.aoi_deg, delta, psi)
    return {
        **ep4_files(series),
        "truth.npz": _truth(scene, thicknesses, factor),
        "model.toml": _model(thicknesses[0]),
        "substrate.nk": _substrate(settings.wavelengths_nm),
    }


def _numbered(thicknesses: Real) -> Real:
    return np.concatenate([thicknesses[:1], np.sort(thicknesses[1:])])


def _slope(size: tuple[int, int], rng: np.random.Generator) -> Real:
    """Return a plane of random direction that runs from -0.5 to 0.5 over the map."""
    direction = rng.uniform(0, 2 * np.pi)
    y, x = np.indices(size)
    plane = np.sin(direction) * y + np.cos(direction) * x
    slope: Real = (plane - plane.min()) / np.ptp(plane) - 0.5
    return slope


def _mueller_maps(scene: SampleScene, thicknesses: Real, factor: Real, settings: _Settings) -> Real:
    elements = np.zeros((3, settings.bands, *settings.size))
    for thickness, coverage in zip(thicknesses, scene.coverage, strict=True):
        seen = coverage > 0
        local, which = np.unique(thickness * factor[seen], return_inverse=True)
        films = oxide_elements(local, settings.wavelengths_nm, settings.aoi_deg)
        elements[:, :, seen] += coverage[seen] * films[:, :, which]
    if settings.blur_px > 0:
        blur = (0, 0, settings.blur_px, settings.blur_px)
        elements = ndimage.gaussian_filter(elements, blur, mode="nearest")
    return elements


def _measure(
    psi: Real, delta: Real, noise: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    noisy_psi = psi + rng.normal(0, PSI_SIGMA_DEG, psi.shape) * noise
    noisy_delta = delta + rng.normal(0, DELTA_SIGMA_DEG, delta.shape) * noise
    wrapped = np.mod(noisy_delta, 360).astype(np.float32)
    # Single precision rounds the last values below a full turn up to it.
    wrapped[wrapped >= 360] = 0
    return np.clip(noisy_psi, 0, 90).astype(np.float32), wrapped


def _truth(scene: SampleScene, thicknesses: Real, factor: Real) -> bytes:
    thickness = (thicknesses[scene.labels] * factor).astype(np.float32)
    stream = io.BytesIO()
    np.savez_compressed(stream, labels=scene.labels, thickness_nm=thickness, edge=scene.edge)
    return stream.getvalue()


def _model(start_nm: float) -> bytes:
    a, b, c = SILICA_CAUCHY_UM
    return f"""\
ambient = "air"
substrate = {{ file = "substrate.nk" }}

[[layers]]
material = {{ cauchy = [{a!r}, {b!r}, {c:.6f}] }}  # SiO2: n = A + B/um^2 + C/um^4
thickness_nm = {start_nm:.1f}
free = {{ thickness_nm = [0.0, {THICKEST_NM:.1f}] }}
""".encode("ascii")


def _substrate(wavelengths_nm: Real) -> bytes:
    rows = np.union1d(silicon_table()[:, 0], wavelengths_nm)
    lines = ["# Si at 300 K, M. A. Green (2008), from refractiveindex.info (CC0 1.0)", "# wavelength_nm n k"]
    lines += [f"{w:.1f} {m.real:.6f} {m.imag:.8f}" for w, m in zip(rows, silicon_index(rows), strict=True)]
    return ("\n".join(lines) + "\n").encode("ascii")


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    sides = tuple(size) if isinstance(size, tuple | list) else (size,)
    if len(sides) != 2 or not all(_is_whole(side) and 32 <= side <= 4096 for side in sides):
        raise SettingError(f"The size of a sample is (y, x) in pixels, each 32..4096, got {sides}.")
    return int(sides[0]), int(sides[1])


def _check(settings: _Settings) -> None:
    for name, low, high in (("seed", 0, 2**63), ("kinds", 2, 10), ("bands", 1, 301)):
        value = getattr(settings, name)
        if not _is_whole(value) or not low <= value <= high:
            limits = "a whole number, 0 or more" if name == "seed" else f"a whole number {low}..{high}"
            raise SettingError(f"A sample's {name} must be {limits}, got {value!r}.")
    for name, highest in (("noise", 1000.0), ("blur_px", 20.0), ("tilt", 0.5)):
        value = getattr(settings, name)
        if not _is_number(value) or not 0 <= value <= highest:
            raise SettingError(f"A sample's {name} must be within 0..{highest:g}, got {value!r}.")
    if not _is_number(settings.smallest) or not 0 < settings.smallest < 1 / settings.kinds:
        limits = f"above 0 and below {1 / settings.kinds:.3g} (1 / kinds)"
        raise SettingError(f"A sample's smallest must be {limits}, got {settings.smallest!r}.")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, float | int | np.number) and math.isfinite(value)
