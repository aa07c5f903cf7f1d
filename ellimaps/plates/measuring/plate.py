"""A plate: its pictures field by field, joined with what is in every well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.provenance import sha256
from ellimaps.plates.measuring.file_names import read_plate_files
from ellimaps.plates.measuring.layout import read_layout
from ellimaps.plates.measuring.wells import plate_shape, well_position

METADATA = (
    "plate",
    "well",
    "row",
    "column",
    "field",
    "compound",
    "concentration",
    "concentration_unit",
    "control",
    "files",
)
"""The columns every table of profiles begins with; see `ellimaps.plates.measuring.profiles`."""
POSITIVE = "positive"
"""Follows them where a layout names positive controls: bool."""


@dataclass(frozen=True)
class Field:
    """One field of view: for each channel, in order, its files; several are focal planes.

    Attributes
    ----------
    well : str
        As A01.
    number : int
        As the file names have it.
    files : tuple of tuple of str
        By channel, paths below the root.
    """

    well: str
    number: int
    files: tuple[tuple[str, ...], ...]

    @property
    def key(self) -> str:
        """Name of the field among those of its plate."""
        return f"{self.well}_f{self.number:04d}"


@dataclass(frozen=True, eq=False)
class Plate:
    """Pictures and layout of a plate.

    Attributes
    ----------
    name : str
        Name of its folder, or the one given.
    root : Path
        Folder that the pictures lie below.
    files : DataFrame
        One row per picture; see `ellimaps.plates.measuring.file_names.PlateFiles`. Only wells of the layout.
    layout : DataFrame
        One row per well; see `ellimaps.plates.measuring.layout.read_layout`. Only wells with pictures.
    channels : tuple of str
        Names, in order; ``("merged",)`` where pictures hold all channels in one.
    shape : (int, int)
        Rows and columns of the plate.
    mismatches : tuple of str
        Sentences on what does not fit together: wells without pictures, pictures without a row in the
        layout, names that were skipped.
    layout_sha256 : str
        Of the layout's file.
    """

    name: str
    root: Path
    files: pd.DataFrame
    layout: pd.DataFrame
    channels: tuple[str, ...]
    shape: tuple[int, int]
    mismatches: tuple[str, ...]
    layout_sha256: str = ""

    def fields(self) -> Iterator[Field]:
        """Yield the fields in the order of the plate."""
        for _, rows in self.files.groupby(["row", "column", "field"], sort=True):
            by_channel = {
                str(name): tuple(group["file"]) for name, group in rows.groupby("channel", sort=False)
            }
            files = tuple(by_channel.get(name, ()) for name in self.channels)
            yield Field(str(rows["well"].iloc[0]), int(rows["field"].iloc[0]), files)

    def metadata(self) -> pd.DataFrame:
        """Return :data:`METADATA` of every field, in the order of `fields`; ``files`` are joined by ``;``.

        :data:`POSITIVE` follows if any well is a positive control.
        """
        rows = []
        for field in self.fields():
            files = ";".join(name for names in field.files for name in names)
            rows.append((self.name, field.well, *well_position(field.well), field.number, files))
        places = pd.DataFrame(rows, columns=["plate", "well", "row", "column", "field", "files"])
        return with_layout(places, self.layout)


def read_plate(
    root: str | Path, layout: str | Path, pattern: str | None = None, *, name: str | None = None
) -> Plate:
    """List a plate's pictures and join them with its layout.

    Parameters
    ----------
    root : str or Path
        Folder of the pictures.
    layout : str or Path
        CSV or XLSX; see `ellimaps.plates.measuring.layout.read_layout`.
    pattern : str, optional
        How file names are read; see `ellimaps.plates.measuring.file_names.read_plate_files`.
    name : str, optional
        Name of the plate; by default that of the folder.

    Raises
    ------
    ReadError
        If either cannot be read, or they have no well in common.
    SettingError
        If the pattern is none.
    """
    found = read_plate_files(root, pattern)
    table = read_layout(layout)
    pictured, listed = set(found.table["well"]), set(table["well"])
    both = pictured & listed
    if not both:
        raise ReadError(
            f"{Path(layout).name} and {Path(root)} have no well in common: check that they are of one plate."
        )
    positions = [well_position(well) for well in pictured | listed]
    files = found.table[found.table["well"].isin(both)]
    first = files["time"].min()
    shown = files[files["time"] == first].reset_index(drop=True)
    notes = [
        _note(sorted(pictured - listed, key=well_position), "wells", "have images but no row in the layout"),
        _note(sorted(listed - pictured, key=well_position), "wells", "are in the layout but have no images"),
        _note(found.skipped, "images", "have other names and are left out"),
        f"{files['time'].nunique()} time points: only the first is used." if len(shown) < len(files) else "",
    ]
    return Plate(
        name=name or Path(root).resolve().name,
        root=Path(root),
        files=shown,
        layout=table[table["well"].isin(both)].reset_index(drop=True),
        channels=tuple(dict.fromkeys(shown["channel"])),
        shape=plate_shape(positions),
        mismatches=tuple(note for note in notes if note),
        layout_sha256=sha256(Path(layout)),
    )


def with_layout(places: pd.DataFrame, layout: pd.DataFrame) -> pd.DataFrame:
    """Return :data:`METADATA` of fields, and :data:`POSITIVE` if any well is a positive control.

    Parameters
    ----------
    places : DataFrame
        ``plate, well, row, column, field, files``; every well is in the layout.
    layout : DataFrame
        See `ellimaps.plates.measuring.layout.read_layout`.
    """
    names = [*METADATA, POSITIVE] if layout[POSITIVE].any() else [*METADATA]
    return places.merge(layout, on="well", how="left")[names].astype(
        {"concentration": float, "control": bool}
    )


def check_output(plate: Plate, out: Path) -> None:
    """Refuse the folder of the pictures as the one for results.

    Raises
    ------
    SettingError
        If it is.
    """
    if out.resolve() == plate.root.resolve():
        raise SettingError(f"{out} holds the images: choose another folder for the results.")


def _note(names: Sequence[str], noun: str, what: str) -> str:
    if not names:
        return ""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{len(names)} {noun} {what}: {', '.join(names[:6])}{more}."
