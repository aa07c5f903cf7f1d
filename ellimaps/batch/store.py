"""The output folder: results appear whole, and a record says which input and recipe they belong to.

The record of an image says so before its results are replaced, and names what comes and what goes; the record
of the new ones is written after them. So whatever a killed run leaves behind, results with a record of their
recipe are complete and belong together, and what belongs to none is removed by the next run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ellimaps.batch.lock import LOCK, STATE, take
from ellimaps.batch.work import CELLS, CROPS, LABELS, OVERLAY, REGIONS, TABLE, Output
from ellimaps.core.errors import AbortedError, ExportError
from ellimaps.core.sums import sum_of, sums_of


@dataclass(frozen=True)
class Record:
    """What is known of an image: where its results are, or why it has none.

    Attributes
    ----------
    input, recipe : str
        Hashes of its files and of the choices.
    reason : str
        Why it has no results; empty where it has.
    files : dict of str to int
        Size in bytes of every result, by its path below the output folder.
    sums : dict of str to str
        Their SHA-256; empty in records of earlier versions.
    columns : dict of str to str
        Columns of its table, each ``number`` or ``text``.
    facts : dict
        Measures of the image as a whole.
    images : list of dict
        Those of each image where a file holds several.
    """

    input: str
    recipe: str
    reason: str = ""
    files: dict[str, int] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    images: list[dict[str, Any]] = field(default_factory=list)


_REPLACED = "Its results are being replaced: run again."
_KINDS = {
    **dict.fromkeys(("input", "recipe", "reason"), str),
    **dict.fromkeys(("files", "sums", "columns", "facts"), dict),
    "images": list,
}


class Store:
    """Results of a batch in a folder.

    Parameters
    ----------
    out : Path
        The folder; `opened` makes and locks it.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.state = out / STATE
        self._scratch = self.state / "tmp"

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """Return a context in which no other run can use the folder.

        Raises
        ------
        ExportError
            If another run uses it, or it cannot be written: an `AbortedError`, as for all that fails inside.
        """
        try:
            with self._locked():
                yield self
        except ExportError as error:
            raise AbortedError(str(error)) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with told(self.out):
            self.state.mkdir(parents=True, exist_ok=True)
            lock = (self.state / LOCK).open("a+b", buffering=0)
        with lock:
            take(lock, self.out)
            with told(self.out):
                # What a killed run left half-written.
                shutil.rmtree(self._scratch, ignore_errors=True)
                self._scratch.mkdir(exist_ok=True)
            yield

    def record(self, key: str) -> Record | None:
        """Return what is known of an image, if anything that can be read."""
        return read_record(self.out, key)

    def is_done(self, key: str, input_hash: str, recipe: str) -> bool:
        """Whether the results of this input and recipe are there, every file as it was written."""
        record = self.record(key)
        if record is None or record.reason or (record.input, record.recipe) != (input_hash, recipe):
            return False
        return all(
            _is_whole(self.out / name, size, record.sums.get(name)) for name, size in record.files.items()
        )

    def keep(self, key: str, input_hash: str, recipe: str, output: Output) -> None:
        """Write an image's results, then its record.

        Parameters
        ----------
        key : str
            What its results are called.
        input_hash, recipe : str
            Hashes of its files and of the choices.
        output : Output
            The results.
        """
        files = {_path_of(key, role): content for role, content in output.files.items()}
        self._clear(key, files)
        for name, content in files.items():
            self.write(name, content)
        sizes = {name: len(content) for name, content in files.items()}
        about = output.columns, output.facts, list(output.images)
        record = Record(input_hash, recipe, "", sizes, sums_of(files), *about)
        self._put(key, record)

    def keep_failure(self, key: str, input_hash: str, recipe: str, reason: str) -> None:
        """Note why an image has no results; those of its former content are removed.

        Parameters
        ----------
        key : str
            What its results would be called.
        input_hash, recipe : str
            Hashes of its files and of the choices.
        reason : str
            One sentence.
        """
        self._clear(key, ())
        self._put(key, Record(input_hash, recipe, reason))

    def _clear(self, key: str, coming: Collection[str]) -> None:
        """Remove an image's results, but for those that are replaced; all are named until that is done."""
        record = self.record(key)
        present = record.files if record else {}
        self._put(key, Record("", "", _REPLACED, dict.fromkeys([*present, *coming], -1)))
        with told(self.out):
            for name in {*present} - {*coming}:
                if _is_below(name):
                    (self.out / name).unlink(missing_ok=True)

    def write(self, name: str, content: bytes) -> None:
        """Write a file below the output folder, whole or not at all."""
        with told(self.out):
            path = self.scratch("next")
            path.write_bytes(content)
        self.publish(path, name)

    def scratch(self, name: str) -> Path:
        """Return where a file is written before it is published."""
        return self._scratch / name

    def publish(self, path: Path, name: str) -> None:
        """Put a finished file in its place."""
        with told(self.out):
            target = self.out / name
            try:
                path.replace(target)
            except FileNotFoundError:
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)

    def _put(self, key: str, record: Record) -> None:
        content = json.dumps(asdict(record), ensure_ascii=False, default=_plain)
        self.write(_record_name(key), content.encode("utf-8", "backslashreplace"))


def read_record(out: Path, key: str) -> Record | None:
    """Return what is known of an image whose results lie in a folder, if anything that can be read."""
    try:
        record = Record(**json.loads((out / _record_name(key)).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return record if all(isinstance(getattr(record, name), kind) for name, kind in _KINDS.items()) else None


def _record_name(key: str) -> str:
    return f"{STATE}/records/{key}.json"


def _path_of(key: str, role: str) -> str:
    """Return where a result goes, below the output folder."""
    if role.startswith(OVERLAY):
        return f"qc/{key}{role.removeprefix(OVERLAY)}_overlay.png"
    if role.startswith(LABELS):
        return f"labels/{key}{role.removeprefix(LABELS)}.tif"
    if role.startswith(REGIONS):
        return f"regions/{key}{role.removeprefix(REGIONS)}"
    known = {
        TABLE: f"objects/{key}.csv",
        CROPS: f"{STATE}/crops/{key}.npy",
        CELLS: f"{STATE}/cells/{key}.parquet",
    }
    return known.get(role, f"maps/{key}/{role}")


def _is_below(name: str) -> bool:
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _is_whole(path: Path, size: int, digest: str | None) -> bool:
    try:
        return path.stat().st_size == size and (digest is None or sum_of(path) == digest)
    except OSError:
        return False


def _plain(value: Any) -> Any:
    """Return a NumPy number as JSON knows it."""
    return value.item() if hasattr(value, "item") else str(value)


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Turn what the system says about a folder into a sentence."""
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"{out} cannot be written ({error.strerror or error}): make room or choose another output "
            "folder; what is done is kept."
        ) from error
