"""What is looked at, in the address: each change is a step, and Back undoes it.

Controls that Streamlit binds to the address replace its last step. Here a page writes what it shows, and
follows where the address says something else than was put there: a link, or Back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException

_WRITTEN, _TOLD = "ellimaps_address", "ellimaps_address_told"


def followed(name: str, first: str = "") -> str | None:
    """Return what a parameter asks for, where that is not what was put there; else None.

    Parameters
    ----------
    name : str
        Of the parameter.
    first : str
        What an address asks for that has none.
    """
    asked = st.query_params.get(name, first)
    if asked == _written().get(name, first):
        return None
    _written()[name] = asked
    return asked


def told_address(name: str, text: str, first: str = "") -> None:
    """Have the address say what is shown.

    Parameters
    ----------
    name : str
        Of the parameter.
    text : str
        What is shown.
    first : str
        What is shown at an address that says nothing of it.
    """
    told: dict[str, str] = st.session_state.get(_TOLD, {})
    if st.query_params.get(name, first) != text:
        told[name] = text
    if _TOLD not in st.session_state:
        _write(told)


@contextmanager
def one_step() -> Iterator[None]:
    """Put what is told meanwhile into the address together: one step for Back."""
    told: dict[str, str] = {}
    st.session_state[_TOLD] = told
    try:
        yield
    except RerunException:
        # The next run has the address of this one's beginning, and tells it again.
        told.clear()
        raise
    finally:
        del st.session_state[_TOLD]
        _write(told)


def _write(told: dict[str, str]) -> None:
    _written().update(told)
    if told:
        st.query_params.update(told)


def forget_address() -> None:
    """Forget what was put there: the address is of another page, and asks for nothing of this one."""
    st.session_state.pop(_WRITTEN, None)


def _written() -> dict[str, str]:
    found: dict[str, str] = st.session_state.setdefault(_WRITTEN, {})
    return found
