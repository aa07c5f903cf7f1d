"""One table of many: written image by image in the order of the tree, so memory stays that of a few."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from ellimaps.batch.conditions import COLUMNS, ConditionColumns
from ellimaps.batch.lock import STATE
from ellimaps.batch.marks import IMAGES
from ellimaps.batch.store import Record, Store
from ellimaps.batch.tree import LEVELS, Item, Tree
from ellimaps.core.files import json_bytes
from ellimaps.core.names import readable
from ellimaps.core.spreadsheets import spreadsheet_cell

EXPERIMENTS, EXPERIMENTS_PARQUET = "experiments.csv", "experiments.parquet"
FAILURES = "failures.csv"
TABLES = (EXPERIMENTS, EXPERIMENTS_PARQUET, IMAGES, FAILURES)
SHOWN = f"{STATE}/tables.json"
"""Of which input and recipe every image in the tables is: its pictures may be those of another by now."""
WHOLE_NUMBERS = ("Circle", "Nucleus", "Object", "Cluster", "Pixels", "Scene", "T", "Z")
_OWN_COLUMNS = ("objects", "flags", "warnings", "suffix")
PLANE = ("Scene", "T", "Z")
# A row has some 60 numbers: a group is 16 MB, whatever the number of images.
ROWS_PER_GROUP = 1 << 15

Kinds = dict[str, str]


class TableCounts(NamedTuple):
    """Rows of the tables: objects, images, and of these the ones that a reader warned of."""

    objects: int
    images: int
    warned: int


def write_tables(
    store: Store,
    tree: Tree,
    recipe: str,
    lead: Sequence[str],
    folder: Path,
    conditions: ConditionColumns | None = None,
) -> TableCounts:
    """Write the tables of all images of a tree that have a record of this recipe.

    Parameters
    ----------
    store : Store
        Where the results lie.
    tree : Tree
        The images, in the order of the rows.
    recipe : str
        Hash of the choices.
    lead : sequence of str
        The columns that come after date, subject, experiment and FOV.
    folder : Path
        Where they are staged.
    conditions : ConditionColumns, optional
        Says the columns of `ellimaps.batch.conditions` for a record.

    Returns
    -------
    TableCounts
        How many rows the tables have.
    """
    columns, facts = _columns(store, tree, recipe, lead)
    measured = COLUMNS if conditions else {}
    columns |= measured
    inputs: dict[str, str] = {}
    with ExitStack() as files:
        objects = files.enter_context(_Csv(folder / EXPERIMENTS, list(columns)))
        parquet = files.enter_context(_Parquet(folder / EXPERIMENTS_PARQUET, columns))
        header = [
            *LEVELS,
            *tree.extra_names,
            "File",
            "Objects",
            *facts,
            *measured,
            "Flags",
            "Warnings",
            "Table",
            "Overlay",
            "Labels",
        ]
        images = files.enter_context(_Csv(folder / IMAGES, header))
        failures = files.enter_context(
            _Csv(folder / FAILURES, [*LEVELS, *tree.extra_names, "File", "Reason"])
        )
        count = n_images = warned = 0
        for item, record in _recorded(store, tree, recipe):
            about = dict(item.fields)
            file = readable(item.path.relative_to(tree.root).as_posix())
            if record.reason:
                failures.row(about | {"File": file, "Reason": record.reason})
                continue
            inputs[item.key] = record.input
            about |= conditions(record) if conditions else {}
            found = record.images or [record.facts]
            flags = {_plane(image): str(image.get("flags", "")) for image in found}
            for row in _rows(store, record):
                row["Flags"] = flags.get(_plane(row), next(iter(flags.values())))
                objects.row(about | row)
                parquet.row(about | row)
                count += 1
            for image in found:
                n_images += 1
                warned += bool(image.get("warnings"))
                images.row(about | {"File": file} | _image_row(record, image))
    (folder / STATE).mkdir(exist_ok=True)
    (folder / SHOWN).write_bytes(json_bytes({"recipe": recipe, "inputs": inputs}))
    return TableCounts(count, n_images, warned)


def _recorded(store: Store, tree: Tree, recipe: str) -> Iterator[tuple[Item, Record]]:
    for item in tree:
        record = store.record(item.key)
        if record is not None and record.recipe == recipe:
            yield item, record


def _columns(store: Store, tree: Tree, recipe: str, lead: Sequence[str]) -> tuple[Kinds, list[str]]:
    """Return the columns of all objects with their kinds, and the measures of images; both in order."""
    found: Kinds = {}
    facts: dict[str, None] = {}
    for _, record in _recorded(store, tree, recipe):
        for image in record.images or [record.facts]:
            facts |= dict.fromkeys(image)
        for name, kind in record.columns.items():
            found[name] = "text" if "text" in (kind, found.get(name)) else kind
    first: Kinds = dict.fromkeys(LEVELS, "text") | dict.fromkeys(lead, "number")
    extra = dict.fromkeys(tree.extra_names, "text")
    rest = {name: kind for name, kind in found.items() if name not in first}
    return first | extra | rest | {"Flags": "text"}, [name for name in facts if name not in _OWN_COLUMNS]


def _rows(store: Store, record: Record) -> Iterable[dict[str, str]]:
    [table] = [name for name in record.files if name.startswith("objects/")]
    with (store.out / table).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _plane(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(facts.get(name, "")) for name in PLANE)


def _image_row(record: Record, image: dict[str, Any]) -> dict[str, str]:
    facts = {name: _written(value) for name, value in image.items() if name not in _OWN_COLUMNS}
    suffix = str(image.get("suffix", ""))
    return facts | {
        "Objects": str(image.get("objects", 0)),
        "Flags": str(image.get("flags", "")),
        "Warnings": str(image.get("warnings", "")),
        "Table": _file(record, "objects/"),
        "Overlay": _file(record, "qc/", f"{suffix}_overlay.png"),
        "Labels": _file(record, "labels/", f"_s{image.get('Scene')}.tif") or _file(record, "labels/"),
    }


def _file(record: Record, folder: str, end: str = "") -> str:
    """Return the first of an image's files in a folder that ends as it should; empty if there is none."""
    found = (name for name in record.files if name.startswith(folder) and name.endswith(end))
    return next(found, "")


def _written(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _is_whole(name: str, kind: str) -> bool:
    """Whether a column holds whole numbers; a projection's name stands in place of a plane's number."""
    return name in WHOLE_NUMBERS and kind == "number"


class _Csv:
    """A CSV file that is written row by row, for spreadsheets."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.DictWriter(
            self._file, columns, restval="", extrasaction="ignore", lineterminator="\n"
        )
        self.row(dict(zip(columns, columns, strict=True)))

    def row(self, values: dict[str, str]) -> None:
        self._writer.writerow({name: spreadsheet_cell(value) for name, value in values.items()})

    def __enter__(self) -> _Csv:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class _Parquet:
    """A Parquet file that is written group by group."""

    def __init__(self, path: Path, columns: Kinds) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        types = {"text": pa.string(), "number": pa.float64()}
        fields = [
            (name, pa.int64() if _is_whole(name, kind) else types[kind]) for name, kind in columns.items()
        ]
        self._read: dict[str, Any] = {
            name: int if _is_whole(name, kind) else float if kind == "number" else str
            for name, kind in columns.items()
        }
        self._schema = pa.schema(fields)
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._group: dict[str, list[Any]] = {name: [] for name in columns}
        self._waiting = 0

    def row(self, values: dict[str, str]) -> None:
        for name, read in self._read.items():
            text = values.get(name, "")
            self._group[name].append(read(text) if text or read is str else None)
        self._waiting += 1
        if self._waiting == ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.table(self._group, schema=self._schema))
        self._group = {name: [] for name in self._group}
        self._waiting = 0

    def __enter__(self) -> _Parquet:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()
