"""What the columns of objects are called: as scikit-image calls them, or as CellProfiler does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast, get_args

import pandas as pd

from ellimaps.core.errors import SettingError

Names = Literal["skimage", "cellprofiler"]

# Those with a channel behind are listed by what stands before it. What a library has no word for keeps ours.
_OF_CHANNELS: dict[Names, dict[str, str]] = {
    "skimage": {
        "mean": "intensity_mean",
        "median": "intensity_median",
        "std": "intensity_std",
        "min": "intensity_min",
        "max": "intensity_max",
    },
    "cellprofiler": {
        "mean": "Intensity_MeanIntensity",
        "median": "Intensity_MedianIntensity",
        "std": "Intensity_StdIntensity",
        "min": "Intensity_MinIntensity",
        "max": "Intensity_MaxIntensity",
        "integrated": "Intensity_IntegratedIntensity",
    },
}
_OF_SHAPES: dict[Names, dict[str, str]] = {
    "skimage": {"axis_major": "axis_major_length", "axis_minor": "axis_minor_length"},
    "cellprofiler": {
        "object": "ObjectNumber",
        "x": "AreaShape_Center_X",
        "y": "AreaShape_Center_Y",
        "area": "AreaShape_Area",
        "perimeter": "AreaShape_Perimeter",
        "eccentricity": "AreaShape_Eccentricity",
        "solidity": "AreaShape_Solidity",
        "form_factor": "AreaShape_FormFactor",
        "axis_major": "AreaShape_MajorAxisLength",
        "axis_minor": "AreaShape_MinorAxisLength",
        "feret_diameter_max": "AreaShape_MaxFeretDiameter",
        "feret_diameter_min": "AreaShape_MinFeretDiameter",
        "bbox-0": "AreaShape_BoundingBoxMinimum_Y",
        "bbox-1": "AreaShape_BoundingBoxMinimum_X",
        "bbox-2": "AreaShape_BoundingBoxMaximum_Y",
        "bbox-3": "AreaShape_BoundingBoxMaximum_X",
    },
}


def names_called(text: str) -> Names:
    """Return whose names are meant.

    Raises
    ------
    SettingError
        If they are nobody's that is known.
    """
    for names in get_args(Names):
        if text == names:
            return cast(Names, names)
    raise SettingError(f"Measures have the names of {' or '.join(get_args(Names))}, not of {text!r:.80}.")


def renamed(table: pd.DataFrame, channels: Sequence[str], names: Names) -> pd.DataFrame:
    """Return a table of objects with its columns called otherwise; the values are the same.

    Parameters
    ----------
    table : DataFrame
        As `ellimaps.objects.analysis.analyse_image` makes it.
    channels : sequence of str
        Names of the channels, which end the names of their columns.
    names : {"skimage", "cellprofiler"}
        Whose names.
    """
    of_channels = {
        f"{ours}_{channel}": f"{theirs}_{channel}"
        for channel in channels
        for ours, theirs in _OF_CHANNELS[names].items()
    }
    return table.rename(columns=of_channels | _OF_SHAPES[names])
