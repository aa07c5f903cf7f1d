"""What is published: the wheel, the sdist and how ellimaps is cited."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGED = (
    *("ellimaps", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"),
    "constraints.txt",
)


def test_the_citation_says_what_the_package_says():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["title"] == PROJECT["name"]
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["keywords"] == PROJECT["keywords"]
    assert [author["name"] for author in citation["authors"]] == [one["name"] for one in PROJECT["authors"]]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The wheel and the sdist, built as a release builds them, from a copy of what goes into them."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "build", "--outdir", dist, source], check=True, timeout=300)
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    return wheel, sdist


def results(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and path.suffix != ".json"
    }


@pytest.mark.skipif(
    os.environ.get("ELLIMAPS_TEST_INSTALL") != "1",
    reason="installs everything anew, about a minute: set ELLIMAPS_TEST_INSTALL=1",
)
def test_from_nothing_to_a_segmented_example_in_two_minutes(packages, tmp_path, capsys):
    """The wheel in a clean environment outside of the checkout, then the sdist: the same results."""
    environment = tmp_path / "env"
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    outside = {"cwd": tmp_path, "env": clean, "check": True}

    def segment(package: Path, *options: str) -> dict[str, str]:
        install = [binaries / "python", "-m", "pip", "install", "--quiet", *options, package]
        subprocess.run(install, timeout=300, **outside)
        subprocess.run([binaries / "ellimaps", "segment", "--example"], timeout=60, **outside)
        found = results(tmp_path / "ellimaps-example")
        shutil.rmtree(tmp_path / "ellimaps-example")
        return found

    wheel, sdist = packages
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "venv", environment], timeout=60, **outside)
    of_wheel = segment(wheel, "--constraint", str(ROOT / "constraints.txt"))
    seconds = time.perf_counter() - start
    with capsys.disabled():
        size_mb = wheel.stat().st_size / 1e6
        print(f"\n{wheel.name}, {size_mb:.1f} MB: a segmented example after {seconds:.0f} s")
    assert len(of_wheel) == 9
    assert seconds < 120
    assert segment(sdist, "--force-reinstall", "--no-deps") == of_wheel
