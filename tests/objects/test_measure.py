from __future__ import annotations

import numpy as np
import pytest
from support.stacks import one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.objects.measure import SHAPE_COLUMNS, channel_names, measure_objects, ring_labels

LABELS = np.zeros((12, 16), dtype=np.int32)
LABELS[2:5, 3:7], LABELS[8:12, 10:14] = 1, 3
RAMP = np.add.outer(10.0 * np.arange(12), np.arange(16.0)) ** 2


def test_against_the_definitions():
    table = measure_objects({"a": RAMP, "b": 2 * RAMP}, LABELS)
    assert list(table["object"]) == [1, 3]
    assert list(table["area"]) == [12, 16]
    assert list(table["at_border"]) == [False, True]
    np.testing.assert_allclose(table[["y", "x"]], [[3, 4.5], [9.5, 11.5]])
    for row, number in enumerate((1, 3)):
        own = RAMP[number == LABELS]
        values = table.iloc[row]
        assert values["mean_a"] == own.mean()
        assert values["median_a"] == np.median(own)
        assert values["std_a"] == pytest.approx(own.std())
        assert values["integrated_b"] == 2 * own.sum()
        assert values["radius"] == pytest.approx(np.sqrt(own.size / np.pi))


def test_what_is_not_measured_is_left_out():
    image = RAMP.copy()
    image[2, 3:7] = np.nan
    image[8:, 10:] = np.nan
    table = measure_objects({"a": image}, LABELS)
    assert table["mean_a"][0] == RAMP[3:5, 3:7].mean()
    assert table["integrated_a"][0] == RAMP[3:5, 3:7].sum()
    assert table.loc[1, ["mean_a", "median_a", "std_a", "integrated_a", "texture_a"]].isna().all()


def test_texture_is_0_for_smooth_and_1_for_noise():
    labels = np.zeros((80, 170), dtype=np.int32)
    labels[5:75, 5:75], labels[5:75, 95:165] = 1, 2
    image = np.random.default_rng(0).normal(0, 1, labels.shape)
    image[:, :85] = np.arange(80.0)[:, None]
    smooth, noise = measure_objects({"a": image}, labels, shape=False)["texture_a"]
    assert smooth < 0.01
    assert noise == pytest.approx(1, abs=0.05)


def test_shapes():
    y, x = np.mgrid[:80, :160]
    labels = np.where(np.hypot(y - 40, x - 40) <= 25, 1, 0)
    labels[((y - 40) / 10) ** 2 + ((x - 115) / 30) ** 2 <= 1] = 2
    table = measure_objects({"a": y * 1.0}, labels.astype(np.int32))
    np.testing.assert_allclose(table["axis_major"], [50, 60], rtol=0.03)
    np.testing.assert_allclose(table["eccentricity"], [0, np.sqrt(1 - 1 / 9)], atol=0.08)
    assert (table["solidity"] > 0.95).all()
    assert abs(table["orientation_deg"][1]) == pytest.approx(90, abs=1)


def test_a_ring_lies_around_and_outside():
    labels = np.zeros((40, 60), dtype=np.int32)
    labels[15:25, 10:20], labels[15:25, 24:34] = 1, 2
    rings = ring_labels(labels, 1, 3)
    assert not rings[labels > 0].any()
    assert (rings[20, 8], rings[20, 9], rings[20, 6], rings[20, 5]) == (1, 0, 1, 0)
    assert rings[20, 21] == 1
    assert rings[20, 22] == 2
    image = np.where(labels > 0, 100.0, 5.0)
    table = measure_objects({"a": image}, labels, ring=(1, 3))
    assert list(table["ring_mean_a"]) == list(table["ring_median_a"]) == [5, 5]


def test_no_object_is_an_empty_table_with_all_columns():
    empty = measure_objects({"a": RAMP}, np.zeros_like(LABELS), ring=(0, 2))
    full = measure_objects({"a": RAMP}, LABELS, ring=(0, 2))
    assert empty.empty
    assert list(empty) == list(full)
    assert set(SHAPE_COLUMNS) <= set(full)


def test_channel_names_are_not_empty_and_differ():
    assert channel_names([""]) == ["intensity"]
    assert channel_names(["DNA", "", "DNA"]) == ["DNA", "channel_2", "DNA_3"]


def test_wrong_sizes_and_rings():
    for arguments in ({"images": {"a": RAMP[1:]}}, {"images": {"a": RAMP}, "ring": (-1, 2)}):
        with pytest.raises(SettingError) as caught:
            measure_objects(labels=LABELS, **arguments)
        assert one_sentence(caught)
