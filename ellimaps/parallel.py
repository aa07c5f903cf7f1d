"""Threads for array work that NumPy does outside the interpreter's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

MAX_THREADS = 8


def ordered_map(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Apply a function to items in threads and yield the results in the order of the items.

    Sums over the results come out the same with any number of threads. Only a few results are in memory
    at a time, however many items there are.

    Parameters
    ----------
    function : callable
        What to do with each item; most of its work should be that of NumPy or of reading files.
    items : iterable
        Taken one by one, a few ahead of the result yielded.

    Yields
    ------
    object
        ``function(item)`` for each item; its exception is raised here.
    """
    workers = min(MAX_THREADS, os.cpu_count() or 1)
    waiting: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
