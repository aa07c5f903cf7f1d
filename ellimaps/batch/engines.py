"""Where the work is done: local processes or a Dask cluster. Both take tasks as they have room for them."""

from __future__ import annotations

import importlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from threading import Thread
from typing import Any

from ellimaps.batch.time_limit import late
from ellimaps.batch.tree import Item
from ellimaps.batch.work import Outcome, Work, attempt
from ellimaps.core.allocator import keep_freed_memory
from ellimaps.core.errors import ExportError, MissingExtraError, SettingError
from ellimaps.core.workers import Line, WorkerProcess

TRIES = 3
"""Dask's default too (``allowed-failures``): one death may be a neighbor's want of memory, not three."""


@dataclass
class BatchTask:
    """One image to be worked on.

    Attributes
    ----------
    item : Item
        The image.
    input_hash : str
        Hash of its files when it was chosen.
    files : dict of str to str
        SHA-256 of each of them.
    tries : int
        How often a worker has taken it.
    """

    item: Item
    input_hash: str
    files: dict[str, str] = field(default_factory=dict)
    tries: int = 0


# Its libraries come from a network drive at 10 ms a file, some 3,000 of them, and twenty times slower still.
_LOADING_S = 600.0
_LOADED = Outcome(reason="loaded")
"""A process is there and waits for its image."""

Done = tuple[BatchTask, Outcome]
Engine = Callable[[Work, Iterator[BatchTask]], Iterator[Done]]


def local_processes(workers: int) -> Engine:
    """Return an engine of processes on this machine.

    A process that dies is replaced and its image tried again, up to :data:`TRIES` times. One that works on
    an image for longer than the work's time limit is killed and replaced, and the image has failed.
    """
    if workers < 1:
        raise SettingError(f"workers must be 1 or more, not {workers}.")
    return lambda work, tasks: _run_local(work, tasks, workers)


def _run_local(work: Work, tasks: Iterator[BatchTask], workers: int) -> Iterator[Done]:
    again: deque[BatchTask] = deque()
    pool: list[_Worker] = []

    def next_task() -> BatchTask | None:
        return again.popleft() if again else next(tasks, None)

    try:
        while len(pool) < workers and (task := next_task()) is not None:
            pool.append(_Worker(work, task))
        while pool:
            yield from _round(pool, work, next_task, again)
    finally:
        for worker in pool:
            worker.stop()


def _round(
    pool: list[_Worker], work: Work, next_task: Callable[[], BatchTask | None], again: deque[BatchTask]
) -> Iterator[Done]:
    """Wait for workers that are ready, give them more to do, and yield what they have done.

    The next image is handed over before the last result is dealt with, so that no worker waits for that.
    """
    ready = wait([worker.line for worker in pool], min(worker.left_s() for worker in pool))
    for worker in [one for one in pool if one.line in ready or one.left_s() <= 0]:
        task, outcome = worker.task, worker.receive() if worker.line in ready else late(work.time_limit_s)
        if outcome == _LOADED:
            worker.begin()
            continue
        if outcome is None or worker.line not in ready:
            worker.stop()
            pool.remove(worker)
        if outcome is None:
            if task.tries < TRIES:
                again.append(task)
            else:
                reason = f"Its worker process ended {TRIES} times: it may need more memory than there is."
                outcome = Outcome(reason=reason)
        following = next_task()
        if following is None:
            if worker in pool:
                worker.stop()
                pool.remove(worker)
        elif worker in pool:
            worker.give(following)
        else:
            pool.append(_Worker(work, following))
        if outcome is not None:
            yield task, outcome


class _Worker:
    """A process and the image it works on."""

    def __init__(self, work: Work, task: BatchTask) -> None:
        self._process = WorkerProcess(_serve, work)
        self._limit_s = work.time_limit_s
        self.line = self._process.line
        self.give(task)
        self._until = time.monotonic() + max(_LOADING_S, work.time_limit_s)

    def give(self, task: BatchTask) -> None:
        self.task = task
        task.tries += 1
        self.begin()
        # Where it has died, `receive` says so.
        with suppress(OSError):
            self.line.send((task.item.argument, task.files))

    def begin(self) -> None:
        """Count the image's time from now; what a process takes to load is not its."""
        self._until = time.monotonic() + self._limit_s

    def left_s(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def receive(self) -> Outcome | None:
        """Return the outcome, or None if the process has died."""
        try:
            outcome: Outcome = self.line.recv()
        except (EOFError, OSError):
            return None
        return outcome

    def stop(self) -> None:
        self.line.close()
        self._process.kill()


def _serve(line: Line, work: Work) -> None:
    line.send(_LOADED)
    while True:
        path, files = line.recv()
        line.send(attempt(work, path, files))


def dask_cluster(address: str) -> Engine:
    """Return an engine that sends tasks to an existing Dask scheduler.

    Its workers need ellimaps and the images under the same paths as here; results come back here. A worker
    with an image that took longer than the work's time limit is restarted by its nanny, with the other images
    it has at the time, which are tried again; one without a nanny goes on with it beside its further work.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            'A Dask cluster needs the extra "batch": pip install "ellimaps[batch]".'
        ) from error
    return lambda work, tasks: _run_dask(work, tasks, address)


def _run_dask(work: Work, tasks: Iterator[BatchTask], address: str) -> Iterator[Done]:
    # Its annotations are too few for strict types.
    distributed: Any = importlib.import_module("distributed")
    try:
        client = distributed.Client(address, timeout=5, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SettingError(f"No Dask scheduler answers at {address}: check the address.") from error
    with client:
        try:
            # Workers that start with their scheduler need some seconds to load their libraries.
            client.wait_for_workers(1, timeout=60)
        except TimeoutError:
            raise SettingError(f"The Dask scheduler at {address} has no workers: start some.") from None
        running: dict[Any, BatchTask] = {}
        finished = distributed.as_completed(loop=client.loop)

        def fill() -> None:
            # One at work and one waiting for every thread; the rest of the images stays on disk.
            room = 2 * max(2, sum(client.nthreads().values())) - len(running)
            for _ in range(max(room, 0)):
                if (task := next(tasks, None)) is None:
                    return
                future = client.submit(_attempt_on_dask, work, task.item.argument, task.files, pure=False)
                running[future] = task
                finished.add(future)

        fill()
        while running:
            future = next(finished)
            task = running.pop(future)
            outcome = _dask_outcome(future, address)
            del future
            if outcome.hanging_on:
                # Without a nanny there is nobody to start another one.
                with suppress(ValueError, TimeoutError):
                    client.restart_workers([outcome.hanging_on], timeout=60, raise_for_error=False)
            fill()
            yield task, outcome


def _attempt_on_dask(work: Work, path: str, files: Mapping[str, str]) -> Outcome:
    """Do the work in a thread that can be left alone with an image that hangs."""
    from distributed import get_worker

    keep_freed_memory()
    outcomes: list[Outcome] = []
    thread = Thread(target=lambda: outcomes.append(attempt(work, path, files)), daemon=True)
    thread.start()
    thread.join(work.time_limit_s)
    if outcomes:
        return outcomes[0]
    return replace(late(work.time_limit_s), hanging_on=get_worker().address)


def _dask_outcome(future: Any, address: str) -> Outcome:
    from distributed import KilledWorker

    if future.status == "cancelled":
        raise ExportError(f"The Dask scheduler at {address} was lost: run again; what is done is kept.")
    try:
        outcome: Outcome = future.result()
    except KilledWorker:
        return Outcome(reason="Its Dask workers were killed: it may need more memory than they have.")
    except Exception as error:
        return Outcome(reason=" ".join(f"{type(error).__name__}: {error}".split())[:500])
    return outcome
