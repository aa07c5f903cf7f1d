"""Boxes, extremes, intensities above the background and diameters, against regionprops and known shapes."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import regionprops

from ellimaps.objects.column_names import renamed
from ellimaps.objects.extended import extended_measures
from ellimaps.objects.measure import measure_objects
from ellimaps.samples.nuclei import nuclei_phantom


@pytest.fixture(scope="module")
def made():
    one = nuclei_phantom(7, size=(200, 260), count=14)
    return one.image.astype(float), one.labels


def test_all_measures_are_those_of_regionprops(made):
    image, labels = made
    ground = np.full(image.shape, 50.0)
    table = measure_objects({"DNA": image}, labels).join(
        extended_measures({"DNA": image}, labels, {"DNA": ground})
    )
    table = renamed(table, ["DNA"], "skimage")
    found = regionprops(labels, image)
    assert len(found) == len(table) > 10
    same = {
        "area": "area", "perimeter": "perimeter", "solidity": "solidity", "eccentricity": "eccentricity",
        "axis_major_length": "axis_major_length", "axis_minor_length": "axis_minor_length",
        "feret_diameter_max": "feret_diameter_max", "intensity_mean_DNA": "intensity_mean",
        "intensity_min_DNA": "intensity_min", "intensity_max_DNA": "intensity_max",
        "intensity_std_DNA": "intensity_std",
    }  # fmt: skip
    for ours, theirs in same.items():
        np.testing.assert_allclose(table[ours], [one[theirs] for one in found], rtol=1e-9, err_msg=ours)
    for axis in range(4):
        np.testing.assert_array_equal(table[f"bbox-{axis}"], [one.bbox[axis] for one in found])
    np.testing.assert_allclose(table["corrected_mean_DNA"], table["intensity_mean_DNA"] - 50)
    np.testing.assert_allclose(
        table["corrected_integrated_DNA"], table["integrated_DNA"] - 50 * table["area"]
    )


def test_diameters_and_form_of_known_shapes():
    labels = np.zeros((120, 160), dtype=np.int32)
    labels[10:20, 10:50] = 1
    y, x = np.ogrid[:120, :160]
    labels[np.hypot(y - 70, x - 100) <= 30] = 2
    table = extended_measures({}, labels, {})
    assert table["feret_diameter_min"][0] == pytest.approx(10)
    assert table["feret_diameter_min"][1] == pytest.approx(61, abs=0.7)
    assert table["feret_diameter_max"][1] == pytest.approx(61, abs=0.7)
    # The perimeter of regionprops is 5 % long for a disc of this size.
    assert table["form_factor"][1] == pytest.approx(1 / 1.05**2, abs=0.02)
    assert table["form_factor"][0] < 0.7


def test_what_was_not_measured_is_left_out():
    labels = np.zeros((20, 20), dtype=np.int32)
    labels[2:8, 2:8], labels[10:16, 10:16] = 1, 2
    image = np.arange(400.0).reshape(20, 20)
    image[2:8, 2:8] = np.nan
    image[10, 10] = np.nan
    table = extended_measures({"a": image}, labels, {"a": np.zeros((20, 20))})
    assert table[["min_a", "max_a", "corrected_mean_a", "corrected_integrated_a"]].iloc[0].isna().all()
    assert table["min_a"][1] == 211
    assert table["corrected_mean_a"][1] == pytest.approx(np.nanmean(image[10:16, 10:16]))


def test_no_object_is_no_row():
    table = extended_measures(
        {"a": np.zeros((9, 9))}, np.zeros((9, 9), dtype=np.int32), {"a": np.zeros((9, 9))}
    )
    assert len(table) == 0
    assert {"bbox-0", "min_a", "form_factor", "feret_diameter_min"} <= set(table)


def test_names_of_cellprofiler(made):
    image, labels = made
    table = measure_objects({"DNA": image}, labels)
    theirs = renamed(table, ["DNA"], "cellprofiler")
    assert {"ObjectNumber", "AreaShape_Area", "Intensity_IntegratedIntensity_DNA"} <= set(theirs)
    np.testing.assert_array_equal(theirs["AreaShape_Area"], table["area"])
