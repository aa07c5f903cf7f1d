"""Cells in a plane: components of known cells, whatever debris lies among them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import SettingError
from ellimaps.plates.statistics.cell_map import cell_features, cell_positions


def cells(n=400):
    random = np.random.default_rng(1)
    hidden = random.normal(size=n)
    return hidden, pd.DataFrame(
        {
            **{
                "plate": "p",
                "well": "A01",
                "field": 1,
                "object": range(n),
                "y": 5.0,
                "x": 6.0,
                "at_border": False,
            },
            **{f"f{i}": hidden + 0.1 * random.normal(size=n) for i in range(4)},
            "alone": random.normal(size=n),
        }
    )


def test_the_first_component_is_what_most_measurements_share():
    hidden, table = cells()
    table.loc[:2, "f0"] = 1e9
    table.loc[5, "f1"] = np.nan
    assert cell_features(table) == ["f0", "f1", "f2", "f3", "alone"]
    found = cell_positions(table, np.arange(len(table)) < 200)
    assert np.isfinite(found).all()
    assert abs(np.corrcoef(found[3:, 0], hidden[3:])[0, 1]) > 0.95
    assert abs(np.corrcoef(found[:, 1], table["alone"])[0, 1]) > 0.9


def test_too_few_cells_are_told():
    with pytest.raises(SettingError, match="three cells"):
        cell_positions(cells()[1].head(2), np.array([True, False]))
