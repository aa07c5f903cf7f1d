"""A watched log: what crosses reaches its target once, whatever is killed, down or half written meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.targets import ELLIMAPS, KilledWatch, Target

from ellimaps.core.errors import SettingError
from ellimaps.sensors.watching.alerts import Alerts, WatchSettings, note_alerts, noted_alerts
from ellimaps.sensors.watching.crossings import Crossing
from ellimaps.sensors.watching.journal import Journal
from ellimaps.sensors.watching.watch import Watch

START = pd.Timestamp("2025-03-01")
LIMIT = WatchSettings(limit=0.5)


@pytest.fixture
def target():
    with Target() as found:
        yield found


@pytest.fixture
def log(tmp_path):
    """Ten quiet hours, a reading a minute."""
    path = tmp_path / "log.csv"
    path.write_text("time,room_temperature [degC]\n" + rows(0, 600, 21.0))
    return path


def rows(first, last, value):
    return "".join(
        f"{START + pd.Timedelta(minutes=n)},{value + 0.01 * (n % 3):.2f}\n" for n in range(first, last)
    )


def append(path, text):
    with path.open("a") as file:
        file.write(text)


def looked(watch):
    """The crossings of one look, all sent."""
    found = watch.look()
    list(watch.send())
    return found


def started(log, target, settings=LIMIT):
    return Watch(log, log.parent / "watch", target, settings)


def test_a_crossing_is_told_once_with_what_it_takes_to_know_it(log, target):
    watch = started(log, target.url)
    assert not looked(watch)
    append(log, rows(600, 610, 21.0))
    assert not looked(watch)
    append(log, rows(610, 611, 21.8))
    [found] = looked(watch)
    assert found.start == "2025-03-01T10:10:00"
    # It goes on for ten minutes, by another watch over the same folder.
    append(log, rows(611, 621, 21.8))
    assert not looked(watch)
    assert not looked(started(log, target.url))
    [(headers, body)] = target.taken
    assert headers["Idempotency-Key"] == body["key"] == found.key
    assert body["sentence"] == (
        "log/room_temperature [degC] 2025-03-01 10:10:00: 21.81 deg C, moved by 0.81 deg C within 60 min "
        "(limit 0.5 deg C)."
    )
    # Two quiet hours later the next one is another.
    append(log, rows(621, 761, 21.8) + rows(761, 762, 21.0))
    assert [one.start for one in looked(watch)] == ["2025-03-01T12:41:00"]
    assert len(target.taken) == 2


def test_what_was_there_before_is_not_told_and_what_came_between_two_watches_is(log, target):
    append(log, rows(600, 700, 23.0))
    assert not looked(started(log, target.url))
    append(log, rows(700, 800, 23.0) + rows(800, 1000, 24.0))
    assert [one.start for one in looked(started(log, target.url))] == ["2025-03-01T13:20:00"]


def test_a_watch_that_begins_out_of_limit_says_so(log, target):
    append(log, rows(600, 610, 23.0))
    watch = started(log, target.url)
    assert not looked(watch)
    append(log, rows(610, 611, 23.0))
    assert [one.start for one in looked(watch)] == ["2025-03-01T10:10:00"]


def test_a_late_line_makes_no_second_crossing_of_the_first(log, target):
    watch = started(log, target.url)
    looked(watch)
    append(log, rows(600, 605, 21.0) + rows(606, 607, 21.8))
    assert len(looked(watch)) == 1
    append(log, rows(605, 606, 21.8) + rows(607, 608, 21.8))
    assert not looked(watch)
    assert len(target.taken) == 1


def test_a_line_that_is_half_written_is_no_reading(log, target):
    watch = started(log, target.url)
    looked(watch)
    append(log, rows(600, 601, 21.0)[:-5])
    assert log.read_text().endswith(",2")
    assert not looked(watch)
    append(log, rows(600, 601, 21.0)[-5:])
    assert not looked(watch)
    append(log, rows(601, 602, 22.0))
    assert [one.start for one in looked(watch)] == ["2025-03-01T10:01:00"]


def test_a_target_that_is_down_is_told_when_it_is_up_again(log, target, monkeypatch):
    watch = started(log, target.url)
    looked(watch)
    target.answer = 503
    append(log, rows(600, 601, 22.0))
    looked(watch)
    assert not target.taken
    assert [line["what"] for line in Journal(log.parent / "watch").lines()] == ["found", "sending", "failed"]
    target.answer = 200
    # Not at once: it is given a moment.
    assert not list(watch.send())
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 3)
    assert [is_taken for _, is_taken in watch.send()] == [True]
    assert not watch.journal.unsent()


def test_a_redirect_is_no_delivery(log, target):
    watch = started(log, target.url)
    looked(watch)
    target.answer = 302
    append(log, rows(600, 601, 22.0))
    looked(watch)
    assert watch.journal.lines()[-1]["answer"] == "answered 302"


def test_a_command_is_given_the_crossing(log, tmp_path):
    told = tmp_path / "told.json"
    script = f"import sys, os; open({str(told)!r}, 'w').write(sys.stdin.read() + os.environ['ELLIMAPS_KEY'])"
    watch = started(log, f'{sys.executable} -c "{script}"')
    looked(watch)
    append(log, rows(600, 601, 22.0))
    [found] = looked(watch)
    assert told.read_text().endswith(f"}}{found.key}")
    assert json.loads(told.read_text().removesuffix(found.key))["kind"] == "limit"
    assert watch.journal.lines()[-1]["answer"] == "exit code 0"


def test_mail_carries_the_key_as_its_id(log, monkeypatch):
    from support.targets import MailServer

    with MailServer() as server:
        monkeypatch.setenv("ELLIMAPS_SMTP", f"127.0.0.1:{server.port}")
        watch = started(log, "mailto:lab@example.org")
        looked(watch)
        append(log, rows(600, 601, 22.0))
        [found] = looked(watch)
    [text] = server.messages
    assert f"Message-ID: <{found.key}@ellimaps>" in text
    assert "To: lab@example.org" in text


def test_anomalies_are_told_once_while_they_go_on(tmp_path, target):
    path = tmp_path / "log.csv"
    rng = np.random.default_rng(3)
    times = pd.date_range(START, periods=21 * 288, freq="5min")
    values = 21 + 0.3 * np.sin(2 * np.pi * np.arange(len(times)) / 288) + rng.normal(0, 0.05, len(times))
    values[-60:] += 2.0
    lines = [f"{at},{value:.3f}\n" for at, value in zip(times, values, strict=True)]
    path.write_text("time,room_temperature [degC]\n" + "".join(lines[:-60]))
    watch = Watch(path, tmp_path / "watch", target.url, WatchSettings(anomalies=True))
    looked(watch)
    for first in range(len(lines) - 60, len(lines), 10):
        append(path, "".join(lines[first : first + 10]))
        looked(watch)
    [(_, body)] = target.taken
    assert body["kind"] == "anomaly"
    assert "2025-03-21" in body["start"]


def test_what_cannot_be_watched_is_said_at_once(log):
    for notify in ("http://", "mailto:nobody", "'unended"):
        with pytest.raises(SettingError, match="--notify"):
            started(log, notify)
    with pytest.raises(SettingError, match="--limit, --anomalies"):
        WatchSettings()
    with pytest.raises(SettingError, match="false alarms"):
        WatchSettings(anomalies=True, false_alarms_per_month=0.0)
    with pytest.raises(SettingError, match="ELLIMAPS_SMTP"):
        started(log, "mailto:lab@example.org")
    watch = started(log, "true")
    with watch.journal.watching(), pytest.raises(SettingError, match="another watch"):
        watch.run(0, print, lambda: False)


def test_a_journal_that_a_kill_cut_off_goes_on_after_its_last_whole_line(tmp_path):
    journal = Journal(tmp_path)
    one = Crossing("limit", "", "a", "b", "2025-03-01T10:00:00", "2025-03-01T10:00:00", "it moved")
    journal.write("found", **one.facts())
    with (tmp_path / "sent.jsonl").open("a") as file:
        file.write('{"at": "2025-03')
    assert [line["key"] for line in journal.unsent()] == [one.key]
    journal.write("sent", one.key, answer="200")
    assert not journal.unsent()
    assert len((tmp_path / "sent.jsonl").read_text().splitlines()) == 2


def test_once_from_the_command_line(log, target, tmp_path):
    command = [*ELLIMAPS, "sensors", "watch", str(log), "--limit", "0.5", "--once"]
    command += ["--notify", target.url, "--out", str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True)
    append(log, rows(600, 601, 22.0))
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "sent: log/room_temperature" in done.stdout
    target.answer = 500
    append(log, rows(601, 800, 22.0) + rows(800, 801, 24.0))
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1


def test_alerts_of_the_page_are_what_a_watch_without_options_tells(log, target, tmp_path, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))
    command = [*ELLIMAPS, "sensors", "watch", str(log), "--once"]
    command += ["--notify", target.url, "--out", str(tmp_path / "out")]
    none = subprocess.run(command, check=False, capture_output=True, text=True)
    assert none.returncode == 2
    assert "configure alerts on" in " ".join(none.stderr.split())
    alerts = Alerts(WatchSettings(0.5, "2h"), ("room_temperature [degC]",))
    note_alerts(str(log), alerts)
    assert noted_alerts(str(log)) == alerts
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "as configured on the page: movements beyond 0.5 deg C" in said
    append(log, rows(600, 601, 22.0))
    assert (
        "sent: log/room_temperature"
        in subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    note_alerts(str(log), None)
    assert noted_alerts(str(log)) is None


def test_a_watch_follows_the_alerts_of_the_page_while_it_runs(tmp_path, target, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))

    def lines(first, last, warm, stage):
        times = (START + pd.Timedelta(minutes=n) for n in range(first, last))
        return "".join(f"{at},{warm},{stage}\n" for at in times)

    path = tmp_path / "log.csv"
    path.write_text("time,room [degC],stage [degC]\n" + lines(0, 600, 21.0, 20.0))
    note_alerts(str(path), Alerts(WatchSettings(0.5), ("room [degC]",)))
    watch = Watch(path, tmp_path / "watch", target.url)
    assert not looked(watch)
    # A stage that nobody asked for: what it did before it was asked for is not told.
    append(path, lines(600, 800, 21.0, 23.0))
    assert not looked(watch)
    note_alerts(str(path), Alerts(WatchSettings(0.5), ("stage [degC]",)))
    assert not looked(watch)
    append(path, lines(800, 801, 25.0, 25.0))
    assert [one.sensor_name for one in looked(watch)] == ["stage [degC]"]
    note_alerts(str(path), None)
    append(path, lines(801, 1000, 25.0, 25.0) + lines(1000, 1001, 27.0, 27.0))
    assert not looked(watch)
    assert watch.asked is None
    note_alerts(str(path), Alerts(WatchSettings(3.0), ("room [degC]", "stage [degC]")))
    append(path, lines(1001, 1200, 27.0, 27.0))
    assert not looked(watch)
    append(path, lines(1200, 1201, 29.0, 31.0))
    assert [one.sensor_name for one in looked(watch)] == ["stage [degC]"]
    assert len(target.taken) == 2


def test_a_running_watch_says_that_its_alerts_were_changed(log, target, tmp_path, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))
    note_alerts(str(log), Alerts(WatchSettings(0.5)))
    said, changes = [], iter([Alerts(WatchSettings(0.7)), None])

    def go_on():
        change = next(changes, "no more")
        if change != "no more":
            note_alerts(str(log), change)
        return change != "no more"

    Watch(log, tmp_path / "watch", target.url).run(0, said.append, go_on)
    assert [line.partition(": ")[2][:22] for line in said] == [
        "movements beyond 0.5 d",
        "movements beyond 0.7 d",
        "nothing",
    ]


def test_killed_watches_lose_and_repeat_nothing(tmp_path):
    # A hundred kills take minutes: benchmarks/bench_watch.py.
    figures = KilledWatch(tmp_path, seed=12).run(kills=12)
    assert figures["crossings"] > 3
    told = (tmp_path / "said.txt").read_text() + (tmp_path / "watch" / "sent.jsonl").read_text()
    assert (figures["lost"], figures["repeated"], figures["false"]) == (0, 0, 0), f"{figures}\n{told}"
    assert not [path for path in Path("/proc").glob("[0-9]*") if _is_delivery(path, tmp_path)]


def _is_delivery(process, folder):
    try:
        return os.fsencode(folder) in (process / "cmdline").read_bytes()
    except OSError:
        return False
