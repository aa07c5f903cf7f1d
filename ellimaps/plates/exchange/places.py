"""Where rows of other software's tables are on a plate, and what was in their wells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.names import readable
from ellimaps.plates.exchange.tables import RowNames
from ellimaps.plates.measuring.layout import is_layout_column, layout_of, read_layout
from ellimaps.plates.measuring.plate import POSITIVE, with_layout
from ellimaps.plates.measuring.wells import well_name, well_position

_METADATA = re.compile(r"(?i)(?:image_)?metadata_(.+)")
_NAMES = {
    "plate": ("plate", "platename", "plate_name", "plateid", "plate_id", "assay_plate_barcode", "barcode"),
    "well": ("well", "wellid", "well_id", "well_position", "wellname", "well_name"),
    "row": ("row", "wellrow", "well_row"),
    "column": ("column", "col", "wellcolumn", "well_column"),
    "field": ("site", "field", "fieldid", "field_id", "fieldofview"),
}
_SAME = {"mmoles_per_liter": "concentration_mm", "mg_per_ml": "concentration_mgml"}
"""Columns of the Broad Institute's tables that name their unit in another way than layouts do."""
_MOST_NAMED = 6
"""As many as a sentence bears; the rest is counted."""
_MOST_FIELDS = 100_000
"""More fields of a well are not taken by anybody; their number is bounded as it is written into names."""


class Placed(NamedTuple):
    """Rows of a table as fields.

    Attributes
    ----------
    metadata : DataFrame
        The columns every table of profiles begins with, in the order of the plates.
    rows : ndarray of int, shape (field,)
        The row of the table that each was.
    notes : tuple of str
        What does not fit together.
    """

    metadata: pd.DataFrame
    rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    notes: tuple[str, ...]


def naming(names: Sequence[str], what: str) -> list[str]:
    """Return the sentence that says what is the matter with some of them, naming the first; or none."""
    if not names:
        return []
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"{len(names)} {what}: {', '.join(names[:_MOST_NAMED])}{more}."]


def is_metadata(column: str) -> bool:
    """Return whether a column says what a row is, not what was measured."""
    return _METADATA.fullmatch(column) is not None


def places_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return what tells the fields of a table of cells apart, as text."""
    raw = _raw(table)
    return raw[[name for name in (*_NAMES, "tablenumber", "imagenumber") if name in raw]]


def numbered_sites(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose rows of a well are told apart by ``Metadata_Site``, by their order if need be."""
    raw = _raw(table)
    if "field" in raw:
        return table
    of_well = raw[[name for name in ("plate", "well", "row", "column") if name in raw]]
    numbers = of_well.groupby(list(of_well)).cumcount() + 1 if len(of_well.columns) else 1
    return table.assign(Metadata_Site=numbers)


def placed(table: pd.DataFrame, file: Path, line: RowNames, layout: str | Path | None = None) -> Placed:
    """Return which field of which plate every row of a table is.

    Parameters
    ----------
    table : DataFrame
        With ``Metadata_Plate`` (else the file's name), ``Metadata_Well`` or row and column, and
        ``Metadata_Site`` where a well has several rows; its index counts rows.
    file : Path
        What messages call it.
    line : RowNames
        What the rows are called.
    layout : path, optional
        What is in every well, of all plates; by default what the table's other metadata say.

    Raises
    ------
    ReadError
        If a column is missing, a well has no such name, or a field is there twice.
    """
    raw = _raw(table)
    plate = raw["plate"] if "plate" in raw else pd.Series(_plate_name(file), raw.index)
    fields = [1] * len(raw) if "field" not in raw else [_field(*item, line) for item in raw["field"].items()]
    wells = _wells(raw, file, line)
    keys = list(zip(plate, wells, fields, strict=True))
    _refuse_twice(keys, raw.index, line)
    about = pd.DataFrame({"plate": plate.to_numpy(), "well": wells, "field": fields, "files": ""})
    about[["row", "column"]] = [well_position(well) for well in wells]
    about["source"] = np.arange(len(about))
    raw = raw.assign(well=wells)
    found, notes = _joined(about, raw, (file, line), layout)
    found = found.sort_values(["plate", "row", "column", "field"], kind="stable", ignore_index=True)
    return Placed(found.drop(columns="source"), found["source"].to_numpy(np.intp), notes)


def _raw(table: pd.DataFrame) -> pd.DataFrame:
    """Return the metadata as text, under the names that layouts have."""
    found: dict[str, pd.Series[str]] = {}
    known = {name: own for own, names in _NAMES.items() for name in reversed(names)}
    for column in table:
        match = _METADATA.fullmatch(str(column))
        if match is None:
            continue
        bare = match[1].casefold()
        found.setdefault(known.get(bare, _SAME.get(bare, bare)), _as_text(table[column]))
    return pd.DataFrame(found, index=table.index)


def _as_text(values: pd.Series) -> pd.Series[str]:
    """Return values as text; whole numbers without a point, nothing where there is none."""
    if pd.api.types.is_float_dtype(values):
        return values.map(lambda value: "" if pd.isna(value) else f"{value:.15g}").astype(str)
    return values.astype(object).where(values.notna(), "").astype(str)


def _plate_name(file: Path) -> str:
    return readable(file.name).split(".")[0] or "plate"


def _wells(raw: pd.DataFrame, file: Path, line: RowNames) -> list[str]:
    if "well" in raw:
        texts = raw["well"].tolist()
    elif {"row", "column"} <= set(raw):
        rows = [chr(64 + int(row)) if re.fullmatch(r"1?\d|2[0-6]", row) else row for row in raw["row"]]
        texts = [f"{row}{column}" for row, column in zip(rows, raw["column"], strict=True)]
    else:
        raise ReadError(
            f"{file.name} has no column Metadata_Well: name the wells in CellProfiler's Metadata module."
        )
    names = []
    for row, text in zip(raw.index, texts, strict=True):
        try:
            names.append(well_name(*well_position(text)))
        except ReadError as error:
            reason = str(error).rstrip(".").split(":")[0]
            raise ReadError(f"{line.at(int(row))}: {reason}; write wells as A01.") from error
    return names


def _field(row: object, text: str, line: RowNames) -> int:
    match = re.fullmatch(r"[^\d.]{0,8}(\d{1,9})(?:\.0*)?", text.strip())
    if match is None or int(match[1]) >= _MOST_FIELDS:
        raise ReadError(f"{line.at(int(str(row)))}: {text!r:.40} is no number of a field; write it as 1.")
    return int(match[1])


def _refuse_twice(keys: list[tuple[str, str, int]], rows: pd.Index, line: RowNames) -> None:
    first: dict[tuple[str, str, int], int] = {}
    for key, row in zip(keys, rows, strict=True):
        if key in first:
            plate, well, field = key
            raise ReadError(
                f"{line.at(int(row))}: the well {well} (field {field}) of the plate {plate:.80} stands in "
                f"{line(first[key])} already; keep one, or tell fields apart in Metadata_Site."
            )
        first[key] = int(row)


def _joined(
    about: pd.DataFrame, raw: pd.DataFrame, source: tuple[Path, RowNames], layout: str | Path | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    file, line = source
    if layout is not None:
        table = read_layout(layout)
        known = about["well"].isin(table["well"])
        if not known.any():
            raise ReadError(
                f"{Path(layout).name} and {file.name} have no well in common: check that they are of a plate."
            )
        lacking = sorted(set(about.loc[~known, "well"]), key=well_position)
        notes = naming(lacking, "wells have no row in the layout and are left out")
        return _with_source(about[known], table), tuple(notes)
    parts = []
    for _, rows in about.groupby("plate", sort=False):
        said = raw.iloc[rows.index]
        said = said[[name for name in said if is_layout_column(str(name))]].drop_duplicates()
        try:
            parts.append(_with_source(rows, layout_of(file, said.set_axis(said.index + line.first))))
        except ReadError as error:
            if "no column compound" not in str(error):
                raise
            raise ReadError(
                f"{file.name} does not say what is in the wells: give the layout, a CSV or XLSX file."
            ) from error
    found = pd.concat(parts, ignore_index=True)
    if POSITIVE in found:
        # A plate without one does not have the column.
        found[POSITIVE] = found[POSITIVE].eq(True)
    return found, ()


def _with_source(rows: pd.DataFrame, layout: pd.DataFrame) -> pd.DataFrame:
    return with_layout(rows, layout).assign(source=rows["source"].to_numpy())
