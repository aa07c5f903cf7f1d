from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from support.stacks import one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.objects.cell_settings import radius_in_px
from ellimaps.objects.circles import CIRCLE_COLUMNS, circle_labels, detect_circles
from ellimaps.samples.cells import phantom


def matched(found: pd.DataFrame, truth: pd.DataFrame, tolerance: float = 5) -> list[tuple[int, int]]:
    near = cdist(found[["y", "x"]], truth[["y", "x"]])
    pairs = zip(*linear_sum_assignment(np.where(near <= tolerance, near, 1e6)), strict=True)
    return [(i, j) for i, j in pairs if near[i, j] <= tolerance]


def disc(y: float, x: float, r: float, shape: tuple[int, int] = (120, 150), scale: float = 100) -> np.ndarray:
    """A disc with edge pixels covered in part, on a ground of a tenth."""
    fine = (np.arange(8) + 0.5) / 8 - 0.5
    ys, xs = ((np.arange(n)[:, None] + fine).ravel() - c for n, c in zip(shape, (y, x), strict=True))
    inside = np.hypot(ys[:, None], xs[None]) <= r
    cover = inside.reshape(shape[0], 8, shape[1], 8).mean(axis=(1, 3))
    return scale * (0.1 + cover)


@pytest.fixture(scope="module")
def held_out() -> list[tuple[pd.DataFrame, pd.DataFrame, np.ndarray]]:
    random = np.random.default_rng(77)
    result = []
    for seed in range(7700, 7704):
        made = phantom(
            seed, count=int(random.integers(20, 61)), pairs=6, unevenness=0.6, noise=random.uniform(0.5, 2)
        )
        result.append((detect_circles(made.image, (10, 60)), made.truth, made.image))
    return result


def test_every_object_is_found_and_nothing_else(held_out):
    hits = sum(len(matched(found, truth)) for found, truth, _ in held_out)
    both = sum(len(found) + len(truth) for found, truth, _ in held_out)
    assert both > 200
    assert 2 * hits / both >= 0.98
    assert sum(truth["touching"].sum() for _, truth, _ in held_out) > 10


def test_radii_and_centres_are_right_to_a_fraction_of_a_pixel(held_out):
    errors = np.array(
        [
            (found["radius"].iloc[i] - truth["radius"].iloc[j], found["x"].iloc[i] - truth["x"].iloc[j])
            for found, truth, _ in held_out
            for i, j in matched(found, truth)
        ]
    )
    assert np.median(np.abs(errors), axis=0).max() <= 0.1
    assert np.percentile(np.abs(errors), 95, axis=0).max() <= 0.5


def test_mean_intensities_are_right(held_out):
    errors = []
    for found, truth, image in held_out:
        labels = circle_labels(found, image.shape)
        errors += [
            abs(image[labels == i + 1].mean() / truth["intensity"].iloc[j] - 1)
            for i, j in matched(found, truth)
        ]
    assert np.mean(errors) <= 0.01


@given(y=st.floats(40, 80), x=st.floats(40, 110), r=st.floats(8, 35), scale=st.sampled_from([1e-3, 1.0, 1e6]))
@settings(max_examples=25, deadline=None)
def test_a_disc_anywhere_of_any_size(y, x, r, scale):
    found = detect_circles(disc(y, x, r, scale=scale), (6, 40))
    np.testing.assert_allclose(found[["y", "x", "radius"]].to_numpy(), [[y, x, r]], atol=0.15)
    assert found["contrast"][0] == pytest.approx(scale, rel=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_any_bit_depth(dtype):
    found = detect_circles(disc(50, 70, 20).astype(dtype), (10, 40))
    np.testing.assert_allclose(found[["y", "x", "radius"]].to_numpy(), [[50, 70, 20]], atol=0.2)


@pytest.mark.parametrize("shape", [(120, 150), (90, 400), (301, 97)])
def test_any_shape(shape):
    found = detect_circles(disc(45, 48, 20, shape), (10, 40))
    np.testing.assert_allclose(found[["y", "x", "radius"]].to_numpy(), [[45, 48, 20]], atol=0.2)


def test_touching_discs_are_two():
    image = np.maximum(disc(60, 40, 25), disc(60, 80, 15))
    found = detect_circles(image + np.random.default_rng(0).normal(0, 2, image.shape), (10, 40))
    np.testing.assert_allclose(found[["x", "radius"]].sort_values("x"), [[40, 25], [80, 15]], atol=0.5)


def test_turning_the_image_turns_the_circles():
    made = phantom(5, size=(300, 400), count=12, radius=(10, 30), noise=0.5)
    found, turned = detect_circles(made.image, (8, 40)), detect_circles(made.image.T, (8, 40))
    back = turned.sort_values(["x", "y"])[["x", "y", "radius"]].to_numpy()
    np.testing.assert_allclose(back, found[["y", "x", "radius"]], atol=0.1)


def test_brightness_and_offset_do_not_matter():
    made = phantom(6, size=(300, 400), count=12, radius=(10, 30))
    found = detect_circles(made.image, (8, 40))
    other = detect_circles(made.image * 0.01 + 3.0, (8, 40))
    np.testing.assert_allclose(other[["y", "x", "radius"]], found[["y", "x", "radius"]], atol=0.02)


EMPTY = {
    "noise": np.random.default_rng(0).normal(100, 10, (300, 200)),
    "dark": np.zeros((64, 64), np.uint8),
    "constant": np.full((50, 60), 7.0),
    "one pixel": np.ones((1, 1)),
    "one row": np.arange(300.0)[None],
    "nothing measured": np.full((30, 30), np.nan),
    "slope": np.add.outer(np.arange(200.0), np.arange(300.0)),
    "yes and no": np.random.default_rng(1).random((40, 40)) > 0.5,
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_object_is_an_empty_table(name):
    found = detect_circles(EMPTY[name], (5, 30))
    assert found.empty
    assert list(found) == list(CIRCLE_COLUMNS)


def test_holes_in_the_measurement_are_no_objects():
    image = disc(60, 75, 20) + np.random.default_rng(0).normal(0, 1, (120, 150))
    image[10:30, 10:40] = np.nan
    found = detect_circles(image, (10, 40))
    np.testing.assert_allclose(found[["y", "x", "radius"]], [[60, 75, 20]], atol=0.3)


@pytest.mark.parametrize("radius", [(0, 5), (9, 8), (5, np.inf), (5, np.nan), (5,)])
def test_radii_that_are_none(radius):
    with pytest.raises(SettingError) as caught:
        detect_circles(np.zeros((9, 9)), radius)
    assert one_sentence(caught)


def test_images_that_are_none():
    for image in (np.zeros((3, 9, 9)), np.zeros((9, 9), complex), np.zeros((0, 9))):
        with pytest.raises(SettingError):
            detect_circles(image)


def test_micrometres():
    assert radius_in_px((5, 30), 0.5) == (10, 60)
    with pytest.raises(SettingError) as caught:
        radius_in_px((5, 30), None)
    assert one_sentence(caught)


def test_labels_of_overlapping_and_outlying_circles():
    circles = pd.DataFrame({"y": [10.0, 10.0, -50.0], "x": [10.0, 18.0, 5.0], "radius": [6.0, 6.0, 3.0]})
    labels = circle_labels(circles, (20, 30))
    assert (labels[10, 13], labels[10, 15], labels[0, 0]) == (1, 2, 0)
    assert set(np.unique(labels)) == {0, 1, 2}
