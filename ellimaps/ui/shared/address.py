"""Controls whose changes are steps that Back undoes.

What Streamlit binds to the address replaces its last step; what a page writes there adds one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

_WORK = "work"


def has_address(*keys: str) -> bool:
    """Return whether the address is one of this page, before the page says whose work it is.

    Who comes from another page has none: what was looked at last is shown.
    """
    return any(key in st.query_params for key in (_WORK, *keys))


def follow_address(said: Mapping[str, str], options: Mapping[str, Sequence[str]]) -> None:
    """Give controls what the address says where that is not what was put there: after a link, or Back.

    Parameters
    ----------
    said : mapping of str to str
        What `write_address` put there last.
    options : mapping of str to sequence of str
        Keys of controls, and what each can be; where the address says nothing or else, it is the first, and
        None where that is empty.
    """
    for key, known in options.items():
        text = st.query_params.get(key, "")
        is_new = text != said.get(key, "") or (text and key not in st.session_state)
        if is_new and known:
            st.session_state[key] = (text if text in known else known[0]) or None


def write_address(options: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Have the address say what controls are: one step for Back, and none if nothing changed; return that.

    Parameters
    ----------
    options : mapping of str to sequence of str
        Keys of controls, and what each can be; of the first of them nothing is said.
    """
    said = {key: _text(st.session_state.get(key), known) for key, known in options.items()}
    told = {key: text for key, text in said.items() if text and text != st.query_params.get(key)}
    if told:
        st.query_params.update(told)
    for key in [key for key, text in said.items() if not text and key in st.query_params]:
        del st.query_params[key]
    return said


def _text(value: Any, known: Sequence[str]) -> str:
    return "" if value is None or str(value) == known[0] else str(value)
