"""The gallery: each script runs as it stands, ends with what it says, and draws a picture."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import ROOT

SCRIPTS = sorted((ROOT / "docs" / "gallery").glob("plot_*.py"))
# Runs the script as Python does, then looks at what it has drawn.
RUN = """
import runpy, sys
script, picture = sys.argv[1:]
sys.argv = [script]
runpy.run_path(script, run_name="__main__")
import matplotlib.pyplot as plt
[figure] = map(plt.figure, plt.get_fignums())
assert all(axes.has_data() for axes in figure.axes), "an empty panel"
figure.savefig(picture)
"""


def ran(script, tmp_path):
    environment = os.environ | {"MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-W",
        "error::DeprecationWarning:__main__",
        "-c",
        RUN,
        script,
        tmp_path / "picture.png",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path, env=environment)


def test_all_eight_are_there():
    assert [path.stem.split("_", 2)[1] for path in SCRIPTS] == list("12345678")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_ends_with_what_it_says(script, tmp_path):
    done = ran(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
    assert "\nassert " in script.read_text(encoding="utf-8")


def test_a_wrong_result_is_an_error(tmp_path):
    """Of the script that fits in Python: with another truth it does not end well."""
    script = SCRIPTS[-1].read_text(encoding="utf-8")
    assert script.count("aoi_deg=65.2") == 1
    (tmp_path / "wrong.py").write_text(script.replace("aoi_deg=65.2", "aoi_deg=65.3"), encoding="utf-8")
    assert "AssertionError" in ran(tmp_path / "wrong.py", tmp_path).stderr
