from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from support.stacks import delta_psi, intensities, one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.images.intensities import background_of, bleaching_curve, correct_intensities
from ellimaps.readers import open_stack

Y, X = np.mgrid[:160, :200].astype(float)
SLOPE = 500 + 2 * X + Y


def with_discs(ground: np.ndarray, radius: float = 8) -> tuple[np.ndarray, np.ndarray]:
    mask = np.zeros(ground.shape, bool)
    for y, x in ((40, 40), (80, 120), (130, 60), (100, 180)):
        mask |= np.hypot(Y - y, X - x) <= radius
    return ground + 300 * mask, mask


def test_the_background_is_the_slope_below_the_objects():
    image, mask = with_discs(SLOPE)
    rest = image - background_of(image, 12)
    assert abs(np.median(rest[~mask])) < 15
    assert abs(np.median(rest[mask]) - 300) < 25


def test_a_constant_image_has_itself_as_background():
    np.testing.assert_allclose(background_of(np.full((30, 50), 7.0), 9), 7, rtol=1e-6)


def test_nan_takes_no_part_and_stays():
    image, _ = with_discs(SLOPE)
    holed = image.copy()
    holed[20:60, 90:110] = np.nan
    assert np.abs(background_of(holed, 12) - background_of(image, 12)).max() < 120
    stack = correct_intensities(intensities(holed))
    np.testing.assert_array_equal(np.isnan(stack.values[0]), np.isnan(holed))
    assert np.isnan(correct_intensities(intensities(np.full((8, 8), np.nan))).values).all()


def test_percentiles_become_0_and_1():
    image = np.random.default_rng(0).normal(100, 20, (50, 60))
    stack = correct_intensities(intensities(image), background=None, normalise=(5, 95))
    low, high = np.percentile(stack.values[0], (5, 95))
    assert (round(low, 3), round(high, 3)) == (0, 1)
    assert stack.history[-1] == {"background": None, "normalise": (5, 95), "log": False}


def test_the_logarithm():
    stack = correct_intensities(
        intensities([[-3.0, 0.0, np.e - 1]]), background=None, normalise=None, log=True
    )
    np.testing.assert_allclose(stack.values[0, 0], [0, 0, 1], atol=1e-6)


def test_nothing_is_changed_where_nothing_is_asked():
    stack = intensities(SLOPE)
    same = correct_intensities(stack, background=None, normalise=None)
    np.testing.assert_array_equal(same.values, stack.values)


@pytest.mark.parametrize(
    "wrong", [{"background": 0}, {"normalise": (50, 50)}, {"normalise": (-1, 50)}, {"normalise": (1, 101)}]
)
def test_settings_out_of_range(wrong):
    with pytest.raises(SettingError) as caught:
        correct_intensities(intensities(SLOPE), **wrong)
    assert one_sentence(caught)


def test_angles_are_no_intensities():
    with pytest.raises(SettingError):
        correct_intensities(delta_psi(np.ones((4, 4)), np.ones((4, 4))))


def test_bleaching_finds_the_rate():
    time = np.arange(30)
    image = np.random.default_rng(0).uniform(0.5, 1.5, (20, 20))
    image /= image.mean()
    frames = (200 * np.exp(-time / 8) + 50)[:, None, None] * image
    found = bleaching_curve(intensities(frames))
    row = found.rates.iloc[0]
    np.testing.assert_allclose([row["amplitude"], row["rate"], row["offset"]], [200, 1 / 8, 50], rtol=1e-3)
    assert row["unit"] == "frame"
    np.testing.assert_allclose(found.table["fitted"], found.table["mean"], rtol=1e-4)


def test_bleaching_in_seconds_by_channel():
    time = np.repeat(np.arange(12) * 5.0, 2)
    means = np.where(np.arange(24) % 2, 80 * np.exp(-time / 20), 30.0)
    stack = intensities(np.ones((24, 4, 4)) * means[:, None, None])
    bands = stack.bands.assign(channel=["flat", "bleached"] * 12, time_s=time)
    rates = bleaching_curve(stack.with_values(stack.values, bands=bands)).rates.set_index("channel")
    assert rates.loc["bleached", "half_life"] == pytest.approx(20 * np.log(2), rel=0.01)
    assert rates.loc["bleached", "unit"] == "s"
    assert rates.loc["flat", "amplitude"] < 1


def test_too_few_frames_have_no_rate():
    assert np.isnan(bleaching_curve(intensities(np.ones((3, 4, 4)))).rates["rate"]).all()


def test_real_frames_bleach(shared_data):
    found = bleaching_curve(open_stack(shared_data / "fluorescence_timelapse"))
    green = found.table[found.table["channel"] == "green"]
    assert len(green) == 21
    assert ndimage.uniform_filter1d(green["mean"].to_numpy(), 5)[-3] < green["mean"].iloc[0]


def test_real_channels_lose_their_background(shared_data):
    stack = correct_intensities(open_stack(shared_data / "fluorescence_human"), background=20)
    assert np.median(stack.values[0]) < 0.05
    assert np.percentile(stack.values[0], 99.8) == pytest.approx(1, abs=1e-3)
