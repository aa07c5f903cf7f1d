"""Work that may take longer than a second: in the background, with progress and a stop button."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import duration_text
from ellimaps.core.progress import Progress
from ellimaps.ui.shared.address import one_step
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.data_root import told
from ellimaps.ui.shared.jobs import Job
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import BackgroundTask, PageState
from ellimaps.ui.shared.widgets import guarded

# Below a second nobody misses a progress bar, which would only flash.
_SHORT_S = 0.8
T = TypeVar("T")


@contextmanager
def page_run(state: PageState) -> Iterator[None]:
    """Take over the result of work that has ended; what the page told of it is forgotten at the end."""
    with guarded(), one_step():
        _settle(state)
        yield
    state.message = ""


def start(
    state: PageState, what: str, work: Callable[[Progress], T], finish: Callable[[T], None] = lambda _: None
) -> None:
    """Do work in the background and run the page again; short work is done by then.

    Parameters
    ----------
    state : PageState
        Of the page and user; it does one piece of work at a time.
    what : str
        What is being done.
    work : callable
        Called with an ``on_progress`` callback, in a thread of its own.
    finish : callable, optional
        Called with the result, in the user's session.
    """
    if state.task is None:
        state.message = ""
        state.task = BackgroundTask(what, Job(work), finish)
        state.task.job.wait(_SHORT_S)
    st.rerun()


def computed(
    state: PageState,
    cache: BoundedCache[T | EllimapsError],
    key: Hashable,
    what: str,
    work: Callable[[Progress], T],
) -> T | None:
    """Return what a cache has; else start the work for it, or show why it gives nothing.

    Parameters
    ----------
    state : PageState
        Of the page and user.
    cache : BoundedCache
        Keeps results for all users, and the errors of work that can give none.
    key : hashable
        What the result depends on.
    what, work
        As for `start`.
    """
    found = cache.kept(key)
    if isinstance(found, EllimapsError):
        st.info(escaped(told(found)), icon=":material/info:")
        return None
    # In the run that tells why work was stopped or failed, it does not begin again by itself.
    if found is None and state.task is None and not state.message:
        start(state, what, lambda on_progress: cache.get(key, lambda: _result_or_error(work, on_progress)))
    return found


def work_panel(state: PageState) -> None:
    """Show the progress of the running work, or what became of the last."""
    # Both have their place at all times: what follows would be drawn anew if its number on the page changed.
    with st.container(key="work"):
        if state.task is not None:
            _progress_panel(state)
    with st.container(key="work_message"):
        if state.message:
            st.warning(escaped(told(state.message)), icon=":material/warning:")


# Each poll runs a part of the page; Stop needs no poll.
@st.fragment(run_every=1.0)
def _progress_panel(state: PageState) -> None:
    task = state.task
    if task is None or not task.job.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="task"):
        job: Job[Any] = task.job
        left = job.seconds_left
        text = f"{escaped(task.what)}: {escaped(job.what)}, {job.done:,} of {job.total:,}"
        st.progress(job.fraction, text if left is None else f"{text}, {duration_text(left)} left")
        st.button("Stop", key="stop", icon=":material/stop_circle:", on_click=job.stop)


def _settle(state: PageState) -> None:
    task = state.task
    if task is None or task.job.running:
        return
    state.task = None
    if task.job.error is not None:
        state.message = task.job.error
    else:
        task.finish(task.job.result)


def _result_or_error(work: Callable[[Progress], T], on_progress: Progress) -> T | EllimapsError:
    try:
        return work(on_progress)
    except EllimapsError as error:
        return error
