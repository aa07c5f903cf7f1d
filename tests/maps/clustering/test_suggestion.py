"""The number of clusters suggested: kinds that valleys divide, whatever their spacing, size and place."""

from __future__ import annotations

import numpy as np
import pytest
from support.stacks import clouds, intensities, one_sentence, oxide, row, sample

from ellimaps.core.errors import SettingError
from ellimaps.maps.clustering.edges import flat_pixels
from ellimaps.maps.clustering.estimation import estimate_k
from ellimaps.maps.clustering.suggestion import suggest_k

SIZE = (96, 128)


def tilted(thickness_nm, tilt):
    """Thicknesses on a film that is thinner on one side than on the other by a share of them."""
    y, x = np.indices(np.shape(thickness_nm))
    return thickness_nm * (1 + tilt * ((2 * x + y) / (2 * SIZE[1] + SIZE[0]) - 0.5))


def stripes(thicknesses_nm):
    """Terraces across the map, each next to the next thicker one."""
    columns = np.arange(SIZE[1]) * len(thicknesses_nm) // SIZE[1]
    return np.tile(np.asarray(thicknesses_nm, dtype=float)[columns], (SIZE[0], 1))


def patches(film_nm, patch_nm):
    """Five squares of one thickness all over a film of another."""
    map_nm = np.full(SIZE, float(film_nm))
    for y, x in ((8, 10), (10, 100), (40, 56), (70, 12), (72, 98)):
        map_nm[y : y + 16, x : x + 16] = patch_nm
    return map_nm


@pytest.mark.parametrize(("kinds", "wrap"), [(3, True), (4, False), (6, False), (6, True)])
def test_the_number_of_kinds_is_found(kinds, wrap):
    for seed in range(3):
        stack, _ = sample(seed=seed, kinds=kinds, wrap=wrap)
        assert suggest_k(stack).suggested_k == kinds, seed


@pytest.mark.parametrize("thicknesses_nm", [(95, 103, 115, 134), (95, 101, 108, 123, 141, 161)])
@pytest.mark.parametrize("tilt", [0, 0.015])
def test_kinds_may_be_unevenly_spaced(thicknesses_nm, tilt):
    for seed in range(2):
        stack = oxide(tilted(stripes(thicknesses_nm), tilt), seed=seed)
        assert suggest_k(stack).suggested_k == len(thicknesses_nm)


@pytest.mark.parametrize("tilt", [0.02, 0.04, 0.06])
def test_patches_of_one_kind_on_a_tilted_film_are_one_kind(tilt):
    stack = oxide(tilted(patches(120, 160), tilt))
    assert suggest_k(stack).suggested_k == 2


def test_a_small_kind_counts_as_much_as_a_large_one():
    map_nm = stripes((100, 130))
    map_nm[20:28, 10:26] = 180
    assert suggest_k(oxide(map_nm)).suggested_k == 3


def test_the_middle_of_a_small_region_is_flat_and_its_border_is_not():
    map_nm = np.full(SIZE, 100.0)
    map_nm[20:27, 30:37] = 140
    flat = flat_pixels(oxide(map_nm))
    assert flat[21:26, 31:36].sum() >= 12
    border = np.ones((9, 9), bool)
    border[2:7, 2:7] = False
    assert not flat[19:28, 29:38][border & (map_nm[19:28, 29:38] == 140)].any()
    assert suggest_k(oxide(map_nm)).suggested_k == 2


def test_a_tilted_film_alone_has_no_kinds():
    suggestion = suggest_k(oxide(tilted(np.full(SIZE, 120.0), 0.05)))
    assert (suggestion.kinds, suggestion.suggested_k, suggestion.alternative_k) == (1, 2, None)
    assert "Nothing divides" in suggestion.remarks[0]
    assert "no finding" in suggestion.reason


def cells_in_three_dyes(seed):
    """Thirty cells, each with a brightness of its own in every dye: no two are of a kind."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((160, 160))
    dyes = np.full((3, 160, 160), 20.0)
    for top, left in rng.uniform(10, 150, (30, 2)):
        distance = np.hypot(y - top, x - left) / rng.uniform(6, 9)
        for dye, (peak, width) in enumerate(((100, 0.6), (60, 1.0), (40, 1.3))):
            dyes[dye] += peak * rng.lognormal(0, 0.5) * np.exp(-((distance / width) ** 2))
    return intensities(rng.poisson(dyes))


def test_cells_of_any_brightness_do_not_get_as_many_clusters_as_the_range_allows():
    suggestions = [suggest_k(cells_in_three_dyes(seed)) for seed in range(6)]
    assert max(suggestion.suggested_k for suggestion in suggestions) <= 3
    for suggestion in suggestions:
        assert ("Nothing divides" in str(suggestion.remarks)) == (suggestion.kinds == 1)


def test_noise_has_no_kinds():
    suggestion = suggest_k(row(np.random.default_rng(0).random((2000, 3))), features="raw")
    assert len(suggestion.remarks) == 1
    assert "Nothing divides" in suggestion.remarks[0]


@pytest.mark.parametrize(("level", "kinds", "other"), [(0.0, 3, None), (0.06, 3, 2), (0.2, 2, 3)])
def test_a_bridge_between_two_kinds_can_be_read_in_both_ways(level, kinds, other):
    """Two of three kinds are joined by a bridge whose density is a share of that of their peaks."""
    rng = np.random.default_rng(1)
    peak = 4000 / np.sqrt(2 * np.pi)
    values = np.r_[
        rng.normal(0, 1, 4000),
        rng.normal(20, 1, 4000),
        rng.uniform(0, 20, int(20 * level * peak)),
        rng.normal(90, 1, 4000),
    ]
    suggestion = suggest_k(intensities(rng.permutation(values[: values.size // 8 * 8]).reshape(8, -1)))
    assert (suggestion.suggested_k, suggestion.alternative_k) == (kinds, other)
    assert (f"k = {other} can be defended" in suggestion.alternative_reason) == (other is not None)


def test_the_end_of_the_range_is_said():
    stack, _ = sample(seed=0, kinds=4)
    assert suggest_k(stack).remarks == ()
    for k_max in (3, 4):
        suggestion = suggest_k(stack, k_range=range(2, k_max + 1))
        assert suggestion.suggested_k == k_max
        assert "upper bound of the range" in suggestion.remarks[0]
    assert "4 kinds" in suggest_k(stack, k_range=range(2, 4)).reason
    only = suggest_k(stack, k_range=[7])
    assert (only.suggested_k, only.alternative_k, only.remarks) == (7, None, ())
    assert "nearest number in the range" in only.reason


def test_the_estimate_suggests_the_same():
    stack, _ = sample(seed=1, kinds=5)
    suggestion, estimate = suggest_k(stack, seed=2), estimate_k(stack, seed=2)
    for name in ("kinds", "suggested_k", "reason", "alternative_k", "remarks", "settings"):
        assert getattr(suggestion, name) == getattr(estimate, name)
    assert suggestion.valleys.equals(estimate.valleys)


def test_valleys_are_shares_by_number_of_groups():
    stack, _ = sample(seed=0, kinds=4)
    valleys = suggest_k(stack).valleys.set_index("k")["valley"]
    assert valleys.between(0, 1).all()
    assert valleys[4] < 0.1 < valleys[5]


@pytest.mark.parametrize("pixels", [3, 30, 300])
def test_few_pixels_are_enough(pixels):
    suggestion = suggest_k(row(clouds(pixels, 3, 0.1)), k_range=range(2, 4), features="raw")
    assert suggestion.suggested_k in (2, 3)


@pytest.mark.parametrize("k_range", [[], [1, 2], [2, 31], [2.5]])
def test_a_range_that_makes_no_sense_is_refused(k_range):
    with pytest.raises(SettingError) as error:
        suggest_k(row([[1.0], [2.0], [3.0]]), k_range=k_range)
    assert one_sentence(error)


def test_progress_is_told_for_every_step():
    told = []
    suggest_k(row(clouds(200, 3, 0.5)), features="raw", on_progress=lambda *step: told.append(step[:2]))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
