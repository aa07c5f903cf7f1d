"""The page of the server for people in a browser: an image is tried there, and no other host is asked."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import tifffile
from browser.conftest import WAIT_MS
from support.cell_folder import cell_image, write_cells
from support.server_calls import serving

from ellimaps.classify import read_labels, save_model, train

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    images = write_cells(folder / "made", 12, 96)
    file = folder / "cells.ellimodel"
    save_model(train(images, read_labels(folder / "made" / "labels.csv", images), repeats=1).model, file)
    return file


@pytest.mark.parametrize("token", ["", TOKEN], ids=["open", "token"])
def test_an_image_is_tried(chromium, model_file, tmp_path, token):
    tifffile.imwrite(tmp_path / "round.tif", cell_image(1, 77))
    (tmp_path / "note.tif").write_text("no image")
    options = ["--workers", "1"]
    if token:
        (tmp_path / "token").write_text(token)
        (tmp_path / "token").chmod(0o600)
        options += ["--token-file", str(tmp_path / "token")]
    with serving(model_file, tmp_path, *options) as (url, _, _):
        page = chromium.new_page(viewport={"width": 900, "height": 720})
        page.set_default_timeout(WAIT_MS)
        hosts, heard = set(), []
        page.on("request", lambda one: hosts.add(urlsplit(one.url).netloc))
        page.on("console", lambda said: heard.append(said.text))
        page.goto(url + "/docs")
        assert page.title() == "Server · ellimaps"
        assert page.get_by_text(f"{url}/predict").count()
        page.get_by_label("Image").set_input_files(tmp_path / "round.tif")
        if token:
            page.get_by_label("Token").fill("another")
            page.get_by_role("button", name="Classify").click()
            page.get_by_text("A token is needed").wait_for()
            page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Classify").click()
        page.get_by_text("homogeneous (1)").wait_for()
        page.get_by_text("% of homogeneous").wait_for()
        if not token:
            page.get_by_label("Image").set_input_files(tmp_path / "note.tif")
            page.get_by_role("button", name="Classify").click()
            page.get_by_text("neither a TIFF nor a PNG").wait_for()
            assert not [text for text in heard if "Content Security Policy" in text]
        assert page.evaluate("document.documentElement.scrollWidth") <= 900
        # The browser asks for an icon by itself, of this host as well.
        assert hosts == {urlsplit(url).netloc}
        page.close()
