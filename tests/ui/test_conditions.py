"""The Data view of the Maps page says whether the temperature was stable meanwhile."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import EXAMPLE, ROOT
from streamlit.testing.v1 import AppTest

ACQUIRED = pd.Timestamp("2026-01-01 12:00")


@pytest.fixture
def page(monkeypatch, tmp_path):
    """The page on an example beside which logs lie."""
    root = tmp_path / "data"
    shutil.copytree(EXAMPLE, root / "wafer")
    times = pd.date_range(ACQUIRED - pd.Timedelta(hours=2), periods=40, freq="5min")
    for name, step in (("still", 0.0), ("moving", 0.9)):
        value = np.where(times >= ACQUIRED, 21 + step, 21)
        pd.DataFrame({"timestamp": times, "room temperature": value}).to_csv(
            root / f"{name}.csv", index=False
        )
    (tmp_path / "outside.csv").write_text("timestamp,value\n2026-01-01 12:00,1\n")
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    monkeypatch.chdir(tmp_path)
    started = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    return started.button(key="example_wafer").click().run()


def test_a_log_gives_one_sentence(page):
    assert not page.exception
    page.text_input(key="sensor_log").set_value("still.csv").run()
    assert [box.value for box in page.success if box.value.startswith("Stable: still/room temperature")]
    page.text_input(key="sensor_log").set_value("moving.csv").run()
    assert [box.value for box in page.warning if box.value.startswith("Unstable: moving/room temperature")]
    assert not page.error


def test_what_is_no_log_or_lies_outside_is_told(page):
    page.text_input(key="sensor_log").set_value("../outside.csv").run()
    assert "not below the data root" in page.error[0].value
    page.text_input(key="sensor_log").set_value("s3://bucket/log.csv").run()
    assert "does not exist" in page.error[0].value
    page.text_input(key="sensor_log").set_value("").run()
    assert not page.error
