"""The view Fit in a test: opened on the example, its controls, and what the session has."""

from __future__ import annotations

import time

from conftest import ROOT
from streamlit.testing.v1 import AppTest


def open_fit_view(monkeypatch, tmp_path):
    """Open the example at the view Fit, in a working folder of its own."""
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(ROOT / "data_example"))
    monkeypatch.chdir(tmp_path)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    page.button(key="example_terraces").click().run()
    return page.segmented_control(key="view").set_value("Fit").run()


def state(page):
    return page.session_state["MapsState"]


def film(page):
    return state(page).film


def click(page, key):
    page.button(key=key).click().run()
    for _ in range(200):
        if state(page).task is None:
            return page
        time.sleep(0.1)
        page.run()
    raise AssertionError(state(page).task)


def fine(page):
    assert not page.exception
    assert not page.error, [error.value for error in page.error]
    return page


def edit(page):
    return fine(page.toggle(key="film_edit").set_value(True).run())


def layer_key(page, *parts):
    return "_".join(["film", str(film(page).edition), *map(str, parts)])


def find(page, *place):
    """Open the search beside a material."""
    page.session_state[layer_key(page, *place, "find")] = True
    return fine(page.run())


def search(page, text, *place):
    return fine(page.text_input(key=layer_key(page, *place, "published")).set_value(text).run())


def hits(page, text, *place):
    return page.radio(key=layer_key(page, *place, "published", text))
