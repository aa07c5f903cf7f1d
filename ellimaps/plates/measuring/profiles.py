"""Profiles of a plate: the tables that embedding, answers, pages and reports are built on.

`Profiles` is the interface. Both of its tables hold **raw measurements**, in natural units, so that a heat
map or a dose-response curve of any feature means what its name says:

- ``fields``: one row per field, in the order of the plate. First the columns
  :data:`~ellimaps.plates.measuring.plate.METADATA`: ``plate, well, row, column, field, compound,
  concentration, concentration_unit, control, files``. ``well`` is text as A01, ``row`` and ``column``
  count from 1, ``concentration`` is NaN where there is none, ``control`` is bool, ``files`` are paths
  below the plate's root joined by ``;``. Where the layout names positive controls, ``positive`` follows,
  bool. Then the features, float64, NaN where a field has no such value (no cells).
- ``wells``: one row per well: the same columns, but ``n_fields`` for ``field``; features are the
  means over the well's fields that have a value.
- ``features``: names of the measurement columns.

What distances are taken in, for nearest neighbours, embeddings, clusters and permutation tests, is
`ellimaps.plates.statistics.normalization.vectors(profiles)`: matrices whose rows are those of ``fields``
and ``wells``.
Robust z-scores against the controls, feature by feature (for "most changed features"), are
`ellimaps.plates.statistics.normalization.scaled(profiles)`.

On disk (`save_profiles`, `read_profiles`) a folder holds ``fields.parquet``, ``wells.parquet``, the same as
CSV, ``cells.parquet`` (one row per cell, ``plate, well, field`` first) and ``plate.json`` (provenance:
software, root, channels, shape, settings, mismatches, SHA-256 of the layout, of each field's pictures and
of every file).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.files import csv_bytes, with_listing, write_files
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import software_facts
from ellimaps.core.sums import WrittenSet, read_set
from ellimaps.core.swap import current
from ellimaps.plates.measuring.field import FieldResult, FieldSettings, inputs_hash, measure_field
from ellimaps.plates.measuring.plate import METADATA, POSITIVE, Field, Plate

WELL_METADATA = tuple("n_fields" if name == "field" else name for name in METADATA)
CELL_METADATA = ("plate", "well", "field")
FIELDS, WELLS, CELLS, FACTS = "fields.parquet", "wells.parquet", "cells.parquet", "plate.json"
_KINDS = {"root": str, "name": str, "channels": list, "mismatches": list, "settings": dict}
_REMEDY = "run ellimaps plates profile again"
FORMAT = 1
"""In ``plate.json``; to be counted up when what stands there changes its meaning."""


@dataclass(frozen=True, eq=False)
class Profiles:
    """Measurements of a plate, or of several; the module says what the columns are.

    Attributes
    ----------
    fields, wells : DataFrame
        One row per field and per well: metadata, then the features.
    features : tuple of str
        Names of the measurement columns.
    facts : dict
        Provenance; ``plate.json``.
    cells : DataFrame
        One row per cell; empty when the profiles were read without them.
    """

    fields: pd.DataFrame
    wells: pd.DataFrame
    features: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)


def profile_plate(
    plate: Plate, settings: FieldSettings | None = None, *, on_progress: Progress = no_progress
) -> Profiles:
    """Measure every field of a plate, here and in threads.

    ``ellimaps plates profile`` does the same in processes or on a cluster, and resumes.

    Parameters
    ----------
    plate : Plate
        Of `ellimaps.plates.measuring.plate.read_plate`.
    settings : FieldSettings, optional
        The choices; the defaults otherwise.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If a picture cannot be read.
    SettingError
        If a setting does not fit the pictures.
    """
    settings = settings or FieldSettings()
    fields = list(plate.fields())

    def measured(one: Field) -> FieldResult:
        return measure_field(plate.root, one.files, plate.channels, settings)

    results = []
    for result in ordered_map(measured, fields):
        results.append(result)
        on_progress(len(results), len(fields), "measuring fields")
    cells = [result.cells for result in results]
    inputs = {one.key: inputs_hash(result.inputs) for one, result in zip(fields, results, strict=True)}
    facts = provenance(plate, settings, inputs)
    return assemble(plate.metadata(), [result.features for result in results], facts, cells)


def assemble(
    metadata: pd.DataFrame,
    features: Sequence[Mapping[str, float]],
    facts: Mapping[str, Any],
    cells: Sequence[pd.DataFrame] = (),
) -> Profiles:
    """Put the measurements of fields together.

    Parameters
    ----------
    metadata : DataFrame
        :data:`~ellimaps.plates.measuring.plate.METADATA`, a row per field.
    features : sequence of mapping
        Of each field, in the same order.
    facts : mapping
        Provenance.
    cells : sequence of DataFrame
        Of each field, or none.
    """
    names = list(dict.fromkeys(name for row in features for name in row))
    values = pd.DataFrame([dict(row) for row in features], columns=names, dtype=float)
    fields = pd.concat([metadata.reset_index(drop=True), values], axis=1)
    return Profiles(fields, wells_of(fields, names), tuple(names), facts, cells_of_fields(metadata, cells))


def wells_of(fields: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Return one row per well of each plate, the features being the means over its fields."""
    groups = fields.groupby(["plate", "row", "column"], sort=False)
    positive = [name for name in (POSITIVE,) if name in fields]
    about = groups[[*(name for name in METADATA if name not in ("field", "files")), *positive]].first()
    about = about.reset_index(drop=True)
    about["n_fields"] = groups.size().to_numpy()
    about["files"] = groups["files"].agg(";".join).to_numpy()
    means = groups[list(features)].mean().reset_index(drop=True)
    return pd.concat([about[[*WELL_METADATA, *positive]], means], axis=1)


def cells_of_fields(metadata: pd.DataFrame, cells: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the cells of all fields in one table, with the field each belongs to."""
    owners = [tuple(row) for row in metadata[list(CELL_METADATA)].to_numpy(object)]
    parts = [
        table.assign(plate=plate, well=well, field=number)
        for (plate, well, number), table in zip(owners, cells, strict=False)
        if len(table)
    ]
    if not parts:
        return pd.DataFrame(columns=list(CELL_METADATA))
    joined = pd.concat(parts, ignore_index=True)
    return joined[[*CELL_METADATA, *(name for name in joined if name not in CELL_METADATA)]]


def provenance(plate: Plate, settings: FieldSettings, inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return what the profiles of a plate depend on, ready for JSON.

    Parameters
    ----------
    plate : Plate
        The plate.
    settings : FieldSettings
        The choices.
    inputs : mapping of str to str
        Of each field by its key, `ellimaps.plates.measuring.field.inputs_hash` of its files.
    """
    return {
        "software": software_facts(),
        "format": FORMAT,
        "name": plate.name,
        "root": str(plate.root.resolve()),
        "channels": list(plate.channels),
        "shape": list(plate.shape),
        "settings": settings.facts(),
        "mismatches": list(plate.mismatches),
        "layout_sha256": plate.layout_sha256,
        "inputs_sha256": dict(inputs),
    }


def save_profiles(profiles: Profiles, out: str | Path) -> list[Path]:
    """Write profiles into a folder.

    Raises
    ------
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    files = table_files(profiles)
    if len(profiles.cells):
        files[CELLS] = parquet_bytes(profiles.cells)
    return write_files(Path(out), with_listing(files, FACTS, facts_of(profiles)), FACTS)


def table_files(profiles: Profiles) -> dict[str, bytes]:
    """Return the tables of a profile folder, but for the cells, by name."""
    return {
        FIELDS: parquet_bytes(profiles.fields),
        WELLS: parquet_bytes(profiles.wells),
        "fields.csv": csv_bytes(profiles.fields),
        "wells.csv": csv_bytes(profiles.wells),
    }


def facts_of(profiles: Profiles) -> dict[str, Any]:
    """Return what stands in ``plate.json`` before the list of files."""
    return {**profiles.facts, "features": list(profiles.features)}


def read_profiles(folder: str | Path, *, cells: bool = False) -> Profiles:
    """Read what `save_profiles` or ``ellimaps plates profile`` wrote.

    Parameters
    ----------
    folder : str or Path
        Its folder.
    cells : bool
        Whether to read the table of cells too, which may be large.

    Raises
    ------
    ReadError
        If a file is missing or damaged, or not as it was written.
    """
    folder = Path(folder)

    def read(files: WrittenSet) -> Profiles:
        facts = files.facts
        features = _features(facts, folder / FACTS)
        fields = _read_table(files, FIELDS, (*METADATA, *features))
        wells = _read_table(files, WELLS, (*WELL_METADATA, *features))
        table = _read_table(files, CELLS, CELL_METADATA) if cells and CELLS in files else pd.DataFrame()
        return Profiles(fields, wells, features, facts, table)

    if not current(folder, FACTS).is_file():
        raise ReadError(f"{folder} holds no profiles: run ellimaps plates profile first.")
    try:
        return read_set(folder, FACTS, read, _REMEDY)
    except OSError as error:
        raise ReadError(
            f"{folder / FACTS} cannot be read ({error.strerror or error}): check its permissions."
        ) from error


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as Parquet, the same bytes for the same table."""
    import io

    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def _features(facts: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Return the names of the features; what else is read of the facts is of the type it was written with."""
    names, shape = facts.get("features"), facts.get("shape", [0, 0])
    good = isinstance(names, list) and all(isinstance(name, str) for name in names)
    good &= isinstance(shape, list) and len(shape) == 2 and all(isinstance(one, int) for one in shape)
    good &= all(isinstance(facts.get(key), kind | None) for key, kind in _KINDS.items())
    if not good:
        raise ReadError(f"{path} is damaged: {_REMEDY}.")
    return tuple(names or ())


def _read_table(files: WrittenSet, name: str, columns: Sequence[str]) -> pd.DataFrame:
    path = files.folder / name
    try:
        with files.open(name) as file:
            table = pd.read_parquet(file)
    except ReadError:
        raise
    # pyarrow raises a dozen kinds of errors for damaged files.
    except Exception as error:
        raise ReadError(f"{path} cannot be read: {_REMEDY}.") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise ReadError(f"{path} has no column {missing[0]}: {_REMEDY}.")
    return table


def feature_values(table: pd.DataFrame, features: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the measurements of a table of fields or wells as float64, shape (row, feature)."""
    return table[list(features)].to_numpy(np.float64)
