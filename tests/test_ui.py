from __future__ import annotations

import pytest
from conftest import ROOT
from streamlit.testing.v1 import AppTest

from ellimaps.errors import ReadError
from ellimaps.ui.data_root import inside_root


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(ROOT / "data_example"))
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30).run()


def click(page, label):
    return next(button for button in page.button if button.label == label).click().run()


def test_empty_page_says_what_to_do(page):
    assert not page.exception
    assert "Enter a measurement folder" in page.info[0].value


def test_the_whole_way(page, tmp_path):
    page.text_input(key="path").set_value("terraces")
    click(page, "Open")
    assert [metric.value for metric in page.metric][:2] == ["22", "11"]
    click(page, "Estimate")
    assert page.number_input[0].value == 4
    click(page, "Segment")
    page.text_input[1].set_value(str(tmp_path / "out"))
    click(page, "Write files")
    assert not page.exception
    assert not page.error
    assert len(list((tmp_path / "out").iterdir())) == 10


def test_a_wrong_folder_is_one_sentence(page):
    page.text_input(key="path").set_value("nowhere")
    click(page, "Open")
    assert "does not exist" in page.error[0].value


@pytest.mark.parametrize("text", ["..", "../..", "/etc", "//host/share", "\\\\host\\share", "a\0b", "link"])
def test_nothing_is_read_outside_the_data_root(text, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to("/etc")
    with pytest.raises(ReadError):
        inside_root(text, root)
