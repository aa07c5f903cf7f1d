"""Exporting an image: all of its planes in another format, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ExportError, SettingError
from ellimaps.core.files import write_listing
from ellimaps.core.inputs import InputFile
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import sha256, software_facts
from ellimaps.core.swap import swapped
from ellimaps.readers import opened_image
from ellimaps.readers.pictures import opened_picture
from ellimaps.readers.planes import Planes
from ellimaps.writers.ome_tiff import write_ome_tiff
from ellimaps.writers.ome_zarr import write_image
from ellimaps.writers.zarr_array import Version, new_store

_TIFFS = (".ome.tif", ".ome.tiff")


def export_image(
    path: str | Path,
    out: str | Path,
    *,
    dataset: str | None = None,
    scene: int | None = None,
    labels: str | Path | None = None,
    version: Version = "0.5",
    on_progress: Progress = no_progress,
) -> Path:
    """Write an image as OME-Zarr or OME-TIFF, every plane in the type of its values.

    Parameters
    ----------
    path : str or Path
        What `ellimaps.open_stack` opens; Delta and Psi maps become channels of 32-bit floats.
    out : str or Path
        ``NAME.ome.zarr`` or ``NAME.ome.tif``; what an earlier export left there is replaced.
    dataset, scene
        As of `ellimaps.open_stack`.
    labels : str or Path, optional
        A label image of the same size, such as ``NAME_labels.tif``; an OME-Zarr takes it along.
    version : "0.5" or "0.4"
        Of OME-Zarr.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If the image or the label image cannot be read.
    SettingError
        If the ending is another, or the label image does not fit.
    ExportError
        If it cannot be written; then nothing has changed.
    """
    out = Path(out)
    is_tiff = out.name.lower().endswith(_TIFFS)
    if is_tiff and labels is not None:
        raise SettingError(f"{out.name} takes no label image along: export to NAME.ome.zarr.")
    if not (is_tiff or out.name.lower().endswith(".zarr")):
        raise SettingError(f"{out.name} names no format: let it end in .ome.zarr or .ome.tif.")
    with opened_image(path, dataset=dataset, scene=scene) as (picture, inputs):
        facts = {"software": software_facts(), "name": picture.name, "inputs_sha256": inputs}
        try:
            if is_tiff:
                stem = out.name[: out.name.lower().rindex(".ome")]
                listing = f"{stem}_export.json"
                with swapped(out.parent, listing) as folder:
                    write_ome_tiff(picture, folder / out.name, on_progress)
                    write_listing(folder, [out.name], listing, facts)
            else:
                masks = [] if labels is None else [InputFile(labels)]
                facts["inputs_sha256"] = inputs | {mask.name: sha256(mask) for mask in masks}
                with new_store(out, facts) as folder:
                    regions = {Path(mask.name).stem: _labels(mask, picture) for mask in masks}
                    write_image(picture, folder, version, regions, on_progress)
        except OSError as error:
            raise ExportError(
                f"{out} cannot be written ({error.strerror or error}): choose another place."
            ) from error
    return out


def _labels(mask: InputFile, picture: Planes) -> NDArray[np.integer[Any]]:
    with opened_picture(mask) as labels:
        values = labels.plane(0, 0, 0)
        if values.shape != picture.shape[-2:] or values.dtype.kind not in "iu" or values.min() < 0:
            raise SettingError(
                f"{mask.name} is no label image of {picture.name}: give whole numbers from 0, of "
                f"{picture.shape[3]} x {picture.shape[4]} pixels."
            )
        return values
