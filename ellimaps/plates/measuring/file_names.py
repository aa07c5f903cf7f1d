"""Well-plate file names: a folder becomes a table with one row per field and channel.

An OME-Zarr plate says itself what it holds. Of files three ways of naming are known. Harmony and Opera:
``r01c01f01p01-ch1sk1fk1fl1.tiff``, merged pictures without ``ch1``. ImageXpress: ``NAME_A01_s1_w1.TIF``,
with or without an identifier behind it, below ``TimePoint_1`` and ``ZStep_1``; its thumbnails are skipped.
Anything else: a pattern with named fields.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.plates.measuring.wells import row_number, well_name, well_position
from ellimaps.readers.ome_zarr import channel_names, images_in, is_zarr, stores_in

COLUMNS = ("well", "row", "column", "field", "channel", "z", "time", "file")
MERGED = "merged"
ENDINGS = (".tif", ".tiff", ".png")

_HARMONY = re.compile(
    r"(?:.*/)?r(?P<row>\d+)c(?P<column>\d+)f(?P<field>\d+)p(?P<z>\d+)-(?:ch(?P<channel>\d+))?"
    r"sk(?P<time>\d+)fk\d+fl\d+\.tiff?",
    re.IGNORECASE,
)
_IMAGEXPRESS = re.compile(
    r"(?:(?:.*/)?TimePoint_(?P<time>\d+)/)?(?:(?:.*/)?ZStep_(?P<z>\d+)/)?(?:.*/)?[^/]*?_(?P<well>[A-Z]{1,2}\d{1,2})"
    r"(?:_s(?P<field>\d+))?(?:_w(?P<channel>\d+))?(?P<thumb>_thumb)?"
    r"(?:[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})?\.tiff?",
    re.IGNORECASE,
)
_LARGEST = 10**18
"""Tables hold whole numbers of 64 bit; a date and time, as some name their planes, has 14 to 17 digits."""
_FIELDS = {
    "well": r"[A-Za-z]{1,2}[-_]?\d{1,2}",
    "row": r"[A-Za-z]{1,2}|\d{1,2}",
    "column": r"\d{1,2}",
    "field": r"\d+",
    "channel": r"[^/]+?",
    "z": r"\d+",
    "time": r"\d+",
}
# A field; an asterisk with the text up to the next; an asterisk; other text; a brace without its partner.
_PIECE = re.compile(r"\{([^{}]*)\}|\*+([^{}*]+)(?=\*)|\*+|[^{}*]+|[{}]")


@dataclass(frozen=True, eq=False)
class PlateFiles:
    """The pictures of a plate.

    Attributes
    ----------
    root : Path
        Folder they lie below.
    table : DataFrame
        :data:`COLUMNS`, one row per picture in the order of well, field, channel, z and time: ``well`` (as
        A01), ``row`` and ``column`` from 1, ``field``, ``channel`` (text; ``merged`` for all in one),
        ``z`` and ``time`` (whole numbers as the names have them, 1 where they say nothing), ``file`` (path
        below the root with ``/``; of an OME-Zarr plate with ``:`` and the number of the channel behind it).
    skipped : tuple of str
        Pictures below the root whose names do not fit, and thumbnails.
    naming : str
        ``harmony``, ``imagexpress``, ``ome-zarr`` or the pattern.
    """

    root: Path
    table: pd.DataFrame
    skipped: tuple[str, ...]
    naming: str


def read_plate_files(root: str | Path, pattern: str | None = None) -> PlateFiles:
    """List the pictures of a plate by what their names say.

    Parameters
    ----------
    root : str or Path
        Folder of the pictures; those in folders below it count as well. Or an OME-Zarr plate, or a folder
        with one.
    pattern : str, optional
        How file names, or paths below the root where it holds a ``/``, are read: text with the fields
        ``{well}`` or ``{row}`` and ``{column}``, and ``{field}, {channel}, {z}, {time}`` where there are
        any; ``*`` stands for anything. An ending such as ``.tif`` may be left out. By default the names of
        Harmony and ImageXpress are known.

    Raises
    ------
    ReadError
        If no name fits, or two pictures are of the same field, channel, plane and time.
    SettingError
        If the pattern names no well or an unknown field.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise ReadError(f"{folder} is not a folder: give the folder that holds the plate's images.")
    if pattern is None and (store := _plate_in(folder)) is not None:
        return PlateFiles(folder, _zarr_table(folder, store), (), "ome-zarr")
    names = sorted(_pictures(folder, PurePosixPath()))
    ways = {"harmony": _HARMONY, "imagexpress": _IMAGEXPRESS}
    if pattern is not None:
        ways = {pattern: _compiled(pattern)}
    for naming, regex in ways.items():
        rows = [row for name in names if (row := _row(name, regex)) is not None]
        if rows:
            table = _without_merged(pd.DataFrame(rows, columns=list(COLUMNS)))
            used = set(table["file"])
            skipped = tuple(name for name in names if name not in used)
            return PlateFiles(folder, _ordered(table), skipped, naming)
    raise ReadError(_no_fit(folder, names, pattern))


def _plate_in(folder: Path) -> Path | None:
    """Return the OME-Zarr plate that a folder is or holds; None if there is none."""
    stores = [folder] if is_zarr(folder) else stores_in(folder)
    if len(stores) > 1:
        raise ReadError(f"{folder} holds {len(stores)} OME-Zarr images or plates: give one plate.")
    return stores[0] if stores else None


def _zarr_table(root: Path, store: Path) -> pd.DataFrame:
    images = [image for image in images_in(store) if image.row]
    if not images:
        raise ReadError(f"{store} is no OME-Zarr plate: give a plate, or the folder of its images.")
    channels = channel_names(images[0].folder)
    rows = []
    for image in images:
        row, column = _position(f"{image.row}{image.column}", store.name)
        file = image.folder.relative_to(root).as_posix()
        rows += [
            (well_name(row, column), row, column, image.field, name, 1, 1, f"{file}:{number}")
            for number, name in enumerate(channels)
        ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["row", "column", "field"], kind="stable").reset_index(drop=True)


def _position(well: str, name: str) -> tuple[int, int]:
    try:
        return well_position(well)
    except ReadError as error:
        raise ReadError(
            f"{name:.200} names a well that no plate has ({str(error).split(':')[0]}): rename it."
        ) from error


def _pictures(folder: Path, below: PurePosixPath) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise ReadError(f"{folder} cannot be listed ({error.strerror}): check its permissions.") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _pictures(Path(entry.path), below / entry.name)
        elif entry.name.casefold().endswith(ENDINGS):
            yield str(below / entry.name)


def _row(name: str, regex: re.Pattern[str]) -> tuple[str, int, int, int, str, int, int, str] | None:
    match = regex.fullmatch(name)
    if match is None:
        return None
    found = match.groupdict()
    if found.get("thumb"):
        return None
    try:
        if found.get("well"):
            row, column = well_position(found["well"])
        else:
            row, column = row_number(found["row"]), int(found["column"])
        well = well_name(row, column)
    except ReadError as error:
        raise ReadError(
            f"{name} names a well that no plate has ({str(error).split(':')[0]}): rename it."
        ) from error
    channel = found.get("channel") or MERGED
    field, z, time = (int(found.get(key) or 1) for key in ("field", "z", "time"))
    if max(field, z, time) > _LARGEST:
        raise ReadError(f"{name:.200} holds a number above {_LARGEST:,} as field, plane or time: rename it.")
    return well, row, column, field, channel, z, time, name


def _without_merged(table: pd.DataFrame) -> pd.DataFrame:
    """Leave merged pictures out where the channels are there as well."""
    merged = table["channel"] == MERGED
    return table if merged.all() else table[~merged]


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    key = ["row", "column", "field", "channel", "z", "time"]
    doubles = table[table.duplicated(key, keep=False)].sort_values(key)
    if len(doubles):
        first, second = doubles["file"].iloc[:2]
        raise ReadError(
            f"{first} and {second} are both {doubles['well'].iloc[0]}, field {doubles['field'].iloc[0]}: "
            "keep one of them, or give a pattern that tells them apart."
        )
    keys = table["channel"].map(lambda text: f"{int(text):09d}" if text.isdecimal() else text)
    order = table.assign(channel=keys).sort_values(key).index
    return table.loc[order].reset_index(drop=True)


def _compiled(pattern: str) -> re.Pattern[str]:
    names: list[str] = []
    regex = "" if "/" in pattern else "(?:.*/)?"
    for piece in _PIECE.finditer(pattern.strip("/")):
        if piece[1] is not None:
            name = piece[1].strip().casefold()
            if name not in _FIELDS or name in names:
                wrong = "twice" if name in names else "which is none"
                raise SettingError(
                    f"The pattern {pattern!r:.200} has the field {piece[1]!r:.40} {wrong}: use each of "
                    f"{', '.join(_FIELDS)} once at most."
                )
            names.append(name)
            regex += f"(?P<{name}>{_FIELDS[name]})"
        elif piece[0] in "{}":
            raise SettingError(f"The pattern {pattern!r:.200} has a brace without its partner.")
        elif piece[2] is not None:
            # The first place will do, as another asterisk follows: who tried all places would never end.
            regex += f"(?>[^/]*?{re.escape(piece[2])})"
        else:
            regex += "[^/]*" if piece[0][0] == "*" else re.escape(piece[0])
    if "well" not in names and not {"row", "column"} <= set(names):
        raise SettingError(f"The pattern {pattern!r:.200} names no {{well}}, or {{row}} and {{column}}.")
    ending = "" if pattern.casefold().endswith(ENDINGS) else r"\.(?:tiff?|png)"
    return re.compile(regex + ending, re.IGNORECASE)


def _no_fit(folder: Path, names: list[str], pattern: str | None) -> str:
    if not names:
        return f"{folder} holds no TIFF or PNG image: give the folder of the plate's images."
    shown = ", ".join(names[:3])
    how = f"the pattern {pattern}" if pattern else "the names of Harmony or ImageXpress"
    return (
        f"None of the {len(names)} images in {folder} fits {how} (the first are {shown}): "
        "give a pattern such as {well}_s{field}_w{channel}."
    )
