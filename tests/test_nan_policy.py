"""What every step does to NaN, which means "not measured", in one place.

One map has a speck (filled from its neighbours) and a gap wider than the 9 x 9 kernel.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from support.stacks import delta_psi, intensities

from ellimaps.core.errors import SettingError
from ellimaps.images.preprocessing import crop, preprocess
from ellimaps.maps.clustering.estimation import estimate_k
from ellimaps.maps.clustering.features import FeatureSpace, feature_matrix
from ellimaps.maps.clustering.kmeans import KMeans
from ellimaps.maps.segmentation import segment

SPECK = np.zeros((32, 40), bool)
SPECK[25, 30] = True
WIDE = np.zeros((32, 40), bool)
WIDE[4:20, 6:24] = True
GAP = SPECK | WIDE
DEEP = np.zeros((32, 40), bool)
DEEP[8:16, 10:20] = True


@pytest.fixture
def stack():
    """Delta and Psi of two kinds at two wavelengths; the first Delta map has the gaps."""
    rng = np.random.default_rng(0)
    kind = np.indices(SPECK.shape)[1] >= 20
    delta = np.where(kind, 10.0, 350.0) + rng.normal(0, 0.5, (2, *kind.shape))
    psi = np.where(kind, 30.0, 50.0) + rng.normal(0, 0.2, (2, *kind.shape))
    delta[0][GAP] = np.nan
    return delta_psi(delta % 360, psi)


def test_a_stack_keeps_nan_and_counts_it_as_missing(stack):
    assert_array_equal(np.isnan(stack.values[0]), GAP)
    assert_array_equal(stack.measured[0], ~GAP)
    assert stack.missing_fraction.tolist() == [GAP.mean(), 0, 0, 0]


def test_infinite_values_are_nan():
    assert np.isnan(intensities([[np.inf, -np.inf]]).values).all()


def test_cropping_keeps_nan(stack):
    assert_array_equal(np.isnan(crop(stack, (4, 20, 6, 24)).values[0]), True)


def test_binning_averages_the_measured_pixels_and_is_empty_only_without_any(stack):
    result = preprocess(stack, binning=2, gaps="exclude")
    assert_array_equal(result.measured[0], ~WIDE[::2, ::2])


def test_despiking_makes_nan_where_it_takes_out_and_none_elsewhere(stack):
    values = stack.values.copy()
    values[2, 2, 2] = 89
    result = preprocess(stack.with_values(values), despike=8)
    assert np.argwhere(~result.measured[2]).tolist() == [[2, 2]]
    assert result.filled[2, 2, 2]
    assert_array_equal(result.measured[0], ~GAP)


def test_filling_leaves_no_nan_and_flags_what_it_invents(stack):
    result = preprocess(stack, gaps="fill")
    assert np.isfinite(result.values).all()
    assert_array_equal(result.filled[0], GAP)
    assert not result.filled[1:].any()


def test_excluding_fills_within_the_kernels_reach_only(stack):
    result = preprocess(stack, gaps="exclude")
    assert_array_equal(np.isnan(result.values[0]), DEEP)
    assert_array_equal(result.filled[0], GAP & ~DEEP)


def test_a_map_of_only_nan_stays_so(stack):
    values = stack.values.copy()
    values[0] = np.nan
    for settings in ({}, {"gaps": "exclude"}, {"despike": 3}, {"smooth": 1}, {"binning": 2}):
        result = preprocess(stack.with_values(values), **settings)
        assert np.isnan(result.values[0]).all()
        assert not result.filled[0].any()


def test_smoothing_neither_spreads_nor_fills_nan(stack):
    result = preprocess(stack, gaps="exclude", smooth=1.5)
    assert_array_equal(np.isnan(result.values[0]), DEEP)
    assert_array_equal(result.filled, preprocess(stack, gaps="exclude").filled)


@pytest.mark.parametrize("kind", ["ncs", "raw", "standard"])
@pytest.mark.filterwarnings("ignore::ellimaps.maps.clustering.features.WrappedDeltaWarning")
def test_features_are_of_complete_pixels_and_hold_no_nan(stack, kind):
    matrix, pixels = feature_matrix(stack, kind)
    assert np.isfinite(matrix).all()
    assert_array_equal(pixels, np.flatnonzero(~GAP))


def test_no_complete_pixel_is_an_error(stack):
    values = stack.values.copy()
    values[0] = np.nan
    for act in (feature_matrix, estimate_k, lambda s: segment(s, 2)):
        with pytest.raises(SettingError, match="no pixel has a value in all 4 bands"):
            act(stack.with_values(values))


def test_clustering_and_the_estimate_see_complete_pixels_only(stack):
    assert len(KMeans(FeatureSpace(stack)).fit(2).labels) == (~GAP).sum()
    estimate = estimate_k(stack, k_range=range(2, 5))
    assert np.isfinite(estimate.table.to_numpy(float)).all()
    assert estimate.suggested_k == 2


def test_pixels_missing_in_any_band_get_the_label_minus_one(stack):
    assert_array_equal(segment(stack, 2).labels == -1, GAP)
    assert_array_equal(segment(preprocess(stack, gaps="exclude"), 2).labels == -1, DEEP)
    assert segment(preprocess(stack), 2).labels.min() == 0


def test_clustershots_average_measured_values_only(stack):
    for gaps in ("fill", "exclude"):
        found = segment(preprocess(stack, gaps=gaps), 2)
        shots = found.clustershots()
        assert np.isfinite(shots["mean"]).all()
        assert shots.query("band == 0")["n_pixels"].sum() == (~GAP).sum()
        assert shots.query("band == 1")["n_pixels"].sum() == (found.labels >= 0).sum()


def test_coordinates_leave_out_no_data_and_painted_bands_show_it_as_nan(stack):
    found = segment(preprocess(stack, gaps="exclude"), 2)
    assert len(found.coordinates()) == (~DEEP).sum()
    assert_array_equal(np.isnan(found.segmented_band(0)), DEEP)
