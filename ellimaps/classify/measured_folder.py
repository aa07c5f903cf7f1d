"""The labelled images of a folder as numbers, and which of them show the same cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ellimaps.classify.image_features import MEASUREMENTS, SIZES, measure_image
from ellimaps.classify.images import read_image
from ellimaps.classify.picture_measures import PictureMeasures, picture_measures
from ellimaps.classify.training_labels import Labels
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import sha256

SAME_CELL = 0.95
"""Least correlation of the thumbnails of one cell: of the 104 images of bench_classify.py the six pairs of
one cell have 0.993 and more, all others 0.861 and less."""


@dataclass(frozen=True, eq=False)
class MeasuredFolder:
    """The images of a training as numbers.

    Attributes
    ----------
    files : list of str
        Names.
    labels : list
        What each is.
    groups : list of str
        Given groups; empty where none.
    rows : ndarray, shape (image, measurement)
        Of :data:`ellimaps.classify.image_features.MEASUREMENTS`.
    thumbnails : ndarray, shape (image, pixel)
        To find images of the same cell.
    pixel_sizes_um : list of float or None
        What the files say.
    unit : {"px", "um"}
        Of the lengths.
    hashes : dict of str to str
        SHA-256 by file.
    warnings : list of str
        What is wrong with which image.
    pictures : list of PictureMeasures
        What the files themselves are like.
    """

    files: list[str]
    labels: list[Any]
    groups: list[str]
    rows: NDArray[np.float64]
    thumbnails: NDArray[np.float32]
    pixel_sizes_um: list[float | None]
    unit: str
    hashes: dict[str, str]
    warnings: list[str]
    pictures: list[PictureMeasures]


def measure_folder(images: str | Path, labels: Labels, on_progress: Progress = no_progress) -> MeasuredFolder:
    """Measure all labelled images of a folder; those without a cell are left out with a warning."""
    folder, table = Path(images), labels.table
    files = table["file"].tolist()
    found = []
    for number, one in enumerate(ordered_map(lambda name: _measured(folder / name), files)):
        found.append(one)
        on_progress(number + 1, len(files), "measuring images")
    truth = table["label"].tolist()
    rows = np.array([one.row for one in found])
    sizes = [one.pixel_size_um for one in found]
    unit, warnings = _unit(dict(zip(files, sizes, strict=True)))
    if unit == "um":
        lengths = [MEASUREMENTS.index(name) for name in SIZES]
        rows[:, lengths] *= np.array(sizes, dtype=float)[:, None]
    has_cell = np.isfinite(rows).all(axis=1)
    warnings += [f"{file}: {text}" for file, one in zip(files, found, strict=True) for text in one.warnings]
    kept = np.flatnonzero(has_cell)
    return MeasuredFolder(
        files=[files[i] for i in kept],
        labels=[truth[i] for i in kept],
        groups=[table["group"].iloc[i] for i in kept],
        rows=rows[kept],
        thumbnails=np.array([found[i].thumbnail for i in kept], dtype=np.float32).reshape(len(kept), -1),
        pixel_sizes_um=[sizes[i] for i in kept],
        unit=unit,
        hashes={files[i]: found[i].sha256 for i in range(len(files))},
        warnings=warnings,
        pictures=[found[i].picture for i in kept],
    )


def group_numbers(thumbnails: NDArray[np.float32], groups: Sequence[str]) -> NDArray[np.intp]:
    """Return a number per image, shape (image,); images that share a group or a cell have the same.

    Parameters
    ----------
    thumbnails : ndarray of float32, shape (image, pixel)
        Of `MeasuredFolder`.
    groups : sequence of str
        Given groups; empty where none.
    """
    from scipy.sparse.csgraph import connected_components

    same = similarity(thumbnails) > SAME_CELL
    names = np.array(groups)
    same |= (names[:, None] == names[None]) & (names != "")[:, None]
    return np.asarray(connected_components(same, directed=False)[1], dtype=np.intp)


def similarity(thumbnails: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the correlations, shape (image, image), of thumbnails of shape (image, pixel)."""
    centered = thumbnails - thumbnails.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centered, axis=1, keepdims=True)
    unit = centered / np.maximum(norms, 1e-9)
    return np.asarray(unit @ unit.T, dtype=float)


class _Measured(NamedTuple):
    row: list[float]
    thumbnail: NDArray[np.float32]
    pixel_size_um: float | None
    sha256: str
    warnings: list[str]
    picture: PictureMeasures


def _measured(path: Path) -> _Measured:
    values, pixel_size_um = read_image(path)
    features = measure_image(values)
    row = [features.measurements[name] for name in MEASUREMENTS]
    picture = picture_measures(values, features.mask)
    return _Measured(row, features.thumbnail, pixel_size_um, sha256(path), features.warnings, picture)


def _unit(sizes: Mapping[str, float | None]) -> tuple[str, list[str]]:
    without = [file for file, size in sizes.items() if size is None]
    if not without:
        return "um", []
    if len(without) == len(sizes):
        return "px", []
    return "px", [
        f"{len(without)} of {len(sizes)} images have no pixel size, such as {without[0]}: lengths are in px."
    ]
