"""Fields that somebody chose and named, kept beside the profiles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.files import write_files
from ellimaps.core.small_files import read_small

SELECTIONS = "selections.json"
MOST_NAMED = 200
"""More than anybody finds again in a list; with `_MOST_BYTES` it bounds the file."""

_MOST_BYTES = 64 << 20
"""MOST_NAMED selections of all 13,824 fields of a plate of 1536 wells are 55 MB: 20 bytes a field."""
_FORMAT = 1
"""Another number is of a later version, whose selections this one does not know."""

FieldKey = tuple[str, str, int]
"""Plate, well and number of a field: what stays when a plate is measured again."""


@dataclass(frozen=True)
class Selection:
    """Some fields.

    Attributes
    ----------
    fields : tuple of (str, str, int)
        Plate, well and number of each.
    drawn : bool
        Whether they were drawn in a scatter plot, so that their features chose them.
    """

    fields: tuple[FieldKey, ...]
    drawn: bool = False

    def of(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which rows of ``Profiles.fields`` it holds, shape (field,)."""
        chosen = set(self.fields)
        return np.array([key in chosen for key in field_keys(table)], dtype=bool)


def field_keys(table: pd.DataFrame) -> list[FieldKey]:
    """Return what names the fields of ``Profiles.fields``."""
    parts = table["plate"].astype(str), table["well"].astype(str), table["field"].astype(int)
    return list(zip(*parts, strict=True))


def read_selections(folder: Path) -> dict[str, Selection]:
    """Return the selections kept in a folder of profiles by name; none where there is no such file.

    Raises
    ------
    ReadError
        If the file is damaged.
    """
    path = folder / SELECTIONS
    if not path.exists():
        return {}
    try:
        found = json.loads(read_small(path, "list of selections", _MOST_BYTES))
        if found["format"] != _FORMAT:
            raise ValueError(f"format {found['format']}")
        return {
            str(name): Selection(
                tuple((str(plate), str(well), int(number)) for plate, well, number in one["fields"]),
                bool(one["drawn"]),
            )
            for name, one in found["selections"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ReadError(f"{path} is damaged ({error!s:.80}): remove it, its selections are lost.") from error


def save_selections(folder: Path, selections: Mapping[str, Selection]) -> None:
    """Write selections into a folder of profiles; they take the place of those that were there.

    Raises
    ------
    SettingError
        If a name is empty, or there are too many to be read again.
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    if len(selections) > MOST_NAMED:
        raise SettingError(f"{MOST_NAMED} selections are kept at most: remove one first.")
    if any(not name.strip() for name in selections):
        raise SettingError("Give the selection a name.")
    content = {
        "format": _FORMAT,
        "selections": {
            name: {"fields": [list(key) for key in one.fields], "drawn": one.drawn}
            for name, one in sorted(selections.items())
        },
    }
    text = json.dumps(content, ensure_ascii=False).encode()
    if len(text) > _MOST_BYTES:
        raise SettingError(
            f"The selections are larger than {_MOST_BYTES >> 20} MB together: remove some first."
        )
    write_files(folder, {SELECTIONS: text})
