"""Which Accurion EP4 data sets a folder holds, and which maps belong to each.

A data set is either listed by its ``.ds.dat`` or, where that is lost, recognised from what its PNGs say
about themselves. See ``docs/file-formats.md``.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import DELTA, PSI
from ellimaps.readers import accurion_dat
from ellimaps.readers.accurion_png import MapFacts, read_facts

_MAP_NAME = re.compile(r"^(?P<name>.+?)(?:_(?:Delta|Psi))?_\d+\.png$", re.IGNORECASE)

_Result = TypeVar("_Result")

FactsByName = dict[str, MapFacts | ReadError]
"""What PNGs say about themselves, by file name; the error of one that is damaged."""


@dataclass(frozen=True)
class Folder:
    """A folder as it was found: its regular files, by name. Each file remembers what was seen of it."""

    path: Path
    files: list[InputFile]


@dataclass(frozen=True)
class Ep4Dataset:
    """One measurement in a folder: its name, and the table that lists its maps or what the maps say."""

    name: str
    folder: Folder
    table: InputFile | None = None
    facts: FactsByName = field(default_factory=dict)

    @property
    def where(self) -> str:
        """What to call the list of its maps in a message."""
        return self.table.name if self.table else f"The folder {self.folder.path.name}"

    @property
    def bands(self) -> pd.DataFrame:
        """One row per map, in order: quantity, file, and what else the table or the maps say.

        Raises
        ------
        ReadError
            If the table, or a map that stands for it, is damaged.
        """
        return self.table.seen(read_listing).bands if self.table else _bands_of_maps(self.facts)


class Listing(NamedTuple):
    """The maps that a table lists, one row each, and the table's SHA-256."""

    bands: pd.DataFrame
    sha256: str


def read_listing(table: InputFile) -> Listing:
    """Read a ``.ds.dat``.

    Raises
    ------
    ReadError
        If it cannot be read, is damaged, or lists no maps.
    """
    content = accurion_dat.read_bytes(table, accurion_dat.MAX_TABLE_BYTES)
    rows = accurion_dat.table_in(content, table.name)
    numbers = [column for column in rows if column not in (DELTA, PSI)]
    each = [rows[numbers].assign(quantity=q, file=rows[q]) for q in (DELTA, PSI)]
    bands = pd.concat(each).sort_index(kind="stable").reset_index(drop=True)
    return Listing(bands, hashlib.sha256(content).hexdigest())


def find_datasets(folder: Folder) -> list[Ep4Dataset]:
    """List the map data sets of a folder, by name.

    Raises
    ------
    ReadError
        If the folder holds no data set but damaged PNGs that may be one.
    """
    found = [table_dataset(folder, file) for file in folder.files if _is_map_table(file)]
    taken = {name_key(dataset.name) for dataset in found}
    listed = {name_key(name) for dataset in found for name in _listed(dataset)}
    loose: dict[str, list[InputFile]] = {}
    for file in folder.files:
        name = dataset_name_of_png(file)
        if name is not None and name_key(name) not in taken and name_key(file.name) not in listed:
            loose.setdefault(name, []).append(file)
    damage: list[ReadError] = []
    for name, files in loose.items():
        facts = facts_of_maps(files)
        if angle_maps(facts):
            found.append(Ep4Dataset(name, folder, facts=facts))
        damage += [fact for fact in facts.values() if isinstance(fact, ReadError)]
    if damage and not found:
        raise damage[0]
    return sorted(found, key=lambda dataset: dataset.name)


def table_dataset(folder: Folder, table: InputFile) -> Ep4Dataset:
    """Return the data set a ``.ds.dat`` lists."""
    name = re.sub(r"(\.ds)?\.[^.]+$", "", table.name, flags=re.IGNORECASE) or folder.path.name
    return Ep4Dataset(name, folder, table)


def dataset_of_png(found: list[Ep4Dataset], png: InputFile) -> Ep4Dataset | None:
    """Return the data set among ``found`` that a PNG belongs to, by table or by file name."""
    for dataset in found:
        if name_key(png.name) in map(name_key, _listed(dataset)):
            return dataset
    name = name_key(dataset_name_of_png(png) or "")
    return next((dataset for dataset in found if name_key(dataset.name) == name), None)


def dataset_name_of_png(png: InputFile) -> str | None:
    """Return the name of the data set a map file belongs to, by its file name."""
    match = _MAP_NAME.match(png.name)
    return match["name"] if match else None


def look_into(folder: Path) -> Folder:
    """List the regular files of a folder, without those that systems hide (``._NAME.png`` of macOS).

    Raises
    ------
    ReadError
        If the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file()]
    except OSError as error:
        raise ReadError(
            f"{folder} cannot be read ({error.strerror or error}): check the folder and its permissions."
        ) from error
    return Folder(folder, [InputFile(folder / name) for name in sorted(names)])


def name_key(name: str) -> str:
    """Return what file names have in common that Windows or macOS take for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def facts_of_maps(files: list[InputFile]) -> FactsByName:
    """Read what PNGs say about themselves; nothing if some 16 of them are ordinary pictures.

    A camera's folder of 5,000 frames is then refused as quickly as one of 16.
    """
    some = [_facts_or_error(file) for file in files[:: max(1, len(files) // 16)]]
    if all(isinstance(fact, MapFacts) and fact.quantity is None for fact in some):
        return {}
    facts = read_each(_facts_or_error, files, "", no_progress)
    return {file.name: fact for file, fact in zip(files, facts, strict=True)}


def angle_maps(facts: FactsByName) -> list[str]:
    """Return the names of the files that say they are Delta or Psi maps."""
    return [
        name for name, fact in facts.items() if isinstance(fact, MapFacts) and fact.quantity in (DELTA, PSI)
    ]


def read_each(
    reader: Callable[[InputFile], _Result], files: list[InputFile], what: str, on_progress: Progress
) -> Iterator[_Result]:
    """Read files in parallel and yield the results in their order.

    Parameters
    ----------
    reader : callable
        Called with each file, in threads.
    files : list of InputFile
        What to read.
    what : str
        What the progress calls it.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Yields
    ------
    object
        ``reader(file)`` for each file.
    """
    for number, result in enumerate(ordered_map(reader, files), start=1):
        yield result
        on_progress(number, len(files), what)


def facts_seen(png: InputFile) -> MapFacts:
    """Return what a PNG says about itself, read once.

    Raises
    ------
    ReadError
        As `read_facts`.
    """
    return png.seen(read_facts)


def _is_map_table(file: InputFile) -> bool:
    name = file.name.lower()
    if not name.endswith((".dat", ".txt")):
        return False
    return (name.endswith(".ds.dat") or accurion_dat.is_table(file)) and not accurion_dat.is_spectrum(file)


def _listed(dataset: Ep4Dataset) -> list[str]:
    try:
        return list(dataset.bands["file"])
    except ReadError:
        return []


def _facts_or_error(png: InputFile) -> MapFacts | ReadError:
    try:
        return facts_seen(png)
    except ReadError as error:
        return error


def _bands_of_maps(facts: FactsByName) -> pd.DataFrame:
    rows = []
    for file, fact in facts.items():
        if isinstance(fact, ReadError):
            raise fact
        if fact.quantity in (DELTA, PSI):
            rows.append((fact.quantity, fact.wavelength_nm, fact.aoi_deg, file))
    bands = pd.DataFrame(rows, columns=["quantity", "wavelength_nm", "aoi_deg", "file"])
    for column in ("wavelength_nm", "aoi_deg"):
        bands[column] = accurion_dat.settle(bands[column].astype(float))
    return bands.sort_values(["aoi_deg", "wavelength_nm", "quantity"], ignore_index=True)
