"""Gaps, spikes, smoothing, region of interest and binning."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.convolution import Gaussian2DKernel, interpolate_replace_nans
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage
from support.stacks import delta_psi, intensities, one_sentence, real, sample

from ellimaps.core.angles import wrap_degrees
from ellimaps.core.errors import SettingError
from ellimaps.images.preprocessing import crop, fill_gaps, gaussian_kernel, preprocess
from ellimaps.readers import open_stack

KERNEL = Gaussian2DKernel(1, x_size=9, y_size=9)


def with_gaps(seed, low=0.0, span=100.0, shape=(24, 30)):
    """A noisy map with specks and one gap of 14 x 12 px."""
    rng = np.random.default_rng(seed)
    image = (low + span * rng.random(shape)).astype(np.float32)
    image[rng.random(shape) < 0.15] = np.nan
    image[5:19, 8:20] = np.nan
    return image


def peer(image, **boundary):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return interpolate_replace_nans(image.astype(np.float64), KERNEL, **boundary)


def assert_like_peer(ours, image):
    theirs = peer(image, boundary="fill", fill_value=np.nan)
    given_by_peer = np.isfinite(theirs)
    assert given_by_peer[np.isfinite(image)].all()
    assert_allclose(ours[given_by_peer], theirs[given_by_peer], rtol=0, atol=1e-3)


def test_the_kernel_is_the_documented_one():
    assert gaussian_kernel().shape == (9, 9)
    assert_allclose(gaussian_kernel(), KERNEL.array / KERNEL.array.sum(), atol=1e-12)


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_filling_equals_astropy(seed, circular):
    image = with_gaps(seed)
    assert np.isfinite(peer(image, boundary="fill", fill_value=np.nan)).sum() > np.isfinite(image).sum() + 100
    assert_like_peer(fill_gaps(image, gaps="exclude", circular=circular), image)
    assert_like_peer(fill_gaps(image, gaps="fill", circular=circular), image)


def test_away_from_borders_filling_equals_astropys_defaults():
    image = with_gaps(4, shape=(40, 50))
    inner = np.s_[4:-4, 4:-4]
    theirs = peer(image)[inner]
    ours = fill_gaps(image, gaps="exclude", circular=False)[inner]
    # Astropy's default border is made of zeros, so it never runs out of values near one.
    assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    assert_allclose(ours, theirs, atol=1e-3)


def test_the_real_folder_is_filled_as_by_astropy_in_all_bands(real_hbn):
    measured, filled = open_stack(real_hbn), real(real_hbn)
    for before, after in zip(measured.values, filled.values, strict=True):
        assert_like_peer(after, before)
    assert np.isnan(measured.values).sum() > 10_000
    assert np.isfinite(filled.values).all()


@given(seed=st.integers(0, 99), span=st.sampled_from([5.0, 100.0, 200.0, 250.0]), turn=st.floats(0, 360))
@settings(max_examples=30, deadline=None)
def test_turning_delta_turns_the_result(seed, span, turn):
    image = with_gaps(seed, low=10, span=span)
    turned = np.mod(image.astype(np.float64) + turn, 360).astype(np.float32)
    for gaps in ("fill", "exclude"):
        expected = fill_gaps(image, gaps=gaps, circular=True)
        ours = fill_gaps(turned, gaps=gaps, circular=True)
        assert_array_equal(np.isnan(ours), np.isnan(expected))
        assert np.nanmax(np.abs(wrap_degrees(ours - expected - turn))) < 1e-3
        assert np.nanmin(ours) >= 0
        assert np.nanmax(ours) <= 360


def test_delta_is_filled_across_zero_and_not_through_180():
    image = np.full((5, 5), 359.0, np.float32)
    image[:, 3:] = 1.0
    image[2, 2] = np.nan
    across = fill_gaps(image, gaps="fill", circular=True)[2, 2]
    assert abs(wrap_degrees(across)) < 1
    assert 100 < fill_gaps(image, gaps="fill", circular=False)[2, 2] < 300


@pytest.mark.parametrize("seed", range(4))
def test_deep_gaps_take_a_nearest_measured_pixel_or_stay_missing(seed):
    rng = np.random.default_rng(seed)
    image = rng.random((60, 70)).astype(np.float32)
    for _ in range(6):
        y, x, height, width = rng.integers([0, 0, 9, 9], [50, 60, 30, 30])
        image[y : y + height, x : x + width] = np.nan
    image[rng.random(image.shape) < 0.1] = np.nan
    kept, filled = (fill_gaps(image, gaps=gaps, circular=False) for gaps in ("exclude", "fill"))
    deep = np.argwhere(np.isnan(kept))
    known = np.argwhere(np.isfinite(image))
    assert len(deep) > 50
    assert_array_equal(np.isnan(kept), ndimage.minimum_filter(np.isnan(image), 9, mode="nearest"))
    for y, x in deep:
        distance = ((known - (y, x)) ** 2).sum(axis=1)
        nearest = known[distance == distance.min()]
        assert filled[y, x] in image[tuple(nearest.T)]


def test_a_map_of_only_gaps_stays_empty():
    image = np.full((12, 12), np.nan, np.float32)
    assert np.isnan(fill_gaps(image, gaps="fill", circular=True)).all()


@pytest.mark.parametrize("gaps", ["fill", "exclude"])
def test_filled_marks_exactly_the_invented_values(real_hbn, gaps):
    before = open_stack(real_hbn)
    after = preprocess(before, gaps=gaps)
    assert_array_equal(after.filled, np.isnan(before.values) & np.isfinite(after.values))
    assert_array_equal(after.values[after.measured], before.values[np.isfinite(before.values)])
    assert_array_equal(after.missing_fraction, before.missing_fraction)
    assert_allclose(after.filled_fraction, after.filled.mean(axis=(1, 2)))
    assert np.isnan(after.values).any() == (gaps == "exclude")


@given(seed=st.integers(0, 99), despike=st.sampled_from([None, 3.0]), binning=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_a_second_pass_starts_from_what_was_measured(seed, despike, binning):
    stack = delta_psi(with_gaps(seed, low=300) % 360, with_gaps(seed, span=40))
    once = preprocess(stack, gaps="fill")
    for gaps in ("fill", "exclude"):
        again = preprocess(once, gaps=gaps, despike=despike, binning=binning)
        direct = preprocess(stack, gaps=gaps, despike=despike, binning=binning)
        assert_array_equal(again.values, direct.values)
        assert_array_equal(again.filled, direct.filled)
    assert len(again.history) == 2


# Spikes


def test_spikes_are_taken_out_filled_and_flagged():
    rng = np.random.default_rng(0)
    truth = rng.normal([[[2.0]], [[40.0]]], 0.1, (2, 40, 40))
    noisy = truth.copy()
    places = ([5, 20, 33], [7, 21, 2])
    noisy[0][places] += 90
    noisy[1][places] -= 20
    result = preprocess(delta_psi(noisy[0] % 360, noisy[1]), despike=7)
    assert_array_equal(np.argwhere(result.filled[0]), np.transpose(places))
    assert_array_equal(result.filled[1], result.filled[0])
    assert_allclose(wrap_degrees(result.values - truth)[result.filled], 0, atol=0.5)
    assert_array_equal(result.values[1][result.measured[1]], noisy[1].astype(np.float32)[result.measured[1]])


def test_despiking_does_not_see_the_step_across_zero():
    rng = np.random.default_rng(1)
    delta = rng.normal(0, 0.1, (30, 30)) % 360
    assert not preprocess(delta_psi(delta, np.full((30, 30), 40)), despike=7).filled.any()


def test_counts_and_noise_free_maps_are_not_stripped():
    # Most pixels equal the median of their neighbours exactly: the usual scale would be 0.
    counts = 10 + (np.random.default_rng(2).random((60, 60)) < 0.2)
    step = np.where(np.arange(60) < 30, 1.0, 5.0) + np.zeros((60, 1))
    assert not preprocess(intensities([counts, step]), despike=6).filled.any()
    step[10, 10] = 400
    assert np.argwhere(preprocess(intensities(step), despike=6).filled[0]).tolist() == [[10, 10]]


# Smoothing


def test_smoothing_is_a_gaussian_average_on_the_circle():
    delta = np.where(np.indices((20, 20)).sum(axis=0) % 2, 359.0, 3.0)
    psi = np.zeros((20, 20))
    psi[10, 10] = 1
    result = preprocess(delta_psi(delta, psi), smooth=1.0)
    assert np.abs(wrap_degrees(result.values[0] - 1)).max() < 2
    assert np.abs(wrap_degrees(result.values[0] - 1))[4:-4, 4:-4].max() < 1e-2
    assert_allclose(result.values[1][6:15, 6:15], gaussian_kernel(), atol=1e-4)


def test_no_invented_value_enters_a_smoothed_measured_one():
    stack = intensities(with_gaps(3))
    filled, excluded = (preprocess(stack, gaps=gaps, smooth=2.0) for gaps in ("fill", "exclude"))
    assert_array_equal(filled.values[filled.measured], excluded.values[excluded.measured])
    assert_array_equal(np.isnan(excluded.values), np.isnan(preprocess(stack, gaps="exclude").values))
    flat = preprocess(intensities(np.where(np.isnan(with_gaps(3)), np.nan, 7.0)), smooth=2.0)
    assert_allclose(flat.values, 7, rtol=1e-6)


# Region of interest and binning


def test_the_region_of_interest_is_cut_before_anything_else():
    stack = intensities(with_gaps(5))
    roi = (2, 12, 1, 15)
    result = preprocess(stack, roi=roi)
    alone = preprocess(intensities(stack.values[:, 2:12, 1:15]))
    assert result.shape == (10, 14)
    assert_array_equal(result.values, alone.values)
    assert result.history[-1]["roi"] == roi
    assert crop(stack, None) is stack


@pytest.mark.parametrize(
    "roi",
    [
        (0, 0, 0, 5),
        (5, 2, 0, 5),
        (-1, 5, 0, 5),
        (0, 25, 0, 5),
        (0, 5, 0, 31),
        (0, 5, 0),
        (0, 5.0, 0, 5),
        "0123",
    ],
)
def test_a_region_outside_the_image_is_refused(roi):
    for cut in (
        lambda: preprocess(intensities(with_gaps(0)), roi=roi),
        lambda: crop(intensities(with_gaps(0)), roi),
    ):
        with pytest.raises(SettingError, match="roi") as error:
            cut()
        assert one_sentence(error)


def test_binning_averages_measured_values_on_the_circle():
    delta = np.array([[359, 1, 10, 20, 99], [359, 1, np.nan, np.nan, 99], [5, 5, 5, 5, 99]])
    psi = np.where(np.isnan(delta), np.nan, 40.0)
    result = preprocess(delta_psi(delta, psi, pixel_size_um=0.5), binning=2)
    assert result.shape == (1, 2)
    assert_allclose(wrap_degrees(result.values[0]), [[0, 15]], atol=1e-4)
    assert result.values[0].max() < 360
    assert_allclose(result.values[1], 40)
    assert result.pixel_size_um == 1.0
    assert not result.filled.any()


def test_bins_without_any_value_are_gaps():
    image = np.ones((4, 4))
    image[:2, :2] = np.nan
    result = preprocess(intensities(image), binning=2)
    assert_array_equal(result.filled[0], [[True, False], [False, False]])


@given(
    seed=st.integers(0, 99),
    turn=st.floats(0, 360),
    settings_=st.sampled_from([{"binning": 2}, {"smooth": 1.5}]),
)
@settings(max_examples=20, deadline=None)
def test_binning_and_smoothing_turn_with_delta(seed, turn, settings_):
    image = with_gaps(seed, low=10)
    psi = np.full(image.shape, 40)
    turned = np.mod(image.astype(np.float64) + turn, 360)
    ours, expected = (preprocess(delta_psi(d, psi), **settings_).values[0] for d in (turned, image))
    assert np.abs(wrap_degrees(ours - expected - turn)).max() < 1e-3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gaps", "ignore"),
        ("binning", 0),
        ("binning", 25),
        ("binning", 2.0),
        ("binning", True),
        ("smooth", 0),
        ("smooth", -1.0),
        ("smooth", np.nan),
        ("smooth", np.inf),
        ("smooth", 1e9),
        ("smooth", "1"),
        ("despike", 0),
        ("despike", np.inf),
        ("despike", "3"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name, value):
    with pytest.raises(SettingError, match=name) as error:
        preprocess(intensities(with_gaps(0)), **{name: value})
    assert one_sentence(error)


def test_progress_is_told_band_by_band_and_can_stop():
    told = []
    stack, _ = sample(size=(32, 32), kinds=2, bands=3)
    preprocess(stack, on_progress=lambda *step: told.append(step))
    assert told == [(n, 6, "filling gaps") for n in range(1, 7)]

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preprocess(stack, on_progress=stop)


def test_samples_have_specks_and_wide_gaps():
    stack, _ = sample(seed=1, kinds=4)
    assert 0.005 < stack.missing_fraction.mean() < 0.02
    assert_array_equal(stack.missing_fraction, stack.filled_fraction)
