"""The page of a log: whole in one file, true to the log, and safe whatever names and notes hold."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.sensors.events import Event, note_events
from ellimaps.sensors.judgements import CONFIRMED, DISMISSED, Judgement, note_judgements
from ellimaps.sensors.report_page import log_report
from ellimaps.sensors.store.logs import open_log

TIMES = pd.date_range("2025-03-03", periods=40 * 288, freq="5min")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A room that has a step of 2 deg C for half a day, and one that never moves by the limit."""
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.03, (2, len(TIMES)))
    warm = (pd.Timestamp("2025-03-20 06:00") <= TIMES) & (pd.Timestamp("2025-03-20 18:00") > TIMES)
    table = pd.DataFrame({"time": TIMES, "room <1> $a$ [degC]": 21 + noise[0] + 2.0 * warm})
    table["quiet [degC]"] = 20 + noise[1]
    file = tmp_path_factory.mktemp("log") / "log.csv"
    table.to_csv(file, index=False, float_format="%.3f")
    return file


@pytest.fixture(scope="module")
def page(path):
    log = open_log(path)
    events = [Event.of("2025-03-20 06:00", "2025-03-20 07:00", "service", "<script>alert(1)</script>")]
    return log_report(log, events=events)


class Tags(HTMLParser):
    """What a page would fetch, and its headings."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            inside = str(value).startswith(("#", "data:"))
            if name in ("src", "href", "xlink:href", "data", "action") and not inside:
                self.fetched.append(value)


def test_the_page_fetches_nothing_and_holds_no_script(page):
    found = Tags(page)
    assert not found.fetched
    assert "script" not in found.tags
    assert not re.search(r"url\((?!#)|@import", page)
    assert found.tags.count("svg") == 2


def test_the_page_says_verdict_import_anomaly_event_and_hash(page, path):
    assert "Out of limit in 0.1% of the" in page
    assert "time: &#39;time&#39; as ISO 8601" in page
    assert "20 Mar" in page
    assert "service: &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "room &lt;1&gt; $a$ [degC]" in page
    from hashlib import sha256

    assert sha256(path.read_bytes()).hexdigest() in page


def test_the_same_log_gives_the_same_bytes(page, path):
    events = [Event.of("2025-03-20 06:00", "2025-03-20 07:00", "service", "<script>alert(1)</script>")]
    assert log_report(open_log(path), events=events) == page


def test_a_log_too_short_for_anything_says_so(tmp_path):
    file = tmp_path / "short.csv"
    file.write_text("time,temperature\n2025-03-01 10:00,21.0\n2025-03-01 10:01,21.1\n")
    page = log_report(open_log(file))
    assert "Not known whether it was stable: too little was read." in page
    assert "None were noted." in page


def ran(*arguments):
    done = CliRunner().invoke(cli, ["sensors", *map(str, arguments)], catch_exceptions=False)
    assert not done.exit_code, done.output
    return done.stdout


def test_commands_write_the_page_and_compare_events(path, tmp_path, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))
    ran("report", path, "--out", tmp_path / "lab.html", "--limit", "0.7")
    assert "more than 0.7 deg C" in (tmp_path / "lab.html").read_text()
    assert "no events were noted" in ran("events", path)
    note_events(str(path), [Event.of("2025-03-20 06:00", None, "door")])
    told = ran("events", path, "--event-window", "6h")
    door = "door 2025-03-20 06:00: 21.00 deg C in the 6 h before, 23.00 deg C after, +2.00 deg C: changed"
    assert door in told
    assert told.count("no change shown") == 1


@pytest.mark.parametrize(
    ("judgement", "n_left", "says"),
    [
        (DISMISSED, 0, "1 of 1 dismissed in 1.3 months: 0.75 false alarms a month"),
        (CONFIRMED, 1, "0 of 1 dismissed in 1.3 months: 0 false alarms a month"),
    ],
)
def test_commands_leave_out_what_was_dismissed(path, tmp_path, monkeypatch, judgement, n_left, says):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))
    [before] = json.loads(ran("anomalies", path, "--json"))["periods"]
    key = tuple(before[name] for name in ("region", "source_id", "sensor_name"))
    span = pd.Timestamp(before["start"]), pd.Timestamp(before["end"])
    note_judgements(str(path), [Judgement(key, *span, judgement, "the cleaners")])
    found = json.loads(ran("anomalies", path, "--json", "--out", tmp_path / "found"))
    assert (len(found["periods"]), len(found["dismissed"])) == (n_left, 1 - n_left)
    [judged] = found["periods"] + found["dismissed"]
    assert (judged["judgement"], judged["note"]) == (judgement, "the cleaners")
    assert len(pd.read_csv(tmp_path / "found" / "anomalies.csv")) == n_left
    told = ran("anomalies", path)
    assert says in told
    assert ("1 dismissed period left out" in told) == (n_left == 0)
    ran("report", path, "--out", tmp_path / "lab.html")
    page = (tmp_path / "lab.html").read_text()
    assert says in page
    assert ("1 dismissed period left out" in page) == (n_left == 0)
    assert ("confirmed: the cleaners" in page) == (n_left == 1)
