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

from ellimaps.errors import SettingError
from ellimaps.segmentation import band_statistics
from ellimaps.stack import ImageStack

RegionKind = Literal["pixel", "rectangle", "polygon"]


@dataclass(frozen=True)
class Region:
    """A region of interest in pixel coordinates.

    Attributes
    ----------
    name : str
        Used in file names: letters, digits, ``-`` and ``_``.
    kind : {"pixel", "rectangle", "polygon"}
        A single pixel, a rectangle given by its corners, or a closed outline.
    vertices : tuple of (x, y)
        One pixel, or the corners in order; pixel (0, 0) covers 0..1 in x and y.
    """

    name: str
    kind: RegionKind
    vertices: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-]{1,60}", self.name):
            raise SettingError(f"A region cannot be named {self.name!r}: use letters, digits, - and _.")
        if self.kind not in get_args(RegionKind):
            raise SettingError(f"Region {self.name} has the unknown kind {self.kind!r}.")
        if len(self.vertices) < (1 if self.kind == "pixel" else 3):
            raise SettingError(f"Region {self.name} has too few corners.")

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return True for the pixels of an image of this shape (y, x) whose centre lies in the region."""
        if self.kind == "pixel":
            x, y = (int(np.floor(value)) for value in self.vertices[0])
            mask = np.zeros(shape, dtype=np.bool_)
            if 0 <= y < shape[0] and 0 <= x < shape[1]:
                mask[y, x] = True
            return mask
        y, x = np.array([(y - 0.5, x - 0.5) for x, y in self.vertices]).T
        mask = np.zeros(shape, dtype=np.bool_)
        mask[polygon(y, x, shape)] = True  # type: ignore[no-untyped-call]
        return mask


def region_spectrum(stack: ImageStack, region: Region) -> pd.DataFrame:
    """Return a region's mean spectrum over measured values.

    Returns
    -------
    DataFrame
        One row per band: ``region, quantity, wavelength_nm, aoi_deg, channel, mean, std, n_pixels, band``.

    Raises
    ------
    SettingError
        If no pixel of the image lies in the region.
    """
    mask = region.mask(stack.shape)
    if not mask.any():
        raise SettingError(f"Region {region.name} covers no pixel of the map: draw it again.")
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
