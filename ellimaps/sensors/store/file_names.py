"""Which files of a folder go on with each other: a logger that begins a file a day is one source."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

import pandas as pd

Spans = Mapping[int, tuple[pd.Timestamp, pd.Timestamp]]
# A date has six digits at least; fewer may as well number sensors.
_DATE_DIGITS = 6
# Files that are numbered, not dated, go on with each other if less than a day is missing between them.
_LONGEST_PAUSE = pd.Timedelta("1D")


def sources_of(names: Sequence[str], headers: Sequence[object], spans: Spans) -> dict[int, str]:
    """Return the source that each file of a log is of, by its number.

    Files with the same columns whose names differ in digits only are one source, if their times follow each
    other; of numbers that are no dates, without a pause.

    Parameters
    ----------
    names : sequence of str
        Paths of the files, as the location has them.
    headers : sequence
        What the columns of each are; anything that compares.
    spans : mapping of int to (Timestamp, Timestamp)
        First and last time of each file that has readings.
    """
    groups: dict[tuple[str, str, object], list[int]] = defaultdict(list)
    for number in spans:
        path = PurePosixPath(names[number].replace("\\", "/"))
        groups[str(path.parent), re.sub(r"\d+", "", path.stem), headers[number]].append(number)
    stems = [PurePosixPath(names[number].replace("\\", "/")).stem for number in spans]
    found: dict[int, str] = {}
    for (parent, _, _), numbers in groups.items():
        folder = PurePosixPath(parent).name
        own = {n: PurePosixPath(names[n].replace("\\", "/")).stem for n in numbers}
        if len(numbers) > 1 and _follow(numbers, own, spans):
            common = _without_digits(own[numbers[0]]) or folder
            found |= dict.fromkeys(numbers, common)
        else:
            # Two rooms may each have a folder with a file of the same name.
            found |= {n: f"{folder} {stem}" if stems.count(stem) > 1 else stem for n, stem in own.items()}
    return _told_apart(found, groups)


def _follow(numbers: Sequence[int], stems: Mapping[int, str], spans: Spans) -> bool:
    ordered = sorted(numbers, key=lambda number: spans[number])
    pauses = [spans[b][0] - spans[a][1] for a, b in pairwise(ordered)]
    if min(pauses) < pd.Timedelta(0):
        return False
    dated = all(sum(map(str.isdigit, stem)) >= _DATE_DIGITS for stem in stems.values())
    return dated or max(pauses) <= _LONGEST_PAUSE


def _without_digits(stem: str) -> str:
    return re.sub(r"[\d]+[-_. ]?", "", stem).strip("-_. ")


def _told_apart(found: dict[int, str], groups: Mapping[tuple[str, str, object], list[int]]) -> dict[int, str]:
    """Put the folder before names that sources of several folders share."""
    folders: dict[str, set[str]] = defaultdict(set)
    parents = {number: key[0] for key, numbers in groups.items() for number in numbers}
    for number, source in found.items():
        folders[source].add(parents[number])
    return {
        number: f"{PurePosixPath(parents[number]).name} {source}"
        if len(folders[source]) > 1 and not source.startswith(PurePosixPath(parents[number]).name)
        else source
        for number, source in found.items()
    }
