"""Processes of their own for work that may hang or die: each has one known task, and can be killed alone."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, TypeAlias

from ellimaps.core.parallel import program_hidden
from ellimaps.core.reach import inherit

Line: TypeAlias = "Connection[Any, Any]"
"""One end of the pipe between a process and the one that started it."""


class WorkerProcess:
    """A process with a pipe to it, started anew and not as a copy of this one.

    Parameters
    ----------
    serve : callable
        Called there as ``serve(line, *given)`` with its end of the pipe, and expected to answer until the
        other end hangs up, which that also does by dying. It is sent there, so it must be importable.
    *given : object
        What else it is given; pickled.

    Attributes
    ----------
    line : Connection
        Our end of the pipe. Once the process is dead, waiting for an answer raises EOFError or OSError.
    """

    def __init__(self, serve: Callable[..., None], *given: Any) -> None:
        # A copy could inherit locks held by our threads.
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self._process = context.Process(
            target=_run, args=(serve, theirs, *given), name="ellimaps", daemon=True
        )
        with program_hidden():
            self._process.start()
        theirs.close()

    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    def wait_for_end(self) -> None:
        """Return once it has ended, however it did."""
        wait([self._process.sentinel])

    def kill(self) -> None:
        """End it at once, whatever it does; who waits for its answer is told by an error."""
        self._process.kill()
        self._process.join()


def _run(serve: Callable[..., None], line: Line, *given: Any) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    inherit()
    with suppress(EOFError, OSError, KeyboardInterrupt):
        serve(line, *given)


def _end_with_parent() -> None:
    """End this process with the one that started it; work that hangs would never hear it hang up."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
