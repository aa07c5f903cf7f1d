"""What the Plates page shows: profiles, and what is computed of them, kept for all users by their content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.plates.measuring.composites import Limits, plate_contrast
from ellimaps.plates.measuring.profiles import FACTS, FIELDS, Profiles, read_profiles
from ellimaps.plates.measuring.thumbnails import (
    FACTS as SHEETS,
    Thumbnails,
    field_picture,
    field_pixel_um,
    read_thumbnails,
)
from ellimaps.plates.statistics.answers import Answers
from ellimaps.plates.statistics.clusters import ClusterMethod, cluster
from ellimaps.plates.statistics.components import Level
from ellimaps.plates.statistics.embedding import Method, embed
from ellimaps.plates.statistics.evaluation import Evaluation, evaluate
from ellimaps.plates.statistics.plate_quality import PlateQuality
from ellimaps.plates.statistics.positional_effect import Correction, corrected, positional_effect
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.data_root import data_root, file_marks, folders_from, inside_root
from ellimaps.ui.shared.tasks import computed


@dataclass(frozen=True, eq=False)
class OpenedPlate:
    """A folder of profiles.

    Attributes
    ----------
    folder : Path
        Where they are.
    profiles : Profiles
        What is in it.
    key : str
        Changes when the profiles do.
    before : OpenedPlate, optional
        The same as measured, where positional effects were taken off.
    """

    folder: Path
    profiles: Profiles
    key: str
    before: OpenedPlate | None = None

    @property
    def n_bytes(self) -> int:
        """Bytes of its tables."""
        tables = (self.profiles.fields, self.profiles.wells)
        return sum(int(table.memory_usage(deep=True).sum()) for table in tables)

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


# A plate of 1536 wells with 9 fields of 2000 features is 220 MB: a few of the largest, many usual ones.
_PLATES: BoundedCache[OpenedPlate] = BoundedCache(1024 * MEGABYTE, lambda plate: plate.n_bytes)
# Eight megapixels in four channels are 128 MB: the two that are compared stay.
_PICTURES: BoundedCache[NDArray[np.float32]] = BoundedCache(256 * MEGABYTE, lambda picture: picture.nbytes)
_SHEETS: BoundedCache[Thumbnails | None] = BoundedCache(
    256 * MEGABYTE, lambda found: sum(map(len, found.sheets)) if found else 1
)
# What is computed of a plate is small beside it; numbers of results, a handful for each of some plates.
_EMBEDDINGS: BoundedCache[NDArray[np.float64]] = BoundedCache(64)
_CLUSTERS: BoundedCache[NDArray[np.int64]] = BoundedCache(64)
_EFFECTS: BoundedCache[pd.DataFrame] = BoundedCache(32)
_EVALUATIONS: BoundedCache[Evaluation] = BoundedCache(32)
_CONTRASTS: BoundedCache[Limits | EllimapsError] = BoundedCache(64)
REPORTS: BoundedCache[str] = BoundedCache(64 * MEGABYTE, len)
QUALITIES: BoundedCache[PlateQuality | EllimapsError] = BoundedCache(16)
ANSWERS: BoundedCache[Answers | EllimapsError] = BoundedCache(16)


def profile_folders(root: Path) -> list[Path]:
    """Return folders of profiles at or below a folder, nearest first; the search is bounded."""
    # Further than for other files: the pictures of plates lie in hundreds of folders, which hold nplate.
    searched = folders_from(root, 2000)
    return [folder for folder in searched if (folder / FACTS).is_file() and (folder / FIELDS).is_file()]


def opened_plate(folder: Path) -> OpenedPlate:
    """Return the profiles of a folder, read again only after they were measured again.

    Raises
    ------
    ReadError
        If a file is missing or damaged.
    """
    key = repr(file_marks(sorted([*folder.glob("*.parquet"), folder / FACTS])))
    return _PLATES.get(key, lambda: OpenedPlate(folder, read_profiles(folder), key))


def corrected_plate(plate: OpenedPlate, correction: Correction) -> OpenedPlate:
    """Return the profiles without the positional effects a correction takes off.

    Raises
    ------
    SettingError
        If plates lack the controls it needs.
    """
    if correction == "none":
        return plate
    key = f"{plate.key} {correction}"
    return _PLATES.get(
        key, lambda: OpenedPlate(plate.folder, corrected(plate.profiles, correction), key, plate)
    )


def positional_effects(plate: OpenedPlate) -> pd.DataFrame:
    """Return how much the position of wells explains; see `ellimaps.plates.positional_effect`."""
    return _EFFECTS.get(plate.key, lambda: positional_effect(plate.profiles))


def coordinates(plate: OpenedPlate, method: Method, level: Level) -> NDArray[np.float64]:
    """Return the coordinates of an embedding, shape (point, 2)."""
    return _EMBEDDINGS.get(
        (plate.key, method, level),
        lambda: embed(plate.profiles, method, level=level)[["x", "y"]].to_numpy(float),
    )


def clusters(plate: OpenedPlate, method: ClusterMethod, n: int | None, level: Level) -> NDArray[np.int64]:
    """Return the cluster of every point, shape (point,).

    Parameters
    ----------
    plate : OpenedPlate
        The profiles.
    method, n, level
        As `ellimaps.plates.statistics.clusters.cluster`.
    """
    return _CLUSTERS.get(
        (plate.key, method, n, level), lambda: cluster(plate.profiles, method, level=level, n_clusters=n)
    )


def evaluation(plate: OpenedPlate) -> Evaluation:
    """Return how well the profiles tell compounds apart."""
    return _EVALUATIONS.get(plate.key, lambda: evaluate(plate.profiles))


def thumbnails(plate: OpenedPlate) -> Thumbnails | None:
    """Return the small pictures, if they were drawn."""
    return _SHEETS.get(
        (plate.key, (plate.folder / SHEETS).exists()),
        lambda: read_thumbnails(plate.folder, plate.profiles.fields),
    )


def picture_root(plate: OpenedPlate) -> Path:
    """Return the folder of the pictures.

    Raises
    ------
    ReadError
        If it is not below the data root, or gplate.
    """
    try:
        return inside_root(str(plate.profiles.facts["root"]), data_root())
    except KeyError as error:
        raise ReadError(f"{plate.folder / FACTS} does not say where the pictures are.") from error


def picture(plate: OpenedPlate, files: str) -> NDArray[np.float32]:
    """Return the picture of a field, shape (channel, y, x).

    Raises
    ------
    ReadError
        If it is missing, damaged, or not below the folder of the pictures.
    """
    root = _checked_root(plate, files)
    return _PICTURES.get((plate.key, files), lambda: field_picture(root, files, len(plate.channels)))


def pixel_um(plate: OpenedPlate, files: str) -> float | None:
    """Return the size of a pixel of a field, if its files say it."""
    return field_pixel_um(_checked_root(plate, files), files)


def plate_limits(state: PlatesState, plate: OpenedPlate) -> Limits | None:
    """Return the contrast of all images of a plate; None while it is computed, or where there are no images.

    Raises
    ------
    ReadError
        As `picture`.
    """
    for files in plate.profiles.fields["files"].astype(str):
        _checked_root(plate, files)
    what = "Choosing the contrast of the plate"
    key = plate.profiles.facts.get("root"), tuple(plate.profiles.fields["files"])
    return computed(state, _CONTRASTS, key, what, lambda tell: plate_contrast(plate.profiles, tell))


def _checked_root(plate: OpenedPlate, files: str) -> Path:
    root = picture_root(plate)
    for name in files.split(";"):
        if root.resolve() not in (root / name).resolve().parents:
            raise ReadError(f"{name:.200} is not below {root}: measure the plate again.")
    return root


def table(plate: OpenedPlate, level: Level) -> pd.DataFrame:
    """Return the table of fields or wells."""
    return plate.profiles.fields if level == "field" else plate.profiles.wells


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
