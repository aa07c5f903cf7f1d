"""Phantom acquisitions of round objects with known truth: ``date/subject/experiment/fov.png``.

A sample folder holds

- ``<date>/<subject>/<experiment>/fov_00.png`` ...: 16-bit grey pictures;
- ``truth.csv``: one row per object, ``image, object, y, x, radius, intensity, touching``: centre and radius
  in pixels (the centre of the first pixel is 0, 0), and the mean of the noiseless picture over the pixels
  whose centres lie in the circle. Pictures without objects have no row;
- ``images.csv``: one row per picture, ``image, n_objects, height, width``.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.checks import whole_number
from ellimaps.core.errors import SettingError
from ellimaps.samples.new_folder import new_folder

# Parts of a pixel's side, to cover edge pixels in part: an area is right to about a hundredth of a pixel's.
_SUBPIXELS = 4
# Pixels between objects that do not touch, so that their blurred outlines stay apart.
_GAP_PX = 4.0
# Counts per photon of a scientific camera at 16 bit: a full well of 3,000 photons.
_GAIN = 20.0


@dataclass(frozen=True)
class Phantom:
    """A picture of round objects and its truth.

    Attributes
    ----------
    image : ndarray of uint16, shape (y, x)
        What a camera would record.
    truth : DataFrame
        ``object, y, x, radius, intensity, touching``; see `ellimaps.samples.cells`.
    """

    image: NDArray[np.uint16]
    truth: pd.DataFrame


def phantom(
    seed: int | tuple[int, ...] = 0,
    *,
    size: tuple[int, int] = (1024, 1024),
    count: int = 40,
    radius: tuple[float, float] = (10.0, 60.0),
    pairs: int = 4,
    noise: float = 1.0,
    unevenness: float = 0.4,
    blur_px: float = 0.7,
) -> Phantom:
    """Compute a fluorescence picture of discs under uneven light.

    Parameters
    ----------
    seed : int or tuple of int
        The same seed and settings give the same picture.
    size : (int, int)
        Picture size (y, x) in pixels.
    count : int
        How many objects to place; fewer where there is no room for all.
    radius : (float, float)
        Smallest and largest radius in pixels.
    pairs : int
        How many of the objects touch another one (their outlines meet in a point).
    noise : float
        Noise in units of a good camera's: shot noise at 20 counts per photon, and 30 counts of readout.
    unevenness : float
        How much darker the darkest corner is than the brightest place, 0..0.9.
    blur_px : float
        Standard deviation of the optics' blur.

    Returns
    -------
    Phantom
        The picture and its truth.
    """
    random = np.random.default_rng(seed)
    circles = _place(random, size, count, radius, pairs)
    amplitudes = random.uniform(2500, 12000, len(circles))
    clean = np.full(size, 1500.0)
    for (y, x, r, _), amplitude in zip(circles, amplitudes, strict=True):
        _add_disc(clean, y, x, r, amplitude)
    clean = 400 + _light(random, size, unevenness) * ndimage.gaussian_filter(clean, blur_px)
    photons = random.poisson(clean / _GAIN) * _GAIN if noise else clean
    image = clean + noise * (photons - clean + random.normal(0, 30, size))
    rows = [
        (i, y, x, r, _mean_in_circle(clean, y, x, r), touching)
        for i, (y, x, r, touching) in enumerate(circles)
    ]
    truth = pd.DataFrame(rows, columns=["object", "y", "x", "radius", "intensity", "touching"])
    return Phantom(np.clip(np.rint(image), 0, 65535).astype(np.uint16), truth)


def sample_cells(
    folder: str | Path,
    *,
    seed: int = 0,
    dates: int = 2,
    subjects: int = 2,
    experiments: int = 2,
    fovs: int = 3,
    size: tuple[int, int] = (512, 512),
    count: tuple[int, int] = (8, 20),
    radius: tuple[float, float] = (10.0, 40.0),
    noise: float = 1.0,
    empty: float = 0.1,
) -> Path:
    """Write phantom acquisitions with their truth.

    Parameters
    ----------
    folder : str or Path
        Where to write; created if need be, and empty if it exists.
    seed : int
        The same seed and settings give the same bytes.
    dates, subjects, experiments, fovs : int
        Numbers of dates, subjects per date, experiments per subject and pictures per experiment.
    size : (int, int)
        Picture size (y, x) in pixels, each 64..8192.
    count : (int, int)
        Smallest and largest number of objects in a picture.
    radius : (float, float)
        Smallest and largest radius in pixels.
    noise : float
        See `phantom`.
    empty : float
        Share of pictures without any object, 0..1.

    Returns
    -------
    Path
        The folder; see :mod:`ellimaps.samples.cells` for what it holds.

    Raises
    ------
    SettingError
        If a setting is out of its range.
    ExportError
        If the folder is not empty or cannot be written.
    """
    _check(dates, subjects, experiments, fovs, size, count, radius, noise, empty)
    folder = Path(folder)
    images = _image_names(dates, subjects, experiments, fovs)
    truths, facts = [], []
    with new_folder(folder) as staged:
        for number, image in enumerate(images):
            objects = _object_count((seed, number, 1), count, empty)
            made = phantom(
                (seed, number), size=size, count=objects, radius=radius, pairs=objects // 5, noise=noise
            )
            _write_picture(staged / image, made.image)
            truths.append(made.truth.assign(image=image))
            facts.append((image, len(made.truth), *size))
        truth = pd.concat(truths)[["image", "object", "y", "x", "radius", "intensity", "touching"]]
        table = pd.DataFrame(facts, columns=["image", "n_objects", "height", "width"])
        _write_table(staged / "truth.csv", truth)
        _write_table(staged / "images.csv", table)
    return folder


def _object_count(seed: tuple[int, ...], count: tuple[int, int], empty: float) -> int:
    random = np.random.default_rng(seed)
    return 0 if random.random() < empty else int(random.integers(count[0], count[1] + 1))


def _write_picture(path: Path, image: NDArray[np.uint16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_png(image))


def _write_table(path: Path, rows: pd.DataFrame) -> None:
    text = rows.to_csv(index=False, lineterminator="\n", float_format="%.4f")
    path.write_bytes(text.encode())


def _image_names(dates: int, subjects: int, experiments: int, fovs: int) -> list[str]:
    return [
        f"{np.datetime64('2026-01-05') + 7 * d}/subject_{s:02d}/experiment_{e:02d}/fov_{f:02d}.png"
        for d in range(dates)
        for s in range(subjects)
        for e in range(experiments)
        for f in range(fovs)
    ]


def _check(
    dates: int,
    subjects: int,
    experiments: int,
    fovs: int,
    size: tuple[int, int],
    count: tuple[int, int],
    radius: tuple[float, float],
    noise: float,
    empty: float,
) -> None:
    for name, number in {"dates": dates, "subjects": subjects, "experiments": experiments}.items():
        whole_number(name, number, 1, 1000)
    whole_number("fovs", fovs, 1, 100_000)
    for side in size:
        whole_number("size", side, 64, 8192)
    if not 0 <= count[0] <= count[1]:
        raise SettingError(f"count must be a smallest and a largest number of objects, not {count!r}.")
    if not 2 <= radius[0] <= radius[1] <= min(size) / 4:
        raise SettingError(
            f"radius must be two numbers of pixels, 2 to {min(size) / 4:g} (a quarter of the picture), "
            f"not {radius!r}."
        )
    if not (0 <= noise < np.inf and 0 <= empty <= 1):
        raise SettingError(f"noise must not be negative and empty lie in 0..1, not {noise!r} and {empty!r}.")


def _place(
    random: np.random.Generator, size: tuple[int, int], count: int, radius: tuple[float, float], pairs: int
) -> list[tuple[float, float, float, bool]]:
    """Return circles ``y, x, radius, touching`` that lie inside the picture and do not overlap."""
    circles: list[tuple[float, float, float, bool]] = []

    def fits(y: float, x: float, r: float, but: int = -1) -> bool:
        inside = all(r + 2 <= p <= s - 1 - r - 2 for p, s in zip((y, x), size, strict=True))
        return inside and all(
            np.hypot(y - cy, x - cx) >= r + cr + _GAP_PX
            for i, (cy, cx, cr, _) in enumerate(circles)
            if i != but
        )

    # Where 200 draws for each object found no room there is hardly any left.
    for _ in range(200 * max(count, 1)):
        if len(circles) >= count:
            break
        r = float(random.uniform(*radius))
        n_paired = sum(touching for *_, touching in circles) // 2
        if circles and n_paired < pairs and not circles[-1][3]:
            cy, cx, cr, _ = circles[-1]
            angle = random.uniform(0, 2 * np.pi)
            y, x = cy + (r + cr) * np.sin(angle), cx + (r + cr) * np.cos(angle)
            if fits(y, x, r, len(circles) - 1):
                circles[-1] = (cy, cx, cr, True)
                circles.append((float(y), float(x), r, True))
                continue
        y, x = (float(random.uniform(r, max(s - r, r + 1))) for s in size)
        if fits(y, x, r):
            circles.append((y, x, r, False))
    return circles


def _window(y: float, x: float, reach: float, shape: tuple[int, int]) -> tuple[slice, slice]:
    rows = slice(max(int(y - reach), 0), min(int(y + reach) + 2, shape[0]))
    columns = slice(max(int(x - reach), 0), min(int(x + reach) + 2, shape[1]))
    return rows, columns


def _add_disc(image: NDArray[np.float64], y: float, x: float, r: float, amplitude: float) -> None:
    """Add a disc whose edge pixels are covered in part."""
    window = _window(y, x, r + 1, (image.shape[0], image.shape[1]))
    offsets = (np.arange(_SUBPIXELS) + 0.5) / _SUBPIXELS - 0.5
    ys = (np.arange(window[0].start, window[0].stop)[:, None] + offsets).ravel() - y
    xs = (np.arange(window[1].start, window[1].stop)[:, None] + offsets).ravel() - x
    inside = np.hypot(ys[:, None], xs[None]) <= r
    cover = inside.reshape(len(ys) // _SUBPIXELS, _SUBPIXELS, -1, _SUBPIXELS).mean(axis=(1, 3))
    image[window] += amplitude * cover


def _mean_in_circle(image: NDArray[np.float64], y: float, x: float, r: float) -> float:
    window = _window(y, x, r + 1, (image.shape[0], image.shape[1]))
    ys = np.arange(window[0].start, window[0].stop) - y
    xs = np.arange(window[1].start, window[1].stop) - x
    return float(image[window][np.hypot(ys[:, None], xs[None]) <= r].mean())


def _light(random: np.random.Generator, size: tuple[int, int], unevenness: float) -> NDArray[np.float64]:
    """Return an illumination of at most 1: a wide spot off the middle."""
    y0, x0 = (random.uniform(0.3, 0.7) * side for side in size)
    ys, xs = np.ogrid[: size[0], : size[1]]
    distance = ((ys - y0) / size[0]) ** 2 + ((xs - x0) / size[1]) ** 2
    return np.asarray(1 - unevenness * distance / distance.max())


def _png(image: NDArray[np.uint16]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()
