"""The C library's memory: whether freed blocks stay with the process, for the next array of the same size."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

# Numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Where glibc would move them by itself (DEFAULT_MMAP_THRESHOLD_MAX on 64 bit, and twice that), did nobody set
# one.
_LARGEST_MMAP_THRESHOLD = 32 << 20

# Larger blocks are rare where memory is to be given back; what a process asks for in small ones is kept.
_SMALL_MMAP_THRESHOLD = 1 << 20


def keep_freed_memory() -> bool:
    """Undo a small ``MALLOC_TRIM_THRESHOLD_``; return whether the C library is one that this can be told to.

    Dask's nanny sets 64 kB for its workers. Each array of an image is then fetched from the system page by
    page and given back, again and again.
    """
    return _told(_LARGEST_MMAP_THRESHOLD, 2 * _LARGEST_MMAP_THRESHOLD)


def give_freed_memory_back() -> bool:
    """Have large blocks given back when they are freed; return whether the C library can be told to.

    By itself it keeps up to 64 MB for each thread: after thirty bodies of 32 MiB at once the server's first
    process had 160 MB more than before, and has 12 MB more with this (``benchmarks/load_server.py``).
    """
    return _told(_SMALL_MMAP_THRESHOLD, _SMALL_MMAP_THRESHOLD)


def _told(mmap_threshold: int, trim_threshold: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, mmap_threshold) and mallopt(_M_TRIM_THRESHOLD, trim_threshold))


def share_freed_memory() -> None:
    """Have all threads share two pools of memory, to be told before they begin.

    By itself the C library has eight for each processor, and what many users leave behind in them can hardly
    be given back: after eight sessions the workbench had 23 % more memory than before, with two pools 1 %;
    they took as long (``benchmarks/load_sessions.py --sessions 8``).
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def trim_memory() -> None:
    """Hand the system what the C library keeps of freed blocks now, where it is one that can be told to."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
