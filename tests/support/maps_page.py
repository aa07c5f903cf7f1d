"""The page Maps in a test: opened on a measurement, and its views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from streamlit.testing.v1 import AppTest


def open_page(root: Path, path: Path | str) -> AppTest:
    """Open a measurement below a data root."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELLIMAPS_DATA_ROOT", str(root))
        page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
        page.text_input(key="path").set_value(str(path))
        return fine(next(button for button in page.button if button.label == "Open").click().run())


def state(page: AppTest) -> Any:
    """Return what the page keeps."""
    return page.session_state["MapsState"]


def view(page: AppTest, name: str) -> AppTest:
    """Go to a view of the page."""
    return fine(page.segmented_control(key="view").set_value(name).run())


def fine(page: AppTest) -> AppTest:
    """Return a page that shows no error."""
    assert not page.exception
    assert not page.error, [error.value for error in page.error]
    return page
