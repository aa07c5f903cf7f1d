"""Work that may take longer than a second: in the background, with progress and a stop button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import streamlit as st

from ellimaps.core.progress import Progress
from ellimaps.ui.shared.jobs import Job
from ellimaps.ui.shared.state import Task

_POLL_S = 0.3
_SHORT_S = 0.8

T = TypeVar("T")


class Worker(Protocol):
    """What a page keeps of its user's work; it does one piece at a time."""

    task: Task | None
    message: str


def start(state: Worker, what: str, work: Callable[[Progress], T], finish: Callable[[T], None]) -> None:
    """Do work in the background and run the page again; short work is done by then.

    Parameters
    ----------
    state : Worker
        Of the page and user; it does one piece of work at a time.
    what : str
        What is being done.
    work : callable
        Called with an ``on_progress`` callback, in a thread of its own.
    finish : callable
        Called with the result, in the user's session.
    """
    if state.task is None:
        state.message = ""
        state.task = Task(what, Job(work), finish)
        state.task.job.wait(_SHORT_S)
    st.rerun()


def settle(state: Worker) -> None:
    """Take over the result of work that has ended; called at the top of the page."""
    task = state.task
    if task is None or task.job.running:
        return
    state.task = None
    if task.job.error is not None:
        state.message = task.job.error
    else:
        task.finish(task.job.result)


@st.fragment(run_every=_POLL_S)
def task_panel(state: Worker) -> None:
    """Show the progress of the running work and a stop button."""
    task = state.task
    if task is None or not task.job.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="task"):
        st.progress(task.job.fraction, f"{task.what}: {_progress_text(task.job)}")
        st.button("Stop", key="stop", icon=":material/stop_circle:", on_click=task.job.stop)


def _progress_text(job: Job[Any]) -> str:
    return f"{job.what}, {job.done} of {job.total}"
