"""Long work in the background of a page: progress, a stop button, and a result that is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from ellimaps.core.errors import EllimapsError
from ellimaps.core.progress import Progress
from ellimaps.ui.shared.worker import WorkerError

T = TypeVar("T")
_JOBS: WeakSet[Job[Any]] = WeakSet()


class Stopped(Exception):
    """Raised inside the work when the user stops it."""


class Job(Generic[T]):
    """A piece of work in a thread of its own.

    Parameters
    ----------
    work : callable
        Called with an ``on_progress`` callback; what it returns is the result.
    """

    def __init__(self, work: Callable[[Progress], T]) -> None:
        self.result: T | None = None
        self.error: str | None = None
        self.done, self.total, self.what = 0, 1, "starting"
        self._began = time.monotonic(), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        _JOBS.add(self)

    @property
    def running(self) -> bool:
        """Whether the work still goes on."""
        return self._thread.is_alive()

    @property
    def fraction(self) -> float:
        """Share of the work that is done."""
        return min(1.0, self.done / max(self.total, 1))

    @property
    def seconds_left(self) -> float | None:
        """How long what is being done will take at the rate so far; None while that says nothing yet."""
        when, first = self._began
        elapsed, done = time.monotonic() - when, self.done - first
        # The first second tells little: threads start, files are opened.
        return elapsed / done * (self.total - self.done) if done > 0 and elapsed > 1 else None

    def stop(self) -> None:
        """Ask the work to end at its next step."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Wait for the end of the work, but not longer than this."""
        self._thread.join(seconds)

    def _run(self, work: Callable[[Progress], T]) -> None:
        try:
            self.result = work(self._on_progress)
        except Stopped:
            self.error = "Stopped."
        except EllimapsError as error:
            self.error = str(error)
        except WorkerError as error:
            self.error = f"This failed unexpectedly ({error})."
        except Exception as error:
            self.error = f"This failed unexpectedly ({type(error).__name__}: {error})."
            raise

    def _on_progress(self, done: int, total: int, what: str) -> None:
        if self._stop.is_set():
            raise Stopped
        if what != self.what:
            self._began = time.monotonic(), done
        self.done, self.total, self.what = done, total, what


def stop_all() -> None:
    """Ask all work to end at its next step."""
    for job in list(_JOBS):
        job.stop()


def wait_for_all(seconds: float) -> None:
    """Wait for the end of all work, but together not longer than this."""
    last = time.monotonic() + seconds
    for job in list(_JOBS):
        job.wait(max(0.0, last - time.monotonic()))
