"""What commands print: tables and JSON on standard output, progress and warnings on standard error."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# A longer wait interrupts a user's thought (J. Nielsen, Usability Engineering, 1993, chapter 5).
_PATIENCE_S = 1.0
# Of a terminal's 80 columns, so that the bar, its task and its count fit one line.
_BAR_WIDTH = 30


def print_json(facts: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Print one JSON object, or a list of them."""
    print(json.dumps(_strict(facts), indent=2, ensure_ascii=False, default=str))


def print_table(rows: Sequence[Mapping[str, Any]], formats: Mapping[str, str]) -> None:
    """Print rows under their column names, right-aligned."""
    cells = [list(formats)] + [[format(row[key], how) for key, how in formats.items()] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(formats))]
    for line in cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def print_files(files: Iterable[Path | str]) -> None:
    """Print the names of files, one a line."""
    for file in files:
        print(f"  {file}")


@contextmanager
def progress_on_stderr() -> Iterator[Any]:
    """Show progress that takes over a second, and warnings as one line each, on standard error."""
    bar = _Bar()
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            yield bar
        finally:
            bar.clear()


class _Bar:
    """A progress bar; on anything but a terminal one line per task."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._task = ""
        self._shown = False

    def __call__(self, done: int, total: int, what: str) -> None:
        if time.monotonic() - self._start < _PATIENCE_S:
            return
        if sys.stderr.isatty():
            filled = _BAR_WIDTH * done // max(total, 1)
            bar = "#" * filled + "." * (_BAR_WIDTH - filled)
            print(f"\r\x1b[K{what} [{bar}] {done}/{total}", end="", file=sys.stderr, flush=True)
            self._shown = True
        elif what != self._task:
            print(f"{what} ...", file=sys.stderr, flush=True)
        self._task = what

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _strict(value: Any) -> Any:
    """Replace NaN and infinities, which JSON does not know, by null."""
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value
