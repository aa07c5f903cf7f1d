"""Processes that classify images, each one at a time; one that takes too long is killed and replaced."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from typing import Any, TypeVar

from ellimaps.core.errors import EllimapsError
from ellimaps.core.parallel import one_thread
from ellimaps.core.workers import Line, WorkerProcess

Answer = dict[str, Any]
Classify = Callable[[bytes], Answer]
_Result = TypeVar("_Result")

# A process starts in a few seconds, with PyTorch in ten or more; what takes minutes will not come.
_START_S = 120.0

logger = logging.getLogger("ellimaps.server")


class NoWorkerFree(Exception):
    """No process became free in time."""


class TookTooLong(Exception):
    """There was no answer at the deadline."""


class WorkerDied(Exception):
    """The process ended by itself, as one does that the system stops for want of memory."""


class _Lost(Enum):
    """How an image was lost with its process."""

    HUNG = auto()
    DIED = auto()


class Workers:
    """A fixed number of processes that answer about one image at a time; one that ends is replaced at once.

    Parameters
    ----------
    load : callable
        Called once in every process; returns the function that is given the bytes of an image and returns
        what JSON can hold. It is sent to the processes, so it must be importable.
    processes : int
        How many.
    seconds : float
        A process that works longer on an image is killed and replaced.
    """

    def __init__(self, load: Callable[[], Classify], processes: int, seconds: float) -> None:
        self._load = load
        self._seconds = seconds
        self.processes = processes
        self._idle: asyncio.Queue[_Process] = asyncio.Queue()
        self._all: set[_Process] = set()
        self._ready: set[_Process] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        # Each process needs one that waits for its end, and one that waits for an answer or for its start.
        self._threads = ThreadPoolExecutor(2 * processes, "ellimaps-worker")

    @property
    def ready(self) -> int:
        """How many processes have loaded the model and live."""
        return len(self._ready)

    async def start(self) -> None:
        """Start the processes and wait until they have loaded the model.

        Raises
        ------
        EllimapsError
            If one of them cannot.
        """
        if not all(await asyncio.gather(*(self._add() for _ in range(self.processes)))):
            await self.stop()
            raise EllimapsError("A worker process could not load the model: see its message above.")

    async def stop(self) -> None:
        """End the processes; they hold nothing that would be lost."""
        for task in self._tasks:
            task.cancel()
        for process in self._all:
            process.kill()
        self._threads.shutdown(wait=True)
        for process in self._all:
            process.hang_up()

    async def ask(self, image: bytes, start_by: float, deadline: float) -> Answer:
        """Return what a process says about an image.

        Parameters
        ----------
        image : bytes
            An encoded image file.
        start_by, deadline : float
            Times of the running event loop: when a process must have become free, and when the answer must
            be there.

        Raises
        ------
        NoWorkerFree, TookTooLong, WorkerDied
            If there is none.
        """
        process = await self._free(start_by)
        work = self._begun(self._work(process, image))
        # Who came late gives up before the process does: killing it for others' waiting would cost all more.
        await asyncio.wait([work], timeout=deadline - asyncio.get_running_loop().time())
        if not work.done() or (text := work.result()) is _Lost.HUNG:
            raise TookTooLong
        if text is _Lost.DIED:
            raise WorkerDied
        answer: Answer = json.loads(text)
        return answer

    async def _work(self, process: _Process, image: bytes) -> bytes | _Lost:
        """Return a process's answer; afterwards it is free again, or `_watched` has replaced it."""
        asked = asyncio.ensure_future(self._in_thread(process.ask, image))
        await asyncio.wait([asked], timeout=self._seconds)
        if late := not asked.done():
            process.kill()
        try:
            text = await asked
        except (EOFError, OSError):
            # Who is told of it may ask at once how many are left.
            self._ready.discard(process)
            return _Lost.HUNG if late else _Lost.DIED
        self._idle.put_nowait(process)
        return text

    async def _free(self, start_by: float) -> _Process:
        """Return the next idle process that lives."""
        try:
            async with asyncio.timeout_at(start_by):
                while not (process := await self._idle.get()).is_alive():
                    pass
        except TimeoutError:
            raise NoWorkerFree from None
        return process

    async def _add_until_it_works(self) -> None:
        while not await self._add():
            logger.error("a worker process could not start; trying again")
            await asyncio.sleep(1)

    async def _add(self) -> bool:
        process = _Process(self._load)
        self._all.add(process)
        if not await self._in_thread(process.is_ready):
            process.kill()
            process.hang_up()
            self._all.discard(process)
            return False
        self._ready.add(process)
        self._idle.put_nowait(process)
        self._begun(self._watched(process))
        return True

    async def _watched(self, process: _Process) -> None:
        """Replace a process when it ends, idle or at work."""
        await self._in_thread(process.wait_for_end)
        self._ready.discard(process)
        logger.warning(
            "a worker process ended (%d of %d left): another one starts", self.ready, self.processes
        )
        process.kill()
        await self._in_thread(process.hang_up)
        self._all.discard(process)
        await self._add_until_it_works()

    def _begun(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        # The event loop itself remembers tasks weakly.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _in_thread(self, function: Callable[..., _Result], *given: Any) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *given)


class _Process(WorkerProcess):
    """A process that has the model, once it is ready."""

    def __init__(self, load: Callable[[], Classify]) -> None:
        super().__init__(_serve, load)
        self._asking = threading.Lock()

    def is_ready(self) -> bool:
        """Wait until the model is loaded; False if that failed."""
        try:
            return self.line.poll(_START_S) and bool(self.line.recv_bytes())
        except (EOFError, OSError):
            return False

    def ask(self, image: bytes) -> bytes:
        """Hand an image over and wait for the answer; killing the process ends the wait."""
        with self._asking:
            self.line.send_bytes(image)
            return self.line.recv_bytes()

    def hang_up(self) -> None:
        """Close the line to a dead process; not while somebody listens, or he would hear another's answer."""
        with self._asking:
            self.line.close()


def _serve(line: Line, load: Callable[[], Classify]) -> None:
    # They may reach all processes of a group; the server ends this one when its requests are answered.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    with one_thread():
        classify = load()
        _silence_libraries()
        line.send_bytes(b"ready")
        while True:
            # JSON, for what was given a stranger's image should not have us unpickle its answer.
            line.send_bytes(json.dumps(classify(line.recv_bytes())).encode())


def _silence_libraries() -> None:
    """Keep what Pillow and libtiff say about a stranger's image out of the log: the answer says it."""
    warnings.simplefilter("ignore")
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
