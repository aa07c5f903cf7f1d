"""The spread of controls and the Z' factor, against a calculation by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ellimaps.plates.statistics.assay_quality import assay_quality


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
