"""What is published: wheel, sdist and conda package, where from, and how ellimaps is cited."""

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
from rattler_build import RecipeParseError, Stage0Recipe

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


RECIPE = ROOT / "deploy" / "conda" / "recipe.yaml"
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
"""Where conda-forge calls a package otherwise; there ``matplotlib`` brings Qt."""


def test_the_conda_recipe_says_what_the_package_says():
    [rendered] = Stage0Recipe.from_file(RECIPE).render()
    recipe = rendered.recipe.to_dict()
    assert recipe["package"] == {"name": PROJECT["name"], "version": PROJECT["version"]}
    assert recipe["about"]["license"] == PROJECT["license"]
    assert recipe["about"]["summary"] == PROJECT["description"]
    needed = [f"python {PROJECT['requires-python']}"]
    for one in PROJECT["dependencies"]:
        name, least = one.split(">=")
        needed.append(f"{CONDA_NAMES.get(name, name)} >={least}")
    assert recipe["requirements"]["run"] == needed
    [entry] = recipe["build"]["python"]["entry_points"]
    assert entry == f"ellimaps = {PROJECT['scripts']['ellimaps']}"
    assert (RECIPE.parent / recipe["source"][0]["path"]).resolve() == ROOT


@pytest.mark.parametrize(("right", "wrong"), [("requirements:", "requirement:"), ("pip_check", "pipcheck")])
def test_a_recipe_of_another_form_is_refused(right, wrong):
    with pytest.raises(RecipeParseError):
        Stage0Recipe.from_yaml(RECIPE.read_text(encoding="utf-8").replace(right, wrong))


def release_jobs():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]


def test_only_a_tag_is_published_and_only_what_was_tried():
    jobs = release_jobs()
    publish = jobs["publish"]
    assert publish["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert set(publish["needs"]) == {"try", "conda"}
    assert jobs["try"]["needs"] == "build"
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["publish"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert {step["with"]["name"] for step in steps if "-artifact@" in step.get("uses", "")} == {"dist"}


@pytest.mark.skipif(os.name == "nt", reason="the step is for bash")
def test_a_release_knows_where_the_project_lives(tmp_path):
    """As the host calls it: the step that writes the addresses leaves a pyproject.toml with them."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    steps = {step.get("name", ""): step for step in release_jobs()["build"]["steps"]}
    step = steps["Addresses of the project, which this host knows"]
    host = {
        "GITHUB_SERVER_URL": "https://git.example.org",
        "GITHUB_REPOSITORY": "lab/ellimaps",
        "GITHUB_REF_NAME": "v1.2.3",
    }
    subprocess.run(["bash", "-ec", step["run"]], cwd=tmp_path, env=os.environ | host, check=True)
    written = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))
    urls = written["project"].pop("urls")
    assert written["project"] == PROJECT
    assert urls["Source"] == "https://git.example.org/lab/ellimaps"
    assert urls["Changelog"] == "https://git.example.org/lab/ellimaps/blob/v1.2.3/CHANGELOG.md"
    assert {"Documentation", "Issues"} <= urls.keys()


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
