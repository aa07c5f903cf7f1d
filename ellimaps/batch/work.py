"""What every work of a batch has: a pure function of files and frozen settings, and the output it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Protocol

import pandas as pd

from ellimaps.core.errors import EllimapsError
from ellimaps.core.parallel import one_thread

FORMAT = 4
"""Raised where the files of a result change: what is kept is then computed again."""
TABLE, OVERLAY, LABELS, CROPS, CELLS = "table", "overlay", "labels", "crops", "cells"
REGIONS = "regions"


@dataclass(frozen=True)
class Output:
    """What one image or folder gave.

    Attributes
    ----------
    files : dict of str to bytes
        Contents by role: :data:`TABLE`, :data:`OVERLAY`, :data:`LABELS`, :data:`CROPS`, :data:`CELLS`,
        :data:`REGIONS`;
        overlays, labels and regions with a suffix where a file holds several images, and regions with
        their ending. Other names are files of its own.
    facts : dict
        Measures of the image as a whole, and ``objects``, their number.
    inputs : dict of str to str
        SHA-256 of the files read, by name.
    columns : dict of str to str
        Columns of the table, each ``number`` or ``text``.
    images : tuple of dict
        Facts of each image where a file holds several, with the ``suffix`` of its overlay.
    """

    files: dict[str, bytes]
    facts: dict[str, Any]
    inputs: dict[str, str]
    columns: dict[str, str]
    images: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """An output, or the reason why there is none.

    Attributes
    ----------
    output : Output, optional
        What there is.
    reason : str
        Why there is nothing.
    hanging_on : str
        Address of a Dask worker that has not ended with the image.
    """

    output: Output | None = None
    reason: str = ""
    hanging_on: str = ""


class Work(Protocol):
    """What is done with every image: chosen once, sent to every worker."""

    @property
    def lead(self) -> tuple[str, ...]:
        """The columns every table begins with."""

    @property
    def time_limit_s(self) -> float:
        """How long an image may take, in seconds; no choice that a result depends on."""

    def __call__(self, path: str) -> Output:
        """Do it with one image or folder."""

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""


class RecipeWork(Work, Protocol):
    """Work that a recipe may describe."""

    def recipe(self) -> str:
        """Return what `ellimaps.batch.recipes.read_work` reads as this work; empty if none says it."""


def recipe_hash(work: Work) -> str:
    """Return a hash of every choice, and of the version of ellimaps: another one may compute differently."""
    facts = {"ellimaps": version("ellimaps"), "format": FORMAT, **work.facts()}
    return sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def attempt(work: Work, path: str, expected: Mapping[str, str]) -> Outcome:
    """Do the work with one image, in one thread; whatever goes wrong becomes a reason.

    Parameters
    ----------
    work : Work
        What to do.
    path : str
        The image or folder, or what else the work takes.
    expected : mapping of str to str
        SHA-256 of its files when they were chosen, by name.
    """
    try:
        with one_thread():
            output = work(path)
    except EllimapsError as error:
        return Outcome(reason=_line(str(error)))
    except MemoryError:
        return Outcome(reason="There is not enough memory for it.")
    except Exception as error:
        return Outcome(reason=_line(f"{type(error).__name__}: {error}"))
    changed = [name for name, digest in output.inputs.items() if expected.get(name, digest) != digest]
    if changed:
        return Outcome(reason=f"{changed[0]} changed while it was read: run again.")
    return Outcome(output)


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def with_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Make flags numbers, so that every measurement has the same type in every image."""
    flags = [column for column in table if table[column].dtype == bool]
    return table.astype(dict.fromkeys(flags, int))


def kinds_of(table: pd.DataFrame) -> dict[str, str]:
    """Return of each column whether it is ``number`` or ``text``."""
    return {
        str(name): "number" if pd.api.types.is_numeric_dtype(dtype) else "text"
        for name, dtype in table.dtypes.items()
    }
