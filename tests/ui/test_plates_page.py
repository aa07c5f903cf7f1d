"""The Plates page by Streamlit's own test driver: empty, loaded, chosen from, clicked and wrong."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest
from support.small_plate import CHANNELS, saved_small_plate, write_picture

from ellimaps.plates.measuring.profile_sources import SOURCES
from ellimaps.plates.measuring.profiles import read_profiles, save_profiles
from ellimaps.plates.measuring.thumbnails import (
    contrast,
    field_picture,
    make_thumbnails,
    read_thumbnails,
    save_thumbnails,
)
from ellimaps.ui.components.image_sheet.image_sheet import _is_look
from ellimaps.ui.pages.plates.measure import measured
from ellimaps.ui.pages.plates.state import PlateRun, PlatesState


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    saved_small_plate(root)
    return root


def open_page(root, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    monkeypatch.chdir(tmp_path)
    page = AppTest.from_function(_page, default_timeout=60).run()
    assert not page.exception
    return page


def _page():
    from ellimaps.ui.pages.plates.page import render

    render()


@pytest.fixture
def page(data, monkeypatch, tmp_path):
    return open_page(data, monkeypatch, tmp_path)


@pytest.fixture
def sheets(monkeypatch):
    """What the page gives its images to be drawn of, the last run's last: this driver draws no components."""
    sent = []

    def taken(sheet, images, channels, **options):
        sent.append({"sheet": sheet, "images": images, "channels": channels, **options})

    monkeypatch.setattr("ellimaps.ui.pages.plates.images.image_sheet", taken)
    return sent


def titles(shown):
    return [image.title for image in shown["images"]]


def view(page, name):
    page.segmented_control(key="plates_view").set_value(name).run()
    assert not page.exception
    return page


def chosen_rows(page):
    return page.dataframe[0].value


def texts(page):
    return " ".join(element.value for element in [*page.markdown, *page.caption])


def test_one_control_finds_profiles_by_name_or_takes_a_path_and_has_the_last_first(
    data, monkeypatch, tmp_path
):
    root = tmp_path / "root"
    for name in ("a", "b"):
        shutil.copytree(data, root / name)
    page = open_page(root, monkeypatch, tmp_path)
    chosen = page.selectbox(key="plates_profiles")
    assert chosen.options == ["a/results/small", "b/results/small"]
    assert not [field for field in page.text_input if "data root" in field.label]
    chosen.set_value("b/results/small").run()
    page.run()
    assert page.selectbox(key="plates_profiles").options[0] == "b/results/small"
    for typed in ("b/results/../results/small", "nowhere"):
        page = AppTest.from_function(_page, default_timeout=60)
        page.query_params["plates_profiles"] = typed
        page.run()
        assert ("24 wells" in texts(page)) == (typed != "nowhere")
    assert "does not exist" in page.error[0].value
    assert page.session_state["PlatesState"].recent == []


def test_empty_says_what_to_do(monkeypatch, tmp_path):
    page = open_page(tmp_path, monkeypatch, tmp_path)
    assert "ellimaps plates profile" in page.info[0].value
    assert page.button(key="plates_new_start")
    assert "layout.csv" in page.code[0].value
    ended(page.button(key="plates_example").click().run())
    assert "**48 wells**" in texts(page)
    assert page.selectbox(key="plates_profiles").value == "example_plate/profiles"


def test_the_plate_is_saved_as_one_page_of_html(page):
    ended(page.button(key="plates_report").click().run())
    assert not page.error
    [saved] = [one for one in page.get("download_button") if "report" in one.proto.label]
    assert saved.proto.label == "Save the report (HTML)"


def test_loaded_lists_all_fields_and_suggests_a_control_beside_a_compound(page):
    assert "24 wells" in texts(page)
    assert len(chosen_rows(page)) == 48
    assert page.selectbox(key="plates_left").value == "A01 field 1, sizer 0.1 uM"
    assert page.selectbox(key="plates_right").value == "C01 field 1, DMSO"


def test_lasso_fills_the_table_and_the_left_picture(page):
    page.session_state["PlatesState"].selected = [6, 7, 30]
    page.run()
    assert list(chosen_rows(page)["well"]) == ["A04", "A04", "C04"]
    assert page.selectbox(key="plates_left").value.startswith("A04 field 1")
    assert page.selectbox(key="plates_right").value.startswith("A04 field 2")


def test_legend_hides_groups_from_the_table(page):
    rows = chosen_rows(page)
    fields = np.flatnonzero(rows["compound"].isin(["DMSO", "inert"])).tolist()
    page.session_state["PlatesState"].hide(["DMSO", "inert"], fields, drawn=False)
    page.run()
    assert set(chosen_rows(page)["compound"]) == {"dimmer", "sizer"}
    page.selectbox(key="plates_color").set_value("Concentration").run()
    assert len(chosen_rows(page)) == 48


def test_compounds_and_doses_chosen_together_filter_every_tab_alike(page, sheets):
    page.multiselect(key="plates_compounds").set_value(["sizer", "dimmer"])
    page.multiselect(key="plates_doses").set_value(["10 µM", "100 µM"]).run()
    assert "8 of 48 fields chosen**, in 4 of 24 wells" in texts(page)
    rows = chosen_rows(page)
    assert set(zip(rows["compound"], rows["concentration"], strict=True)) == {
        (name, dose) for name in ("sizer", "dimmer") for dose in (10, 100)
    }
    view(page, "Plate map")
    assert [well["well"] for well in drawn_wells(page) if well["chosen"]] == ["A03", "A04", "B01", "B02"]
    view(page, "By compound")
    assert page.selectbox(key="plates_compound").options == ["dimmer", "sizer"]
    assert titles(sheets[-1]) == ["Controls, C01", "10 µM, B01", "100 µM, B02"]
    page.button(key="plates_clear").click().run()
    assert len(sheets[-1]["images"]) == 5
    assert "fields chosen" not in texts(page)


def drawn_wells(page):
    """Wells of the plate map, as they are sent."""
    sent = page.get("vega_lite_chart")[0].proto.datasets
    tables = [pa.ipc.open_stream(one.data.data).read_all().to_pylist() for one in sent]
    return max(tables, key=len)


def test_a_lasso_filters_every_tab_and_is_kept_under_a_name(data, monkeypatch, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(data, root)
    page = open_page(root, monkeypatch, tmp_path)
    page.session_state["PlatesState"].select([6, 7, 9], drawn=True)
    view(page, "Plate map")
    page.text_input(key="plates_new_selection").set_value("odd ones").run()
    page.button(key="plates_save_selection").click().run()
    page.button(key="plates_clear").click().run()
    assert "fields chosen" not in texts(page)
    page.button(key="plates_choose_0").click().run()
    assert "3 of 48 fields chosen" in texts(page)
    state = page.session_state["PlatesState"]
    assert (state.selected, state.is_drawn) == ([6, 7, 9], True)
    page.segmented_control(key="plates_view").set_value("Scatter").run()
    page.segmented_control(key="plates_level").set_value("Wells").run()
    assert list(chosen_rows(page)["well"]) == ["A04", "A05"]
    page.button(key="plates_remove_0").click().run()
    assert not [one for one in page.button if one.key == "plates_choose_0"]


def test_what_is_chosen_is_written_down_and_found_again():
    state = PlatesState(shown="key")
    state.select([3, 4], drawn=True)
    state.hide(["DMSO"], [7], drawn=False)
    state.cells = [100, 2]
    again = PlatesState.of_facts(json.loads(json.dumps(state.facts())))
    assert (again.shown, again.selected, again.hidden, again.hidden_fields) == ("key", [3, 4], ["DMSO"], [7])
    assert again.is_drawn
    assert again.cells == [100, 2]
    again.show("other")
    assert (again.selected, again.hidden_fields, again.is_drawn) == ([], [], False)
    assert PlatesState.of_facts({"selected": "x", "hidden": 3}).selected == []


def test_rows_picked_in_the_table_are_shown_side_by_side(page):
    page.session_state["plates_table_field"] = {"selection": {"rows": [20, 2], "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    rows = chosen_rows(page)
    for key, row in (("plates_left", 20), ("plates_right", 2)):
        assert page.selectbox(key=key).value.startswith(
            f"{rows['well'].iloc[row]} field {rows['field'].iloc[row]}"
        )


@pytest.mark.parametrize("level", ["Fields", "Wells"])
@pytest.mark.parametrize("coloring", ["Concentration", "Cluster", "Control", "Plate", "Feature"])
def test_every_colouring(page, level, coloring):
    page.segmented_control(key="plates_level").set_value(level)
    page.selectbox(key="plates_color").set_value(coloring).run()
    assert not page.exception
    assert not page.error
    assert len(chosen_rows(page)) == (48 if level == "Fields" else 24)


def test_cells_are_points_and_those_chosen_are_counted_by_treatment(data, monkeypatch, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(data, root)
    profiles = read_profiles(root / "results" / "small")
    fields = profiles.fields
    cells = fields.loc[fields.index.repeat(5), ["plate", "well", "field"]].reset_index(drop=True)
    cells["area"] = np.random.default_rng(0).normal(300, 10, len(cells))
    cells["radius"] = np.sqrt(cells["area"])
    save_profiles(replace(profiles, cells=cells), root / "results" / "small")
    page = open_page(root, monkeypatch, tmp_path)
    page.segmented_control(key="plates_level").set_value("Cells").run()
    ended(page)
    assert "0 of 240 cells chosen" in texts(page)
    page.session_state["PlatesState"].cells = [0, 1, 2, 3, 4, 10]
    page.run()
    table = chosen_rows(page).set_index("treatment")
    assert table.loc["sizer 0.1 uM", ["cells", "chosen", "share"]].tolist() == [10, 5, 0.5]
    page.multiselect(key="plates_compounds").set_value(["sizer"]).run()
    assert "6 of 40 cells chosen" in texts(page)
    page.selectbox(key="plates_cell_color").set_value("Feature").run()
    assert not page.error
    assert not page.exception


def test_a_plate_without_cells_says_so(page):
    page.segmented_control(key="plates_level").set_value("Cells").run()
    assert "holds no cells" in ended(page).info[0].value


def test_plate_map_compares_edge_and_inside(page):
    view(page, "Plate map")
    assert "Edge effect: control wells at the edge" in texts(page)
    page.segmented_control(key="plates_unit").set_value("Against the controls (robust z)").run()
    assert not page.exception
    assert len(page.get("vega_lite_chart")) == 3


def specifications(page):
    return [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]


def test_a_well_shows_its_images(page, sheets):
    """Clicks are in tests/browser/test_plates.py: this driver knows no charts."""
    view(page, "Plate map")
    page.selectbox(key="plates_well").set_value("B03").run()
    assert "B03, inert" in texts(page)
    assert titles(sheets[-1]) == ["B03 field 1", "B03 field 2"]


def test_wells_of_several_plates_are_told_apart_and_their_quality_is_in_words(data, monkeypatch, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(data, root)
    profiles = read_profiles(root / "results" / "small")
    fields, wells = (
        pd.concat([table, table.assign(plate="two")], ignore_index=True)
        for table in (profiles.fields, profiles.wells)
    )
    save_profiles(replace(profiles, fields=fields, wells=wells), root / "results" / "small")
    page = view(open_page(root, monkeypatch, tmp_path), "Plate map")
    # What a click tells is what the list knows.
    known = page.selectbox(key="plates_well").options
    assert {well["place"] for well in drawn_wells(page)} <= set(known)
    assert len(set(known)) == 48
    for positive in ("none", "sizer 100 uM"):
        page.selectbox(key="plates_positive").set_value(positive).run()
        assert not [name for name in page.dataframe[0].value if "_" in name]


def test_a_correction_is_shown_before_and_after_in_one_scale(page):
    view(page, "Plate map")
    page.selectbox(key="plates_correct").set_value("polish").run()
    maps = [one for one in specifications(page) if "params" in one]
    assert [one["title"]["text"].split(", ")[-1] for one in maps] == ["as measured", "corrected"]
    scales = [one["layer"][0]["encoding"]["color"]["scale"]["domain"] for one in maps]
    assert scales[0] == scales[1]


def test_quality_of_the_assay_stands_above_the_map(page):
    view(page, "Plate map")
    assert "Controls: 12 wells" in texts(page)
    page.selectbox(key="plates_positive").set_value("sizer 100 uM").run()
    assert "Z' is not known: it takes three wells of each" in texts(page)


@pytest.mark.parametrize("name", ["Scatter", "Plate map", "By compound"])
def test_effects_of_place_can_be_taken_off(page, name):
    page.session_state["PlatesState"].selected = [6, 7, 30]
    view(page, name)
    page.selectbox(key="plates_correct").set_value("polish").run()
    assert not page.exception
    assert not page.error
    if name == "Scatter":
        assert len(chosen_rows(page)) == 3
    if name == "Plate map":
        assert "position explains: row 0%" in texts(page)


def test_the_plate_can_be_measured_by_a_network(page):
    assert {"plain", "autoencoder", "deep:vgg19"} <= set(SOURCES)
    page.selectbox(key="plates_new_source").set_value("autoencoder").run()
    assert not page.exception


def test_a_compound_is_shown_over_its_doses_with_controls_beside(page, sheets):
    view(page, "By compound")
    page.selectbox(key="plates_compound").set_value("sizer")
    page.selectbox(key="plates_measure").set_value("nuclei_area").run()
    assert not page.exception
    assert titles(sheets[-1]) == ["Controls, C01", "0.1 µM, A01", "1 µM, A02", "10 µM, A03", "100 µM, A04"]
    assert len(page.get("vega_lite_chart")) == 1
    assert "A03, sizer 10 uM" not in texts(page)
    # What a click on the fourth image does.
    sheets[-1]["on_open"](3)
    page.session_state["plates_well"] = "A03"
    page.run()
    assert "A03, sizer 10 uM" in texts(page)
    assert titles(sheets[-1]) == ["A03 field 1", "A03 field 2"]


def test_channels_look_in_all_images_as_they_were_chosen(page, sheets):
    look = {"channels": [{"on": True, "color": "#ff0000", "low": 0, "high": 50}] * 2, "gamma": 0.5}
    sheets_before = sheets[-1:] or [None]
    page.run()
    sheets[-1]["on_look"](look)
    view(page, "By compound")
    assert sheets[-1]["look"] == look
    assert sheets_before != sheets[-1:]
    again = PlatesState.of_facts(json.loads(json.dumps(page.session_state["PlatesState"].facts())))
    assert again.look == look


@pytest.mark.parametrize("look", [None, {}, {"channels": [], "gamma": 1}, {"channels": 3}, {"gamma": 1}])
def test_what_is_no_look_of_these_channels_is_left_out(look):
    assert not _is_look(look, 2)
    good = {"on": True, "color": "#ff0000", "low": 0, "high": 50}
    assert _is_look({"channels": [good, good], "gamma": 0.5}, 2)
    for name, value in (("color", "red"), ("low", "x"), ("high", 200), ("on", None)):
        assert not _is_look({"channels": [good, good | {name: value}], "gamma": 0.5}, 2)


def with_cells_at(data, root):
    """The plate with four cells in each field, one of them at the border."""
    shutil.copytree(data, root)
    profiles = read_profiles(root / "results" / "small")
    fields = profiles.fields
    cells = fields.loc[fields.index.repeat(4), ["plate", "well", "field"]].reset_index(drop=True)
    cells["y"] = np.tile([20.0, 5.0, 40.0, 1.0], len(fields))
    cells["x"] = np.tile([30.0, 5.0, 40.0, 1.0], len(fields))
    cells["radius"], cells["area"] = 3.0, np.random.default_rng(0).normal(300, 10, len(cells))
    cells["at_border"] = np.tile([False, False, False, True], len(fields))
    facts = {**profiles.facts, "root": str(root / "pictures")}
    save_profiles(replace(profiles, cells=cells, facts=facts), root / "results" / "small")
    return root


def test_the_sheet_shows_cells_cut_out_of_the_fields(data, monkeypatch, tmp_path, sheets):
    page = open_page(with_cells_at(data, tmp_path / "root"), monkeypatch, tmp_path)
    view(page, "By compound")
    page.segmented_control(key="plates_sheet_of").set_value("Cells").run()
    ended(page)
    page.run()
    assert len(titles(sheets[-1])) == 5
    cut = sheets[-1]["images"][1].values
    # Three rows of three, each three radii around its center; where there is no cell, nothing was measured.
    assert cut.shape == (2, 58, 58)
    assert np.isfinite(cut[:, :18, :18]).all()
    assert np.isnan(cut[:, 20:]).all()
    # The square of the field's image lies around the first; the others lie beside it, near the image's edges.
    cells = [cut[0, :18, left : left + 18] for left in (0, 20, 40)]
    assert [np.nanmean(one) > 500 for one in cells] == [True, False, False]
    assert np.isnan(cells[1][:4]).all()
    assert np.isnan(cells[2][-1]).all()


def test_a_plate_without_cells_shows_the_curve_and_says_why_there_is_no_sheet_of_cells(page):
    view(page, "By compound")
    page.segmented_control(key="plates_sheet_of").set_value("Cells").run()
    ended(page).run()
    assert "holds no cells" in page.info[0].value
    assert len(page.get("vega_lite_chart")) == 1


@pytest.mark.parametrize("compound", ["sizer", "inert"])
@pytest.mark.parametrize("measure", ["distance", "nuclei_area"])
def test_an_ec50_stands_beside_its_curve_with_limits_or_is_said_not_to_hold(page, measure, compound):
    view(page, "By compound")
    page.selectbox(key="plates_compound").set_value(compound)
    page.selectbox(key="plates_measure").set_value(measure).run()
    said = " ".join(one.value for one in [*page.success, *page.caption])
    [chart] = specifications(page)
    marks = [layer["mark"]["type"] for layer in chart["layer"]]
    assert marks[0] == "point"
    is_given = "EC50 " in said and "No EC50: " not in said
    assert (marks.count("line"), marks.count("area")) == (is_given, is_given)
    assert ("95 % limits" in chart["title"]["text"]) == is_given
    assert is_given == (compound == "sizer")


def test_answers_name_what_was_made_active(page):
    view(page, "Answers")
    for _ in range(40):
        if page.dataframe:
            break
        page.run()
    compounds = page.dataframe[0].value.set_index("compound")
    assert not compounds.loc["inert", "active"]
    assert len(compounds) == 3
    labels = [one.get("label", "") for one in json.loads(page.dataframe[0].proto.columns).values()]
    assert {"Compound", "Changes cells", "From which dose on"} <= set(labels)
    assert not any("_" in label for label in labels)


def answered(page):
    view(page, "Answers")
    for _ in range(40):
        if page.dataframe:
            return page
        page.run()
    raise AssertionError("no answers")


def test_a_row_of_the_answers_opens_its_images_and_its_place(page, sheets):
    answered(page)
    page.session_state["plates_treatments_table"] = {"selection": {"rows": [3], "columns": [], "cells": []}}
    page.run()
    rows = page.dataframe[2].value
    name = f"{rows['compound'].iloc[3]} {rows['dose'].iloc[3]}"
    assert name in texts(page)
    assert titles(sheets[-1])[0].endswith(f"{rows['compound'].iloc[3]} 100 uM")
    [chart] = specifications(page)
    assert chart["title"].endswith(name)
    page.button(key=f"plates_open_{name}").click().run()
    assert "2 of 48 fields chosen" in texts(page)
    assert not page.session_state["PlatesState"].is_drawn


def test_groups_are_compared_by_wells_and_a_lasso_gets_no_p(page):
    answered(page)
    page.selectbox(key="plates_group_1").set_value("Compound sizer").run()
    assert "features differ" in texts(page)
    assert "4 against 12 wells" in texts(page)
    table = next(one.value for one in page.dataframe if "difference_sd" in one.value)
    assert table["name"].iloc[0] == "nuclei area"
    assert table["q"].iloc[0] < 0.05
    page.session_state["PlatesState"].select([0, 1, 2, 3], drawn=True)
    page.run()
    page.selectbox(key="plates_group_1").set_value("Chosen now").run()
    assert "drawn by its features" in page.info[0].value
    assert "q" not in next(one.value for one in page.dataframe if "difference_sd" in one.value)


def test_damaged_profiles_are_a_sentence(data, monkeypatch, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(data, root)
    (root / "results" / "small" / "fields.parquet").write_bytes(b"no parquet")
    page = open_page(root, monkeypatch, tmp_path)
    assert "fields.parquet was changed after it was written" in page.error[0].value


def test_pictures_outside_of_the_data_root_are_not_read(data, monkeypatch, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(data / "results", root / "results")
    page = open_page(root, monkeypatch, tmp_path)
    assert "is not below the data root" in page.error[0].value
    assert len(chosen_rows(page)) == 48


def test_file_names_must_not_lead_out_of_the_folder(data, monkeypatch, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(data, root)
    facts = root / "results" / "small" / "plate.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"root": str(root / "results")}))
    page = open_page(root, monkeypatch, tmp_path)
    assert page.error


def test_measuring_needs_folders_below_the_root(page):
    page.text_input(key="plates_new_pictures").set_value("../elsewhere")
    page.button(key="plates_new_start").click().run()
    page.text_input(key="plates_new_layout").set_value("layout.csv")
    page.button(key="plates_new_start").click().run()
    assert "is not below" in page.error[0].value or "does not exist" in page.error[0].value


@pytest.mark.parametrize(("empty", "said"), [("pictures", "folder of the images"), ("layout", "CSV or XLSX")])
def test_empty_fields_are_asked_for(page, empty, said):
    for name in {"pictures", "layout"} - {empty}:
        page.text_input(key=f"plates_new_{name}").set_value("pictures")
    page.button(key="plates_new_start").click().run()
    assert said in page.error[0].value


def imaged(root, *, names="B{column:02d}_x{field}.tif"):
    """A root with three wells of two fields in images, and their layout; nothing is measured."""
    random = np.random.default_rng(1)
    for column in range(1, 4):
        for number in range(1, 3):
            write_picture(root / "images" / names.format(column=column, field=number), random, 500)
    (root / "layout.csv").write_text("well,compound,control\nB01,DMSO,1\nB02,DMSO,1\nB03,x,0\n")
    return root


def ask(page, **fields):
    for name, text in fields.items():
        page.text_input(key=f"plates_new_{name}").set_value(text)
    return page.button(key="plates_new_start").click().run()


def ended(page):
    """The page once its work in the background has ended."""
    for _ in range(600):
        if page.session_state["PlatesState"].task is None:
            return page
        time.sleep(0.2)
        page.run()
    raise AssertionError("the work does not end")


def test_other_file_names_are_read_by_a_pattern_typed_on_the_page(monkeypatch, tmp_path):
    page = open_page(imaged(tmp_path), monkeypatch, tmp_path)
    where = {"pictures": "images", "layout": "layout.csv", "out": "results/new"}
    assert "give a pattern" in ended(ask(page, **where)).warning[0].value
    ended(ask(page, pattern="{well}_x{field}"))
    assert len(read_profiles(tmp_path / "results" / "new").fields) == 6


def test_a_text_named_like_an_image_fails_as_one_field_and_is_named(monkeypatch, tmp_path):
    page = open_page(imaged(tmp_path, names="p_B{column:02d}_s{field}.tif"), monkeypatch, tmp_path)
    (tmp_path / "images" / "p_B03_s2.tif").write_text("no image")
    ended(ask(page, pictures="images", layout="layout.csv", out="results/new"))
    assert "1 of 6 fields cannot be measured (B03 field 2)" in page.warning[0].value
    assert "p_B03_s2.tif" in (tmp_path / "results" / "new" / "failures.csv").read_text()
    assert not page.error


def test_what_is_measured_is_continued(tmp_path):
    imaged(tmp_path, names="p_B{column:02d}_s{field}.tif")
    asked = PlateRun(tmp_path / "images", tmp_path / "layout.csv", tmp_path / "new")
    measured(asked, lambda *_: None)
    records = sorted((tmp_path / "new").rglob("records/*.json"))
    written = [file.stat().st_mtime_ns for file in records]
    assert len(records) == 6
    measured(asked, lambda *_: None)
    assert [file.stat().st_mtime_ns for file in records] == written


def test_the_page_asks_before_it_replaces_profiles_of_other_images(data, monkeypatch, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(data, root)
    imaged(root, names="p_B{column:02d}_s{field}.tif")
    before = (root / "results" / "small" / "plate.json").read_bytes()
    page = open_page(root, monkeypatch, tmp_path)
    ask(page, pictures="images", layout="layout.csv", out="results/small")
    assert "the profiles of other images" in page.warning[0].value
    assert page.session_state["PlatesState"].task is None
    assert (root / "results" / "small" / "plate.json").read_bytes() == before
    page.button(key="plates_new_keep").click().run()
    assert not page.warning
    ask(page)
    ended(page.button(key="plates_new_replace").click().run())
    assert len(read_profiles(root / "results" / "small").fields) == 6


def test_thumbnails_show_each_field_at_its_place(data, tmp_path):
    profiles = read_profiles(data / "results" / "small")
    drawn = make_thumbnails(profiles)
    save_thumbnails(drawn, tmp_path)
    assert read_thumbnails(tmp_path, profiles.fields) == drawn
    assert read_thumbnails(tmp_path, profiles.fields.iloc[:0]) is None
    assert make_thumbnails(profiles).sheets == drawn.sheets


def test_an_image_without_values_chooses_no_contrast():
    assert contrast(np.full((32, 32), np.nan, np.float32), (1, 99)) == (0.0, 1.0)


def test_a_field_looks_the_same_whatever_it_stands_beside(data, monkeypatch, tmp_path, sheets):
    """Seen: strong beside a dim field, nearly invisible beside a bright one."""
    root = tmp_path / "root"
    shutil.copytree(data, root)
    random = np.random.default_rng(0)
    for number in (1, 2):
        for channel in CHANNELS:
            write_picture(root / "pictures" / f"C06_f{number}_{channel}.tif", random, 9000)
    facts = root / "results" / "small" / "plate.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"root": str(root / "pictures")}))
    page = open_page(root, monkeypatch, tmp_path)
    names = page.selectbox(key="plates_right").options
    for partner in ("C01", "C06"):
        page.selectbox(key="plates_right").set_value(next(n for n in names if n.startswith(partner))).run()
    beside_dim, beside_bright = sheets[-2:]
    assert beside_bright["images"][1].values.max() > 3 * beside_dim["images"][1].values.max()
    assert beside_dim["channels"] == beside_bright["channels"]
    # Known: the ground is 200, squares 600 and 900, those of two fields of 48 9200.
    assert beside_dim["channels"][0].low == pytest.approx(150, abs=20)
    assert 600 < beside_dim["channels"][0].high < 9300


def test_a_field_is_read_channel_by_channel(data):
    profiles = read_profiles(data / "results" / "small")
    picture = field_picture(data / "pictures", profiles.fields["files"].iloc[0], 2)
    assert picture.shape == (2, 48, 48)
    inside = picture[:, 14:28, 22:38].mean(axis=(1, 2))
    assert np.allclose(inside, [600, 900], atol=20)


def test_an_address_names_what_is_shown(data, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(data))
    monkeypatch.chdir(tmp_path)
    page = AppTest.from_function(_page, default_timeout=60)
    named = {"plates_view": "By compound", "plates_compound": "sizer", "plates_measure": "nuclei_area"}
    for name, value in (named | {"plates_correct": "rows and columns"}).items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    assert page.selectbox(key="plates_compound").value == "sizer"
    assert page.selectbox(key="plates_correct").value == "polish"
