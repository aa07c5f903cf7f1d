"""Objects of every image of a batch as outlines on request, and measured again from any of their files."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tifffile
from typer.testing import CliRunner

from ellimaps.batch.recipes import read_work
from ellimaps.batch.work import attempt
from ellimaps.cli import cli
from ellimaps.regions.label_file import read_label_image
from ellimaps.samples.nuclei import nuclei_phantom

TABLES = ("experiments.csv", "experiments.parquet", "images.csv", "failures.csv")
FRAMES, SCENES = 2, 2
DETECT = ["--pattern", "{fov}", "--kind", "nuclei"]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Two scenes of two frames in a file, and a single picture."""

    def serial(_workers):
        return lambda work, tasks: ((task, attempt(work, task.item.argument, task.files)) for task in tasks)

    monkeypatch.setattr("ellimaps.batch.engines.local_processes", serial)
    made = [nuclei_phantom((9, number), size=(96, 128), count=5 + number).image for number in range(5)]
    folder = tmp_path / "in"
    folder.mkdir()
    with tifffile.TiffWriter(folder / "many.ome.tif", ome=True) as file:
        for scene in range(SCENES):
            metadata = {"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
            file.write(np.stack(made[FRAMES * scene :][:FRAMES]), metadata=metadata, photometric="minisblack")
    tifffile.imwrite(folder / "one.tif", made[-1])
    return folder


def run(root, out, *options, code=0):
    done = CliRunner().invoke(
        cli, ["cells", "detect", str(root), "--out", str(out), "--json", *map(str, options)]
    )
    assert done.exit_code == code, (done.output, done.exception)
    return json.loads(done.stdout) if code == 0 else done


def same_tables(one, two):
    for name in TABLES:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    assert len(pd.read_csv(one / "experiments.csv")) > 20


@pytest.mark.parametrize("options", [[], ["--radius", "4", "20"], ["--names", "cellprofiler"]])
def test_a_run_fed_its_own_labels_gives_the_same_bytes(root, tmp_path, options):
    found, again = tmp_path / "found", tmp_path / "again"
    run(root, found, *DETECT, *options)
    facts = run(root, again, "--labels", found / "labels", "--pattern", "{fov}", *options)
    assert facts["done"] == 2
    same_tables(found, again)
    for path in (found / "labels").iterdir():
        assert path.read_bytes() == (again / "labels" / path.name).read_bytes()


@pytest.mark.parametrize(("form", "ending"), [("geojson", ".geojson"), ("roiset", "_RoiSet.zip")])
def test_outlines_on_request_give_the_same_bytes(root, tmp_path, form, ending):
    if form == "roiset":
        pytest.importorskip("roifile", reason="the extra regions is not installed")
    found, again = tmp_path / "found", tmp_path / "again"
    run(root, found, *DETECT, "--outlines", form)
    written = sorted(path.name for path in (found / "regions").iterdir())
    assert written == [f"{name}{ending}" for name in ("many_s0", "many_s1", "one")]
    for name in ("many_s0", "many_s1", "one"):
        labels = np.atleast_3d(tifffile.imread(found / "labels" / f"{name}.tif"))
        planes = np.moveaxis(labels, -1, 0) if name == "one" else labels
        for t, plane in enumerate(planes):
            np.testing.assert_array_equal(
                read_label_image(found / "regions" / f"{name}{ending}", plane.shape, t), plane
            )
    run(root, again, "--labels", found / "regions", "--pattern", "{fov}")
    same_tables(found, again)


def test_outlines_are_written_only_on_request_and_a_recipe_asks_too(root, tmp_path):
    run(root, tmp_path / "out", *DETECT)
    assert not (tmp_path / "out" / "regions").exists()
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[cells]\nkind = "nuclei"\noutlines = ["geojson"]\n')
    work = read_work(recipe)
    assert work.outlines == ("geojson",)
    recipe.write_text(work.recipe())
    assert read_work(recipe) == work


def test_one_file_is_the_mask_of_the_only_image(root, tmp_path):
    (root / "many.ome.tif").unlink()
    mask = tmp_path / "anything.png"
    run(root, tmp_path / "found", *DETECT)
    shutil.copy(tmp_path / "found" / "labels" / "one.tif", mask)
    run(root, tmp_path / "again", "--labels", mask, "--pattern", "{fov}")
    same = pd.read_csv(tmp_path / "again" / "experiments.csv")
    assert same.equals(pd.read_csv(tmp_path / "found" / "experiments.csv"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--labels", "MASK"], "one label image for 2 images"),
        (["--labels", "NONE"], "does not exist"),
        (["--labels", "MASK", "--kind", "circles"], "Labels and networks give no circles"),
        (["--outlines", "shapefile"], "list of geojson and roiset"),
    ],
)
def test_what_cannot_be_is_one_sentence(root, tmp_path, options, says):
    mask = tmp_path / "mask.tif"
    tifffile.imwrite(mask, np.ones((96, 128), np.uint8))
    given = {"MASK": mask, "NONE": tmp_path / "none"}
    done = CliRunner().invoke(
        cli,
        ["cells", "detect", str(root), "--out", str(tmp_path / "out"), "--pattern", "{fov}"]
        + [str(given.get(option, option)) for option in options],
    )
    assert done.exit_code != 0
    assert says in " ".join(f"{done.output} {done.exception}".split())
    assert not (tmp_path / "out").exists()


def test_an_image_with_a_wrong_mask_is_a_failure_with_its_reason(root, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    (masks / "one.geojson").write_text('[{"type": "Feature", "geometry": {"type": "Point"}}]')
    run(root, tmp_path / "out", "--labels", masks, "--pattern", "{fov}", code=1)
    reasons = pd.read_csv(tmp_path / "out" / "failures.csv").set_index("FOV")["Reason"]
    assert "region 1 is a Point" in reasons["one"]
    assert "RoiSet.zip or GeoJSON" in reasons["many"]
