"""What the components share with their modules in the browser: how they are found, fed and answered."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

_FOLDER = Path(__file__).parent


def component(name: str, module: str, html: str = "<div></div>", style: str = "") -> Callable[..., Any]:
    """Return a component; to be asked for at every run, as page reloads may clear Streamlit's registry.

    Streamlit serves the modules of this folder, so that they import each other, to the components that
    ``ellimaps/pyproject.toml`` declares. Styles go with the page: measures are taken of what has them.

    Parameters
    ----------
    name : str
        As declared.
    module : str
        The module that is mounted, below this folder.
    html : str
        What it is mounted on.
    style : str
        Its style sheet, below this folder, in addition to the common one.
    """
    sheets = ["common.css", style] if style else []
    css = "\n".join((_FOLDER / sheet).read_text(encoding="utf-8") for sheet in sheets)
    return st.components.v2.component(f"ellimaps.{name}", html=html, css=css or None, js=module)


def base64_of(array: NDArray[Any]) -> str:
    """Return the bytes of an array of any shape, row by row, as text."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def handler(key: str, event: str, call: Callable[[Any], None] | None) -> Callable[[], None]:
    """Return what Streamlit calls for an event: it hands over no value, the session state has it."""

    def handle() -> None:
        value = st.session_state[key].get(event)
        if call is not None and value is not None:
            call(value)

    return handle
