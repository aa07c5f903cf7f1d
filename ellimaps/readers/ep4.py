"""Reading an Accurion EP4 data set: Delta and Psi maps over wavelength or angle of incidence.

Everything a table and its PNGs say is checked before the first map is read.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.scratch import new_array, release
from ellimaps.core.stack import DELTA, PSI, ImageStack, band_label
from ellimaps.readers import accurion_dat
from ellimaps.readers.accurion_png import MapFacts, read_map, require_values
from ellimaps.readers.ep4_datasets import (
    Ep4Dataset,
    angle_maps,
    dataset_name_of_png,
    facts_of_maps,
    facts_seen,
    name_key,
    read_each,
    read_listing,
)

# How far a table and its PNGs may be apart. A real description names 0.1 nm and 0.005 deg as the instrument's
# tolerances, its PNGs differ from the table by 1e-5 deg, and its series steps by 25 nm.
WAVELENGTH_TOLERANCE_NM = 0.5
AOI_TOLERANCE_DEG = 0.1

# Twice what the angles can be, 360 and 90 deg: an offset of a full turn is no damage.
_LARGEST_ANGLE_DEG = {DELTA: 720.0, PSI: 180.0}
_TIMESTAMP = re.compile(r"(?<!\d)(\d{8})-?(\d{6})(\d{3})?(?!\d)")


def read_dataset(
    dataset: Ep4Dataset, working_set_gb: float | None = None, on_progress: Progress = no_progress
) -> ImageStack:
    """Read all maps of a data set, into a temporary file where the working set has no room for them.

    Raises
    ------
    ReadError
        If a map is missing or damaged, sizes differ, or table and maps contradict each other.
    """
    bands = dataset.bands
    maps = _locate(dataset, list(bands["file"]))
    facts = list(read_each(facts_seen, maps, "checking maps", on_progress))
    bands = _complete(bands, maps, facts)
    _check_bands(dataset, bands)
    _check_facts(dataset, bands, facts)
    _check_sizes(maps, facts)
    values = new_array((len(maps), *facts[0].shape), np.float32, working_set_gb)
    inputs = _read_values(values, maps, facts, on_progress)
    warnings = _remove_impossible(values, bands)
    info, info_warnings = _info(dataset, inputs)
    if dataset.table is not None:
        inputs[dataset.table.name] = dataset.table.seen(read_listing).sha256
        warnings += _unlisted(dataset, maps)
    stack = ImageStack(
        values=values,
        bands=bands,
        name=dataset.name,
        source=dataset.folder.path,
        pixel_aspect=next((fact.pixel_aspect for fact in facts if fact.pixel_aspect), 1.0),
        acquired_at=_time_in_name(dataset.name) or info.started_at,
        comment=info.comment,
        inputs=dict(sorted(inputs.items())),
    )
    warnings += info_warnings + _missing_warnings(stack)
    return replace(stack, warnings=tuple(warnings))


def _locate(dataset: Ep4Dataset, names: list[str]) -> list[InputFile]:
    """Find the files of these names; case is ignored where the exact name is absent, as on Windows."""
    exact = {file.name: file for file in dataset.folder.files}
    similar: dict[str, list[InputFile]] = {}
    for file in dataset.folder.files:
        similar.setdefault(name_key(file.name), []).append(file)
    located = []
    for name in names:
        candidates = [exact[name]] if name in exact else similar.get(name_key(name), [])
        if not candidates:
            raise ReadError(
                f"{name} is missing in {dataset.folder.path}, although {dataset.where} lists it: "
                "copy the whole measurement folder."
            )
        if len(candidates) > 1:
            raise ReadError(
                f"{name} may be any of {' and '.join(file.name for file in candidates)}, "
                "which differ in case only: keep one of them."
            )
        located += candidates
    return located


def _complete(bands: pd.DataFrame, maps: list[InputFile], facts: list[MapFacts]) -> pd.DataFrame:
    """Add what the table does not say and the PNGs do."""
    told = pd.DataFrame([vars(fact) for fact in facts])[["wavelength_nm", "aoi_deg", "time_s"]].astype(float)
    bands = bands.assign(file=[png.name for png in maps], unit="deg")
    if "wavelength_nm" not in bands:
        bands["wavelength_nm"] = accurion_dat.settle(told["wavelength_nm"])
    for column in ("aoi_deg", "time_s"):
        bands[column] = bands[column].fillna(told[column]) if column in bands else told[column]
    return bands.assign(aoi_deg=accurion_dat.settle(bands["aoi_deg"]))


def _check_bands(dataset: Ep4Dataset, bands: pd.DataFrame) -> None:
    _check_numbers(dataset, bands)
    settings = list(zip(bands["wavelength_nm"], bands["aoi_deg"].fillna(-1.0), strict=True))
    found: dict[tuple[str, tuple[float, float]], str] = {}
    files: set[str] = set()
    for quantity, setting, file in zip(bands["quantity"], settings, bands["file"], strict=True):
        if file in files:
            raise ReadError(f"{dataset.where} lists {file} twice: correct its second row.")
        if (quantity, setting) in found:
            raise ReadError(
                f"{dataset.where} lists {quantity} {_setting(*setting)} twice (second file {file}): "
                "keep one of them."
            )
        files.add(file)
        found[quantity, setting] = file
    for (quantity, setting), file in found.items():
        other = PSI if quantity == DELTA else DELTA
        if (other, setting) not in found:
            raise ReadError(
                f"{dataset.where} has a {quantity} map without its {other} map "
                f"at {_setting(*setting)} ({file}): copy the whole measurement folder."
            )


def _setting(wavelength_nm: float, aoi_deg: float) -> str:
    angle = f" and {aoi_deg:g} deg" if aoi_deg >= 0 else ""
    return f"{wavelength_nm:g} nm{angle}"


def _check_numbers(dataset: Ep4Dataset, bands: pd.DataFrame) -> None:
    wrong = bands["file"][~(bands["wavelength_nm"] > 0)]
    if len(wrong):
        remedy = "write it into the table" if dataset.table else "copy the .ds.dat of the measurement as well"
        raise ReadError(f"{dataset.where} gives no wavelength for {wrong.iloc[0]}: {remedy}.")
    wrong = bands["file"][(bands["aoi_deg"] < 0) | (bands["aoi_deg"] > 90)]
    if len(wrong):
        angle = bands["aoi_deg"][wrong.index[0]]
        raise ReadError(
            f"{dataset.where} gives {angle:g} deg as the angle of incidence of {wrong.iloc[0]}: "
            "an angle lies within 0..90 deg, correct it or measure again."
        )


def _check_facts(dataset: Ep4Dataset, bands: pd.DataFrame, facts: list[MapFacts]) -> None:
    if dataset.table is None:
        return
    for band, fact in zip(bands.to_dict("records"), facts, strict=True):
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


def _check_sizes(maps: list[InputFile], facts: list[MapFacts]) -> None:
    """Refuse pictures without values and maps of another size than the first."""
    (height, width) = facts[0].shape
    for png, fact in zip(maps, facts, strict=True):
        require_values(png.name, fact)
        if fact.shape != (height, width):
            raise ReadError(
                f"{png.name} is {fact.shape[0]} x {fact.shape[1]} pixels but {maps[0].name} is "
                f"{height} x {width}: take it out of the data set or copy it again."
            )


def _read_values(
    values: NDArray[np.float32], maps: list[InputFile], facts: list[MapFacts], on_progress: Progress
) -> dict[str, str]:
    """Read all maps and return their checksums; the files were found large enough for what they declare."""
    inputs: dict[str, str] = {}
    read = read_each(read_map, maps, "reading maps", on_progress)
    for number, (png, fact, found) in enumerate(zip(maps, facts, read, strict=True)):
        if found.facts != fact:
            raise ReadError(
                f"{png.name} changed while it was read: wait until it is written and open it again."
            )
        values[number] = found.values
        release(values)
        inputs[png.name] = found.sha256
    return inputs


def _remove_impossible(values: NDArray[np.float32], bands: pd.DataFrame) -> list[str]:
    """Turn values no ellipsometer can measure into NaN, in place, and say so; refuse maps without values."""

    def of_map(number: int) -> tuple[int, bool]:
        image = values[number]
        wrong = np.abs(image) > _LARGEST_ANGLE_DEG[bands["quantity"].iloc[number]]
        count = int(np.count_nonzero(wrong))
        is_empty = bool(np.isnan(image).all())
        if count:
            image[wrong] = np.nan
        release(values)
        return count, is_empty

    warnings = []
    for number, (count, is_empty) in enumerate(ordered_map(of_map, range(len(values)))):
        file, wavelength = bands["file"].iloc[number], bands["wavelength_nm"].iloc[number]
        if is_empty or count == values[number].size:
            raise ReadError(
                f"{file} has no measured pixel (all NaN): "
                f"take {wavelength:g} nm out of the data set or measure it again."
            )
        if count:
            warnings.append(f"{file} holds {count} impossible values; they count as not measured.")
    return warnings


def _info(dataset: Ep4Dataset, inputs: dict[str, str]) -> tuple[accurion_dat.DataSetInfo, list[str]]:
    wanted = name_key(f"{dataset.name}.dsinfo.xml")
    file = next((file for file in dataset.folder.files if name_key(file.name) == wanted), None)
    if file is None:
        return accurion_dat.DataSetInfo(), []
    try:
        content = accurion_dat.read_bytes(file, accurion_dat.MAX_INFO_BYTES)
        info = accurion_dat.info_in(content, file.name)
    except ReadError as error:
        return accurion_dat.DataSetInfo(), [f"{error} Comment and start time are not known."]
    inputs[file.name] = hashlib.sha256(content).hexdigest()
    return info, []


def _time_in_name(name: str) -> datetime | None:
    match = _TIMESTAMP.search(name)
    if match is None:
        return None
    day, clock, milliseconds = match.groups()
    try:
        return datetime.strptime(f"{day}{clock}{milliseconds or '000'}000", "%Y%m%d%H%M%S%f")
    except ValueError:
        return None


def _unlisted(dataset: Ep4Dataset, listed: list[InputFile]) -> list[str]:
    """Warn of further maps of the same name."""
    name, known = name_key(dataset.name), set(listed)
    others = [
        file
        for file in dataset.folder.files
        if file not in known and name_key(dataset_name_of_png(file) or "") == name
    ]
    maps = angle_maps(facts_of_maps(others))
    if not maps:
        return []
    some = ", ".join(maps[:4])
    return [f"{len(maps)} Delta or Psi maps are not listed in the .ds.dat and were left out: {some}."]


def _missing_warnings(stack: ImageStack) -> list[str]:
    return [
        f"{band_label(band)} has no value in {share:.0%} of its pixels."
        for (_, band), share in zip(stack.bands.iterrows(), stack.missing_fraction, strict=True)
        # The worst map of a real measurement lacks 4 %.
        if share > 0.2
    ]
