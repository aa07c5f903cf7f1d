"""Label images as `ellimaps.maps.export` writes them, read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.inputs import InputFile
from ellimaps.maps.clustering.kmeans import MAX_CLUSTERS
from ellimaps.readers.tiff import is_tiff, opened_tiff


def read_label_image(path: str | Path, shape: tuple[int, int]) -> NDArray[np.int16]:
    """Read a label TIFF.

    Parameters
    ----------
    path : str or Path
        An image of whole numbers: 0 is no data, otherwise cluster + 1.
    shape : (int, int)
        Size (y, x) of the maps it belongs to.

    Returns
    -------
    labels : ndarray of int16, shape (y, x)
        The cluster of each pixel, -1 where there is no data.

    Raises
    ------
    ReadError
        If the file cannot be read as a TIFF.
    SettingError
        If its size is not that of the maps or it holds something else than labels.
    """
    path = Path(path)
    file = InputFile(path)
    if file.path.is_file() and not is_tiff(file):
        raise ReadError(f"{path} is no label image that can be read: give the TIFF that was exported.")
    with opened_tiff(file) as picture:
        found, holds = picture.shape[3:], f"an image of {picture.shape[3]} x {picture.shape[4]} pixels"
        if found == shape:
            labels = picture.plane(0, 0, 0)
            if labels.dtype.kind in "iu":
                return _checked(labels, path)
            holds = f"{labels.dtype} values"
    raise SettingError(
        f"The label image {path.name} holds {holds}: give whole numbers of the maps' shape {shape}."
    )


def _checked(labels: NDArray[np.integer], path: Path) -> NDArray[np.int16]:
    if labels.min() < 0 or labels.max() > MAX_CLUSTERS:
        raise SettingError(
            f"The label image {path.name} holds values {labels.min()}..{labels.max()}: use 0 for no data and "
            f"1 to {MAX_CLUSTERS} for clusters."
        )
    return labels.astype(np.int16) - np.int16(1)
