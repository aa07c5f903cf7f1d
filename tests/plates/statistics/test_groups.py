"""Two groups compared: known differences are found, chance is called rarely, plates do not count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.plate import METADATA
from ellimaps.plates.measuring.profiles import assemble
from ellimaps.plates.statistics.groups import compare_groups


def plates(values, *, n_plates=1, n_fields=3):
    """Wells A01, A02 ... of each plate with as many fields; values of shape (plate, well, field, feature)."""
    rows, features = [], []
    for plate in range(n_plates):
        for well in range(values.shape[1]):
            for field in range(n_fields):
                place = f"A{well + 1:02d}", 1, well + 1, field + 1
                rows.append((f"p{plate}", *place, "x", 1.0, "uM", False, "f.tif"))
                features.append({f"f{i}": value for i, value in enumerate(values[plate, well, field])})
    return assemble(pd.DataFrame(rows, columns=list(METADATA)), features, {})


def side(profiles, wells):
    return profiles.fields["column"].isin(wells).to_numpy()


def test_p_is_that_of_whole_wells_by_a_second_implementation():
    random = np.random.default_rng(1)
    values = random.normal(size=(1, 10, 3, 4)) + random.normal(size=(1, 10, 1, 4))
    values[:, :5, :, 0] += 4
    profiles = plates(values)
    found = compare_groups(profiles, side(profiles, range(1, 6)), side(profiles, range(6, 11)))
    assert (found.n_first, found.n_second, found.least_p) == (5, 5, 1 / 252)
    table = found.table.set_index("feature")
    for number in range(4):
        wells = values[0, :, :, number].mean(axis=1)
        known = permutation_test(
            (wells[:5], wells[5:]), lambda a, b: abs(a.mean() - b.mean()), alternative="greater"
        )
        assert table.loc[f"f{number}", "p"] == pytest.approx(known.pvalue)
        assert table.loc[f"f{number}", "first"] == pytest.approx(wells[:5].mean())
    assert found.table["feature"].iloc[0] == "f0"
    assert table.loc["f0", "difference_sd"] > 2


def test_fields_of_a_well_do_not_make_chance_look_certain():
    """Wells differ, treatments do not: about 5 % of 40 x 50 features may have p < 0.05."""
    random = np.random.default_rng(2)
    called = []
    for _ in range(40):
        profiles = plates(
            random.normal(size=(1, 8, 9, 50)) * 0.3 + random.normal(size=(1, 8, 1, 50)), n_fields=9
        )
        found = compare_groups(profiles, side(profiles, range(1, 5)), side(profiles, range(5, 9)))
        called.append((found.table["p"] < 0.05).mean())
    assert np.mean(called) < 0.06


def test_plates_that_differ_are_no_difference_of_groups():
    random = np.random.default_rng(3)
    values = random.normal(size=(2, 8, 3, 6))
    values[1] += 50
    profiles = plates(values, n_plates=2)
    second_plate = (profiles.fields["plate"] == "p1").to_numpy()
    # Unbalanced: most of the first group lie on the second plate.
    first = side(profiles, [1]) | (second_plate & side(profiles, [2, 3, 4, 5, 6]))
    found = compare_groups(profiles, first, ~first)
    assert (found.table["q"] > 0.05).all()
    assert (found.table["difference_sd"].abs() < 2).all()


def test_where_no_plate_has_both_there_is_no_p():
    profiles = plates(np.random.default_rng(4).normal(size=(2, 4, 3, 2)), n_plates=2)
    first = (profiles.fields["plate"] == "p0").to_numpy()
    found = compare_groups(profiles, first, ~first)
    assert found.table["p"].isna().all()
    assert "no plate has wells of both groups" in found.reason


def test_a_group_that_its_features_chose_is_not_judged_by_them():
    profiles = plates(np.random.default_rng(5).normal(size=(1, 6, 3, 2)))
    first, second = side(profiles, [1, 2, 3]), side(profiles, [4, 5, 6])
    found = compare_groups(profiles, first, second, drawn=True)
    assert found.table[["p", "q"]].isna().all(axis=None)
    assert found.table["difference_sd"].notna().all()
    assert "drawn by its features" in found.reason


def test_not_measured_stays_and_groups_must_be_two():
    values = np.random.default_rng(6).normal(size=(1, 6, 3, 2))
    values[0, 0, :, 1] = np.nan
    profiles = plates(values)
    found = compare_groups(profiles, side(profiles, [1, 2, 3]), side(profiles, [4, 5, 6]))
    assert found.table.set_index("feature").loc["f1", "first"] == pytest.approx(values[0, 1:3, :, 1].mean())
    with pytest.raises(SettingError, match="A01 is in both groups"):
        compare_groups(
            profiles,
            (profiles.fields["field"] == 1).to_numpy(),
            side(profiles, [1]) & (profiles.fields["field"] == 2).to_numpy(),
        )
    with pytest.raises(SettingError, match="second group is empty"):
        compare_groups(profiles, side(profiles, [1]), side(profiles, []))
