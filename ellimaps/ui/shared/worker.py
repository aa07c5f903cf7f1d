"""Work in a process of its own, so that the pages of all users stay quick while it runs.

``in_worker`` is the server's side, ``main`` is the process. They talk in pickles: a function and its
arguments go in; progress, and at last the result or the error, come out.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ellimaps.core.errors import EllimapsError
from ellimaps.core.progress import Progress
from ellimaps.core.reach import inherit

T = TypeVar("T")
# Together below the two seconds in which Stop is promised to work.
_LISTEN_S = 0.2
_GRACE_S = 1.0
# More often nobody could read it.
_TELL_S = 0.1


class WorkerError(Exception):
    """What went wrong in the process unexpectedly; its traceback is in the server's log."""


def in_worker(function: Callable[..., T], *arguments: Any) -> Callable[[Progress], T]:
    """Return work for `ellimaps.ui.shared.jobs.Job` that is done in a process of its own.

    Parameters
    ----------
    function : callable
        Of a module, as the process imports it; takes ``on_progress`` behind the arguments.
    *arguments
        What pickle can carry.

    Returns
    -------
    callable
        Called with ``on_progress``; an exception that raises ends the process.
    """

    def work(on_progress: Progress) -> T:
        # Safe path: no module of the folder where the server was started is taken for a library.
        command = [sys.executable, "-P", "-c", "from ellimaps.ui.shared.worker import main; main()"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            return cast("T", _followed(process, pickle.dumps((function, arguments)), on_progress))
        finally:
            _end(process)

    return work


def _followed(process: subprocess.Popen[bytes], task: bytes, on_progress: Progress) -> Any:
    assert process.stdin is not None
    said: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(process, said), daemon=True).start()
    process.stdin.write(task)
    process.stdin.flush()
    state = 0, 1, "starting"
    while True:
        try:
            kind, content = said.get(timeout=_LISTEN_S)
        except queue.Empty:
            kind, content = "progress", state
        if kind == "result":
            return content
        if kind == "error":
            raise content
        state = content
        on_progress(*state)


def _listen(process: subprocess.Popen[bytes], said: queue.SimpleQueue[tuple[str, Any]]) -> None:
    assert process.stdout is not None
    try:
        while True:
            said.put(pickle.load(process.stdout))  # noqa: S301 - what our own process says
    except Exception:
        said.put(("error", WorkerError("the process that did it ended, perhaps for lack of memory")))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process as it would itself, so that it takes its temporary files away; if need be, at once."""
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdin is not None
    process.stdin.close()


def main() -> None:
    """Do the work that comes in, and say what becomes of it."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What libraries print must not come between the pickles.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    inherit()
    function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - what the server says
    threading.Thread(target=_end_with_server, daemon=True).start()
    told = 0.0

    def tell(done: int, total: int, what: str) -> None:
        nonlocal told
        if time.monotonic() - told > _TELL_S:
            _say(out, "progress", (done, total, what))
            told = time.monotonic()

    try:
        result = function(*arguments, tell)
        # It is ended once it has said this, while it goes by itself.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _say(out, "result", result)
    except EllimapsError as error:
        _say(out, "error", error)
    except Exception as error:
        _say(out, "error", WorkerError(f"{type(error).__name__}: {error}"))
        raise


def _say(out: Any, kind: str, content: Any) -> None:
    pickle.dump((kind, content), out)
    out.flush()


def _end_with_server() -> None:
    # Not by `sys.stdin`: whoever waits in there holds a lock for which the interpreter waits at its end.
    while os.read(0, 1):
        pass
    os._exit(1)
