"""Profiles of plates: from pictures to tables, the same here and on the batch runner."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from typer.testing import CliRunner

from ellimaps.batch.engines import local_processes
from ellimaps.batch.plates import replaced, run_plate
from ellimaps.cli import cli
from ellimaps.core.errors import ExportError, ReadError, SettingError
from ellimaps.plates.measuring.field import FieldSettings
from ellimaps.plates.measuring.plate import METADATA, Plate, read_plate
from ellimaps.plates.measuring.profiles import (
    WELL_METADATA,
    Profiles,
    profile_plate,
    read_profiles,
    save_profiles,
)
from ellimaps.samples import sample_plate

RADIUS = FieldSettings(radius_px=(2.0, 8.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three wells of a generated plate."""
    root = tmp_path_factory.mktemp("plate") / "sample"
    return sample_plate(root, seed=3, wells=48, fields=2, size=128, only_wells=3)


@pytest.fixture(scope="module")
def plate(folder) -> Plate:
    return read_plate(folder / "images", folder / "layout.csv", name="generated")


@pytest.fixture(scope="module")
def profiles(plate) -> Profiles:
    return profile_plate(plate, RADIUS)


def test_the_table_is_what_others_build_on(profiles):
    fields, wells = profiles.fields, profiles.wells
    assert tuple(fields)[: len(METADATA)] == METADATA
    assert tuple(wells)[: len(WELL_METADATA)] == WELL_METADATA
    assert fields["well"].tolist() == ["A01", "A01", "A02", "A02", "A03", "A03"]
    assert wells["n_fields"].tolist() == [2, 2, 2]
    assert fields["control"].dtype == bool
    assert all(fields[name].dtype == np.float64 for name in profiles.features)
    means = fields.groupby("well")["cell_count"].mean()
    assert wells.set_index("well")["cell_count"].to_dict() == means.to_dict()


def test_mismatches_are_listed_and_sizes_inferred(plate):
    assert plate.shape == (6, 8)
    assert plate.channels == ("1", "2", "3", "4")
    [note] = plate.mismatches
    assert note.startswith("45 wells are in the layout but have no images: A04, A05")


def test_profiles_are_read_as_they_were_saved(profiles, tmp_path):
    save_profiles(profiles, tmp_path)
    again = read_profiles(tmp_path, cells=True)
    pd.testing.assert_frame_equal(again.fields, profiles.fields, check_dtype=False)
    pd.testing.assert_frame_equal(again.wells, profiles.wells, check_dtype=False)
    assert len(again.cells) == profiles.fields["cell_count"].sum() > 0
    assert again.features == profiles.features


def test_the_runner_writes_the_same_and_resumes(plate, profiles, tmp_path):
    save_profiles(profiles, tmp_path / "here")
    engine = local_processes(1)
    _, first = run_plate(plate, RADIUS, tmp_path / "batch", engine)
    for name in ("fields.parquet", "wells.parquet", "fields.csv", "wells.csv"):
        assert (tmp_path / "batch" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name
    # The runner also lists failures, and writes its cells in groups.
    facts = [json.loads((tmp_path / where / "plate.json").read_text()) for where in ("here", "batch")]
    for listing in facts:
        assert sorted([*listing.pop("files_sha256"), "plate.json"]) == listing.pop("files")
    assert facts[0] == facts[1]
    both = [pd.read_parquet(tmp_path / where / "cells.parquet") for where in ("here", "batch")]
    pd.testing.assert_frame_equal(*both)
    _, second = run_plate(plate, RADIUS, tmp_path / "batch", engine)
    assert (first.done, first.skipped, second.done, second.skipped) == (6, 0, 0, 6)


def test_a_damaged_field_is_listed_and_the_rest_is_done(folder, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for file in sorted((folder / "images").glob("r01c01*")):
        (images / file.name).write_bytes(file.read_bytes())
    broken = images / "r01c01f02p01-ch3sk1fk1fl1.tiff"
    broken.write_bytes(broken.read_bytes()[:5000])
    arguments = ["plates", "profile", str(images), "--layout", str(folder / "layout.csv")]
    options = ["--out", str(tmp_path / "out"), "--workers", "1", "--radius", "2", "8", "--json"]
    result = CliRunner().invoke(cli, [*arguments, *options])
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert (facts["fields"], facts["done"], facts["failed"]) == (2, 1, 1)
    [failure] = pd.read_csv(tmp_path / "out" / "failures.csv").to_dict("records")
    assert (failure["well"], failure["field"]) == ("A01", 2)
    assert broken.name in failure["reason"]


def test_profiles_of_other_settings_images_or_features_are_replaced_only_when_asked(folder, tmp_path):
    shutil.copytree(folder / "images", tmp_path / "images")
    out = tmp_path / "out"

    def measure(*options, images=folder / "images"):
        command = [
            "plates",
            "profile",
            str(images),
            "--layout",
            str(folder / "layout.csv"),
            "--out",
            str(out),
        ]
        return CliRunner().invoke(cli, [*command, "--workers", "1", *options])

    assert "6 done, 0 skipped" in measure("--radius", "2", "8").stdout
    written = (out / "plate.json").read_bytes()
    assert "0 done, 6 skipped" in measure("--radius", "2", "8").stdout
    refused = {
        "other settings (radius_px)": measure("--radius", "3", "7"),
        "other images, those of images": measure("--radius", "2", "8", images=tmp_path / "images"),
        "other features (plain)": measure("--radius", "2", "8", "--features", "autoencoder"),
    }
    for reason, result in refused.items():
        assert isinstance(result.exception, SettingError)
        assert reason in str(result.exception)
        assert str(result.exception).endswith("or give --replace to measure over them.")
    assert (out / "plate.json").read_bytes() == written
    assert "6 done, 0 skipped" in measure("--radius", "3", "7", "--replace").stdout
    (out / "plate.json").write_text("{")
    assert replaced(out, folder / "images", RADIUS) == "out holds profiles that cannot be read"


def test_results_never_lie_among_the_pictures(plate):
    with pytest.raises(SettingError, match="holds the images"):
        run_plate(plate, RADIUS, plate.root, local_processes(1))


def test_merged_pictures_on_white_are_inverted(tmp_path):
    white = np.full((96, 96, 3), 255, np.uint8)
    white[40:56, 40:56] = (200, 240, 250)
    tifffile.imwrite(tmp_path / "r01c01f01p01-sk1fk1fl1.tiff", white, photometric="rgb")
    (tmp_path / "layout.csv").write_text("well,compound\nA01,DMSO\n")
    found = profile_plate(read_plate(tmp_path, tmp_path / "layout.csv"), FieldSettings(radius_px=(4, 20)))
    row = found.fields.iloc[0]
    assert row["cell_count"] == 1
    assert row["cell_median_red_median"] == 55
    assert row["field_p99.9_blue"] == pytest.approx(5, abs=0.5)


def test_empty_fields_have_no_cells_and_no_errors(tmp_path):
    for name, level in (("r01c01f01p01-ch1sk1fk1fl1.tiff", 100), ("r01c02f01p01-ch1sk1fk1fl1.tiff", 0)):
        tifffile.imwrite(tmp_path / name, np.full((80, 80), level, np.uint16))
    (tmp_path / "layout.csv").write_text("well,compound\nA01,DMSO\nA02,x\n")
    found = profile_plate(read_plate(tmp_path, tmp_path / "layout.csv"))
    assert found.fields["cell_count"].tolist() == [0, 0]
    assert found.fields["cell_area_median"].isna().all()
    assert len(found.cells) == 0


def test_a_missing_channel_is_told(tmp_path):
    (tmp_path / "layout.csv").write_text("well,compound\nA01,x\n")
    for name in ("r01c01f01p01-ch1sk1fk1fl1.tiff", "r01c01f01p01-ch2sk1fk1fl1.tiff"):
        tifffile.imwrite(tmp_path / name, np.zeros((80, 80), np.uint16))
    tifffile.imwrite(tmp_path / "r01c01f02p01-ch1sk1fk1fl1.tiff", np.zeros((80, 80), np.uint16))
    with pytest.raises(ReadError, match="has no picture of channel 2"):
        profile_plate(read_plate(tmp_path, tmp_path / "layout.csv"))


@pytest.mark.parametrize("damage", [b"", b"{", b'{"features": 3}', b'{"features": ["nothing"]}'])
def test_damaged_profiles_are_told(profiles, tmp_path, damage):
    with pytest.raises(ReadError, match="holds no profiles"):
        read_profiles(tmp_path)
    save_profiles(profiles, tmp_path)
    (tmp_path / "plate.json").write_bytes(damage)
    with pytest.raises(ReadError, match="again"):
        read_profiles(tmp_path)


def test_the_sample_is_the_same_for_the_same_seed(folder, tmp_path):
    again = sample_plate(tmp_path / "b", seed=3, wells=48, fields=1, size=128, only_wells=1)
    name = "images/r01c01f01p01-ch2sk1fk1fl1.tiff"
    assert (again / name).read_bytes() == (folder / name).read_bytes()
    with pytest.raises(ExportError, match="is not empty"):
        sample_plate(again)


def test_the_sample_has_every_dose_and_two_inert_compounds(folder):
    layout = pd.read_csv(folder / "layout.csv")
    truth = json.loads((folder / "truth.json").read_text())
    assert layout.groupby("compound").size().to_dict()["DMSO"] == 12
    assert layout.loc[layout["control"] == 0].groupby("compound")["concentration_um"].nunique().eq(6).all()
    assert sum(one["changes"] == "none" for one in truth["compounds"]) == 2
