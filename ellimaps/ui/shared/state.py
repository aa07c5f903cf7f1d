"""What a page keeps for one user between its runs, and how a reload, a link or a bookmark finds it again.

A user's work has a token that stands in the address. The work itself is in memory, and what can be written
down of it in a state folder: a reload gets the first, a later day or another browser the second.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, Self, TypedDict, TypeVar

import streamlit as st
from cachetools import TTLCache
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ellimaps.ui.shared import written_works
from ellimaps.ui.shared.address import forget_address
from ellimaps.ui.shared.jobs import Job

_PARAMETER = "work"
_WORK = "ellimaps_work"
# A user's work is some kilobytes beside the shared caches, but may hold an upload or a job: those of a day.
_IN_MEMORY: TTLCache[tuple[str, str], UserWork] = TTLCache(256, 24 * 3600)
_LOCK = Lock()
# As many as a list shows without scrolling.
_MOST_RECENT = 6


@dataclass
class BackgroundTask:
    """Work in the background, and what is done with its result."""

    what: str
    job: Job[Any]
    finish: Callable[[Any], None]


@dataclass
class PageState:
    """What every page keeps: its work in the background, one piece at a time.

    Attributes
    ----------
    task : BackgroundTask, optional
        The running work.
    message : str
        What the page has to tell in this run, such as why the last work gave no result.
    recent : list of str
        What was opened below the data root, the last first.
    """

    task: BackgroundTask | None = None
    message: str = ""
    recent: list[str] = field(default_factory=list)

    def opened(self, name: str) -> None:
        """Put what is opened before what was."""
        self.recent = [name, *(one for one in self.recent if one != name)][:_MOST_RECENT]

    def facts(self) -> dict[str, Any]:
        """Return what can be written down, ready for JSON."""
        return {"recent": self.recent}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """Return what was written down; what does not fit any more is left out."""
        return cls(recent=[str(one) for one in facts.get("recent", [])][:_MOST_RECENT])


@dataclass
class UserWork:
    """Everything one user does.

    Attributes
    ----------
    token : str
        Names it in the address; nobody can guess it.
    session : str
        The session that has it, or had it last.
    pages : dict
        The state of each page opened, by the name of its class.
    controls : dict
        Values of controls by their keys; also of those that are hidden.
    written : dict
        What was written down before, of pages not opened yet.
    """

    token: str
    session: str
    pages: dict[str, PageState] = field(default_factory=dict)
    controls: dict[str, Any] = field(default_factory=dict)
    written: dict[str, Any] = field(default_factory=dict)


S = TypeVar("S", bound=PageState)


def page_state(kind: type[S]) -> S:
    """Return this user's state of a page: of this session, of before a reload, or as it was written down."""
    name, work = kind.__name__, _work()
    if st.query_params.get(_PARAMETER) != work.token:
        forget_address()
        st.query_params[_PARAMETER] = work.token
    if name not in work.pages:
        work.pages[name] = kind.of_facts(work.written.pop(name)) if name in work.written else kind()
    found = work.pages[name]
    st.session_state[name] = found
    assert isinstance(found, kind)
    return found


class Kept(TypedDict):
    """Options of a control."""

    key: str
    persist_state: Literal["session"]
    bind: Literal["query-params"] | None


def kept(key: str, *, address: bool = False) -> Kept:
    """Return the options of a control that keeps its value, while it is hidden and over a reload.

    Parameters
    ----------
    key : str
        Of the control.
    address : bool
        Whether the value stands in the address too, for links to it.
    """
    controls = _work().controls
    if key in st.session_state:
        controls[key] = st.session_state[key]
    elif key in controls and key not in st.query_params:
        st.session_state[key] = controls[key]
    return {"key": key, "persist_state": "session", "bind": "query-params" if address else None}


def write_work() -> None:
    """Write down what this user does, where it has changed."""
    work = _work()
    pages = {name: page.facts() for name, page in work.pages.items()}
    if pages:
        written_works.write(work.token, {"controls": work.controls, "pages": work.written | pages})


def _work() -> UserWork:
    found: UserWork | None = st.session_state.get(_WORK)
    if found is None:
        found = _found_again(st.query_params.get(_PARAMETER, ""))
        st.session_state[_WORK] = found
    return found


def _found_again(token: str) -> UserWork:
    """Return the work of this token if no other session is at it; else one that begins as it was written."""
    context = get_script_run_ctx()
    session = context.session_id if context is not None else ""
    user = written_works.user()
    known = re.fullmatch(r"[\w-]{16}", token) is not None
    with _LOCK:
        in_memory = _IN_MEMORY.get((user, token))
        is_taken = in_memory is not None and _is_open(in_memory.session)
        if in_memory is not None and not is_taken:
            in_memory.session = session
            return in_memory
        facts = written_works.read(token) if known else {}
        # Two sessions at one work would overwrite each other's.
        own = token if facts and not is_taken else secrets.token_urlsafe(12)
        work = UserWork(own, session, controls=facts.get("controls", {}), written=facts.get("pages", {}))
        _IN_MEMORY[user, own] = work
        return work


def _is_open(session: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(session)
