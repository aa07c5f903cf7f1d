"""A plate's pictures as an OME-Zarr plate: every field, channel, focal plane and time point as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ExportError, ReadError
from ellimaps.core.inputs import as_input
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import software_facts
from ellimaps.plates.measuring.file_names import MERGED, PlateFiles, read_plate_files
from ellimaps.plates.measuring.pictures import field_inputs, picture_file, picture_values
from ellimaps.plates.measuring.wells import row_letters
from ellimaps.readers.pictures import opened_picture
from ellimaps.readers.planes import RGB_NAMES, PlaneChannel, Planes
from ellimaps.writers.ome_zarr import PlateField, write_plate
from ellimaps.writers.zarr_array import Version, new_store


def export_plate(
    root: str | Path,
    out: str | Path,
    pattern: str | None = None,
    *,
    version: Version = "0.5",
    on_progress: Progress = no_progress,
) -> Path:
    """Write the pictures of a plate as an OME-Zarr plate, in the type of their values.

    Parameters
    ----------
    root : str or Path
        Folder of the pictures.
    out : str or Path
        ``NAME.ome.zarr``; what an earlier export left there is replaced.
    pattern : str, optional
        How file names are read; see `ellimaps.plates.measuring.file_names.read_plate_files`.
    version : "0.5" or "0.4"
        Of OME-Zarr.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` after each field.

    Raises
    ------
    ReadError
        If a picture is missing or damaged.
    SettingError
        If the pattern is none.
    ExportError
        If it cannot be written; then nothing has changed.
    """
    out, plate = Path(out), read_plate_files(root, pattern)
    fields = [table for _, table in plate.table.groupby(["row", "column", "field"], sort=True)]
    inputs: dict[str, str] = {}

    def each() -> Iterator[PlateField]:
        for done, table in enumerate(fields, 1):
            row, column = int(table["row"].iloc[0]), int(table["column"].iloc[0])
            yield PlateField(row_letters(row), str(column), _picture(plate, table))
            inputs.update(field_inputs(plate.root, [list(table["file"])]))
            on_progress(done, len(fields), "writing fields")

    name = Path(root).resolve().name
    facts = {"software": software_facts(), "name": name, "inputs_sha256": inputs}
    try:
        with new_store(out, facts) as folder:
            write_plate(each(), folder, name, version)
    except OSError as error:
        raise ExportError(
            f"{out} cannot be written ({error.strerror or error}): choose another place."
        ) from error
    return out


def _picture(plate: PlateFiles, table: pd.DataFrame) -> Planes:
    """Return the pictures of a field as one: time points and focal planes by number, channels by name."""
    times, depths = (sorted(table[name].unique()) for name in ("time", "z"))
    channels = list(dict.fromkeys(plate.table["channel"]))
    files = {
        (times.index(t), channels.index(c), depths.index(z)): str(file)
        for t, c, z, file in table[["time", "channel", "z", "file"]].itertuples(index=False)
    }
    named = files[min(files)]
    with opened_picture(as_input(picture_file(plate.root, named)[0])) as about:
        if about.shape[0] * about.shape[2] > 1:
            raise ReadError(f"{named} holds several planes or time points: export it by itself.")
    first = picture_values(plate.root, named)
    samples = min(len(first), len(RGB_NAMES))
    names = RGB_NAMES[:samples] if channels == [MERGED] and samples > 1 else channels
    is_merged = names != channels

    def plane(t: int, c: int, z: int) -> NDArray[Any]:
        file = files.get((t, 0 if is_merged else c, z))
        if file is None:
            raise ReadError(f"The field of {named} has no picture of channel {names[c]}: copy it again.")
        values: NDArray[Any] = picture_values(plate.root, file)[c if is_merged else 0]
        if values.shape != first.shape[1:]:
            raise ReadError(f"{file} is of another size than {named}: keep pictures of one size.")
        return values

    return Planes(
        name=f"{table['well'].iloc[0]} field {table['field'].iloc[0]}",
        source=plate.root,
        shape=(len(times), len(names), len(depths), *first.shape[1:]),
        plane=plane,
        channels=[PlaneChannel(str(name)) for name in names],
        file_of=lambda *_: named,
        files=[],
        times_s=np.full((len(times), len(names)), np.nan),
        pixel_size_um=about.pixel_size_um,
        pixel_aspect=about.pixel_aspect,
    )
