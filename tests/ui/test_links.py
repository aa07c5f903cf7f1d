"""No page reads what links below the data root lead to: a lab in which every file is such a link."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT
from streamlit.testing.v1 import AppTest
from support.lab import write_lab

from ellimaps.batch.results import read_results
from ellimaps.core import reach
from ellimaps.core.errors import ReadError
from ellimaps.ui.shared.data_root import inside_root

_watched: list[Path] = []
_opened: list[str] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | Path):
        real = os.path.realpath(arguments[0])
        if real.startswith(f"{_watched[0]}{os.sep}"):
            _opened.append(real)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab that is nobody's business."""
    # Hooks are asked in turn: after one that refuses, none is told. So ours hears of what was allowed.
    reach.confine([ROOT])
    sys.addaudithook(_note)
    reach.confine([])
    return write_lab(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def root(elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data root with the same folders, in which every file is a link to the other lab's."""
    root = tmp_path / "root"
    for folder, _, names in os.walk(elsewhere):
        here = root / Path(folder).relative_to(elsewhere)
        here.mkdir(parents=True)
        for name in names:
            (here / name).symlink_to(Path(folder) / name)
    (root / "linked").symlink_to(elsewhere / "terraces")
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    monkeypatch.setenv("ELLIMAPS_CACHE", str(tmp_path / "cache"))
    _opened.clear()
    _watched.append(elsewhere)
    yield root
    _watched.clear()


STATES = ("MapsState", "ExperimentsState", "ClassifyState", "PlatesState", "SensorsState")
IMAGES = "counted/acquisitions/2026-01-05/subject_00/experiment_00"
LEADS_OUT = "a link that leads out of"


def opened(name: str, key: str = "", path: str = "") -> AppTest:
    """A page of the workbench on a path that is typed into one of its fields."""

    def script(name: str) -> None:
        from importlib import import_module

        from ellimaps.ui.shared.data_root import confine_pages

        confine_pages()
        import_module(f"ellimaps.ui.pages.{name}.page").render()

    page = AppTest.from_function(script, args=(name,), default_timeout=60)
    if key:
        page.query_params[key] = path
    return waited(page.run())


def waited(page: AppTest) -> AppTest:
    """Run until the work in the background has ended."""
    for _ in range(100):
        assert not page.exception
        states = [one for one in STATES if one in page.session_state]
        tasks = [task for one in states if (task := page.session_state[one].task) is not None]
        if not tasks:
            return page
        tasks[0].job.wait(30)
        page.run()
    raise AssertionError("the work did not end")


def complaint(page: AppTest, root: Path) -> str:
    """The one sentence a page tells; it does not say where the server keeps files."""
    [told] = [one.value for kind in ("error", "warning") for one in getattr(page, kind)]
    assert str(root) not in told
    return str(told)


def view(page: AppTest, key: str, name: str) -> AppTest:
    return waited(page.segmented_control(key=key).set_value(name).run())


@pytest.mark.parametrize("path", ["nuclei.tif", "linked", "terraces", IMAGES])
def test_maps_and_images(path: str, root: Path) -> None:
    page = opened("maps")
    page.text_input(key="path").set_value(path)
    next(button for button in page.button if button.label == "Open").click().run()
    assert not page.exception
    assert LEADS_OUT in complaint(page, root)
    assert _opened == []


@pytest.mark.parametrize("path", ["demo/log.csv", "demo"])
def test_logs(path: str, root: Path) -> None:
    page = opened("sensors", "sensors_typed", path)
    assert LEADS_OUT in complaint(page, root)
    assert page.session_state["SensorsState"].log is None
    assert _opened == []


def test_results_of_batches(root: Path) -> None:
    page = opened("experiments", "experiments_typed", "counted/results/cells")
    assert LEADS_OUT in complaint(page, root)
    assert not page.dataframe
    assert _opened == []


def test_images_that_are_run(root: Path) -> None:
    """Also by the processes that do the work."""
    page = opened("experiments", "experiments_typed", "counted/acquisitions")
    page.button(key="experiments_run").click().run()
    waited(page)
    failures = pd.read_csv(root / "results" / "acquisitions" / "failures.csv")
    assert len(failures) == 12
    assert failures["Reason"].str.contains(LEADS_OUT).all()
    assert _opened == []


def test_one_link_stops_no_run(elsewhere: Path, root: Path) -> None:
    """The pictures of a result are links: its table is shown, and they are not."""
    shutil.rmtree(root / "counted")
    shutil.copytree(elsewhere / "counted", root / "counted")
    picture = next((root / "counted" / "acquisitions").rglob("fov_01.png"))
    copy = picture.rename(elsewhere / "moved.png")
    picture.symlink_to(copy)
    page = opened("experiments", "experiments_typed", "counted/acquisitions")
    page.button(key="experiments_run").click().run()
    waited(page)
    failures = pd.read_csv(root / "results" / "acquisitions" / "failures.csv")
    assert failures["Reason"].str.contains(LEADS_OUT).sum() == 1
    assert len(failures) == 2


def test_pictures_of_results(elsewhere: Path, root: Path) -> None:
    shutil.rmtree(root / "counted")
    shutil.copytree(elsewhere / "counted", root / "counted")
    _opened.clear()
    for picture in (root / "counted" / "results").rglob("*.png"):
        picture.unlink()
        picture.symlink_to(elsewhere / picture.relative_to(root))
    page = opened("experiments", "experiments_typed", "counted/results/cells")
    assert not page.error or "failed" not in page.error[0].value
    results = read_results(root / "counted" / "results" / "cells")
    assert {results.picture(image) for _, image in results.images.iterrows()} == {None}
    assert _opened == []


def test_images_of_cells(root: Path) -> None:
    page = view(opened("classify", "classify_typed", "cells/images"), "classify_view", "Label")
    assert LEADS_OUT in complaint(page, root)
    assert _opened == []


@pytest.mark.parametrize(("kind", "tab"), [("csv", "Train"), ("ellimodel", "Try")])
def test_files_beside_images_are_not_offered(kind: str, tab: str, elsewhere: Path, root: Path) -> None:
    shutil.rmtree(root / "cells")
    shutil.copytree(elsewhere / "cells" / "images", root / "cells" / "images")
    for name, there in (("linked", elsewhere / "nuclei.tif"), ("own", root / "cells" / "images" / "001.tif")):
        (root / "cells" / f"{name}.{kind}").symlink_to(there)
    _opened.clear()
    page = view(opened("classify", "classify_typed", "cells/images"), "classify_view", tab)
    offered = [option for box in page.selectbox for option in box.options if option.endswith(kind)]
    assert offered == [f"cells/own.{kind}"]
    assert _opened == []


def test_links_are_followed_where_whoever_starts_the_workbench_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELLIMAPS_FOLLOW_LINKS", "1")
    page = opened("sensors", "sensors_typed", "demo/log.csv")
    assert page.session_state["SensorsState"].log is not None
    page = opened("maps")
    page.text_input(key="path").set_value("linked")
    next(button for button in page.button if button.label == "Open").click().run()
    assert not page.error
    assert page.session_state["MapsState"].source.path == str(root / "linked")
    with pytest.raises(ReadError):
        inside_root("linked/../../elsewhere", root)


def test_profiles(root: Path) -> None:
    page = opened("plates", "plates_profiles", "plate/results")
    assert LEADS_OUT in complaint(page, root)
    assert _opened == []
