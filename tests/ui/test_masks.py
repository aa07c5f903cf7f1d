"""What the pages offer of regions: a label image, and outlines for QuPath and Fiji, made when asked for."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import tifffile
from conftest import EXAMPLE
from support.maps_page import fine, open_page, state, view

from ellimaps.maps.regions import Region
from ellimaps.regions.label_file import areas_in, read_label_image
from ellimaps.regions.label_image import PackedLabels, label_tiff
from ellimaps.samples.nuclei import nuclei_phantom

MADE = nuclei_phantom(6, size=(128, 128), count=6)


@pytest.fixture
def offered(monkeypatch):
    """What `download` was asked to offer: the contents by the name of the file."""
    found = {}

    def download(_label, name, content, **_):
        found[name] = content

    monkeypatch.setattr("ellimaps.ui.shared.masks.download", download)
    return found


def test_objects_are_offered_as_label_image_and_outlines(offered, tmp_path):
    tifffile.imwrite(tmp_path / "nuclei.tif", MADE.image)
    page = view(open_page(tmp_path, "nuclei.tif"), "Objects")
    labels = state(page).found[1].labels
    assert set(offered) == {"nuclei_labels.tif", "nuclei.geojson", "nuclei_RoiSet.zip"}
    for name, content in offered.items():
        path = tmp_path / name
        path.write_bytes(content())
        np.testing.assert_array_equal(read_label_image(path, labels.shape), labels)


def test_clusters_and_regions_of_interest_are_offered(offered, tmp_path):
    page = view(open_page(EXAMPLE.parent, EXAMPLE), "Explore")
    page.number_input(key="k").set_value(3)
    page.button(key="segment").click().run()
    while state(page).task is not None:
        time.sleep(0.1)
        page.run()
    fine(page)
    state(page).regions = [Region("roi1", "rectangle", ((2, 3), (20, 3), (20, 9), (2, 9)))]
    segmentation = state(view(page, "Export")).shown()
    name = segmentation.stack.name
    for ending in ("_labels.tif", ".geojson", "_RoiSet.zip"):
        path = tmp_path / f"clusters{ending}"
        path.write_bytes(offered[f"{name}{ending}"]())
        labels = read_label_image(path, segmentation.stack.shape).astype(int) - 1
        np.testing.assert_array_equal(labels, segmentation.labels)
    [region] = json.loads(offered[f"{name}_regions.geojson"]())["features"]
    assert region["properties"]["name"] == "roi1"
    assert f"{name}_regions_RoiSet.zip" in offered


def test_planes_of_a_label_image_become_outlines_of_these(tmp_path):
    path = tmp_path / "labels.tif"
    planes = [np.roll(MADE.labels, shift) for shift in (0, 9)]
    path.write_bytes(label_tiff([[PackedLabels.of(plane)] for plane in planes], 0.5))
    areas = areas_in(path)
    assert {(area.t, area.z) for area in areas} == {(0, 0), (1, 0)}
    path.write_bytes(label_tiff([[PackedLabels.of(MADE.labels)]], 0.5))
    assert {(area.t, area.z) for area in areas_in(path)} == {(None, None)}
