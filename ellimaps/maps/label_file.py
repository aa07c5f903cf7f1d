"""Label images as `ellimaps.maps.export` writes them, read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.maps.clustering.kmeans import MAX_CLUSTERS


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
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            found, kind = tuple(page.shape), page.dtype
            if found == shape and kind is not None and kind.kind in "iu":
                labels = page.asarray()
                return _checked(labels, path)
    except OSError as error:
        raise ReadError(f"The label image {path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, IndexError, RuntimeError, tifffile.TiffFileError) as error:
        raise ReadError(f"{path} is no label image that can be read: {error!s:.100}.") from error
    raise SettingError(
        f"The label image {path.name} holds {kind} of shape {found}: give whole numbers of the maps' shape "
        f"{shape}."
    )


def _checked(labels: NDArray[np.integer], path: Path) -> NDArray[np.int16]:
    if labels.min() < 0 or labels.max() > MAX_CLUSTERS:
        raise SettingError(
            f"The label image {path.name} holds values {labels.min()}..{labels.max()}: use 0 for no data and "
            f"1 to {MAX_CLUSTERS} for clusters."
        )
    return labels.astype(np.int16) - np.int16(1)
