"""A result folder read back: images, objects, counts and comparisons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ellimaps.batch.asked import Asked, read_asked
from ellimaps.batch.assemble import EXPERIMENTS_PARQUET, FAILURES, PLANE
from ellimaps.batch.marks import IMAGES
from ellimaps.batch.montages import MONTAGE
from ellimaps.batch.tree import LEVELS, Pattern
from ellimaps.core.errors import ReadError
from ellimaps.core.reach import refuse_outside
from ellimaps.core.spreadsheets import cell_text

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
    """

    folder: Path
    images: pd.DataFrame
    objects: pd.DataFrame
    failures: pd.DataFrame
    asked: Asked | None = None

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
        """Return where the overlay of one row of `images` lies, if it is there."""
        return self._below(str(image["Overlay"]))

    def montage(self, image: pd.Series) -> Path | None:
        """Return where the montage of an image's experiment lies, if it is there."""
        overlay = str(image["Overlay"])
        return self._below(str(Path(overlay).parent / MONTAGE)) if overlay else None

    def files(self, image: pd.Series, ending: str) -> list[Path]:
        """Return the files of a map folder's result that end so, such as ``_fit.png``."""
        key = str(image["Overlay"]).removeprefix("qc/").removesuffix("_overlay.png")
        folder = self._below(f"maps/{key}", is_folder=True) if key else None
        return sorted(folder.glob(f"*{ending}")) if folder else []

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
    refuse_outside(folder / EXPERIMENTS_PARQUET)
    try:
        objects = pd.read_parquet(folder / EXPERIMENTS_PARQUET)
        images, failures = _texts(_read(folder / IMAGES)), _read(folder / FAILURES)
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
    return Results(folder, images, objects, failures, read_asked(folder))


def _read(table: Path) -> pd.DataFrame:
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
