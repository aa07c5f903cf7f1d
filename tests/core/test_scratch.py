"""Stacks larger than the working set: the same results from a temporary file, in little memory."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLE, EXAMPLE_WRAP, ROOT
from numpy.testing import assert_array_equal
from support.stacks import one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.core.scratch import lies_in_file, like, new_array, release
from ellimaps.images.preprocessing import preprocess, preprocess_in_place
from ellimaps.maps.pipeline import run
from ellimaps.maps.settings import Settings
from ellimaps.readers import open_stack

TINY_GB = 1e-6


def test_a_large_array_lies_in_file_and_a_small_one_in_memory():
    large, small = new_array((3, 40, 50), np.float32, TINY_GB), new_array((3, 40, 50), np.float32)
    assert lies_in_file(large)
    assert not lies_in_file(small)
    for array in (large, small):
        assert array.shape == (3, 40, 50)
        assert array.dtype == np.float32
        assert not array.any()
    assert lies_in_file(like(large[1:, :3], np.bool_))
    assert not lies_in_file(like(small, np.bool_))


def test_what_was_written_outlives_a_release():
    array = new_array((4, 100, 100), np.float32, TINY_GB)
    array[2] = 7
    release(array[1])
    assert array.sum() == 7 * 100 * 100


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to see resident memory")
def test_release_gives_memory_back():
    def resident_mb() -> float:
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    array = new_array((100, 1000, 1000), np.float32, TINY_GB)
    before = resident_mb()
    for image in array:
        image[:] = 1
    assert resident_mb() - before > 300
    release(array)
    assert resident_mb() - before < 50


def test_a_full_disk_is_one_sentence(monkeypatch):
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(SettingError, match="fit neither in memory nor in") as error:
        new_array((3, 40, 50), np.float32, TINY_GB)
    assert one_sentence(error)


@pytest.mark.parametrize("size", [0, -1, "much", np.nan])
def test_a_working_set_is_a_size(size):
    with pytest.raises(SettingError, match="working set") as error:
        new_array((3, 4, 5), np.float32, size)
    assert one_sentence(error)


def test_the_same_files_in_any_working_set(tmp_path):
    results = {
        name: run(EXAMPLE_WRAP, tmp_path / name, Settings(k_max=6), working_set_gb=size)
        for name, size in (("memory", None), ("file", TINY_GB))
    }
    assert lies_in_file(results["file"].segmentation.stack.values)
    assert lies_in_file(results["file"].segmentation.stack.filled)
    assert not lies_in_file(results["memory"].segmentation.stack.values)
    for path in results["memory"].files:
        if not path.name.endswith("_segmentation.json"):
            assert path.read_bytes() == (tmp_path / "file" / path.name).read_bytes(), path.name


def test_no_file_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stack = preprocess(open_stack(EXAMPLE, working_set_gb=TINY_GB))
    assert lies_in_file(stack.values)
    del stack
    assert list(tmp_path.iterdir()) == []


def test_preprocessing_in_place_gives_the_same_in_the_same_memory():
    settings = {"despike": 8.0, "smooth": 1.0, "roi": (5, 80, 3, 100)}
    expected = preprocess(open_stack(EXAMPLE), **settings)
    stack = open_stack(EXAMPLE)
    address = stack.values[:, 5:, 3:].ctypes.data
    found = preprocess_in_place(stack, **settings)
    assert found.values.ctypes.data == address
    assert_array_equal(found.values, expected.values)
    assert_array_equal(found.filled, expected.filled)
    assert found.history == expected.history


PROGRAM = """
import re
from pathlib import Path

import numpy as np
import pandas as pd

import ellimaps
from ellimaps.core.scratch import new_array, release

values = new_array((60, 1000, 1000), np.float32, 1e-3)
rng = np.random.default_rng(0)
kinds = np.repeat(np.arange(4), 250)[:, None]
for image in values:
    image[:] = 30 + 5 * kinds + rng.normal(0, 0.3, (1000, 1000))
    release(values)
stack = ellimaps.ImageStack(values, pd.DataFrame({"channel": [str(n) for n in range(60)]}), "large")
found = ellimaps.segment(ellimaps.preprocess(stack), 4)
# What getrusage says would count the process that started this one.
peak_kb = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(*found.n_pixels, int(peak_kb) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is given back on request on Linux")
def test_a_stack_is_segmented_in_less_memory_than_it_has():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=ROOT
    )
    *counts, peak_mb = map(int, done.stdout.split())
    assert counts == [250_000] * 4
    # The values alone are 240 MB, twice over while they are preprocessed; the program with its libraries
    # takes 150 MB.
    assert peak_mb < 420
