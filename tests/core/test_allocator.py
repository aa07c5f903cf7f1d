"""Freed memory stays with the process, or does not, whatever the environment says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from ellimaps.core.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
for _ in range(3):
    np.ones(1 << 17)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(1 << 17)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_arrays_are_not_fetched_anew():
    """Each of 20 arrays of 1 MB is 256 pages of 4 kB, unless the memory of the one before is taken again."""
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}

    def faults(how):
        command = [sys.executable, "-c", FAULTS, how]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert faults("kept") < 2048 < faults("as it is")


GIVEN = """
import sys
import numpy as np
import psutil
from ellimaps.core.allocator import give_freed_memory_back
if sys.argv[1] == "given back":
    assert give_freed_memory_back()
before = psutil.Process().memory_info().rss
# The first one teaches the C library what it may keep; the small ones keep the rest from its end.
np.ones(3 << 20)
large = [(np.ones(1 << 20), np.ones(1 << 10)) for _ in range(10)]
small = [two[1] for two in large]
del large
print((psutil.Process().memory_info().rss - before) >> 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_large_blocks_are_given_back():
    """Ten of 8 MB are held no longer, unless they lie where others of theirs could."""

    def held_mib(how):
        command = [sys.executable, "-c", GIVEN, how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert held_mib("given back") < 8 < held_mib("as it is")


POOLS = """
import ctypes, os, sys, tempfile, threading
from ellimaps.core.allocator import share_freed_memory
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
if sys.argv[1] == "shared":
    share_freed_memory()
here = threading.Barrier(12)
def take():
    libc.malloc(ctypes.c_size_t(1 << 10))
    here.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
with tempfile.TemporaryFile() as told:
    stream = ctypes.c_void_p(libc.fdopen(os.dup(told.fileno()), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    told.seek(0)
    print(told.read().count(b"<heap nr="))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_threads_share_two_pools():
    def pools(how):
        command = [sys.executable, "-c", POOLS, how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert pools("shared") <= 2 < pools("as it is")
