"""The CSV a list of labels is kept in: read to go on with, and written whole, never over other labels.

A label list is a CSV ``image_id,<label column>[,group, ...]``. An image is named by its file name, by that
without its ending, or by its number (``1`` is ``001.tif``). Columns and rows that are not ours are kept.
A JSON beside it says what the classes are called.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ellimaps.classify.image_folder import natural_key
from ellimaps.classify.labeling import (
    DEFAULT_CLASSES,
    DEFAULT_COLUMN,
    ID_COLUMN,
    LONGEST_NAME,
    MOST_CLASSES,
    LabelClass,
    LabelingSession,
    Row,
)
from ellimaps.core.errors import ExportError, ReadError
from ellimaps.core.files import json_bytes, write_files
from ellimaps.core.provenance import software_facts
from ellimaps.core.small_files import read_small

LIST_BYTES = 16 << 20
"""The largest list that is read: half a million images."""


def labels_csv(labelling: LabelingSession) -> bytes:
    """Return the labels given as CSV: our images in their order, then the rows of images elsewhere."""
    header = [ID_COLUMN, labelling.column, *labelling.columns]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for name in labelling.files:
        if name in labelling.labels:
            row = labelling.rows.get(name, {})
            further = [row.get(column, "") for column in labelling.columns]
            writer.writerow([row.get(ID_COLUMN, name), labelling.labels[name], *further])
    for row in labelling.other_rows:
        writer.writerow([row[ID_COLUMN], row[""], *(row[column] for column in labelling.columns)])
    return buffer.getvalue().encode()


def parse_labels(content: bytes, files: Sequence[str], what: str, facts: bytes = b"") -> LabelingSession:
    """Return a label list that can be gone on with, at its first image without a label.

    Parameters
    ----------
    content : bytes
        The CSV.
    files : sequence of str
        File names of the images.
    what : str
        What the list is called, for messages.
    facts : bytes
        The JSON saved beside it, if any: what the classes are called.

    Raises
    ------
    ReadError
        If it is no label list, holds an image twice or more than ten classes, or is of other images.
    """
    header, rows = _table(content, what)
    names = _names_of(files)
    ours: dict[str, Row] = {}
    other_rows: list[Row] = []
    for row in rows:
        name = names.get(_plain_id(row[ID_COLUMN]))
        if name is None:
            other_rows.append(row)
        elif name in ours:
            raise ReadError(f"{what} holds the image {name} twice: take one of the two out.")
        else:
            ours[name] = row
    if other_rows and not ours:
        raise ReadError(
            f"None of the {len(other_rows)} images in {what} is in this folder (the first is "
            f"{other_rows[0][ID_COLUMN]!r:.80}): choose the list that belongs to it."
        )
    labels = {name: row[""] for name, row in ours.items() if row[""]}
    made = LabelingSession(
        files=tuple(files),
        labels=MappingProxyType(labels),
        classes=_classes([row[""] for row in rows if row[""]], header[1], what, facts),
        column=header[1],
        columns=tuple(header[2:]),
        rows=MappingProxyType(ours),
        other_rows=tuple(other_rows),
    )
    return made if files[0] not in labels else made.at_unlabeled()


def read_list(path: Path, files: Sequence[str]) -> tuple[LabelingSession, bytes]:
    """Read a label list with the names of its classes; also return the bytes it holds.

    Raises
    ------
    ReadError
        As `parse_labels`, or if it cannot be read.
    """
    content = read_small(path, "label list", LIST_BYTES)
    return parse_labels(content, files, path.name, _facts_beside(path)), content


def names_beside(path: Path | None, column: str, values: Sequence[str]) -> dict[str, str]:
    """Return what classes are called by the JSON beside a label list, if there is one, or by their column.

    Parameters
    ----------
    path : Path, optional
        The list, if it lies on a disk.
    column : str
        Of the labels.
    values : sequence of str
        The labels in the list; names that leave one of them out are not taken.

    Raises
    ------
    ReadError
        If the JSON cannot be read.
    """
    saved = _saved_names(_facts_beside(path)) if path is not None else {}
    names = saved if set(values) <= set(saved) else _usual_names(column)
    return {value: name for value, name in names.items() if value in values}


def _facts_beside(path: Path) -> bytes:
    beside = facts_path(path)
    return read_small(beside, "description of a label list", LIST_BYTES) if beside.is_file() else b""


def _usual_names(column: str) -> dict[str, str]:
    return {one.value: one.name for one in DEFAULT_CLASSES} if column == DEFAULT_COLUMN else {}


def save_list(labelling: LabelingSession, path: Path, replaces: bytes | None = None) -> bytes:
    """Write a label list, and beside it what its classes are called; return the bytes written.

    Parameters
    ----------
    labelling : LabelingSession
        What to write.
    path : Path
        The CSV.
    replaces : bytes, optional
        What the file holds as far as the user knows: another content is never overwritten.

    Raises
    ------
    ExportError
        If it cannot be written, or holds something else by now.
    """
    if path.exists() and (replaces is None or _holds(path) != replaces):
        raise ExportError(
            f"{path.name} exists already and holds other labels than those loaded here: load it to go on, or "
            "choose another name."
        )
    content = labels_csv(labelling)
    facts = {
        "software": software_facts(),
        "label_column": labelling.column,
        "classes": {one.value: one.name for one in labelling.classes},
        "images": len(labelling.files),
        "labelled": len(labelling.labels),
    }
    write_files(path.parent, {path.name: content, facts_path(path).name: json_bytes(facts)})
    return content


def facts_path(path: Path) -> Path:
    """Return the JSON that lies beside a label list."""
    return path.with_name(f"{path.name}.json")


def _holds(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= LIST_BYTES else None
    except OSError:
        return None


def _table(content: bytes, what: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return header and rows of a label list; a row's label has the empty key."""
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        lines = [(reader.line_num, row) for row in reader if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReadError(f"{what} is no CSV ({error}): save it as comma-separated text.") from error
    header = [name.strip() for name in lines[0][1]] if lines else []
    if len(header) < 2 or header[0] != ID_COLUMN or not all(header) or len(set(header)) < len(header):
        raise ReadError(
            f"{what} is no label list: its first line must be {ID_COLUMN}, the label's name, and further "
            "columns if you like."
        )
    for number, row in lines[1:]:
        if len(row) != len(header):
            raise ReadError(
                f"Line {number} of {what} has {len(row)} cells instead of {len(header)} "
                f"({','.join(row)!r:.80}): correct it."
            )
    keys = [ID_COLUMN, "", *header[2:]]
    rows = [dict(zip(keys, (cell.strip() for cell in row), strict=True)) for _, row in lines[1:]]
    return header, rows


def _classes(values: list[str], column: str, what: str, facts: bytes) -> tuple[LabelClass, ...]:
    found = sorted(set(values), key=natural_key)
    if len(found) > MOST_CLASSES:
        raise ReadError(
            f"The column {column} of {what} holds {len(found)} different labels, more than {MOST_CLASSES} "
            f"({', '.join(found[:3])!s:.80} ...): labels are classes, not measured numbers."
        )
    saved = _saved_names(facts)
    if saved and set(found) <= set(saved):
        return tuple(LabelClass(*pair) for pair in saved.items())
    known = _usual_names(column)
    wanted = found if len(found) > 1 and not set(found) <= {"0", "1"} else sorted({*found, "0", "1"})
    return tuple(LabelClass(value, known.get(value, value)) for value in wanted)


def _saved_names(facts: bytes) -> dict[str, str]:
    try:
        classes: Any = json.loads(facts)["classes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(classes, dict) or not 2 <= len(classes) <= MOST_CLASSES:
        return {}
    names = [str(name) for name in classes.values()]
    good = all(0 < len(name) <= LONGEST_NAME for name in names) and len(set(names)) == len(names)
    return dict(zip(classes, names, strict=True)) if good else {}


def _names_of(files: Sequence[str]) -> dict[str, str]:
    """Return every way to call an image that is not ambiguous."""
    found: dict[str, set[str]] = {}
    for name in files:
        for called in {name, Path(name).stem, _plain_id(Path(name).stem)}:
            found.setdefault(called, set()).add(name)
    return {called: names.pop() for called, names in found.items() if len(names) == 1} | {
        name: name for name in files
    }


def _plain_id(text: str) -> str:
    """Return a number without leading zeros, other text as it is."""
    return str(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else text
