"""Before and after an event: the stated error rate on noise that remembers, days, weeks and drift."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from scipy.stats import binom

from ellimaps.core.errors import ExportError, ReadError, SettingError
from ellimaps.sensors.analysis.before_after import SIGNIFICANCE, before_after, effects_of
from ellimaps.sensors.events import Event, note_events, noted_events, read_events
from ellimaps.sensors.store.logs import open_log

DAYS = 60
TIMES = pd.date_range("2025-03-03", periods=24 * DAYS, freq="1h")


def noise(rng, kind):
    """A room without events: what it remembers, does every day and week, and drifts by."""
    hours = np.arange(len(TIMES))
    steps = rng.normal(0, 1, len(TIMES))
    if kind == "walk":
        return 0.05 * np.cumsum(steps)
    remembered = lfilter([1], [1, -0.97], steps) * 0.2
    day = np.sin(2 * np.pi * hours / 24)
    weekend = np.where(TIMES.day_of_week >= 5, -1.0, 0.0)
    return {"memory": remembered, "day": remembered + day, "week": remembered + day + weekend}[kind]


@pytest.mark.parametrize("window", ["6h", "24h"])
@pytest.mark.parametrize("kind", ["memory", "day", "week", "walk"])
def test_events_that_did_nothing_change_something_as_often_as_stated(kind, window):
    rng = np.random.default_rng(7)
    n = 400
    ps = []
    for _ in range(n):
        series = pd.Series(21 + noise(rng, kind), TIMES)
        # In the mornings, when the heating starts; on any day.
        at = TIMES[0] + pd.Timedelta(days=int(rng.integers(3, DAYS - 3)), hours=9)
        ps.append(before_after(series, Event.of(at, at + pd.Timedelta("30min"), "door"), window).p)
    for level in (SIGNIFICANCE, 0.2, 0.5):
        happened = int(np.sum(np.array(ps) <= level))
        # At most as often as stated, but for the chance of 400 draws: one in a thousand.
        assert happened <= binom.ppf(0.999, n, level), (level, happened / n)
    assert np.mean(np.array(ps) <= 0.5) > 0.35


def test_a_t_test_would_not_hold_its_rate_here():
    """The same logs, compared as if readings were independent."""
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(100):
        values = noise(rng, "memory")
        wrong += ttest_ind(values[720:744], values[744:768]).pvalue <= SIGNIFICANCE
    assert wrong > 30


def test_a_change_is_found_and_told():
    rng = np.random.default_rng(1)
    series = pd.Series(21 + 0.1 * noise(rng, "day"), TIMES)
    at = TIMES[24 * 30 + 10]
    series[at:] += 0.5
    found = before_after(series, Event.of(at, None, "service"), "6h", unit="deg C")
    assert found.verdict == "changed"
    assert found.p == pytest.approx(1 / (found.days + 1))
    assert abs(found.after - found.before) > 0.3
    assert "changed (p = 0.0" in found.sentence
    assert found.facts()["kind"] == "service"


def test_what_cannot_be_told_is_not_known():
    series = pd.Series(21.0 + np.arange(24 * 14) % 24, TIMES[: 24 * 14])
    short = before_after(series, Event.of(TIMES[24 * 7], None, "door"))
    assert (short.verdict, short.days) == ("unknown", 9)
    assert "9 of them to compare with, it takes 19" in short.sentence
    hole = series.drop(series.index[24 * 7 : 24 * 7 + 15])
    assert "too little was read" in before_after(hole, Event.of(TIMES[24 * 7], None, "door")).sentence


def test_days_of_other_events_are_no_days_to_compare_with():
    series = pd.Series(21 + noise(np.random.default_rng(2), "memory"), TIMES)
    event = Event.of(TIMES[24 * 20], None, "door")
    alone = before_after(series, event)
    other = Event.of(TIMES[24 * 40 + 5], TIMES[24 * 41 + 5], "service")
    assert alone.days - before_after(series, event, others=[other]).days == 3


def test_events_of_a_table_and_noted_ones_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))
    table = tmp_path / "events.csv"
    table.write_text(
        "time;end;event;note\n2025-03-05 10:00;;door;\n2025-03-04;2025-03-04 08:00;service;filter, new\n"
    )
    events = read_events(table)
    assert [(event.kind, str(event.start)) for event in events] == [
        ("service", "2025-03-04 00:00:00"),
        ("door", "2025-03-05 10:00:00"),
    ]
    assert events[0].label == "service: filter, new"
    assert not noted_events("lab/log.csv")
    note_events("lab/log.csv", events)
    assert noted_events("lab/log.csv") == events
    assert not noted_events("other/log.csv")
    (tmp_path / "file").touch()
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "file"))
    with pytest.raises(ExportError, match="set ELLIMAPS_EVENTS"):
        note_events("lab/log.csv", events)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "need columns start and kind"),
        (
            "start,kind\n2025-03-01,door\nyesterday,door\n",
            "Line 3 of the events events.csv: 'yesterday' is no time",
        ),
        ("start,end,kind\n2025-03-02,2025-03-01,door\n", "ends"),
        ("start,kind\n2025-03-02,\n", "has no kind"),
        ("", "cannot be read"),
        ("start,kind,note,Note\n2025-03-02,door,a,b\n", "two columns 'note'"),
    ],
)
def test_wrong_tables_of_events_are_a_sentence(tmp_path, text, says):
    path = tmp_path / "events.csv"
    path.write_text(text)
    with pytest.raises(ReadError, match=says):
        read_events(path)
    with pytest.raises(SettingError):
        Event.of("2025-03-01", None, " ")


def test_a_log_is_compared_sensor_by_sensor(tmp_path):
    path = tmp_path / "log.csv"
    rng = np.random.default_rng(4)
    values = 21 + 0.05 * noise(rng, "memory")
    values[24 * 30 :] += 1
    pd.DataFrame({"time": TIMES, "room_temperature [degC]": values}).to_csv(path, index=False)
    log = open_log(path)
    key = ("", "log", log.sensors["sensor_name"].iloc[0])
    first, second = effects_of(
        log, key, [Event.of(TIMES[24 * 30], None, "gas bottle"), Event.of(TIMES[240], None, "door")]
    )
    assert (first.verdict, first.event.kind) == ("changed", "gas bottle")
    assert "deg C" in first.sentence
    assert second.p > 0
