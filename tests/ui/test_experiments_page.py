"""The Experiments page by Streamlit's own test driver: empty, loaded, clicked and wrong."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import ROOT
from streamlit.testing.v1 import AppTest
from support.cell_results import cell_results

from ellimaps.batch.results import read_results, result_folders
from ellimaps.core.errors import ReadError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data root with results of twelve images, one of them broken; images of one object are flagged."""
    root = tmp_path_factory.mktemp("data")
    cell_results(root)
    return root


def open_page(root, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    monkeypatch.chdir(tmp_path)
    page = AppTest.from_function(_page, default_timeout=60).run()
    assert not page.exception
    return page


def _page():
    from ellimaps.ui.pages.experiments.page import render

    render()


@pytest.fixture
def page(data, monkeypatch, tmp_path):
    return open_page(data, monkeypatch, tmp_path)


def metrics(page):
    return {metric.label: metric.value for metric in page.metric}


def tables(page):
    return [element.value for element in page.dataframe]


def test_navigation_has_the_page(data, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(data))
    monkeypatch.chdir(tmp_path)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    assert not page.exception


def test_empty_says_what_to_do(monkeypatch, tmp_path):
    page = open_page(tmp_path, monkeypatch, tmp_path)
    assert "ellimaps cells detect" in page.info[0].value
    assert not page.metric


def test_loaded_counts_what_the_tables_hold(page, data):
    out = data / "results" / "cells"
    objects, images = pd.read_csv(out / "experiments.csv"), pd.read_csv(out / "images.csv")
    flagged = int(images["Flags"].notna().sum())
    assert flagged > 0
    assert metrics(page) == {
        "Images": "11", "Objects": str(len(objects)), "Experiments": "4",
        "Flagged images": str(flagged), "Failed images": "1",
    }  # fmt: skip
    assert len(page.get("vega_lite_chart")) == 6
    assert len(tables(page)[0]) == 11
    assert "failed" in page.expander[-1].label


def test_clicked_row_shows_its_overlay_and_objects(page):
    images = tables(page)[0]
    row = int(images["Objects"].argmax())
    page.session_state["experiments_images"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    [overlay, *_] = page.get("image")
    assert overlay
    objects = tables(page)[1]
    assert len(objects) == images["Objects"].iloc[row] > 0
    assert list(objects.columns[:5]) == ["Circle", "X", "Y", "R", "Mean Intensity"]


def test_filters_and_comparison(page):
    page.toggle(key="experiments_flagged").set_value(True).run()
    assert (tables(page)[0]["Flags"] != "").all()
    page.toggle(key="experiments_flagged").set_value(False)
    page.multiselect(key="experiments_subjects").set_value(["subject_01"]).run()
    assert set(tables(page)[0]["Subject"]) == {"subject_01"}
    assert list(tables(page)[1]["Experiment"]) == ["experiment_00", "experiment_01"]
    page.multiselect(key="experiments_compared").set_value(["experiment_00"]).run()
    assert len(tables(page)) == 2
    assert not page.exception


@pytest.mark.parametrize("typed", ["..", "/etc", "acquisitions", "nowhere"])
def test_other_folders_are_refused_with_a_sentence(page, typed):
    page.text_input(key="experiments_typed").set_value(typed).run()
    assert len(page.error) == 1
    assert not page.metric


def test_damaged_or_hostile_tables(data, tmp_path):
    [folder] = result_folders(data)
    for name in ("experiments.parquet", "images.csv", "failures.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    results = read_results(tmp_path)
    assert results.picture(results.images.iloc[0]) is None
    outside = results.images.iloc[0].copy()
    outside["Overlay"] = "../../etc/passwd"
    assert results.picture(outside) is None
    (tmp_path / "experiments.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ReadError, match="cannot be read"):
        read_results(tmp_path)
    (tmp_path / "experiments.parquet").write_bytes((folder / "experiments.parquet").read_bytes())
    (tmp_path / "images.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ReadError):
        read_results(tmp_path)


def test_counts_and_comparison_are_right(data):
    results = read_results(result_folders(data)[0])
    counts = results.counts("Subject").set_index("Subject")
    for subject, group in results.objects.groupby("Subject"):
        assert counts.loc[subject, "Objects"] == len(group)
    compared = results.comparison(["experiment_00"])
    radii = results.objects.query("Experiment == 'experiment_00'")["R"]
    assert compared["R median"].iloc[0] == radii.median()
