"""The whole way as one call: folder in, clusters out. Command line, batch and pages share it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import ImageStack
from ellimaps.images.intensities import correct_intensities
from ellimaps.images.preprocessing import preprocess, preprocess_in_place
from ellimaps.maps.clustering.estimation import ClusterEstimate, estimate_k
from ellimaps.maps.clustering.suggestion import Suggestion, suggest_k
from ellimaps.maps.labels import labelled_clusters
from ellimaps.maps.refinement import refine
from ellimaps.maps.segmentation import Segmentation, segment
from ellimaps.maps.settings import (
    Corrections,
    Opening,
    Preprocessing,
    Settings,
    values_of,
)
from ellimaps.readers import open_stack
from ellimaps.regions.outline_files import OutlineFormat


@dataclass(frozen=True)
class Result:
    """What a run gave: the segmentation, what k came from, the files written, seconds per step."""

    segmentation: Segmentation
    suggestion: Suggestion | None
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
    labels: str | Path | None = None,
    outlines: Sequence[OutlineFormat] = (),
    working_set_gb: float | None = None,
) -> Result:
    """Open, preprocess, suggest a number of clusters if need be, segment and export.

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
    labels : str or Path, optional
        A label image whose clusters are taken; none are looked for then.
    outlines : sequence of {"geojson", "roiset"}
        Which files of the clusters' outlines are written.
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
    segmentation, suggestion = (
        found_clusters(stack, settings, on_progress, clock)
        if labels is None
        else (labelled_clusters(stack, labels, settings), None)
    )
    # Late: figures take a fifth of a second to import, and an estimate draws none.
    from ellimaps.maps.export import export_segmentation

    with clock.step("export"):
        files = export_segmentation(
            segmentation,
            out,
            names=settings.names,
            regions=settings.regions,
            outlines=outlines,
            suggestion=suggestion,
            timings=clock.seconds,
        )
    return Result(segmentation, suggestion, files, clock.seconds)


def load(
    path: str | Path,
    settings: Settings,
    on_progress: Progress = no_progress,
    *,
    working_set_gb: float | None = None,
    clock: Clock | None = None,
) -> ImageStack:
    """Open and preprocess a stack as the settings say, within the memory of one stack.

    Parameters
    ----------
    path, settings, on_progress, working_set_gb
        See `run`.
    clock : Clock, optional
        Notes the seconds of both steps.
    """
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
    """Open what the settings say of a path, as `ellimaps.open_stack` does.

    Parameters
    ----------
    path, settings, on_progress, working_set_gb
        See `run`.
    """
    opening = values_of(settings, Opening)
    return open_stack(path, **opening, working_set_gb=working_set_gb, on_progress=on_progress)


def prepare(stack: ImageStack, settings: Settings, on_progress: Progress = no_progress) -> ImageStack:
    """Preprocess a stack as the settings say, and note its pixel size where they give one."""
    return _prepared(stack, settings, preprocess, on_progress)


def _prepared(
    stack: ImageStack, settings: Settings, method: Callable[..., ImageStack], on_progress: Progress
) -> ImageStack:
    size = settings.pixel_size_um
    if size is not None:
        if not isinstance(size, float) or not 0 < size < inf:
            raise SettingError(f"The pixel size must be a positive number of micrometres, not {size!r}.")
        stack = stack.with_values(stack.values, pixel_size_um=size)
    corrections = values_of(settings, Corrections)
    if Corrections(**corrections) != Corrections():
        stack = correct_intensities(stack, **corrections, on_progress=on_progress)
    return method(stack, **values_of(settings, Preprocessing), on_progress=on_progress)


def estimate_of(
    stack: ImageStack, settings: Settings, on_progress: Progress = no_progress
) -> ClusterEstimate:
    """Compare numbers of clusters of a preprocessed stack as the settings say."""
    return estimate_k(stack, **_of_choosing_k(settings), on_progress=on_progress)


def suggestion_of(stack: ImageStack, settings: Settings, on_progress: Progress = no_progress) -> Suggestion:
    """Suggest a number of clusters of a preprocessed stack as the settings say."""
    return suggest_k(stack, **_of_choosing_k(settings), on_progress=on_progress)


def _of_choosing_k(settings: Settings) -> dict[str, Any]:
    span = range(settings.k_min, settings.k_max + 1)
    return {"k_range": span, "features": settings.features, "seed": settings.seed}


def cluster(stack: ImageStack, settings: Settings, on_progress: Progress = no_progress) -> Segmentation:
    """Segment a preprocessed stack as the settings say, changes by hand included; ``k`` must be given."""
    if settings.k is None:
        raise SettingError("The number of clusters k is not given.")
    segmentation = segment(
        stack, settings.k, features=settings.features, seed=settings.seed, on_progress=on_progress
    )
    return refine(segmentation, settings.refine)


def found_clusters(
    stack: ImageStack,
    settings: Settings,
    on_progress: Progress = no_progress,
    clock: Clock | None = None,
) -> tuple[Segmentation, Suggestion | None]:
    """Segment a preprocessed stack into ``k`` clusters, or into the suggested number where there is no ``k``.

    Parameters
    ----------
    stack : ImageStack
        As `load` and `prepare` return it.
    settings : Settings
        The choices.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.
    clock : Clock, optional
        Notes the seconds of both steps.

    Returns
    -------
    segmentation : Segmentation
        The clusters, changes by hand included.
    suggestion : Suggestion or None
        What the suggested number came from.
    """
    clock = clock or Clock()
    suggestion = None
    if settings.k is None:
        with clock.step("suggest"):
            suggestion = suggestion_of(stack, settings, on_progress)
        settings = replace(settings, k=suggestion.suggested_k)
    with clock.step("segment"):
        return cluster(stack, settings, on_progress), suggestion
