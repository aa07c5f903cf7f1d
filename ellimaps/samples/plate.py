"""A screening plate with known effects: four channels, several doses, two compounds that do nothing.

A sample folder holds

- ``images/r01c01f01p01-ch1sk1fk1fl1.tiff`` ...: 16-bit grey pictures named as Harmony does; channel 1 shows
  nuclei, 2 cell bodies, 3 a grainy structure in them, 4 the cells' edges;
- ``layout.csv``: ``well, compound, concentration_um, control``;
- ``truth.json``: what each compound changes, its dose of half effect, and the effect in every well.

The effect of a dose c is ``c / (c + EC50)`` of a compound's full effect. Which compound is in which well is
drawn anew for every seed; the first and last column hold controls.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.checks import whole_number
from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.samples.new_folder import new_folder

# The plate is invented, and what is chosen here is the truth for those who read it. Doses lie on both sides
# of the EC50; full effects are strong enough for two wells a dose to show, and leave cells to measure.
DOSES_UM = (1.0, 2.5, 6.0, 15.0, 40.0, 100.0)
EC50_UM = 15.0
EFFECTS = {
    "Thinner": "count",
    "Sweller": "size",
    "Brightener": "intensity",
    "Grainer": "texture",
    "Inert A": "none",
    "Inert B": "none",
}
FULL_EFFECTS = {"count": -0.85, "size": 0.4, "intensity": 1.0, "texture": 0.8}
"""At full effect: relative change of the count, the radius and channel 2; added contrast in channel 3."""

CONTROL = "DMSO"
_SHAPES = {48: (6, 8), 96: (8, 12), 384: (16, 24), 1536: (32, 48)}
"""Plates that 48 treatments fit into a whole number of times."""

# A quarter of a field is covered by 40 cells, each twice as wide as its nucleus; bodies touch, nuclei hardly.
_CELLS = 40
_RADIUS_SHARE = 1 / 45
_SPACING = 2.6
_REACH = 2.4
"""Radii that the body of the longest cell reaches: twice the square root of a stretch of 1.35."""
_CONTRAST = 0.25
"""Of the grain in channel 3 of untreated cells."""

# Relative standard deviations: between wells of one treatment, between cells, of their number between fields.
_WELL_SPREAD = 0.04
_CELL_SPREAD = 0.12
_COUNT_SPREAD = 0.05

# A 16-bit camera, in counts: its offset and levels of the four stains, counts per electron, and read noise.
_OFFSET = 300.0
_LEVELS = (4000.0, 2500.0, 2500.0, 1500.0)
_GAIN = 4.0
_READOUT = 12.0

Image = NDArray[np.float32]


@dataclass(frozen=True)
class _Appearance:
    """What the cells of a well look like, relative to untreated ones."""

    count: float = 1.0
    size: float = 1.0
    intensity: float = 1.0
    contrast: float = _CONTRAST


def sample_plate(
    folder: str | Path,
    *,
    seed: int = 0,
    wells: int = 96,
    fields: int = 2,
    size: int = 256,
    only_wells: int | None = None,
    on_progress: Progress = no_progress,
) -> Path:
    """Write a screening plate with known effects.

    Parameters
    ----------
    folder : str or Path
        New or empty folder to write into.
    seed : int
        The same seed and settings give the same files.
    wells : int
        Size of the plate: 48, 96, 384 or 1536. Every compound and dose is in ``wells // 48`` wells.
    fields : int
        Fields per well.
    size : int
        Height and width of pictures in pixels; cells grow with them.
    only_wells : int, optional
        Write the pictures of this many wells only, the first in the order of the plate.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    SettingError
        If a setting is out of its range.
    ExportError
        If the folder is not empty or cannot be written.
    """
    _check(wells, fields, size, only_wells)
    out = Path(folder)
    layout = _layout(seed, wells)
    chosen = layout.head(only_wells or wells)
    with new_folder(out) as staged:
        (staged / "images").mkdir()
        for done, row in enumerate(chosen.itertuples(index=False), start=1):
            for name, content in _well_files(
                seed, int(str(row.number)), _look(seed, row), fields, size, wells
            ):
                (staged / "images" / name).write_bytes(content)
            on_progress(done, len(chosen), "wells")
        table = layout[["well", "compound", "concentration_um", "control"]]
        (staged / "layout.csv").write_bytes(table.to_csv(index=False, lineterminator="\n").encode())
        truth = _truth(layout, seed=seed, wells=wells, fields=fields, size=size)
        (staged / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    return out


def _check(wells: int, fields: int, size: int, only_wells: int | None) -> None:
    if wells not in _SHAPES:
        raise SettingError(f"wells must be one of {', '.join(map(str, _SHAPES))}, not {wells!r}.")
    whole_number("fields", fields, 1, 100)
    whole_number("size", size, 128, 4096)
    if only_wells is not None:
        whole_number("only_wells", only_wells, 1, wells)


def _layout(seed: int, wells: int) -> pd.DataFrame:
    """Return one row per well in the order of the plate; ``effect`` is the share of the full effect."""
    rows, columns = _SHAPES[wells]
    positions = [(r, c) for r in range(1, rows + 1) for c in range(1, columns + 1)]
    inner = [i for i, (_, c) in enumerate(positions) if 1 < c < columns]
    doses = [(name, dose) for name in EFFECTS for dose in DOSES_UM] * (wells // 48)
    content: list[tuple[str, float]] = [(CONTROL, np.nan)] * len(positions)
    drawn = np.random.default_rng((seed, wells)).permutation(inner)
    for index, treatment in zip(drawn, doses, strict=False):
        content[index] = treatment
    table = pd.DataFrame(content, columns=["compound", "concentration_um"])
    table.insert(0, "number", range(wells))
    table.insert(1, "well", [f"{_letters(r)}{c:02d}" for r, c in positions])
    table["control"] = (table["compound"] == CONTROL).astype(int)
    dose = table["concentration_um"]
    active = table["compound"].map(EFFECTS).fillna("none") != "none"
    table["effect"] = (dose / (dose + EC50_UM)).where(active, 0.0).fillna(0.0)
    return table


def _letters(row: int) -> str:
    above, below = divmod(row - 1, 26)
    return (chr(ord("A") + above - 1) if above else "") + chr(ord("A") + below)


def _look(seed: int, row: object) -> _Appearance:
    """Return how the cells of a well look: its compound's effect, and what differs from well to well."""
    number, compound, effect = (getattr(row, name) for name in ("number", "compound", "effect"))
    what = EFFECTS.get(compound, "none")
    change = {name: full * effect if name == what else 0.0 for name, full in FULL_EFFECTS.items()}
    own = 1 + _WELL_SPREAD * np.random.default_rng((seed, number, 7)).standard_normal(3)
    return _Appearance(
        count=(1 + change["count"]) * own[0],
        size=1 + change["size"],
        intensity=(1 + change["intensity"]) * own[1],
        contrast=(_CONTRAST + change["texture"]) * own[2],
    )


def _well_files(
    seed: int, number: int, look: _Appearance, fields: int, size: int, wells: int
) -> Iterator[tuple[str, bytes]]:
    row, column = divmod(number, _SHAPES[wells][1])
    for field in range(1, fields + 1):
        random = np.random.default_rng((seed, number, field))
        for channel, image in enumerate(_pictures(random, look, size), start=1):
            name = f"r{row + 1:02d}c{column + 1:02d}f{field:02d}p01-ch{channel}sk1fk1fl1.tiff"
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, image, photometric="minisblack", metadata=None, software="")
            yield name, buffer.getvalue()


def _pictures(random: np.random.Generator, look: _Appearance, size: int) -> Iterator[NDArray[np.uint16]]:
    """Yield what a camera records in each channel."""
    radius = _RADIUS_SHARE * size * look.size
    clean = np.zeros((4, size, size), dtype=np.float32)
    spread = 1 + _COUNT_SPREAD * random.standard_normal()
    count = max(round(_CELLS * look.count * spread), 0)
    for y, x in _centers(random, count, size, _SPACING * radius):
        _add_cell(random, clean, y, x, radius)
    grain = random.standard_normal((size, size), dtype=np.float32)
    grain = ndimage.gaussian_filter(grain, max(_RADIUS_SHARE * size / 6, 0.8))
    clean[2] *= np.maximum(1 + look.contrast * grain / grain.std(), 0)
    clean[1] *= look.intensity
    for level, channel in zip(_LEVELS, clean, strict=True):
        signal = ndimage.gaussian_filter(channel, 0.7) * level + _OFFSET
        noise = random.standard_normal(signal.shape, dtype=np.float32)
        signal += noise * np.sqrt(_GAIN * (signal - _OFFSET).clip(0) + _READOUT**2)
        yield np.clip(np.rint(signal), 0, 65535).astype(np.uint16)


def _centers(random: np.random.Generator, count: int, size: int, spacing: float) -> list[tuple[float, float]]:
    """Return centers that keep their distance, fewer where there is no room: 40 tries for each."""
    found: list[tuple[float, float]] = []
    for _ in range(40 * count):
        if len(found) >= count:
            break
        y, x = random.uniform(0, size, 2)
        if all((y - a) ** 2 + (x - b) ** 2 >= spacing**2 for a, b in found):
            found.append((float(y), float(x)))
    return found


def _add_cell(random: np.random.Generator, clean: Image, y: float, x: float, radius: float) -> None:
    """Add a cell: nucleus, body, grainy body and edge, each with an outline a pixel wide."""
    radius *= 1 + _CELL_SPREAD * float(np.clip(random.standard_normal(), -2, 2))
    stretch, angle = random.uniform(1.0, 1.35), random.uniform(0, np.pi)
    brightness = 1 + _CELL_SPREAD * random.standard_normal(4)
    reach = int(_REACH * radius * stretch) + 2
    size = clean.shape[1]
    rows = slice(max(int(y) - reach, 0), min(int(y) + reach + 1, size))
    columns = slice(max(int(x) - reach, 0), min(int(x) + reach + 1, size))
    dy = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(y)
    dx = np.arange(columns.start, columns.stop, dtype=np.float32)[None] - np.float32(x)
    along = (dy * np.sin(angle) + dx * np.cos(angle)) / np.sqrt(stretch)
    across = (dy * np.cos(angle) - dx * np.sin(angle)) * np.sqrt(stretch)
    distance = np.hypot(along, across)
    nucleus = np.clip(radius - distance, 0, 1)
    body = np.clip(2 * radius - distance, 0, 1)
    edge = body * np.clip(distance - 1.7 * radius, 0, 1)
    parts = (nucleus, body * (1 - 0.6 * nucleus), body - nucleus, 0.3 * body + edge)
    for channel, part, bright in zip(clean, parts, brightness, strict=True):
        view = channel[rows, columns]
        np.maximum(view, part * np.float32(max(bright, 0.2)), out=view)


def _truth(layout: pd.DataFrame, **settings: int) -> dict[str, object]:
    compounds = [
        {
            "compound": name,
            "changes": what,
            "full_effect": FULL_EFFECTS.get(what, 0.0),
            "ec50_um": EC50_UM if what != "none" else None,
            "doses_um": list(DOSES_UM),
        }
        for name, what in EFFECTS.items()
    ]
    effects = dict(zip(layout["well"], layout["effect"].round(6).tolist(), strict=True))
    return {"settings": settings, "compounds": compounds, "effect_by_well": effects}
