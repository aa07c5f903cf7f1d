"""Measured maps and label images as layers: values with names, colors, and a place in micrometers.

EP4 files do not tell the size of a pixel: ``ELLIMAPS_PIXEL_SIZE_UM`` does. Without it lengths are in pixels
of the measurement, so that maps and their label image lie on each other in both cases.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.abscissa import along_curve, film_abscissa_of
from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.core.inputs import InputFile
from ellimaps.core.stack import DELTA, ImageStack
from ellimaps.core.sums import WrittenSet, read_set
from ellimaps.maps.clustering.features import crosses_zero
from ellimaps.maps.figures import contrast_limits
from ellimaps.napari import LayerData
from ellimaps.readers import list_datasets, open_stack
from ellimaps.readers.ep4_datasets import find_datasets, look_into
from ellimaps.readers.pictures import opened_picture

LABELS = "_labels.tif"
PROVENANCE = "_segmentation.json"
PIXEL_SIZE = "ELLIMAPS_PIXEL_SIZE_UM"

_AXES = {"wavelength_nm": ("wavelength", "nm"), "aoi_deg": ("angle of incidence", "deg")}


def holds_maps(path: str) -> bool:
    """Whether a path is a folder with EP4 maps, or the table of such maps."""
    place = Path(path)
    try:
        if place.is_dir():
            return bool(find_datasets(look_into(place)))
        found = find_datasets(look_into(place.parent)) if path.lower().endswith(".dat") else []
    except EllimapsError:
        return False
    return any(one.table is not None and one.table.name == place.name for one in found)


def map_layers(path: str) -> list[LayerData]:
    """Return a layer of Delta and one of Psi for every data set and angle of incidence at a path.

    The first axis is the wavelength, or the angle where that is what was varied; scaled in its unit where
    its steps are equal. The metadata name each plane.

    Raises
    ------
    ReadError
        If the maps are damaged.
    SettingError
        If ``ELLIMAPS_PIXEL_SIZE_UM`` is no size.
    """
    names = list_datasets(path) if Path(path).is_dir() else [None]
    return [layer for name in names for layer in _layers_of(open_stack(path, dataset=name))]


def label_layers(path: str) -> list[LayerData]:
    """Return the label image of a segmentation as a layer with the names and colors of its clusters.

    Names, place and scale come from the provenance beside it; without that file from the image itself.

    Raises
    ------
    ReadError
        If the image is damaged, or was changed since its provenance was written.
    """
    place = Path(path)

    def read(files: WrittenSet) -> tuple[NDArray[np.int32], dict[str, Any], dict[str, Any]]:
        with files.open(place.name) as stream:
            return *_labels(InputFile(stream, place.name)), files.facts

    labels, keywords, facts = read_set(place.parent, place.name.removesuffix(LABELS) + PROVENANCE, read)
    if facts:
        names = [one.get("name", f"cluster {one['cluster']}") for one in facts["clusters"]]
        colors: dict[int | None, str] = {None: "transparent", 0: "transparent"}
        keywords |= {
            **_placed(facts),
            "features": pd.DataFrame({"index": range(1, len(names) + 1), "cluster": names}),
            "colormap": colors | dict(enumerate(CLUSTER_COLORS[: len(names)], start=1)),
        }
    return [(labels, keywords, "labels")]


def _labels(file: InputFile) -> tuple[NDArray[np.int32], dict[str, Any]]:
    """Return labels with the name and place the image tells; several time points or focal planes lead."""
    with opened_picture(file) as picture:
        times, _, planes, height, width = picture.shape
        values = [picture.plane(t, 0, z) for t in range(times) for z in range(planes)]
    counts = {axis: count for axis, count in (("t", times), ("z", planes)) if count > 1}
    place = _plane(picture.pixel_size_um, picture.pixel_aspect)
    for key, value in (("scale", 1.0), ("translate", 0.0), ("units", "pixel")):
        place[key] = (value,) * len(counts) + place[key]
    place["axis_labels"] = (*counts, "y", "x")
    labels = np.stack(values).reshape(*counts.values(), height, width)
    return labels.astype(np.int32), {"name": picture.name, **place}


def _layers_of(stack: ImageStack) -> list[LayerData]:
    varied, fixed = film_abscissa_of(stack), along_curve(stack)
    place = _plane(_pixel_size_um(stack), stack.pixel_aspect)
    several = stack.bands[fixed].nunique() > 1
    layers = []
    for (value, quantity), bands in stack.bands.groupby([fixed, "quantity"], dropna=False):
        ordered = bands.sort_values(varied, kind="stable")
        values = stack.values[ordered.index]
        along = _first_axis(ordered[varied].to_numpy(float), *_AXES[varied])
        at = f" at {value:g} {_AXES[fixed][1]}" if several else ""
        keywords = {
            "name": f"{stack.name} {quantity}{at}",
            **{key: along[key] + place[key] for key in along},
            **_colors(stack, str(quantity), values),
            "metadata": {
                "wavelength_nm": ordered["wavelength_nm"].tolist(),
                "aoi_deg": ordered["aoi_deg"].tolist(),
                "unit": "deg",
                "pixel_aspect": stack.pixel_aspect,
                "warnings": list(stack.warnings),
            },
        }
        layers.append((values, keywords, "image"))
    return layers


def _colors(stack: ImageStack, quantity: str, values: NDArray[np.float32]) -> dict[str, Any]:
    """Return the colors of our figures; those of a circle where Delta goes round it."""
    if quantity == DELTA and crosses_zero(stack):
        return {"colormap": "twilight_shifted", "contrast_limits": (0.0, 360.0)}
    return {"colormap": "viridis", "contrast_limits": contrast_limits(values)}


def _first_axis(at: NDArray[np.float64], name: str, unit: str) -> dict[str, tuple[Any, ...]]:
    """Return the place of the first axis: its values where these are evenly spaced, else numbers."""
    step = (at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else 1.0
    # Tables keep one decimal.
    even = step > 0 and np.abs(at[0] + step * np.arange(len(at)) - at).max() <= 0.05
    scale, first, unit = (float(step), float(at[0]), unit) if even else (1.0, 0.0, "pixel")
    return {"scale": (scale,), "translate": (first,), "axis_labels": (name,), "units": (unit,)}


def _plane(size_um: float | None, aspect: float) -> dict[str, tuple[Any, ...]]:
    """Return the place of the two axes of a map; without a size a pixel is 1 wide."""
    size, unit = (1.0, "pixel") if size_um is None else (size_um, "µm")
    return {
        "scale": (size * aspect, size),
        "translate": (0.0, 0.0),
        "axis_labels": ("y", "x"),
        "units": (unit, unit),
    }


def _placed(facts: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Return where the labels of a segmentation lie on its measurement, which may be cut and binned."""
    steps: Mapping[str, Any] = next((step for step in facts["preprocessing"] if "binning" in step), {})
    binning, (y0, _, x0, _) = steps.get("binning", 1), steps.get("roi") or (0, 0, 0, 0)
    place = _plane(facts["pixel_size_um"], facts["pixel_aspect"])
    in_pixels = 1 if facts["pixel_size_um"] is not None else binning
    height, width = (side * in_pixels for side in place["scale"])
    # The middle of a block of pixels is not the middle of its first one.
    y, x = ((start + (binning - 1) / 2) / binning for start in (y0, x0))
    return {**place, "scale": (height, width), "translate": (height * y, width * x)}


def _pixel_size_um(stack: ImageStack) -> float | None:
    given = os.environ.get(PIXEL_SIZE)
    if stack.pixel_size_um is not None or not given:
        return stack.pixel_size_um
    try:
        size = float(given)
    except ValueError:
        size = 0.0
    if not 0 < size < np.inf:
        raise SettingError(f"{PIXEL_SIZE} is {given!r}: give the width of a pixel in micrometers.")
    return size
