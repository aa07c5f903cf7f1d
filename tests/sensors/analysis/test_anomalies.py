from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.signal import lfilter
from support.quiet_rooms import KINDS, Room, quiet_room
from support.sensor_truth import (
    TOLERANCE,
    counted,
    plain_forest,
    quiet,
    real_log,
    series_of,
    unmarked_logs,
    windows_of,
)
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.errors import SettingError
from ellimaps.samples.sensors import sample_sensors, sensor_log
from ellimaps.sensors.analysis.anomalies import COLUMNS, find_anomalies
from ellimaps.sensors.analysis.decomposition import decompose, regular
from ellimaps.sensors.analysis.detectors.coarse_spikes import rates_of_steps
from ellimaps.sensors.analysis.extreme_values import BRIEF, fit_extreme_values, law_of_chance
from ellimaps.sensors.analysis.whole_logs import anomalies_of
from ellimaps.sensors.store.logs import open_log


def test_generated_anomalies_are_found_with_few_false_alarms() -> None:
    found = true = outside = 0
    months = 0.0
    for seed in (0, 1):
        sample = sensor_log(seed, days=30, instruments=1)
        for key, series in series_of(sample).items():
            windows = windows_of(sample, key)
            hits, false = counted(find_anomalies(series), windows, TOLERANCE)
            found, true, outside, months = found + hits, true + len(windows), outside + false, months + 1
    assert true >= 20
    assert found / true >= 0.9
    assert outside / months <= 1


def test_real_windows_are_found_better_than_by_a_plain_forest(shared_data: Path) -> None:
    series, windows = real_log(shared_data)
    hits, outside = counted(find_anomalies(series), windows)
    plain_hits, plain_outside = counted(plain_forest(series), windows)
    print(f"find_anomalies: {hits} of {len(windows)} windows, {outside} periods outside")
    print(f"plain isolation forest: {plain_hits} of {len(windows)} windows, {plain_outside} periods outside")
    assert hits >= 3
    assert outside <= 4
    assert outside < plain_outside


def test_a_quiet_log_raises_no_more_alarms_than_asked_for() -> None:
    logs = [quiet(seed, days=30) for seed in range(2)]
    assert sum(len(find_anomalies(log)) for log in logs) <= 2
    assert 1 <= sum(len(find_anomalies(log, 30.0)) for log in logs) <= 60


@pytest.mark.parametrize("kind", KINDS)
def test_rooms_in_which_nothing_happens_keep_the_false_alarms_asked_for(kind: str) -> None:
    rooms = [quiet_room(kind, seed) for seed in range(2)]
    assert sum(len(find_anomalies(room)) for room in rooms) <= 2 * 60 / 30


@pytest.mark.parametrize("name", ["occupancy", "house"])
def test_real_logs_in_which_nothing_is_marked_keep_the_false_alarms_asked_for(
    name: str, shared_data: Path
) -> None:
    logs = unmarked_logs(shared_data, name)
    found = {sensor: len(find_anomalies(log)) for sensor, log in logs.items()}
    months = sum((log.index[-1] - log.index[0]) / pd.Timedelta("30D") for log in logs.values())
    print(f"{name}: {found}, {months:.1f} months")
    assert sum(found.values()) <= 0.6 * months
    # Chance gives eight or more where 3.5 are expected in one of forty sensors.
    assert max(found.values()) <= 7


@pytest.mark.parametrize("step", [0.1, 0.2, 0.5, 1.0])
def test_spikes_of_three_steps_are_found_in_coarse_sensors(step: float) -> None:
    hits = false = 0
    for seed in range(4):
        random, room = np.random.default_rng(seed), Room(seed, 60)
        steps = np.round((room.usual() + room.daily(step)) / step)
        rows = 288 * random.choice(np.arange(5, 55), 6, replace=False) + random.integers(0, 288, 6)
        for row, side in zip(rows, (1, -1) * 3, strict=True):
            around = side * steps[row - 6 : row + 7]
            steps[row] = side * (around.max() + 3)
        log = room.series(steps * step, 4)
        found = counted(find_anomalies(log), [(log.index[row], log.index[row]) for row in rows], TOLERANCE)
        hits, false = hits + found[0], false + found[1]
    assert hits == 24
    assert false <= 8


def test_steps_that_were_never_seen_are_rarer_than_those_that_were() -> None:
    steps = np.zeros(100_000, int)
    steps[::100] = 1
    steps[::5000] = 2
    often = rates_of_steps(steps, 2.0)
    assert often[1] == pytest.approx((1000 - 8) / 2)
    assert often[2] == pytest.approx((20 - 8) / 2)
    steps[7] = 5
    assert (np.diff(rates_of_steps(steps, 2.0)) <= 0).all()
    assert rates_of_steps(steps, 2.0)[5] < 0.01


def test_failures_at_the_highest_and_lowest_readings_of_eleven_months_are_found() -> None:
    random, hours = np.random.default_rng(1), np.arange(330 * 24)
    weather = lfilter([0.25], [1, -0.97], random.normal(size=len(hours)))
    course = 20 + 4 * np.sin(2 * np.pi * hours / 24 / 365) + np.sin(2 * np.pi * hours / 24) + weather
    log = pd.Series(course.round(1), pd.date_range("2025-01-06", periods=len(hours), freq="1h"))
    log.iloc[4000:4012] = log.max() + 3
    log.iloc[7000:7012] = log.min() - 3
    failures = [(log.index[row], log.index[row + 12]) for row in (4000, 7000)]
    hits, false = counted(find_anomalies(log), failures, TOLERANCE)
    assert hits == 2
    assert false <= 11


def test_what_the_sensor_cannot_resolve_is_not_reported() -> None:
    sizes = []
    for seed in (0, 3):
        room = Room(seed, 60)
        shifted = room.usual() + 0.08 * ((room.day > 20) & (room.day < 22))
        reasons = find_anomalies(room.series(shifted.round(1)), 5.0)["reason"]
        sizes += [float(size) for reason in reasons for size in re.findall(r"([+-][\d.]+) deg", reason)]
    assert sizes
    assert np.abs(sizes).min() >= 0.2


def test_quiet_nights_do_not_teach_a_tail_too_short_for_the_days() -> None:
    random = np.random.default_rng(0)
    blocks = np.where(random.random(4000) < 0.2, random.exponential(1.0, 4000), random.normal(0, 0.05, 4000))
    whole, upper = (
        fit_extreme_values(blocks[:700], 2.0, BRIEF),
        law_of_chance(blocks[:700], 2.0, 0.5, BRIEF),
    )
    assert whole is not None
    assert upper is not None
    later = blocks[700:]
    expected = 0.5 * 2.0 * len(later) / 700
    assert (later > upper.level(0.5)).sum() <= 2 * expected + 2
    assert (later > whole.level(0.5)).sum() > (later > upper.level(0.5)).sum()


def test_the_daily_course_is_no_anomaly_at_the_ends_nor_beside_a_gap_of_months() -> None:
    rows = np.arange(30 * 288)
    course = 21 + 0.3 * np.sin(2 * np.pi * rows / 288)
    alarms = 0
    for seed in range(2):
        values = course + 0.03 * np.random.default_rng(seed).normal(size=len(rows))
        log = pd.Series(values, pd.date_range("2025-01-06", periods=len(rows), freq="5min"))
        alarms += len(find_anomalies(pd.concat([log, log.shift(freq="200D")])))
    assert alarms <= 4


def test_a_step_reads_as_time_name_size_and_duration() -> None:
    log = quiet()
    log.loc["2025-01-12 15:05":"2025-01-12 19:00"] += np.minimum(np.arange(48) / 12, 1) * 1.5
    found = find_anomalies(log)
    assert len(found) == 1
    row = found.iloc[0]
    assert abs(row["start"] - pd.Timestamp("2025-01-12 15:05")) <= pd.Timedelta("45min")
    assert abs(row["end"] - pd.Timestamp("2025-01-12 19:00")) <= pd.Timedelta("45min")
    read = re.fullmatch(
        r"12 Jan \d\d:\d\d-\d\d:\d\d, room temperature \+(\d\.\d) deg C in (\d+) min", row["reason"]
    )
    assert read, row["reason"]
    assert float(read[1]) == pytest.approx(1.5, abs=0.25)
    assert 40 <= int(read[2]) <= 60


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("spike", "+3.0 deg C for 5 min"), ("stuck", "stuck at"), ("day", "off its usual course")],
)
def test_each_kind_has_a_reason_of_its_own(kind: str, reason: str) -> None:
    log = quiet(3)
    place = pd.Timestamp("2025-01-15 10:00")
    if kind == "spike":
        log.loc[place] = np.median(log.loc[place - TOLERANCE : place + TOLERANCE]) + 3.0
    elif kind == "stuck":
        log.loc[place : place + 6 * TOLERANCE] = log.loc[place]
    else:
        # Too slow for any hour to show it: only the scales of hours and days can.
        rise = np.interp(np.arange(433), [0, 120, 312, 432], [0, 1, 1, 0])
        log.loc[place : place + 36 * TOLERANCE] += 0.6 * rise
    found = find_anomalies(log)
    assert len(found) == 1
    assert found["start"][0] <= place + 10 * TOLERANCE
    assert found["end"][0] >= place
    assert reason in found["reason"][0].replace("+2.9", "+3.0")


def test_gaps_order_and_duplicates_do_not_matter() -> None:
    log = quiet(4)
    log.iloc[2000] += 2
    whole = find_anomalies(log)
    holed = log.drop(log.index[3000:3050])
    shuffled = pd.concat([holed, holed.iloc[100:110]]).sample(frac=1, random_state=1)
    assert find_anomalies(shuffled).equals(find_anomalies(holed))
    assert len(whole) == len(find_anomalies(holed)) == 1
    nan = log.copy()
    nan.iloc[3000:3050] = np.nan
    assert find_anomalies(nan).equals(find_anomalies(holed))


def test_unit_and_offset_do_not_matter() -> None:
    log = quiet(5)
    log.iloc[2500:2560] += 1.5
    fahrenheit = find_anomalies(log * 1.8 + 32, limit=0.9)
    celsius = find_anomalies(log)
    assert len(celsius) == 1
    assert fahrenheit[["start", "end"]].equals(celsius[["start", "end"]])


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100), st.floats(-1000, 1000), st.integers(0, 100))
def test_tails_follow_the_scale_and_state_their_own_rate(scale: float, shift: float, seed: int) -> None:
    maxima = np.random.default_rng(seed).gumbel(size=400)
    first, second = fit_extreme_values(maxima, 2.0), fit_extreme_values(maxima * scale + shift, 2.0)
    assert first is not None
    assert second is not None
    assert second.level(1.0) == pytest.approx(
        first.level(1.0) * scale + shift, abs=0.05 * scale * first.level(1.0)
    )
    assert first.rate(first.level(0.5)) == pytest.approx(0.5, rel=1e-6)


def test_an_anomaly_does_not_teach_the_tail() -> None:
    maxima = np.random.default_rng(0).gumbel(size=360)
    spoilt = maxima.copy()
    spoilt[:4] = 1000
    clean, dirty = fit_extreme_values(maxima, 1.0), fit_extreme_values(spoilt, 1.0)
    assert clean is not None
    assert dirty is not None
    assert dirty.level(1.0) < clean.level(1.0) + 2


def test_decomposition_adds_up_and_knows_the_daily_course() -> None:
    log = decompose(quiet(6))
    pd.testing.assert_series_equal(log.trend + log.daily + log.residual, log.values, check_names=False)
    true = 0.2 * np.sin(2 * np.pi * np.arange(288) / 288)
    assert np.abs(log.daily.to_numpy()[:288] - true).max() < 0.06


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (pd.Series([1.0, 2.0]), "no times"),
        (quiet().iloc[:20], "longer time"),
        (quiet(days=400).iloc[::288], "one an hour"),
    ],
)
def test_logs_that_cannot_be_analysed_are_refused(series: pd.Series, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        regular(series)


@pytest.mark.parametrize(
    "setting", [{"false_alarms_per_month": 0.0}, {"limit": 0.0}, {"limit": float("nan")}]
)
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(SettingError):
        find_anomalies(quiet(days=3), **setting)


def test_a_short_or_constant_log_gives_an_empty_table() -> None:
    constant = pd.Series(21.0, pd.date_range("2025-01-01", periods=2000, freq="5min"))
    for log in (quiet(days=1), constant):
        assert list(find_anomalies(log).columns) == list(COLUMNS)


def test_command_writes_periods_and_files(tmp_path: Path) -> None:
    folder = sample_sensors(tmp_path / "demo", 3, days=16, instruments=1)
    asked = ["sensors", "anomalies", str(folder / "log.csv"), "--region", "Europe"]
    asked += ["--sensor", "room_temperature", "--json"]
    runs = [CliRunner().invoke(cli, [*asked, "--out", str(tmp_path / name)]) for name in ("a", "b")]
    facts = json.loads(runs[0].stdout)
    assert facts["periods"]
    assert {"region", "source_id", "sensor_name", *COLUMNS} <= set(facts["periods"][0])
    assert len(facts["files"]) == 3
    for name in ("anomalies.csv", "anomalies.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (folder / "log.csv").is_file()
    assert {path.name for path in folder.iterdir()} == {"log.csv", "truth.json"}


@pytest.mark.parametrize(("factor", "offset", "said"), [(1.0, 0.0, "+2.0 deg C"), (1.8, 32.0, "+3.6 deg F")])
def test_reasons_have_the_unit_and_name_of_a_log_that_states_none(
    tmp_path: Path, factor: float, offset: float, said: str
) -> None:
    log = quiet(1, days=8)
    log.iloc[1200] = float(log.iloc[1190:1211].median()) + 2
    table = (log * factor + offset).round(3).rename("value").rename_axis("timestamp")
    table.to_csv(tmp_path / "outside_temperature.csv")
    found = anomalies_of(open_log(tmp_path / "outside_temperature.csv"))
    [reason] = found.periods["reason"]
    assert f"outside temperature {said}" in reason
