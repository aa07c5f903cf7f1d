"""Every choice between an image and its objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.objects.nuclei import Criteria, Threshold
from ellimaps.objects.quality import QualityLimits
from ellimaps.readers.planes import Axis

Kind = Literal["circles", "nuclei"]
DEFAULT_RADIUS = (10.0, 60.0)
"""Of circles, in pixels: what the first acquisitions of round objects held."""


@dataclass(frozen=True)
class CellSettings:
    """Every choice between an image and its objects.

    Attributes
    ----------
    kind : {"circles", "nuclei"}
        Round objects as circles, or objects of any shape as regions.
    radius : (float, float), optional
        Smallest and largest radius, in ``unit``; by default :data:`DEFAULT_RADIUS` for circles, and what
        `ellimaps.objects.nuclei.suggested_radius` says of each image for nuclei.
    unit : {"px", "um"}
        Unit of the radius and the ring.
    pixel_size_um : float, optional
        Width of a pixel, where the files do not tell.
    channel : int
        The channel that objects are found in, from 0; all are measured.
    z, t : int, "max" or "mean", optional
        Focal plane and time point, or a projection; by default each is an image of its own.
    scene : int, optional
        Which image of a file that holds several; by default all.
    threshold : {"local", "otsu"}
        See `ellimaps.objects.nuclei.detect_nuclei`.
    criteria : Criteria
        What counts as a nucleus.
    ring : (float, float), optional
        Gap and width of a ring to measure around every object.
    limits : QualityLimits
        When an image is flagged.
    crop_px : int
        Side of the crops for a montage; 0 makes none.
    """

    kind: Kind = "circles"
    radius: tuple[float, float] | None = None
    unit: Literal["px", "um"] = "px"
    pixel_size_um: float | None = None
    channel: int = 0
    z: Axis = None
    t: Axis = None
    scene: int | None = None
    threshold: Threshold = "local"
    criteria: Criteria = field(default_factory=Criteria)
    ring: tuple[float, float] | None = None
    limits: QualityLimits = field(default_factory=QualityLimits)
    crop_px: int = 64

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise SettingError(f"kind must be one of {', '.join(get_args(Kind))}, not {self.kind!r}.")
        if self.unit not in ("px", "um"):
            raise SettingError(f"unit must be px or um, not {self.unit!r}.")
        if self.radius is not None and (
            len(self.radius) != 2 or not 0 < self.radius[0] <= self.radius[1] < np.inf
        ):
            raise SettingError(f"radius must be a smallest and a largest one, not {self.radius!r}.")
        # 10 and 10.0 are the same choice and must have the same hash.
        for name in ("radius", "ring"):
            if (pair := getattr(self, name)) is not None:
                object.__setattr__(self, name, tuple(float(side) for side in pair))


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
