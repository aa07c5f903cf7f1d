"""Coming back to the page Maps: by a reload, from another browser, after a restart; and what is refused."""

from __future__ import annotations

import json
import re
import tempfile
import time
from pathlib import Path

import pytest
from conftest import EXAMPLE, EXAMPLE_WRAP
from streamlit.testing.v1 import AppTest

from ellimaps.core.errors import EllimapsError
from ellimaps.core.files import write_files
from ellimaps.maps.recipe import recipe_text
from ellimaps.maps.regions import Region
from ellimaps.ui.pages.maps import segment
from ellimaps.ui.pages.maps.export import _contents, _recipe
from ellimaps.ui.pages.maps.fitting import fitted_shots
from ellimaps.ui.pages.maps.load_recipe import follow_recipe
from ellimaps.ui.shared import state as shared_state


def _page():
    from ellimaps.ui.pages.maps.page import render
    from ellimaps.ui.shared.state import write_work

    render()
    write_work()


@pytest.fixture(autouse=True)
def root(monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(EXAMPLE.parent))
    monkeypatch.chdir(tmp_path)
    # Streamlit's test driver has no server that knows which sessions are open.
    monkeypatch.setattr(shared_state, "_is_open", lambda _: False)


def visit(**address):
    page = AppTest.from_function(_page, default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def press(page, key):
    page.button(key=key).click().run()
    assert not page.exception


def worked():
    """A page on which the example was segmented by raw values, merged, named and fitted."""
    page = visit(folder="terraces")
    page.segmented_control(key="view").set_value("Explore").run()
    page.selectbox(key="features").set_value("raw").run()
    page.number_input(key="seed").set_value(3).run()
    page.number_input(key="k").set_value(4).run()
    press(page, "segment")
    state = work(page)
    state.rename(1, "flake")
    page.select_slider(key="cluster").set_value(2).run()
    page.segmented_control(key="view").set_value("Fit").run()
    press(page, "fit")
    return page


def work(page):
    return page.session_state["MapsState"]


def address(page):
    """What the page itself puts into the address; controls are put there by the browser."""
    found = {key: page.query_params[key] for key in ("work", "folder")}
    return {key: value[0] if isinstance(value, list) else value for key, value in found.items()}


def seen(page):
    state = work(page)
    return {
        "source": state.source,
        "current": state.current,
        "names": state.look.names,
        "fit": state.film.setup.key,
    }


def controls(page):
    return [page.session_state[key] for key in ("features", "seed", "k", "cluster", "view")]


@pytest.mark.parametrize("restarted", [False, True])
def test_everything_is_there_again(restarted):
    page = worked()
    assert address(page)["folder"] == "terraces"
    if restarted:
        shared_state._IN_MEMORY.clear()
    again = visit(**address(page))
    assert seen(again) == seen(page)
    assert controls(again) == controls(page)
    assert seen(again)["names"][1] == "flake"
    assert address(again)["work"] == address(page)["work"]


def test_two_browsers_at_one_address_stay_apart(monkeypatch):
    page = worked()
    monkeypatch.setattr(shared_state, "_is_open", lambda _: True)
    other = visit(**address(page))
    assert seen(other) == seen(page)
    assert address(other)["work"] != address(page)["work"]
    work(other).rename(1, "hole")
    assert seen(page)["names"][1] == "flake"


def test_another_measurement_and_back_loses_nothing():
    page = worked()
    before = seen(page)
    for folder in (EXAMPLE_WRAP, EXAMPLE):
        press(page, "open_another")
        page.text_input(key="path").set_value(str(folder))
        next(button for button in page.button if button.label == "Open").click().run()
        assert not page.exception
    assert seen(page) == before
    assert work(page).recent == [str(EXAMPLE), str(EXAMPLE_WRAP), "terraces"]


def test_who_goes_elsewhere_during_work_stays_there(monkeypatch):
    make = segment.segmented

    def slow(*arguments):
        time.sleep(2)
        return make(*arguments)

    monkeypatch.setattr(segment, "segmented", slow)
    page = visit(folder="terraces")
    page.segmented_control(key="view").set_value("Compare").run()
    press(page, "segment")
    assert work(page).task is not None
    page.segmented_control(key="view").set_value("Export").run()
    work(page).task.job.wait(20)
    page.run()
    assert work(page).current is not None
    assert page.segmented_control(key="view").value == "Export"


def test_a_view_clicked_before_the_browser_was_led_elsewhere_is_told_to_it():
    page = worked()
    page.session_state["view_led_to"] = "Explore"
    page.segmented_control(key="view").set_value("Data").run()
    control = page.segmented_control(key="view")
    assert (control.value, control.proto.set_value) == ("Data", True)
    page.segmented_control(key="view").set_value("Export").run()
    assert not page.segmented_control(key="view").proto.set_value


def test_recent_folders_are_there_for_a_new_visit():
    worked()
    assert work(visit()).recent == ["terraces"]


def test_an_address_without_work_opens_its_folder_and_view():
    page = visit(folder="terraces", view="Explore", k="5")
    assert work(page).source.path == str(EXAMPLE)
    assert page.segmented_control(key="view").value == "Explore"
    assert page.number_input(key="k").value == 5


def test_one_export_holds_everything_that_was_made():
    page = worked()
    state = work(page)
    segmentation = state.shown()
    files = _contents(state, state.source, segmentation)
    name = segmentation.stack.name
    assert {f"{name}_labels.tif", f"{name}_report.html", "recipe.toml", "fit_clusters/model.toml"} <= set(
        files
    )
    assert f"fit_clusters/{name}_thickness.tif" in files
    assert b"every pixel" in files["NOT_IN_HERE.txt"]
    report = files[f"{name}_report.html"].decode()
    fits = fitted_shots(state.source, state.current, state.film.setup)
    trusted = next(one for one in fits.clusters if one.flag.text == "ok")
    shown = {float(value) for value in re.findall(r"<td>([\d.]+) ± [\d.]+</td>", report)}
    assert any(abs(value - trusted.parameters["thickness_nm"]) < 0.1 for value in shown)
    assert "Fit every pixel" in report
    page.button(key="fit_pixels").click().run()
    while state.task is not None:
        state.task.job.wait(60)
        page.run()
    files = _contents(state, state.source, segmentation)
    assert f"fit_pixels/{name}_thickness.tif" in files
    assert "NOT_IN_HERE.txt" not in files
    assert files["recipe.toml"].decode().startswith(recipe_text(state.full_settings()))
    assert len(write_files(Path("results"), files)) == len(list(Path("results").rglob("*.*")))


def test_a_recipe_is_loaded_and_exports_the_same_bytes():
    page = worked()
    state = work(page)
    state.regions = [Region("flat", "polygon", ((5.0, 5.0), (20.0, 5.0), (20.0, 20.0)))]
    page.segmented_control(key="view").set_value("Data").run()
    page.checkbox(key="despike_on").check().run()
    page.checkbox(key="roi_on").check().run()
    page.slider(key="roi_y_128").set_value((0, 100)).run()
    page.segmented_control(key="view").set_value("Explore").run()
    press(page, "segment")
    state.rename(2, "edge")
    recipe = _recipe(state, state.source)
    script = AppTest.from_function(_load, default_timeout=60)
    script.query_params["folder"] = "terraces"
    script.run()
    script.session_state["recipe"] = recipe
    script.run()
    fresh = work(script)
    while fresh.task is not None:
        fresh.task.job.wait(30)
        script.run()
    script.segmented_control(key="view").set_value("Export").run()
    assert not script.exception
    assert not script.error
    assert _recipe(fresh, fresh.source) == recipe
    assert not any("Changed since" in caption.value for caption in script.caption)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"k = ", "mine.toml is not valid TOML"),
        (b"\xff\x00", "mine.toml is not valid TOML"),
        (b"", "leaves k to an estimate"),
        (b"k = 99", "99"),
        (b"[cells]", "no recipe for maps"),
        (b"k = 3\n[fit]\nmodel = 3", "needs a film model"),
        (b"k = 3\n[fit]\nmodel = '/etc/passwd'", "does not lie below the recipe's folder"),
    ],
)
def test_what_is_no_recipe_is_one_sentence_and_changes_nothing(content, said):
    state = work(visit(folder="terraces"))
    before = state.settings
    with pytest.raises(EllimapsError, match=said) as refused:
        follow_recipe(state, state.source, "mine.toml", content)
    assert tempfile.gettempdir() not in str(refused.value)
    assert state.settings == before


def _load():
    import streamlit as st

    from ellimaps.ui.pages.maps.load_recipe import follow_recipe
    from ellimaps.ui.pages.maps.page import render
    from ellimaps.ui.shared.tasks import page_run

    if "recipe" in st.session_state:
        state = st.session_state["MapsState"]
        with page_run(state):
            follow_recipe(state, state.source, "recipe.toml", st.session_state.pop("recipe"))
    render()


def test_a_k_out_of_bounds_is_refused_at_its_field():
    page = worked()
    for wrong in (0, 99):
        page.number_input(key="k").set_value(wrong).run()
        assert page.button(key="segment").disabled
        assert f"not {wrong}" in page.error[0].value
    page.number_input(key="k").set_value(3).run()
    assert not page.error
    press(page, "segment")
    assert work(page).current.k == 3


@pytest.mark.parametrize("view", ["Data", "How many?", "Explore", "Fit"])
def test_no_view_computes_with_a_number_out_of_bounds(view):
    page = worked()
    page.segmented_control(key="view").set_value(view).run()
    for field in [field.key for field in page.number_input if field.min is None]:
        before = page.number_input(key=field).value
        page.number_input(key=field).set_value(type(before or 0.0)(-1_000_000)).run()
        assert not page.exception
        assert page.error, field
        page.number_input(key=field).set_value(before).run()
        assert not page.error, field


@pytest.mark.parametrize("asked", ["../secret", "nowhere", "/etc"])
def test_an_address_of_what_cannot_be_opened_is_told(asked):
    page = visit(folder=asked)
    assert len(page.error) == 1
    assert work(page).source is None
    page.run()
    assert page.text_input(key="path").value == ""


def test_files_that_changed_are_told(tmp_path, monkeypatch):
    import shutil

    copy = shutil.copytree(EXAMPLE, tmp_path / "data" / "terraces")
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(copy.parent))
    page = worked()
    shared_state._IN_MEMORY.clear()
    (copy / "notes.txt").write_text("new")
    again = visit(**address(page))
    assert "have changed" in again.warning[0].value
    assert work(again).current is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"version": 99}', b"\xff\xfe"])
def test_a_damaged_file_of_a_work_begins_anew(damage):
    import os

    page = worked()
    [file] = Path(os.environ["ELLIMAPS_STATE"]).glob("works/*/" + address(page)["work"] + ".json")
    assert json.loads(file.read_text())["pages"]["MapsState"]["open"]
    file.write_bytes(damage)
    shared_state._IN_MEMORY.clear()
    again = visit(work=address(page)["work"])
    assert work(again).source is None


def test_a_work_that_cannot_be_written_disturbs_nobody(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ELLIMAPS_STATE", str(tmp_path / "file"))
    assert seen(worked())["names"][1] == "flake"
