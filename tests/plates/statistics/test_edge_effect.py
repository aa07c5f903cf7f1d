"""The edge of a plate against its inside: a known difference, by controls, and too few wells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from ellimaps.plates.statistics.edge_effect import edge_effect

SHAPE = (8, 12)


@pytest.fixture
def wells():
    rows, columns = np.mgrid[1:9, 1:13]
    return pd.DataFrame({"row": rows.ravel(), "column": columns.ravel(), "control": False})


def test_a_known_difference_is_found_with_the_error_of_welch(wells):
    edge = wells["row"].isin([1, 8]) | wells["column"].isin([1, 12])
    values = pd.Series(np.random.default_rng(1).normal(10, 1, len(wells)) + 3.0 * edge)
    found = edge_effect(wells, values, SHAPE)
    assert (found.outer.count(), found.inner.count()) == (36, 60)
    assert found.difference == pytest.approx(3.0, abs=0.5)
    t = ttest_ind(values[edge], values[~edge], equal_var=False).statistic
    assert found.difference / found.standard_error == pytest.approx(t)
    assert "Edge effect: wells at the edge" in str(found)


def test_controls_are_compared_where_there_are_some(wells):
    wells["control"] = wells["column"] == 6
    values = pd.Series(np.where(wells["control"], 1.0, 100.0) + wells["row"])
    found = edge_effect(wells, values, SHAPE)
    assert (found.outer.count(), found.inner.count()) == (2, 6)
    assert found.outer.max() < 100
    assert "control wells" in str(found)


def test_too_few_wells_are_told(wells):
    values = pd.Series(np.nan, index=wells.index)
    assert str(edge_effect(wells, values, SHAPE)).startswith("Too few wells")
