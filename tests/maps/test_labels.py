"""Clusters leave as label images and outlines, and somebody's labels are clusters."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from conftest import EXAMPLE
from support.stacks import one_sentence
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import EllimapsError
from ellimaps.maps.labels import read_clusters
from ellimaps.maps.pipeline import run
from ellimaps.maps.regions import Region
from ellimaps.maps.settings import Settings
from ellimaps.readers import open_stack
from ellimaps.regions.label_file import read_label_image

NAME = open_stack(EXAMPLE).name
NAMES = ("Ätzgrund", "二氧化硅", "окисел", "𐌰 flake")
REGIONS = (
    Region("corner", "rectangle", ((0, 0), (10, 0), (10, 6), (0, 6))),
    Region("spot", "pixel", ((30.7, 40.2),)),
    Region("hand", "polygon", ((50.5, 20), (70, 25.25), (60, 44))),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    pytest.importorskip("roifile", reason="the extra regions is not installed")
    out = tmp_path_factory.mktemp("found")
    settings = Settings(k=4, names=NAMES, regions=REGIONS, pixel_size_um=0.6251)
    result = run(EXAMPLE, out, settings, outlines=("geojson", "roiset"))
    return settings, out, result


def test_the_label_image_has_pixel_size_names_and_colors(found):
    _, out, result = found
    aspect = result.segmentation.stack.pixel_aspect
    with tifffile.TiffFile(out / f"{NAME}_labels.tif") as file:
        facts = tifffile.xml2dict(file.ome_metadata)["OME"]
        colors = file.pages[0].colormap >> 8
    pixels = facts["Image"]["Pixels"]
    assert pixels["PhysicalSizeX"] == pytest.approx(0.6251, rel=1e-6)
    assert pixels["PhysicalSizeY"] == pytest.approx(0.6251 * aspect, rel=1e-6)
    named = facts["StructuredAnnotations"]["MapAnnotation"]["Value"]["M"]
    assert {one["K"]: one["value"] for one in named} == dict(enumerate(NAMES, 1))
    assert [f"#{bytes(colors[:, n].tolist()).hex()}" for n in range(1, 5)] == [
        color.lower() for color in CLUSTER_COLORS[:4]
    ]


@pytest.mark.parametrize("ending", ["_labels.tif", "_clusters.geojson", "_clusters_RoiSet.zip"])
def test_a_run_fed_its_own_labels_gives_the_same_bytes(found, tmp_path, ending):
    settings, out, result = found
    labels = out / f"{NAME}{ending}"
    again = run(EXAMPLE, tmp_path, settings, labels=labels, outlines=("geojson", "roiset"))
    assert {path.name for path in again.files} == {path.name for path in result.files}
    for path in again.files:
        if path.suffix != ".json":
            assert path.read_bytes() == (out / path.name).read_bytes(), path.name
    facts = json.loads((tmp_path / f"{NAME}_segmentation.json").read_text(encoding="utf-8"))
    assert facts["settings"]["labels"] == labels.name
    assert again.suggestion is None


def test_outlines_have_names_classes_and_colors(found):
    _, out, _ = found
    content = json.loads((out / f"{NAME}_clusters.geojson").read_text(encoding="utf-8"))
    classes = [feature["properties"]["classification"] for feature in content["features"]]
    assert tuple(one["name"] for one in classes) == NAMES
    assert classes[0]["color"] == list(bytes.fromhex(CLUSTER_COLORS[0][1:]))
    assert {feature["properties"]["objectType"] for feature in content["features"]} == {"annotation"}


@pytest.mark.parametrize("ending", ["_regions.geojson", "_regions_RoiSet.zip"])
def test_regions_of_interest_cover_the_same_pixels(found, ending):
    _, out, result = found
    shape = result.segmentation.stack.shape
    labels = read_label_image(out / f"{NAME}{ending}", shape)
    for number, region in enumerate(REGIONS, 1):
        mask = region.mask(shape)
        both = mask & (labels == number)
        # A centre on the outline counts for a region drawn, and for one side alone of outlines.
        assert both.sum() / (mask | (labels == number)).sum() > 0.98


def test_no_outlines_are_written_unasked(tmp_path):
    names = [path.name for path in run(EXAMPLE, tmp_path, Settings(k=2)).files]
    assert not [name for name in names if name.endswith((".geojson", ".zip"))]


def test_the_command_takes_labels(found, tmp_path):
    _, out, _ = found
    options = ["--labels", str(out / f"{NAME}_labels.tif"), "--out", str(tmp_path / "a"), "--json"]
    done = CliRunner().invoke(cli, ["segment", str(EXAMPLE), *options, "--outlines", "geojson"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["k"] == 4
    table = tmp_path / "a" / f"{NAME}_clustershot.dat"
    assert table.read_bytes() == (out / table.name).read_bytes()
    done = CliRunner().invoke(cli, ["segment", str(EXAMPLE), *options, "-k", "3"])
    assert done.exit_code == 2
    assert "not both" in done.output


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.full((128, 160), 31, np.uint8), "values up to 31"),
        (np.ones((4, 5), np.uint8), "4 x 5 pixels and its image 128 x 160"),
        (np.zeros((128, 160), np.uint8), "No cluster would be left"),
    ],
)
def test_labels_that_are_no_clusters_are_one_sentence(tmp_path, values, says):
    path = tmp_path / "mine.tif"
    tifffile.imwrite(path, values)
    with pytest.raises(EllimapsError, match=says) as caught:
        run(EXAMPLE, tmp_path / "out", Settings(), labels=path)
    assert one_sentence(caught)
    assert not (tmp_path / "out").exists()


def test_no_data_is_minus_one(tmp_path):
    path = tmp_path / "mine.png"
    from PIL import Image

    Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).save(path)
    np.testing.assert_array_equal(read_clusters(path, (2, 2)), [[-1, 0], [1, 0]])
