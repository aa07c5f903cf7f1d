"""How tests of the readers look at stacks and refusals."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ellimaps.core.errors import ReadError
from ellimaps.core.stack import ImageStack
from ellimaps.readers import open_stack
from support.ep4_tools import check_sentence


def pil_values(path: Path) -> np.ndarray:
    """The float map of a PNG, by way of Pillow's parser."""
    with Image.open(path) as image:
        image.load()
        width, height = image.size
        raw = image.text[".ACCURION_RAWDATA"].encode("latin-1")  # type: ignore[attr-defined]
    return np.frombuffer(raw[-4 * width * height :], ">f4").reshape(height, width)


def same_stack(one: ImageStack, other: ImageStack, columns: list[str] | None = None) -> None:
    columns = columns or list(one.bands)
    np.testing.assert_array_equal(one.values, other.values)
    assert one.bands[columns].equals(other.bands[columns])


def message_of(path: Path, dataset: str | None = None) -> str:
    """The error that opening the path ends in: one readable sentence."""
    with pytest.raises(ReadError) as caught:
        open_stack(path, dataset=dataset)
    message = str(caught.value)
    check_sentence(message)
    return message


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound the processor time, which a busy machine does not stretch as it does the clock."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def refusal(path: Path) -> str:
    """The error a hostile path ends in, at once and with memory in proportion to the folder's files."""
    with within(1):
        message = message_of(path)
    files = path.iterdir() if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    # Other threads and finalizers of the process are counted too: the least is the reading's own.
    assert min(_peak_of_refusing(path, message) for _ in range(3)) < 4e6 + 40 * size
    return message


def _peak_of_refusing(path: Path, message: str) -> int:
    """The most bytes of Python's memory in use at once while a path is refused."""
    tracemalloc.start()
    try:
        assert message_of(path) == message
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
