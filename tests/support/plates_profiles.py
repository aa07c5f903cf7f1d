"""Profiles of a generated plate with known effects, without pictures: quick to make, in any number."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.plates.measuring.profiles import Profiles, wells_of
from ellimaps.plates.statistics.answers import Answers, answers

FEATURES = (
    "cell_count", "cell_area_median", "cell_eccentricity_median", "mean_ch1", "mean_ch2", "mean_ch3",
    "texture_ch1", "texture_ch2", "std_ch1", "std_ch2", "granularity_ch3", "corr_ch1_ch2",
)  # fmt: skip
EFFECTS = {
    "Fewer": {"cell_count": -10.0, "mean_ch1": -3.0},
    "Larger": {"cell_area_median": 9.0, "cell_eccentricity_median": 3.0},
    "Brighter": {"mean_ch2": 10.0, "std_ch2": 5.0},
    "Coarser": {"texture_ch1": 9.0, "granularity_ch3": 5.0},
    "Inert A": {},
    "Inert B": {},
}
DOSES = (0.1, 0.5, 2.5, 12.5)
EC50 = 1.5


def profiles(
    seed: int = 0,
    *,
    effects: dict[str, dict[str, float]] | None = None,
    doses: tuple[float, ...] = DOSES,
    replicates: int = 3,
    controls: int = 24,
    fields: int = 2,
    plates: tuple[str, ...] = ("plate1",),
    by_position: Any = None,
) -> Profiles:
    """Return profiles of plates of 8 rows, filled column by column at random positions.

    Parameters
    ----------
    effects : dict
        Change of features at full effect, in standard deviations of wells; by default those above.
    by_position : callable, optional
        Added to the features of a well: ``by_position(plate, row, column) -> {feature: value}``.
    """
    random = np.random.default_rng(seed)
    effects = EFFECTS if effects is None else effects
    treatments = [(name, dose) for name in effects for dose in doses for _ in range(replicates)]
    treatments += [("DMSO", np.nan)] * controls
    mixing = np.eye(len(FEATURES)) + 0.3 * np.random.default_rng(99).standard_normal((len(FEATURES),) * 2)
    rows = []
    for plate in plates:
        for position, number in enumerate(random.permutation(len(treatments))):
            name, dose = treatments[number]
            row, column = position % 8 + 1, position // 8 + 1
            change = pd.Series(0.0, index=FEATURES)
            for feature, size in effects.get(name, {}).items():
                change[feature] += size * dose**1.5 / (dose**1.5 + EC50**1.5)
            for feature, size in (by_position(plate, row, column) if by_position else {}).items():
                change[feature] += size
            well = 100 + 10 * (change.to_numpy() + mixing @ random.standard_normal(len(FEATURES)))
            for field in range(1, fields + 1):
                values = well + 3 * random.standard_normal(len(FEATURES))
                about = (plate, f"{'ABCDEFGH'[row - 1]}{column:02d}", row, column, field, name)
                rows.append((*about, dose, "uM", name == "DMSO", f"{plate}/{position}_{field}.tif", *values))
    names = (
        *("plate", "well", "row", "column", "field", "compound"),
        *("concentration", "concentration_unit", "control", "files"),
    )
    table = pd.DataFrame(rows, columns=[*names, *FEATURES])
    return Profiles(table, wells_of(table, FEATURES), FEATURES)


@cache
def known() -> tuple[Profiles, Answers]:
    """Return profiles of the default plate, and their answers."""
    made = profiles(seed=1)
    return made, answers(made)
