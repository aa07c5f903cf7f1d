"""Choosing below the data root in Streamlit's test driver."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def choose(page: AppTest, key: str, text: str | None) -> AppTest:
    """Choose or type a path in the control of a key; the driver types only what is listed."""
    box = page.selectbox(key=key)
    box.options += [] if text is None or text in box.options else [text]
    return box.set_value(text).run()
