"""What CellProfiler exported: one CSV table per kind of object, or a SQLite database of such tables.

The table of images says the plate, well and site of every image, the tables of objects what was measured.
A field's feature is the median over its objects, named as pycytominer does: ``Cells_AreaShape_Area``; the
number of objects is ``Cells_Number_Count``. What only numbers or places objects (``Number_...``,
``Location_...``, ``Parent_...``) is left out. Names of tables may have any prefix, as ``MyExpt_Per_Cells``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile
from ellimaps.core.names import readable
from ellimaps.core.progress import Progress, no_progress
from ellimaps.plates.exchange.places import Placed, is_metadata, numbered_sites, placed
from ellimaps.plates.exchange.tables import (
    RowNames,
    csv_columns,
    csv_parts,
    numbers,
    sqlite_parts,
    sqlite_tables,
)

_KEYS = ("TableNumber", "ImageNumber")
"""What tells images apart; the first where databases of several runs were put together."""
_IMAGES = re.compile(r"(?i)(?:.*_)?(?:per_)?image")
_OBJECTS = re.compile(r"(?i)(?:.*_)?(?:per_)?([a-z0-9]+)")
_NO_MEASURE = re.compile(
    r"(?i)(?:.*_)?(?:ObjectNumber|Object_Number|ImageNumber|TableNumber|Parent_.+|Children_.+|Location_.+|"
    r"AreaShape_Center_.+|AreaShape_BoundingBoxM.+|Metadata_.+|FileName_.+|PathName_.+)"
)
"""Numbers and places of objects, which say nothing of what they are like."""


@dataclass(frozen=True, eq=False)
class _Table:
    """A table of a run: its name and columns, how they are read in parts, what its rows are called."""

    name: str
    columns: list[str]
    parts: Callable[[list[str]], Iterable[pd.DataFrame]]
    rows: RowNames

    @property
    def is_of_images(self) -> bool:
        return _IMAGES.fullmatch(self.name) is not None and "ImageNumber" in self.columns

    @property
    def measurements(self) -> list[str]:
        if "ImageNumber" not in self.columns:
            return []
        return [name for name in self.columns if not is_no_measure(name)]

    def feature(self, column: str) -> str:
        """Return a measurement's name with that of its objects, which databases have put there already."""
        match = _OBJECTS.fullmatch(self.name)
        of = match[1] if match else self.name
        known = of.casefold() == "object" or column.startswith(f"{of}_")
        return column if known else f"{of}_{column}"


def is_no_measure(column: str) -> bool:
    """Return whether a column numbers or places objects, or says of which image they are."""
    return _NO_MEASURE.fullmatch(column) is not None


def is_run(folder: Path) -> bool:
    """Return whether a folder holds the CSV tables of a run of CellProfiler."""
    return any(_IMAGES.fullmatch(path.stem) for path in folder.glob("*.csv"))


def read_csv_run(
    folder: Path, layout: str | Path | None = None, on_progress: Progress = no_progress
) -> tuple[Placed, pd.DataFrame]:
    """Read the CSV tables that ExportToSpreadsheet wrote into a folder.

    Parameters
    ----------
    folder : Path
        Where they lie.
    layout : path, optional
        What is in every well; by default what the metadata say.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Returns
    -------
    (Placed, DataFrame)
        Which fields there are, and the features of each, float64.

    Raises
    ------
    ReadError
        If a table or column is missing, or a value cannot be what it should be.
    """
    tables = []
    for path in sorted(folder.glob("*.csv")):
        file = InputFile(path)
        parts = partial(_csv_parts, file)
        tables.append(_Table(readable(path.stem), csv_columns(file), parts, RowNames(file.name)))
    return _read(folder, tables, layout, on_progress)


def read_sqlite_run(
    path: Path, layout: str | Path | None = None, on_progress: Progress = no_progress
) -> tuple[Placed, pd.DataFrame]:
    """Read the database that ExportToDatabase or cytominer-database wrote; as `read_csv_run`.

    Parameters
    ----------
    path : Path
        The database.
    layout : path, optional
        What is in every well.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        As `read_csv_run`.
    """
    with sqlite_tables(path) as (database, columns):
        tables = [
            _Table(
                name,
                found,
                partial(sqlite_parts, database, name),
                RowNames(f"{path.name}, table {name}", "row", 1),
            )
            for name, found in columns.items()
        ]
        return _read(path, tables, layout, on_progress)


def medians(parts: Iterable[pd.DataFrame], rows: RowNames) -> pd.DataFrame:
    """Return the medians over the objects of every image, and how many there are, as ``n``.

    Parameters
    ----------
    parts : iterable of DataFrame
        Measurements and ``image``, in the order of a table.
    rows : RowNames
        What the rows of the table are called.

    Raises
    ------
    ReadError
        If the objects of an image do not stand together.
    """
    done: list[pd.DataFrame] = []
    seen: set[object] = set()
    for part in _by_whole_images(parts):
        groups = part.groupby("image", sort=False)
        done.append(groups.median().assign(n=groups.size()))
        again = seen & set(done[-1].index)
        if again:
            row = int(part.index[part["image"].isin(again)][0])
            raise ReadError(
                f"{rows.at(row)}: the objects of an image do not stand together: sort by ImageNumber."
            )
        seen.update(done[-1].index)
    return pd.concat(done) if done else pd.DataFrame({"n": []})


def _csv_parts(file: InputFile, columns: list[str]) -> Iterator[pd.DataFrame]:
    return (part[columns] for part in csv_parts(file))


def _read(
    source: Path, tables: list[_Table], layout: str | Path | None, on_progress: Progress
) -> tuple[Placed, pd.DataFrame]:
    images = next((table for table in tables if table.is_of_images), None)
    if images is None:
        raise ReadError(
            f"{source.name} has no table of images with ImageNumber: it is no export of CellProfiler."
        )
    objects = [table for table in tables if not _IMAGES.fullmatch(table.name) and table.measurements]
    if not objects:
        raise ReadError(
            f"{source.name} holds no measurements of objects: export those of cells or nuclei too."
        )
    keys = [name for name in _KEYS if name in images.columns]
    parts = list(images.parts([*keys, *filter(is_metadata, images.columns)]))
    about = pd.concat(parts) if parts else pd.DataFrame()
    if about.empty:
        raise ReadError(f"{images.rows.file} holds no images: export the run again.")
    known = numbers(about, keys, images.rows)
    _check_keys(known, images.rows)
    found = placed(numbered_sites(about.drop(columns=keys)), source, images.rows, layout)
    features = []
    for number, table in enumerate(objects):
        on_progress(number, len(objects), f"reading {table.name}")
        features.append(_of_objects(table, known))
    joined = pd.concat(features, axis=1)
    joined = joined.loc[:, ~joined.columns.duplicated()]
    return found, joined.iloc[found.rows].reset_index(drop=True)


def _check_keys(keys: pd.DataFrame, rows: RowNames) -> None:
    unknown = keys.isna().any(axis=1).to_numpy()
    if unknown.any():
        raise ReadError(
            f"{rows.at(int(keys.index[unknown][0]))}: the image has no number; export the run again."
        )
    twice = keys.duplicated().to_numpy()
    if twice.any():
        row = int(keys.index[twice][0])
        first = int(keys.index[(keys == keys.loc[row]).all(axis=1)][0])
        raise ReadError(
            f"{rows.at(row)}: the image of {rows(first)} stands there again; export the run again."
        )


def _of_objects(table: _Table, images: pd.DataFrame) -> pd.DataFrame:
    """Return the features of every image, shape (image, feature); NaN where it has no objects."""
    keys = [name for name in images if name in table.columns]
    measured = table.measurements

    def numbered() -> Iterator[pd.DataFrame]:
        for part in table.parts([*keys, *measured]):
            found = numbers(part, measured, table.rows)
            yield found.assign(image=_image_of(numbers(part, keys, table.rows), images[keys], table.rows))

    found = medians(numbered(), table.rows).reindex(range(len(images)), columns=[*measured, "n"])
    names = {name: table.feature(name) for name in measured}
    count = f"{next(iter(names.values())).split('_')[0]}_Number_Count"
    return found[measured].rename(columns=names).assign(**{count: found["n"].fillna(0.0)})


def _image_of(keys: pd.DataFrame, images: pd.DataFrame, rows: RowNames) -> NDArray[np.intp]:
    """Return the position of every object's image."""
    known = pd.MultiIndex.from_frame(images)
    if not known.is_unique:
        raise ReadError(f"{rows.file} has no TableNumber, which tells its images apart: export it again.")
    found = known.get_indexer(pd.MultiIndex.from_frame(keys))
    if (found < 0).any():
        row = int(keys.index[found < 0][0])
        raise ReadError(f"{rows.at(row)}: the table of images does not have its image: export the run again.")
    return found


def _by_whole_images(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield parts that are cut between images."""
    rest = pd.DataFrame()
    for part in parts:
        joined = pd.concat([rest, part]) if len(rest) else part
        is_last = joined["image"] == joined["image"].iloc[-1]
        rest = joined[is_last]
        if not is_last.all():
            yield joined[~is_last]
    if len(rest):
        yield rest
