"""Labels of a folder of images: a CSV with a row per image, matched to files by name or number."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ellimaps.classify.image_folder import image_files
from ellimaps.classify.labeling_file import names_beside
from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile, Source, as_input
from ellimaps.core.small_files import read_small

# Half a million images; a larger file is something else.
_LIMIT_BYTES = 16 << 20
_GROUP = "group"
RESERVED = (_GROUP, "file", "probability", "seconds", "warnings", "model")
"""What a label cannot be called: an answer has these beside it."""


@dataclass(frozen=True, eq=False)
class Labels:
    """What the images of a folder are.

    Attributes
    ----------
    name : str
        Of the label, as the CSV's second column calls it.
    table : DataFrame
        ``file`` (name in the folder), ``label`` (int where all are whole numbers, else str) and ``group``
        (str; empty where none is given), in the order of the CSV.
    class_names : mapping of str to str
        What the classes are called, by the label as the CSV has it; empty where nobody says.
    """

    name: str
    table: pd.DataFrame
    class_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> list[int] | list[str]:
        """The different labels, sorted."""
        return sorted(self.table["label"].unique().tolist())


def read_labels(csv: Source, images_folder: str | Path, name: str | None = None) -> Labels:
    """Read labels and find their images.

    Parameters
    ----------
    csv : str, Path or binary stream
        First column the image (``7``, ``007`` or ``007.tif``), second column the label under its name; a
        column ``group`` keeps images together that show the same thing.
    images_folder : str or Path
        Folder of TIFF and PNG files.
    name : str, optional
        What messages call a stream.

    Raises
    ------
    ReadError
        If the CSV is damaged, an image is missing, named twice or ambiguous, or a label is empty.
    """
    file, folder = as_input(csv, name), Path(images_folder)
    table = _read(file)
    files = image_files(folder)
    ids = [str(text).strip() for text in table.iloc[:, 0]]
    found = _matched(file, folder, ids, files)
    labels = [str(text).strip() for text in table.iloc[:, 1]]
    empty = [text for text, label in zip(ids, labels, strict=True) if not label]
    if empty:
        raise ReadError(f"{file.name} has no label for {_some(empty)}: fill it in.")
    groups = [str(text).strip() for text in table[_GROUP]] if _GROUP in table.columns[2:] else [""] * len(ids)
    label = str(table.columns[1])
    if label in RESERVED:
        raise ReadError(f"{file.name}: the label in the second column cannot be called {label}: rename it.")
    numbers = _numbers(labels)
    table = pd.DataFrame({"file": found, "label": numbers, "group": groups})
    values = [str(one) for one in numbers]
    return Labels(label, table, names_beside(file.path if file.is_on_disk else None, label, values))


def _read(path: InputFile) -> pd.DataFrame:
    content = read_small(path, "label table", _LIMIT_BYTES)
    try:
        text = content.decode("utf-8-sig")
        # Spreadsheets of some countries write semicolons.
        separator = ";" if ";" in text.partition("\n")[0] else ","
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, sep=separator)
    except (ValueError, pd.errors.ParserError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ReadError(
            f"{path.name} is not a CSV table ({reason:.120}): save it as CSV in UTF-8."
        ) from error
    table.columns = table.columns.str.strip()
    if table.shape[1] < 2 or len(table) == 0:
        raise ReadError(f"{path.name} needs a row per image with the columns image_id and a label.")
    return table


def _matched(path: InputFile, folder: Path, ids: list[str], files: Sequence[str]) -> list[str]:
    by_key: dict[str, list[str]] = {}
    for file in files:
        for key in {file, Path(file).stem, _number(Path(file).stem)} - {""}:
            by_key.setdefault(key, []).append(file)
    found = [by_key.get(text) or by_key.get(_number(Path(text).stem)) or [] for text in ids]
    missing = [text for text, names in zip(ids, found, strict=True) if not names]
    if missing:
        raise ReadError(f"{path.name} names images that are not in {folder}: {_some(missing)}.")
    for text, names in zip(ids, found, strict=True):
        if len(names) > 1:
            raise ReadError(f"{path.name}: image {text} may be {_some(names)}: write the file name.")
    chosen = [names[0] for names in found]
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    if twice:
        raise ReadError(f"{path.name} names an image twice: {_some(twice)}.")
    return chosen


def _number(stem: str) -> str:
    return stem.lstrip("0") or "0" if re.fullmatch("[0-9]+", stem) else ""


def _numbers(labels: list[str]) -> list[int] | list[str]:
    whole = all(re.fullmatch("-?[0-9]{1,15}", label) for label in labels)
    return [int(label) for label in labels] if whole else labels


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
