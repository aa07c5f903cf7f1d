"""Profiles opened from whatever holds them: our own folders, CellProfiler's tables, tables of profiles.

Tables of profiles are what pycytominer writes (CSV, CSV.gz, Parquet; a row per well, or per field with
``Metadata_Site``) and what CytoTable does (a row per cell). CellProfiler's tables are read by pandas and
sqlite3: CytoTable would bring 45 packages, among them those of three clouds, starts a cluster of processes,
and fetches a part of DuckDB from the network while it converts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.inputs import InputFile
from ellimaps.core.names import readable
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import sha256, software_facts
from ellimaps.core.sums import WrittenSet
from ellimaps.core.swap import current
from ellimaps.plates.exchange.cellprofiler import (
    is_no_measure,
    is_run,
    medians,
    read_csv_run,
    read_sqlite_run,
)
from ellimaps.plates.exchange.cytomining import COMPARTMENTS
from ellimaps.plates.exchange.places import Placed, is_metadata, naming, numbered_sites, placed, places_of
from ellimaps.plates.exchange.tables import RowNames, csv_table, kind_of, numbers, parquet_table
from ellimaps.plates.measuring.plate import METADATA, POSITIVE
from ellimaps.plates.measuring.profiles import FACTS, FORMAT, Profiles, read_profiles, wells_of
from ellimaps.plates.measuring.wells import plate_shape
from ellimaps.plates.statistics.assay_quality import channels_of
from ellimaps.plates.statistics.treatments import positive_wells

CELLPROFILER, TABLE = "CellProfiler", "table of profiles"
"""What ``plate.json`` says profiles are from."""
_KEPT = ("name", "source", "root", "settings", "layout_sha256", "inputs_sha256")
"""What ``plate.json`` of several plates holds of each."""
_CELL = re.compile(r"(?i).*object_?number")


def open_profiles(
    sources: str | Path | Sequence[str | Path],
    layout: str | Path | None = None,
    *,
    on_progress: Progress = no_progress,
) -> Profiles:
    """Open profiles of a plate, or of several as one table.

    Parameters
    ----------
    sources : path or sequence of path
        Folders of ``ellimaps plates profile``; of CellProfiler folders of CSV tables (``Image.csv``,
        ``Cells.csv``, ...) or SQLite databases; of pycytominer or CytoTable CSV, CSV.gz or Parquet.
    layout : path, optional
        What is in the wells of every plate that is not ours, where its own metadata do not say; see
        `ellimaps.plates.read_layout`.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If a source is none of these, lacks a column, or names a well wrongly or twice, with its line.
    SettingError
        If two sources have a plate of one name, or no feature in common.
    """
    paths = [Path(sources)] if isinstance(sources, str | Path) else list(map(Path, sources))
    if not paths:
        raise SettingError("Give the profiles to open: a folder or a file.")
    return join_profiles([_opened(path, layout, on_progress) for path in paths])


def join_profiles(parts: Sequence[Profiles]) -> Profiles:
    """Return several plates as one table, with the features that all have.

    Raises
    ------
    SettingError
        If two have a plate of one name, or no feature in common.
    """
    if len(parts) == 1:
        return parts[0]
    plates: set[str] = set()
    for part in parts:
        names = set(part.wells["plate"].astype(str))
        if plates & names:
            raise SettingError(
                f"Two sources have a plate {min(plates & names)}: rename its folder or Metadata_Plate."
            )
        plates |= names
    features = [name for name in parts[0].features if all(name in part.features for part in parts)]
    if not features:
        raise SettingError("The plates have no feature in common: measure them alike.")
    root = _common_root(parts)
    has_positive = any(POSITIVE in part.fields for part in parts)
    columns = [*METADATA, *([POSITIVE] if has_positive else []), *features]
    table = pd.concat([_below(part, root)[columns] for part in map(_with_positive, parts)], ignore_index=True)
    return Profiles(table, wells_of(table, features), tuple(features), _joined_facts(parts, features, root))


def is_source(path: Path) -> bool:
    """Return whether a path may be profiles of other software, by its name or, of a folder, what it holds."""
    if path.is_dir():
        return is_run(path)
    return path.name.casefold().endswith((".sqlite", ".db", ".csv.gz", ".parquet"))


def refuse_measured(out: Path) -> None:
    """Refuse a folder of profiles that were measured as the one for opened ones.

    Raises
    ------
    SettingError
        If it is.
    """
    if not current(out, FACTS).is_file():
        return
    facts = WrittenSet(out, FACTS).facts
    if "joined" not in facts and facts.get("source") not in (CELLPROFILER, TABLE):
        raise SettingError(
            f"{out.name} holds profiles that were measured: choose another folder for the results."
        )


def _opened(path: Path, layout: str | Path | None, on_progress: Progress) -> Profiles:
    if path.is_dir():
        if current(path, FACTS).is_file():
            return read_profiles(path)
        if not is_run(path):
            raise ReadError(
                f"{path} holds no profiles: give a folder of ellimaps plates profile, or CellProfiler's with "
                "Image.csv and its tables of objects."
            )
        found = read_csv_run(path, layout, on_progress)
        return _profiles(path, CELLPROFILER, sorted(path.glob("*.csv")), found, layout)
    kind = kind_of(InputFile(path))
    if kind == "sqlite":
        return _profiles(path, CELLPROFILER, [path], read_sqlite_run(path, layout, on_progress), layout)
    return _profiles(path, TABLE, [path], _read_table(InputFile(path), kind, layout), layout)


def _read_table(file: InputFile, kind: str, layout: str | Path | None) -> tuple[Placed, pd.DataFrame]:
    """Read a table with a row per well, field or cell."""
    is_parquet = kind == "parquet"
    table = parquet_table(file) if is_parquet else csv_table(file)
    rows = RowNames(file.name, "row", 1) if is_parquet else RowNames(file.name)
    about = table[[name for name in table if is_metadata(str(name))]]
    if table.empty or about.empty:
        what = "no rows" if table.empty else "no column Metadata_Well"
        raise ReadError(
            f"{file.name} has {what}: give a table of profiles, or the folder of CellProfiler's tables."
        )
    others = [str(name) for name in table if not is_no_measure(str(name))]
    # Where some are named as CellProfiler does, the rest is what somebody wrote beside them.
    named = [name for name in others if name.startswith(tuple(f"{part}_" for part in COMPARTMENTS))]
    if not (named or others):
        raise ReadError(f"{file.name} has no features beside its metadata: export it again.")
    values = numbers(table, named or others, rows)
    # Profiles of wells may keep a feature called so; cells share their place.
    if any(_CELL.fullmatch(str(name)) for name in table) and places_of(about).duplicated().any():
        about, values = _of_fields(about, values, rows)
    found = placed(about, file.path, rows, layout)
    return found, values.iloc[found.rows].reset_index(drop=True)


def _of_fields(
    about: pd.DataFrame, values: pd.DataFrame, rows: RowNames
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the metadata of fields and the medians over their cells."""
    image = places_of(about).groupby(list(places_of(about)), sort=False).ngroup()
    found = medians([values.assign(image=image).sort_values("image", kind="stable")], rows)
    count = f"{str(values.columns[0]).split('_')[0]}_Number_Count"
    return numbered_sites(about[~image.duplicated()]), found.rename(columns={"n": count}).astype(float)


def _profiles(
    path: Path,
    kind: str,
    files: Sequence[Path],
    read: tuple[Placed, pd.DataFrame],
    layout: str | Path | None,
) -> Profiles:
    found, features = read
    known = features.notna()
    if not known.any(axis=None):
        raise ReadError(f"{path.name} holds no value of any feature: export it again.")
    empty = [str(name) for name in features.columns[~known.any()]]
    bare = found.metadata.loc[~known.any(axis=1), "well"].unique().tolist()
    notes = [
        *found.notes,
        *naming(empty, "features have no value in any field and are left out"),
        *naming(bare, "wells have a field without any value"),
    ]
    features = features.drop(columns=empty)
    fields = pd.concat([found.metadata, features], axis=1)
    names = tuple(map(str, features))
    facts: dict[str, Any] = {
        "software": software_facts(),
        "format": FORMAT,
        "name": readable(path.name).split(".")[0],
        "source": kind,
        "channels": channels_of(names),
        "shape": list(plate_shape(list(zip(fields["row"], fields["column"], strict=True)))),
        "mismatches": notes,
        "inputs_sha256": {readable(file.name): sha256(file) for file in files},
        **({"layout_sha256": sha256(Path(layout))} if layout else {}),
    }
    return Profiles(fields, wells_of(fields, names), names, facts)


def _with_positive(profiles: Profiles) -> Profiles:
    return replace(profiles, fields=profiles.fields.assign(**{POSITIVE: positive_wells(profiles.fields)}))


def _common_root(parts: Sequence[Profiles]) -> str | None:
    """Return the folder that the pictures of all plates lie below, if they have the same channels."""
    roots = [part.facts.get("root") for part in parts]
    if not all(roots) or len({tuple(part.facts.get("channels", ())) for part in parts}) > 1:
        return None
    try:
        return os.path.commonpath([str(root) for root in roots])
    except ValueError:
        # Two drives of Windows.
        return None


def _below(profiles: Profiles, root: str | None) -> pd.DataFrame:
    """Return the fields of a plate with their files below a folder above its own; none without one."""
    if root is None:
        return profiles.fields.assign(files="")
    way = Path(str(profiles.facts["root"])).relative_to(root).as_posix()
    if way == ".":
        return profiles.fields
    files = [";".join(f"{way}/{name}" for name in names.split(";")) for names in profiles.fields["files"]]
    return profiles.fields.assign(files=files)


def _joined_facts(parts: Sequence[Profiles], features: Sequence[str], root: str | None) -> dict[str, Any]:
    names = [str(part.facts.get("name")) for part in parts]
    shapes = [part.facts.get("shape", (0, 0)) for part in parts]
    left_out = list(dict.fromkeys(name for part in parts for name in part.features if name not in features))
    notes = [
        f"{name}: {note}"
        for name, part in zip(names, parts, strict=True)
        for note in part.facts.get("mismatches", ())
    ]
    channels = [part.facts.get("channels") for part in parts]
    return {
        "software": software_facts(),
        "format": FORMAT,
        "name": ", ".join(names),
        **({"root": root} if root else {}),
        **({"channels": channels[0]} if all(one == channels[0] for one in channels) else {}),
        "shape": [max(shape[axis] for shape in shapes) for axis in range(2)],
        "mismatches": [*notes, *naming(left_out, "features are not in all plates and are left out")],
        "joined": [{key: part.facts.get(key) for key in _KEPT} for part in parts],
    }
