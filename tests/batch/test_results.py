"""Results read back: nodes of the tree, their means and uncertainties, against tables written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ellimaps.batch.asked import Asked
from ellimaps.batch.map_results import parameters, sample_table, spectra_by_group, values_by_group
from ellimaps.batch.maps import MapWork
from ellimaps.batch.recipes import read_work
from ellimaps.batch.result_folders import result_folders
from ellimaps.batch.results import Results, read_results
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.batch.work import attempt
from ellimaps.samples import sample_ep4

LEVELS = ["Date", "Subject", "Experiment", "FOV"]


def results_of(places, objects, pattern=None, **images):
    """Results whose objects are (number of the image, values of its columns)."""
    table = pd.DataFrame(places, columns=LEVELS).assign(File="", Objects=0, Flags="", **images)
    rows = [dict(zip(LEVELS, places[image], strict=True)) | values for image, values in objects]
    table["Objects"] = [sum(image == number for image, _ in objects) for number in range(len(places))]
    found = pd.DataFrame(rows, columns=None if rows else [*LEVELS, "R"])
    asked = Asked("/data", pattern, "", len(places), finished=True)
    return Results(Path(), table, found, table[:0], asked)


EIGHT = [
    ("2026", f"s{subject}", f"e{experiment}", f"f{fov}")
    for subject in range(2)
    for experiment in range(4)
    for fov in range(3)
]


def test_eight_experiments_of_two_subjects_are_eight_nodes():
    results = results_of(EIGHT, [(number, {"R": 1.0}) for number in range(0, 24, 2)])
    counts = results.counts("Experiment")
    assert len(counts) == 8
    assert list(counts["Experiment"][:2]) == ["s0 / e0", "s0 / e1"]
    assert counts["Images"].tolist() == [3] * 8
    assert counts["Objects"].tolist() == [2, 1] * 4
    assert counts["Objects per image"].iloc[0] == pytest.approx(2 / 3)
    assert counts["Standard error"].iloc[0] == pytest.approx(np.std([1, 0, 1], ddof=1) / np.sqrt(3))
    assert list(results.counts("Subject")["Subject"]) == ["s0", "s1"]


def test_no_objects_at_all_have_no_nodes():
    results = results_of(EIGHT, [])
    assert results.groups(results.objects, "Experiment").empty
    assert results.counts("Subject")["Objects"].tolist() == [0, 0]


def test_levels_stand_in_the_order_of_the_path():
    results = results_of([("2026", "s", "", "f")], [], "{fov}/{date}/{subject}")
    assert results.levels == ["FOV", "Date", "Subject"]


def test_quartiles_are_those_of_each_node():
    values = np.arange(10.0)
    results = results_of(EIGHT[:6], [(number // 2, {"R": value}) for number, value in enumerate(values)])
    compared = results.comparison("Experiment", "R").set_index("Experiment")
    assert compared.loc["e0", "Median"] == np.median(values[:6])
    assert compared.loc["e1", "Upper quartile"] == np.percentile(values[6:], 75)


def fit(cluster, value, error, flag="ok", **bands):
    return {"Cluster": cluster, "t_nm": value, "t_nm_se": error, "flag": flag, **bands}


def test_values_are_means_of_what_can_be_trusted_with_their_uncertainty():
    objects = [
        (0, fit(0, 10.0, 0.1)), (1, fit(0, 14.0, 0.1)), (2, fit(0, 900.0, 0.1, "poor fit")),
        (3, fit(0, 20.0, 0.3)), (3, fit(1, 50.0, 0.5)),
    ]  # fmt: skip
    results = results_of(EIGHT[:6], objects)
    assert parameters(results) == ["t_nm"]
    found = values_by_group(results, "Experiment", "t_nm").set_index(["group", "cluster"])
    assert tuple(found.loc[("e0", "0")]) == (12.0, pytest.approx(np.sqrt(8)), 2)
    assert tuple(found.loc[("e1", "0")]) == (20.0, 0.3, 1)
    assert tuple(found.loc[("e1", "1")]) == (50.0, 0.5, 1)
    wide = sample_table(results)
    assert wide["t_nm, cluster 0"].iloc[0] == 10.0
    assert wide["t_nm, cluster 0"].isna().tolist() == [False, False, True, False, True, True]
    assert wide["t_nm, cluster 1"].iloc[3] == 50.0


def test_fits_none_of_which_can_be_trusted_are_no_values():
    results = results_of(EIGHT[:3], [(0, fit(0, 10.0, 0.1, "at bound"))])
    assert values_by_group(results, "FOV", "t_nm").empty


def test_delta_is_averaged_on_the_circle_and_psi_is_not():
    delta, psi = "Delta 500 nm 50 deg 0.1 s", "Psi 500 nm 50 deg 0.1 s"
    objects = [(0, {"Cluster": 0, delta: 359.0, psi: 10.0}), (1, {"Cluster": 0, delta: 3.0, psi: 14.0})]
    found = spectra_by_group(results_of(EIGHT[:3], objects), "Experiment").set_index("quantity")
    assert found.loc["Delta", "mean"] == pytest.approx(1.0)
    assert found.loc["Delta", "spread"] == pytest.approx(np.sqrt(8))
    assert found.loc["Psi", "mean"] == 12.0
    assert (found["wavelength_nm"] == 500).all()
    assert (found["aoi_deg"] == 50).all()


@pytest.mark.parametrize(
    ("column", "quantity", "channel", "wavelength", "time"),
    [
        ("Delta 632.8 nm 50 deg", "Delta", "", 632.8, np.nan),
        ("intensity DAPI 405 nm", "intensity", "DAPI", 405.0, np.nan),
        ("intensity ch 1 12 s", "intensity", "ch 1", np.nan, 12.0),
        ("intensity", "intensity", "", np.nan, np.nan),
    ],
)
def test_bands_are_read_back_from_their_columns(column, quantity, channel, wavelength, time):
    results = results_of(EIGHT[:1], [(0, {"Cluster": 0, column: 1.0, "thickness_nm": 2.0})])
    [row] = spectra_by_group(results, "FOV").to_dict("records")
    assert (row["quantity"], row["channel"]) == (quantity, channel)
    np.testing.assert_equal((row["wavelength_nm"], row["time_s"]), (wavelength, time))


def in_turn(work, tasks):
    return ((task, attempt(work, task.item.argument, task.files)) for task in tasks)


def test_medians_over_pixels_are_values_of_samples(tmp_path):
    for number in range(2):
        sample_ep4(tmp_path / "data" / "a" / f"w{number}", seed=number, size=(32, 40), kinds=2, bands=5)
    (tmp_path / "r.toml").write_text("k = 2\n[fit]\npixels = true\nmodel = 'data/a/w0/model.toml'\n")
    out = tmp_path / "out"
    tree = tree_of(tmp_path / "data", out, "{experiment}/{fov}", folders=True)
    run_batch(tree, read_work(tmp_path / "r.toml"), out, in_turn)
    results = read_results(out)
    assert parameters(results) == ["median_thickness_nm"]
    [found] = values_by_group(results, "Experiment", "median_thickness_nm").to_dict("records")
    medians = results.images["median_thickness_nm"].dropna()
    assert (found["mean"], found["samples"]) == (pytest.approx(medians.mean()), len(medians))


def test_a_well_called_01_stays_text(tmp_path):
    sample_ep4(tmp_path / "data" / "01" / "a", size=(32, 40), kinds=2, bands=2)
    out = tmp_path / "out"
    run_batch(tree_of(tmp_path / "data", out, "{well}/{fov}", folders=True), MapWork(), out, in_turn)
    results = read_results(out)
    assert results.levels == ["well", "FOV"]
    assert list(results.groups(results.objects, "well").unique()) == ["01"]
    [sample] = [image for _, image in results.images.iterrows()]
    assert len(results.objects_of(sample)) == len(results.objects)
    assert [file.name for file in results.files(sample, "_maps.png")]


def test_a_run_that_was_killed_before_any_table_is_found(tmp_path):
    (tmp_path / "results" / "x" / ".ellimaps").mkdir(parents=True)
    (tmp_path / "results" / "x" / ".ellimaps" / "lock").touch()
    (tmp_path / "home" / ".ellimaps" / "events").mkdir(parents=True)
    assert result_folders(tmp_path) == [tmp_path / "results" / "x"]
