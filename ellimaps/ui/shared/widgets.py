"""Small pieces that several pages show."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from mimetypes import guess_type
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from ellimaps.core.errors import EllimapsError, ReadError, SettingError
from ellimaps.core.figures import figure_png, figure_svg
from ellimaps.core.files import csv_bytes
from ellimaps.core.progress import Progress
from ellimaps.core.table_figure import table_figure
from ellimaps.ui.shared.address import followed, told_address
from ellimaps.ui.shared.data_root import data_root, inside_root, told
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept

N = TypeVar("N", int, float)
_LOG = logging.getLogger(__name__)


@contextmanager
def guarded() -> Iterator[None]:
    """Turn an error of one part of the page into a sentence there; the rest and the user's work stay."""
    try:
        yield
    except EllimapsError as error:
        st.error(escaped(told(error)), icon=":material/error:")
    except Exception as error:
        _LOG.exception("A part of the page failed")
        st.error(
            f"This part failed unexpectedly ({type(error).__name__}: {escaped(told(error))}). "
            "What you have made is kept: change a setting or choose another view.",
            icon=":material/error:",
        )


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show the progress of work in the foreground and take it away at the end."""
    bar = st.empty()

    def show(done: int, total: int, what: str) -> None:
        bar.progress(min(1.0, done / max(total, 1)), escaped(what))

    try:
        yield show
    finally:
        bar.empty()


def number_field(
    label: str, low: N, high: N | None, value: N | None = None, step: N | None = None, **options: Any
) -> N:
    """Show a number; nothing is computed with one that is out of bounds, nor with another one instead.

    Streamlit's own bounds keep the last number while the field shows what was typed.

    Parameters
    ----------
    label : str
        Of the field.
    low, high : int or float
        Bounds; no upper one if None.
    value : int or float, optional
        The first value; the lower bound otherwise.
    step : int or float, optional
        What the buttons add.
    **options
        As `streamlit.number_input`.

    Raises
    ------
    SettingError
        If the number is out of bounds.
    """
    given: N = st.number_input(label, value=low if value is None else value, step=step, **options)
    if given < low or (high is not None and given > high):
        wanted = f"{low:g} or more" if high is None else f"from {low:g} to {high:g}"
        raise SettingError(f"{label} must be {wanted}, not {given:,g}.")
    return given


def choose_tab(names: Sequence[str], *, key: str) -> str:
    """Show the tabs of a page and return the chosen one; a reload or link finds it, Back undoes a click."""
    control = kept(key)
    first = names[0]
    if (asked := followed(key, first)) in names:
        st.session_state[key] = asked
    chosen = st.segmented_control(
        "View", names, default=first, required=True, label_visibility="collapsed", **control
    )
    told_address(key, str(chosen), first)
    return str(chosen)


def choose_one(label: str, names: Sequence[str], *, key: str, **options: Any) -> str | None:
    """Show a list and return the chosen one; a reload or link finds it, Back undoes a choice.

    Parameters
    ----------
    label : str
        What is chosen.
    names : sequence of str
        What there is to choose from.
    key : str
        Of the control, and its name in the address.
    **options
        As `streamlit.selectbox`; with ``index=None`` nothing is chosen at first.
    """
    control = kept(key)
    if (asked := followed(key)) is not None:
        first = names[0] if options.get("index", 0) is not None else None
        st.session_state[key] = asked if asked in names else first
    chosen: str | None = st.selectbox(label, names, **options, **control)
    told_address(key, chosen or "")
    return chosen


def choose_below_root(
    label: str, names: Sequence[str], *, key: str, placeholder: str, first: str = "", **options: Any
) -> str:
    """Show one control to choose what was found below the data root, search in it, or type a path.

    Parameters
    ----------
    label : str
        What is chosen.
    names : sequence of str
        What there is to choose from, what was opened last before the others; ``.`` is the data root.
    key : str
        Of the control, and its name in the address.
    placeholder : str
        What the empty control says.
    first : str
        What is chosen where nothing else is.
    **options
        As `streamlit.selectbox`.

    Returns
    -------
    str
        What was typed or chosen; empty if nothing.
    """
    control = kept(key)
    if (asked := followed(key)) is not None:
        st.session_state[key] = asked or None
    if not st.session_state.get(key) and (text := _older_address(key) or first):
        st.session_state[key] = text
    current = st.session_state.get(key)
    chosen = st.selectbox(
        label,
        list(dict.fromkeys([*([current] if current else []), *names])),
        None,
        accept_new_options=True,
        placeholder=placeholder,
        on_change=_search,
        args=(key, names),
        format_func=lambda name: data_root().name if name == "." else name,
        **options,
        **control,
    )
    text = (chosen or "").strip()
    told_address(key, text)
    return text


def _search(key: str, names: Sequence[str]) -> None:
    """Take the one name in which a part was typed: Enter takes what is typed, and not what is found by it."""
    typed = (st.session_state[key] or "").strip()
    found = {name for name in names if typed and typed.casefold() in name.casefold()}
    if len(found) == 1:
        with suppress(ReadError):
            inside_root(typed)
            return
        st.session_state[key] = found.pop()


def _older_address(key: str) -> str:
    """Return what an older link says: once there was one control to choose from and another to type in."""
    found = st.query_params.get(f"{key.removesuffix('_typed')}_found", "")
    return "." if found in ("(data root)", data_root().name) else found


def pick_row(table: pd.DataFrame, *, key: str, **options: Any) -> int | None:
    """Show a table and return the number of the row the user picked."""
    event = st.dataframe(
        table, key=key, on_select="rerun", selection_mode="single-row", hide_index=True, **options
    )
    rows = event["selection"]["rows"]
    return int(rows[0]) if rows and rows[0] < len(table) else None


def download(label: str, name: str, content: Callable[[], bytes], *, key: str, **options: Any) -> None:
    """Offer a file, which is made when the button is pressed.

    Parameters
    ----------
    label : str
        Of the button.
    name : str
        Of the file; its ending says what it is.
    content : callable
        Gives what is in the file.
    key : str
        Streamlit key.
    **options
        As `streamlit.download_button`.
    """
    mime = guess_type(name)[0] or "application/octet-stream"
    options = {"icon": ":material/download:", **options}
    st.download_button(label, content, name, mime, key=key, on_click="ignore", **options)


def csv_download(label: str, name: str, table: pd.DataFrame, *, key: str, **options: Any) -> None:
    """Offer a table as a file.

    Parameters
    ----------
    label, name : str
        Of the button and of the file.
    table : DataFrame
        What is written when the button is pressed.
    key : str
        Streamlit key.
    **options
        As `download`.
    """
    download(label, name, lambda: csv_bytes(table), key=key, **options)


def table_downloads(
    label: str, name: str, table: pd.DataFrame, *, key: str, shown: pd.DataFrame | None = None
) -> None:
    """Offer a table as CSV, and what is seen of it as PNG and SVG.

    Parameters
    ----------
    label, name : str
        Of the button and of the files, without an ending.
    table : DataFrame
        What the CSV holds.
    key : str
        Streamlit key, and with ``_png`` and ``_svg`` behind it.
    shown : DataFrame, optional
        What the pictures hold, with columns in words; the table otherwise.
    """
    seen = table if shown is None else shown
    title = name.replace("_", " ").capitalize()
    with st.popover(label, icon=":material/download:"):
        csv_download("CSV", f"{name}.csv", table, key=key, help="All of it, with all digits")
        for ending, content in (("png", _table_png), ("svg", _table_svg)):
            made = partial(content, seen, title)
            download(ending.upper(), f"{name}.{ending}", made, key=f"{key}_{ending}")


def _table_png(table: pd.DataFrame, title: str) -> bytes:
    return figure_png(table_figure(table, title))


def _table_svg(table: pd.DataFrame, title: str) -> bytes:
    return figure_svg(table_figure(table, title)).encode()
