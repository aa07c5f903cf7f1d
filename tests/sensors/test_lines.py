"""Lines stop at gaps, however far one looks from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ellimaps.sensors.lines import lines_of
from ellimaps.sensors.store.logs import open_log

YEAR = pd.date_range("2025-01-01", periods=365 * 288, freq="5min")
GAPS = [
    ("2025-03-03 12:00", "2025-03-04 06:00"),
    ("2025-08-01", "2025-08-08"),
    ("2025-10-05", "2025-10-05 09:00"),
]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    inside = np.any([(pd.Timestamp(a) < YEAR) & (pd.Timestamp(b) > YEAR) for a, b in GAPS], axis=0)
    table = pd.DataFrame({"time": YEAR, "temperature": 21 + np.sin(np.arange(len(YEAR)) / 46)})[~inside]
    path = tmp_path_factory.mktemp("log") / "log.csv"
    table.to_csv(path, index=False)
    return open_log(path)


def holes(rows):
    """Between which readings the line stops."""
    times, empty = rows["time"].to_numpy(), np.flatnonzero(rows["value"].isna())
    return [(pd.Timestamp(times[n - 1]), pd.Timestamp(times[n + 1])) for n in empty]


def test_gaps_of_hours_are_seen_in_a_whole_year(log):
    found = holes(lines_of(log))
    assert len(found) == len(GAPS)
    for (start, end), (before, after) in zip(GAPS, found, strict=True):
        # Of each stretch only the extremes are drawn, so the line may stop a stretch early.
        assert before <= pd.Timestamp(start) < pd.Timestamp(end) <= after
        assert after - before < pd.Timestamp(end) - pd.Timestamp(start) + pd.Timedelta("20h")


def test_a_gap_is_as_long_as_it_was_when_looked_at_closely(log):
    rows = lines_of(log, start="2025-10-04 12:00", end="2025-10-05 21:00")
    assert holes(rows) == [(pd.Timestamp("2025-10-05"), pd.Timestamp("2025-10-05 09:00"))]
    assert not holes(lines_of(log, start="2025-06-01", end="2025-06-02"))
