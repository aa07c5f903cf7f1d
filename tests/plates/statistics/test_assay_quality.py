"""The spread of controls, Z' and SSMD, against calculations by hand and against populations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from support.plates_profiles import profiles
from support.small_plate import small_plate
from support.stacks import one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.plates.statistics.assay_quality import (
    SEPARATIONS,
    assay_quality,
    channel_features,
    positive_controls,
    quality_table,
)


def test_each_plate_by_hand():
    wells = pd.DataFrame({"plate": ["p"] * 6 + ["q"] * 5, "control": [1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0]})
    values = np.array([9.0, 10, 11, 29, 30, 31, 0, 0, 0, 5, np.nan])
    table = assay_quality(wells, values, np.array([False] * 3 + [True] * 3 + [False] * 3 + [True] * 2))
    first, second = table.to_dict("records")
    assert (first["plate"], first["n_controls"], first["n_positive"]) == ("p", 3, 3)
    assert (first["mean"], first["sd"], first["cv"]) == (10, 1, 0.1)
    assert first["z_prime"] == pytest.approx(1 - 3 * (1 + 1) / 20)
    # One positive well tells no spread, and a mean of 0 no share of it.
    assert second["n_positive"] == 1
    assert np.isnan(second["z_prime"])
    assert np.isnan(second["cv"])


def quality(low, high):
    """The row of one plate with these control wells and positive ones."""
    wells = pd.DataFrame({"plate": "p", "control": [True] * len(low) + [False] * len(high)})
    return assay_quality(wells, np.array([*low, *high], float), ~wells["control"].to_numpy()).iloc[0]


def test_separations_by_hand():
    # Controls 1 2 3 4 10: mean 4, sd sqrt(12.5), median 3, MAD 1. Positive 20 22 24: mean 22, sd 2, MAD 2.
    row = quality([1, 2, 3, 4, 10], [20, 22, 24])
    assert row["z_prime"] == pytest.approx(1 - 3 * (12.5**0.5 + 2) / 18)
    assert row["ssmd"] == pytest.approx(18 / 16.5**0.5)
    assert row["z_prime_robust"] == pytest.approx(1 - 3 * 1.4826 * (1 + 2) / 19, abs=1e-5)
    assert row["ssmd_robust"] == pytest.approx(19 / (1.4826 * 5**0.5), abs=1e-4)
    # Below the controls SSMD is negative, and Z' the same.
    below = quality([1, 2, 3, 4, 10], [-16, -14, -12])
    assert below["ssmd"] == pytest.approx(-18 / 16.5**0.5)
    assert below["z_prime"] == pytest.approx(row["z_prime"])


def test_no_spread_is_no_verdict():
    # Most control wells are equal by rounding: the robust spread is 0, which is not known and not excellent.
    row = quality([5, 5, 5, 5, 6], [9, 10, 11])
    assert np.isnan(row["z_prime_robust"])
    assert np.isnan(row["ssmd_robust"])
    assert np.isfinite(row["z_prime"])
    assert quality([1, 2], [9, 10, 11])[list(SEPARATIONS)].isna().all()
    assert quality([1, 2, 3], [1, 2, 3])[list(SEPARATIONS)].isna().all()


def test_large_samples_reach_the_populations_figures():
    random = np.random.default_rng(12)
    row = quality(random.normal(0, 1, 40_000), random.normal(10, 2, 40_000))
    for name in ("z_prime", "z_prime_robust"):
        assert row[name] == pytest.approx(1 - 3 * 3 / 10, abs=0.02)
    for name in ("ssmd", "ssmd_robust"):
        assert row[name] == pytest.approx(10 / 5**0.5, rel=0.02)


def test_an_outlier_moves_the_plain_ones_alone():
    random = np.random.default_rng(13)
    low, high = random.normal(0, 1, 32), random.normal(10, 1, 32)
    clean, spoiled = quality(low, high), quality([*low[:-1], 60.0], high)
    assert spoiled["z_prime"] < clean["z_prime"] - 1
    assert spoiled["z_prime_robust"] == pytest.approx(clean["z_prime_robust"], abs=0.1)


def test_every_plate_and_channel_has_its_rows():
    made = profiles(3, plates=("p", "q"))
    [positive] = positive_controls(made, "Brighter")
    table = quality_table(made, [positive]).set_index(["plate", "feature"])
    assert len(table) == 2 * len(made.features)
    assert set(table["positive"]) == {"Brighter 12.5 uM"}
    for plate in ("p", "q"):
        wells = made.wells[made.wells["plate"] == plate]
        expected = assay_quality(
            wells,
            wells["mean_ch2"].to_numpy(),
            (wells["compound"] == "Brighter").to_numpy() & (wells["concentration"] == 12.5).to_numpy(),
        ).iloc[0]
        assert table.loc[(plate, "mean_ch2"), "ssmd"] == expected["ssmd"] > 3
        assert abs(table.loc[(plate, "mean_ch3"), "ssmd"]) < 2
    with pytest.raises(SettingError, match="No well has the positive control 'Aspirin'") as error:
        positive_controls(made, "Aspirin")
    assert one_sentence(error)


def test_channels_are_those_in_the_names():
    names = [
        *("field_mean_DNA", "field_mean_ER", "tissue_mean_DNA", "cell_count", "cell_mean_DNA_median"),
        *("cell_mean_DNA_iqr", "tissue_correlation_DNA_ER", "tissue_share"),
    ]
    assert channel_features(names) == {"": "cell_count", "DNA": "cell_mean_DNA_median", "ER": "field_mean_ER"}
    theirs = ["Cells_Intensity_MeanIntensity_ER", "Cells_Number_Count", "Nuclei_Intensity_MeanIntensity_DNA"]
    assert channel_features(theirs) == {"": theirs[1], "ER": theirs[0], "DNA": theirs[2]}
    values = pd.DataFrame(np.zeros((3, len(names))), columns=names)
    made = profiles()
    few = dataclasses.replace(
        made, wells=made.wells[["plate", "control"]][:3].join(values), features=tuple(names)
    )
    channels = quality_table(few, []).set_index("feature")["channel"].to_dict()
    assert channels["cell_mean_DNA_iqr"] == "DNA"
    assert channels["tissue_correlation_DNA_ER"] == channels["tissue_share"] == ""


def test_positive_controls_are_those_of_the_layout(tmp_path):
    made = small_plate(tmp_path)
    assert positive_controls(made) == []
    made.wells["positive"] = (made.wells["compound"] == "sizer") & (made.wells["concentration"] == 100)
    assert [one.compound for one in positive_controls(made)] == ["sizer"]
