"""Regions of interest: pixels, rectangles and outlines a user drew, and their spectra."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.draw import polygon

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering.band_statistics import band_statistics

RegionKind = Literal["pixel", "rectangle", "polygon"]


@dataclass(frozen=True)
class Region:
    """A region of interest in pixel coordinates of the preprocessed maps.

    Attributes
    ----------
    name : str
        Used in file names: letters, digits, ``-`` and ``_``.
    kind : {"pixel", "rectangle", "polygon"}
        A single pixel, a rectangle given by its four corners, or a closed outline.
    vertices : tuple of (x, y)
        One pixel, or the corners in order; pixel (0, 0) covers 0..1 in x and y.
    """

    name: str
    kind: RegionKind
    vertices: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[\w-]{1,60}", self.name):
            raise SettingError(
                f"A region cannot be named {self.name!r:.80}: use up to 60 letters, digits, - and _."
            )
        if self.kind not in get_args(RegionKind):
            kinds = ", ".join(get_args(RegionKind))
            raise SettingError(f"Region {self.name} must be one of {kinds}, not {self.kind!r:.80}.")
        corners = {"pixel": 1, "rectangle": 4}.get(self.kind, max(len(self.vertices), 3))
        if len(self.vertices) != corners:
            raise SettingError(
                f"Region {self.name} ({self.kind}) has {len(self.vertices)} corners, not {corners}."
            )
        vertices = tuple((float(x), float(y)) for x, y in self.vertices)
        if not all(abs(value) <= 1e6 for vertex in vertices for value in vertex):
            raise SettingError(f"Region {self.name} has a corner that lies nowhere near a map.")
        object.__setattr__(self, "vertices", vertices)

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return True for the pixels of an image of this shape (y, x) whose centre lies in the region.

        Of a pixel, that is the pixel itself. A centre on the outline lies in the region.
        """
        mask = np.zeros(shape, dtype=np.bool_)
        x, y = np.array(self.vertices).T
        if self.kind == "pixel":
            column, row = int(np.floor(x[0])), int(np.floor(y[0]))
            if 0 <= row < shape[0] and 0 <= column < shape[1]:
                mask[row, column] = True
        else:
            mask[polygon(y - 0.5, x - 0.5, shape)] = True  # type: ignore[no-untyped-call]
        return mask


def region_spectrum(stack: ImageStack, region: Region) -> pd.DataFrame:
    """Return a region's mean spectrum over measured values; the mean of Delta is circular.

    Returns
    -------
    DataFrame
        One row per band: ``region, quantity, wavelength_nm, aoi_deg, channel, mean, std, n_pixels, band``.

    Raises
    ------
    SettingError
        If no pixel of the maps lies in the region.
    """
    mask = region.mask(stack.shape)
    if not mask.any():
        raise SettingError(f"Region {region.name} holds no pixel of the map: draw it again or leave it out.")
    mean, std, count = (column[0] for column in band_statistics(stack, np.where(mask, 0, -1), 1))
    columns = stack.bands[["quantity", "wavelength_nm", "aoi_deg", "channel"]]
    table = columns.assign(
        region=region.name, mean=mean, std=std, n_pixels=count, band=np.arange(stack.n_bands)
    )
    return table[["region", *columns.columns, "mean", "std", "n_pixels", "band"]]


def next_region_name(regions: Sequence[Region]) -> str:
    """Return the first free name of the form ``roi1``."""
    taken = {region.name for region in regions}
    return next(name for number in range(1, len(taken) + 2) if (name := f"roi{number}") not in taken)


def check_region_names(regions: Sequence[Region]) -> None:
    """Raise a `SettingError` if two regions would be written to the same file.

    File names that differ only in case are the same on Windows and macOS.
    """
    seen: set[str] = set()
    for region in regions:
        if region.name.casefold() in seen:
            raise SettingError(f"Two regions are named {region.name}: give each its own name.")
        seen.add(region.name.casefold())
