"""Dose-response fits against curves with known parameters."""

from __future__ import annotations

import numpy as np
import pytest

from ellimaps.plates.statistics.dose_response import confidence_band, fit_dose_response

DOSES = np.array([0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]).repeat(4)


def curve(doses, ec50=2.0, hill=1.5, bottom=1.0, top=9.0):
    share = np.divide(1.0, 1 + (ec50 / np.maximum(doses, 1e-12)) ** hill)
    return bottom + (top - bottom) * np.where(doses > 0, share, 0)


def noisy(values, seed, size=0.4):
    return values + size * np.random.default_rng(seed).standard_normal(len(values))


def test_an_exact_curve_gives_its_parameters():
    fit = fit_dose_response(DOSES, curve(DOSES))
    assert fit.ec50 == pytest.approx(2.0, rel=0.02)
    assert (fit.hill, fit.bottom, fit.top) == pytest.approx((1.5, 1.0, 9.0), rel=0.04)
    assert fit.r2 > 0.9999
    np.testing.assert_allclose(fit.at(np.array([0.0, 2.0])), [1.0, 5.0], atol=0.1)


def test_a_falling_curve_is_fitted_too():
    fit = fit_dose_response(DOSES, noisy(curve(DOSES, bottom=9.0, top=1.0), 0))
    assert fit.top < fit.bottom
    assert fit.ec50_low < 2 < fit.ec50_high


def test_the_interval_holds_the_truth_as_often_as_it_says():
    fits = [fit_dose_response(DOSES, noisy(curve(DOSES), seed, 1.0)) for seed in range(40)]
    held = [fit.ec50_low <= 2 <= fit.ec50_high for fit in fits if not fit.reason]
    assert len(held) > 36
    # 95 % of 40: four standard deviations below it.
    assert np.mean(held) > 0.81


@pytest.mark.parametrize("size", [0.01, 0.1])
def test_the_interval_of_a_precise_series_holds_the_truth_and_its_own_ec50(size):
    """Seen: no width at all, and the EC50 beside it, where the grid was coarser than the data."""
    fits = [fit_dose_response(DOSES, noisy(curve(DOSES, ec50=2.03), seed, size)) for seed in range(40)]
    assert all(fit.ec50_low < fit.ec50 < fit.ec50_high for fit in fits)
    # 95 % of 40: four standard deviations below it.
    assert np.mean([fit.ec50_low <= 2.03 <= fit.ec50_high for fit in fits]) > 0.81


@pytest.mark.parametrize("size", [0.01, 0.4, 1.5])
def test_the_band_holds_the_true_curve_as_often_as_it_says(size):
    at = np.array([0.1, 0.5, 2.0, 8.0, 30.0])
    held, widths = [], []
    for seed in range(60):
        values = noisy(curve(DOSES), seed, size)
        fit = fit_dose_response(DOSES, values)
        if not fit.reason:
            low, high = confidence_band(fit, DOSES, values, at)
            held.append((low <= curve(at)) & (curve(at) <= high))
            widths.append(high - low)
            assert (low < fit.at(at)).all()
            assert (fit.at(at) < high).all()
    assert len(held) > 40
    # 95 % at each dose: four standard deviations below it; and no band that holds whatever comes.
    assert np.min(np.mean(held, axis=0)) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / len(held))
    assert np.median(widths) < 3 * size


def test_a_finer_grid_gives_the_same_band(monkeypatch):
    values, at = noisy(curve(DOSES), 1, 1.0), np.geomspace(0.1, 30, 9)
    fit = fit_dose_response(DOSES, values)
    low, high = confidence_band(fit, DOSES, values, at)
    monkeypatch.setattr("ellimaps.plates.statistics.dose_response._STEPS_BAND", 161)
    for coarse, fine in zip((low, high), confidence_band(fit, DOSES, values, at), strict=True):
        assert np.abs(coarse - fine).max() < 0.01 * (high - low).min()


def test_there_is_no_band_without_an_ec50():
    values = noisy(np.zeros(len(DOSES)), 2)
    band = confidence_band(fit_dose_response(DOSES, values), DOSES, values, DOSES)
    assert np.isnan(band).all()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (curve(DOSES, ec50=500.0, hill=1.0), "above the highest dose"),
        (curve(DOSES, ec50=0.01, hill=3.0), "below the lowest dose"),
        (np.ones(len(DOSES)), "all wells have the same value"),
        (noisy(np.zeros(len(DOSES)), 2), "no dose effect"),
    ],
)
def test_where_it_does_not_hold_it_says_why(values, reason):
    fit = fit_dose_response(DOSES, values)
    assert reason in fit.reason
    assert np.isnan([fit.ec50, fit.ec50_low, fit.ec50_high]).all()


def test_a_curve_that_does_not_level_off_has_no_closed_interval():
    rising = noisy(curve(DOSES, ec50=25.0, hill=1.0), 3, 0.8)
    fit = fit_dose_response(DOSES, rising)
    assert "open above" in fit.reason or "above the highest dose" in fit.reason


def test_too_few_doses_are_told():
    doses = np.array([0.0, 1.0, 2.0]).repeat(5)
    fit = fit_dose_response(doses, doses)
    assert fit.reason == "the controls and 2 doses cannot determine four parameters"


def test_wells_without_dose_or_value_are_left_out():
    doses = np.concatenate([DOSES, [np.nan, 5.0]])
    values = np.concatenate([curve(DOSES), [100.0, np.nan]])
    assert fit_dose_response(doses, values) == fit_dose_response(DOSES, curve(DOSES))
