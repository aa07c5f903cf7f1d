"""Anomalies that were judged: kept beside the events, found again, and held against the stated rate."""

from __future__ import annotations

import pandas as pd
import pytest

from ellimaps.core.errors import ReadError
from ellimaps.sensors.judgements import (
    CONFIRMED,
    DISMISSED,
    Judgement,
    judged,
    note_judgements,
    noted_judgements,
    rate_sentence,
    with_judgement,
)
from ellimaps.sensors.notes import notes_file

KEY = ("EU", "E1", "room temperature")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_EVENTS", str(tmp_path / "events"))


def at(start, hours=2.0):
    first = pd.Timestamp(start)
    return first, first + pd.Timedelta(hours=hours)


def periods(*spans):
    return pd.DataFrame(spans, columns=["start", "end"])


def test_judgements_are_kept_beside_the_events_of_the_same_log():
    judgement = Judgement(KEY, *at("2025-01-05 10:00"), DISMISSED, 'the "door", again')
    note_judgements("lab/log.csv", [judgement])
    assert noted_judgements("lab/log.csv") == [judgement]
    assert noted_judgements("lab/other.csv") == []
    assert notes_file("lab/log.csv").parent == notes_file("lab/log.csv", "anomalies.csv").parent
    assert not notes_file("lab/log.csv").exists()


def test_a_damaged_file_is_named():
    note_judgements("log.csv", [])
    notes_file("log.csv", "anomalies.csv").write_text("region,start\n1,2\n")
    with pytest.raises(ReadError, match=r"anomalies\.csv is damaged"):
        noted_judgements("log.csv")


@pytest.mark.parametrize(
    ("key", "span", "same"),
    [
        (KEY, at("2025-01-05 10:15"), True),
        (KEY, at("2025-01-05 10:00", 2.5), True),
        # It has gone on: that is news.
        (KEY, at("2025-01-05 10:00", 8), False),
        (KEY, at("2025-01-05 14:00"), False),
        (("EU", "E2", "room temperature"), at("2025-01-05 10:00"), False),
    ],
)
def test_a_period_is_known_again_though_it_shifts(key, span, same):
    assert Judgement(KEY, *at("2025-01-05 10:00"), DISMISSED).is_of(key, *span) is same


def test_spikes_of_one_reading_are_known_again():
    assert Judgement(KEY, *at("2025-01-05 10:00", 0), DISMISSED).is_of(KEY, *at("2025-01-05 10:05", 0))
    assert not Judgement(KEY, *at("2025-01-05 10:00", 0), DISMISSED).is_of(KEY, *at("2025-01-05 11:00", 0))


def test_the_last_word_on_a_period_counts():
    first = Judgement(KEY, *at("2025-01-05 10:00"), DISMISSED)
    second = Judgement(KEY, *at("2025-01-05 10:05"), CONFIRMED, "the chiller")
    [left] = with_judgement([first], second)
    table = judged(periods(at("2025-01-05 10:00"), at("2025-01-09 10:00")), KEY, [left])
    assert list(table["judgement"]) == [CONFIRMED, ""]
    assert list(table["note"]) == ["the chiller", ""]


def sentence(n_false, n_real, n_left, months, stated=1.0):
    table = pd.DataFrame({"judgement": [DISMISSED] * n_false + [CONFIRMED] * n_real + [""] * n_left})
    return rate_sentence(table, months * pd.Timedelta("30D"), stated)


def test_the_stated_rate_is_judged_only_as_far_as_the_log_reaches():
    assert sentence(0, 0, 5, 2) == ""
    # Garwood's interval of 10 in 2 months is 4.80 to 18.39 over 2.
    assert "5 false alarms a month (95 % interval 2.4 to 9.2)" in sentence(10, 1, 0, 2)
    assert sentence(10, 1, 0, 2).endswith("That is more than stated.")
    assert sentence(1, 3, 2, 2).endswith("2 not judged yet.")
    assert sentence(1, 3, 0, 2).endswith("too short to say more.")
    assert sentence(0, 3, 0, 12).endswith("The stated rate is kept.")
