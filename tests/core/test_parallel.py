"""Threads: results in order, few at a time, errors raised, no worker waiting for another."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest
import scipy.linalg  # noqa: F401 - brings algebra libraries, whose threads are counted
from threadpoolctl import ThreadpoolController

from ellimaps.core.parallel import one_thread, ordered_map


def test_results_come_in_the_order_of_the_items():
    def slow_for_small(number: int) -> int:
        time.sleep(0.01 * (5 - number % 5))
        return number * number

    assert list(ordered_map(slow_for_small, range(30))) == [number * number for number in range(30)]


def test_only_a_few_results_wait():
    done: list[int] = []
    results = ordered_map(done.append, range(1000))
    next(results)
    time.sleep(0.2)
    assert len(done) < 50


def test_an_error_is_raised_and_the_rest_left_undone():
    done: list[int] = []

    def work(number: int) -> None:
        if number == 3:
            raise ValueError("three")
        done.append(number)

    with pytest.raises(ValueError, match="three"):
        list(ordered_map(work, range(10_000)))
    time.sleep(0.1)
    assert len(done) < 200


def test_work_in_threads_may_use_threads_itself():
    def inner(number: int) -> int:
        return sum(ordered_map(lambda other: number * other, range(20)))

    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(ordered_map(inner, range(40))), daemon=True)
    thread.start()
    thread.join(20)
    assert found == [number * 190 for number in range(40)]


def test_nothing_to_do():
    assert list(ordered_map(str, [])) == []
    assert list(ordered_map(str, [1])) == ["1"]


def algebra():
    return ThreadpoolController().select(user_api="blas")


def threads_of_algebra() -> set[int]:
    return {library.num_threads for library in algebra().lib_controllers}


@pytest.mark.parametrize("first_out", [0, 1])
def test_work_that_ends_lifts_no_limit_of_other_work_and_leaves_none_behind(first_out: int):
    with algebra().limit(limits=2):
        within = [ExitStack(), ExitStack()]
        for one in within:
            one.enter_context(one_thread())
        assert threads_of_algebra() == {1}
        within.pop(first_out).close()
        assert threads_of_algebra() == {1}
        within.pop().close()
        assert threads_of_algebra() == {2}
