"""Measurements and results kept between page runs: read-only, bounded, shared only through their content.

Everything here is keyed on the path, size and modification time of every file of a measurement and on the
settings, so that two users of the same folder share the work and nobody sees another one's choices.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.spectra import Spectra
from ellimaps.core.stack import ImageStack
from ellimaps.images.intensities import Bleaching, bleaching_curve
from ellimaps.maps.pipeline import cluster, open_as, prepare
from ellimaps.maps.refinement import refine
from ellimaps.maps.regions import Region, region_spectrum
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.settings import Calibration, Corrections, Opening, Preprocessing, Settings, names_of
from ellimaps.objects.analysis import CellResult
from ellimaps.readers import picture_axes
from ellimaps.readers.ome_zarr import is_zarr
from ellimaps.readers.spectra import may_be_spectra, open_spectra
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.data_root import file_marks

PREPARATION = tuple(
    name for name in names_of(Opening, Corrections, Calibration, Preprocessing) if name != "dataset"
)
"""What a prepared stack depends on beside its source, which knows the data set."""


def _stack_bytes(stack: ImageStack) -> int:
    masked = stack.filled.nbytes if any(stack.filled.strides) else 0
    return stack.values.nbytes + masked


# Twenty-two maps of a megapixel are 92 MB: a few large measurements, measured and preprocessed, and the
# segmentations made of them. What is computed from these is small beside them.
STACKS: BoundedCache[ImageStack] = BoundedCache(2048 * MEGABYTE, _stack_bytes)
SEGMENTATIONS: BoundedCache[Segmentation] = BoundedCache(
    2048 * MEGABYTE, lambda made: made.labels.nbytes + _stack_bytes(made.stack)
)
DISTANCES: BoundedCache[NDArray[np.float32]] = BoundedCache(256 * MEGABYTE, lambda made: made.nbytes)
OBJECTS: BoundedCache[CellResult | EllimapsError] = BoundedCache(
    256 * MEGABYTE, lambda found: 1 if isinstance(found, EllimapsError) else found.labels.nbytes
)
SPECTRA: BoundedCache[pd.DataFrame] = BoundedCache(256)
SPECTRA_FILES: BoundedCache[Spectra] = BoundedCache(
    256 * MEGABYTE, lambda spectra: int(spectra.table.memory_usage().sum())
)
AXES: BoundedCache[tuple[int, int]] = BoundedCache(64)
BLEACHING: BoundedCache[Bleaching] = BoundedCache(16)
CACHES = {
    "stacks": STACKS,
    "segmentations": SEGMENTATIONS,
    "distances": DISTANCES,
    "objects": OBJECTS,
    "spectra": SPECTRA,
    "files of spectra": SPECTRA_FILES,
    "axes": AXES,
    "bleaching": BLEACHING,
}


@dataclass(frozen=True)
class Source:
    """A measurement on disk as it is now.

    Attributes
    ----------
    path : str
        Its folder or file.
    dataset : str, optional
        Which of the folder's data sets it is.
    fingerprint : str
        Of its files.
    is_spectra : bool
        Whether it is a file of spectra, and no maps.
    columns : str
        What the columns of that file were said to be; empty where it says so itself.
    """

    path: str
    dataset: str | None
    fingerprint: str
    is_spectra: bool = False
    columns: str = ""

    @classmethod
    def of(cls, path: Path, dataset: str | None, columns: str = "") -> Source:
        """Describe a measurement by the names, sizes and times of its files.

        Raises
        ------
        ReadError
            If the folder cannot be listed.
        """
        try:
            files = sorted(path.iterdir()) if path.is_dir() and not is_zarr(path) else [path]
            fingerprint = hashlib.sha256(repr(file_marks(files)).encode()).hexdigest()
        except OSError as error:
            raise ReadError(f"{path} cannot be read: {error.strerror or error}.") from error
        is_spectra = bool(columns) or may_be_spectra(path)
        return cls(str(path), dataset, fingerprint, is_spectra, columns)


def name_of(source: Source) -> str:
    """Return what a measurement is called."""
    return loaded_spectra(source).name if source.is_spectra else load(source).name


def loaded_spectra(source: Source) -> Spectra:
    """Return the spectra of a file.

    Raises
    ------
    ReadError
        If it holds none, or can be read in two ways.
    """
    return SPECTRA_FILES.get(source, lambda: open_spectra(source.path, columns=source.columns or None))


def load(source: Source, on_progress: Progress = no_progress) -> ImageStack:
    """Return the measurement as it is read when nothing else is asked for."""
    return opened(source, Settings(), on_progress)


def opened(source: Source, settings: Settings, on_progress: Progress = no_progress) -> ImageStack:
    """Return the planes, time points and channel names that the settings choose of a measurement."""
    choice = replace(_only(settings, names_of(Opening)), dataset=source.dataset)
    return STACKS.get((source, choice), lambda: open_as(source.path, choice, on_progress))


def axes(source: Source) -> tuple[int, int]:
    """Return how many time points and focal planes there are to choose from."""
    return AXES.get(source, lambda: picture_axes(source.path, source.dataset))


def bleaching(source: Source, settings: Settings) -> Bleaching:
    """Return how the measured intensities fall over time."""
    key = source, _only(settings, names_of(Opening))
    return BLEACHING.get(key, lambda: bleaching_curve(opened(source, settings)))


def prepared(source: Source, settings: Settings, on_progress: Progress = no_progress) -> ImageStack:
    """Return the preprocessed measurement."""
    preprocessing = _only(settings, PREPARATION)
    return STACKS.get(
        (source, "prepared", preprocessing),
        lambda: prepare(opened(source, settings, on_progress), preprocessing, on_progress),
    )


def segmented(source: Source, settings: Settings, on_progress: Progress = no_progress) -> Segmentation:
    """Return the clusters that the settings describe; ``settings.k`` must be given."""
    relevant = _clustering(settings)
    return SEGMENTATIONS.get((source, relevant), lambda: _cluster(source, relevant, on_progress))


def distances(source: Source, settings: Settings) -> NDArray[np.float32]:
    """Return how far each pixel lies from the center of its cluster."""
    relevant = _clustering(settings)
    return DISTANCES.get((source, relevant), lambda: segmented(source, relevant).distances())


def region_table(source: Source, settings: Settings, region: Region) -> pd.DataFrame:
    """Return the spectrum of a region of interest of the preprocessed measurement."""
    key = (source, tuple(getattr(settings, name) for name in PREPARATION), region)
    return SPECTRA.get(key, lambda: region_spectrum(prepared(source, settings), region))


def _only(settings: Settings, names: tuple[str, ...]) -> Settings:
    return Settings(**{name: getattr(settings, name) for name in names})


def _clustering(settings: Settings) -> Settings:
    """Return the settings without those that change nothing of the clusters."""
    return replace(settings, names=(), regions=(), k_min=2, k_max=10)


def _cluster(source: Source, settings: Settings, on_progress: Progress) -> Segmentation:
    if not settings.refine:
        return cluster(prepared(source, settings, on_progress), settings, on_progress)
    # One change at a time: undoing one finds the segmentation before it in the cache.
    before = segmented(source, replace(settings, refine=settings.refine[:-1]), on_progress)
    on_progress(1, 2, "changing clusters")
    return refine(before, settings.refine[-1:])
