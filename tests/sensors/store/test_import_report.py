"""What a log was taken for: files that were once read wrongly without a word, each with what it holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import SettingError
from ellimaps.sensors.store.logs import open_log
from ellimaps.sensors.store.options import ImportOptions, ImportQuestion

TIMES = pd.date_range("2025-03-03 09:00", periods=48, freq="10min")
ROOMS = {"101": 21.0, "102": 23.5, "103": 19.0}


def written(folder, text, name="log.csv", encoding="utf-8"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def lines(header, rows):
    return "\n".join([*([header] if header else []), *(",".join(map(str, row)) for row in rows)]) + "\n"


def opened(tmp_path, text, name="log.csv", **said):
    return open_log(written(tmp_path, text, name), options=ImportOptions(**said))


def column(values):
    return lines("time,room temperature [°C]", zip(TIMES, values, strict=True))


def means(log):
    """Mean value of every sensor, by source and name."""
    table = log.statistics()
    return {(str(row.source_id), str(row.sensor_name)): row.mean for row in table.itertuples(index=False)}


def in_three_rooms(header, row):
    return lines(header, [row(time, room, value) for time in TIMES for room, value in ROOMS.items()])


@pytest.mark.parametrize(
    ("header", "row", "key"),
    [
        ("entity_id,state,last_changed", lambda t, r, v: (f"sensor.t_{r}", v, f"{t}Z"), "sensor.t_{}"),
        (
            ",result,table,_start,_stop,_time,_value,_field,_measurement",
            lambda t, r, v: (
                "",
                "",
                0,
                "2025-03-03T00:00:00Z",
                "2025-03-04T00:00:00Z",
                f"{t}Z",
                v,
                f"t{r}",
                "air",
            ),
            "t{} air",
        ),
        ("time,measurement,reading", lambda t, r, v: (t, f"t {r}", v), "t {}"),
        ("time,metric,x", lambda t, r, v: (t, f"t {r}", v), "t {}"),
        ("metric,timestamp,value", lambda t, r, v: (f"t {r}", t, v), "t {}"),
    ],
)
def test_long_tables_are_not_merged_into_one_sensor(tmp_path, header, row, key):
    log = opened(tmp_path, in_three_rooms(header, row))
    assert means(log) == {("log", key.format(room)): value for room, value in ROOMS.items()}


@pytest.mark.parametrize("name", ["sensor_id", "room", "device", "serial", "Prüfraum"])
def test_a_column_that_names_sensors_beside_several_quantities_is_their_source(tmp_path, name):
    text = in_three_rooms(f"time,{name},temperature,humidity", lambda t, r, v: (t, f"R{r}", v, 40))
    expected = {(f"R{room}", "temperature"): value for room, value in ROOMS.items()}
    expected |= {(f"R{room}", "humidity"): 40 for room in ROOMS}
    assert means(opened(tmp_path, text)) == expected
    one = in_three_rooms(f"time,{name},temperature", lambda t, r, v: (t, f"R{r}", v))
    assert means(opened(tmp_path, one, "one.csv")) == {(f"R{r}", "temperature"): v for r, v in ROOMS.items()}


def test_rooms_read_one_after_the_other_are_told_apart_or_asked_about(tmp_path):
    rows = [(TIMES[i], ["north", "south"][i % 2], [21.0, 24.0][i % 2]) for i in range(48)]
    assert set(means(opened(tmp_path, lines("time,room,temperature", rows)))) == {
        ("north", "temperature"),
        ("south", "temperature"),
    }
    text = lines("time,bay,temperature", rows)
    with pytest.raises(ImportQuestion, match=r"column 'bay'.*--sensor-column bay or none"):
        opened(tmp_path, text, "bays.csv")
    both = means(opened(tmp_path, text, "bays.csv", sensor_columns=("bay",)))
    assert both == {("north", "temperature"): 21, ("south", "temperature"): 24}
    assert means(opened(tmp_path, text, "bays.csv", sensor_columns=("none",))) == {
        ("bays", "temperature"): 22.5
    }


def test_readings_of_several_sensors_that_nothing_tells_apart_are_refused(tmp_path):
    text = in_three_rooms("time,temperature", lambda t, _r, v: (t, v))
    with pytest.raises(
        ImportQuestion, match=r"several readings of log/temperature at the same times \(67%\)"
    ):
        opened(tmp_path, text)
    assert means(opened(tmp_path, text, sensor_columns=("none",)))["log", "temperature"] == pytest.approx(
        21.1667, abs=1e-3
    )


def test_a_header_with_one_name_twice_is_two_sensors(tmp_path):
    log = opened(tmp_path, lines("time,temp,temp", [(t, 21, 5) for t in TIMES]))
    assert means(log) == {("log", "temp"): 21, ("log", "temp (2)"): 5}


@pytest.mark.parametrize("units", [",°C,%RH", "yyyy-mm-dd hh:mm:ss,[degC],[% rH]"])
def test_a_row_of_units_below_the_header_is_read(tmp_path, units):
    log = opened(tmp_path, lines("time,room,moisture", [units.split(","), *((t, 21, 40) for t in TIMES)]))
    assert dict(zip(log.sensors["sensor_name"], log.sensors["unit"], strict=True)) == {
        "room": "degC",
        "moisture": "%RH",
    }


def test_a_table_written_by_r_keeps_its_header_and_its_row_names_are_no_sensor(tmp_path):
    rows = [(f'"{n}"', f'"{t}"', 21) for n, t in enumerate(TIMES, start=140)]
    log = opened(tmp_path, lines('"date","Temperature"', rows))
    assert means(log) == {("log", "Temperature"): 21}
    assert "columns 'row'" in log.report.sentence


def test_the_real_table_written_by_r_keeps_its_header(shared_data):
    names = set(open_log(shared_data / "sensors" / "occupancy.txt").sensors["sensor_name"])
    assert names == {"Temperature", "Humidity", "Light", "CO2", "HumidityRatio", "Occupancy"}


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Temp lab (ºC)", "degC"),
        ("Temp (˚C)", "degC"),
        ("Temp [Â°C]", "degC"),
        ("Temp. in Grad Celsius", "degC"),
        ('"Temp, °F (LGR S/N: 20341, SEN S/N: 20342)"', "degF"),
        ("T_deg_F temp", "degF"),
        ("room (left)", ""),
    ],
)
def test_units_are_found_however_they_are_written(tmp_path, name, unit):
    log = opened(tmp_path, lines(f"time,{name}", [(t, 98.6) for t in TIMES]))
    assert log.sensors["unit"].tolist() == [unit]
    assert not log.sensors["unit_assumed"].any()


@pytest.mark.parametrize(
    ("name", "level", "unit"),
    [
        ("temperature", 21, "degC"),
        ("temperature", 294, ""),
        ("oven temperature", 70, ""),
        ("lab temperature", 294, "K"),
    ],
)
def test_a_unit_that_is_not_stated_is_assumed_only_where_it_can_be_no_other(tmp_path, name, level, unit):
    text = lines(f"time,{name}", [(t, level) for t in TIMES])
    [row] = opened(tmp_path, text).sensors.to_dict("records")
    assert (row["unit"], row["unit_assumed"]) == (unit, unit != "")
    [row] = opened(tmp_path, text, unit="degF").sensors.to_dict("records")
    assert (row["unit"], row["unit_assumed"]) == ("degF", False)


@pytest.mark.parametrize(
    ("date", "clock"),
    [
        ("%m/%d/%Y", "%I:%M %p"),
        ("%m/%d/%Y", "%I:%M%p"),
        ("%d.%m.%Y", "%H:%M Uhr"),
        ("%Y%m%d", "%H:%M:%S"),
    ],
)
def test_a_time_of_day_beside_a_date_is_read(tmp_path, date, clock):
    # Over a midnight, so that the order of day and month can be told.
    times = TIMES + pd.Timedelta("12h")
    log = opened(tmp_path, lines("Date,Time,T (°C)", [(f"{t:{date}}", f"{t:{clock}}", 21) for t in times]))
    np.testing.assert_array_equal(log.select()["time"], times)


def test_days_without_a_time_of_day_are_not_all_midnight(tmp_path):
    rows = [(f"{t:%Y-%m-%d}", f"at {t:%H} o'clock", 21 + i % 5) for i, t in enumerate(TIMES)]
    with pytest.raises(ImportQuestion, match="no time of day"):
        opened(tmp_path, lines("Date,Shift note,T (°C)", rows))


def test_a_folder_of_daily_american_files_is_one_log_of_days_in_a_row(tmp_path):
    for day in range(3, 9):
        times = pd.date_range(f"2025-01-{day:02}", periods=24, freq="1h")
        text = lines("time,temperature", [(f"{t:%m/%d/%Y %H:%M}", 21) for t in times])
        written(tmp_path / "logs", text, f"lab_2025-01-{day:02}.csv")
    log = open_log(tmp_path / "logs")
    assert means(log) == {("lab", "temperature"): 21}
    assert (str(log.start), str(log.end)) == ("2025-01-03 00:00:00", "2025-01-08 23:00:00")
    assert "6 files that follow each other are 'lab'" in log.report.sentence
    assert any("without jumps" in item.why for item in log.report.items)


def test_files_of_the_same_days_are_not_one_sensor(tmp_path):
    for room in ("room1", "room2"):
        (tmp_path / "logs" / room).mkdir(parents=True)
        written(tmp_path / "logs" / room, column([21.0] * 48), "2025-03-03.csv")
    assert sorted(open_log(tmp_path / "logs").sensors["source_id"]) == [
        "room1 2025-03-03",
        "room2 2025-03-03",
    ]
    for number in (1, 2):
        written(tmp_path / "numbered", column([21.0] * 48), f"sensor{number}.csv")
    assert sorted(open_log(tmp_path / "numbered").sensors["source_id"]) == ["sensor1", "sensor2"]


@pytest.mark.parametrize("fmt", ["%m/%d/%Y %H:%M", "%d/%m/%y %H:%M", "%y/%m/%d %H:%M", "%d-%m-%Y %H:%M"])
def test_dates_that_two_orders_fit_are_asked_about_and_read_as_told(tmp_path, fmt):
    times = pd.date_range("2025-03-04 08:00", periods=24, freq="10min")
    text = lines("time,temperature", [(f"{t:{fmt}}", 21) for t in times])
    with pytest.raises(ImportQuestion, match=r"either order.*--time-format") as asked:
        opened(tmp_path, text)
    order = "".join(letter for letter in fmt.lower() if letter in "dmy")[:3]
    assert order in asked.value.choices
    np.testing.assert_array_equal(opened(tmp_path, text, time_format=order).select()["time"], times)
    longer = pd.date_range("2025-03-04 08:00", periods=2400, freq="10min")
    text = lines("time,temperature", [(f"{t:{fmt}}", 21) for t in longer])
    np.testing.assert_array_equal(opened(tmp_path, text, "longer.csv").select()["time"], longer)


@pytest.mark.parametrize(
    ("write", "utc"),
    [
        (lambda t: f"{t:%Y%m%d%H%M}", False),
        (lambda t: f"{t:%Y%m%d%H%M%S}", False),
        (lambda t: f"{t:%Y-%m-%d %H:%M:%S} UTC", True),
        (lambda t: str(int(t.timestamp())), True),
        (lambda t: str(int(t.timestamp() * 1e3)), True),
        (lambda t: str(int(t.timestamp() * 1e6)), True),
        (lambda t: str(int(t.timestamp()) * 10**9), True),
        (lambda t: f"{(t - pd.Timestamp('1899-12-30')) / pd.Timedelta('1D'):.6f}", False),
        (lambda t: f"{t:%Y-%m-%d %H:%M:%S} CET", False),
    ],
)
@pytest.mark.parametrize("header", ["timestamp,temperature", ""])
def test_times_in_numbers_and_with_zones_behind_are_read(tmp_path, write, utc, header):
    text = lines(header, [(write(t), 21.5) for t in TIMES])
    log = opened(tmp_path, text)
    times = log.select()["time"].dt.round("1s")
    np.testing.assert_array_equal(times, TIMES)
    assert log.sensors["clock"].iloc[0] == ("UTC" if utc else "UTC+01:00" if "CET" in text else "")


def test_lines_of_two_zones_are_shown_on_one_clock(tmp_path):
    rows = [
        (f"{t:%Y-%m-%dT%H:%M}Z" if n % 3 else f"{t + pd.Timedelta('2h'):%Y-%m-%dT%H:%M}+02:00", 21)
        for n, t in enumerate(TIMES)
    ]
    log = opened(tmp_path, lines("time,temperature", rows))
    np.testing.assert_array_equal(log.select()["time"], TIMES)
    assert "several offsets" in next(item.why for item in log.report.items if item.topic == "zone")
    berlin = opened(tmp_path, lines("time,temperature", rows), zone="Europe/Berlin")
    np.testing.assert_array_equal(berlin.select()["time"], TIMES + pd.Timedelta("1h"))
    with pytest.raises(ImportQuestion, match="without one: in which zone"):
        opened(
            tmp_path,
            lines("time,temperature", [(f"{t}{'Z' if n % 2 else ''}", 21) for n, t in enumerate(TIMES)]),
            "half.csv",
        )


def test_a_zone_in_the_header_is_the_clock_of_the_log(tmp_path):
    log = opened(tmp_path, lines('"Date Time, GMT-05:00",Temp', [(t, 21) for t in TIMES]))
    assert log.sensors["clock"].tolist() == ["UTC-05:00"]
    np.testing.assert_array_equal(log.select()["time"], TIMES)


def test_a_unit_that_changes_inside_a_file_is_made_one_or_two_sensors(tmp_path):
    rows = [(t, 21 if n < 24 else 69.8, "°C" if n < 24 else "°F") for n, t in enumerate(TIMES)]
    log = opened(tmp_path, lines("time,value,unit", rows))
    assert log.sensors["unit"].tolist() == ["degC"]
    np.testing.assert_allclose(log.select()["value"], 21)
    rows = [(t, 21 if n < 24 else 400, "°C" if n < 24 else "ppm") for n, t in enumerate(TIMES)]
    log = opened(tmp_path, lines("time,value,unit", rows), "other.csv")
    assert log.sensors["unit"].tolist() == ["degC", "ppm"]
    assert log.sensors["n"].tolist() == [24, 24]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('time,co2 (ppm)\n{t0},"998"\n{t1},"1,021"\n', [998, 1021]),
        ('time,co2 (ppm),T (°C)\n{t0},"1,021",21.5\n{t1},"1,022",21.6\n', [1021, 1022]),
        ("time;p (Pa)\n{t0};1.021,5\n{t1};999,5\n", [1021.5, 999.5]),
        ("time;p (Pa)\n{t0};1.021\n{t1};999,5\n", [1021, 999.5]),
        ('time,p (Pa)\n{t0},"1,021.5"\n{t1},"101,325"\n', [1021.5, 101325]),
        ("time;T (°C)\n{t0};20,125\n{t1};20,25\n", [20.125, 20.25]),
        ("time,T\n{t0},21.0 °C\n{t1},21.5 °C\n", [21, 21.5]),
        ("time\tT (°C)\n{t0}\t20,125\n{t1}\t20,250\n", [20.125, 20.25]),
    ],
)
def test_numbers_are_read_as_the_log_writes_them(tmp_path, text, expected):
    log = opened(tmp_path, text.format(t0=TIMES[0], t1=TIMES[1]))
    name = log.sensors["sensor_name"].iloc[-1] if "co2" not in text else "co2 (ppm)"
    assert log.select(sensor_name=name)["value"].tolist() == expected


def test_numbers_that_can_be_read_in_two_ways_are_asked_about(tmp_path):
    text = lines("time,co2 (ppm)", [(t, '"1,021"') for t in TIMES])
    with pytest.raises(ImportQuestion, match=r"numbers as 1,\d\d\d.*--decimal \. or ,"):
        opened(tmp_path, text)
    assert means(opened(tmp_path, text, decimal=".")) == {("log", "co2 (ppm)"): 1021}
    assert means(opened(tmp_path, text, decimal=",")) == {("log", "co2 (ppm)"): pytest.approx(1.021)}


def test_decimal_commas_that_begin_late_are_read(tmp_path):
    times = pd.date_range("2025-03-03", periods=1200, freq="10min")
    rows = [f"{t};{'21' if n < 500 else '21,5'}" for n, t in enumerate(times)]
    log = opened(tmp_path, "time;T (°C)\n" + "\n".join(rows) + "\n")
    assert log.select()["value"].value_counts().to_dict() == {21.5: 700, 21.0: 500}
    rows = [f"{t};{'21.25' if n < 500 else '21,5'}" for n, t in enumerate(times)]
    log = opened(tmp_path, "time;T (°C)\n" + "\n".join(rows) + "\n", "mixed.csv")
    assert log.select()["value"].value_counts().to_dict() == {21.5: 700, 21.25: 500}


def test_error_codes_of_probes_are_told_and_left_out(tmp_path):
    values = [21.0] * 48
    values[10], values[30] = -127, 85
    log = opened(tmp_path, column(values))
    codes = log.problems[log.problems["kind"] == "error code"]
    assert [str(time) for time in codes["start"]] == [str(TIMES[10]), str(TIMES[30])]
    assert log.select()["value"].unique().tolist() == [21.0]
    assert log.sensors["n"].tolist() == [46]
    assert "skipped 2 error codes" in log.report.sentence
    oven = opened(tmp_path, column(np.linspace(80, 90, 41).tolist() + [85.0] * 7), "oven.csv")
    assert "error code" not in set(oven.problems["kind"])


def test_a_clock_that_was_not_set_is_told_and_left_out(tmp_path):
    rows = [("1970-01-01 00:00:05", 21), *((t, 21) for t in TIMES)]
    log = opened(tmp_path, lines("time,temperature", rows))
    assert log.start == TIMES[0]
    assert log.problems["kind"].tolist() == ["wrong time"]
    assert "skipped 1 times of a clock not set" in log.report.sentence


def test_the_report_names_lines_columns_and_options(tmp_path):
    text = lines("time,note,temperature,battery status", [(t, "ok", 21, "fine") for t in TIMES])
    text += "never,ok,21,fine\n"
    report = opened(tmp_path, text).report
    [lost] = [item for item in report.items if "lines or cells" in item.taken]
    assert (lost.count, lost.lines) == (1, (50,))
    assert lost.sentence == "skipped: 1 lines or cells of log.csv (not readable, line 50)"
    [unused] = [item for item in report.items if "columns" in item.taken]
    assert unused.count == 2
    assert report.sentence.startswith("Taken as: 'time' as ISO 8601; local time, zone not stated")
    assert "\n" not in report.sentence
    assert any(line.endswith("otherwise say --zone") for line in report.lines())
    assert type(report).of_facts(report.facts()) == report


def test_what_is_said_reads_a_log_anew(tmp_path):
    text = lines("start,end,x,y", [(t, t + pd.Timedelta("1min"), 21, 5) for t in TIMES])
    log = opened(tmp_path, text, time_column="end", value_columns=("y",))
    assert means(log) == {("log", "y"): 5}
    assert log.start == TIMES[0] + pd.Timedelta("1min")
    assert log.report.options == {"time_column": "end", "value_columns": ["y"]}
    with pytest.raises(SettingError, match="No column is called 'z'"):
        opened(tmp_path, text, value_columns=("z",))
    with pytest.raises(SettingError, match="is no zone"):
        ImportOptions(zone="Mars/Olympus")
    with pytest.raises(SettingError, match="decimal sign"):
        ImportOptions(decimal=";")


def test_whole_degrees_of_a_room_are_readings_and_no_names(tmp_path):
    rows = [(time, 20 + i * i % 5, 19.5 + i % 3, 40 + i * i % 7) for i, time in enumerate(TIMES)]
    log = opened(tmp_path, lines("timestamp,room,instrument,humidity", rows))
    assert list(log.sensors["sensor_name"]) == ["humidity", "instrument", "room"]
    assert log.sensors["source_id"].nunique() == 1


def test_whole_degrees_of_two_columns_are_asked_about(tmp_path):
    rows = [(time, 20 + i * i % 5, 19 + i * i % 3, 40) for i, time in enumerate(TIMES)]
    text = lines("timestamp,room,instrument,humidity", rows)
    with pytest.raises(
        ImportQuestion, match=r"'room' and 'instrument' of whole numbers.*room,instrument or none"
    ):
        opened(tmp_path, text)
    assert len(opened(tmp_path, text, sensor_columns=("none",)).sensors) == 3


def test_numbers_of_devices_stay_names(tmp_path):
    at_once = [(time, device, 20 + i * i % 7 / 10) for i, time in enumerate(TIMES) for device in (3, 7)]
    at_random = [(time, 1 + i * i % 3, 20 + i * i % 7 / 10) for i, time in enumerate(TIMES)]
    for name, rows in (("once.csv", at_once), ("random.csv", at_random)):
        sources = opened(tmp_path, lines("time,device,temperature", rows), name).sensors["source_id"]
        assert sources.nunique() == 2
