"""Threads for array work that NumPy does outside the interpreter's lock, and what worker processes share."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from types import ModuleType
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

MAX_THREADS = 8
"""More would wait for the memory and not for a processor, and each holds blocks of its own."""

_here = threading.local()
_LIMIT_LOCK = threading.Lock()
_limits = ExitStack()
_within: list[None] = []


def ordered_map(function: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
    """Apply a function to items in threads and yield the results in the order of the items.

    Sums over the results come out the same with any number of threads. Only a few results are in memory
    at a time, however many items there are.

    Parameters
    ----------
    function : callable
        What to do with each item; most of its work should be that of NumPy or of reading files.
    items : sequence
        A few of them are worked on ahead of the result yielded.

    Yields
    ------
    object
        ``function(item)`` for each item; its exception is raised here.
    """
    workers = min(MAX_THREADS, os.cpu_count() or 1)
    # A worker that waited for other workers could wait for ever.
    if min(len(items), workers) < 2 or getattr(_here, "is_worker", False):
        yield from map(function, items)
        return
    pool = _pool(os.getpid(), workers)
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def one_thread() -> Iterator[None]:
    """Return a context in which this thread works alone, for processes that share the processors."""
    from threadpoolctl import ThreadpoolController

    was_worker = getattr(_here, "is_worker", False)
    _here.is_worker = True
    try:
        # OpenMP counts its threads by thread, the algebra libraries by process.
        with ThreadpoolController().select(user_api="openmp").limit(limits=1), _algebra_alone():
            yield
    finally:
        _here.is_worker = was_worker


@contextmanager
def _algebra_alone() -> Iterator[None]:
    """Limit the algebra libraries until the last of the threads that ask for it has left.

    If each gave back what it found, the first to leave would lift the limit of the others, whose small fits
    then take ten times as long, and the last would leave it behind for good.
    """
    from threadpoolctl import ThreadpoolController

    with _LIMIT_LOCK:
        found = ThreadpoolController().select(user_api="blas")
        # All of them at first, and later those that were loaded meanwhile.
        if any(library.num_threads > 1 for library in found.lib_controllers):
            _limits.enter_context(found.limit(limits=1))
        _within.append(None)
    try:
        yield
    finally:
        with _LIMIT_LOCK:
            _within.pop()
            if not _within:
                _limits.close()


@contextmanager
def program_hidden() -> Iterator[None]:
    """Keep new processes from importing the program that starts them: they need nothing of it.

    A script without a guard would start itself anew in each of them.
    """
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


@cache
def _pool(_process: int, workers: int) -> ThreadPoolExecutor:
    """Return the pool of a process; one that was forked has its own."""
    return ThreadPoolExecutor(workers, "ellimaps", initializer=_mark_worker)


def _mark_worker() -> None:
    _here.is_worker = True


def single_threaded() -> AbstractContextManager[object]:
    """Return a context in which BLAS uses one thread, for work that has threads of its own."""
    limits: AbstractContextManager[object] = _threadpools().limit(limits=1, user_api="blas")
    return limits


@cache
def _threadpools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
