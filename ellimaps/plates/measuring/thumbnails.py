"""Pictures to look at: a field as it was taken, and small ones of all fields on a few sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from ellimaps.core.errors import ReadError
from ellimaps.core.files import with_listing, write_files
from ellimaps.core.inputs import as_input
from ellimaps.core.parallel import ordered_map
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.sums import SUMS, WrittenSet, read_set
from ellimaps.plates.measuring.pictures import picture_file, picture_values
from ellimaps.plates.measuring.profiles import FACTS as PROFILE_FACTS, FIELDS, Profiles
from ellimaps.readers.pictures import opened_picture
from ellimaps.readers.planes import RGB_NAMES

COLORS = ("#3f6fff", "#2ee66b", "#ffb000", "#ff4060", "#c77dff", "#e0e0e0")
"""Of channels, nuclei first and so blue, as their stain; all readable on black."""
RGB_COLORS = ("#ff0000", "#00ff00", "#0000ff")
TILE_PX = 64
"""Edge of a small picture: 10,000 of them are 40 sheets, which a browser loads at once."""
COLUMNS = 16
"""Small pictures in a row of a sheet, 256 in all: 1024 x 1024 px, which any browser draws."""
FACTS = "thumbnails.json"


@dataclass(frozen=True)
class Thumbnails:
    """Small pictures of all fields; field i is tile ``i % columns**2`` of sheet ``i // columns**2``.

    Attributes
    ----------
    sheets : tuple of bytes
        JPEG pictures of ``columns`` by ``columns`` tiles.
    tile, columns : int
        Edge of a tile in pixels; tiles in a row.
    """

    sheets: tuple[bytes, ...]
    tile: int = TILE_PX
    columns: int = COLUMNS


def field_picture(root: Path, files: str, n_channels: int) -> NDArray[np.float32]:
    """Read the picture of a field as it was taken.

    Parameters
    ----------
    root : Path
        Folder that the files lie below.
    files : str
        As in the column ``files`` of profiles: joined by ``;``, channel by channel.
    n_channels : int
        Channels of the plate; where a channel has several files (focal planes) their maximum is taken.

    Returns
    -------
    ndarray of float32, shape (channel, y, x)
        Merged pictures have their colours as channels.

    Raises
    ------
    ReadError
        If a file is missing or damaged, or the pictures differ in size.
    """
    names = files.split(";")
    planes = max(1, len(names) // n_channels)
    groups = [names[start : start + planes] for start in range(0, len(names), planes)]
    channels: list[NDArray[np.float32]] = []
    for group in groups:
        values = [picture_values(root, name)[: len(RGB_NAMES)] for name in group]
        if len({one.shape for one in values}) > 1:
            raise ReadError(f"The focal planes of {group[0]} differ in size: keep pictures of one size.")
        channels += list(np.max(values, axis=0).astype(np.float32))
    if len({channel.shape for channel in channels}) > 1:
        raise ReadError(f"The channels of {names[0]} differ in size: keep pictures of one size.")
    return np.stack(channels)


def field_pixel_um(root: Path, files: str) -> float | None:
    """Return the size of a pixel as the first file of a field says it; None where it does not."""
    with opened_picture(as_input(picture_file(root, files.split(";")[0])[0])) as picture:
        return picture.pixel_size_um


def channel_colors(n: int, *, merged: bool) -> tuple[str, ...]:
    """Return a colour for each channel; those of merged pictures are their own."""
    return RGB_COLORS[:n] if merged else tuple(COLORS[number % len(COLORS)] for number in range(n))


def make_thumbnails(profiles: Profiles, on_progress: Progress = no_progress) -> Thumbnails:
    """Draw all fields small, each channel with the same contrast everywhere.

    Parameters
    ----------
    profiles : Profiles
        Their ``facts`` say where the pictures are.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If a picture is missing or damaged.
    """
    root, n_channels = Path(profiles.facts["root"]), len(profiles.facts["channels"])
    names = list(profiles.fields["files"])

    def small(files: str) -> NDArray[np.float32]:
        return _reduced(field_picture(root, files, n_channels))

    pictures = []
    for picture in ordered_map(small, names):
        pictures.append(picture)
        on_progress(len(pictures), len(names), "drawing thumbnails")
    # Two dozen pictures, spread over the plate, hold its dark and bright wells.
    sampled = pictures[:: max(1, len(pictures) // 24)]
    merged = len(pictures[0]) > n_channels
    limits = _limits(sampled, merged=merged)
    colors = channel_colors(len(pictures[0]), merged=merged)
    tiles = [_mixed(picture, limits, colors) for picture in pictures]
    step = COLUMNS * COLUMNS
    return Thumbnails(tuple(_sheet(tiles[start : start + step]) for start in range(0, len(tiles), step)))


def save_thumbnails(thumbnails: Thumbnails, folder: Path) -> None:
    """Write the sheets beside the profiles they belong to.

    Raises
    ------
    ExportError
        If the folder cannot be written.
    """
    files = {f"thumbnails_{number:03d}.jpg": sheet for number, sheet in enumerate(thumbnails.sheets)}
    facts = {"tile": thumbnails.tile, "columns": thumbnails.columns, "fields_sha256": _fields_sum(folder)}
    write_files(folder, with_listing(files, FACTS, facts), FACTS)


def read_thumbnails(folder: Path, fields: pd.DataFrame) -> Thumbnails | None:
    """Return the sheets of a profile folder; None where there are none, or not of these fields."""

    def read(files: WrittenSet) -> Thumbnails:
        facts = files.facts
        if facts.get("fields_sha256") != (_fields_sum(folder) if "fields_sha256" in facts else None):
            raise ReadError(f"{folder / FACTS} is of other fields: run ellimaps plates profile again.")
        sheets = [_content(files, str(name)) for name in facts["files"] if name != FACTS]
        return Thumbnails(tuple(sheets), int(facts["tile"]), int(facts["columns"]))

    try:
        found = read_set(folder, FACTS, read)
    # JSON knows an infinity, which is no whole number.
    except (OSError, ReadError, ValueError, KeyError, TypeError, OverflowError):
        return None
    n_tiles = found.columns * found.columns
    return found if n_tiles > 0 and len(found.sheets) == -(-len(fields) // n_tiles) else None


def _content(files: WrittenSet, name: str) -> bytes:
    with files.open(Path(name).name) as file:
        return file.read()


def _fields_sum(folder: Path) -> str | None:
    """Return the SHA-256 of the profiles beside the sheets; None where they have none."""
    try:
        sums = WrittenSet(folder, PROFILE_FACTS).facts[SUMS]
    except (OSError, ReadError, KeyError):
        return None
    return str(sums.get(FIELDS)) if isinstance(sums, dict) else None


def _reduced(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    shrunk = [
        np.asarray(Image.fromarray(plane).resize((TILE_PX, TILE_PX), Image.Resampling.BOX))
        for plane in picture
    ]
    return np.stack(shrunk)


def _limits(pictures: Sequence[NDArray[np.float32]], *, merged: bool) -> list[tuple[float, float]]:
    """Return the darkest and brightest value of each channel; colours of one picture must share theirs."""
    stacked = np.stack(pictures)
    n = stacked.shape[1]
    seen = [stacked if merged else stacked[:, number] for number in range(n)]
    # The brightest 0.3 % are few specks of dirt or debris, and may be white.
    return [contrast(values, (1.0, 99.7)) for values in seen]


def contrast(values: NDArray[np.float32], percentiles: tuple[float, float]) -> tuple[float, float]:
    """Return the values to be black and white: percentiles of what was measured, of any shape and unit."""
    measured = values[np.isfinite(values)]
    low, high = np.percentile(measured, percentiles) if measured.size else (0.0, 1.0)
    return float(low), float(high if high > low else low + 1)


def _mixed(
    picture: NDArray[np.float32], limits: Sequence[tuple[float, float]], colors: Sequence[str]
) -> NDArray[np.uint8]:
    total = np.zeros((TILE_PX, TILE_PX, 3), dtype=np.float32)
    for plane, (low, high), color in zip(picture, limits, colors, strict=True):
        rgb = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float32)
        # Not measured is black.
        total += np.nan_to_num(np.clip((plane - low) / (high - low), 0, 1))[..., None] * rgb
    return np.clip(total, 0, 255).astype(np.uint8)


def _sheet(tiles: Sequence[NDArray[np.uint8]]) -> bytes:
    sheet = np.zeros((COLUMNS * TILE_PX, COLUMNS * TILE_PX, 3), dtype=np.uint8)
    for number, tile in enumerate(tiles):
        y, x = divmod(number, COLUMNS)
        sheet[y * TILE_PX : (y + 1) * TILE_PX, x * TILE_PX : (x + 1) * TILE_PX] = tile
    file = BytesIO()
    Image.fromarray(sheet).save(file, "jpeg", quality=82)
    return file.getvalue()
