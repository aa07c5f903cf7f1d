from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import EXAMPLE
from elli.importer.accurion import read_accurion_psi_delta

import ellimaps
from ellimaps.errors import ExportError
from ellimaps.export import write_files
from ellimaps.stack import wrap_degrees


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
    assert labels.dtype == np.uint16
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
