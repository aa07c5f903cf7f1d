"""Regions of interest: which pixels they hold, and their spectra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from support.stacks import delta_psi, intensities, one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.maps.regions import Region, check_region_names, next_region_name, region_spectrum

SHAPE = (6, 9)


def rectangle(x0, y0, x1, y1):
    return Region("r", "rectangle", ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def pixels(region, shape=SHAPE):
    """The pixels of a region as (x, y)."""
    y, x = np.nonzero(region.mask(shape))
    return set(zip(x.tolist(), y.tolist(), strict=True))


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0, 0, {(0, 0)}),
        (3.99, 2.01, {(3, 2)}),
        (8, 5, {(8, 5)}),
        (9, 5, set()),
        (-0.01, 0, set()),
        (0, 6, set()),
        (-5, -5, set()),
    ],
)
def test_a_pixel(x, y, expected):
    assert pixels(Region("p", "pixel", ((x, y),))) == expected


@given(st.lists(st.floats(-4, 13), min_size=4, max_size=4))
@settings(max_examples=100, deadline=None)
def test_a_rectangle_holds_the_pixels_whose_centre_it_covers(corners):
    x0, y0, x1, y1 = corners
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    left, right, top, bottom = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    surely = (x > left + 1e-6) & (x < right - 1e-6) & (y > top + 1e-6) & (y < bottom - 1e-6)
    perhaps = (x > left - 1e-6) & (x < right + 1e-6) & (y > top - 1e-6) & (y < bottom + 1e-6)
    mask = rectangle(x0, y0, x1, y1).mask(SHAPE)
    assert mask[surely].all()
    assert not mask[~perhaps].any()


def test_rectangles_inside_partly_outside_and_outside():
    assert pixels(rectangle(2, 1, 4, 3)) == {(2, 1), (3, 1), (2, 2), (3, 2)}
    assert pixels(rectangle(-3, -3, 1, 2)) == {(0, 0), (0, 1)}
    assert pixels(rectangle(7.5, 4.5, 99, 99)) == {(7, 4), (8, 4), (7, 5), (8, 5)}
    assert len(pixels(rectangle(-99, -99, 99, 99))) == 54
    for outside in (rectangle(9.1, 0, 12, 6), rectangle(0, 6.1, 9, 8), rectangle(-5, -5, -1, -1)):
        assert pixels(outside) == set()


def test_a_region_between_pixel_centres_holds_none():
    assert pixels(rectangle(2.6, 1.6, 3.4, 2.4)) == set()
    assert pixels(rectangle(2.4, 1.4, 2.6, 1.6)) == {(2, 1)}


def test_a_polygon_that_is_not_convex():
    # A U of one pixel thickness, open at the top.
    corners = ((1, 1), (2, 1), (2, 3), (4, 3), (4, 1), (5, 1), (5, 4), (1, 4))
    expected = {(1, 1), (1, 2), (1, 3), (2, 3), (3, 3), (4, 3), (4, 2), (4, 1)}
    assert pixels(Region("u", "polygon", corners)) == expected
    assert pixels(Region("u", "polygon", corners[::-1])) == expected


def test_a_polygon_partly_outside():
    triangle = Region("t", "polygon", ((-3, -3), (6, -3), (-3, 6)))
    # x + y < 3 for the centres: those on the hypotenuse lie in it.
    assert pixels(triangle) == {(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2)}


def test_a_spectrum_is_circular_and_of_measured_values():
    delta = np.array([[359.0, 3, 100], [90, 90, np.nan]])
    psi = np.array([[10.0, 20, 30], [40, 50, 60]])
    filled = np.zeros((2, 2, 3), bool)
    filled[1, 0, 2] = True
    spectrum = region_spectrum(delta_psi(delta, psi, filled=filled), rectangle(0, 0, 3, 1))
    assert list(spectrum["region"]) == ["r", "r"]
    assert list(spectrum["n_pixels"]) == [3, 2]
    assert_array_equal(spectrum["band"], [0, 1])
    phasor = np.exp(1j * np.deg2rad([359, 3, 100])).mean()
    assert_allclose(spectrum["mean"], [np.rad2deg(np.angle(phasor)), 15])
    assert_allclose(spectrum["std"][1], 5)
    two = region_spectrum(delta_psi(delta, psi), rectangle(0, 0, 2, 1))
    assert_allclose([two["mean"][0], two["std"][0]], [1, 2], atol=1e-6)


def test_a_region_without_a_measured_value_has_no_mean():
    spectrum = region_spectrum(intensities([[np.nan, 2]]), Region("p", "pixel", ((0, 0),)))
    assert list(spectrum["n_pixels"]) == [0]
    assert np.isnan(spectrum["mean"]).all()


def test_a_region_off_the_map_is_refused():
    with pytest.raises(SettingError, match="Region r holds no pixel of the map") as error:
        region_spectrum(intensities([[1.0, 2]]), rectangle(5, 5, 7, 7))
    assert one_sentence(error)


@pytest.mark.parametrize(
    ("name", "kind", "vertices"),
    [
        ("../x", "pixel", ((0, 0),)),
        ("", "pixel", ((0, 0),)),
        ("a b", "pixel", ((0, 0),)),
        ("a\n", "pixel", ((0, 0),)),
        ("a" * 61, "pixel", ((0, 0),)),
        (7, "pixel", ((0, 0),)),
        ("a", "circle", ((0, 0),)),
        ("a", "pixel", ()),
        ("a", "pixel", ((0, 0), (1, 1))),
        ("a", "rectangle", ((0, 0), (1, 1))),
        ("a", "polygon", ((0, 0), (1, 1))),
        ("a", "pixel", ((float("nan"), 0),)),
        ("a", "polygon", ((0, 0), (1, 1), (float("inf"), 0))),
        ("a", "polygon", ((0, 0), (1, 1), (1e300, 0))),
    ],
)
def test_a_region_that_makes_no_sense_is_refused(name, kind, vertices):
    with pytest.raises(SettingError) as error:
        Region(name, kind, vertices)
    assert one_sentence(error)


def test_whole_numbers_and_lists_make_the_same_region():
    region = Region("a", "polygon", [[0, 0], [1, 1], [np.float32(2), 0]])
    assert region == Region("a", "polygon", ((0.0, 0.0), (1.0, 1.0), (2.0, 0.0)))
    assert {type(value) for vertex in region.vertices for value in vertex} == {float}


def test_free_names():
    taken = [Region(name, "pixel", ((0, 0),)) for name in ("roi1", "roi3", "flake")]
    assert next_region_name([]) == "roi1"
    assert next_region_name(taken) == "roi2"


def test_names_that_would_share_a_file_are_refused():
    check_region_names([Region(name, "pixel", ((0, 0),)) for name in ("a", "b")])
    with pytest.raises(SettingError, match="Two regions are named A") as error:
        check_region_names([Region(name, "pixel", ((0, 0),)) for name in ("a", "b", "A")])
    assert one_sentence(error)
