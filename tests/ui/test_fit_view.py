"""The view Fit by Streamlit's own test driver: empty, loaded, clicked, wrong, and equal to the library."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile

import numpy as np
import pytest
import tifffile
from conftest import EXAMPLE, ROOT
from streamlit.testing.v1 import AppTest
from support.fit_view import click, edit, film, find, fine, hits, layer_key, open_fit_view, search, state

from ellimaps import fit_map, fit_shots, open_stack, preprocess, read_model, segment
from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.core.numbers import number_text, with_error
from ellimaps.core.stack import ANGLES
from ellimaps.maps.films.files import fit_contents
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.layers import THICKNESS, Layer
from ellimaps.optics.library import material, material_names
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.ready_models import ready_models
from ellimaps.samples import sample_ep4
from ellimaps.ui.pages.maps import fitting
from ellimaps.ui.pages.maps.export import zipped
from ellimaps.ui.pages.maps.fit_model import FOLDER_MODEL, take_files
from ellimaps.ui.pages.maps.fitting import (
    OWN_MODEL,
    FitSetup,
    PickedPixel,
    fitted_shots,
    folder_model,
    uploaded,
)
from ellimaps.ui.pages.maps.loading import Source

K = 4


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """The example, open at the view Fit, in a working folder of its own."""
    return open_fit_view(monkeypatch, tmp_path)


@pytest.fixture
def loaded(opened):
    opened.number_input(key="k").set_value(K)
    return click(opened, "segment")


@pytest.fixture
def fitted(loaded):
    return click(loaded, "fit")


@pytest.fixture(scope="module")
def stack():
    return preprocess(open_stack(EXAMPLE))


@pytest.fixture(scope="module")
def fits(stack):
    return fit_shots(segment(stack, k=K), read_model(EXAMPLE / "model.toml"))


class File(io.BytesIO):
    """An uploaded file."""

    def __init__(self, name, content):
        super().__init__(content)
        self.name = name


def texts(page):
    return " ".join(one.value for one in [*page.markdown, *page.caption, *page.info])


def thickness_slider(page):
    return next(slider for slider in page.slider if slider.label.startswith("Thickness"))


def drawn_spectrum(page):
    """The chart of Psi, which names its data by what they hold."""
    charts = [str(one.proto) for one in page.get("vega_lite_chart") if '"Psi (' in one.proto.spec]
    assert len(charts) == 1
    return charts[0]


def viewer(page):
    """What the maps show."""
    return json.loads(page.get("bidi_component")[-1].proto.json)


def fits_name(page):
    return state(page).shown().stack.name


def test_without_a_segmentation_the_view_says_what_to_do(opened):
    assert "Nothing is segmented yet" in fine(opened).info[0].value
    assert "fit" not in [button.key for button in opened.button]


def test_segmenting_stays_in_the_view_and_shows_the_model_of_the_folder(loaded):
    fine(loaded)
    assert loaded.session_state["view"] == "Fit"
    assert loaded.selectbox(key="film").value == FOLDER_MODEL
    assert film(loaded).model == read_model(EXAMPLE / "model.toml")
    assert film(loaded).setup is None
    assert thickness_slider(loaded).value == 114.5
    assert "Press **Fit**" in texts(loaded)


def test_the_table_has_the_values_of_the_library(fitted, fits):
    table = fine(fitted).dataframe[0].value
    expected = [
        with_error(fit.parameters[THICKNESS], fit.standard_errors[THICKNESS]) for fit in fits.clusters
    ]
    assert list(table["thickness (nm)"]) == expected
    assert list(table["verdict"]) == [fit.flag.text for fit in fits.clusters]
    np.testing.assert_allclose(table["MSE"], [fit.mse for fit in fits.clusters])


def test_the_fitted_thicknesses_are_the_true_ones(fitted):
    source, setup = state(fitted).source, film(fitted).setup
    shown = fitted_shots(source, state(fitted).current, setup)
    with np.load(EXAMPLE / "truth.npz") as truth:
        thickness, edge = truth["thickness_nm"], truth["edge"] > 0
    inside = ~edge & np.isfinite(shown.painted(THICKNESS))
    assert inside.mean() > 0.8
    assert np.abs(shown.painted(THICKNESS) - thickness)[inside].max() < 1.5


def test_every_pixel_is_fitted_in_the_background(fitted, stack):
    click(fitted, "fit_pixels")
    fine(fitted)
    ours = film(fitted).mapped[1]
    expected = fit_map(stack, read_model(EXAMPLE / "model.toml"))
    np.testing.assert_array_equal(ours.parameters, expected.parameters)
    np.testing.assert_array_equal(ours.flags, expected.flags)
    assert f"Median **{expected.median(THICKNESS):.2f} nm**" in texts(fitted)
    assert f"**{expected.trusted_fraction:.1%}** of the pixels" in texts(fitted)
    assert fitted.segmented_control(key="fit_of").value == "Pixels"
    fine(fitted.segmented_control(key="fit_of").set_value("Clusters").run())
    assert "3 of 4" in texts(fitted)


def test_fitting_pixels_can_be_stopped(fitted, monkeypatch):
    def endless(*_, on_progress, **__):
        for done in range(600):
            on_progress(done, 1000, "fitting pixels")
            time.sleep(0.1)

    monkeypatch.setattr(fitting, "fit_map", endless)
    fitting.MAP_FITS.clear()
    fitted.button(key="fit_pixels").click().run()
    assert state(fitted).task is not None
    assert fitted.button(key="fit_pixels").disabled
    click(fitted, "stop")
    assert film(fitted).mapped is None
    assert fitted.warning[0].value == "Stopped."
    assert "3 of 4" in texts(fitted)


def test_a_picked_pixel_shows_its_own_curves_until_another_cluster_is_chosen(fitted, fits, stack):
    label = int(fits.segmentation.labels[20, 30])
    fitted.select_slider(key="cluster").set_value(label).run()
    of_cluster = drawn_spectrum(fitted)
    film(fitted).pixel = PickedPixel(30, 20, label)
    fine(fitted.run())
    assert "**Pixel x 30, y 20**" in texts(fitted)
    assert "the fit of its cluster" in texts(fitted)
    assert drawn_spectrum(fitted) != of_cluster
    click(fitted, "fit_pixels")
    expected = fit_map(stack, read_model(EXAMPLE / "model.toml"))
    value, error = expected.parameters[0, 20, 30], expected.standard_errors[0, 20, 30]
    assert f"thickness {with_error(value, error)} nm, MSE" in texts(fitted)
    assert thickness_slider(fitted).label == "Thickness (nm) of pixel x 30, y 20"
    assert thickness_slider(fitted).value == pytest.approx(value)
    fitted.select_slider(key="cluster").set_value((label + 1) % K).run()
    assert "Pixel x 30" not in texts(fine(fitted))
    assert film(fitted).pixel is None


def test_where_nothing_was_fitted_a_picked_pixel_says_so(fitted, fits, stack):
    mask = np.ones(stack.shape, dtype=bool)
    mask[20, 30] = False
    click(fitted, "fit_pixels")
    model = read_model(EXAMPLE / "model.toml")
    film(fitted).mapped = (film(fitted).mapped[0], fit_map(stack, model, mask=mask))
    film(fitted).pixel = PickedPixel(30, 20, int(fits.segmentation.labels[20, 30]))
    fitted.select_slider(key="cluster").set_value(film(fitted).pixel.cluster).run()
    assert "not fitted; the line is the model as it stands" in texts(fine(fitted))


def test_the_thickness_map_has_the_limits_given_in_nm(fitted):
    shown = fitted.segmented_control(key="fit_contrast_by")
    assert shown.options == ["percentiles", "nm"]
    before = viewer(fitted)["panels"]
    shown.set_value("nm").run()
    name = fits_name(fitted)
    fitted.number_input(key=f"thickness_from_{name}").set_value(100.0)
    fitted.number_input(key=f"thickness_to_{name}").set_value(120.0).run()
    after = viewer(fine(fitted))["panels"]
    assert after[0]["limits"] == [100.0, 120.0]
    assert after[1]["limits"] == before[1]["limits"]
    fitted.number_input(key=f"thickness_to_{name}").set_value(90.0).run()
    assert fitted.error[0].value == "The contrast of thickness must end above where it begins."


def test_delta_is_above_psi_and_before_it_in_the_options(fitted):
    specs = [chart.proto.spec for chart in fitted.get("vega_lite_chart")]
    first = [next((name for name in ANGLES if f'"{name} (' in spec), "") for spec in specs]
    assert [name for name in first if name] == ["Delta", "Psi"]
    labels = [field.label for field in fitted.number_input if field.label.startswith("Noise")]
    assert labels == ["Noise of Delta (°)", "Noise of Psi (°)"]


def test_two_users_of_one_folder_keep_their_own_models(fitted):
    other = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    other.button(key="example_terraces").click().run()
    other.segmented_control(key="view").set_value("Fit").run()
    other.number_input(key="k").set_value(K)
    click(other, "segment")
    other.selectbox(key="film").set_value("PMMA on Si").run()
    click(other, "fit")
    before = list(fitted.dataframe[0].value["thickness (nm)"])
    assert list(fine(fitted.run()).dataframe[0].value["thickness (nm)"]) == before
    assert fitted.selectbox(key="film").value == FOLDER_MODEL
    assert list(fine(other).dataframe[0].value["thickness (nm)"]) != before


def test_images_without_delta_and_psi_are_told_what_a_fit_needs(tmp_path, monkeypatch):
    values = np.random.default_rng(0).integers(0, 4000, (2, 40, 50)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "field.tif", values, photometric="minisblack")
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    page.text_input(key="path").set_value("field.tif")
    next(button for button in page.button if button.label == "Open").click().run()
    page.segmented_control(key="view").set_value("Fit").run()
    assert "fitted to Delta and Psi maps" in fine(page).info[0].value


def test_moving_the_slider_moves_the_model_and_fits_nothing(fitted, fits):
    before, drawn = fitting.FITS.computed, drawn_spectrum(fitted)
    thickness_slider(fitted).set_value(80.0).run()
    fine(fitted)
    assert fitting.FITS.computed == before
    assert drawn_spectrum(fitted) != drawn
    fit = fits.clusters[0]
    expected = with_error(fit.parameters[THICKNESS], fit.standard_errors[THICKNESS])
    assert fitted.dataframe[0].value["thickness (nm)"][0] == expected


def test_another_cluster_has_another_slider(fitted, fits):
    fitted.select_slider(key="cluster").set_value(2).run()
    assert thickness_slider(fine(fitted)).value == pytest.approx(fits.clusters[2].parameters[THICKNESS])
    assert "of cluster 2" in thickness_slider(fitted).label


def test_no_snake_case_and_no_digits_that_nobody_knows_in_any_table(fitted):
    fitted.button(key="fit_remedies").click().run()
    fitted.selectbox(key="film").set_value("hBN on SiO2 on Si").run()
    click(fitted, "fit")
    fitted.button(key="fit_remedies").click().run()
    tables = [one.value for one in fine(fitted).dataframe]
    assert len(tables) >= 4
    cells = [cell for table in tables for cell in [*table.columns, *table.to_numpy().ravel()]]
    cells = [cell for cell in cells if isinstance(cell, str)]
    said = [*cells, *(one.value for one in [*fitted.caption, *fitted.warning, *fitted.info])]
    assert [text for text in said if re.search(r"[a-z]_[a-z]|\bnan\b|\bNone\b", text)] == []
    shown = [cell for cell in cells if re.fullmatch(r"-?[\d,.]+", cell.split(" ")[0])]
    assert [cell for cell in shown if len(re.sub(r"\D", "", cell.split(" ")[0]).lstrip("0")) > 7] == []


def test_the_oxide_is_that_of_a_cluster_where_nothing_lies_on_it(loaded, fits):
    edit(loaded)
    click(loaded, layer_key(loaded, "add"))
    loaded.checkbox(key=layer_key(loaded, "layer1_thickness_nm", "free")).set_value(False).run()
    assert THICKNESS not in film(loaded).model.layers[1].free
    loaded.number_input(key=layer_key(loaded, "reference_1_highest")).set_value(400.0)
    loaded.selectbox(key=layer_key(loaded, "reference_1_cluster")).set_value(0)
    loaded.button(key=layer_key(loaded, "reference_1")).click().run()
    value, error = (one[THICKNESS] for one in (fits.clusters[0].parameters, fits.clusters[0].standard_errors))
    taken = film(fine(loaded)).model.layers[1]
    assert taken.thickness_nm == pytest.approx(value, abs=error / 5)
    assert taken.free == {}
    assert f"{with_error(value, error)} nm as in cluster 0" in texts(loaded)
    assert f"thickness_nm = {taken.thickness_nm}" in loaded.code[0].value
    click(loaded, "fit")
    assert f"The {number_text(error, 2)} nm by which layer 2 is uncertain move thickness (nm) by" in texts(
        loaded
    )
    loaded.number_input(key=layer_key(loaded, "layer1_thickness_nm", "value")).set_value(90.0).run()
    assert "as in cluster 0" not in texts(fine(loaded))


def test_a_cluster_that_does_not_tell_a_thickness_changes_nothing(loaded):
    edit(loaded)
    loaded.checkbox(key=layer_key(loaded, "layer0_thickness_nm", "free")).set_value(False).run()
    before = film(loaded).model
    loaded.number_input(key=layer_key(loaded, "reference_0_highest")).set_value(20.0)
    loaded.button(key=layer_key(loaded, "reference_0")).click().run()
    assert "Cluster 0 does not tell the thickness of this layer" in loaded.error[0].value
    assert film(loaded).model == before


def test_one_wavelength_is_too_little_and_no_fit_is_offered(tmp_path, monkeypatch):
    sample_ep4(tmp_path / "one", bands=1)
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    page.text_input(key="path").set_value("one")
    next(button for button in page.button if button.label == "Open").click().run()
    page.segmented_control(key="view").set_value("Fit").run()
    click(page, "segment")
    assert (
        "2 wavelengths or angles of incidence at least, and this measurement has 1"
        in fine(page).info[0].value
    )
    assert not {"fit", "fit_pixels"} & {button.key for button in page.button}
    assert "nan" not in texts(page)


def test_a_model_that_uses_too_few_wavelengths_is_not_offered_a_fit(loaded):
    edit(loaded)
    waves = loaded.select_slider(key=layer_key(loaded, "wavelengths"))
    waves.set_value((waves.options[3], waves.options[3])).run()
    assert "the model uses 1" in texts(fine(loaded))
    assert loaded.button(key="fit").disabled
    assert loaded.button(key="fit_pixels").disabled


def test_a_ready_model_replaces_the_folders(fitted):
    fitted.selectbox(key="film").set_value("hBN on SiO2 on Si").run()
    fine(fitted)
    assert film(fitted).model == ready_models()["hBN on SiO2 on Si"]
    assert "have changed since this fit" in texts(fitted)
    click(fitted, "fit")
    fine(fitted)
    assert set(fitted.dataframe[0].value["verdict"]) == {"poor fit"}
    assert "0 of 4" in texts(fitted)


def test_editing_makes_the_model_ones_own(loaded):
    edit(loaded)
    loaded.number_input(key=layer_key(loaded, "layer0_thickness_nm", "value")).set_value(130.0).run()
    fine(loaded)
    assert film(loaded).model.layers[0].thickness_nm == 130.0
    assert loaded.selectbox(key="film").value == OWN_MODEL
    assert "thickness_nm = 130.0" in loaded.code[0].value


def test_where_nothing_is_trusted_no_empty_chart_is_drawn(loaded):
    loaded.selectbox(key="film").set_value("hBN on SiO2 on Si").run()
    click(loaded, "fit")
    assert "Nothing is trusted, so there is no profile" in texts(fine(loaded))
    assert not any("Profile along" in chart.proto.spec for chart in loaded.get("vega_lite_chart"))


def test_layers_are_added_moved_and_removed(loaded):
    edit(loaded)
    click(loaded, layer_key(loaded, "add"))
    names = [layer.material.name for layer in film(loaded).model.layers]
    assert names == ["SiO2", "Cauchy 1.44686"]
    loaded.selectbox(key=layer_key(loaded, "layer0", "material")).set_value("hBN").run()
    click(loaded, layer_key(loaded, 0, "down"))
    assert [layer.material.name for layer in film(loaded).model.layers] == ["Cauchy 1.44686", "hBN"]
    click(loaded, layer_key(loaded, 1, "remove"))
    assert film(fine(loaded)).model.layers == read_model(EXAMPLE / "model.toml").layers
    loaded.selectbox(key="film").set_value(FOLDER_MODEL).run()
    assert film(fine(loaded)).model == read_model(EXAMPLE / "model.toml")


def test_the_editor_opened_again_shows_the_model_as_it_is(loaded):
    edit(loaded)
    loaded.selectbox(key=layer_key(loaded, "layer0", "material")).set_value("PMMA").run()
    changed = film(loaded).model
    assert changed.layers[0].material.name == "PMMA"
    loaded.segmented_control(key="view").set_value("Data").run()
    loaded.segmented_control(key="view").set_value("Fit").run()
    assert film(fine(loaded)).model == changed


def test_everything_can_be_made_free_from_the_lists(loaded):
    edit(loaded)
    loaded.checkbox(key=layer_key(loaded, "layer0_cauchy_a", "free")).set_value(True).run()
    loaded.checkbox(key=layer_key(loaded, "aoi_offset_deg", "free")).set_value(True).run()
    names = [parameter.name for parameter in film(fine(loaded)).model.parameters]
    assert names == ["thickness_nm", "cauchy_a", "aoi_offset_deg"]
    loaded.multiselect(key="fit_shared").set_value(["aoi_offset_deg"]).run()
    click(loaded, "fit")
    columns = list(fine(loaded).dataframe[0].value.columns)
    assert columns[1:4] == ["thickness (nm)", "Cauchy A", "angle offset (°)"]
    assert len(set(loaded.dataframe[0].value["angle offset (°)"].str.split().str[0])) == 1


def test_bounds_that_descend_are_one_sentence_and_change_nothing(loaded):
    edit(loaded)
    before = film(loaded).model
    loaded.number_input(key=layer_key(loaded, "layer0_thickness_nm", "from")).set_value(500.0).run()
    assert not loaded.exception
    assert [error.value for error in loaded.error] == [
        "The bounds of thickness_nm in the layer of Cauchy 1.44686 must ascend, got 500.0, 400.0."
    ]
    assert film(loaded).model == before


def test_a_model_without_a_free_thickness_is_one_sentence(loaded):
    edit(loaded)
    loaded.checkbox(key=layer_key(loaded, "layer0_thickness_nm", "free")).set_value(False).run()
    click(loaded, "fit")
    assert not loaded.exception
    assert "No thickness is free" in loaded.error[0].value


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.toml": b"substrate = "}, "a.toml is not valid TOML"),
        ({"a.toml": b'substrate = "Unobtainium"'}, "The model a.toml: There is no material 'Unobtainium'"),
        ({"a.toml": b'substrate = {file = "no.nk"}'}, "The n, k file no.nk cannot be read"),
        ({"a.toml": b'substrate = {file = "../no.nk"}'}, "must be the name of a file beside the model"),
        ({"a.toml": b'substrate = "Si"', "b.toml": b'substrate = "Si"'}, "2 models were uploaded"),
        ({"a.nk": b"500 1.5\nrubbish"}, "line 2 of a.nk"),
        ({}, "Choose a model"),
    ],
)
def test_a_bad_upload_is_one_sentence_without_the_servers_paths(files, sentence):
    with pytest.raises(EllimapsError) as caught:
        uploaded([File(name, content) for name, content in files.items()])
    assert sentence in str(caught.value)
    assert "ellimaps-upload" not in str(caught.value)


def test_uploaded_files_become_model_and_materials(loaded):
    nk = b"# nm n k\n400 1.5 0\n800 1.5 0.25\n"
    take_files(state(loaded), [File("my.toml", b'substrate = { file = "my.nk" }'), File("my.nk", nk)])
    edit(fine(loaded.run()))
    assert film(loaded).name == OWN_MODEL
    assert film(loaded).model.substrate([800.0])[0] == 1.5 + 0.25j
    assert "my.nk" in loaded.selectbox(key=layer_key(loaded, "ambient", "material")).options


def test_a_damaged_model_in_the_folder_leaves_the_ready_ones(tmp_path, monkeypatch):
    folder = example_copy(tmp_path)
    (folder / "model.toml").write_text("substrate = ")
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    page.text_input(key="path").set_value("maps")
    next(button for button in page.button if button.label == "Open").click().run()
    page.segmented_control(key="view").set_value("Fit").run()
    click(page, "segment")
    assert not page.exception
    assert (
        "The model in the folder is left out. The model model.toml is not valid TOML" in page.error[0].value
    )
    assert page.selectbox(key="film").value == "SiO2 on Si"


@pytest.mark.parametrize("name", ["model.toml", "substrate.nk"])
def test_nothing_is_read_through_a_link_out_of_the_folder(tmp_path, name):
    folder = example_copy(tmp_path)
    (tmp_path / name).write_bytes((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(ReadError, match=f"{name} in the measurement's folder leads out of it"):
        folder_model(Source.of(folder, None))


def example_copy(tmp_path):
    folder = tmp_path / "maps"
    folder.mkdir()
    for file in EXAMPLE.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_models_that_name_one_file_with_other_contents_never_share_a_fit():
    def made(k):
        nk = f"400 3.5 0\n800 3.5 {k}\n".encode()
        return uploaded([File("m.toml", b'substrate = { file = "s.nk" }'), File("s.nk", nk)]).model

    first, second = FitSetup(made(0)), FitSetup(made(1))
    assert first.key != second.key
    assert first.key == FitSetup(made(0)).key
    assert first.key != FitSetup(made(0), options=FitOptions(max_mse=3.0)).key


def test_opening_another_measurement_forgets_model_and_fit(fitted):
    fitted.button(key="open_another").click().run()
    fitted.button(key="example_terraces_wrap").click().run()
    assert film(fine(fitted)).setup is None
    assert film(fitted).model is None


def test_ready_models_have_a_thickness_to_fit_at_visible_wavelengths():
    for name, model in ready_models().items():
        assert THICKNESS in [parameter.kind for parameter in model.parameters], name
        psi, _ = model.psi_delta(np.array([500.0, 700.0]), 50.0)
        assert np.isfinite(psi).all(), name


def test_the_zip_is_what_the_library_writes(fits):
    with zipfile.ZipFile(io.BytesIO(zipped(fit_contents(fits)))) as archive:
        assert sorted(archive.namelist()) == sorted(fit_contents(fits))


def test_an_angle_is_given_by_hand(loaded):
    edit(loaded)
    told = loaded.selectbox(key=layer_key(loaded, "aoi_of"))
    assert "50°" in told.value
    told.set_value("given").run()
    loaded.number_input(key=layer_key(loaded, "aoi")).set_value(51.0).run()
    model = film(fine(loaded)).model
    assert model.aoi_deg == 51.0
    assert isinstance(model, ThinFilm)
    assert isinstance(model.layers[0], Layer)


def test_a_published_material_is_found_shown_and_used(loaded):
    edit(loaded)
    search(find(loaded, "layer0"), "Ta2O5", "layer0")
    found = hits(loaded, "Ta2O5", "layer0")
    assert found.options[0].startswith("Cheikh et al")  # the first that covers 400 to 800 nm
    assert len(found.options) == 18
    assert "n of main/Ta2O5/Cheikh" in str([one.proto for one in loaded.get("vega_lite_chart")])
    found.set_value("main/Ta2O5/Gao").run()
    assert "Opt. Express 20, 15734" in texts(loaded).replace("\\", "")
    fine(loaded.button(key=layer_key(loaded, "layer0", "use")).click().run())
    layer = film(loaded).model.layers[0]
    assert layer.material == material("main/Ta2O5/Gao")
    assert loaded.selectbox(key=layer_key(loaded, "layer0", "material")).value == "main/Ta2O5/Gao"
    assert layer_key(loaded, "layer0", "published") not in [one.key for one in loaded.text_input]
    search(find(loaded, "substrate"), "main/SiO2/Malitson", "substrate")
    fine(loaded.button(key=layer_key(loaded, "substrate", "use")).click().run())
    assert film(loaded).model.substrate == material("main/SiO2/Malitson")
    assert 'page = "main/Ta2O5/Gao", reference = "' in loaded.code[0].value
    fine(click(loaded, "fit"))
    assert film(loaded).setup.model.layers[0].material.name == "main/Ta2O5/Gao"


def test_a_search_without_a_hit_says_what_to_try(loaded):
    find(edit(loaded), "layer0")
    assert "nothing is fetched" in texts(loaded)
    search(loaded, "Ta205", "layer0")
    assert "Or is it **Ta2O5**" in texts(loaded)
    search(loaded, " - ", "layer0")
    assert "nothing is fetched" in texts(loaded)
    search(loaded, "BaF2 Bosomworth 5K", "layer0")
    assert "No page is called so" in texts(loaded)


def test_the_pages_of_both_indices_of_a_crystal_are_offered_together(loaded):
    loaded.selectbox(key="film").set_value("hBN on SiO2 on Si").run()
    find(edit(loaded), "layer0")
    found = hits(loaded, "hBN", "layer0")
    crystals = [option for option in found.options if option.startswith("**Crystal**")]
    assert len(crystals) == 5
    found.set_value("main/BN/Rah-o main/BN/Rah-e").run()
    fine(loaded.button(key=layer_key(loaded, "layer0", "use")).click().run())
    crystal = film(loaded).model.layers[0].material
    assert (crystal.ordinary, crystal.extraordinary) == (material("main/BN/Rah-o"), material("main/BN/Rah-e"))
    assert loaded.selectbox(key=layer_key(loaded, "layer0", "material")).value == "crystal"
    axis = loaded.selectbox(key=layer_key(loaded, "layer0", "extraordinary", "material"))
    assert axis.value == "main/BN/Rah-e"
    find(loaded, "layer0", "extraordinary")
    search(loaded, "BN", "layer0", "extraordinary")
    assert not any("Crystal" in option for option in hits(loaded, "BN", "layer0", "extraordinary").options)


def test_built_in_materials_stay_first(loaded):
    edit(loaded)
    options = loaded.selectbox(key=layer_key(loaded, "layer0", "material")).options
    assert options[: len(material_names())] == material_names()
