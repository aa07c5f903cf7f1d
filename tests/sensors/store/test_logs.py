"""Logs of every layout give the readings they were written from."""

from __future__ import annotations

import contextlib
import os
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ellimaps.core.errors import EllimapsError, MissingExtraError, ReadError, SettingError
from ellimaps.samples import sample_sensors, sensor_log
from ellimaps.sensors.store.logs import open_log

TIMES = pd.date_range("2025-03-11 22:00", periods=60, freq="10min")
VALUES = np.round(20 + np.sin(np.arange(60) / 7), 3)


def written(tmp_path, text, name="log.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def lines(header, rows, separator=","):
    return "\n".join([header, *(separator.join(row) for row in rows)]) + "\n"


def simple(fmt, separator=",", comma=False, header=True):
    values = [f"{value:.3f}".replace(".", "," if comma else ".") for value in VALUES]
    rows = [[time.strftime(fmt), value] for time, value in zip(TIMES, values, strict=True)]
    return (
        lines(separator.join(["timestamp", "value"]), rows, separator)
        if header
        else lines("", rows, separator)
    )


def check(log, start=TIMES[0], values=VALUES):
    [row] = log.sensors.to_dict("records")
    series = log.series(row["region"], row["source_id"], row["sensor_name"])
    np.testing.assert_array_equal(series.index, pd.date_range(start, periods=60, freq="10min"))
    np.testing.assert_allclose(series, values)
    return row


@pytest.mark.parametrize(
    ("fmt", "separator", "comma"),
    [
        ("%Y-%m-%d %H:%M:%S", ",", False),
        ("%Y-%m-%dT%H:%M:%S", "\t", False),
        ("%Y-%m-%dT%H:%M:%SZ", ",", False),
        ("%Y-%m-%d %H:%M:%S+05:30", ",", False),
        ("%Y/%m/%d %H:%M", ";", True),
        ("%d.%m.%Y %H:%M:%S", ";", True),
        ("%d.%m.%y %H:%M", ";", True),
        ("%d/%m/%Y %H:%M", ",", False),
        ("%m/%d/%Y %I:%M:%S %p", ",", False),
        ("%d-%b-%Y %H:%M:%S", ",", False),
        ("%Y%m%d%H%M%S", ",", False),
    ],
)
def test_a_simple_log_is_read_however_it_is_written(tmp_path, fmt, separator, comma):
    log = open_log(written(tmp_path, simple(fmt, separator, comma)))
    row = check(log)
    assert (row["region"], row["source_id"], row["sensor_name"]) == ("", "log", "value")
    assert not len(log.problems)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_other_encodings_are_read(tmp_path, encoding):
    text = simple("%d.%m.%Y %H:%M", ";", comma=True).replace("value", "Größe [°C]")
    assert check(open_log(written(tmp_path, text, encoding=encoding)))["unit"] == "degC"


def test_day_and_month_are_told_apart_by_the_whole_file(tmp_path):
    # 11 and 12 March: both orders are dates; only one of them makes steps of ten minutes.
    for fmt in ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"):
        check(open_log(written(tmp_path, simple(fmt), f"{fmt[1]}.csv")))


def test_a_log_without_header_or_with_lines_before_it_is_read(tmp_path):
    check(open_log(written(tmp_path, simple("%Y-%m-%d %H:%M:%S", header=False).lstrip("\n"), "bare.csv")))
    preamble = "Logger 12\nSerial;4711\n\n" + simple("%d.%m.%Y %H:%M", ";", comma=True)
    check(open_log(written(tmp_path, preamble, "preamble.csv")))


def test_seconds_since_1970_and_a_date_beside_a_time_are_times(tmp_path):
    seconds = (TIMES - pd.Timestamp(0)) // pd.Timedelta(seconds=1)
    epoch = [[str(s), str(v)] for s, v in zip(seconds, VALUES, strict=True)]
    check(open_log(written(tmp_path, lines("time,value", epoch), "epoch.csv")))
    parts = [[f"{t:%d.%m.%Y}", f"{t:%H:%M:%S}", str(v)] for t, v in zip(TIMES, VALUES, strict=True)]
    check(open_log(written(tmp_path, lines("Date,Time,T (°C)", parts), "parts.csv")))


@pytest.mark.parametrize(
    ("offset", "hours"),
    [
        *[("2", 2), ("-3.5", -3.5), ("120", 2), ("+05:30", 5.5), ("-08:00", -8), ("7200", 2), ("Z", 0)],
        *[("01:00:00", 1), ("0 days 01:00:00", 1), ("-1 days +20:30:00", -3.5), ("UTC+1", 1)],
    ],
)
def test_local_time_comes_from_the_offset(tmp_path, offset, hours):
    rows = [
        ["EU", "7", "temperature", f"{time:%Y-%m-%d %H:%M:%S}", str(value), offset]
        for time, value in zip(TIMES, VALUES, strict=True)
    ]
    log = open_log(
        written(tmp_path, lines("region,source_id,sensor_name,datetime,sensor_value,UTCOffset", rows))
    )
    row = check(log, TIMES[0] + pd.Timedelta(hours=hours))
    assert row["source_id"] == "7"
    assert set(log.select()["utc_offset"]) == {hours}


def test_quoted_cells_are_read(tmp_path):
    rows = [[f'"{time}"', f'"{value}"'.replace(".", ",")] for time, value in zip(TIMES, VALUES, strict=True)]
    check(open_log(written(tmp_path, lines('"time","T, in the room"', rows))))


def test_names_of_other_alphabets_are_names(tmp_path):
    rows = [[str(time), str(value)] for time, value in zip(TIMES, VALUES, strict=True)]
    assert check(open_log(written(tmp_path, lines("日時,温度", rows))))["sensor_name"] == "温度"


def test_a_wide_table_has_a_sensor_per_column(tmp_path):
    table = pd.DataFrame({"Time": TIMES, "room [°C]": VALUES, "humidity (%RH)": 40 + VALUES, "note": "fine"})
    table.loc[3, "room [°C]"] = np.nan
    for name in ("wide.csv", "wide.parquet"):
        path = tmp_path / name
        table.to_csv(path, index=False) if name.endswith("csv") else table.to_parquet(path)
        log = open_log(path)
        assert dict(zip(log.sensors["sensor_name"], log.sensors["unit"], strict=True)) == {
            "room [°C]": "degC",
            "humidity (%RH)": "%RH",
        }
        assert list(log.sensors["n"]) == [60, 59]
        grid = log.series("", "wide", "room [°C]", every="10min")
        assert np.isnan(grid.iloc[3])
        np.testing.assert_allclose(np.delete(grid.to_numpy(), 3), np.delete(VALUES, 3))


def test_parquet_and_csv_of_the_same_readings_agree_and_a_folder_joins_its_files(tmp_path):
    made = sensor_log(3, days=3, every=15)
    folder = tmp_path / "folder"
    folder.mkdir()
    made.log[made.log["region"] == "Europe"].to_parquet(folder / "europe.parquet")
    made.log[made.log["region"] == "America"].to_csv(folder / "america.csv", index=False)
    (folder / "notes.json").write_text("{}")
    sample_sensors(tmp_path / "one", 3, days=3, every=15)
    one, many = open_log(tmp_path / "one" / "log.csv"), open_log(folder)
    pd.testing.assert_frame_equal(one.sensors, many.sensors)
    pd.testing.assert_frame_equal(one.select(), many.select())
    zoned = made.log.assign(datetime=made.log["datetime"].dt.tz_localize("UTC"))
    zoned.to_parquet(tmp_path / "zoned.parquet")
    pd.testing.assert_frame_equal(one.select(), open_log(tmp_path / "zoned.parquet").select())


def test_filters_and_times_choose(tmp_path):
    sample_sensors(tmp_path / "s", 1, days=3)
    log = open_log(tmp_path / "s")
    some = log.select("Europe", ["E1", "E2"], "room_temperature", "2025-01-07 10:00", "2025-01-07 10:30")
    assert set(some["source_id"]) == {"E1", "E2"}
    assert some["time"].min() == pd.Timestamp("2025-01-07 10:00")
    assert some["time"].max() == pd.Timestamp("2025-01-07 10:30")
    assert log.select("Europe", end="2025-01-07")["time"].max() == pd.Timestamp("2025-01-07 23:55")
    with pytest.raises(SettingError, match="choose of A1, A2, E1, E2"):
        log.select(source_id="E9")
    with pytest.raises(SettingError, match="no time"):
        log.select(start="yesterday")
    with pytest.raises(SettingError, match="without a zone"):
        log.select(start="2025-01-07T00:00Z")
    with pytest.raises(SettingError, match="no length of time"):
        log.series("Europe", "E1", "room_temperature", every="often")


def test_duplicates_are_averaged_and_grids_take_means(tmp_path):
    text = "time,value\n2025-01-01 00:01,1\n2025-01-01 00:01,3\n2025-01-01 00:04,8\n2025-01-01 00:16,5\n"
    log = open_log(written(tmp_path, text))
    assert list(log.series("", "log", "value")) == [2, 8, 5]
    grid = log.series("", "log", "value", every="5min")
    np.testing.assert_array_equal(grid, [5, np.nan, np.nan, 5])
    assert str(grid.index[0]) == "2025-01-01 00:00:00"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 20_000), st.integers(1, 19_999), st.integers(4, 500))
def test_a_spike_stays_visible_at_every_zoom(spiky, first, length, points):
    log, times, values = spiky
    window = log.window(start=times[first], end=times[first + length], points=points)
    assert len(window) <= points + 4
    shown = values[first : first + length + 1]
    assert window["value"].max() == shown.max()
    assert window["value"].min() == shown.min()
    assert window["time"].is_monotonic_increasing


@pytest.fixture(scope="module")
def spiky(tmp_path_factory):
    """A log of noise with rare spikes."""
    folder = tmp_path_factory.mktemp("spiky")
    random = np.random.default_rng(5)
    times = pd.date_range("2025-01-01", periods=40_000, freq="1min")
    values = np.round(random.normal(20, 0.1, 40_000), 3)
    values[random.choice(40_000, 30, replace=False)] += random.normal(0, 10, 30).round(2)
    pd.DataFrame({"time": times, "value": values}).to_csv(folder / "log.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELLIMAPS_CACHE", str(folder / "cache"))
        return open_log(folder / "log.csv"), times, values


def test_coverage_and_profile_count_what_was_read(tmp_path):
    sample_sensors(tmp_path / "s", 2, days=9, instruments=1)
    log = open_log(tmp_path / "s")
    coverage = log.coverage(50)
    counts = coverage.groupby(["region", "source_id", "sensor_name"], observed=True)["n"].sum()
    np.testing.assert_array_equal(counts, log.sensors["n"])
    series = log.select("Europe", "E1", "room_temperature")
    for by, part in (("hour", series["time"].dt.hour), ("weekday", series["time"].dt.day_of_week)):
        profile = log.profile(by, "Europe", "E1", "room_temperature")
        expected = series.groupby(part.to_numpy())["value"]
        np.testing.assert_allclose(profile["median"], expected.median())
        np.testing.assert_allclose(profile["p90"], expected.quantile(0.9))
        np.testing.assert_array_equal(profile[by], sorted(set(part)))


def test_the_log_is_imported_once_and_again_when_it_changes(tmp_path, cache):
    path = written(tmp_path, simple("%Y-%m-%d %H:%M:%S"))
    before = sorted(tmp_path.iterdir())
    told = []
    open_log(path, lambda *args: told.append(args))
    assert told
    assert told[-1][0] == told[-1][1]
    told.clear()
    check(open_log(path, lambda *args: told.append(args)))
    assert not told
    path.write_text("time,value\n2025-01-01,1\n2025-01-02,2\n")
    assert len(open_log(path).select()) == 2
    assert sorted(tmp_path.iterdir()) == before
    assert not [entry for entry in (cache / "sensors").iterdir() if entry.name.startswith(".next")]


def test_stores_nobody_opens_are_forgotten(tmp_path, cache):
    open_log(written(tmp_path, simple("%Y-%m-%d %H:%M:%S"), "old.csv"))
    [old] = (cache / "sensors").iterdir()
    os.utime(old, (0, 0))
    open_log(written(tmp_path, simple("%Y-%m-%d %H:%M:%S"), "new.csv"))
    assert not old.exists()


def test_a_missing_library_names_its_extra(tmp_path, monkeypatch):
    path = written(tmp_path, simple("%Y-%m-%d %H:%M:%S"))
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"ellimaps\[sensors\]"):
        open_log(path)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match=r"ellimaps\[cloud\]"):
        open_log("s3://bucket/log.csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "neither a text table nor Parquet"),
        (b"PAR1 no parquet at all", "cannot be read as a log"),
        (b"one word\nand another\n", "is no table"),
        (b"a,b\nx,y\nz,w\n", "no column of dates and times"),
        (b"time,value\n2025-01-01,1\n2025-01-02,\r2\n", "is no table"),
        (b"time,note\n2025-01-01,good\n2025-01-02,bad\n", "no column of numbers"),
        (b"time,value\n2025-01-01 10:00,\n2025-01-02 10:00,nan\n", "no reading"),
    ],
)
def test_what_is_no_log_is_refused_in_one_sentence(tmp_path, content, says):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=says) as told:
        open_log(path)
    assert "log.csv" in str(told.value)
    assert "\n" not in str(told.value)


def test_nothing_there_is_refused(tmp_path):
    with pytest.raises(ReadError, match="No such file"):
        open_log(tmp_path / "absent.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match="holds no log"):
        open_log(tmp_path / "empty")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 800), st.binary(min_size=1, max_size=6), st.booleans())
def test_damaged_bytes_are_read_or_refused(tmp_path, place, damage, parquet):
    table = pd.DataFrame({"time": TIMES, "value": VALUES})
    path = tmp_path / "damaged.csv"
    table.to_parquet(path) if parquet else table.to_csv(path, index=False)
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + len(damage)] = damage
    path.write_bytes(bytes(content))
    with contextlib.suppress(EllimapsError):
        assert np.isfinite(open_log(path).select()["value"]).all()


def test_the_real_log_is_read(shared_data):
    log = open_log(shared_data / "sensors" / "machine_temperature.csv")
    raw = pd.read_csv(shared_data / "sensors" / "machine_temperature.csv", parse_dates=["timestamp"])
    series = log.series("", "machine_temperature", "value")
    expected = raw.groupby("timestamp")["value"].mean()
    np.testing.assert_allclose(series, expected)
    np.testing.assert_array_equal(series.index, expected.index)
    assert set(log.problems["kind"]) == {"duplicates", "out of order"}


def test_an_offset_that_cannot_be_read_is_told_and_not_taken_as_none(tmp_path):
    rows = ["7,20.1,2025-01-01 00:00,1", "7,20.2,2025-01-01 00:05,Berlin", "7,20.3,2025-01-01 00:10,1"]
    log = open_log(written(tmp_path, "\n".join(["device,value,datetime,UTCOffset", *rows]) + "\n"))
    assert list(log.series("", "7", "value")) == [20.1, 20.3]
    assert list(log.problems["kind"]) == ["unreadable"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "+02:00", "UTC"])
def test_parquet_with_a_zone_is_local_over_the_change_of_clocks(tmp_path, zone):
    times = pd.date_range("2025-10-26 00:00", periods=8, freq="30min", tz="UTC").tz_convert(zone)
    pd.DataFrame({"datetime": times, "value": range(8)}).to_parquet(tmp_path / "log.parquet")
    found = open_log(tmp_path / "log.parquet").select().sort_values("value")
    np.testing.assert_array_equal(found["time"], times.tz_localize(None))
    hours = [time.utcoffset().total_seconds() / 3600 for time in times]
    np.testing.assert_array_equal(found["utc_offset"], hours)


def test_files_that_are_no_log_do_not_hide_the_others_of_their_folder(tmp_path):
    folder = tmp_path / "a folder \N{LATIN SMALL LETTER U WITH DIAERESIS}"
    folder.mkdir()
    written(folder, "time,value\n2025-01-01 00:00,1\n2025-01-01 00:05,2\n")
    written(folder, "", "empty.csv")
    written(folder, "read me first\n", "readme.txt")
    log = open_log(folder)
    assert log.sensors["n"].tolist() == [2]
    assert set(log.problems["source_id"]) == {"empty.csv", "readme.txt"}


def test_quotes_within_quotes_and_commas_before_milliseconds_are_read(tmp_path):
    text = 'time;name;value\n2025-01-01 00:00:00,125;"left ""A""; room";1,5\n'
    log = open_log(written(tmp_path, text + '2025-01-01 00:05:00,250;"left ""A""; room";2,5\n'))
    assert log.sensors["sensor_name"].tolist() == ['left "A"; room']
    assert str(log.start) == "2025-01-01 00:00:00.125000"


@pytest.mark.parametrize(
    ("name", "level", "unit", "assumed"),
    [
        ("room_temperature", 21, "degC", True),
        ("room_temperature", 70, "degF", True),
        ("oven_temperature", 120, "", False),
        ("room_temperature_F", 21, "degF", False),
        ("room temperature [K]", 294, "K", False),
        ("temperature_humidity (%RH)", 45, "%RH", False),
        ("room_humidity", 45, "", False),
    ],
)
def test_a_temperature_has_a_unit(tmp_path, name, level, unit, assumed):
    values = level + np.sin(np.arange(60))
    table = pd.DataFrame({"datetime": TIMES, "sensor_name": name, "sensor_value": values, "UTCOffset": 1})
    table.to_csv(tmp_path / "log.csv", index=False)
    [row] = open_log(tmp_path / "log.csv").sensors.to_dict("records")
    assert (row["unit"], row["unit_assumed"]) == (unit, assumed)


def test_a_pattern_of_local_files_is_one_log(tmp_path):
    for day in (1, 2, 3):
        rows = "".join(f"2025-03-0{day} {hour:02}:00,{hour}\n" for hour in range(24))
        (tmp_path / f"log-2025-03-0{day}.csv").write_text(f"time,temperature\n{rows}")
    (tmp_path / "notes.csv").write_text("no log at all")
    assert int(open_log(tmp_path / "log-*-0[12].csv").sensors["n"].sum()) == 48
    with pytest.raises(ReadError, match="a pattern files that fit it"):
        open_log(tmp_path / "absent-*.csv")


def test_readings_are_taken_in_the_order_of_the_file(tmp_path):
    """Threads may share the lines of a large file, as long as no step of the query gives up their order."""
    from dataclasses import replace

    import duckdb

    from ellimaps.sensors.store.file_queries import readings_query, text_file
    from ellimaps.sensors.store.options import FROM_THE_LOG

    path = tmp_path / "log.csv"
    path.write_text(
        "region,source_id,sensor_name,datetime,sensor_value,UTCOffset\n"
        "a,b,temperature,2025-03-01 10:00:00,-,1\na,b,temperature,2025-03-01 10:05:00,21.5,1\n"
    )
    file = text_file(path, FROM_THE_LOG)
    assert "parallel=true" in file.source
    file = replace(file, layout=replace(file.layout, formats=file.layout.formats[:1]))
    with duckdb.connect() as base:
        [(_, plan)] = base.sql(f"EXPLAIN {readings_query(file, FROM_THE_LOG)}").fetchall()
    assert "join" not in plan.lower()
    assert "order" not in plan.lower()
    assert open_log(path).select()["value"].tolist() == [21.5]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["log[1]", "log?", "log*", "{log1,log2}"])
def test_a_name_is_no_pattern(tmp_path, name, kind):
    """DuckDB takes a path for a pattern, and another file's readings would be shown."""
    write = {"csv": pd.DataFrame.to_csv, "parquet": pd.DataFrame.to_parquet}[kind]
    for number, one in enumerate([name, "log1", "log2", "logs"]):
        table = pd.DataFrame({"timestamp": TIMES, "value": VALUES + 100 * number})
        write(table, tmp_path / f"{one}.{kind}", index=False)
    check(open_log(tmp_path / f"{name}.{kind}"))


def test_a_store_whose_path_looks_like_a_pattern(tmp_path, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_CACHE", str(tmp_path / "cache [1]"))
    path = written(tmp_path, simple("%Y-%m-%d %H:%M:%S"))
    check(open_log(path))
    with path.open("a") as file:
        file.write("2025-03-12 08:00:00,21.000\n")
    log = open_log(path)
    [row] = log.sensors.to_dict("records")
    series = log.series(row["region"], row["source_id"], row["sensor_name"])
    assert (len(series), series.iloc[-1]) == (61, 21)


def test_a_complete_log_is_covered_throughout_however_the_parts_fall(tmp_path):
    times = pd.date_range("2025-03-01", periods=2040, freq="10min")
    times = times[(times < "2025-03-05") | (times >= "2025-03-06")]
    text = lines("timestamp,temperature", [[str(time), "20.5"] for time in times])
    coverage = open_log(written(tmp_path, text)).coverage(240)
    # Parts of 8 and of 9 readings are both complete; a day without any is two parts cut and 15 left out.
    assert coverage["n"].nunique() > 2
    assert (coverage["share"] < 1).sum() <= 2
    assert len(coverage) <= 240 - 15


def test_faulty_readings_can_be_left_out(tmp_path):
    times = pd.date_range("2025-03-01", periods=1000, freq="10min")
    values = np.round(20 + np.random.default_rng(3).normal(0, 0.3, 1000), 3)
    values[200:260] = 20.111
    values[600:650] = np.round(values[600:650] * 1.8 + 32, 3)
    text = lines("timestamp,temperature", [[str(t), f"{v}"] for t, v in zip(times, values, strict=True)])
    log = open_log(written(tmp_path, text))
    key = tuple(log.sensors.iloc[0][["region", "source_id", "sensor_name"]])
    whole, left = log.series(*key), log.faultless.series(*key)
    faulty = np.zeros(1000, bool)
    faulty[200:260] = faulty[600:650] = True
    np.testing.assert_array_equal(whole, values)
    np.testing.assert_array_equal(left.index, times[~faulty])
    np.testing.assert_array_equal(left, values[~faulty])
    assert log.faultless.window()["value"].max() < 30 < log.window()["value"].max()
    gaps = log.faultless.gaps()
    assert list(gaps["start"]) == [times[200], times[600]]
    assert log.gaps().empty
    assert log.faultless.identity != log.identity
