"""A few kills and wants of each kind; ``make chaos`` has many, of every command that writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).with_name("chaos.py")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="kills and wants are made by Linux' own means"
)


def test_a_command_that_writes_survives_kills_and_want():
    here = [str(CHAOS.parents[1]), str(CHAOS.parents[2])]
    paths = os.pathsep.join([*here, os.environ.get("PYTHONPATH", "")])
    # In a process of its own: forks of this one would have its threads' locks.
    command = [sys.executable, CHAOS, "--kills", "2", "--seed", "5", "--jobs", "1", "segment"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": paths}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 wrong, seed 5" in done.stdout
