"""Texts that a spreadsheet would take for a formula, and those that are none."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.files import csv_bytes, program_csv_bytes
from ellimaps.core.spreadsheets import VARIABLE, cell_text, choose_csv, spreadsheet_cell

FORMULAS = [
    '=HYPERLINK("http://x")',
    "+1+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "-",
    "--5",
]
PLAIN = ["-0.5", "+3", "-1e-05", "a=b", "fov_00.png", "", "'quoted'", " =1", "5 nm", "-.5", "+2.E+3"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_a_text_after_an_apostrophe(text):
    assert spreadsheet_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_everything_else_stays(text):
    assert spreadsheet_cell(text) == text


@pytest.mark.parametrize("text", [*FORMULAS, *PLAIN, "'=1", "''=1", "'a"])
def test_the_text_comes_back(text):
    assert cell_text(spreadsheet_cell(text)) == text


def table():
    return pd.DataFrame(
        {
            "=name": pd.Categorical(["=1", "b", "-0.5"]),
            "value": [-0.5, np.nan, -np.inf],
            "count": pd.array([-1, None, 3], dtype="Int64"),
            "at": pd.to_datetime(["2026-01-01", "2026-01-02", None]),
            "mixed": [-1, "@x", None],
        }
    )


def cells(content):
    return list(csv.reader(io.StringIO(content.decode())))


def test_headings_and_texts_of_a_table_are_no_formulas_and_numbers_are_numbers():
    heading, *rows = cells(csv_bytes(table()))
    assert heading == ["'=name", "value", "count", "at", "mixed"]
    assert [row[0] for row in rows] == ["'=1", "b", "-0.5"]
    assert [row[4] for row in rows] == ["-1", "'@x", ""]
    plain = cells(program_csv_bytes(table()))
    assert plain[0][0] == "=name"
    assert [row[1:4] for row in rows] == [row[1:4] for row in plain[1:]]


def test_for_programs_everything_stays(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    guarded = csv_bytes(table())
    monkeypatch.setenv(VARIABLE, "spreadsheets")
    choose_csv("programs")
    assert csv_bytes(table()) == program_csv_bytes(table()) != guarded
    choose_csv("spreadsheets")
    assert csv_bytes(table()) == guarded


def test_the_command_line_says_for_whom(tmp_path, monkeypatch):
    """A cell of a table that a command writes, from the name of a compound in a layout."""
    monkeypatch.delenv(VARIABLE, raising=False)
    log = tmp_path / "log.csv"
    times = pd.date_range("2026-01-01", periods=300, freq="30min")
    rows = {"region": "=1+1", "source_id": "@a", "sensor_name": "Temperature", "datetime": times.astype(str)}
    pd.DataFrame(rows | {"sensor_value": np.linspace(20, 21, 300), "UTCOffset": 0}).to_csv(log, index=False)
    monkeypatch.setenv("ELLIMAPS_CACHE", str(tmp_path / "cache"))
    for options, first in (
        ((), "'=1+1"),
        (("--csv", "programs"), "=1+1"),
        (("--csv", "spreadsheets"), "'=1+1"),
    ):
        out = tmp_path / "out"
        done = CliRunner().invoke(cli, [*options, "sensors", "summary", str(log), "--out", str(out)])
        assert done.exit_code == 0, done.output
        assert first in {row[0] for row in cells((out / "sensors.csv").read_bytes())}, options
        monkeypatch.delenv(VARIABLE, raising=False)
