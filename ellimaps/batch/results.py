"""A result folder read back: images, objects, counts and comparisons."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ellimaps.batch.assemble import EXPERIMENTS_PARQUET, FAILURES, PLANE
from ellimaps.batch.marks import IMAGES
from ellimaps.batch.montages import MONTAGE
from ellimaps.batch.tree import LEVELS
from ellimaps.core.errors import ReadError

MEASURES = ("R", "Mean Intensity")
# Results lie beside acquisitions, which have three levels of folders.
_DEPTH = 3
# Bounds the wait where listing a folder takes 10 ms, as on a network drive, to 5 s.
_FOLDERS_SEARCHED = 500


@dataclass(frozen=True, eq=False)
class Results:
    """What a batch wrote.

    Attributes
    ----------
    folder : Path
        Where it lies.
    images : DataFrame
        One row per image: its levels, number of ``Objects``, quality and ``Flags``, ``Table``, ``Overlay``.
    objects : DataFrame
        One row per object of all images.
    failures : DataFrame
        One row per image without a result, with its ``Reason``.
    """

    folder: Path
    images: pd.DataFrame
    objects: pd.DataFrame
    failures: pd.DataFrame

    @property
    def has_circles(self) -> bool:
        """Whether the objects are those of images, not clusters of maps."""
        return all(measure in self.objects for measure in MEASURES)

    def counts(self, by: str) -> pd.DataFrame:
        """Return images, objects and flagged images per ``Experiment`` or ``Subject``."""
        table = self.images.assign(
            flagged=self.images["Flags"] != "", label=self.images[by].replace("", "(none)")
        )
        groups = table.groupby("label", sort=True)
        counts = groups.agg(
            Images=("Objects", "size"), Objects=("Objects", "sum"), Flagged=("flagged", "sum")
        )
        counts["Objects per image"] = counts["Objects"] / counts["Images"]
        return counts.rename_axis(by).reset_index()

    def comparison(self, experiments: list[str]) -> pd.DataFrame:
        """Return number, median and quartiles of each measure for experiments side by side."""
        chosen = self.objects[self.objects["Experiment"].isin(experiments)]
        rows = []
        for experiment, group in chosen.groupby("Experiment", sort=True):
            row: dict[str, object] = {"Experiment": experiment, "Objects": len(group)}
            for measure in MEASURES:
                low, middle, high = group[measure].quantile([0.25, 0.5, 0.75])
                row |= {f"{measure} median": middle, f"{measure} quartiles": f"{low:.5g} – {high:.5g}"}
            rows.append(row)
        return pd.DataFrame(rows)

    def objects_of(self, image: pd.Series) -> pd.DataFrame:
        """Return the objects of one row of `images`."""
        same = pd.Series(True, index=self.objects.index)
        for level in (*LEVELS, *(name for name in PLANE if name in self.objects and name in image)):
            same &= self.objects[level] == image[level]
        return self.objects[same]

    def picture(self, image: pd.Series) -> Path | None:
        """Return where the overlay of one row of `images` lies, if it is there."""
        return self._below(str(image["Overlay"]))

    def montage(self, image: pd.Series) -> Path | None:
        """Return where the montage of an image's experiment lies, if it is there."""
        overlay = str(image["Overlay"])
        return self._below(str(Path(overlay).parent / MONTAGE)) if overlay else None

    def _below(self, name: str) -> Path | None:
        """Return a file of the folder; a table that names one elsewhere is not believed."""
        path = (self.folder / name).resolve()
        return path if self.folder.resolve() in path.parents and path.is_file() else None


def read_results(folder: Path) -> Results:
    """Read what a batch wrote into a folder.

    Raises
    ------
    ReadError
        If it is no such folder, or damaged.
    """
    try:
        objects = pd.read_parquet(folder / EXPERIMENTS_PARQUET)
        images = _texts(pd.read_csv(folder / IMAGES, dtype=_TEXT, keep_default_na=False))
        failures = pd.read_csv(folder / FAILURES, dtype=str, keep_default_na=False)
        images["Objects"] = images["Objects"].astype(int)
        missing = {*LEVELS, "Flags"} - set(objects) | {*LEVELS, "Flags", "Table", "Overlay"} - set(images)
    except FileNotFoundError as error:
        name = Path(str(error.filename)).name
        raise ReadError(
            f"{folder} is no result folder: {name} is missing; choose what ellimaps cells detect or "
            "ellimaps batch wrote."
        ) from error
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ReadError(
            f"The tables in {folder} cannot be read ({reason:.200}): run the batch again."
        ) from error
    if missing:
        raise ReadError(f"The tables in {folder} lack {', '.join(sorted(missing))}: run the batch again.")
    return Results(folder, images, objects, failures)


_TEXT = dict.fromkeys((*LEVELS, "File", "Flags", "Warnings", "Table", "Overlay", "Labels"), str)


def _texts(images: pd.DataFrame) -> pd.DataFrame:
    """Make numbers of every column that is not text; nothing is NaN."""
    numbers = [column for column in images if column not in _TEXT]
    converted: dict[str, pd.Series] = {
        str(column): values
        for column in numbers
        if (values := pd.to_numeric(images[column], errors="coerce")).notna().any()
    }
    return images.assign(**converted)


def result_folders(root: Path) -> list[Path]:
    """Return result folders at or below a folder, nearest first; the search is bounded."""
    found = []
    for searched, folder in enumerate(_folders(root)):
        if searched >= _FOLDERS_SEARCHED:
            break
        if (folder / EXPERIMENTS_PARQUET).is_file() and (folder / IMAGES).is_file():
            found.append(folder)
    return found


def _folders(root: Path) -> Iterator[Path]:
    level = [root]
    for _ in range(_DEPTH + 1):
        yield from level
        level = [below for above in level for below in _inside(above)]


def _inside(folder: Path) -> list[Path]:
    # What is inside a result folder is none itself, and can be many thousand folders.
    if (folder / EXPERIMENTS_PARQUET).is_file():
        return []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    return [
        Path(entry.path)
        for entry in entries
        if not entry.name.startswith(".") and not entry.is_symlink() and entry.is_dir()
    ]
