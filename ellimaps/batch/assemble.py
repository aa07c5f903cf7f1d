"""One table of many: written image by image in the order of the tree, so memory stays that of a few."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ellimaps.batch.conditions import COLUMNS, ConditionColumns
from ellimaps.batch.store import Record, Store, told
from ellimaps.batch.tree import LEVELS, Item, Tree
from ellimaps.batch.work import OVERLAY, TABLE

EXPERIMENTS, EXPERIMENTS_PARQUET = "experiments.csv", "experiments.parquet"
IMAGES, FAILURES = "images.csv", "failures.csv"
WHOLE_NUMBERS = ("Circle", "Cluster", "Pixels")
_OWN_COLUMNS = ("objects", "flags")
# A row has some 60 numbers: a group is 16 MB, whatever the number of images.
ROWS_PER_GROUP = 1 << 15

Kinds = dict[str, str]


def write_tables(
    store: Store, tree: Tree, recipe: str, lead: Sequence[str], conditions: ConditionColumns | None = None
) -> int:
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
    conditions : ConditionColumns, optional
        Says the columns of `ellimaps.batch.conditions` for a record.

    Returns
    -------
    int
        Number of objects.
    """
    columns, facts = _columns(store, tree, recipe, lead)
    measured = COLUMNS if conditions else {}
    columns |= measured
    names = [EXPERIMENTS, EXPERIMENTS_PARQUET, IMAGES, FAILURES]
    with told(store.out), ExitStack() as files:
        objects = files.enter_context(_Csv(store.scratch(EXPERIMENTS), list(columns)))
        parquet = files.enter_context(_Parquet(store.scratch(EXPERIMENTS_PARQUET), columns))
        header = [
            *LEVELS,
            *tree.extra_names,
            "File",
            "Objects",
            *facts,
            *measured,
            "Flags",
            "Table",
            "Overlay",
        ]
        images = files.enter_context(_Csv(store.scratch(IMAGES), header))
        failures = files.enter_context(
            _Csv(store.scratch(FAILURES), [*LEVELS, *tree.extra_names, "File", "Reason"])
        )
        count = 0
        for item, record in _recorded(store, tree, recipe):
            about = {name: _text(value) for name, value in item.fields.items()}
            file = _text(item.path.relative_to(tree.root).as_posix())
            if record.reason:
                failures.row(about | {"File": file, "Reason": record.reason})
                continue
            about |= conditions(record) if conditions else {}
            about["Flags"] = str(record.facts.get("flags", ""))
            for row in _rows(store, record):
                objects.row(about | row)
                parquet.row(about | row)
                count += 1
            images.row(about | {"File": file} | _image_row(record))
    for name in names:
        store.publish(store.scratch(name), name)
    return count


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
        facts |= dict.fromkeys(record.facts)
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


def _image_row(record: Record) -> dict[str, str]:
    folders = {TABLE: "objects/", OVERLAY: "qc/"}
    where = {
        role: next((name for name in record.files if name.startswith(start)), "")
        for role, start in folders.items()
    }
    facts = {name: _written(value) for name, value in record.facts.items() if name not in _OWN_COLUMNS}
    return facts | {
        "Objects": str(record.facts.get("objects", 0)),
        "Table": _text(where[TABLE]),
        "Overlay": _text(where[OVERLAY]),
    }


def _written(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _text(value: str) -> str:
    """Return a file name as valid Unicode."""
    return value.encode("utf-8", "replace").decode()


class _Csv:
    """A CSV file that is written row by row."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.DictWriter(
            self._file, columns, restval="", extrasaction="ignore", lineterminator="\n"
        )
        self._writer.writeheader()

    def row(self, values: dict[str, str]) -> None:
        self._writer.writerow(values)

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
            (name, pa.int64() if name in WHOLE_NUMBERS else types[kind]) for name, kind in columns.items()
        ]
        self._read: dict[str, Any] = {
            name: int if name in WHOLE_NUMBERS else float if kind == "number" else str
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
