"""Work in the background of a page: computed once, told why not, stopped for as long as it is wanted."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.jobs import Job


def _page():
    import streamlit as st

    from ellimaps.ui.shared.state import PageState, page_state
    from ellimaps.ui.shared.tasks import computed, page_run, work_panel

    state = page_state(PageState)
    with page_run(state):
        work_panel(state)
        kept, key, work = (st.session_state[name] for name in ("kept", "key", "work"))
        st.markdown(f"found {computed(state, kept, key, 'Counting', work)}")


@pytest.fixture
def page():
    def opened(work):
        page = AppTest.from_function(_page, default_timeout=60)
        page.session_state["kept"], page.session_state["key"] = BoundedCache(4), "a"
        page.session_state["work"] = work
        return page.run()

    return opened


def told(page):
    return [element.value for element in [*page.markdown, *page.info, *page.warning]]


def endless(on_progress):
    for done in range(600):
        on_progress(done, 600, "working")
        time.sleep(0.1)


def test_the_time_left_is_that_of_the_rate_so_far():
    def steps(on_progress):
        for done in range(60):
            on_progress(done, 60, "working")
            time.sleep(0.1)

    job = Job(steps)
    assert job.seconds_left is None
    job.wait(2.0)
    assert job.seconds_left == pytest.approx(4.0, abs=1.2)
    job.wait(2.0)
    assert job.seconds_left == pytest.approx(2.0, abs=1.0)
    job.stop()


def test_what_is_kept_is_not_computed_again(page):
    calls = []
    shown = page(lambda _: calls.append(1) or len(calls))
    assert told(shown.run()) == ["found 1"]
    shown.session_state["key"] = "b"
    assert told(shown.run()) == ["found 2"]
    shown.session_state["key"] = "a"
    assert told(shown.run()) == ["found 1"]


def test_an_error_is_told_where_the_result_would_be_and_not_tried_again(page):
    calls = []

    def work(_):
        from ellimaps.core.errors import SettingError

        calls.append(1)
        raise SettingError("The log is too short.")

    shown = page(work)
    assert told(shown.run()) == ["found None", "The log is too short."]
    assert len(calls) == 1


def test_stopped_work_begins_again_only_when_the_user_does_something(page):
    shown = page(endless)
    assert told(shown) == ["found None"]
    shown.button(key="stop").click().run()
    for _ in range(50):
        if shown.session_state["PageState"].task is None:
            break
        time.sleep(0.1)
        shown.run()
    assert told(shown) == ["found None", "Stopped."]
    assert shown.run().session_state["PageState"].task is not None
    shown.button(key="stop").click().run()
