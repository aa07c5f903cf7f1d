"""Label maps, clustershots and coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score
from support.stacks import delta_psi, intensities, one_sentence, real, sample

from ellimaps.core.angles import wrap_degrees
from ellimaps.core.errors import SettingError
from ellimaps.images.preprocessing import preprocess
from ellimaps.maps.segmentation import Segmentation, segment


def labelled(stack, labels):
    """A segmentation with given labels."""
    labels = np.asarray(labels, np.int16)
    return Segmentation(labels, np.zeros((labels.max() + 1, 1)), 0.0, {}, stack)


def assert_consistent(segmentation):
    labels, stack = segmentation.labels, segmentation.stack
    shots = segmentation.clustershots()
    assert len(shots) == segmentation.k * stack.n_bands
    for shot in shots.itertuples():
        values = stack.values[shot.band][(labels == shot.cluster) & stack.measured[shot.band]].astype(float)
        assert shot.n_pixels == values.size
        if shot.quantity == "Delta":
            phasors = np.exp(1j * np.deg2rad(values))
            mean = np.rad2deg(np.angle(phasors.mean()))
            rest = np.rad2deg(np.angle(phasors / np.exp(1j * np.deg2rad(mean))))
            assert abs(wrap_degrees(np.array(shot.mean - mean))) < 1e-6
            assert 0 <= shot.mean < 360
            assert_allclose(shot.std, np.sqrt((rest**2).mean()), atol=1e-6)
        else:
            assert_allclose([shot.mean, shot.std], [values.mean(), values.std()], rtol=1e-6)


def test_clusters_are_numbered_by_the_first_band():
    image = np.repeat([30.0, 10, 20], 40).reshape(12, 10)
    found = segment(intensities([image, -image]), 3)
    assert_array_equal(found.labels, np.repeat([2, 0, 1], 40).reshape(12, 10))
    assert_allclose(found.means[:, 0], [10, 20, 30])
    assert_allclose(found.centers[:, 0], np.sort(found.centers[:, 0]))
    assert found.n_pixels.tolist() == [40, 40, 40]


@given(st.integers(0, 99), st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_numbers_centres_and_labels_go_together(seed, k):
    rng = np.random.default_rng(seed)
    found = segment(intensities(rng.random((3, 12, 15))), k, features="raw", seed=seed)
    assert (np.diff(found.means[:, 0]) >= 0).all()
    assert_allclose(found.means, found.centers, atol=1e-5)
    values = found.stack.values.reshape(3, -1).T
    own = ((values - found.centers[found.labels.ravel()]) ** 2).sum()
    assert_allclose(found.inertia, own, rtol=1e-5)


def test_settings_are_plain_and_labels_read_only():
    found = segment(intensities([[1.0, 2.0, 5.0]]), np.int64(2), seed=np.int64(3))
    assert found.settings == {"k": 2, "features": "standard", "seed": 3}
    assert {type(found.settings[name]) for name in ("k", "seed")} == {int}
    assert found.labels.dtype == np.int16
    with pytest.raises(ValueError, match="read-only"):
        found.labels[0, 0] = 0


@pytest.mark.parametrize("k", [0, 31, 2.0, "auto", None, True])
def test_a_number_of_clusters_that_makes_no_sense_is_refused(k):
    with pytest.raises(SettingError, match="k must be a whole number from 1 to 30") as error:
        segment(intensities([[1.0, 2.0]]), k)
    assert one_sentence(error)


def test_more_clusters_than_pixels_or_values_are_refused():
    for image in ([[1.0, 2.0]], [[1.0, 1.0, 1.0, 2.0]]):
        with pytest.raises(SettingError, match="k = 3") as error:
            segment(intensities(image), 3)
        assert one_sentence(error)


def test_progress():
    told = []
    segment(intensities([[1.0, 2.0]]), 2, on_progress=lambda *step: told.append(step))
    assert told == [(0, 2, "segmenting"), (1, 2, "segmenting"), (2, 2, "segmenting")]


# Clustershots


def test_a_clustershot_of_known_values_across_zero():
    delta = np.array([[358.0, 2, 0, 90], [100, 110, 120, np.nan]])
    psi = np.array([[10.0, 20, 30, np.nan], [1, 1, 1, 5]])
    shots = labelled(delta_psi(delta, psi), [[0, 0, 0, -1], [1, 1, 1, 1]]).clustershots()
    assert list(shots) == ["cluster", "quantity", "wavelength_nm", "aoi_deg", "channel", "mean", "std",
                           "n_pixels", "band"]  # fmt: skip
    assert shots["cluster"].tolist() == [0, 0, 1, 1]
    assert_allclose(wrap_degrees(shots["mean"].to_numpy()), [0, 20, 110, 2], atol=1e-6)
    assert (shots["mean"] < 360).all()
    assert_allclose(shots["std"], np.sqrt([8 / 3, 200 / 3, 200 / 3, 3]))
    assert shots["n_pixels"].tolist() == [3, 3, 3, 4]


def test_filled_values_enter_no_clustershot():
    stack = intensities([[1.0, 2, 99, 7]], filled=np.array([[[False, False, True, False]]]))
    shots = labelled(stack, [[0, 0, 0, 1]]).clustershots()
    assert shots["mean"].tolist() == [1.5, 7]
    assert shots["n_pixels"].tolist() == [2, 1]


def test_a_cluster_without_a_measured_value_has_no_mean():
    stack = delta_psi([[1.0, 2]], [[3.0, 4]], filled=np.array([[[True, False]], [[False, False]]]))
    shots = labelled(stack, [[0, 1]]).clustershots()
    assert_array_equal(shots["n_pixels"], [0, 1, 1, 1])
    assert_array_equal(np.isnan(shots["mean"]), [True, False, False, False])
    assert_array_equal(np.isnan(shots["std"]), [True, False, False, False])


@given(st.integers(0, 99), st.floats(0, 360))
@settings(max_examples=25, deadline=None)
def test_turning_delta_turns_its_clustershot(seed, turn):
    rng = np.random.default_rng(seed)
    delta, psi = rng.normal(50, 20, (6, 7)), rng.uniform(0, 90, (6, 7))
    labels = rng.integers(-1, 2, (6, 7))
    labels[0, :2] = 0, 1
    before, after = (labelled(delta_psi((delta + t) % 360, psi), labels) for t in (0, turn))
    assert np.abs(wrap_degrees(after.means[:, 0] - before.means[:, 0] - turn)).max() < 1e-3
    assert_allclose(after.clustershots()["std"], before.clustershots()["std"], atol=1e-3)
    assert_consistent(after)


@pytest.mark.parametrize("wrap", [False, True])
def test_clustershots_of_samples_are_the_circular_statistics(wrap):
    stack, _ = sample(seed=3, kinds=4, wrap=wrap)
    assert_consistent(segment(stack, 4))


# Coordinates and painted bands


def test_coordinates_hold_every_labelled_pixel_once():
    # Other tools joined the columns on cluster 0, and larger clusters lost pixels.
    stack, _ = sample(seed=3, kinds=4)
    found = segment(preprocess(stack, gaps="exclude"), 4)
    table = found.coordinates()
    assert list(table) == ["cluster", "y", "x"]
    assert len(table) == (found.labels >= 0).sum() < found.labels.size
    assert not table.duplicated(["y", "x"]).any()
    assert_array_equal(found.labels[table["y"], table["x"]], table["cluster"])
    assert_array_equal(table["cluster"].value_counts().sort_index(), found.n_pixels)
    assert table.equals(table.sort_values(["cluster", "y", "x"], ignore_index=True))


def test_a_segmented_band_paints_means_and_leaves_no_data_empty():
    stack = intensities([[1.0, 3, 8], [np.nan, 8, 8]])
    painted = labelled(stack, [[0, 0, 1], [-1, 1, 1]]).segmented_band(0)
    assert_array_equal(painted, [[2, 2, 8], [np.nan, 8, 8]])
    assert painted.dtype == np.float32


# Known truth and the real folder


@pytest.mark.parametrize(("kinds", "wrap"), [(3, True), (4, False), (6, True)])
def test_the_kinds_are_found_away_from_edges(kinds, wrap):
    for seed in range(3):
        stack, truth = sample(seed=seed, kinds=kinds, wrap=wrap)
        found = segment(stack, kinds)
        inside = ~truth["edge"]
        assert inside.mean() > 0.5
        assert adjusted_rand_score(truth["labels"][inside], found.labels[inside]) >= 0.99


def test_the_background_of_the_real_folder(real_hbn):
    stack = real(real_hbn)
    raw, default = segment(stack, 5, features="raw"), segment(stack, 5)
    background = raw.n_pixels.argmax()
    assert abs(raw.n_pixels[background] - 82_700) <= 100
    shots = raw.clustershots().query("cluster == @background and wavelength_nm == 550").set_index("quantity")
    assert abs(shots["mean"]["Delta"] - 141.7) <= 0.2
    assert abs(shots["mean"]["Psi"] - 39.0) <= 0.2
    assert default.settings["features"] == "ncs"
    ours, theirs = raw.labels == background, default.labels == default.n_pixels.argmax()
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.98
    for found in (raw, default):
        assert len(found.coordinates()) == found.n_pixels.sum() == found.labels.size
        assert_consistent(found)


def test_wide_gaps_of_the_real_folder_can_stay_empty(real_hbn):
    stack = preprocess(real(real_hbn), gaps="exclude")
    found = segment(stack, 5)
    assert_array_equal(found.labels == -1, np.isnan(stack.values).any(axis=0))
    assert 0 < (found.labels == -1).sum() < 8000
    assert len(found.coordinates()) == found.n_pixels.sum() == (found.labels >= 0).sum()
