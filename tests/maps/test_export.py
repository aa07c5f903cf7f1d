from __future__ import annotations

import io
import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import EXAMPLE
from elli.importer.accurion import read_accurion_psi_delta
from hypothesis import given, settings, strategies as st
from matplotlib.figure import Figure
from support.stacks import delta_psi, intensities

import ellimaps
from ellimaps.core.angles import wrap_degrees
from ellimaps.core.errors import ExportError, SettingError
from ellimaps.core.files import write_files
from ellimaps.maps.export import export_contents
from ellimaps.maps.figures import draw_labels, segmentation_figure
from ellimaps.maps.refinement import Clean, refine
from ellimaps.maps.regions import Region
from ellimaps.maps.segmentation import Segmentation, segment
from ellimaps.maps.tables import coordinates_file, region_file


@pytest.fixture(scope="module")
def segmentation():
    stack = ellimaps.preprocess(ellimaps.open_stack(EXAMPLE), gaps="exclude")
    return ellimaps.segment(stack, 4)


@pytest.fixture(scope="module")
def out(segmentation, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    ellimaps.export_segmentation(segmentation, folder)
    return folder


def test_clustershot_file_has_the_older_layout(segmentation, out):
    table = pd.read_csv(out / f"{segmentation.stack.name}_clustershot.dat", index_col=0)
    names = [f"{quantity}_cluster_{i}" for quantity in ("delta", "psi") for i in range(4)]
    assert list(table.columns) == ["WL_idx", "WL", *names]
    assert list(table["WL"]) == segmentation.stack.wavelengths_nm
    shots = segmentation.clustershots()
    psi = shots[(shots["cluster"] == 2) & (shots["quantity"] == "Psi")]
    np.testing.assert_allclose(table["psi_cluster_2"], psi["mean"], rtol=1e-12)


def test_coordinates_are_complete(segmentation, out):
    table = pd.read_csv(out / f"{segmentation.stack.name}_coordinates.dat", index_col=0)
    assert list(table.columns[:3]) == ["pixel_idx", "Cys_cluster_0", "Cxs_cluster_0"]
    for cluster in range(4):
        ys, xs = (table[f"{axis}_cluster_{cluster}"].dropna().astype(int) for axis in ("Cys", "Cxs"))
        np.testing.assert_array_equal(np.nonzero(segmentation.labels == cluster), (ys, xs))


def test_region_files_read_back_with_pyelli(segmentation, out):
    for cluster in range(4):
        path = out / f"{segmentation.stack.name}_cluster_{cluster}.ds.dat"
        read = read_accurion_psi_delta(str(path)).reset_index()
        shots = segmentation.clustershots()
        shots = shots[shots["cluster"] == cluster]
        np.testing.assert_allclose(read["Wavelength"], segmentation.stack.wavelengths_nm)
        assert set(read["Angle of Incidence"]) == {50.0}
        np.testing.assert_allclose(read["Ψ"], shots[shots["quantity"] == "Psi"]["mean"], atol=1e-6)
        delta = shots[shots["quantity"] == "Delta"]["mean"].to_numpy()
        np.testing.assert_allclose(wrap_degrees(read["Δ"].to_numpy() - delta), 0, atol=1e-6)


def test_region_file_has_the_layout_of_a_real_one(segmentation, out, shared_data):
    real = next((shared_data / "ep4_roi").glob("*.ds.dat")).read_bytes().split(b"\r\n")
    ours = (out / f"{segmentation.stack.name}_cluster_0.ds.dat").read_bytes().split(b"\r\n")
    assert ours[:2] == real[:2]
    assert len(ours[2].split(b"\t")) == len(real[2].split(b"\t"))


def test_label_image(segmentation, out):
    labels = tifffile.imread(out / f"{segmentation.stack.name}_labels.tif")
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels.astype(int) - 1, segmentation.labels)
    assert (labels == 0).any()


def test_provenance_names_settings_inputs_and_files(segmentation, out):
    facts = json.loads((out / f"{segmentation.stack.name}_segmentation.json").read_text(encoding="utf-8"))
    assert facts["settings"] == {"k": 4, "features": "ncs", "seed": 0}
    assert facts["preprocessing"][0]["gaps"] == "exclude"
    assert facts["inputs_sha256"] == dict(segmentation.stack.inputs)
    assert sorted(facts["files"]) == sorted(path.name for path in out.iterdir())
    assert sum(row["n_pixels"] for row in facts["clusters"]) + facts["no_data_pixels"] == 128 * 160


def test_same_input_gives_the_same_bytes(segmentation, out, tmp_path):
    ellimaps.export_segmentation(segmentation, tmp_path)
    for path in out.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_files_of_clusters_that_are_no_more_are_removed(segmentation, tmp_path):
    ellimaps.export_segmentation(segmentation, tmp_path)
    mine = tmp_path / "notes_cluster_9.ds.dat"
    mine.write_text("mine")
    ellimaps.export_segmentation(ellimaps.segment(segmentation.stack, 2), tmp_path)
    assert len(list(tmp_path.glob("sample*_cluster_?.ds.dat"))) == 2
    assert mine.exists()


def test_a_failed_write_leaves_everything_as_it_was(tmp_path, monkeypatch):
    write_files(tmp_path, {"a": b"old", "b": b"old"})

    def full(_self, _content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ExportError, match="No space left"):
        write_files(tmp_path, {"a": b"new", "b": b"new"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old", "b": "old"}


def test_an_output_that_is_a_file_is_one_sentence(tmp_path, segmentation):
    (tmp_path / "out").write_text("")
    with pytest.raises(ExportError, match="choose another output folder"):
        ellimaps.export_segmentation(segmentation, tmp_path / "out")


# Coordinates


def labelled(labels, k):
    labels = np.asarray(labels, np.int16)
    return Segmentation(labels, np.zeros((k, 1)), 0.0, {}, intensities(np.zeros(labels.shape)))


def coordinates_by_pandas(segmentation):
    """The same table, slowly: columns of nullable integers."""
    length = int(segmentation.n_pixels.max(initial=0))
    columns = {"pixel_idx": np.arange(length)}
    for cluster in range(segmentation.k):
        for key, values in zip(("Cys", "Cxs"), np.nonzero(segmentation.labels == cluster), strict=True):
            padded = pd.Series(pd.array(values, dtype="Int64")).reindex(range(length))
            columns[f"{key}_cluster_{cluster}"] = padded
    return pd.DataFrame(columns).to_csv(lineterminator="\n").encode()


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 6), st.integers(0, 999), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_coordinates_are_what_pandas_writes(height, width, k, seed, rows_at_once):
    drawn = np.random.default_rng(seed).integers(-1, k, (height, width))
    found = labelled(drawn, k)
    with patch("ellimaps.maps.tables._ROWS_AT_ONCE", rows_at_once):
        assert coordinates_file(found) == coordinates_by_pandas(found)


def test_no_coordinates_without_pixels():
    assert coordinates_file(labelled([[-1, -1]], 1)) == b",pixel_idx,Cys_cluster_0,Cxs_cluster_0\n"


# Regions, names and the way out


def spot(name="spot", x=3, y=4):
    return Region(name, "rectangle", ((x, y), (x + 2, y), (x + 2, y + 4), (x, y + 4)))


def test_regions_read_back_with_pyelli(segmentation, tmp_path):
    regions = (spot(), spot("other", 80, 60))
    ellimaps.export_segmentation(segmentation, tmp_path, regions=regions)
    name = segmentation.stack.name
    for region in regions:
        read = read_accurion_psi_delta(str(tmp_path / f"{name}_region_{region.name}.ds.dat")).reset_index()
        inside = region.mask(segmentation.stack.shape)
        assert inside.sum() == 8
        psi = np.flatnonzero(segmentation.stack.bands["quantity"] == "Psi")
        means = [segmentation.stack.values[b][inside & segmentation.stack.measured[b]].mean() for b in psi]
        np.testing.assert_allclose(read["Ψ"], means, atol=1e-5)
    table = pd.read_csv(tmp_path / f"{name}_regions_full.csv")
    assert list(dict.fromkeys(table["region"])) == ["spot", "other"]
    facts = json.loads((tmp_path / f"{name}_segmentation.json").read_text(encoding="utf-8"))
    assert facts["regions"][0] == {
        "name": "spot",
        "kind": "rectangle",
        "vertices": [[3, 4], [5, 4], [5, 8], [3, 8]],
    }


def test_positions_are_in_micrometres_where_the_pixel_size_is_known():
    stack = delta_psi(np.full((5, 9), 100.0), np.full((5, 9), 30.0), pixel_size_um=0.5, pixel_aspect=1.5)
    mask = np.zeros((5, 9), bool)
    mask[2:5, 4:9] = True
    cells = (
        region_file(stack, np.array([100.0, 30.0]), 7, mask).decode("latin-1").split("\r\n")[2].split("\t")
    )
    # Centre of mass at x = 6, y = 3 pixels; a pixel is 0.5 x 0.75 um.
    assert cells == ["7", "50.000", "500.0", "NaN", "NaN", "3.0", "2.2", "100.000000", "30.000000"]
    unknown = region_file(delta_psi(stack.values[0], stack.values[1]), np.array([100.0, 30]), 0, mask)
    assert unknown.decode("latin-1").split("\r\n")[2].split("\t")[5:7] == ["NaN", "NaN"]


def test_the_pixel_size_is_in_the_provenance(segmentation):
    stack = segmentation.stack.with_values(segmentation.stack.values, pixel_size_um=0.75)
    files = export_contents(segment(stack, 2))
    facts = json.loads(files[f"{stack.name}_segmentation.json"])
    assert facts["pixel_size_um"] == 0.75
    assert facts["pixel_aspect"] == stack.pixel_aspect


def test_changes_by_hand_are_in_the_provenance(segmentation):
    files = export_contents(refine(segmentation, [Clean(5)]))
    facts = json.loads(files[f"{segmentation.stack.name}_segmentation.json"])
    assert facts["settings"]["refine"] == [{"action": "clean", "size": 5}]


HOSTILE = ("$x_$", "_hidden", 'a "b", c\nd', "ÿ <b>")


def test_any_name_can_be_written_and_read_back(segmentation):
    files = export_contents(segmentation, names=HOSTILE)
    name = segmentation.stack.name
    table = pd.read_csv(io.BytesIO(files[f"{name}_clustershot_full.csv"]))
    assert [table["name"][table["cluster"] == n].iloc[0] for n in range(3)] == list(HOSTILE[:3])
    facts = json.loads(files[f"{name}_segmentation.json"])
    assert [row["name"] for row in facts["clusters"]] == list(HOSTILE)


def test_every_cluster_is_in_the_legend_whatever_its_name(segmentation):
    figure = segmentation_figure(segmentation, (*HOSTILE[:3], "d" * 500))
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert [text.split()[0] for text in texts] == ["0", "1", "2", "3", "no"]
    assert texts[1].startswith("1 _hidden: ")
    assert max(map(len, texts)) < 80


def test_a_large_map_is_drawn_where_it_lies():
    axes = Figure().subplots()
    labels = np.zeros((1300, 700), np.int16)
    labels[650:] = 1
    found = Segmentation(labels, np.zeros((2, 1)), 0.0, {}, intensities(labels))
    draw_labels(axes, found)
    (image,) = axes.images
    left, right, bottom, top = image.get_extent()
    assert (left, right, bottom, top) == (-0.5, 699.5, 1299.5, -0.5)
    shown = image.get_array()
    assert max(shown.shape) < 1300
    np.testing.assert_array_equal(shown, labels[::2, ::2])


def test_regions_of_one_name_are_refused(segmentation):
    with pytest.raises(SettingError, match="Two regions are named Spot"):
        export_contents(segmentation, regions=(spot(), spot("Spot", 20)))


def test_names_must_be_as_many_as_clusters(segmentation):
    with pytest.raises(SettingError, match="3 names are given for 4 clusters"):
        export_contents(segmentation, names=("a", "b", "c"))
    for name in ("\udc80", 4):
        with pytest.raises(SettingError, match="cannot be named"):
            export_contents(segmentation, names=("a", "b", "c", name))


def test_a_folder_in_the_place_of_a_file_leaves_everything_as_it_was(tmp_path):
    write_files(tmp_path, {"a": b"old"})
    (tmp_path / "b").mkdir()
    with pytest.raises(ExportError, match="b is a folder"):
        write_files(tmp_path, {"a": b"new", "b": b"new"})
    assert (tmp_path / "a").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_lines_end_the_same_on_every_system(segmentation):
    with patch("os.linesep", "\r\n"):
        files = export_contents(segmentation)
    for name, content in files.items():
        if name.endswith((".csv", ".dat", ".json")) and "cluster_" not in name:
            assert b"\r" not in content, name
