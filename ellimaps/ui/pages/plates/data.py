"""What the Plates page shows: profiles, and what is computed of them, kept for all users by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError
from ellimaps.plates.measuring.profiles import FACTS, FIELDS, Profiles, read_profiles
from ellimaps.plates.measuring.thumbnails import Thumbnails, field_picture, read_thumbnails
from ellimaps.plates.statistics.answers import Answers
from ellimaps.plates.statistics.clusters import ClusterMethod, cluster
from ellimaps.plates.statistics.components import Level
from ellimaps.plates.statistics.embedding import Method, embed
from ellimaps.plates.statistics.evaluation import Evaluation, evaluate
from ellimaps.plates.statistics.positional_effect import Correction, corrected, positional_effect
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.data_root import data_root, folders_from, inside_root

_FOLDERS_SEARCHED = 2000


def _table_bytes(opened: Opened) -> int:
    profiles = opened.profiles
    return int(profiles.fields.memory_usage(deep=True).sum() + profiles.wells.memory_usage(deep=True).sum())


@dataclass(frozen=True, eq=False)
class Opened:
    """A folder of profiles.

    Attributes
    ----------
    folder : Path
        Where they are.
    profiles : Profiles
        What is in it.
    key : str
        Changes when the profiles do.
    """

    folder: Path
    profiles: Profiles
    key: str

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the plate."""
        rows, columns = self.profiles.facts.get("shape", (0, 0))
        wells = self.profiles.wells
        return max(int(rows), int(wells["row"].max())), max(int(columns), int(wells["column"].max()))

    @property
    def channels(self) -> list[str]:
        """Names of the channels."""
        return [str(name) for name in self.profiles.facts.get("channels", ["picture"])]


_OPENED = BoundedCache(4, 1 << 30, _table_bytes)
_POINTS = BoundedCache(64, 256 << 20, lambda found: int(np.asarray(found).nbytes))
_ANSWERS = BoundedCache(16, 256 << 20, lambda found: int(found.changes.memory_usage(deep=True).sum()))
_SHEETS = BoundedCache(8, 256 << 20, lambda found: sum(map(len, found.sheets)) if found else 1)
_PICTURES = BoundedCache(64, 256 << 20, lambda picture: int(picture.nbytes))
_EFFECTS = BoundedCache(32, 1 << 20, lambda _: 1000)
_FIGURES = BoundedCache(32, 1 << 20, lambda _: 100)


def profile_folders(root: Path) -> list[Path]:
    """Return folders of profiles at or below a folder, nearest first; the search is bounded."""
    searched = islice(folders_from(root), _FOLDERS_SEARCHED)
    return [folder for folder in searched if (folder / FACTS).is_file() and (folder / FIELDS).is_file()]


def opened(folder: Path) -> Opened:
    """Return the profiles of a folder, read again only after they were measured again.

    Raises
    ------
    ReadError
        If a file is missing or damaged.
    """
    marks = [(name, path.stat().st_mtime_ns, path.stat().st_size) for name, path in _files(folder)]
    key = hashlib.sha256(repr((str(folder), marks)).encode()).hexdigest()
    found: Opened = _OPENED.get(key, lambda: Opened(folder, read_profiles(folder), key))
    return found


def without_place(one: Opened, correction: Correction) -> Opened:
    """Return the profiles without the effects of place a correction takes off.

    Raises
    ------
    SettingError
        If plates lack the controls it needs.
    """
    if correction == "none":
        return one
    key = f"{one.key} {correction}"
    found: Opened = _OPENED.get(key, lambda: Opened(one.folder, corrected(one.profiles, correction), key))
    return found


def place_effects(one: Opened) -> pd.DataFrame:
    """Return how much the position of wells explains; see `ellimaps.plates.positional_effect`."""
    found: pd.DataFrame = _EFFECTS.get(one.key, lambda: positional_effect(one.profiles))
    return found


def positions(one: Opened, method: Method, level: Level) -> NDArray[np.float64]:
    """Return the coordinates of an embedding, shape (point, 2)."""
    key = (one.key, method, level)
    found: NDArray[np.float64] = _POINTS.get(
        key, lambda: embed(one.profiles, method, level=level)[["x", "y"]].to_numpy(float)
    )
    return found


def clusters(one: Opened, method: ClusterMethod, n: int | None, level: Level) -> NDArray[np.int64]:
    """Return the cluster of every point."""
    key = (one.key, "clusters", method, n, level)
    found: NDArray[np.int64] = _POINTS.get(
        key, lambda: cluster(one.profiles, method, level=level, n_clusters=n)
    )
    return found


def figures(one: Opened) -> Evaluation:
    """Return how well the profiles tell compounds apart."""
    found: Evaluation = _FIGURES.get(one.key, lambda: evaluate(one.profiles))
    return found


def kept_answers(one: Opened) -> Answers | None:
    """Return the answers of these profiles if somebody has asked for them."""
    try:
        found: Answers = _ANSWERS.get(one.key, _nothing)
    except LookupError:
        return None
    return found


def keep_answers(one: Opened, found: Answers) -> None:
    """Keep answers for all users."""
    _ANSWERS.get(one.key, lambda: found)


def thumbnails(one: Opened) -> Thumbnails | None:
    """Return the small pictures, if they were drawn."""
    found: Thumbnails | None = _SHEETS.get(
        (one.key, (one.folder / "thumbnails.json").exists()),
        lambda: read_thumbnails(one.folder, one.profiles.fields),
    )
    return found


def picture_root(one: Opened) -> Path:
    """Return the folder of the pictures.

    Raises
    ------
    ReadError
        If it is not below the data root, or gone.
    """
    try:
        return inside_root(str(one.profiles.facts["root"]), data_root())
    except KeyError as error:
        raise ReadError(f"{one.folder / FACTS} does not say where the pictures are.") from error


def picture(one: Opened, files: str) -> NDArray[np.float32]:
    """Return the picture of a field, shape (channel, y, x).

    Raises
    ------
    ReadError
        If it is missing, damaged, or not below the folder of the pictures.
    """
    root = picture_root(one)
    for name in files.split(";"):
        if root.resolve() not in (root / name).resolve().parents:
            raise ReadError(f"{name:.200} is not below {root}: measure the plate again.")
    found: NDArray[np.float32] = _PICTURES.get(
        (one.key, files), lambda: field_picture(root, files, len(one.channels))
    )
    return found


def table(one: Opened, level: Level) -> pd.DataFrame:
    """Return the table of fields or wells."""
    return one.profiles.fields if level == "field" else one.profiles.wells


def treatment_names(rows: pd.DataFrame) -> list[str]:
    """Return what was in each well, as text: compound, concentration and unit."""
    return [
        f"{compound or 'no compound'}" + (f" {dose:g} {unit}".rstrip() if dose == dose else "")
        for compound, dose, unit in zip(
            rows["compound"].fillna("").astype(str),
            rows["concentration"].astype(float),
            rows["concentration_unit"].fillna("").astype(str),
            strict=True,
        )
    ]


def _nothing() -> Any:
    raise LookupError


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted([*folder.glob("*.parquet"), *folder.glob("plate.json")]):
        yield path.name, path
