"""Outlines hold exactly the pixels they came from: holes, parts, touching corners, single pixels, borders."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask
from support.stacks import one_sentence

from ellimaps.core.errors import ReadError
from ellimaps.regions.areas import Area, areas_of, drawn

SHAPE = (40, 50)


def ring(*corners):
    return np.array(corners, dtype=float)


def back(labels):
    return drawn(areas_of(labels), labels.shape, "made here")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kinds", [2, 5])
def test_any_labels_come_back_pixel_by_pixel(seed, kinds):
    labels = np.random.default_rng(seed).integers(0, kinds, SHAPE)
    np.testing.assert_array_equal(back(labels), labels)


def test_rings_are_those_of_a_hand_drawn_region():
    labels = np.zeros((4, 5), int)
    labels[0:3, 1:4] = 7
    labels[1, 2] = 0
    [area] = areas_of(labels)
    assert area.number == 7
    [(outer, hole)] = area.parts
    assert sorted(map(tuple, outer)) == [(1, 0), (1, 3), (4, 0), (4, 3)]
    assert sorted(map(tuple, hole)) == [(2, 1), (2, 2), (3, 1), (3, 2)]


def test_pixels_that_touch_at_a_corner_are_two_parts():
    [area] = areas_of(np.eye(3, dtype=int))
    assert [len(part) for part in area.parts] == [1, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_no_ring_meets_itself_and_each_part_is_one(seed):
    """As GeoJSON demands: a corner appears once in a ring, an outer ring goes around holes of its part."""
    from scipy import ndimage

    labels = np.random.default_rng(seed).integers(0, 2, (60, 60))
    [area] = areas_of(labels)
    assert len(area.parts) == ndimage.label(labels)[1]
    for part in area.parts:
        for one in part:
            assert len({tuple(corner) for corner in one}) == len(one)
        outside, *holes = (
            0.5 * np.sum(one[:, 0] * np.roll(one[:, 1], -1) - np.roll(one[:, 0], -1) * one[:, 1])
            for one in part
        )
        assert outside > 0
        assert all(hole < 0 for hole in holes)
    assert sum(len(part) for part in area.parts) > len(area.parts) > 10


def test_a_polygon_covers_the_pixels_whose_center_it_surrounds():
    corners = ring((3.2, 2.1), (40.7, 5.3), (30.1, 33.9), (20.5, 15.2), (5.5, 30.3))
    found = drawn([Area(3, ((corners,),))], SHAPE, "x") == 3
    # skimage says whether whole numbers y, x lie within.
    np.testing.assert_array_equal(found, polygon2mask(SHAPE, corners[:, ::-1] - 0.5))


def test_regions_that_share_an_outline_through_centers_share_no_pixel():
    left = Area(1, ((ring((2, 2), (10.5, 2), (10.5, 9), (2, 9)),),))
    right = Area(2, ((ring((10.5, 2), (20, 2), (20, 9), (10.5, 9)),),))
    for order in ([left, right], [right, left]):
        labels = drawn(order, SHAPE, "x")
        assert (labels > 0).sum() == 18 * 7
        assert (labels == 1).sum() == 8 * 7


def test_the_last_of_regions_that_overlap_has_the_pixels():
    one = Area(1, ((ring((0, 0), (6, 0), (6, 6), (0, 6)),),))
    two = Area(2, ((ring((3, 3), (9, 3), (9, 9), (3, 9)),),))
    assert np.bincount(drawn([one, two], SHAPE, "x").ravel())[1:].tolist() == [27, 36]


def test_a_region_that_reaches_beyond_the_border_is_cut_there():
    area = Area(1, ((ring((-5, -5), (3, -5), (3, 1e6), (-5, 1e6)),),))
    assert drawn([area], SHAPE, "x").sum() == 3 * SHAPE[0]


def test_planes_are_told_apart():
    area = areas_of(np.ones((2, 2), int), t=1, z=0)
    assert drawn(area, (2, 2), "x", t=1).sum() == 4
    assert drawn(area, (2, 2), "x", t=0).sum() == 0


@pytest.mark.parametrize(
    ("areas", "says"),
    [
        (
            [Area(1, ((ring((60, 2), (70, 2), (70, 9)),),), "far")],
            "region far lies outside of the image of 40 x 50",
        ),
        (
            [Area(1, ((ring((0, 0), (9000, 0), (9000, 9000), (0, 9000)),),))] * 9,
            "more outlines than can be drawn",
        ),
    ],
    ids=["outside", "bomb"],
)
def test_what_cannot_be_drawn_is_one_sentence(areas, says):
    shape = SHAPE if len(areas) == 1 else (9000, 9000)
    with pytest.raises(ReadError) as caught:
        drawn(areas, shape, "regions.geojson")
    assert says in str(caught.value)
    assert one_sentence(caught)
