"""The Python side of a picture that keys answer, one answer a picture."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ellimaps.ui.components.browser import component, handler


@dataclass(frozen=True)
class KeyPress:
    """An answer: what the key means, and the turn and picture it was given for."""

    answer: str
    turn: int
    title: str


def keyed_picture(
    png: bytes,
    title: str,
    turn: int,
    keys: Mapping[str, str],
    *,
    key: str,
    on_press: Callable[[KeyPress], None],
) -> None:
    """Show a picture; once it is painted, the first of its keys that is pressed is handed over.

    Parameters
    ----------
    png : bytes
        The picture.
    title : str
        Names it.
    turn : int
        Another one at every question, also where the picture stays.
    keys : mapping of str to str
        What the keys mean, by their names in the browser, letters being small ones.
    key : str
        Streamlit key.
    on_press : callable
        Called before the page runs again.
    """
    picture = component(
        "keyed_picture",
        "keyed_picture/keyed_picture.js",
        '<div class="keyed"></div>',
        "keyed_picture/keyed_picture.css",
    )
    data = {
        "picture": base64.b64encode(png).decode("ascii"),
        "title": title,
        "turn": turn,
        "keys": dict(keys),
    }
    answered = handler(key, "press", lambda press: on_press(KeyPress(**press)))
    picture(data=data, key=key, on_press_change=answered)
