"""Opening profiles of other software on the Plates page, and what it says of controls and plates."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest
from support.cellprofiler_run import LAYOUT, tables, write_csv, write_sqlite
from support.plates_profiles import profiles
from support.small_plate import saved_small_plate

from ellimaps.plates.measuring.profiles import read_profiles, save_profiles
from ellimaps.ui.pages.plates.opening import sources_below


def _page():
    from ellimaps.ui.pages.plates.page import render

    render()


def open_page(root, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    page = AppTest.from_function(_page, default_timeout=60).run()
    assert not page.exception
    return page


def texts(page):
    return " ".join(element.value for element in [*page.markdown, *page.caption])


def wait(page, condition):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        page.run()
        assert not page.exception
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError([*texts(page), *(warning.value for warning in page.warning)])


def test_what_can_be_opened_is_found(tmp_path):
    made, _ = tables()
    write_csv(tmp_path / "a" / "run", made)
    write_sqlite(tmp_path / "a" / "run.sqlite", made)
    (tmp_path / "a" / "p.csv.gz").write_bytes(b"")
    (tmp_path / "a" / "notes.csv").write_text("")
    saved_small_plate(tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in sources_below(tmp_path)}
    assert found == {"a/run", "a/run.sqlite", "a/p.csv.gz", "results/small"}


def test_runs_of_cellprofiler_become_one_table_of_plates(tmp_path, monkeypatch):
    for number in range(3):
        write_csv(tmp_path / f"run{number}", tables(f"P{number}", number)[0])
    (tmp_path / "layout.csv").write_text(LAYOUT)
    page = open_page(tmp_path, monkeypatch)
    chosen = page.multiselect(key="plates_open_sources")
    assert chosen.options == ["run0", "run1", "run2"]
    page.button(key="plates_open_start").click().run()
    assert "none is chosen" in page.error[0].value
    page.multiselect(key="plates_open_sources").set_value(["run0", "run1", "run2"])
    page.text_input(key="plates_open_layout").set_value("layout.csv")
    page.text_input(key="plates_open_out").set_value("results/three")
    page.button(key="plates_open_start").click().run()
    wait(page, lambda: "12 wells" in texts(page))
    assert page.selectbox(key="plates_profiles").value == "results/three"
    assert read_profiles(tmp_path / "results" / "three").wells["plate"].nunique() == 3
    for tab in ("Scatter", "Plate map", "Quality", "By compound", "Answers"):
        page.segmented_control(key="plates_view").set_value(tab).run()
        assert not page.exception


def test_a_wrong_layout_is_told_and_nothing_is_written(tmp_path, monkeypatch):
    write_csv(tmp_path / "run", tables()[0])
    (tmp_path / "layout.csv").write_text("well,compound\nH12,x\n")
    page = open_page(tmp_path, monkeypatch)
    page.multiselect(key="plates_open_sources").set_value(["run"])
    page.text_input(key="plates_open_layout").set_value("layout.csv")
    page.button(key="plates_open_start").click().run()
    wait(page, lambda: any("no well in common" in warning.value for warning in page.warning))
    assert not (tmp_path / "results").exists()


@pytest.fixture
def several(tmp_path):
    made = profiles(2, plates=("p", "q"), by_position=lambda plate, *_: {"mean_ch2": 6.0 * (plate == "q")})
    save_profiles(made, tmp_path / "several")
    return tmp_path


def test_quality_says_controls_and_plates(several, monkeypatch):
    page = open_page(several, monkeypatch)
    page.selectbox(key="plates_profiles").set_value("several").run()
    page.segmented_control(key="plates_view").set_value("Quality").run()
    wait(page, lambda: "Of the variance between wells" in texts(page))
    assert "choose a compound" in texts(page)
    shown = next(one for one in page.dataframe if "plate" in one.value)
    assert "z_prime" not in shown.value
    page.selectbox(key="plates_quality_positive").set_value("Brighter").run()
    wait(page, lambda: any("z_prime" in one.value for one in page.dataframe))
    every = next(one.value for one in page.dataframe if "feature" in one.value)
    assert every.set_index(["plate", "feature"]).loc[("p", "mean_ch2"), "ssmd"] > 3
    charts = page.get("vega_lite_chart")
    assert len(charts) == 3


def test_one_plate_is_not_compared(tmp_path, monkeypatch):
    saved_small_plate(tmp_path)
    page = open_page(tmp_path, monkeypatch)
    page.selectbox(key="plates_profiles").set_value("results/small").run()
    page.segmented_control(key="plates_view").set_value("Quality").run()
    wait(page, lambda: "Plates are compared where" in texts(page))
