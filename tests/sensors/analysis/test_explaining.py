from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from support.null_rooms import KINDS
from support.sensor_truth import quiet, series_of
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.errors import MissingExtraError, SettingError
from ellimaps.samples.sensors import sample_sensors, sensor_log
from ellimaps.sensors.analysis.anomalies import find_anomalies
from ellimaps.sensors.analysis.hypotheses import correlated, daily_profile, follows, seasonal_profile
from ellimaps.sensors.analysis.lags import lead_lag

ROOM, INSTRUMENT = ("Europe", "E1", "room_temperature"), ("Europe", "E1", "instrument_temperature")


@pytest.mark.parametrize("seed", [0, 1])
def test_the_lag_of_an_instrument_behind_its_room_is_found(seed: int) -> None:
    sample = sensor_log(seed, days=30, instruments=1)
    series = series_of(sample)
    found = lead_lag(series[ROOM], series[INSTRUMENT])
    assert abs(found.lag_min - sample.truth["lag_minutes"]) <= 5
    assert found.low_min <= sample.truth["lag_minutes"] <= found.high_min
    assert found.significant
    turned = lead_lag(series[INSTRUMENT], series[ROOM])
    assert abs(turned.lag_min + sample.truth["lag_minutes"]) <= 5


def test_independent_logs_with_the_same_daily_course_do_not_follow_each_other() -> None:
    results = [lead_lag(quiet(seed), quiet(seed + 50)) for seed in range(3)]
    assert not any(result.significant for result in results)
    assert all(np.abs(result.table["r"]).max() < 2 * result.table["band"].iloc[0] for result in results)


def test_a_daily_course_is_found_and_noise_has_none() -> None:
    card = daily_profile(quiet(1))
    assert card.holds
    assert card.numbers["swing"] == pytest.approx(0.4, abs=0.08)
    assert "F = " in card.test
    rows = 20 * 288
    noise = lfilter([1], [1, -0.95], np.random.default_rng(0).normal(size=rows))
    assert not daily_profile(pd.Series(noise, pd.date_range("2025-01-06", periods=rows, freq="5min"))).holds


@pytest.mark.parametrize("kind", ["drifting", "seasonal"])
def test_rooms_with_nothing_in_common_give_no_cards(kind: str) -> None:
    pairs = [(KINDS[kind](2 * seed, 90), KINDS[kind](2 * seed + 1, 90)) for seed in range(12)]
    held = sum(test(*pair).holds for pair in pairs for test in (follows, correlated))
    if kind == "drifting":
        held += sum(daily_profile(first).holds for first, _ in pairs)
    assert held <= 2


def test_drift_of_a_year_is_no_season() -> None:
    assert sum(seasonal_profile(KINDS["drifting"](seed, 400)).holds for seed in range(12)) <= 1


def test_months_that_differ_are_found() -> None:
    times = pd.date_range("2025-01-01", periods=365 * 24, freq="1h")
    random = np.random.default_rng(0)
    flat = pd.Series(21 + 0.1 * random.normal(size=len(times)), times, name="lab")
    warm = flat + 0.8 * np.sin(2 * np.pi * np.arange(len(times)) / len(times))
    assert seasonal_profile(warm).holds
    assert not seasonal_profile(flat).holds
    assert len(seasonal_profile(warm).table) == 12


def test_instruments_correlate_if_they_share_something_beyond_the_day() -> None:
    alone, shared = quiet(1), quiet(2) - quiet(3) + 21
    together = correlated(alone, alone + 0.5 * shared)
    assert together.holds
    assert together.numbers["low"] > 0
    assert not correlated(quiet(4), quiet(5)).holds
    assert 24 * together.numbers["days"] >= together.numbers["hours"]


def test_a_constant_log_has_no_daily_course() -> None:
    card = daily_profile(quiet() * 0 + 21)
    assert not card.holds
    assert card.numbers["p"] == 1


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(MissingExtraError, match=r"ellimaps\[sensors\]"):
        find_anomalies(quiet(1))


def test_logs_with_too_little_in_common_are_refused() -> None:
    early, late = quiet(days=3), quiet(days=3).shift(freq="30D")
    with pytest.raises(SettingError):
        lead_lag(early, late)
    with pytest.raises(SettingError):
        correlated(early, late)
    with pytest.raises(SettingError):
        daily_profile(early)
    with pytest.raises(SettingError):
        seasonal_profile(early)


def test_a_card_states_its_numbers() -> None:
    first = quiet(1)
    second = first.shift(6).rename("stage") + 0.01 * np.random.default_rng(0).normal(size=len(first))
    card = follows(first, second)
    assert card.statement == "stage follows room temperature by 30 min."
    assert "r = " in card.test
    assert json.dumps(card.facts())


def test_command_prints_and_draws_cards(tmp_path: Path) -> None:
    log = sample_sensors(tmp_path / "demo", 3, days=12, instruments=1) / "log.csv"
    asked = ["sensors", "explain", str(log), "--region", "Europe", "--json", "--out", str(tmp_path / "out")]
    facts = json.loads(CliRunner().invoke(cli, asked).stdout)
    assert {"daily", "lag"} == {card["kind"] for card in facts["hypotheses"]}
    assert all(Path(file).stat().st_size > 100 for file in facts["files"])


def test_command_compares_any_two_sensors(tmp_path: Path) -> None:
    log = str(sample_sensors(tmp_path / "demo", 3, days=12, instruments=1) / "log.csv")
    asked = ["sensors", "explain", log, "--json", "--compare"]
    chosen = ["Europe/E1/room_humidity", "Europe/E1/instrument_temperature"]
    facts = json.loads(CliRunner().invoke(cli, [*asked, *chosen]).stdout)
    assert [card["kind"] for card in facts["hypotheses"]] == ["lag", "correlation"]
    assert facts["hypotheses"][0]["title"] == " and ".join(name.replace("/", " ") for name in chosen)
    for names, words in (
        (("room_humidity", chosen[0]), "is the name of 2"),
        ((chosen[0],) * 2, "same sensor"),
    ):
        refused = CliRunner().invoke(cli, [*asked, *names])
        assert isinstance(refused.exception, SettingError)
        assert words in str(refused.exception)
