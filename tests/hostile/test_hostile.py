"""The known attacks one by one, and some hundred damaged inputs; `hostile.fuzz` opens as many as you like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hostile.attacks import ATTACKS

TESTS = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked for every input")


def fuzz(*options: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m hostile.fuzz``: what watches over an input cannot be taken off a process again."""
    path = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "hostile.fuzz", *options]
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def verdicts() -> dict[str, list[str]]:
    """What came of each attack."""
    told = fuzz("--attacks")
    assert told.returncode == 0, told.stderr
    return {name: rest for name, *rest in map(json.loads, told.stdout.splitlines())}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_known_attack_is_refused_in_a_sentence_or_read(verdicts: dict[str, list[str]], name: str) -> None:
    what, detail = verdicts[name]
    expected = ATTACKS[name].refused
    assert what == ("refused" if expected else "opened"), detail
    assert expected in detail


def test_damaged_inputs_are_opened_or_refused_and_nothing_else() -> None:
    told = fuzz("--n", "400", "--seed", "0")
    assert told.returncode == 0, told.stdout + told.stderr
