"""Accurion EP4 folders: Delta and Psi maps over wavelength or angle of incidence.

A data set is either listed by its ``.ds.dat`` or, where that is lost, recognised from what its PNGs say
about themselves. See ``docs/file-formats.md``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.errors import ReadError
from ellimaps.progress import Progress, no_progress
from ellimaps.readers import accurion_dat
from ellimaps.readers.accurion_png import MapFacts, PngMap, is_png, read_facts, read_map
from ellimaps.stack import DELTA, PSI, ImageStack, band_label

WAVELENGTH_TOLERANCE_NM = 0.5
AOI_TOLERANCE_DEG = 0.1

_LARGEST_ANGLE_DEG = {DELTA: 720.0, PSI: 180.0}
_MAP_NAME = re.compile(r"^(?P<name>.+?)(?:_(?:Delta|Psi))?_\d+\.png$", re.IGNORECASE)
_TIMESTAMP = re.compile(r"(?<!\d)(\d{8})-?(\d{6})(\d{3})?(?!\d)")
_MANY_MISSING = 0.2


@dataclass(frozen=True)
class Ep4Dataset:
    """One measurement in a folder: its name, its bands in order and the table it was listed in."""

    name: str
    folder: Path
    read_bands: Callable[[], pd.DataFrame]
    table: Path | None = None


def find_datasets(folder: Path) -> list[Ep4Dataset]:
    """List the map data sets of a folder, by name.

    Raises
    ------
    ReadError
        If a ``.ds.dat`` in it is not a readable table.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    tables = [path for path in files if _is_map_table(path)]
    listed = [_from_table(path) for path in tables]
    names = {dataset.name.casefold() for dataset in listed}
    loose: dict[str, list[Path]] = {}
    for path in files:
        match = _MAP_NAME.match(path.name)
        if match and match["name"].casefold() not in names and is_png(path):
            loose.setdefault(match["name"], []).append(path)
    found = listed + [
        dataset for name, paths in loose.items() if (dataset := _from_pngs(name, folder, paths)) is not None
    ]
    return sorted(found, key=lambda dataset: dataset.name)


def read_dataset(dataset: Ep4Dataset, on_progress: Progress = no_progress) -> ImageStack:
    """Read all maps of a data set.

    Raises
    ------
    ReadError
        If a map is missing or damaged, sizes differ, or table and maps contradict each other.
    """
    bands = dataset.read_bands()
    _check_bands(dataset, bands)
    paths = [_resolve(dataset.folder, name) for name in bands["file"]]
    values, facts, inputs = _read_maps(paths, on_progress)
    _check_facts(dataset, bands, facts)
    bands = bands.assign(unit="deg", time_s=_fill_from_facts(bands, facts, "time_s"))
    bands["aoi_deg"] = accurion_dat.settle_angles(_fill_from_facts(bands, facts, "aoi_deg"))
    warnings = _remove_impossible(values, bands)
    _check_not_empty(values, bands)
    info, info_warnings = _info(dataset, inputs)
    if dataset.table is not None:
        inputs[dataset.table.name] = _sha256(dataset.table)
        warnings += _unlisted(dataset, set(bands["file"]))
    stack = ImageStack(
        values=values,
        bands=bands,
        name=dataset.name,
        source=dataset.folder,
        pixel_aspect=next((fact.pixel_aspect for fact in facts if fact.pixel_aspect), 1.0),
        acquired_at=_time_in_name(dataset.name) or info.started_at,
        comment=info.comment,
        inputs=dict(sorted(inputs.items())),
    )
    warnings += info_warnings + _missing_warnings(stack)
    return stack.with_values(stack.values, warnings=tuple(warnings))


def table_dataset(path: Path) -> Ep4Dataset:
    """Return the data set a ``.ds.dat`` lists."""
    return _from_table(path)


def dataset_name_of_png(path: Path) -> str | None:
    """Return the name of the data set a map file belongs to, by its file name."""
    match = _MAP_NAME.match(path.name)
    return match["name"] if match else None


def _is_map_table(path: Path) -> bool:
    if path.name.lower().endswith(".ds.dat"):
        return not accurion_dat.is_table(path) or not _holds_spectrum(path)
    return accurion_dat.is_table(path) and not _holds_spectrum(path)


def _holds_spectrum(path: Path) -> bool:
    """A region-of-interest spectrum has the same layout as a map table, with numbers for PNG names."""
    try:
        with path.open("rb") as file:
            return b".png" not in file.read(64 * 1024).lower().replace(b"\0", b"")
    except OSError:
        return False


def _from_table(path: Path) -> Ep4Dataset:
    name = re.sub(r"(\.ds)?\.[^.]+$", "", path.name, flags=re.IGNORECASE)
    return Ep4Dataset(name, path.parent, lambda: _bands_of_table(path), path)


def _bands_of_table(path: Path) -> pd.DataFrame:
    table = accurion_dat.read_table(path)
    if "wavelength_nm" not in table:
        table["wavelength_nm"] = [_png_wavelength(path, name) for name in table[DELTA]]
    if "aoi_deg" not in table:
        table["aoi_deg"] = np.nan
    numbers = [column for column in table if column not in (DELTA, PSI, "zone")]
    each = [table[numbers].assign(quantity=q, file=table[q], row=range(len(table))) for q in (DELTA, PSI)]
    bands = pd.concat(each).sort_values(["row", "quantity"], kind="stable", ignore_index=True)
    return bands.drop(columns="row")


def _png_wavelength(table: Path, name: str) -> float:
    return read_facts(_resolve(table.parent, name)).wavelength_nm or np.nan


def _from_pngs(name: str, folder: Path, paths: list[Path]) -> Ep4Dataset | None:
    facts = {path.name: read_facts(path) for path in paths}
    maps = {file: fact for file, fact in facts.items() if fact.quantity in (DELTA, PSI)}
    if not maps:
        return None
    return Ep4Dataset(name, folder, lambda: _bands_of_pngs(maps))


def _bands_of_pngs(maps: dict[str, MapFacts]) -> pd.DataFrame:
    rows = [
        {
            "file": file,
            "quantity": fact.quantity,
            "wavelength_nm": np.nan if fact.wavelength_nm is None else fact.wavelength_nm,
            "aoi_deg": np.nan if fact.aoi_deg is None else fact.aoi_deg,
            "time_s": np.nan if fact.time_s is None else fact.time_s,
        }
        for file, fact in maps.items()
    ]
    bands = pd.DataFrame(rows)
    bands["aoi_deg"] = accurion_dat.settle_angles(bands["aoi_deg"])
    return bands.sort_values(["aoi_deg", "wavelength_nm", "quantity"], ignore_index=True)


def _resolve(folder: Path, name: str) -> Path:
    """The file of that name in the folder; case is ignored where the exact name is absent, as on Windows."""
    path = folder / name
    if not path.exists():
        same = [other for other in folder.iterdir() if other.name.casefold() == name.casefold()]
        if len(same) == 1:
            return same[0]
    return path


def _check_bands(dataset: Ep4Dataset, bands: pd.DataFrame) -> None:
    where = dataset.table.name if dataset.table else f"The folder {dataset.folder.name}"
    if bands["wavelength_nm"].isna().any() or (bands["wavelength_nm"] <= 0).any():
        wrong = bands["file"][~(bands["wavelength_nm"] > 0)].iloc[0]
        raise ReadError(f"{where} gives no wavelength for {wrong}: add it to the table.")
    repeated = bands[bands["file"].duplicated()]
    if len(repeated):
        raise ReadError(f"{where} lists {repeated['file'].iloc[0]} twice: each map may stand there once.")
    key = ["quantity", "wavelength_nm", "aoi_deg"]
    twice = bands[bands.duplicated(key)]
    if len(twice):
        band = twice.iloc[0]
        raise ReadError(
            f"{where} lists {band_label({**band, 'channel': ''})} at {band['aoi_deg']:g} deg twice "
            f"(second file {band['file']}): keep one of them."
        )
    for quantity, other in ((DELTA, PSI), (PSI, DELTA)):
        lone = bands[bands["quantity"] == quantity].merge(
            bands.loc[bands["quantity"] == other, key[1:]], on=key[1:], how="left", indicator=True
        )
        lone = lone[lone["_merge"] == "left_only"]
        if len(lone):
            raise ReadError(
                f"{where} has a {quantity} map without its {other} map at {lone['wavelength_nm'].iloc[0]:g} nm "
                f"({lone['file'].iloc[0]}): copy the whole measurement folder."
            )


def _read_maps(
    paths: list[Path], on_progress: Progress
) -> tuple[NDArray[np.float32], list[MapFacts], dict[str, str]]:
    shape = read_facts(paths[0]).shape
    values: NDArray[np.float32] | None = None
    facts: list[MapFacts] = []
    inputs: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for number, (path, png) in enumerate(zip(paths, pool.map(read_map, paths), strict=True)):
            _check_shape(paths[0], shape, path, png)
            if values is None:
                values = np.empty((len(paths), *shape), dtype=np.float32)
            values[number] = png.values
            facts.append(png.facts)
            inputs[path.name] = png.sha256
            on_progress(number + 1, len(paths), "reading maps")
    assert values is not None
    return values, facts, inputs


def _check_shape(first: Path, shape: tuple[int, int], path: Path, png: PngMap) -> None:
    if png.facts.shape != shape:
        raise ReadError(
            f"{path.name} is {png.facts.shape[0]} x {png.facts.shape[1]} pixels but {first.name} is "
            f"{shape[0]} x {shape[1]}: all maps of a data set must have one size."
        )


def _check_facts(dataset: Ep4Dataset, bands: pd.DataFrame, facts: list[MapFacts]) -> None:
    if dataset.table is None:
        return
    for (_, band), fact in zip(bands.iterrows(), facts, strict=True):
        told: list[tuple[str, str]] = []
        if fact.quantity is not None and fact.quantity != band["quantity"]:
            told.append((f"as a {band['quantity']} map", f"a {fact.quantity} map"))
        if _differ(fact.wavelength_nm, band["wavelength_nm"], WAVELENGTH_TOLERANCE_NM):
            told.append((f"at {band['wavelength_nm']:g} nm", f"measured at {fact.wavelength_nm:g} nm"))
        if _differ(fact.aoi_deg, band["aoi_deg"], AOI_TOLERANCE_DEG):
            told.append((f"at {band['aoi_deg']:g} deg", f"measured at {fact.aoi_deg:g} deg"))
        if told:
            listed, says = told[0]
            raise ReadError(
                f"{dataset.table.name} lists {band['file']} {listed}, but the file itself says it is {says}: "
                "one of them is wrong; removing the .ds.dat opens the folder by what the PNG files say."
            )


def _differ(fact: float | None, listed: float, tolerance: float) -> bool:
    return fact is not None and bool(np.isfinite(listed)) and abs(fact - listed) > tolerance


def _fill_from_facts(bands: pd.DataFrame, facts: list[MapFacts], field: str) -> pd.Series:
    told = pd.Series([getattr(fact, field) for fact in facts], index=bands.index, dtype=float)
    return bands[field].fillna(told) if field in bands else told


def _remove_impossible(values: NDArray[np.float32], bands: pd.DataFrame) -> list[str]:
    """Turn values no ellipsometer can measure into NaN, in place, and say so."""
    warnings = []
    for number, band in bands.iterrows():
        image = values[number]
        with np.errstate(invalid="ignore"):
            wrong = np.isinf(image) | (np.abs(image) > _LARGEST_ANGLE_DEG[band["quantity"]])
        if wrong.any():
            image[wrong] = np.nan
            warnings.append(
                f"{band['file']} holds {int(wrong.sum())} impossible values; they count as not measured."
            )
    return warnings


def _check_not_empty(values: NDArray[np.float32], bands: pd.DataFrame) -> None:
    for number, band in bands.iterrows():
        if np.isnan(values[number]).all():
            raise ReadError(
                f"{band['file']} has no measured pixel (all NaN): "
                f"take {band['wavelength_nm']:g} nm out of the data set or measure it again."
            )


def _info(dataset: Ep4Dataset, inputs: dict[str, str]) -> tuple[accurion_dat.DataSetInfo, list[str]]:
    path = _resolve(dataset.folder, f"{dataset.name}.dsinfo.xml")
    if not path.is_file():
        return accurion_dat.DataSetInfo(), []
    try:
        info = accurion_dat.read_info(path)
    except ReadError as error:
        return accurion_dat.DataSetInfo(), [f"{error} Comment and start time are not known."]
    inputs[path.name] = _sha256(path)
    return info, []


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def _time_in_name(name: str) -> datetime | None:
    match = _TIMESTAMP.search(name)
    if match is None:
        return None
    day, clock, milliseconds = match.groups()
    try:
        return datetime.strptime(f"{day}{clock}{milliseconds or '000'}000", "%Y%m%d%H%M%S%f")
    except ValueError:
        return None


def _unlisted(dataset: Ep4Dataset, listed: set[str]) -> list[str]:
    known = {name.casefold() for name in listed}
    others = [
        path
        for path in sorted(dataset.folder.iterdir())
        if dataset_name_of_png(path) == dataset.name and path.name.casefold() not in known and path.is_file()
    ]
    maps = [path.name for path in others if is_png(path) and _is_angle_map(path)]
    if not maps:
        return []
    return [f"{len(maps)} Delta or Psi maps are not listed in the .ds.dat and were left out: {', '.join(maps[:4])}."]


def _is_angle_map(path: Path) -> bool:
    try:
        return read_facts(path).quantity in (DELTA, PSI)
    except ReadError:
        return False


def _missing_warnings(stack: ImageStack) -> list[str]:
    return [
        f"{band_label(band)} has no value in {share:.0%} of its pixels."
        for (_, band), share in zip(stack.bands.iterrows(), stack.missing_fraction, strict=True)
        if share > _MANY_MISSING
    ]
