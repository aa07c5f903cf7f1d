"""Answers about compounds, against plates whose effects are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from support.plates_profiles import DOSES, EC50, EFFECTS, FEATURES, known, profiles
from support.stacks import one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.plates.statistics.answers import DISTANCE, answers, dose_responses, responses
from ellimaps.plates.statistics.distance import along_change, control_space, steady_changes
from ellimaps.plates.statistics.dose_response import fit_dose_response
from ellimaps.plates.statistics.significance import agreement
from ellimaps.plates.statistics.treatments import treatments

ACTIVE = [name for name, effect in EFFECTS.items() if effect]
INERT = [name for name, effect in EFFECTS.items() if not effect]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_active_compounds_are_told_from_inert_ones(seed):
    table = answers(profiles(seed)).treatments.set_index(["compound", "concentration"])
    for name in ACTIVE:
        assert table.loc[(name, DOSES[-1]), "p"] < 0.01
        assert table.loc[(name, DOSES[-1]), "q"] < 0.01
        assert table.loc[(name, DOSES[-1]), "distance"] > 1.5
    assert (table.loc[INERT, "q"] > 0.01).all()
    assert table.loc[INERT, "distance"].mean() < 0.6


def test_compounds_are_summed_up():
    table = known()[1].compounds.set_index("compound")
    assert list(table.index[table["active"]]) == sorted(ACTIVE)
    assert (table.loc[ACTIVE, "strongest_dose"] == DOSES[-1]).all()
    assert (table.loc[ACTIVE, "lowest_active"] <= DOSES[-1]).all()
    assert table.loc[INERT, "lowest_active"].isna().all()
    assert (table.loc[ACTIVE, "dose_spearman"] >= 0.9).all()


def test_distances_grow_with_dose():
    made = profiles(5, doses=(1.0, 2.0, 4.0, 8.0))
    table = answers(made).compounds.set_index("compound")
    assert (table.loc[ACTIVE, "dose_spearman"] >= 0.9).all()


def test_the_common_direction_orders_doses_better_than_distances_do():
    orders, by_distance = [], []
    for seed in range(8):
        made = profiles(seed)
        space, points = control_space(made), steady_changes(made)
        for name in ACTIVE:
            doses = [one for one in treatments(made.wells) if one.compound == name]
            along = along_change(points, np.concatenate([one.rows for one in doses]))
            orders.append(spearmanr(DOSES, [along[one.rows].mean() for one in doses]).statistic)
            by_distance.append(spearmanr(DOSES, [space.distance(one.rows) for one in doses]).statistic)
    assert np.mean(orders) > 0.97
    assert np.mean(orders) > np.mean(by_distance) + 0.03


def test_changes_are_said_in_words():
    table = known()[1].treatments.set_index(["compound", "concentration"])["changes"]
    assert table["Fewer", DOSES[-1]].startswith("fewer cells (-")
    assert table["Larger", DOSES[-1]].startswith("nuclei larger (+")
    assert table["Brighter", DOSES[-1]].startswith("brighter in ch2 (+")
    assert "ch1 more textured (+" in table["Coarser", DOSES[-1]]
    assert set(table["Inert A"]) == {"no change beyond chance"}


def test_changes_are_in_standard_deviations_of_control_wells():
    made, found = known()
    wells = made.wells
    control = wells.loc[wells["control"], "cell_count"]
    treated = wells.loc[(wells["compound"] == "Fewer") & (wells["concentration"] == DOSES[-1]), "cell_count"]
    row = found.changes.query(
        "compound == 'Fewer' and concentration == @DOSES[-1] and feature == 'cell_count'"
    )
    # A control well is taken relative to the others, which makes its deviation n / (n - 1) times as large.
    n = len(control)
    spread = np.sqrt(np.square(control - control.mean()).mean()) * n / (n - 1)
    assert row["change_sd"].item() == pytest.approx((treated.mean() - control.mean()) / spread)


def test_the_ec50_is_found_with_its_interval():
    made = profiles(2, doses=(0.1, 0.4, 1.0, 2.5, 6.0, 15.0, 40.0), replicates=4, controls=32)
    table = dose_responses(made, {name: [DISTANCE] for name in EFFECTS}).set_index("compound")
    assert (table.loc[ACTIVE, "ec50_low"] < EC50).all()
    assert (table.loc[ACTIVE, "ec50_high"] > EC50).all()
    assert (table.loc[ACTIVE, "ec50_high"] / table.loc[ACTIVE, "ec50_low"] < 8).all()
    assert (table.loc[ACTIVE, "reason"] == "").all()
    assert table.loc[INERT, "ec50"].isna().all()
    assert table.loc[INERT, "reason"].str.len().gt(0).all()


@pytest.mark.parametrize("measure", [DISTANCE, "mean_ch2"])
def test_a_curve_is_fitted_to_its_wells_and_the_controls(measure):
    made = known()[0]
    row = dose_responses(made, {"Brighter": [measure]}).iloc[0]
    table = responses(made, "Brighter", measure)
    assert table["dose"].value_counts().to_dict() == {0.0: 24} | dict.fromkeys(DOSES, 3)
    again = fit_dose_response(table["dose"].to_numpy(), table["value"].to_numpy())
    assert (again.ec50, again.ec50_low, again.r2) == (row["ec50"], row["ec50_low"], row["r2"])


def test_any_feature_has_a_dose_response():
    made = profiles(2, doses=(0.1, 0.4, 1.0, 2.5, 6.0, 15.0, 40.0), replicates=4, controls=32)
    table = dose_responses(made, {"Fewer": ["cell_count", "mean_ch3"]})
    assert table["ec50"][0] == pytest.approx(EC50, rel=0.5)
    assert table["top"][0] < table["bottom"][0]
    with pytest.raises(SettingError, match="no feature 'cell_cuont'") as error:
        dose_responses(made, {"Fewer": ["cell_cuont"]})
    assert one_sentence(error)
    with pytest.raises(SettingError, match="No well has the compound 'Fever'") as error:
        dose_responses(made, {"Fever": [DISTANCE]})
    assert one_sentence(error)


def test_compounds_that_act_alike_are_nearest():
    effects = {
        "Dims": {"mean_ch1": -9.0},
        "Dims too": {"mean_ch1": -8.0},
        "Swells": {"cell_area_median": 8.0},
        "Swells too": {"cell_area_median": 9.0},
    }
    nearest = answers(profiles(3, effects=effects, doses=(12.5,), replicates=6)).nearest
    first = nearest[nearest["rank"] == 1].set_index("compound")
    assert first["neighbour"].to_dict() == {
        "Dims": "Dims too",
        "Dims too": "Dims",
        "Swells": "Swells too",
        "Swells too": "Swells",
    }
    assert (first["similarity"] > 0.8).all()


def test_replicates_find_each_other_where_there_is_an_effect():
    found = answers(profiles(4, doses=(12.5,), replicates=6)).treatments.set_index("compound")
    assert (found.loc[ACTIVE, "map_q"] < 0.05).all()
    assert (found.loc[ACTIVE, "map"] > found.loc[ACTIVE, "map_null"] + 0.2).all()
    assert (found.loc[INERT, "map_q"] > 0.05).all()


def test_replicates_that_change_alike_but_not_equally_far_have_precision_near_one():
    made = profiles(4, effects={"Strong": {}}, doses=(1.0,), replicates=4, controls=20)
    random = np.random.default_rng(0)
    points = random.standard_normal((24, 12))
    [strong] = treatments(made.wells)
    points[strong.rows] += np.outer([12.0, 20.0, 40.0, 80.0], np.eye(12)[3])
    precision, by_chance, p = agreement(made, points, strong.rows)
    assert precision > 0.99
    assert by_chance < 0.25
    assert p < 0.001


def test_replicates_that_do_nothing_are_not_found_more_often_than_by_chance():
    made = profiles(4, effects={"Nothing": {}}, doses=(1.0,), replicates=3, controls=6, plates=("a", "b"))
    random = np.random.default_rng(1)
    [one] = treatments(made.wells)
    one = replace(one, rows=one.rows[:3])
    p = np.array([agreement(made, random.standard_normal((18, 5)), one.rows)[2] for _ in range(200)])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) - level < 4 * np.sqrt(level * (1 - level) / 200)


def test_plates_that_differ_do_not_make_compounds_active():
    def shifted(plate, _row, _column):
        return dict.fromkeys(FEATURES, 30.0) if plate == "two" else {}

    made = profiles(6, plates=("one", "two"), by_position=shifted, doses=(0.5, 12.5), replicates=2)
    table = answers(made).treatments.set_index(["compound", "concentration"])
    assert (table.loc[INERT, "q"] > 0.01).all()
    for name in ACTIVE:
        assert table.loc[(name, 12.5), "q"] < 0.01
    assert table["n_wells"].unique().tolist() == [4]


def test_the_same_profiles_give_the_same_answers():
    made = profiles(1, doses=(12.5,), replicates=8, controls=40)
    first, second = answers(made, seed=3), answers(made, seed=3)
    for name in ("treatments", "compounds", "dose_responses", "changes", "nearest"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)


def test_values_not_measured_and_features_that_do_not_vary_change_nothing_else():
    made = known()[0]
    wells = made.wells.assign(flat=7.0, absent=np.nan, rare=np.nan)
    wells.loc[3, "cell_count"] = np.nan
    fields = made.fields.assign(flat=7.0, absent=np.nan, rare=np.nan)
    odd = replace(made, wells=wells, fields=fields, features=(*made.features, "flat", "absent", "rare"))
    table = answers(odd).compounds.set_index("compound")
    assert list(table.index[table["active"]]) == sorted(ACTIVE)
    assert np.isfinite(table["distance"]).all()


def test_progress_is_told():
    told = []
    answers(profiles(doses=(12.5,)), on_progress=lambda *facts: told.append(facts))
    assert (6, 6, "comparing treatments with controls") in told
    assert told[-1] == (6, 6, "comparing compounds with controls")


def test_a_plate_without_controls_or_compounds_is_refused():
    made = known()[0]
    with pytest.raises(SettingError, match="marks 0 wells as controls") as error:
        answers(replace(made, wells=made.wells.assign(control=False)))
    assert one_sentence(error)
    with pytest.raises(SettingError, match="No well has a compound") as error:
        answers(replace(made, wells=made.wells.assign(control=True)))
    assert one_sentence(error)


def test_one_well_a_compound_without_doses_is_answered():
    made = profiles(7, doses=(12.5,), replicates=1)
    wells = made.wells.assign(concentration=np.nan)
    found = answers(replace(made, wells=wells))
    assert found.treatments["n_wells"].eq(1).all()
    assert found.treatments["map"].isna().all()
    assert found.treatments["p"].between(0, 1).all()
    assert found.compounds["dose_spearman"].isna().all()


def test_an_inert_well_is_no_farther_than_a_control_on_average():
    inert = {f"Inert {number}": {} for number in range(8)}
    made = profiles(8, effects=inert, doses=(1.0,), replicates=6, controls=40)
    space = control_space(made)
    along = [space.along(one.rows)[one.rows].mean() for one in treatments(made.wells)]
    distances = np.sqrt(np.square(space.points).sum(axis=1)) / space.unit
    # Measured along directions that hold the wells themselves it would be 0.45.
    assert abs(np.mean(along)) < 0.25
    assert distances[~space.is_control].mean() == pytest.approx(distances[space.is_control].mean(), rel=0.15)
