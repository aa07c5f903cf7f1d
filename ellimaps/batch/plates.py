"""A plate on the batch runner: every field is a task, what is done is skipped, the rest becomes profiles."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from ellimaps.batch.assemble import ROWS_PER_GROUP
from ellimaps.batch.engines import Engine
from ellimaps.batch.runner import Run
from ellimaps.batch.store import Record, Store, told
from ellimaps.batch.time_limit import TIME_LIMIT_S, time_limit
from ellimaps.batch.tree import Item
from ellimaps.batch.work import CELLS, Output, recipe_hash
from ellimaps.core.errors import ReadError
from ellimaps.core.files import csv_bytes, write_listing
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.sums import WrittenSet
from ellimaps.core.swap import current, swapped
from ellimaps.plates.measuring.field import FieldSettings, inputs_hash, measure_field
from ellimaps.plates.measuring.pictures import field_inputs
from ellimaps.plates.measuring.plate import Field, Plate, check_output
from ellimaps.plates.measuring.profile_sources import PLAIN
from ellimaps.plates.measuring.profiles import (
    CELL_METADATA,
    CELLS as CELL_TABLE,
    FACTS,
    Profiles,
    assemble,
    facts_of,
    parquet_bytes,
    provenance,
    table_files,
)

FAILURES = "failures.csv"
_FAILURE_COLUMNS = ("plate", "well", "field", "files", "reason")


@dataclass(frozen=True)
class PlateWork:
    """Measure one field of a plate; it is given as a JSON list of files by channel.

    Attributes
    ----------
    root : str
        Folder of the plate's pictures.
    channels : tuple of str
        What the files call the channels.
    settings : FieldSettings
        The choices.
    time_limit_s : float
        How long a field may take.
    """

    root: str
    channels: tuple[str, ...]
    settings: FieldSettings
    time_limit_s: float = TIME_LIMIT_S
    lead: ClassVar[tuple[str, ...]] = ()

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""
        return {"plates": self.settings.facts(), "channels": list(self.channels)}

    def __call__(self, path: str) -> Output:
        """Return a field's features as facts, and its cells as Parquet."""
        result = measure_field(Path(self.root), json.loads(path), self.channels, self.settings)
        return Output({CELLS: parquet_bytes(result.cells)}, dict(result.features), result.inputs, {})


@dataclass(frozen=True)
class FieldItem(Item):
    """A field as something to be worked on; ``path`` is the plate's folder."""

    files: tuple[tuple[str, ...], ...] = ()

    @property
    def argument(self) -> str:
        """What a worker is given."""
        return json.dumps(self.files)

    def content(self) -> tuple[str, dict[str, str]]:
        """Return a hash of its files, and the SHA-256 of each by name."""
        try:
            inputs = field_inputs(self.path, self.files)
        except ReadError as error:
            raise OSError(0, str(error).rstrip(".")) from error
        return inputs_hash(inputs), inputs


@dataclass(frozen=True)
class PlateSummary:
    """What a run did.

    Attributes
    ----------
    fields : int
        Fields found.
    done, skipped, failed : int
        Of these: measured now, already measured, and those listed in ``failures.csv``.
    seconds : float
        Time taken.
    files : tuple of Path
        What was written.
    """

    fields: int
    done: int
    skipped: int
    failed: int
    seconds: float
    files: tuple[Path, ...]


def run_plate(
    plate: Plate,
    settings: FieldSettings,
    out: Path,
    engine: Engine,
    on_progress: Progress = no_progress,
    time_limit_s: float = TIME_LIMIT_S,
) -> tuple[Profiles, PlateSummary]:
    """Measure the fields that are not measured yet, and write the profiles of all.

    Parameters
    ----------
    plate : Plate
        Of `ellimaps.plates.measuring.plate.read_plate`.
    settings : FieldSettings
        The choices.
    out : Path
        Folder for the results; see `ellimaps.plates.measuring.profiles`.
    engine : callable
        Where to do it: `ellimaps.batch.engines.local_processes` or `dask_cluster`.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.
    time_limit_s : float
        How long a field may take, in seconds.

    Raises
    ------
    ReadError
        If no field can be measured.
    SettingError
        If the results would lie among the pictures.
    ExportError
        If the folder is in use or cannot be written.
    """
    start = time.monotonic()
    check_output(plate, out)
    work = PlateWork(str(plate.root.resolve()), plate.channels, settings, time_limit(time_limit_s))
    fields = list(plate.fields())
    with Store(out).opened() as store:
        items = [FieldItem(field.key, Path(work.root), {}, field.files) for field in fields]
        run = Run(store, items, recipe_hash(work), len(fields), on_progress)
        run.work(work, engine)
        on_progress(len(fields), len(fields), "tables")
        profiles, files = _write(store, plate, fields, settings)
    seconds = time.monotonic() - start
    summary = PlateSummary(len(fields), run.done, run.skipped, run.failed, seconds, files)
    return profiles, summary


def replaced(out: Path, root: Path, settings: FieldSettings, source: str = PLAIN) -> str:
    """Return what measuring would replace in a folder, as the beginning of a sentence; empty if nothing.

    Plain measurements of the same images with the same settings are continued: fields that are done are
    skipped.

    Parameters
    ----------
    out : Path
        Folder for the results.
    root : Path
        Folder of the images.
    settings : FieldSettings
        The choices.
    source : str
        One of `ellimaps.plates.measuring.profile_sources.SOURCES`.
    """
    if not current(out, FACTS).is_file():
        return ""
    try:
        facts = WrittenSet(out, FACTS).facts
    except (OSError, ReadError):
        return f"{out.name} holds profiles that cannot be read"
    before = Path(str(facts.get("root", "")))
    if before != root.resolve():
        return f"{out.name} holds the profiles of other images, those of {before.name}"
    if facts.get("source", PLAIN) != source:
        return f"{out.name} holds profiles of other features ({facts.get('source', PLAIN)})"
    if source != PLAIN:
        return f"{out.name} holds profiles of these features already"
    known = facts.get("settings")
    asked = json.loads(json.dumps(settings.facts()))
    other = [name for name, value in asked.items() if not isinstance(known, dict) or known.get(name) != value]
    return f"{out.name} holds profiles with other settings ({', '.join(other)})" if other else ""


def _write(
    store: Store, plate: Plate, fields: list[Field], settings: FieldSettings
) -> tuple[Profiles, tuple[Path, ...]]:
    records = [(field, _known(store, field)) for field in fields]
    good = [record.reason == "" for _, record in records]
    metadata = plate.metadata()
    if not any(good):
        raise ReadError(
            f"No field of {plate.name} can be measured, the first because: {records[0][1].reason}"
        )
    failures = metadata[[not one for one in good]].assign(
        reason=[record.reason for _, record in records if record.reason]
    )
    inputs = {field.key: record.input for field, record in records if not record.reason}
    profiles = assemble(
        metadata[good].reset_index(drop=True),
        [record.facts for _, record in records if not record.reason],
        provenance(plate, settings, inputs),
    )
    tables = table_files(profiles)
    with told(store.out), swapped(store.out, FACTS) as folder:
        for name, content in {**tables, FAILURES: csv_bytes(failures[list(_FAILURE_COLUMNS)])}.items():
            (folder / name).write_bytes(content)
        _write_cells(store, plate, [field for field, ok in zip(fields, good, strict=True) if ok], folder)
        write_listing(folder, [*tables, CELL_TABLE, FAILURES], FACTS, facts_of(profiles))
    return profiles, tuple(store.out / name for name in (*tables, FACTS, CELL_TABLE, FAILURES))


def _known(store: Store, field: Field) -> Record:
    return store.record(field.key) or Record("", "", reason="It was not measured: run again.")


def _write_cells(store: Store, plate: Plate, fields: list[Field], folder: Path) -> None:
    """Write the cells group by group, so that memory stays that of one group."""
    import pyarrow as pa
    from pyarrow import parquet

    writer, waiting = None, list[pd.DataFrame]()
    for field, table in _cells(store, fields):
        table = table.assign(plate=plate.name, well=field.well, field=field.number)
        table = table[[*CELL_METADATA, *(name for name in table if name not in CELL_METADATA)]]
        if writer is None:
            schema = pa.Schema.from_pandas(table, preserve_index=False).remove_metadata()
            writer = parquet.ParquetWriter(folder / CELL_TABLE, schema, compression="zstd")
        waiting.append(table)
        if sum(map(len, waiting)) >= ROWS_PER_GROUP:
            writer.write_table(pa.Table.from_pandas(pd.concat(waiting), schema, preserve_index=False))
            waiting.clear()
    assert writer is not None
    if waiting:
        writer.write_table(pa.Table.from_pandas(pd.concat(waiting), schema, preserve_index=False))
    writer.close()


def _cells(store: Store, fields: list[Field]) -> Iterator[tuple[Field, pd.DataFrame]]:
    for field in fields:
        [name] = _known(store, field).files
        yield field, pd.read_parquet(io.BytesIO((store.out / name).read_bytes()))
