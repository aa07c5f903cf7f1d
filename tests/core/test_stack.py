"""ImageStack: shapes, the band table, and arithmetic on the circle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from support.stacks import delta_psi, intensities, one_sentence

from ellimaps.core.angles import full_circle, wrap_degrees
from ellimaps.core.checks import whole_number
from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack, band_label, band_labels

BAND = pd.DataFrame({"quantity": ["intensity"]})


@pytest.mark.parametrize("shape", [(3, 3), (1, 0, 3), (1, 2, 3, 4)])
def test_values_of_another_shape_are_refused(shape):
    with pytest.raises(SettingError) as error:
        ImageStack(np.zeros(shape, np.float32), BAND, "x")
    assert str(shape) in str(error.value)
    assert one_sentence(error)


def test_a_band_table_or_mask_that_does_not_fit_is_refused():
    values = np.zeros((2, 3, 3), np.float32)
    with pytest.raises(SettingError, match=r"1 rows .* 2 bands"):
        ImageStack(values, BAND, "x")
    with pytest.raises(SettingError, match=r"\(1, 3, 3\)"):
        ImageStack(values[:1], BAND, "x", filled=np.zeros((1, 2, 3), bool))


def test_infinite_values_are_not_measured():
    given = np.array([[[1, np.inf], [-np.inf, np.nan]]])
    stack = ImageStack(given, BAND, "x")
    np.testing.assert_array_equal(stack.values[0], [[1, np.nan], [np.nan, np.nan]])
    assert stack.missing_fraction == [0.75]
    assert np.isinf(given).any()


def test_values_cannot_be_changed_and_tables_are_not_shared():
    bands = BAND.copy()
    stack = ImageStack(np.zeros((1, 2, 2)), bands, "x")
    with pytest.raises(ValueError, match="read-only"):
        stack.values[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        stack.filled[0, 0, 0] = True
    bands.loc[0, "quantity"] = "Psi"
    assert stack.quantities == ["intensity"]


def test_filled_values_count_as_missing_and_not_as_measured():
    filled = np.array([[[True, False], [False, False]]])
    stack = ImageStack(np.array([[[5, np.nan], [1, 2]]]), BAND, "x", filled=filled)
    np.testing.assert_array_equal(stack.measured, [[[False, False], [True, True]]])
    assert stack.missing_fraction == [0.5]
    assert stack.filled_fraction == [0.25]


def test_pairs_follow_the_stacks_order_and_need_a_partner():
    bands = pd.DataFrame(
        {"quantity": ["Psi", "Delta", "Delta", "Psi", "Psi"], "wavelength_nm": [500, 700, 500, 700, 600]}
    )
    pairs = ImageStack(np.zeros((5, 1, 1)), bands, "x").pairs()
    assert pairs[["wavelength_nm", "delta", "psi"]].to_numpy().tolist() == [[700, 1, 3], [500, 2, 0]]


def test_two_bands_of_one_wavelength_are_refused_by_name():
    bands = pd.DataFrame({"quantity": ["Delta", "Psi", "Psi"], "wavelength_nm": 500.0, "aoi_deg": 50.0})
    with pytest.raises(SettingError, match="two Psi bands at 500 nm") as error:
        ImageStack(np.zeros((3, 1, 1)), bands, "x").pairs()
    assert one_sentence(error)


def test_an_angle_series_pairs_by_angle():
    bands = pd.DataFrame(
        {"quantity": ["Delta", "Delta", "Psi", "Psi"], "wavelength_nm": 500.0, "aoi_deg": [50.0, 60, 60, 50]}
    )
    pairs = ImageStack(np.zeros((4, 1, 1)), bands, "x").pairs()
    assert pairs[["aoi_deg", "delta", "psi"]].to_numpy().tolist() == [[50, 0, 3], [60, 1, 2]]


def test_labels_of_an_angle_series_are_told_apart():
    bands = pd.DataFrame({"quantity": ["Delta", "Delta"], "wavelength_nm": 500.0, "aoi_deg": [50.0, 62.5]})
    assert band_labels(ImageStack(np.zeros((2, 1, 1)), bands, "x")) == [
        "Delta 500 nm, 50°",
        "Delta 500 nm, 62.5°",
    ]
    assert band_labels(ImageStack(np.zeros((1, 1, 1)), bands[:1], "x")) == ["Delta 500 nm"]


def test_labels_say_quantity_or_channel():
    assert band_label(delta_psi([[1.0]], [[1.0]]).bands.iloc[0]) == "Delta 500 nm"
    assert band_label(intensities([[1.0]]).bands.iloc[0]) == "C0"


@given(st.floats(-1e4, 1e4, width=32))
def test_wrapped_and_full_circle_angles_stay_in_range_and_keep_their_direction(angle):
    for dtype in (np.float32, np.float64):
        given_angle = np.array(angle, dtype)
        wrapped, turned = wrap_degrees(given_angle), full_circle(given_angle)
        assert -180 <= wrapped <= 180
        assert 0 <= turned < 360
        assert wrapped.dtype == turned.dtype == dtype
        for other in (wrapped, turned):
            chord = np.exp(1j * np.deg2rad(float(other))) - np.exp(1j * np.deg2rad(angle))
            assert abs(chord) < 1e-4


@pytest.mark.parametrize("almost", [np.float32(-1e-9), np.float64(-1e-15)])
def test_a_rounding_error_below_zero_is_zero_and_not_360(almost):
    assert np.mod(almost, 360) == 360
    assert full_circle(np.array([almost])) == [0]


@pytest.mark.parametrize("value", [0, 31, 2.0, "3", None, True, float("nan")])
def test_what_is_no_whole_number_in_range_is_refused(value):
    with pytest.raises(SettingError, match="k must be a whole number from 1 to 30") as error:
        whole_number("k", value, 1, 30)
    assert one_sentence(error)


def test_whole_numbers_become_plain_ints():
    assert type(whole_number("k", np.int64(3), 1, 30)) is int
