"""Nothing is left out in silence: scenes, frames, planes, other files, warnings, label images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from support.zarr_stores import write_image, write_plate
from typer.testing import CliRunner

from ellimaps.batch.work import attempt
from ellimaps.cli import cli
from ellimaps.samples.nuclei import nuclei_phantom

FRAMES, SCENES = 3, 2
MADE = [nuclei_phantom((9, number), size=(96, 128), count=5 + number) for number in range(FRAMES * SCENES)]
BY_FILE = ["--pattern", "{fov}", "--kind", "nuclei"]


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A file of three frames in two scenes, a single picture, and what is no input."""

    def serial(_workers):
        return lambda work, tasks: ((task, attempt(work, task.item.argument, task.files)) for task in tasks)

    monkeypatch.setattr("ellimaps.batch.engines.local_processes", serial)
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    with tifffile.TiffWriter(folder / "many.ome.tif", ome=True) as file:
        for scene in range(SCENES):
            frames = np.stack([made.image for made in MADE[FRAMES * scene :][:FRAMES]])
            metadata = {"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
            file.write(frames, metadata=metadata, photometric="minisblack")
    tifffile.imwrite(folder / "one.tif", MADE[0].image)
    tifffile.imwrite(folder / "deeper" / "two.tif", MADE[1].image)
    (folder / "preview.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "raw.czi").write_bytes(b"ZISRAWFILE")
    (folder / "raw.zarr" / "0").mkdir(parents=True)
    (folder / "raw.zarr" / ".zattrs").write_text("{}")
    (folder / "raw.zarr" / "0" / "0.0").write_bytes(b"")
    return folder


def run(command, root, out, *options, code=0):
    done = CliRunner().invoke(cli, ["cells", command, str(root), "--out", str(out), "--json", *options])
    assert done.exit_code == code, (done.output, done.exception)
    return json.loads(done.stdout)


def test_every_frame_of_every_scene_is_an_image(root, tmp_path):
    facts = run("detect", root, tmp_path / "out", *BY_FILE)
    assert (facts["images"], facts["planes"]) == (2, FRAMES * SCENES + 1)
    images = pd.read_csv(tmp_path / "out" / "images.csv")
    many = images[images["FOV"] == "many"]
    assert many[["Scene", "T", "Z"]].to_numpy().tolist() == [[s, t, 0] for s in range(2) for t in range(3)]
    objects = pd.read_csv(tmp_path / "out" / "experiments.csv")
    counts = objects[objects["FOV"] == "many"].groupby(["Scene", "T"]).size()
    assert counts.tolist() == many["Objects"].tolist()
    true = [made.labels.max() for made in MADE]
    assert np.abs(np.array(true) - many["Objects"]).max() <= 1
    assert "Nucleus" in objects
    assert many["Overlay"].is_unique
    assert all((tmp_path / "out" / name).is_file() for name in [*many["Overlay"], *many["Labels"]])
    np.testing.assert_allclose(objects["area_um2"].dropna(), objects["area"][objects["FOV"] == "many"] / 4)


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--t", "1"], 2),
        (["--scene", "1"], 3),
        (["--t", "max", "--scene", "0"], 1),
        (["--t", "2", "--scene", "1"], 1),
    ],
)
def test_planes_can_be_chosen(root, tmp_path, options, rows):
    (root / "one.tif").unlink()
    facts = run("detect", root, tmp_path / "out", *BY_FILE, *options)
    assert facts["planes"] == rows


def test_a_plane_that_is_not_there_is_a_failure_with_its_name(root, tmp_path):
    facts = run("detect", root, tmp_path / "out", *BY_FILE, "--t", "2", code=1)
    assert facts["failed"] == 1
    failures = pd.read_csv(tmp_path / "out" / "failures.csv")
    assert "one has no t = 2" in failures["Reason"][0]


def test_every_file_is_counted(root, tmp_path):
    ignored = {
        "JPEG": 1,
        "Zarr store without an image": 1,
        "Zeiss CZI file": 1,
        "image the pattern does not fit": 1,
    }
    assert run("detect", root, tmp_path / "out", *BY_FILE)["ignored"] == ignored
    assert json.loads((tmp_path / "out" / "batch.json").read_text())["ignored_files"] == ignored
    text = (
        CliRunner()
        .invoke(cli, ["cells", "detect", str(root), "--out", str(tmp_path / "out"), *BY_FILE])
        .output
    )
    assert "1 x Zeiss CZI file (save it as OME-TIFF" in text
    assert "1 x image the pattern does not fit (give --pattern)" in text


def test_warnings_of_the_reader_reach_the_table(root, tmp_path):
    tifffile.imwrite(root / "one.tif", np.repeat(MADE[0].image[..., None], 4, axis=2), photometric="rgb")
    facts = run("detect", root, tmp_path / "out", *BY_FILE)
    assert facts["warned"] == 1
    images = pd.read_csv(tmp_path / "out" / "images.csv").set_index("FOV")
    assert "transparency" in images.loc["one", "Warnings"]


def test_label_images_come_back_as_the_same_measures(root, tmp_path):
    found, again = tmp_path / "found", tmp_path / "again"
    run("detect", root, found, *BY_FILE)
    run("measure", root, again, "--labels", str(found / "labels"), "--pattern", "{fov}")
    one, two = (pd.read_csv(folder / "experiments.csv") for folder in (found, again))
    assert len(one) == len(two) > 30
    assert (one["Nucleus"] == two["Object"]).all()
    # The background and its flag depend on the range of radii, which masks do not tell.
    same = [name for name in one if name in two and not name.startswith(("corrected", "Flags"))]
    pd.testing.assert_frame_equal(one[same], two[same])


def test_changed_masks_are_measured_again(root, tmp_path):
    masks, out = tmp_path / "masks", tmp_path / "out"
    masks.mkdir()
    (root / "many.ome.tif").unlink()
    options = ["--labels", str(masks), "--pattern", "{fov}"]
    assert run("measure", root, out, *options, code=1)["failed"] == 1
    assert "no label image" in (out / "failures.csv").read_text()
    tifffile.imwrite(masks / "one_labels.tif", MADE[0].labels.astype(np.uint16))
    facts = run("measure", root, out, *options)
    assert (facts["done"], facts["objects"]) == (1, MADE[0].labels.max())
    assert run("measure", root, out, *options)["skipped"] == 1
    tifffile.imwrite(masks / "one_labels.tif", np.where(MADE[0].labels == 2, 2, 0).astype(np.uint16))
    facts = run("measure", root, out, *options)
    assert (facts["done"], facts["objects"]) == (1, 1)


def test_names_of_cellprofiler(root, tmp_path):
    run("detect", root, tmp_path / "out", *BY_FILE, "--names", "cellprofiler", "--scene", "0")
    table = pd.read_csv(tmp_path / "out" / "experiments.csv")
    assert {"AreaShape_Area", "AreaShape_MaxFeretDiameter"} <= set(table)
    done = CliRunner().invoke(
        cli, ["cells", "detect", str(root), "--out", str(tmp_path / "o"), "--names", "x"]
    )
    assert "skimage or cellprofiler" in str(done.exception)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_fields_of_an_ome_zarr_plate_are_images(root, tmp_path, version):
    shutil.rmtree(root)
    images = {"B3": [MADE[0].image[None], MADE[1].image[None]], "C11": [MADE[2].image[None]]}
    write_plate(root / "plate.ome.zarr", images, version)
    write_image(root / "alone.zarr", MADE[3].image, version)
    tifffile.imwrite(root / "alone.tif", MADE[3].image)
    assert run("detect", root, tmp_path / "out", *BY_FILE)["ignored"] == {}
    table = pd.read_csv(tmp_path / "out" / "images.csv").set_index("FOV")
    plate = ["plate_B03_f1", "plate_B03_f2", "plate_C11_f1"]
    assert sorted(table.index) == sorted(["alone.tif", "alone.zarr", *plate])
    true = [made.labels.max() for made in MADE[:3]]
    assert np.abs(table.loc[plate, "Objects"] - true).max() <= 1
    assert table.loc["alone.zarr", "Objects"] == table.loc["alone.tif", "Objects"]
    again = run("detect", root / "plate.ome.zarr", tmp_path / "by_store", "--kind", "nuclei")
    assert again["images"] == 3
    assert run("detect", root, tmp_path / "out", *BY_FILE)["skipped"] == 5
    labels = str(tmp_path / "out" / "labels")
    measured = run("measure", root, tmp_path / "measured", "--labels", labels, "--pattern", "{fov}")
    assert (measured["images"], measured["failed"]) == (5, 0)
    again = pd.read_csv(tmp_path / "measured" / "images.csv").set_index("FOV")
    assert again["Objects"].to_dict() == table["Objects"].to_dict()


def test_a_damaged_store_is_a_failure_with_its_reason(root, tmp_path):
    shutil.rmtree(root)
    store = write_image(root / "a.zarr", MADE[0].image)
    (store / "zarr.json").write_text("{")
    assert run("detect", root, tmp_path / "out", *BY_FILE, code=1)["failed"] == 1
    assert "is no JSON" in pd.read_csv(tmp_path / "out" / "failures.csv")["Reason"][0]
