"""The shape of the house: floors, a thin entry page, nothing of this machine in the tree."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import ellimaps

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "a package index address": re.compile(r"index[-_]url|find[-_]links|https?://[^\s)\"']*/simple\b", re.I),
    "an absolute path of a machine": re.compile(
        rf"{re.escape(str(ROOT))}/|(?<![\w.~$\])}}-])/(?:home|root|work|Users)/\w|\b[A-Z]:\\Users\\"
    ),
}


def tracked_files() -> list[Path]:
    """Every file that is or would be committed."""
    git = ["git", "-c", "safe.directory=*"]
    listing = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def strays(text: str) -> list[str]:
    """What must not be in a file, with the text found."""
    return [f"{what}: {found[0]}" for what, pattern in FORBIDDEN.items() if (found := pattern.search(text))]


def test_imports_point_down_only():
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True) == 0


def test_the_entry_page_only_navigates():
    assert len((ROOT / "streamlit_app.py").read_text(encoding="utf-8").splitlines()) <= 40


def test_every_public_name_is_on_the_api_page():
    listed = set(re.findall(r"^   (\w+)$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.M))
    homes = {"classify", "errors", "plates"}
    everything = (*ellimaps.__all__, *ellimaps.classify.__all__, *ellimaps.plates.__all__)
    names = {name for name in everything if not name.startswith("_")} - homes
    errors = {name for name in vars(ellimaps.errors) if name.endswith("Error")}
    assert listed == names | errors


def test_nothing_of_this_machine_is_in_the_tree():
    files = tracked_files()
    assert ROOT / "pyproject.toml" in files
    texts = {path: path.read_bytes() for path in files}
    found = {
        str(path.relative_to(ROOT)): stray
        for path, content in texts.items()
        if b"\0" not in content and (stray := strays(content.decode(errors="replace")))
    }
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "--index" + "-url somewhere",
        "https://packages.example" + "/simple/",
        "cd /" + "home/someone/maps",
        f"open('{ROOT}/x')",
        "C:\\" + "Users\\someone",
    ],
)
def test_a_stray_is_found(text):
    assert strays(text)


@pytest.mark.parametrize(
    "text", ["D:\\maps\\hBN", "https://example.org/home/page", "../shared/data", "/usr/bin/x"]
)
def test_what_is_no_stray_is_left_alone(text):
    assert not strays(text)
