"""Effects of a well's position: found where they are, and taken off without the compounds' effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.plates_profiles import EFFECTS, FEATURES, profiles
from support.stacks import one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.plates.statistics.answers import answers
from ellimaps.plates.statistics.positional_effect import (
    center_plates,
    corrected,
    polish_plates,
    positional_effect,
)


def rows_and_columns(_plate, row, column):
    return {"mean_ch2": 4.0 * (row - 4.5), "cell_count": 2.0 * (column - 6.5)}


def test_the_factor_that_acts_is_the_one_found():
    table = positional_effect(profiles(1, by_position=rows_and_columns)).set_index("factor")
    assert table.loc["row", "feature"] == "mean_ch2"
    assert table.loc["row", "feature_explained"] > 0.8
    assert table.loc["column", "feature"] == "cell_count"
    assert table.loc["column", "feature_explained"] > 0.7
    assert np.isnan(table.loc["plate", "explained"])


def test_what_was_not_measured_stands_at_the_mean_of_what_was():
    made = profiles(1, by_position=rows_and_columns)
    share = positional_effect(made).set_index("factor").loc["edge", "explained"]
    wells = made.wells.copy()
    wells.loc[wells.index[::9], FEATURES[0]] = np.nan
    holes = positional_effect(replace(made, wells=wells)).set_index("factor").loc["edge", "explained"]
    shifted = wells.assign(**{FEATURES[0]: wells[FEATURES[0]] + 1e4})
    moved = positional_effect(replace(made, wells=shifted)).set_index("factor").loc["edge", "explained"]
    assert holes == pytest.approx(moved, rel=1e-6)
    assert holes == pytest.approx(share, abs=0.02)


def test_a_correction_is_named_in_the_facts():
    made = profiles(1)
    assert corrected(made, "none") is made
    assert corrected(made, "polish").facts["correction"] == "polish"
    with pytest.raises(SettingError, match="choose none, plates, polish") as error:
        corrected(made, "sphere")
    assert one_sentence(error)


def test_edges_are_found():
    def edge(_plate, row, column):
        return {"cell_area_median": 9.0} if row in (1, 8) or column in (1, 12) else {}

    table = positional_effect(profiles(2, by_position=edge)).set_index("factor")
    assert (table.loc["edge", "feature"], table.loc["edge", "feature_explained"] > 0.7) == (
        "cell_area_median",
        True,
    )


def test_without_an_effect_nothing_is_explained_on_average():
    found = [positional_effect(profiles(seed)).set_index("factor")["explained"] for seed in range(6)]
    for factor in ("row", "column", "edge"):
        assert abs(np.mean([table[factor] for table in found])) < 0.04


def test_centring_takes_plates_off():
    made = profiles(
        3,
        plates=("one", "two"),
        by_position=lambda plate, *_: dict.fromkeys(FEATURES, 9.0 * (plate == "two")),
    )
    before, after = positional_effect(made), positional_effect(center_plates(made))
    assert before["explained"][0] > 0.8
    assert abs(after["explained"][0]) < 0.1
    wells = center_plates(made).wells
    medians = wells[wells["control"]].groupby("plate")[list(FEATURES)].median()
    np.testing.assert_allclose(medians.loc["one"], medians.loc["two"])


def test_polishing_takes_rows_and_columns_off_and_leaves_effects():
    made = profiles(4, by_position=rows_and_columns)
    polished = polish_plates(made)
    table = positional_effect(polished).set_index("factor")
    assert abs(table.loc["row", "feature_explained"]) < 0.3
    truth = profiles(4)
    changed = {}
    for profile in (truth, polished):
        means = profile.wells.groupby("compound")["mean_ch2"].mean()
        changed[profile is truth] = means["Brighter"] - means["DMSO"]
    assert changed[False] == pytest.approx(changed[True], rel=0.25)
    # Fields move with their well.
    wells = polished.fields.groupby("well")["mean_ch2"].mean()
    np.testing.assert_allclose(wells[polished.wells["well"]], polished.wells["mean_ch2"])
    assert answers(polished).compounds.set_index("compound")["active"].to_dict() == {
        name: bool(effect) for name, effect in EFFECTS.items()
    }


def test_a_plate_without_controls_cannot_be_centred():
    made = profiles(5, plates=("one", "two"))
    made.wells.loc[made.wells["plate"] == "two", "control"] = False
    with pytest.raises(SettingError, match="plate two has no control") as error:
        center_plates(made)
    assert one_sentence(error)


def test_treatments_without_a_dose_are_not_one_treatment():
    made = profiles(6, by_position=rows_and_columns)
    dosed = positional_effect(made)
    names = made.wells["compound"] + made.wells["concentration"].map(lambda dose: f" {dose}")
    named = positional_effect(replace(made, wells=made.wells.assign(compound=names, concentration=np.nan)))
    np.testing.assert_allclose(named["explained"], dosed["explained"])
