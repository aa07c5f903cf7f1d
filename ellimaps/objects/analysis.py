"""One image, from file to table: detect, measure, judge, draw. A pure function of file and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.scratch import like, release
from ellimaps.core.stack import ImageStack
from ellimaps.images.intensities import background_of
from ellimaps.images.outlines import crops, overlay_png
from ellimaps.objects.cell_settings import DEFAULT_RADIUS, CellSettings, radius_in_px
from ellimaps.objects.circles import CIRCLE_COLUMNS, circle_labels, detect_circles
from ellimaps.objects.extended import BOX_COLUMNS, extended_measures
from ellimaps.objects.measure import channel_names, measure_objects
from ellimaps.objects.nuclei import detect_nuclei, suggested_radius
from ellimaps.objects.quality import Quality, image_quality, quality_of_parts
from ellimaps.objects.suitability import unsuitable
from ellimaps.objects.tiles import Box, Tile, tiles_of
from ellimaps.readers import PlaneNumber, open_planes

FIRST_COLUMNS = ("object", "y", "x", "radius", "mean_intensity")
# A sheet of twelve by twelve; those of all nuclei of a slide would be a gigabyte.
_MOST_CROPS = 144
# Up to here an image is worked on as a whole, in some 70 bytes a pixel: benchmarks/bench_large_images.py.
_WHOLE_PX = 1 << 24
# Tiles of half and twice the side find the same 1,500 nuclei of a phantom of 2600 x 2600, in a time within
# 10 %.
_TILE_PX = 2048
# An overlay is looked at on a screen, and would be 100 MB for a whole slide.
_OVERLAY_PX = 4096
# What of a file's values may stay in memory; those of a larger image lie in a temporary file.
_WORKING_SET_GB = 2.0


@dataclass(frozen=True, eq=False)
class CellResult:
    """What an image gave.

    Attributes
    ----------
    table : DataFrame
        One row per object, :data:`FIRST_COLUMNS` first: number, centre and radius in pixels, mean in the
        channel of detection; then ``x_um, y_um, radius_um, area_um2`` where the pixel size is known, and
        what `ellimaps.objects.measure.measure_objects` and `ellimaps.objects.extended.extended_measures`
        give. Circles have ``support`` and ``contrast``, and no shape.
    labels : ndarray of int32, shape (y, x)
        The objects; 0 is background.
    quality : Quality
        Of the channel of detection.
    overlay : bytes
        PNG of that channel with outlines.
    crops : ndarray of uint8, shape (object, crop_px, crop_px)
        For a montage, of the first objects, 144 at most.
    channels : tuple of str
        Names of the channels, as they end the names of columns.
    radius : (float, float)
        Smallest and largest radius that were looked for, in pixels.
    pixel_size_um : float or None
        Width of a pixel.
    pixel_aspect : float
        Height of a pixel over its width.
    inputs : dict of str to str
        SHA-256 by file name.
    warnings : tuple of str
        What the reader has to say.
    """

    table: pd.DataFrame
    labels: NDArray[np.int32]
    quality: Quality
    overlay: bytes
    crops: NDArray[np.uint8]
    channels: tuple[str, ...]
    radius: tuple[float, float]
    pixel_size_um: float | None
    pixel_aspect: float
    inputs: dict[str, str]
    warnings: tuple[str, ...]


def analyse_image(path: str | Path, settings: CellSettings | None = None) -> CellResult:
    """Find, measure and draw the objects of one image.

    The same file and settings give the same result, bytes of the picture included.

    Parameters
    ----------
    path : str or Path
        What `ellimaps.open_stack` opens. Of several scenes and time points the first is taken and of focal
        planes the brightest pixels, unless the settings choose; `analyse_planes` goes through all.
    settings : CellSettings, optional
        The choices; the defaults otherwise.

    Raises
    ------
    ReadError
        If the file cannot be read.
    SettingError
        If a setting does not fit the image.
    """
    settings = settings or CellSettings()
    chosen = replace(settings, z="max" if settings.z is None else settings.z)
    planes = _opened(path, chosen)
    _, stack = next(planes)
    result = analyse_stack(stack, settings)
    if next(planes, None) is None:
        return result
    rest = f"{stack.name} holds further time points or scenes, which were not measured."
    return replace(result, warnings=(*result.warnings, rest))


def analyse_planes(
    path: str | Path, settings: CellSettings | None = None
) -> Iterator[tuple[PlaneNumber, CellResult]]:
    """Find, measure and draw the objects of each scene, time point and focal plane that the settings leave.

    Parameters
    ----------
    path : str or Path
        A TIFF or PNG, or a folder of single ones.
    settings : CellSettings, optional
        The choices; the defaults otherwise.

    Raises
    ------
    ReadError
        If the file cannot be read.
    SettingError
        If a setting does not fit the image.
    """
    settings = settings or CellSettings()
    for number, stack in _opened(path, settings):
        yield number, analyse_stack(stack, settings)


def _opened(path: str | Path, settings: CellSettings) -> Iterator[tuple[PlaneNumber, ImageStack]]:
    return open_planes(path, z=settings.z, t=settings.t, scene=settings.scene, working_set_gb=_WORKING_SET_GB)


def analyse_stack(
    stack: ImageStack, settings: CellSettings, on_progress: Progress = no_progress
) -> CellResult:
    """Find, measure and draw the objects of an opened image; see `analyse_image`."""
    image = channel_of(stack, settings.channel)
    radius = _radius(image, settings, settings.pixel_size_um or stack.pixel_size_um)
    release(stack.values)
    # An object up to twice as long as a disc of its area is whole in the tile that its center lies in.
    search = _Search(radius, 4 * radius[1], lambda part, _: _detected(part, radius, settings), _on)
    return _result(stack, settings, search, _by_tiles(stack, settings, search, on_progress))


def searched_radius(stack: ImageStack, settings: CellSettings) -> tuple[float, float]:
    """Return the range of radii, in pixels, that settings look for in an opened image."""
    image = channel_of(stack, settings.channel)
    return _radius(image, settings, settings.pixel_size_um or stack.pixel_size_um)


def measure_stack(
    stack: ImageStack,
    labels: NDArray[np.int32],
    settings: CellSettings,
    radius: tuple[float, float] | None = None,
) -> CellResult:
    """Measure and draw the objects that labels name, in place of finding them.

    Parameters
    ----------
    stack : ImageStack
        The opened image.
    labels : ndarray of int32, shape (y, x)
        0 is background.
    settings : CellSettings
        The choices; ``kind``, ``threshold`` and ``criteria`` do not matter.
    radius : (float, float), optional
        Range of radii in pixels: the background is taken over half as much more than the largest, and fewer
        objects than it has room for raise no flag. That of the labels by default; with `searched_radius`
        objects that these settings found are measured as when they were found.

    Raises
    ------
    SettingError
        If a setting does not fit the image, or the labels have another size.
    """
    image = channel_of(stack, settings.channel)
    if labels.shape != image.shape:
        raise SettingError(f"{stack.name} has {image.shape} pixels, its labels {labels.shape}.")
    if radius is None:
        areas = np.bincount(labels.ravel())[1:]
        radius = 1.0, max(float(np.sqrt(areas.max(initial=1) / np.pi)), 2.0)
    regions = replace(settings, kind="nuclei")
    reach = max(_widest(labels), 4 * radius[1])
    search = _Search(radius, reach, lambda _, box: (pd.DataFrame(), labels[box]), _own)
    return _result(stack, regions, search, _by_tiles(stack, regions, search, no_progress))


def _on(numbers: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return numbers that go on from those of the tiles before."""
    return count + 1 + np.arange(len(numbers))


def _own(numbers: NDArray[np.intp], _: int) -> NDArray[np.intp]:
    """Return the numbers that the label image gives."""
    return numbers


def _widest(labels: NDArray[np.int32]) -> int:
    boxes = [box for box in ndimage.find_objects(labels) if box is not None]
    return max((side.stop - side.start for box in boxes for side in box), default=0)


def channel_of(stack: ImageStack, channel: int) -> NDArray[np.float32]:
    """Return the channel of an opened image that objects are found in.

    Raises
    ------
    SettingError
        If there is no such channel, or the stack holds Delta and Psi.
    """
    if stack.is_ellipsometric:
        raise SettingError(f"{stack.name} holds Delta and Psi maps: objects are found in intensities.")
    if not 0 <= channel < stack.n_bands:
        raise SettingError(f"{stack.name} has no channel {channel}: it has {stack.n_bands}, counted from 0.")
    return np.asarray(stack.values[channel])


def _radius(
    image: NDArray[np.float32], settings: CellSettings, pixel_size_um: float | None
) -> tuple[float, float]:
    """Return the range of radii in pixels."""
    if settings.radius is None:
        found = suggested_radius(image) if settings.kind == "nuclei" else None
        return found or DEFAULT_RADIUS
    return settings.radius if settings.unit == "px" else radius_in_px(settings.radius, pixel_size_um)


@dataclass(frozen=True)
class _Search:
    """Where objects come from.

    Attributes
    ----------
    radius : (float, float)
        Smallest and largest radius in pixels.
    reach : float
        How many pixels an object may reach beyond the tile that its center lies in.
    find : callable
        ``find(part, box)`` returns, of a part of the image, what a fit knows and the labels.
    number : callable
        ``number(own, count)`` returns the numbers of a tile's objects after as many of other tiles.
    """

    radius: tuple[float, float]
    reach: float
    find: Callable[[NDArray[np.float32], Box], tuple[pd.DataFrame, NDArray[np.int32]]]
    number: Callable[[NDArray[np.intp], int], NDArray[np.intp]]


@dataclass
class _Found:
    """Objects tile by tile, in one label image."""

    labels: NDArray[np.int32]
    tables: list[pd.DataFrame] = field(default_factory=list)
    squares: list[NDArray[np.uint8]] = field(default_factory=list)
    qualities: list[Quality] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(len(table) for table in self.tables)

    def table(self) -> pd.DataFrame:
        """Return all objects; an empty tile has columns of no type, which would spoil those of the others."""
        return pd.concat([one for one in self.tables if len(one)] or self.tables[:1], ignore_index=True)


def _by_tiles(stack: ImageStack, settings: CellSettings, search: _Search, on_progress: Progress) -> _Found:
    """Find, number and measure tile by tile; of all but large images the only tile is the image."""
    names = channel_names(list(stack.bands["channel"]))
    ring = settings.ring
    if ring is not None and settings.unit == "um":
        ring = radius_in_px(ring, settings.pixel_size_um or stack.pixel_size_um)
    found = _Found(like(stack.values[0], np.int32))
    margin = int(np.ceil(search.reach + sum(ring or (0, 0))))
    tiles = _tiles((stack.values.shape[1], stack.values.shape[2]), margin)
    for place, tile in enumerate(tiles):
        on_progress(2 * place, 2 * len(tiles), "finding objects")
        values = stack.values[(slice(None), *tile.window)]
        image = values[settings.channel]
        circles, labels = search.find(image, tile.window)
        on_progress(2 * place + 1, 2 * len(tiles), "measuring objects")
        table = _measured(dict(zip(names, values, strict=True)), labels, search.radius, ring, circles)
        table = table[tile.owns(table)].reset_index(drop=True)
        number = np.zeros(int(labels.max()) + 1, dtype=np.int32)
        number[table["object"]] = search.number(table["object"].to_numpy(), found.count)
        own = number[labels]
        np.copyto(found.labels[tile.window], own, where=own > 0)
        quality = image_quality(image, len(table), largest=search.radius[1], limits=settings.limits)
        found.qualities.append(quality)
        missing = _MOST_CROPS - sum(map(len, found.squares)) if settings.crop_px else 0
        drawn = table[: max(missing, 0)]
        found.squares.append(crops(image, drawn, max(settings.crop_px, 1)))
        found.tables.append(_placed(table.assign(object=number[table["object"]]), tile))
        release(stack.values)
        release(found.labels)
    return found


def _tiles(shape: tuple[int, int], margin: int) -> list[Tile]:
    side, margin = (_TILE_PX, margin) if shape[0] * shape[1] > _WHOLE_PX else (max(shape), 0)
    return list(tiles_of(shape, side, margin))


def _measured(
    images: dict[str, NDArray[np.float32]],
    labels: NDArray[np.int32],
    radius: tuple[float, float],
    ring: tuple[float, float] | None,
    circles: pd.DataFrame,
) -> pd.DataFrame:
    grounds = {name: background_of(values, 1.5 * radius[1]) for name, values in images.items()}
    shape = circles.columns.empty
    measured = measure_objects(images, labels, shape=shape, ring=ring)
    return _merged(circles, measured.join(extended_measures(images, labels, grounds, shape=shape)))


def _placed(table: pd.DataFrame, tile: Tile) -> pd.DataFrame:
    """Return a table whose places are those in the whole image."""
    top, left = (one.start for one in tile.window)
    shifts = dict(zip(("y", "x", *BOX_COLUMNS), (top, left, top, left, top, left), strict=True))
    return table.assign(**{name: table[name] + shift for name, shift in shifts.items()})


def _result(stack: ImageStack, settings: CellSettings, search: _Search, found: _Found) -> CellResult:
    names = channel_names(list(stack.bands["channel"]))
    pixel_size = settings.pixel_size_um or stack.pixel_size_um
    step = -(-max(found.labels.shape) // _OVERLAY_PX)
    image = stack.values[settings.channel]
    return CellResult(
        table=_ordered(found.table(), names[settings.channel], pixel_size),
        labels=found.labels,
        quality=_judged(stack, settings, names, search, found),
        overlay=overlay_png(image[::step, ::step], found.labels[::step, ::step]),
        crops=np.concatenate(found.squares),
        channels=tuple(names),
        radius=search.radius,
        pixel_size_um=pixel_size,
        pixel_aspect=stack.pixel_aspect,
        inputs=dict(stack.inputs),
        warnings=stack.warnings,
    )


def _judged(
    stack: ImageStack, settings: CellSettings, names: list[str], search: _Search, found: _Found
) -> Quality:
    """Return the quality of the channel of detection, with flags for what it shows instead of objects."""
    quality = found.qualities[0]
    if len(found.qualities) > 1:
        step = -(-max(found.labels.shape) // _TILE_PX)
        image = stack.values[settings.channel][::step, ::step]
        thinned = image_quality(image, found.count, largest=max(search.radius[1] / step, 1))
        quality = quality_of_parts(thinned, found.qualities, settings.limits)
    flags = [*unsuitable(list(stack.values), names, settings.channel, found.count), quality.flags]
    return replace(quality, flags="; ".join(flag for flag in flags if flag))


def _detected(
    image: NDArray[np.float32], radius: tuple[float, float], settings: CellSettings
) -> tuple[pd.DataFrame, NDArray[np.int32]]:
    """Return what a fit knows of each object (nothing of regions), and the objects as labels."""
    if settings.kind == "nuclei":
        return pd.DataFrame(), detect_nuclei(
            image, radius, threshold=settings.threshold, criteria=settings.criteria
        )
    circles = detect_circles(image, radius)
    return circles, circle_labels(circles, (image.shape[0], image.shape[1]))


def _merged(circles: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Put a circle's fitted centre and radius in the place of those of its pixels."""
    if circles.columns.empty:
        return measured
    # A circle wholly covered by others has no pixels of its own, and nothing to measure.
    own = circles.iloc[measured["object"].to_numpy() - 1].reset_index(drop=True)
    return measured.assign(**{column: own[column] for column in CIRCLE_COLUMNS})


def _ordered(table: pd.DataFrame, channel: str, pixel_size_um: float | None) -> pd.DataFrame:
    table = table.assign(mean_intensity=table[f"mean_{channel}"])
    if pixel_size_um is not None:
        table = table.assign(
            **{f"{column}_um": table[column] * pixel_size_um for column in ("x", "y", "radius")},
            area_um2=table["area"] * pixel_size_um**2,
        )
    return table[[*FIRST_COLUMNS, *(column for column in table if column not in FIRST_COLUMNS)]]
