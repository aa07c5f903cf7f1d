"""How much is plate and how much compound, on plates whose shares are known beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.stacks import one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.plates.figures import batch_figure
from ellimaps.plates.measuring.profiles import Profiles, wells_of
from ellimaps.plates.statistics.batch_effect import (
    CENTERED,
    MEASURED,
    SCALED,
    SHARES,
    are_comparable,
    batch_effect,
)

FEATURES = tuple(f"f{number}" for number in range(40))


def joined(seed: int, plate: float, compound: float, *, plates: int = 4, gain: float = 1.0) -> Profiles:
    """Plates with 12 controls and 12 compounds in four wells each; effects in standard deviations of wells.

    Offsets have exactly the standard deviations given, so the shares are known but for the noise.
    """
    random = np.random.default_rng(seed)
    names = ["DMSO"] * 12 + [f"c{number:02d}" for number in range(12) for _ in range(4)]
    offsets, changes = random.standard_normal((plates, 40)), random.standard_normal((13, 40))
    offsets = plate * (offsets - offsets.mean(axis=0)) / offsets.std(axis=0)
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    weights = np.bincount([order[name] for name in names]) / len(names)
    changes -= weights @ changes
    changes *= compound / np.sqrt(weights @ changes**2)
    rows = []
    for number in range(plates):
        for well, name in enumerate(names):
            values = changes[order[name]] + random.standard_normal(40)
            values = offsets[number] + values * (gain if number % 2 else 1.0)
            about = (
                f"p{number}",
                f"{'ABCDEFGH'[well % 8]}{well // 8 + 1:02d}",
                well % 8 + 1,
                well // 8 + 1,
                1,
            )
            rows.append((*about, name, np.nan, "", name == "DMSO", "", *values))
    columns = ["plate", "well", "row", "column", "field", "compound", "concentration", "concentration_unit"]
    fields = pd.DataFrame(rows, columns=[*columns, "control", "files", *FEATURES])
    return Profiles(fields, wells_of(fields, FEATURES), FEATURES)


@pytest.mark.parametrize(("plate", "compound"), [(2.0, 1.0), (0.5, 2.0), (0.0, 1.0), (1.0, 0.0)])
def test_shares_are_those_that_were_made(plate, compound):
    whole = plate**2 + compound**2 + 1
    truth = {"plate": plate**2 / whole, "treatment": compound**2 / whole, "either": 0, "rest": 1 / whole}
    table = batch_effect(joined(1, plate, compound)).table.set_index("stage")
    found = table.loc[MEASURED, list(SHARES)]
    print(f"plate {plate}, compound {compound}: {found.astype(float).round(3).to_dict()}, truth {truth}")
    for share, value in truth.items():
        assert found[share] == pytest.approx(value, abs=0.015)
    assert found.sum() == pytest.approx(1)


def test_normalizing_takes_plates_off_and_leaves_compounds():
    effect = batch_effect(joined(2, 2.0, 1.0))
    table = effect.table.set_index("stage")
    print(table.round(3).to_string())
    assert table.loc[MEASURED, "plate"] > 0.6
    assert table.loc[MEASURED, "neighbors_on_plate"] > 0.99
    for stage in (CENTERED, SCALED):
        # What is left is the uncertainty of twelve controls' median, and of their spread.
        assert table.loc[stage, "plate"] < 0.1
        assert table.loc[stage, "treatment"] > 0.4
        assert table.loc[stage, "neighbors_on_plate"] < 0.7
    assert table["by_chance"].to_numpy() == pytest.approx(59 / 239)
    assert effect.points[SCALED].shape == (240, 2)


def test_the_feature_most_of_plate_is_named():
    made = joined(3, 0.0, 1.0)
    for table in (made.wells, made.fields):
        table["f7"] += 5.0 * (table["plate"] == "p2")
    row = batch_effect(made).table.set_index("stage").loc[MEASURED]
    assert row["feature"] == "f7"
    assert row["feature_plate"] > 0.5


def test_what_was_not_measured_and_what_is_constant_do_no_harm():
    made = joined(4, 1.0, 1.0)
    before = batch_effect(made).table.loc[0, "plate"]
    for table in (made.wells, made.fields):
        table.loc[::17, "f0"] = np.nan
        table["f1"], table["f2"] = 3.0, np.nan
    assert batch_effect(made).table.loc[0, "plate"] == pytest.approx(before, abs=0.02)


def test_plates_without_controls_are_scaled_by_all_wells():
    made = joined(5, 2.0, 1.0)
    for table in (made.wells, made.fields):
        table.loc[table["plate"] == "p1", "control"] = False
    assert batch_effect(made).table["stage"].tolist() == [MEASURED, SCALED]


def test_what_cannot_be_told_apart_is_said():
    made = joined(6, 1.0, 1.0, plates=2)
    one = replace(made, wells=made.wells[made.wells["plate"] == "p0"])
    apart = made.wells.assign(compound=made.wells["compound"] + made.wells["plate"], control=False)
    for profiles in (one, replace(made, wells=apart)):
        assert not are_comparable(profiles)
        with pytest.raises(SettingError, match="cannot be told apart") as error:
            batch_effect(profiles)
        assert one_sentence(error)


def test_the_picture_has_bars_and_two_maps():
    made = joined(7, 2.0, 1.0)
    figure = batch_figure(batch_effect(made), made.wells)
    bars, before, after = figure.axes
    assert len(bars.patches) == 3 * len(SHARES)
    assert (before.get_title(), after.get_title()) == (MEASURED, SCALED)
    assert len(before.collections) == 2 * 4
