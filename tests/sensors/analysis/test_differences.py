"""Two rooms compared, against a difference that was put there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import SettingError
from ellimaps.sensors.analysis.differences import difference_of
from ellimaps.sensors.store.logs import open_log

TIMES = pd.date_range("2025-03-01", periods=10 * 144, freq="10min")


@pytest.fixture
def log(tmp_path):
    """North in deg C; south 2 deg C warmer from 8 to 16 h, in deg F, and not read on the third day."""
    north = 20 + np.random.default_rng(2).normal(0, 0.1, len(TIMES))
    warm = np.where((TIMES.hour >= 8) & (TIMES.hour < 16), 2.0, 0.0)
    south = (north + warm) * 1.8 + 32
    table = pd.DataFrame(
        {"time": TIMES, "north [°C]": north, "south [°F]": south, "moisture [%RH]": 40 + north}
    )
    table.loc[TIMES.normalize() == pd.Timestamp("2025-03-03"), "south [°F]"] = np.nan
    table.to_csv(tmp_path / "log.csv", index=False, float_format="%.4f")
    return open_log(tmp_path / "log.csv")


def keys(log):
    rows = log.sensors[["region", "source_id", "sensor_name"]].astype(str)
    return {name.split()[0]: (region, source, name) for region, source, name in rows.to_numpy()}


def test_the_difference_is_in_the_unit_of_the_first_and_missing_where_one_is(log):
    key = keys(log)
    found = difference_of(log, key["north"], key["south"])
    assert found.unit == "degC"
    by_hour = found.by_hour.set_index("hour")["difference"]
    np.testing.assert_allclose(by_hour[8:15], -2, atol=1e-3)
    np.testing.assert_allclose(by_hour.drop(range(8, 16)), 0, atol=1e-3)
    missing = found.table["difference"].isna()
    assert set(found.table.index[missing].normalize()) == {pd.Timestamp("2025-03-03")}
    assert missing.sum() == 144
    assert (found.by_hour["n"] == 9 * 6).all()


def test_a_difference_in_fahrenheit_is_larger(log):
    key = keys(log)
    found = difference_of(log, key["south"], key["north"], "2025-03-05", "2025-03-06")
    assert found.unit == "degF"
    assert found.table["difference"].max() == pytest.approx(3.6, abs=1e-3)


def test_other_quantities_and_times_without_readings_are_refused(log):
    key = keys(log)
    with pytest.raises(SettingError, match="deg C and %RH have no difference"):
        difference_of(log, key["north"], key["moisture"])
    with pytest.raises(SettingError, match="not read in a common time"):
        difference_of(log, key["north"], key["south"], "2025-03-03 01:00", "2025-03-03 20:00")
