"""Numeric ``.ds.dat`` of an Accurion EP4: spots and regions of interest, its own and those of ellimaps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.readers.spectra.quantities import meaning_of
from ellimaps.readers.spectra.text import SpectrumText, numbers_in

# Zones of a nulling measurement; 0 and 5 are the instrument's own mean and spread of them.
_ZONES = (1, 2, 3, 4)
# The stage of a real spot moves by 0.11 mm while the angle of incidence goes from 50 to 70 degrees.
_SPOTS_APART_MM = 0.3
_NEEDED = ("wavelength_nm", "aoi_deg", "Psi", "Delta")


def is_of(text: SpectrumText) -> bool:
    """Whether the first line has titles with Delta and Psi after a #."""
    titles = _cells(text.first)
    return text.first.startswith("#") and {"Delta", "Psi"} <= {meaning_of(one)[0] for one in titles}


def table_in(text: SpectrumText) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the spectra, one for each region or spot.

    Raises
    ------
    ReadError
        If a row is damaged, or it is a list of maps.
    """
    if text.lists_maps:
        raise ReadError(f"{text.name} lists maps and holds no spectrum: open its folder as a measurement.")
    titles, body = _cells(text.first), [line for line in text.lines[1:] if not line.startswith("#")]
    units = _cells(text.lines[1]) if len(text.lines) > 1 and text.lines[1].startswith("#") else []
    values = _values(text, body, len(titles))
    table = pd.DataFrame({title: values[:, i] for i, title in enumerate(titles)})
    columns = {}
    for i, title in enumerate(titles):
        unit = units[i] if i < len(units) and units[i] not in ("", "-") else ""
        column, factor = meaning_of(f"{title.replace('ROI_', '')} [{unit}]" if unit else title)
        column, factor = (column, factor) if column else (meaning_of(title)[0], None)
        if column and column not in columns:
            columns[column] = table[title] * (factor or 1.0)
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise ReadError(f"{text.name} has no column of {', '.join(missing)}: export the data set again.")
    found = pd.DataFrame(columns)
    found["spectrum"] = found["spectrum"].fillna(0).astype(int) if "spectrum" in found else 0
    zone = table["Zone"] if "Zone" in table else pd.Series(0, table.index)
    if zone.isin(_ZONES).any():
        found = found[zone.isin(_ZONES)]
    return _by_sweep(_by_spot(found), zone[found.index]), ()


def _values(text: SpectrumText, body: list[str], width: int) -> np.ndarray:
    rows = []
    for number, line in enumerate(body, start=1):
        cells = numbers_in(line, "\t")
        if cells is None or len(cells) != width:
            raise ReadError(f"{text.name} has no {width} numbers in data row {number}: copy it again.")
        rows.append(cells)
    if not rows:
        raise ReadError(f"{text.name} holds no spectrum, as if it were cut off: copy it again.")
    return np.array(rows)


def _by_spot(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which readings of one region at different places are different spectra."""
    if not {"x_mm", "y_mm"} <= set(table.columns):
        return table
    places = table[["x_mm", "y_mm"]].to_numpy()
    spots: list[tuple[object, np.ndarray]] = []
    numbers = []
    for region, place in zip(table["spectrum"], places, strict=True):
        near = (
            number
            for number, (of, spot) in enumerate(spots)
            if of == region and not np.hypot(*(place - spot)) > _SPOTS_APART_MM
        )
        number = next(near, len(spots))
        if number == len(spots):
            spots.append((region, place))
        numbers.append(number)
    several = len(spots) > table["spectrum"].nunique()
    spot = np.array(numbers)
    table = table.assign(spectrum=spot if several else table["spectrum"])
    for column in ("x_mm", "y_mm"):
        table[column] = table.groupby(spot)[column].transform("mean")
    return table


def _by_sweep(table: pd.DataFrame, zone: pd.Series) -> pd.DataFrame:
    """Return a table in which what was measured again later is another spectrum."""
    if "time_s" not in table:
        return table
    point = table.assign(zone=zone).groupby(["spectrum", "wavelength_nm", "aoi_deg", "zone"], dropna=False)
    sweep = point.cumcount()
    if not sweep.any() or (point["time_s"].transform("nunique") <= 1).all():
        return table
    return table.assign(spectrum=table.assign(sweep=sweep).groupby(["spectrum", "sweep"]).ngroup())


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.lstrip("#").split("\t")]
