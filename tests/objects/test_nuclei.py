from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from support.stacks import one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.objects.nuclei import Criteria, detect_nuclei, suggested_radius
from ellimaps.readers import open_stack
from ellimaps.samples.cells import phantom

Y, X = np.mgrid[:160, :200].astype(float)


def ellipse(y: float, x: float, a: float, b: float, angle: float = 0.0) -> np.ndarray:
    u = (Y - y) * np.cos(angle) + (X - x) * np.sin(angle)
    v = (X - x) * np.cos(angle) - (Y - y) * np.sin(angle)
    return (u / a) ** 2 + (v / b) ** 2 <= 1


def noisy(image: np.ndarray, sigma: float = 3.0) -> np.ndarray:
    return ndimage.gaussian_filter(image, 1) + np.random.default_rng(0).normal(0, sigma, image.shape)


@pytest.mark.parametrize("threshold", ["otsu", "local"])
def test_separate_nuclei_and_their_sizes(threshold):
    masks = [ellipse(40, 40, 12, 8), ellipse(40, 120, 9, 9), ellipse(120, 60, 14, 7, 0.6)]
    image = noisy(50 + X * 0.3 + 100 * sum(masks))
    labels = detect_nuclei(image, (4, 20), threshold=threshold)
    assert labels.max() == 3
    for number, mask in enumerate(masks, start=1):
        own = labels == number
        assert (own & mask).sum() / (own | mask).sum() > 0.88


def test_touching_nuclei_are_parted_by_shape():
    image = noisy(20 + 100.0 * (ellipse(60, 60, 12, 12) | ellipse(60, 82, 12, 12)))
    labels = detect_nuclei(image, (5, 20))
    assert labels.max() == 2
    assert labels[60, 60] != labels[60, 82]


def test_a_bright_nucleus_over_a_dim_one_is_parted_by_intensity():
    dim, bright = ellipse(60, 60, 12, 12), ellipse(60, 74, 8, 8)
    labels = detect_nuclei(noisy(20 + np.where(bright, 300.0, 100.0 * dim)), (5, 20))
    assert labels.max() == 2
    assert labels[60, 76] != labels[60, 54] > 0


def test_one_long_nucleus_stays_one():
    labels = detect_nuclei(noisy(20 + 100.0 * ellipse(80, 100, 24, 12)), (5, 40))
    assert labels.max() == 1


def test_each_object_has_its_own_threshold_where_asked():
    dim, bright = ellipse(50, 50, 10, 10), ellipse(110, 150, 10, 10)
    image = noisy(20 + 60.0 * dim + 3000.0 * bright)
    areas = np.bincount(detect_nuclei(image, (4, 20), threshold="local").ravel())[1:]
    np.testing.assert_allclose(areas, [dim.sum(), bright.sum()], rtol=0.1)
    assert detect_nuclei(image, (4, 20), threshold="otsu").max() == 1


def test_criteria():
    """Two discs of one radius apart, a dim one, and the outline of a blurred disc."""
    pair = noisy(20 + 100.0 * (ellipse(60, 60, 12, 12) | ellipse(60, 76, 12, 12)))
    counts = [
        detect_nuclei(pair, (5, 30), criteria=Criteria(separation=share)).max() for share in (0.01, 0.9)
    ]
    assert counts == [2, 1]
    dim = noisy(20 + 100.0 * ellipse(40, 40, 10, 10) + 20.0 * ellipse(110, 150, 10, 10))
    counts = [detect_nuclei(dim, (5, 20), criteria=Criteria(contrast=far)).max() for far in (4, 40)]
    assert counts == [2, 1]
    soft = ndimage.gaussian_filter(100.0 * ellipse(60, 60, 12, 12), 4)
    areas = [(detect_nuclei(soft, (4, 30), criteria=Criteria(outline=at)) > 0).sum() for at in (0.2, 0.8)]
    assert areas[0] > 1.5 * areas[1]


def test_size_range():
    image = noisy(20 + 100.0 * (ellipse(40, 40, 4, 4) | ellipse(100, 60, 10, 10) | ellipse(80, 150, 25, 25)))
    labels = detect_nuclei(image, (7, 15))
    assert labels.max() == 1
    assert labels[100, 60] == 1


def test_numbers_go_from_top_to_bottom():
    made = phantom(3, size=(300, 400), count=15, radius=(10, 25))
    labels = detect_nuclei(made.image, (8, 40))
    assert labels.max() == len(made.truth)
    firsts = [np.flatnonzero(labels.ravel() == number)[0] for number in range(1, labels.max() + 1)]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize("threshold", ["otsu", "local"])
@pytest.mark.parametrize(
    "image",
    [
        np.random.default_rng(0).normal(100, 10, (300, 200)),
        np.random.default_rng(0).poisson(3, (300, 200)).astype(np.uint16),
        np.full((50, 60), 7),
        np.ones((1, 1)),
        np.full((30, 30), np.nan),
        np.add.outer(np.arange(200.0), np.arange(300.0)),
        np.random.default_rng(0).random((64, 64)) * 1e30,
    ],
    ids=["noise", "counts", "constant", "one pixel", "not measured", "slope", "huge"],
)
def test_no_object_is_no_label(image, threshold):
    labels = detect_nuclei(image, (4, 30), threshold=threshold)
    assert labels.shape == image.shape
    assert not labels.any()


@pytest.mark.parametrize("seed", range(4))
def test_noise_suggests_no_radius_and_has_no_nuclei(seed):
    rng = np.random.default_rng(seed)
    for noise in (rng.normal(1000, 30, (384, 384)), rng.poisson(3, (256, 300)), rng.normal(0, 1, (128, 128))):
        assert suggested_radius(noise) is None
        assert not detect_nuclei(noise).any()


def test_pixels_that_were_not_measured_are_in_no_object():
    image = noisy(20 + 100.0 * ellipse(60, 60, 12, 12))
    image[55:60, 55:60] = np.nan
    labels = detect_nuclei(image, (5, 20))
    assert labels.max() == 1
    assert not labels[np.isnan(image)].any()


@pytest.mark.parametrize("wrong", [{"radius": (5, 4)}, {"threshold": "li"}, {"smooth": -1.0}])
def test_wrong_settings(wrong):
    with pytest.raises(SettingError) as caught:
        detect_nuclei(np.zeros((9, 9)), **wrong)
    assert one_sentence(caught)


@pytest.mark.parametrize("wrong", [{"contrast": 0}, {"outline": 1.0}, {"separation": "much"}])
def test_wrong_criteria(wrong):
    with pytest.raises(SettingError) as caught:
        Criteria(**wrong)
    assert one_sentence(caught)


def test_real_nuclei(shared_data):
    image = open_stack(shared_data / "fluorescence_human").values[0]
    labels = detect_nuclei(image, (3, 20))
    # 49 nuclei were counted by eye in the upper left quadrant.
    quadrant = np.unique(labels[:256, :256])
    assert abs(np.count_nonzero(quadrant) - 49) <= 2
    assert 300 <= labels.max() <= 345
