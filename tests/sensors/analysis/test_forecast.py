from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.quiet_rooms import quiet_room
from support.sensor_truth import quiet, real_log, series_of
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.errors import SettingError
from ellimaps.samples.sensors import sample_sensors, sensor_log
from ellimaps.sensors.analysis.backtest import adaptive_interval, backtest, best_so_far, bounds, chosen_ways
from ellimaps.sensors.analysis.decomposition import regular
from ellimaps.sensors.analysis.forecast import forecast, last_day, limit_warning
from ellimaps.sensors.analysis.forecast_model import fit_predict, prepare, seasonal_naive


def test_generated_logs_are_forecast_better_than_by_the_day_before() -> None:
    sample = sensor_log(0, days=30, every=15, instruments=1)
    for key, series in series_of(sample).items():
        if key[0] == "Europe":
            found = forecast(series).horizons
            assert (found["mase"] < 1).all(), (key, found)
            assert found["coverage"].between(0.72, 0.88).all(), (key, found)


def test_the_real_log_is_forecast_better_than_by_the_day_before(shared_data: Path) -> None:
    found = forecast(real_log(shared_data)[0]).horizons
    print(found[["horizon", "mae", "naive_mae", "mase", "coverage"]].to_string())
    assert (found["mase"] < 1).all()
    assert found["coverage"].between(0.72, 0.88).all()


def test_a_wrong_unit_on_the_first_day_spoils_no_forecast() -> None:
    series = quiet(days=30)
    whole = forecast(series).horizons["mae"]
    series.iloc[20:100] = series.iloc[20:100] * 1.8 + 32
    assert (forecast(series).horizons["mae"] < 1.2 * whole).all()


def test_seasonal_naive_repeats_the_day_before_for_days() -> None:
    course = prepare(regular(quiet(days=5), pd.Timedelta("15min")))
    last = np.array([len(course.filled) - 1])
    naive = seasonal_naive(course, last, 200)[0]
    assert np.array_equal(naive[:96], course.filled[-96:])
    assert np.array_equal(naive[96:192], naive[:96])


def test_forecasts_know_nothing_of_the_future() -> None:
    log = regular(quiet(days=12), pd.Timedelta("15min"))
    changed = log.copy()
    changed.iloc[900:] += 10.0 * np.arange(len(log) - 900)
    log.iloc[300] += 30
    changed.iloc[300] += 30
    origin = np.array([899])
    courses = [prepare(one) for one in (log, changed)]
    before, after = (fit_predict(one, one.features, 900, origin, 24) for one in courses)
    assert np.allclose(before, after)


def test_intervals_keep_their_share_when_the_log_becomes_rougher() -> None:
    random = np.random.default_rng(0)
    errors = np.concatenate([random.normal(size=300), 3 * random.normal(size=300)])
    low, high, share = adaptive_interval(errors, 2)
    assert share == pytest.approx(0.8, abs=0.05)
    assert low < -1.5
    assert high > 1.5


@pytest.mark.parametrize("kind", ["usual", "work days", "night setback", "doors", "tenths", "drifting"])
@pytest.mark.parametrize("days", [7, 10, 14])
def test_short_logs_are_never_forecast_worse_than_by_the_day_before(kind: str, days: int) -> None:
    found = forecast(quiet_room(kind, 1, days)).horizons
    assert (found["mase"] <= 1.05).all()
    assert (found["coverage"] >= 0.7).all()


def test_weeks_are_known_where_they_repeat() -> None:
    found = forecast(quiet_room("work days", 0, 35), ["24h"]).horizons.iloc[0]
    assert "weeks" in found["way"]
    assert found["mase"] < 0.61


def test_ways_are_chosen_by_what_was_known() -> None:
    random = np.random.default_rng(0)
    sizes = np.abs(random.normal(size=(3, 200))) * np.array([[2.0], [1.0], [1.5]])
    chosen = best_so_far(sizes, 8)
    assert (chosen[:28] == 0).all()
    assert (chosen[100:] == 1).all()
    changed = sizes.copy()
    changed[1, 60:] *= 10
    assert (best_so_far(changed, 8)[:68] == chosen[:68]).all()
    assert (best_so_far(changed, 8)[68:] != chosen[68:]).any()


def test_choosing_that_did_not_pay_off_falls_back_to_the_day_before() -> None:
    sizes = np.ones((2, 200))
    sizes[1, :60], sizes[1, 60:] = 0.5, 1.6
    assert best_so_far(sizes, 8).any()
    errors = {"the day before": sizes[0][:, None], "days": sizes[1][:, None]}
    assert not chosen_ways(errors, 0, 8).any()


def test_coverage_counts_only_what_was_known_beforehand() -> None:
    errors = np.random.default_rng(1).normal(size=200)
    for delay in (1, 8):
        level, hits = 0.2, {}
        for now in range(200):
            if (due := now - delay) in hits:
                level += 0.02 * (0.2 - (not hits[due]))
            if now - delay + 1 >= 20:
                low, high = bounds(np.sort(errors[: now - delay + 1]), level, delay)
                hits[now] = low <= errors[now] <= high
        assert adaptive_interval(errors, delay)[2] == pytest.approx(np.mean(list(hits.values())))


def test_a_gap_of_months_teaches_no_forecast() -> None:
    log = quiet(days=20)
    later = log.copy()
    later.index = later.index + pd.Timedelta("200D")
    found = forecast(pd.concat([log, later]), ("1h", "6h")).horizons
    assert (found["mase"] < 1).all()


def test_backtest_scores_count_only_what_was_measured() -> None:
    log = quiet(days=12)
    log.iloc[2500:2600] = np.nan
    tested = backtest(prepare(regular(log, pd.Timedelta("15min"))), 24)
    assert tested is not None
    measured = np.isfinite(tested.errors[:, 3]) & np.isfinite(tested.naive_errors[:, 3])
    assert tested.accuracy(4)["n"] == measured.sum() < len(tested.origins)
    assert tested.accuracy(4)["mae"] == pytest.approx(np.abs(tested.errors[measured, 3]).mean())


@pytest.mark.parametrize(
    ("value", "width", "words"),
    [
        ([21.0, 21.3, 21.8], 0.1, "leaves 21.00 +- 0.5 deg C at 1 Jan 12:30 and is 0.30 deg C beyond"),
        ([21.0, 21.3, 21.3], 0.3, "80% interval leaves it from 1 Jan 12:15, by up to 0.10 deg C"),
        ([21.0, 21.1, 21.1], 0.1, ""),
    ],
)
def test_the_warning_says_when_and_by_how_much(value: list[float], width: float, words: str) -> None:
    index = pd.date_range("2025-01-01 12:00", periods=3, freq="15min")
    table = pd.DataFrame({"value": value}, index=index).assign(
        low=lambda t: t["value"] - width, high=lambda t: t["value"] + width
    )
    said = limit_warning(table, 21.0, 0.5, "deg C")
    assert words in said
    assert bool(words) == bool(said)


@pytest.mark.parametrize("horizons", [(), ("never",), ("30D",), ("-1h",)])
def test_horizons_out_of_range_are_refused(horizons: tuple[str, ...]) -> None:
    with pytest.raises(SettingError):
        forecast(quiet(days=10), horizons)


def test_a_log_too_short_to_test_on_is_refused() -> None:
    with pytest.raises(SettingError, match="too few"):
        forecast(quiet(days=3))


def test_command_prints_forecasts_with_their_errors(tmp_path: Path) -> None:
    log = sample_sensors(tmp_path / "demo", 3, days=12, instruments=1) / "log.csv"
    asked = ["sensors", "forecast", str(log), "--region", "Europe", "--sensor", "room_temperature"]
    asked += ["--horizon", "1h", "--horizon", "6h", "--json", "--out", str(tmp_path / "out")]
    facts = json.loads(CliRunner().invoke(cli, asked).stdout)
    assert len(facts["forecasts"]) == 1
    rows = facts["forecasts"][0]["horizons"]
    assert [row["horizon"] for row in rows] == ["60 min", "6 h"]
    assert all(row["low"] < row["value"] < row["high"] for row in rows)
    assert {"mase", "coverage", "seasonal_naive"} <= set(rows[0])
    assert len(facts["files"]) == 4


def test_the_forecast_of_a_day_ago_knew_nothing_of_that_day():
    times = pd.date_range("2025-03-01", periods=21 * 96, freq="15min")
    hours = np.arange(len(times)) / 4
    noise = np.random.default_rng(4).normal(0, 0.02, len(times))
    values = pd.Series(20 + np.sin(hours * np.pi / 12) + noise, times)
    usual = last_day(values)
    moved = values.copy()
    moved.iloc[-96:] += 3
    surprised = last_day(moved)
    pd.testing.assert_frame_equal(usual.table.drop(columns="came"), surprised.table.drop(columns="came"))
    assert len(usual.table) == 96
    assert "0% of what came lay within its 80% interval" in surprised.sentence
    assert "erred by 3 deg C" in surprised.sentence
