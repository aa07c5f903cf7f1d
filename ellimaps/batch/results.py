"""A result folder read back: images, objects, counts and comparisons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from ellimaps.batch.asked import Asked, read_asked
from ellimaps.batch.assemble import EXPERIMENTS_PARQUET, FAILURES, PLANE, SHOWN
from ellimaps.batch.marks import IMAGES, PROVENANCE
from ellimaps.batch.montages import MONTAGE
from ellimaps.batch.store import read_record
from ellimaps.batch.tree import LEVELS, Pattern
from ellimaps.core.errors import ReadError
from ellimaps.core.spreadsheets import cell_text
from ellimaps.core.sums import WrittenSet, json_object, read_set
from ellimaps.core.swap import current

MEASURES = ("R", "Mean Intensity")


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
        One row per object of all images, or per cluster of all maps.
    failures : DataFrame
        One row per image without a result, with its ``Reason``.
    asked : Asked, optional
        What the last run was asked.
    shown : dict of str to (str, str)
        Of which input and recipe an image in the tables is; empty in results of earlier versions.
    """

    folder: Path
    images: pd.DataFrame
    objects: pd.DataFrame
    failures: pd.DataFrame
    asked: Asked | None = None
    shown: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def has_circles(self) -> bool:
        """Whether the objects are those of images, not clusters of maps."""
        return all(measure in self.objects for measure in MEASURES)

    @property
    def levels(self) -> list[str]:
        """What the paths of the images say, from the root of the tree to its leaves."""
        named = list(self.images.columns[: self.images.columns.get_loc("File")])
        known = [name for name in named if (self.images[name] != "").any()] or ["FOV"]
        order = Pattern(self.asked.pattern).names if self.asked and self.asked.pattern else ()
        return sorted(known, key=lambda name: order.index(name) if name in order else -1)

    def groups(self, table: pd.DataFrame, level: str) -> pd.Series:
        """Return the node of the tree at a level for every row of a table: the part of its path that differs.

        Parameters
        ----------
        table : DataFrame
            Of images, objects or failures.
        level : str
            One of `levels`: eight experiments below two subjects are eight nodes.
        """
        levels = self.levels
        path = levels[: levels.index(level) + 1]
        differing = [name for name in path[:-1] if self.images[name].nunique() > 1]
        if table.empty:
            return pd.Series([], table.index, dtype=str, name=level)
        # Of a million objects the names of their few nodes are joined, not their own.
        parts = table[[*differing, level]]
        numbers = parts.groupby([*parts], sort=False).ngroup()
        nodes = parts.drop_duplicates().replace("", "(none)").agg(" / ".join, axis="columns")
        return pd.Series(nodes.to_numpy(object)[numbers], table.index, dtype=str, name=level)

    def only(self, images: pd.DataFrame) -> Results:
        """Return the results of some rows of `images`."""
        levels = self.levels
        chosen = pd.MultiIndex.from_frame(images[levels])
        kept = pd.MultiIndex.from_frame(self.objects[levels]).isin(chosen)
        return replace(self, images=images, objects=self.objects[kept])

    def counts(self, level: str) -> pd.DataFrame:
        """Return of each node at a level its images, objects and flagged images, in the order of the tree.

        ``Objects per image`` comes with its standard error (NaN of a single image).
        """
        table = self.images.assign(flagged=self.images["Flags"] != "", label=self.groups(self.images, level))
        groups = table.groupby("label", sort=False)
        counts = groups.agg(
            Images=("Objects", "size"),
            Objects=("Objects", "sum"),
            Flagged=("flagged", "sum"),
            per_image=("Objects", "mean"),
            error=("Objects", "sem"),
        )
        names = {"per_image": "Objects per image", "error": "Standard error"}
        return counts.rename(columns=names).rename_axis(level).reset_index()

    def comparison(self, level: str, measure: str) -> pd.DataFrame:
        """Return number, median and quartiles of a measure of the objects of each node at a level."""
        groups = self.objects.groupby(self.groups(self.objects, level), sort=False)[measure]
        quartiles = {"Lower quartile": 0.25, "Median": 0.5, "Upper quartile": 0.75}
        columns = {name: groups.quantile(share) for name, share in quartiles.items()}
        return pd.DataFrame({"Objects": groups.size(), **columns}).rename_axis(level).reset_index()

    def objects_of(self, image: pd.Series) -> pd.DataFrame:
        """Return the objects of one row of `images`."""
        same = pd.Series(True, index=self.objects.index)
        for level in (*self.levels, *(name for name in PLANE if name in self.objects and name in image)):
            same &= self.objects[level] == image[level]
        return self.objects[same]

    def picture(self, image: pd.Series) -> Path | None:
        """Return where the overlay of one row of `images` lies, if it is there and still that of the row."""
        return self._below(str(image["Overlay"])) if self._is_shown(image) else None

    def montage(self, image: pd.Series) -> Path | None:
        """Return where the montage of an image's experiment lies, if it is there."""
        overlay = str(image["Overlay"])
        return self._below(str(Path(overlay).parent / MONTAGE)) if overlay else None

    def label_image(self, image: pd.Series) -> Path | None:
        """Return where the label image of one row of `images` lies, if it is there and still of that row."""
        name = str(image.get("Labels", ""))
        return self._below(name) if name and self._is_shown(image) else None

    def files(self, image: pd.Series, ending: str) -> list[Path]:
        """Return the files of a map folder's result that end so, such as ``_fit.png``."""
        key = _key(image)
        folder = self._below(f"maps/{key}", is_folder=True) if key and self._is_shown(image) else None
        return sorted(folder.glob(f"*{ending}")) if folder else []

    def _is_shown(self, image: pd.Series) -> bool:
        """Whether an image's files are those of its row; a run may be replacing them, or have been ended."""
        shown = self.shown.get(_key(image))
        if shown is None:
            return True
        record = read_record(self.folder, _key(image))
        return record is not None and (record.input, record.recipe) == shown

    def _below(self, name: str, *, is_folder: bool = False) -> Path | None:
        """Return a file of the folder; a table that names one elsewhere is not believed."""
        path = (self.folder / name).resolve()
        there = path.is_dir() if is_folder else path.is_file()
        return path if there and self.folder.resolve() in path.parents else None


def read_results(folder: Path) -> Results:
    """Read what a batch wrote into a folder.

    Raises
    ------
    ReadError
        If it is no such folder, or damaged.
    """
    try:
        return read_set(folder, PROVENANCE, _read, "run the batch again")
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


def _read(files: WrittenSet) -> Results:
    with files.open(EXPERIMENTS_PARQUET) as file:
        objects = pd.read_parquet(file)
    with files.open(IMAGES) as file:
        images = _texts(_texts_of(file))
    with files.open(FAILURES) as file:
        failures = _texts_of(file)
    images["Objects"] = images["Objects"].astype(int)
    missing = {*LEVELS, "Flags"} - set(objects) | {*LEVELS, "Flags", "Table", "Overlay"} - set(images)
    if missing:
        raise ReadError(
            f"The tables in {files.folder} lack {', '.join(sorted(missing))}: run the batch again."
        )
    return Results(files.folder, images, objects, failures, read_asked(files.folder), _shown(files.folder))


def _shown(folder: Path) -> dict[str, tuple[str, str]]:
    try:
        facts = json_object(current(folder, SHOWN).read_bytes(), SHOWN)
        return {key: (digest, facts["recipe"]) for key, digest in facts["inputs"].items()}
    except (OSError, ReadError, KeyError, AttributeError):
        return {}


def _key(image: pd.Series) -> str:
    """Return what the results of an image are called."""
    return str(image["Table"]).removeprefix("objects/").removesuffix(".csv")


def _texts_of(table: BinaryIO) -> pd.DataFrame:
    """Return a table of texts that was written for spreadsheets."""
    return pd.read_csv(table, dtype=str, keep_default_na=False).map(cell_text).rename(columns=cell_text)


_TEXT = (*LEVELS, "File", "Flags", "Warnings", "Table", "Overlay", "Labels")


def _texts(images: pd.DataFrame) -> pd.DataFrame:
    """Make numbers of every measure; what paths say is text, also a well called 01."""
    numbers = [column for column in images.columns[images.columns.get_loc("File") :] if column not in _TEXT]
    converted: dict[str, pd.Series] = {
        str(column): values
        for column in numbers
        if (values := pd.to_numeric(images[column], errors="coerce")).notna().any()
    }
    return images.assign(**converted)
