"""One image, from file to table: detect, measure, judge, draw. A pure function of file and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.images.outlines import crops, overlay_png
from ellimaps.objects.circles import CIRCLE_COLUMNS, circle_labels, detect_circles
from ellimaps.objects.measure import channel_names, measure_objects
from ellimaps.objects.nuclei import Threshold, detect_nuclei
from ellimaps.objects.quality import Quality, QualityLimits, image_quality
from ellimaps.readers import open_stack
from ellimaps.readers.planes import Axis

Kind = Literal["circles", "nuclei"]
FIRST_COLUMNS = ("object", "y", "x", "radius", "mean_intensity")


@dataclass(frozen=True)
class CellSettings:
    """Every choice between an image and its objects.

    Attributes
    ----------
    kind : {"circles", "nuclei"}
        Round objects as circles, or objects of any shape as regions.
    radius : (float, float)
        Smallest and largest radius, in ``unit``.
    unit : {"px", "um"}
        Unit of the radius and the ring.
    pixel_size_um : float, optional
        Width of a pixel, where the files do not tell.
    channel : int
        The channel that objects are found in, from 0; all are measured.
    z, t : int, "max" or "mean", optional
        Focal plane and time point; by default the brightest of all planes, and the first time point.
    threshold : {"local", "otsu"}
        See `ellimaps.objects.nuclei.detect_nuclei`.
    ring : (float, float), optional
        Gap and width of a ring to measure around every object.
    limits : QualityLimits
        When an image is flagged.
    crop_px : int
        Side of the crops for a montage; 0 makes none.
    """

    kind: Kind = "circles"
    radius: tuple[float, float] = (10.0, 60.0)
    unit: Literal["px", "um"] = "px"
    pixel_size_um: float | None = None
    channel: int = 0
    z: Axis = None
    t: Axis = 0
    threshold: Threshold = "local"
    ring: tuple[float, float] | None = None
    limits: QualityLimits = field(default_factory=QualityLimits)
    crop_px: int = 64

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise SettingError(f"kind must be one of {', '.join(get_args(Kind))}, not {self.kind!r}.")
        if self.unit not in ("px", "um"):
            raise SettingError(f"unit must be px or um, not {self.unit!r}.")
        if len(self.radius) != 2 or not 0 < self.radius[0] <= self.radius[1] < np.inf:
            raise SettingError(f"radius must be a smallest and a largest one, not {self.radius!r}.")
        # 10 and 10.0 are the same choice and must have the same hash.
        object.__setattr__(self, "radius", tuple(float(side) for side in self.radius))
        if self.ring is not None:
            object.__setattr__(self, "ring", tuple(float(side) for side in self.ring))


@dataclass(frozen=True, eq=False)
class CellResult:
    """What an image gave.

    Attributes
    ----------
    table : DataFrame
        One row per object, :data:`FIRST_COLUMNS` first: number, centre and radius in pixels, mean in the
        channel of detection; then ``x_um, y_um, radius_um`` where the pixel size is known, and what
        `ellimaps.objects.measure.measure_objects` gives. Circles have ``support`` and ``contrast``, and no
        shape.
    labels : ndarray of int32, shape (y, x)
        The objects; 0 is background.
    quality : Quality
        Of the channel of detection.
    overlay : bytes
        PNG of that channel with outlines.
    crops : ndarray of uint8, shape (object, crop_px, crop_px)
        For a montage.
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
    inputs: dict[str, str]
    warnings: tuple[str, ...]


def radius_in_px(radius_um: tuple[float, float], pixel_size_um: float | None) -> tuple[float, float]:
    """Return a range of radii in pixels.

    Raises
    ------
    SettingError
        If the pixel size is not known.
    """
    if pixel_size_um is None or not 0 < pixel_size_um < np.inf:
        raise SettingError("Radii in micrometres need the pixel size: give it, or radii in pixels.")
    return radius_um[0] / pixel_size_um, radius_um[1] / pixel_size_um


def analyse_image(path: str | Path, settings: CellSettings | None = None) -> CellResult:
    """Find, measure and draw the objects of one image file.

    The same file and settings give the same result, bytes of the picture included.

    Parameters
    ----------
    path : str or Path
        What `ellimaps.open_stack` opens.
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
    stack = open_stack(path, z=settings.z, t=settings.t)
    return analyse_stack(stack, settings)


def analyse_stack(stack: ImageStack, settings: CellSettings) -> CellResult:
    """Find, measure and draw the objects of an opened image; see `analyse_image`."""
    if stack.is_ellipsometric:
        raise SettingError(f"{stack.name} holds Delta and Psi maps: objects are found in intensities.")
    if not 0 <= settings.channel < stack.n_bands:
        raise SettingError(
            f"{stack.name} has no channel {settings.channel}: it has {stack.n_bands}, counted from 0."
        )
    pixel_size = settings.pixel_size_um or stack.pixel_size_um
    radius = settings.radius if settings.unit == "px" else radius_in_px(settings.radius, pixel_size)
    ring = settings.ring
    if ring is not None and settings.unit == "um":
        ring = radius_in_px(ring, pixel_size)
    image = stack.values[settings.channel]
    found, labels = _detected(image, radius, settings)
    names = channel_names(list(stack.bands["channel"]))
    measured = measure_objects(
        dict(zip(names, stack.values, strict=True)), labels, shape=settings.kind == "nuclei", ring=ring
    )
    table = _ordered(_merged(found, measured), names[settings.channel], pixel_size)
    return CellResult(
        table=table,
        labels=labels,
        quality=image_quality(image, len(table), largest=radius[1], limits=settings.limits),
        overlay=overlay_png(image, labels),
        crops=crops(image, table if settings.crop_px else table[:0], max(settings.crop_px, 1)),
        inputs=dict(stack.inputs),
        warnings=stack.warnings,
    )


def _detected(
    image: NDArray[np.float32], radius: tuple[float, float], settings: CellSettings
) -> tuple[pd.DataFrame, NDArray[np.int32]]:
    """Return what a fit knows of each object (nothing of regions), and the objects as labels."""
    if settings.kind == "nuclei":
        return pd.DataFrame(), detect_nuclei(image, radius, threshold=settings.threshold)
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
            **{f"{column}_um": table[column] * pixel_size_um for column in ("x", "y", "radius")}
        )
    return table[[*FIRST_COLUMNS, *(column for column in table if column not in FIRST_COLUMNS)]]
