"""From bands to features."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from support.stacks import delta_psi, intensities, one_sentence, real, sample

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering import features as module
from ellimaps.maps.clustering.estimation import estimate_k
from ellimaps.maps.clustering.features import (
    FeatureSpace,
    WrappedDeltaWarning,
    crosses_zero,
    default_features,
    feature_matrix,
)
from ellimaps.maps.segmentation import segment

RNG = np.random.default_rng(0)
PLAIN = delta_psi(RNG.uniform(100, 200, (3, 8, 9)), RNG.uniform(5, 85, (3, 8, 9)))


def test_ncs_is_the_definition():
    matrix, pixels = feature_matrix(PLAIN, "ncs")
    delta, psi = np.deg2rad(PLAIN.values[:3].astype(float)), np.deg2rad(PLAIN.values[3:].astype(float))
    n, c, s = np.cos(2 * psi), np.sin(2 * psi) * np.cos(delta), np.sin(2 * psi) * np.sin(delta)
    assert_allclose(matrix, np.concatenate([n, c, s]).reshape(9, -1).T, atol=1e-6)
    assert_allclose(n**2 + c**2 + s**2, 1)
    assert_array_equal(pixels, np.arange(72))


@given(st.integers(-2, 2), st.floats(0, 360))
@settings(deadline=None)
def test_ncs_does_not_see_full_turns(turns, delta):
    values = np.array([[delta, delta + 360 * turns]])
    matrix, _ = feature_matrix(delta_psi(values, [[30, 30]]), "ncs")
    assert_allclose(matrix[0], matrix[1], atol=2e-4)


def test_raw_is_the_values_and_standard_their_z_scores():
    values = PLAIN.values.reshape(6, -1).T
    assert_array_equal(feature_matrix(PLAIN, "raw")[0], values)
    standard = feature_matrix(PLAIN, "standard")[0]
    assert_allclose(standard, (values - values.mean(0)) / values.std(0), atol=1e-5)
    assert standard.dtype == np.float32
    assert standard.flags.c_contiguous


def test_a_constant_band_is_zero_and_not_nan():
    matrix, _ = feature_matrix(intensities(np.full((1, 4, 4), 0.1)), "standard")
    assert_array_equal(matrix, 0)


def test_standard_scores_are_those_of_the_clustered_pixels():
    values = np.array([[[1.0, 2, 3, 1000]], [[1, 2, 3, np.nan]]])
    matrix, pixels = feature_matrix(intensities(values))
    assert pixels.tolist() == [0, 1, 2]
    assert_allclose(matrix.mean(axis=0), 0, atol=1e-6)
    assert_allclose(matrix.std(axis=0), 1, atol=1e-6)


def test_defaults():
    assert default_features(PLAIN) == "ncs"
    assert default_features(intensities([[1.0]])) == "standard"
    assert FeatureSpace(intensities([[1.0, 2.0]])).kind == "standard"


@pytest.mark.parametrize("kind", ["raw", "standard", "ncs"])
def test_a_stack_too_large_to_keep_gives_the_same_features(kind, monkeypatch):
    gappy = PLAIN.values.copy()
    gappy[2, 3, 4] = np.nan
    for values in (PLAIN.values, gappy):
        stack = PLAIN.with_values(values)
        expected, pixels = feature_matrix(stack, kind)
        with monkeypatch.context() as patch:
            patch.setattr(module, "CACHE_BYTES", 0)
            patch.setattr(module, "MIN_BLOCK_PIXELS", 10)
            patch.setattr(module, "BLOCK_NUMBERS", 10)
            space = FeatureSpace(stack, kind)
            assert_array_equal(
                np.concatenate([space.block(part) for part in space.parts()], axis=1), expected.T
            )
            assert_array_equal(space.take(np.array([5, 0])), expected.T[:, [5, 0]])
            assert_array_equal(space.pixels, pixels)


@pytest.mark.parametrize("kind", ["raw", "standard"])
@pytest.mark.parametrize("act", [feature_matrix, lambda s, f: segment(s, 2, features=f), None])
def test_delta_across_zero_warns_where_it_is_asked_for(kind, act):
    stack, _ = sample(seed=0, size=(48, 64), kinds=3, bands=5, wrap=True)
    act = act or (lambda s, f: estimate_k(s, k_range=[2], features=f))
    with pytest.warns(WrappedDeltaWarning, match="0/360") as record:
        act(stack, kind)
    assert record[0].filename == __file__


def test_what_does_not_cross_zero_does_not_warn(real_hbn):
    wrapped, _ = sample(seed=0, size=(48, 64), kinds=3, bands=5, wrap=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", WrappedDeltaWarning)
        feature_matrix(sample(seed=0, size=(48, 64), kinds=3, bands=5)[0], "raw")
        feature_matrix(real(real_hbn), "raw")
        feature_matrix(wrapped, "ncs")
        feature_matrix(PLAIN, "standard")


def test_regions_on_both_sides_of_zero_need_not_touch():
    delta = np.full((10, 30), 150.0)
    delta[:, :10], delta[:, 20:] = 350, 8
    assert crosses_zero(delta_psi(delta, np.full((10, 30), 40)))
    delta[:, :10] = 300 - 150
    assert not crosses_zero(delta_psi(delta, np.full((10, 30), 40)))


def test_a_negative_delta_is_the_same_angle():
    assert crosses_zero(delta_psi(np.tile([-5.0, 5.0], (4, 4)), np.full((4, 8), 40)))


def test_features_that_do_not_fit_are_refused():
    with pytest.raises(SettingError, match="raw, standard, ncs") as error:
        feature_matrix(PLAIN, "pca")
    assert one_sentence(error)
    with pytest.raises(SettingError, match="holds intensity: ncs") as error:
        feature_matrix(intensities([[1.0]]), "ncs")
    assert one_sentence(error)
    for part in ([0, 1, 2, 3], [3, 4, 5]):
        lone = ImageStack(PLAIN.values[part], PLAIN.bands.iloc[part], "half")
        with pytest.raises(SettingError, match="without its partner") as error:
            feature_matrix(lone)
        assert one_sentence(error)


def test_no_complete_pixel_is_an_error():
    with pytest.raises(SettingError, match="no pixel has a value in all 2 bands") as error:
        feature_matrix(intensities([[[1, np.nan]], [[np.nan, 1]]]))
    assert one_sentence(error)
