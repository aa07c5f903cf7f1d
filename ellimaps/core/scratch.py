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

from ellimaps.core.errors import ReadError, SettingError

WORKING_SET_GB = 4.0
"""Memory that opening and clustering a stack may take, where `WORKING_SET_VARIABLE` says nothing."""
WORKING_SET_VARIABLE = "ELLIMAPS_WORKING_SET_GB"

_STACKS_IN_WORKING_SET = 2.5
"""The stack, what is invented in it, and the work on it; ``benchmarks/bench_speed.py`` prints the peak."""

_TRUSTED_PACKING = 100
"""Measured pictures pack 1.4 to one, labels 20, zeros 1026: ``benchmarks/bench_inputs.py`` prints it."""


def new_array(shape: tuple[int, ...], dtype: DTypeLike, working_set_gb: float | None = None) -> NDArray[Any]:
    """Return an array of zeros in memory, or in a temporary file where it would fill the working set.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : data-type
        Its type.
    working_set_gb : float, optional
        Memory in GB (1e9 bytes) that all work on the array may take; see `fits_working_set`.

    Raises
    ------
    SettingError
        If neither memory nor the temporary folder has room for it, or the working set is no size.
    """
    size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
    fits = fits_working_set(size, working_set_gb)
    try:
        if fits:
            return np.zeros(shape, dtype)
        return np.frombuffer(_temporary_file(size), dtype).reshape(shape)
    except (MemoryError, OSError, OverflowError) as error:
        raise SettingError(
            f"{size / 1e9:.1f} GB for the maps fit neither in memory nor in {tempfile.gettempdir()}: "
            "free some space, set TMPDIR to a larger folder, or choose fewer maps."
        ) from error


def fits_working_set(n_bytes: int, working_set_gb: float | None = None) -> bool:
    """Return whether an array and the work on it fit in the working set.

    Parameters
    ----------
    n_bytes : int
        Size of the array.
    working_set_gb : float, optional
        In GB (1e9 bytes); by default what the environment variable ``ELLIMAPS_WORKING_SET_GB`` says, or
        `WORKING_SET_GB`.

    Raises
    ------
    SettingError
        If the working set is no size.
    """
    if working_set_gb is None:
        working_set_gb = _usual_working_set_gb()
    if not isinstance(working_set_gb, float | int) or not working_set_gb > 0:
        raise SettingError(f"The working set must be a positive number of GB, not {working_set_gb!r}.")
    return n_bytes * _STACKS_IN_WORKING_SET <= working_set_gb * 1e9


def check_unpacking(
    name: str, packed_bytes: int, unpacked_bytes: int, working_set_gb: float | None = None
) -> None:
    """Refuse what unpacks to more than the working set has room for, and to more than measured values do.

    Parameters
    ----------
    name : str
        Of the file, for the error.
    packed_bytes, unpacked_bytes : int
        What stands in it, and what it would be in memory.
    working_set_gb : float, optional
        See `fits_working_set`.

    Raises
    ------
    ReadError
        If it does; nothing has been unpacked then.
    """
    is_odd = unpacked_bytes > _TRUSTED_PACKING * packed_bytes
    if is_odd and not fits_working_set(unpacked_bytes, working_set_gb):
        raise ReadError(
            f"{name} would unpack from {packed_bytes / 1e6:.1f} MB to {unpacked_bytes / 1e9:.1f} GB, more "
            f"than the working set has room for: if you trust it, set {WORKING_SET_VARIABLE} to more GB."
        )


def _usual_working_set_gb() -> float:
    said = os.environ.get(WORKING_SET_VARIABLE, "")
    try:
        return float(said or WORKING_SET_GB)
    except ValueError:
        raise SettingError(f"{WORKING_SET_VARIABLE} must be a number of GB, not {said!r:.40}.") from None


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
