"""The C library's memory: freed blocks stay with the process, for the next array of the same size."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

# Numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Where glibc would move them by itself (DEFAULT_MMAP_THRESHOLD_MAX on 64 bit, and twice that), did nobody set
# one.
_LARGEST_MMAP_THRESHOLD = 32 << 20


def keep_freed_memory() -> bool:
    """Undo a small ``MALLOC_TRIM_THRESHOLD_``; return whether the C library is one that this can be told to.

    Dask's nanny sets 64 kB for its workers. Each array of an image is then fetched from the system page by
    page and given back, again and again.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    told = mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    return bool(told and mallopt(_M_TRIM_THRESHOLD, 2 * _LARGEST_MMAP_THRESHOLD))


def give_freed_memory_back() -> None:
    """Hand the system what the C library keeps of freed blocks, where it is one that can be told to."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
