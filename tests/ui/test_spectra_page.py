"""A file of spectra on the page Maps: offered, opened, asked about, fitted, and found again."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from streamlit.testing.v1 import AppTest
from support.spots import FILM, MODEL_TEXT, PLACES, spots_folder

from ellimaps.readers.spectra import open_spectra
from ellimaps.spectra.files import export_spectra_fit, spectra_fit_contents
from ellimaps.spectra.fit import fit_spectra
from ellimaps.ui.pages.maps import open_data
from ellimaps.ui.pages.maps.export import zipped
from ellimaps.ui.pages.maps.fit_tables import FitsShown
from ellimaps.ui.pages.maps.fitting import fitted_spectra
from ellimaps.ui.pages.maps.spectra_data import look_of
from ellimaps.ui.pages.maps.spectra_spots import spots_chart
from ellimaps.ui.shared import state as shared_state


def _page():
    from ellimaps.ui.pages.maps.page import render
    from ellimaps.ui.shared.state import write_work

    render()
    write_work()


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(tmp_path))
    monkeypatch.setenv("ELLIMAPS_STATE", str(tmp_path / ".state"))
    monkeypatch.chdir(tmp_path)
    # Streamlit's test driver has no server that knows which sessions are open.
    monkeypatch.setattr(shared_state, "_is_open", lambda _: False)
    return spots_folder(tmp_path)


def visit(**address):
    page = AppTest.from_function(_page, default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    return fine(page.run())


def fine(page):
    assert not page.exception
    assert not page.error, [error.value for error in page.error]
    return page


def opened(path):
    page = visit()
    page.text_input(key="path").set_value(path)
    next(button for button in page.button if button.label == "Open").click()
    return page.run()


def view(page, name):
    return fine(page.segmented_control(key="view").set_value(name).run())


def press(page, key):
    return fine(page.button(key=key).click().run())


def fitted(path):
    return press(view(opened(path), "Fit"), "fit")


def table_of(page):
    return next(one.value for one in page.dataframe if "verdict" in one.value)


def texts(page):
    return " ".join(one.value for one in [*page.markdown, *page.caption, *page.info, *page.warning])


def address_of(page, *keys):
    given = {key: page.query_params[key] for key in keys}
    return {key: value[0] if isinstance(value, list) else value for key, value in given.items()}


def charts(page):
    return [json.loads(one.proto.spec) for one in page.get("vega_lite_chart")]


def test_files_of_spectra_are_listed_and_open_by_a_click(folder):
    page = visit()
    press(page, f"browse_{folder}")
    labels = [button.label for button in page.button if (button.key or "").startswith("spectra_")]
    assert labels == ["spot.csv", "untitled.txt", "wafer.csv"]
    press(page, f"spectra_{folder / 'spot.csv'}")
    assert "1 spectrum, 400–800 nm, 65°" in texts(page)
    assert page.segmented_control(key="view").options == ["Data", "Fit"]
    assert not [one for one in page.number_input if one.key == "k"]


def test_the_data_are_drawn_with_their_errors_and_a_table():
    page = fine(opened("spots/spot.csv"))
    titles = [chart["layer"][1]["encoding"]["y"]["title"] for chart in charts(page)]
    assert titles == ["Delta (°)", "Psi (°)"]
    assert all(chart["layer"][0]["encoding"]["y2"]["field"] == "high" for chart in charts(page))
    assert len(page.dataframe[0].value) == 41
    assert {"Psi_sd", "Delta_sd"} <= set(page.dataframe[0].value.columns)


def test_a_folder_of_spectra_offers_them(folder):
    page = opened("spots")
    assert "holds no maps but spectra" in page.error[0].value
    press(page, f"below_{folder / 'wafer.csv'}")
    assert "4 spectra" in texts(page)


@pytest.mark.parametrize(
    ("name", "needle"),
    [("spots/notes.txt", "no rows of numbers"), ("spots/absent.csv", "does not exist")],
)
def test_what_is_no_spectrum_is_one_sentence(name, needle):
    page = opened(name)
    assert not page.exception
    (error,) = page.error
    assert needle in error.value


def test_columns_that_are_not_told_are_asked_for_once():
    page = fine(opened("spots/untitled.txt"))
    assert "untitled.txt has 4 columns without titles" in texts(page)
    assert "--columns" not in texts(page)
    kinds = ("psi", "psi", "aoi_deg", "wavelength_nm")
    for number, kind in enumerate(kinds):
        page.selectbox(key=f"column_{number}_untitled.txt").set_value(kind)
    page = next(one for one in page.button if one.label == "Open with these columns").click().run()
    assert "Two columns are Psi" in page.error[0].value
    page.selectbox(key="column_1_untitled.txt").set_value("delta")
    fine(next(one for one in page.button if one.label == "Open with these columns").click().run())
    assert "1 spectrum, 400–800 nm, 65°" in texts(page)
    address = address_of(page, "folder", "columns")
    assert address == {"folder": "spots/untitled.txt", "columns": "psi delta aoi_deg wavelength_nm"}
    # A copied address answers as well, and so does who opens it again.
    assert "1 spectrum, 400–800 nm, 65°" in texts(visit(**address))
    press(page, "open_another")
    page.text_input(key="path").set_value("spots/untitled.txt")
    next(button for button in page.button if button.label == "Open").click().run()
    assert "1 spectrum, 400–800 nm, 65°" in texts(page)


def test_a_question_can_be_left():
    page = fine(opened("spots/untitled.txt"))
    fine(next(one for one in page.button if one.label == "Cancel").click().run())
    assert page.text_input(key="path")


def test_before_a_fit_the_model_is_drawn_and_said_what_to_do():
    page = view(opened("spots/spot.csv"), "Fit")
    assert "Press **Fit**" in texts(page)
    assert "segment" not in texts(page).lower()
    assert [chart["layer"] for chart in charts(page)]


def test_the_fit_is_that_of_the_library_and_its_files_those_of_the_command(folder, tmp_path):
    page = fitted("spots/spot.csv")
    (row,) = table_of(page).to_dict("records")
    direct = fit_spectra(open_spectra(folder / "spot.csv"), FILM)
    value, error = (float(one) for one in row["thickness (nm)"].split(" ± "))
    assert value == pytest.approx(direct.fits[0].parameters["thickness_nm"], abs=1e-4)
    assert value == pytest.approx(123.4, abs=4 * error)
    assert row["verdict"] == "ok"
    assert "(the file)" in texts(page)
    assert next(one.value for one in page.dataframe if "from" in one.value).shape[0] == 1
    state = page.session_state["MapsState"]
    fits = fitted_spectra(state.source, state.film.setup)
    with zipfile.ZipFile(io.BytesIO(zipped(spectra_fit_contents(fits)))) as archive:
        ours = {name: archive.read(name) for name in archive.namelist()}
    written = {path.name: path.read_bytes() for path in export_spectra_fit(fits, tmp_path / "out")}
    assert ours == written
    tables = {f"spot_fit{end}.csv" for end in ("", "_curves", "_certainty", "_sensitivity")}
    assert set(ours) == tables | {"spot_fit.png", "spot_fit.json"}


def test_several_places_are_a_map_and_the_chosen_one_is_drawn():
    page = fitted("spots/wafer.csv")
    assert "**3 of 4** spectra are trusted" in texts(page)
    assert "1 not trusted: gray crosses" in texts(page)
    table = table_of(page)
    assert table["verdict"].tolist()[2] != "ok"
    assert table["x (mm)"].tolist() == ["-10", "0", "10", "10"]
    spots = charts(page)[0]
    assert spots["layer"][0]["encoding"]["x"]["title"] == "x (mm)"
    assert spots["layer"][0]["encoding"]["color"]["title"] == "thickness (nm)"
    page.select_slider(key="cluster").set_value(3)
    fine(page.run())
    slider = next(one for one in page.slider if one.label.startswith("Thickness"))
    assert slider.label == "Thickness (nm) of spectrum 3"
    assert slider.value == pytest.approx(PLACES[3][2], abs=0.1)
    page.pills(key="fit_spots_of").set_value("flag")
    fine(page.run())
    assert charts(page)[0]["layer"][0]["encoding"]["color"]["title"] == "verdict"


def test_a_mm_is_as_long_on_both_axes_of_the_map_of_spots(folder):
    spectra = open_spectra(folder / "wafer.csv")
    fits = fit_spectra(spectra, FILM)
    shown = FitsShown("spectrum", look_of(spectra), fits.fits, fits.model)
    chart = spots_chart(shown, fits, "thickness_nm", "thickness (nm)", 1)
    encoding = chart["layer"][0]["encoding"]
    spans = [encoding[axis]["scale"]["domain"] for axis in "xy"]
    mm = [
        (high - low) / size
        for (low, high), size in zip(spans, (chart["width"], chart["height"]), strict=True)
    ]
    assert mm[0] == pytest.approx(mm[1], rel=0.01)
    assert chart["autosize"] == {"type": "pad"}
    (data,) = chart["datasets"].values()
    assert [row["value"] is None for row in data] == [False, False, True, False]


def test_a_changed_model_is_said():
    page = fitted("spots/spot.csv")
    page.selectbox(key="film").set_value("Si3N4 on Si")
    fine(page.run())
    assert "have changed since this fit" in texts(page)


def test_the_editor_and_the_options_are_those_of_maps_without_clusters():
    page = view(opened("spots/spot.csv"), "Fit")
    page.toggle(key="film_edit").set_value(True)
    fine(page.run())
    assert [box.label for box in page.selectbox if box.label == "Layer 1"]
    assert not [button for button in page.button if "reference" in (button.key or "")]
    labels = [one.label for one in page.number_input]
    assert "Noise of Psi (°)" in labels
    assert not [label for label in labels if "cluster" in label.lower()]


def test_an_unknown_angle_is_one_sentence_and_the_editor_gives_it(folder):
    spectra = open_spectra(folder / "spot.csv").table[["wavelength_nm", "Psi", "Delta"]]
    spectra.to_csv(folder / "angle.csv", index=False)
    page = view(opened("spots/angle.csv"), "Fit")
    assert "does not tell its angle of incidence" in texts(page)
    assert page.button(key="fit").disabled
    page.toggle(key="film_edit").set_value(True)
    fine(page.run())
    next(box for box in page.selectbox if box.label == "Angle of incidence").set_value("given")
    fine(page.run())
    next(one for one in page.number_input if one.label == "Angle (°)").set_value(65.0)
    fine(page.run())
    assert not page.button(key="fit").disabled
    (folder / "model.toml").write_text("aoi_deg = 65.0\n" + MODEL_TEXT)
    page = fitted("spots/angle.csv")
    assert table_of(page)["thickness (nm)"].iloc[0].startswith("123.")


def test_a_fit_is_there_after_a_reload_and_in_another_browser():
    page = fitted("spots/spot.csv")
    value = table_of(page)["thickness (nm)"].iloc[0]
    address = address_of(page, "work", "folder")
    again = visit(**address, view="Fit")
    assert table_of(again)["thickness (nm)"].iloc[0] == value
    shared_state._IN_MEMORY.clear()
    restarted = visit(**address, view="Fit")
    assert table_of(restarted)["thickness (nm)"].iloc[0] == value
    elsewhere = visit(folder=address["folder"], view="Fit")
    assert "Press **Fit**" in texts(elsewhere)


def test_what_was_uploaded_is_a_file_of_spectra(tmp_path, folder):
    alone, beside, several = (tmp_path / name for name in ("alone", "beside", "several"))
    for place, names in ((alone, ("a.csv",)), (beside, ("a.csv", "b.json")), (several, ("a.csv", "b.csv"))):
        place.mkdir()
        for name in names:
            (place / name).write_bytes((folder / "spot.csv").read_bytes())
    found = [open_data._uploaded(place) for place in (alone, beside, several)]
    assert found == [alone / "a.csv", beside / "a.csv", several]


def test_no_text_of_the_page_is_that_of_the_command_line():
    page = fitted("spots/wafer.csv")
    assert not re.search(r"--\w+ \(|columns=", texts(page))
