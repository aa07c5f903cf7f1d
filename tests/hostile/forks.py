"""Commands as forks of a process that has loaded the libraries: a kill costs what the work takes."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STEPS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link")


class Broken(Exception):
    """What a command did that it should not; the message says what."""


@dataclass(frozen=True)
class Ended:
    """A run that has ended: exit code (negative for a signal), what it said, seconds, steps of writing."""

    code: int
    said: str
    seconds: float = 0.0
    steps: int = 0

    def check(self, *codes: int) -> None:
        """Raise unless it ended with one of these codes, and where it failed with one sentence."""
        lines = [line for line in self.said.splitlines() if line and not line.endswith("...")]
        if self.code not in codes or "Traceback" in self.said:
            raise Broken(f"exit code {self.code}: {self.said[-1500:]}")
        if self.code and "failed" not in self.said and not _is_sentence(lines[-1:]):
            raise Broken(f"exit code {self.code} without a sentence: {self.said[-1500:]}")


def _is_sentence(lines: list[str]) -> bool:
    return bool(lines) and lines[0].startswith("ellimaps: ") and lines[0].endswith(".")


class Runner:
    """Runs commands as forks of this process.

    Attributes
    ----------
    cache : Path
        Where they keep what they have imported.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.cache = home, home / "cache"
        self.cache.mkdir(parents=True)

    def run(self, arguments: tuple[str, ...], **options) -> Ended:
        """Run a command to its end; see `begin`."""
        return self.begin(arguments, **options)[1]()

    def begin(
        self, arguments: tuple[str, ...], last_step: int = 0, prepare: Callable[[], object] = lambda: None
    ) -> tuple[int, Callable[[], Ended]]:
        """Start a command; return its process and what waits for its end.

        It is killed before the last step of writing that it may do, if one is given.
        """
        said, saying = os.pipe()
        fcntl.fcntl(saying, 1031, 1 << 20)  # F_SETPIPE_SZ: nobody reads before its end
        counted, counting = os.pipe()
        start = time.monotonic()
        process = os.fork()
        if not process:
            self._command(arguments, last_step, prepare, (saying, counting))
        os.close(saying)
        os.close(counting)

        def ended() -> Ended:
            _, status = os.waitpid(process, 0)
            seconds = time.monotonic() - start
            _let_workers_end(process)
            with os.fdopen(counted) as steps, os.fdopen(said, errors="replace") as text:
                return Ended(os.waitstatus_to_exitcode(status), text.read(), seconds, int(steps.read() or 0))

        return process, ended

    def _command(self, arguments, last_step, prepare, pipes) -> None:
        from ellimaps.cli import main

        code = 70
        try:
            os.setsid()
            saying, counting = pipes
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(saying, 1)
            os.dup2(saying, 2)
            os.close(saying)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            os.environ["ELLIMAPS_CACHE"] = str(self.cache)
            sys.argv = ["ellimaps", *arguments]
            gc.freeze()
            steps = _count_steps(last_step)
            prepare()
            try:
                main()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os.write(counting, str(steps()).encode())
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _count_steps(last: int) -> Callable[[], int]:
    count = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        mode = arguments[1] if event == "open" else ""
        if event in STEPS or (isinstance(mode, str) and set(mode) & set("wax+")):
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return lambda: count


def _let_workers_end(leader: int) -> None:
    """Wait for the workers of a command, which end by themselves when it is dead."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    os.killpg(leader, signal.SIGKILL)
    raise Broken("its workers outlived it by 30 s")
