"""Arrays larger than the memory they may take: they lie in a temporary file that is gone with them.

Such an array is an ordinary one to everybody else. What was read of it stays in memory until `release`, and
comes back from the file when it is read again.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ellimaps.core.errors import SettingError

WORKING_SET_GB = 4.0
"""Memory that opening and clustering a stack may take by default."""

_STACKS_IN_WORKING_SET = 2.5
"""The stack, what is invented in it, and the work on it; ``benchmarks/bench_speed.py`` prints the peak."""


def new_array(shape: tuple[int, ...], dtype: DTypeLike, working_set_gb: float | None = None) -> NDArray[Any]:
    """Return an array of zeros in memory, or in a temporary file where it would fill the working set.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : data-type
        Its type.
    working_set_gb : float, optional
        Memory in GB (1e9 bytes) that all work on the array may take; `WORKING_SET_GB` by default.

    Raises
    ------
    SettingError
        If neither memory nor the temporary folder has room for it, or the working set is no size.
    """
    if working_set_gb is None:
        working_set_gb = WORKING_SET_GB
    if not isinstance(working_set_gb, float | int) or not working_set_gb > 0:
        raise SettingError(f"The working set must be a positive number of GB, not {working_set_gb!r}.")
    size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
    try:
        if size * _STACKS_IN_WORKING_SET <= working_set_gb * 1e9:
            return np.zeros(shape, dtype)
        return np.frombuffer(_temporary_file(size), dtype).reshape(shape)
    except (MemoryError, OSError, OverflowError) as error:
        raise SettingError(
            f"{size / 1e9:.1f} GB for the maps fit neither in memory nor in {tempfile.gettempdir()}: "
            "free some space, set TMPDIR to a larger folder, or choose fewer maps."
        ) from error


def lies_in_file(array: NDArray[Any]) -> bool:
    """Return whether an array lies in a temporary file."""
    return _file_of(array) is not None


def like(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros of the same shape, in a temporary file where the other is in one."""
    return new_array(array.shape, dtype, 1e-9 if lies_in_file(array) else np.inf)


def release(array: NDArray[Any]) -> None:
    """Let go of the memory of an array that lies in a temporary file; others are left alone."""
    file = _file_of(array)
    if file is not None and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)


def _temporary_file(size: int) -> mmap.mmap:
    with tempfile.TemporaryFile(prefix="ellimaps-") as file:
        # A file with holes would end the process where the disk is full.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            zeros = bytes(1 << 24)
            for start in range(0, size, len(zeros)):
                file.write(zeros[: size - start])
            file.flush()
        return mmap.mmap(file.fileno(), size)


def _file_of(array: NDArray[Any]) -> mmap.mmap | None:
    base: Any = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None
