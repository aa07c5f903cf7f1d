"""The whole way as one call: folder in, clusters out. Command line, batch and pages share it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import ImageStack
from ellimaps.images.intensities import correct_intensities
from ellimaps.images.preprocessing import Gaps, Roi, preprocess, preprocess_in_place
from ellimaps.maps.clustering.estimation import ClusterEstimate, estimate_k
from ellimaps.maps.clustering.features import Features
from ellimaps.maps.export import export_segmentation
from ellimaps.maps.refinement import Refinement, refine
from ellimaps.maps.regions import Region
from ellimaps.maps.segmentation import Segmentation, segment
from ellimaps.readers import open_stack
from ellimaps.readers.planes import Axis


@dataclass(frozen=True)
class Settings:
    """Every choice between a folder and its clusters.

    Attributes
    ----------
    dataset : str, optional
        Which data set of the folder.
    z, t : int, "max" or "mean", optional
        Which focal plane and time point of a TIFF, or how to project them; see `ellimaps.open_stack`.
    channels : tuple of str
        New names of a picture's channels, ``NAME`` or ``NAME@NM``; empty for those of the file.
    pixel_size_um : float, optional
        Width of a measured pixel in micrometres, where the measurement does not tell.
    background, normalise, log
        Corrections of intensities, none by default; see `ellimaps.correct_intensities`.
    gaps, despike, smooth, roi, binning
        See `ellimaps.preprocess`.
    k : int, optional
        Number of clusters; None takes the suggested one.
    k_min, k_max : int
        Range of the estimate.
    features : {"raw", "standard", "ncs"}, optional
        See `ellimaps.maps.clustering.features.feature_matrix`.
    seed : int
        Seed of everything random.
    refine : tuple of Merge, Split, Drop or Clean
        Changes by hand after segmenting; see `ellimaps.maps.refinement`.
    names : tuple of str
        What the clusters are called; empty for their numbers.
    regions : tuple of Region
        Regions of interest that go into the export.
    """

    dataset: str | None = None
    z: Axis = None
    t: Axis = None
    channels: tuple[str, ...] = ()
    pixel_size_um: float | None = None
    background: float | None = None
    normalise: tuple[float, float] | None = None
    log: bool = False
    gaps: Gaps = "fill"
    despike: float | None = None
    smooth: float | None = None
    roi: Roi | None = None
    binning: int = 1
    k: int | None = None
    k_min: int = 2
    k_max: int = 10
    features: Features | None = None
    seed: int = 0
    refine: tuple[Refinement, ...] = ()
    names: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        # 5 and 5.0 are the same choice and must leave the same provenance.
        for name in ("pixel_size_um", "background", "despike", "smooth"):
            if type(value := getattr(self, name)) is int:
                object.__setattr__(self, name, float(value))
        if self.normalise is not None:
            object.__setattr__(self, "normalise", tuple(float(percentile) for percentile in self.normalise))


@dataclass(frozen=True)
class Result:
    """What a run gave: the segmentation, the estimate k came from, the files written, seconds per step."""

    segmentation: Segmentation
    estimate: ClusterEstimate | None
    files: list[Path]
    seconds: dict[str, float]


@dataclass
class Clock:
    """Seconds of named steps."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Return a context whose seconds are noted under a name."""
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def run(
    path: str | Path,
    out: str | Path,
    settings: Settings | None = None,
    on_progress: Progress = no_progress,
    *,
    working_set_gb: float | None = None,
) -> Result:
    """Open, preprocess, estimate if need be, segment and export.

    Parameters
    ----------
    path : str or Path
        What `ellimaps.open_stack` opens.
    out : str or Path
        Folder for the files.
    settings : Settings, optional
        The choices; the defaults otherwise.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.
    working_set_gb : float, optional
        See `ellimaps.open_stack`; the results are the same for any.

    Raises
    ------
    EllimapsError
        If data or settings do not allow it; then nothing is written.
    """
    settings = settings or Settings()
    clock = Clock()
    stack = load(path, settings, on_progress, working_set_gb=working_set_gb, clock=clock)
    estimate = None
    if settings.k is None:
        with clock.step("estimate"):
            estimate = estimate_of(stack, settings, on_progress)
        settings = replace(settings, k=estimate.suggested_k)
    with clock.step("segment"):
        segmentation = cluster(stack, settings, on_progress)
    with clock.step("export"):
        files = export_segmentation(
            segmentation,
            out,
            names=settings.names,
            regions=settings.regions,
            estimate=estimate,
            timings=clock.seconds,
        )
    return Result(segmentation, estimate, files, clock.seconds)


def load(
    path: str | Path,
    settings: Settings,
    on_progress: Progress = no_progress,
    *,
    working_set_gb: float | None = None,
    clock: Clock | None = None,
) -> ImageStack:
    """Open and preprocess a stack as the settings say, within the memory of one stack."""
    clock = clock or Clock()
    with clock.step("open"):
        stack = open_as(path, settings, on_progress, working_set_gb=working_set_gb)
    with clock.step("preprocess"):
        return _prepared(stack, settings, preprocess_in_place, on_progress)


def open_as(
    path: str | Path,
    settings: Settings,
    on_progress: Progress = no_progress,
    *,
    working_set_gb: float | None = None,
) -> ImageStack:
    """Open what the settings say of a path; see `ellimaps.open_stack`."""
    return open_stack(
        path,
        dataset=settings.dataset,
        z=settings.z,
        t=settings.t,
        channels=settings.channels,
        working_set_gb=working_set_gb,
        on_progress=on_progress,
    )


def prepare(stack: ImageStack, settings: Settings, on_progress: Progress = no_progress) -> ImageStack:
    """Preprocess a stack as the settings say, and note its pixel size where they give one."""
    return _prepared(stack, settings, preprocess, on_progress)


def _prepared(
    stack: ImageStack, settings: Settings, method: Callable[..., ImageStack], on_progress: Progress
) -> ImageStack:
    size = settings.pixel_size_um
    if size is not None:
        if not isinstance(size, float) or not 0 < size < np.inf:
            raise SettingError(f"The pixel size must be a positive number of micrometres, not {size!r}.")
        stack = stack.with_values(stack.values, pixel_size_um=size)
    if settings.background is not None or settings.normalise is not None or settings.log:
        stack = correct_intensities(
            stack,
            background=settings.background,
            normalise=settings.normalise,
            log=settings.log,
            on_progress=on_progress,
        )
    return method(
        stack,
        gaps=settings.gaps,
        despike=settings.despike,
        smooth=settings.smooth,
        roi=settings.roi,
        binning=settings.binning,
        on_progress=on_progress,
    )


def estimate_of(
    stack: ImageStack, settings: Settings, on_progress: Progress = no_progress
) -> ClusterEstimate:
    """Estimate the number of clusters of a preprocessed stack as the settings say."""
    return estimate_k(
        stack,
        k_range=range(settings.k_min, settings.k_max + 1),
        features=settings.features,
        seed=settings.seed,
        on_progress=on_progress,
    )


def cluster(stack: ImageStack, settings: Settings, on_progress: Progress = no_progress) -> Segmentation:
    """Segment a preprocessed stack as the settings say, changes by hand included; ``k`` must be given."""
    if settings.k is None:
        raise SettingError("The number of clusters k is not given.")
    segmentation = segment(
        stack, settings.k, features=settings.features, seed=settings.seed, on_progress=on_progress
    )
    return refine(segmentation, settings.refine)
