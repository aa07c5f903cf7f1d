"""Which Accurion EP4 data sets a folder holds, and which maps belong to each.

A data set is either listed by its ``.ds.dat`` or, where that is lost, recognised from what its PNGs say
about themselves. See ``docs/file-formats.md``.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import DELTA, PSI
from ellimaps.readers import accurion_dat
from ellimaps.readers.accurion_png import MapFacts, read_facts

_MAP_NAME = re.compile(r"^(?P<name>.+?)(?:_(?:Delta|Psi))?_\d+\.png$", re.IGNORECASE)
_SAMPLE = 16

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Ep4Dataset:
    """One measurement in a folder: its name, its bands in order and the table it was listed in."""

    name: str
    folder: Path
    read_bands: Callable[[], pd.DataFrame]
    table: Path | None = None

    @property
    def where(self) -> str:
        """What to call the list of its maps in a message."""
        return self.table.name if self.table else f"The folder {self.folder.name}"


def find_datasets(folder: Path) -> list[Ep4Dataset]:
    """List the map data sets of a folder, by name.

    Raises
    ------
    ReadError
        If the folder cannot be read, or holds no data set but damaged PNGs that may be one.
    """
    files = list_files(folder)
    found = [table_dataset(path) for path in files if _is_map_table(path)]
    taken = {name_key(dataset.name) for dataset in found}
    listed = {name_key(name) for dataset in found for name in _listed(dataset)}
    loose: dict[str, list[Path]] = {}
    for path in files:
        name = dataset_name_of_png(path)
        if name is not None and name_key(name) not in taken and name_key(path.name) not in listed:
            loose.setdefault(name, []).append(path)
    damage: list[ReadError] = []
    for name, paths in loose.items():
        facts = facts_of_maps(paths)
        if angle_maps(facts):
            found.append(_png_dataset(name, folder, facts))
        damage += [fact for fact in facts.values() if isinstance(fact, ReadError)]
    if damage and not found:
        raise damage[0]
    return sorted(found, key=lambda dataset: dataset.name)


def table_dataset(path: Path) -> Ep4Dataset:
    """Return the data set a ``.ds.dat`` lists."""
    name = re.sub(r"(\.ds)?\.[^.]+$", "", path.name, flags=re.IGNORECASE) or path.parent.name
    return Ep4Dataset(name, path.parent, cache(lambda: _bands_of_table(path)), path)


def dataset_of_png(found: list[Ep4Dataset], path: Path) -> Ep4Dataset | None:
    """Return the data set among ``found`` that a PNG belongs to, by table or by file name."""
    for dataset in found:
        if name_key(path.name) in map(name_key, _listed(dataset)):
            return dataset
    name = name_key(dataset_name_of_png(path) or "")
    return next((dataset for dataset in found if name_key(dataset.name) == name), None)


def dataset_name_of_png(path: Path) -> str | None:
    """Return the name of the data set a map file belongs to, by its file name."""
    match = _MAP_NAME.match(path.name)
    return match["name"] if match else None


def list_files(folder: Path) -> list[Path]:
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
    return [folder / name for name in sorted(names)]


def name_key(name: str) -> str:
    """Return what file names have in common that Windows or macOS take for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def facts_of_maps(paths: list[Path]) -> dict[str, MapFacts | ReadError]:
    """Read what PNGs say about themselves; nothing if a sample of them are ordinary pictures."""
    sample = [_facts_or_error(path) for path in paths[:: max(1, len(paths) // _SAMPLE)]]
    if all(isinstance(fact, MapFacts) and fact.quantity is None for fact in sample):
        return {}
    facts = read_each(_facts_or_error, paths, "", no_progress)
    return {path.name: fact for path, fact in zip(paths, facts, strict=True)}


def angle_maps(facts: dict[str, MapFacts | ReadError]) -> list[str]:
    """Return the names of the files that say they are Delta or Psi maps."""
    return [
        name for name, fact in facts.items() if isinstance(fact, MapFacts) and fact.quantity in (DELTA, PSI)
    ]


def read_each(
    reader: Callable[[Path], _Result], paths: list[Path], what: str, on_progress: Progress
) -> Iterator[_Result]:
    """Read files in parallel and yield the results in their order."""
    for number, result in enumerate(ordered_map(reader, paths), start=1):
        yield result
        on_progress(number, len(paths), what)


def _is_map_table(path: Path) -> bool:
    name = path.name.lower()
    if not name.endswith((".dat", ".txt")):
        return False
    return (name.endswith(".ds.dat") or accurion_dat.is_table(path)) and not accurion_dat.is_spectrum(path)


def _listed(dataset: Ep4Dataset) -> list[str]:
    try:
        return list(dataset.read_bands()["file"])
    except ReadError:
        return []


def _bands_of_table(path: Path) -> pd.DataFrame:
    table = accurion_dat.read_table(path)
    numbers = [column for column in table if column not in (DELTA, PSI)]
    each = [table[numbers].assign(quantity=q, file=table[q]) for q in (DELTA, PSI)]
    return pd.concat(each).sort_index(kind="stable").reset_index(drop=True)


def _facts_or_error(path: Path) -> MapFacts | ReadError:
    try:
        return read_facts(path)
    except ReadError as error:
        return error


def _png_dataset(name: str, folder: Path, facts: dict[str, MapFacts | ReadError]) -> Ep4Dataset:
    def read_bands() -> pd.DataFrame:
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

    return Ep4Dataset(name, folder, read_bands)
