"""The Experiments page by Streamlit's own test driver: empty, a tree to run, results, clicked and wrong."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from streamlit.testing.v1 import AppTest
from support.cell_results import cell_results
from support.choosing import choose

from ellimaps.batch.asked import read_asked
from ellimaps.batch.maps import MapWork
from ellimaps.batch.recipes import read_work
from ellimaps.batch.result_folders import result_folders
from ellimaps.batch.results import read_results
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.batch.store import Store
from ellimaps.batch.work import attempt
from ellimaps.core.errors import ReadError
from ellimaps.samples import sample_ep4
from ellimaps.ui.pages.experiments import folders, recipes
from ellimaps.ui.pages.experiments.charts import histogram


def in_turn(work, tasks):
    return ((task, attempt(work, str(task.item.path), task.files)) for task in tasks)


@pytest.fixture(autouse=True)
def nothing_remembered():
    """What lies below the data root is remembered for some seconds, longer than a test."""
    for remembered in (
        folders.trees_below,
        folders.layout,
        folders.items,
        recipes.recipe_files,
        recipes.film_models,
    ):
        remembered.cache.clear()


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A data root with results of twelve images, one of them broken; images of one object are flagged."""
    root = tmp_path_factory.mktemp("data")
    cell_results(root)
    return root


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """A data root with map folders in a tree of two levels, and results with a film model fitted."""
    root = tmp_path_factory.mktemp("maps")
    for growth in range(2):
        for wafer in range(2):
            folder = root / "wafers" / f"growth {growth} å" / f"wafer_{wafer}"
            sample_ep4(folder, seed=growth, size=(32, 40), kinds=2, bands=6)
    model = next(root.rglob("model.toml"))
    (root / "recipe.toml").write_text("k = 2\n")
    work = read_work(root / "recipe.toml", model=model)
    out = root / "results" / "wafers"
    run_batch(tree_of(root / "wafers", out, "{experiment}/{fov}", folders=True), work, out, in_turn)
    return root


def _page():
    from ellimaps.ui.pages.experiments.page import render

    render()


@pytest.fixture
def opened(monkeypatch, tmp_path):
    def open_page(root, folder=None):
        monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
        monkeypatch.chdir(tmp_path)
        page = AppTest.from_function(_page, default_timeout=120).run()
        if folder is not None:
            choose(page, "experiments_typed", folder)
        assert not page.exception
        return page

    return open_page


def metrics(page):
    return {metric.label: metric.value for metric in page.metric}


def table(page, column):
    """The table that has a column."""
    [found] = [element.value for element in page.dataframe if column in element.value]
    return found


def until(page, condition, seconds=240):
    """Run the page again, as its poll does in a browser, until the condition holds."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        assert not page.exception
        time.sleep(0.2)
        page.run()


def test_navigation_has_the_page(cells, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(cells))
    monkeypatch.chdir(tmp_path)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    assert not page.exception


def test_empty_says_what_to_do(opened, tmp_path):
    page = opened(tmp_path)
    assert "nothing to run" in page.info[0].value
    assert not page.metric


def test_a_tree_that_is_no_result_is_opened_as_one_to_run(opened, cells):
    page = opened(cells, "acquisitions")
    assert not page.error
    assert "**12 images**" in [element.value for element in page.markdown]
    assert page.button(key="experiments_run").label == "Run"
    assert page.selectbox(key="experiments_recipe_images").value.startswith("Fluorescence")
    assert page.text_input(key="experiments_out_acquisitions").value == "results/acquisitions"


def test_a_tree_of_maps_begins_with_a_recipe_for_maps(opened, maps):
    page = opened(maps, "wafers")
    assert not page.error
    assert "**4 map folders**" in [element.value for element in page.markdown]
    assert page.selectbox(key="experiments_recipe_maps").value.startswith("Maps")
    assert "recipe.toml" in page.selectbox(key="experiments_recipe_maps").options
    assert page.text_input(key="experiments_pattern_wafers_True").value == "{experiment}/{fov}"
    preview = page.selectbox(key="experiments_preview_wafers")
    assert preview.options[0] == "growth 0 å/wafer_0"
    assert "40 × 32 pixels, 12 maps" in [element.value for element in page.caption]
    page.selectbox(key="experiments_recipe_maps").set_value("recipe.toml").run()
    assert "k = 2" in page.code[0].value


def test_a_broken_acquisition_is_one_sentence_in_the_preview(opened, cells):
    page = opened(cells, "acquisitions")
    [message] = [element.value for element in page.info]
    assert "fov_00.png" in message
    assert str(cells) not in message
    assert not page.button(key="experiments_run").disabled


def test_run_shows_its_results_and_a_retry_of_what_failed(opened, cells, tmp_path):
    root = tmp_path / "data"
    some = root / "a tree" / "dåte" / "sübject"
    shutil.copytree(next(path for path in (cells / "acquisitions").rglob("experiment_00")), some / "one two")
    page = opened(root, "a tree")
    page.text_input(key="experiments_out_a tree").set_value("my results").run()
    page.button(key="experiments_run").click().run()
    until(page, lambda: bool(page.metric))
    assert metrics(page) == {
        "Images": "2",
        "Objects": metrics(page)["Objects"],
        "Flagged": "0",
        "Failed": "1",
    }
    [failed] = [element.value for element in page.error]
    assert failed.startswith("dåte/sübject/one two/fov_00.png: ")
    assert str(root) not in failed
    before = (root / "my results" / "images.csv").read_text()
    shutil.copy(some / "one two" / "fov_01.png", some / "one two" / "fov_00.png")
    page.button(key="experiments_retry").click().run()
    until(page, lambda: metrics(page)["Failed"] == "0" and not page.button(key="experiments_again").disabled)
    assert metrics(page)["Images"] == "3"
    assert set(before.splitlines()) < set((root / "my results" / "images.csv").read_text().splitlines())
    # What was written below the data root is no input of the next run.
    page.button(key="experiments_again").click().run()
    until(page, lambda: page.button(key="experiments_again").disabled is False)
    assert read_asked(root / "my results").total == 3


def test_two_users_on_one_folder_get_one_sentence(opened, cells, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(cells, root)
    page = opened(root, "acquisitions")
    page.text_input(key="experiments_out_acquisitions").set_value("results/cells").run()
    page.session_state["experiments_recipe_text"] = read_asked(root / "results" / "cells").recipe
    with Store(root / "results" / "cells").opened():
        _claim(root)
        page.run()
        page.button(key="experiments_run").click().run()
        until(page, lambda: bool(page.warning))
        [message] = [element.value for element in page.warning]
        assert message.startswith("results/cells is in use by process")
        choose(page, "experiments_typed", "results/cells")
        assert any("A run is at work on results/cells" in element.value for element in page.info)
    page.run()
    assert not any("at work" in element.value for element in page.info)


def _claim(root):
    """Let the copied results be those of the copied tree."""
    note = root / "results" / "cells" / ".ellimaps" / "run.json"
    asked = read_asked(root / "results" / "cells")
    note.write_text(note.read_text().replace(asked.root, str(root / "acquisitions")))


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("..", "below the data root"),
        ("", "below the data root"),
        ("/etc", "below the data root"),
        ("acquisitions", "holds the images"),
        ("acquisitions/2026-01-05/subject_00/experiment_00/mine", "lies in the measurement"),
    ],
)
def test_results_never_go_into_a_measurement(opened, cells, out, reason):
    page = opened(cells, "acquisitions")
    before = sorted(cells.rglob("*"))
    page.text_input(key="experiments_out_acquisitions").set_value(out).run()
    if not page.error:
        page.button(key="experiments_run").click().run()
        until(page, lambda: bool(page.warning))
    [message] = [element.value for element in [*page.error, *page.warning]]
    assert reason in message
    assert str(cells) not in message
    assert sorted(cells.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "Paste a recipe"), ("k = 99", "k must be"), ("[cells", "not valid TOML"), ("x = 1", "unknown")],
)
def test_a_recipe_that_is_none_is_one_sentence_and_nothing_runs(opened, maps, text, reason):
    page = opened(maps, "wafers")
    page.selectbox(key="experiments_recipe_maps").set_value("Paste or upload a recipe").run()
    page.text_area(key="experiments_recipe_text").set_value(text).run()
    [message] = [element.value for element in page.error]
    assert reason in message
    assert "/" not in message
    assert "experiments_run" not in [button.key for button in page.button]
    # The picture stays.
    assert page.selectbox(key="experiments_preview_wafers").options


def test_results_of_another_tree_are_not_mixed_with(opened, cells):
    page = opened(cells, "acquisitions/2026-01-05")
    page.text_input(key="experiments_out_acquisitions/2026-01-05").set_value("results/cells").run()
    [message] = [element.value for element in page.error]
    assert message.startswith("results/cells has the results of acquisitions")
    assert page.button(key="experiments_run").disabled


@pytest.mark.parametrize("typed", ["..", "/etc", "nowhere"])
def test_other_folders_are_refused_with_a_sentence(opened, cells, typed):
    page = opened(cells, typed)
    assert len(page.error) == 1
    assert not page.metric


def test_loaded_counts_what_the_tables_hold(opened, cells):
    page = opened(cells, "results/cells")
    out = cells / "results" / "cells"
    objects, images = pd.read_csv(out / "experiments.csv"), pd.read_csv(out / "images.csv")
    flagged = int(images["Flags"].notna().sum())
    assert flagged > 0
    assert metrics(page) == {
        "Images": "11", "Objects": str(len(objects)), "Flagged": str(flagged), "Failed": "1",
        "Subjects": "2", "Experiments": "4",
    }  # fmt: skip
    assert len(page.get("vega_lite_chart")) == 3
    assert len(table(page, "Flags")) == 11
    # Below two subjects there are two experiments each, called alike.
    assert len(table(page, "Median")) == 4


def test_clicked_row_shows_its_overlay_and_objects(opened, cells):
    page = opened(cells, "results/cells")
    images = table(page, "Flags")
    row = int(images["Objects"].argmax())
    page.session_state["experiments_images"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    [overlay, *_] = page.get("image")
    assert overlay
    objects = table(page, "x (px)")
    assert len(objects) == images["Objects"].iloc[row] > 0
    assert list(objects.columns[:5]) == ["Circle", "x (px)", "y (px)", "Radius (px)", "Mean intensity"]


def test_filters_of_groups_and_flags(opened, cells):
    page = opened(cells, "results/cells")
    page.toggle(key="experiments_flagged").set_value(True).run()
    assert (table(page, "Flags")["Flags"] != "").all()
    page.toggle(key="experiments_flagged").set_value(False).run()
    page.multiselect(key="experiments_shown_Experiment").set_value(["subject_01 / experiment_00"]).run()
    shown = table(page, "Flags")
    assert set(shown["Subject"]) == {"subject_01"}
    assert set(shown["Experiment"]) == {"experiment_00"}
    assert not page.exception


def test_maps_show_thickness_and_spectra_by_group(opened, maps):
    page = opened(maps, "results/wafers")
    assert metrics(page)["Experiments"] == "2"
    assert len(page.get("vega_lite_chart")) == 3
    values = table(page, "±")
    assert list(values.columns) == ["Experiment", "Cluster", "Thickness (nm)", "±", "Samples"]
    assert "Thickness (nm), cluster 0" in table(page, "Flags").columns
    page.session_state["experiments_images"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    page.run()
    assert len(page.get("image")) == 2
    words = [str(name) for element in page.dataframe for name in element.value.columns]
    assert not [name for name in words if "_" in name]


def test_maps_of_one_band_and_without_a_model(opened, tmp_path):
    sample_ep4(tmp_path / "data" / "w" / "a", size=(32, 40), kinds=2, bands=1)
    out = tmp_path / "data" / "results"
    tree = tree_of(tmp_path / "data" / "w", out, None, folders=True)
    run_batch(tree, MapWork(), out, in_turn)
    page = opened(tmp_path / "data", "results")
    assert not page.error
    assert len(page.get("vega_lite_chart")) == 2
    assert any("no thickness" in element.value for element in page.caption)


def test_a_run_that_was_killed_can_be_continued(opened, cells, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(cells, root)
    _claim(root)
    out = root / "results" / "cells"
    note = out / ".ellimaps" / "run.json"
    note.write_text(note.read_text().replace('"finished": true', '"finished": false'))
    for name in ("experiments.csv", "experiments.parquet", "images.csv", "batch.json"):
        (out / name).unlink()
    page = opened(root, "results/cells")
    assert "stopped: 0 of 12 are done" in page.warning[0].value
    page.button(key="experiments_again").click().run()
    until(page, lambda: bool(page.metric))
    assert metrics(page)["Images"] == "11"


def test_damaged_or_hostile_tables(cells, tmp_path):
    [folder] = result_folders(cells / "results")
    for name in ("experiments.parquet", "images.csv", "failures.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    results = read_results(tmp_path)
    assert results.picture(results.images.iloc[0]) is None
    outside = results.images.iloc[0].copy()
    outside["Overlay"] = "../../etc/passwd"
    assert results.picture(outside) is None
    assert results.files(outside, "passwd") == []
    (tmp_path / "experiments.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ReadError, match="cannot be read"):
        read_results(tmp_path)
    (tmp_path / "experiments.parquet").write_bytes((folder / "experiments.parquet").read_bytes())
    (tmp_path / "images.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ReadError):
        read_results(tmp_path)


@pytest.mark.parametrize(("objects", "bins"), [(30, 7), (100_000, 30)])
def test_a_distribution_of_few_objects_has_few_bins(objects, bins):
    values = pd.Series(np.linspace(0, 1, 2 * objects))
    groups = pd.Series(["one", "other"] * objects)
    chart = histogram(values, groups, "Experiment", "Radius (px)")
    assert chart.data["value"].nunique() == bins
