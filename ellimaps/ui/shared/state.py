"""What a page keeps for one user between its runs; nothing is shared between users or pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from ellimaps.ui.shared.jobs import Job


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
    """

    task: BackgroundTask | None = None
    message: str = ""


S = TypeVar("S", bound=PageState)


def page_state(kind: type[S]) -> S:
    """Return this user's state of a page, made at the first call."""
    found: S = st.session_state.setdefault(kind.__name__, kind())
    return found
