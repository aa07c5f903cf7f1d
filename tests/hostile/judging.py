"""One input, one process: whether it was opened or refused in a sentence, and nothing else happened.

The process is a copy of this one, which has imported everything, so that it costs milliseconds. It has 2 GB
more than it begins with and 10 s; it may write below its own folder alone, and opens no socket and starts no
process. Some inputs may share one as long as nothing happens; else each is opened again, alone.
"""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from hostile.corpus import Format

SECONDS = 10
MEMORY = 2 << 30

# Inputs are small and many: a disk would be what takes the time.
_PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()

_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "pty.",
    "pickle.find_class",
)
_CHANGING = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "shutil.rmtree",
)
Input = Mapping[str | bytes, bytes]
"""What lies in a folder: contents by path, which may be no text."""

_watched: list[str] = []
"""The only folder that may be written to while an input is opened; nothing is watched while it is empty."""


@dataclass(frozen=True)
class Verdict:
    """What came of an input: ``opened``, ``refused``, or what it did that it must not; and what it took."""

    what: str
    detail: str
    seconds: float
    peak_bytes: int

    @property
    def is_finding(self) -> bool:
        """Whether it did what no input may do."""
        return self.what not in ("opened", "refused")


def prepare(formats: Mapping[str, Format]) -> None:
    """Import what opening takes, and watch from now on what opening does."""
    os.environ["ELLIMAPS_WORKING_SET_GB"] = "1"
    _begin_to_watch()
    for name, kind in formats.items():
        verdicts = [judged(kind, files, warm=True) for files in kind.variants]
        wrong = [verdict for verdict in verdicts if verdict.what != "opened"]
        # What ellimaps does not read it may well refuse; but nothing is learned from refusing everything.
        if any(verdict.is_finding for verdict in wrong) or len(wrong) > len(verdicts) / 2:
            raise AssertionError(f"a good input of {name}: {wrong[0].what}: {wrong[0].detail}")
    # Looking for garbage would copy the memory that a process shares with this one.
    gc.disable()
    gc.freeze()


def judged(kind: Format, files: Input, *, warm: bool = False) -> Verdict:
    """Open an input in a process of its own and say what came of it; ``warm`` opens it in this one first."""
    with _placed([files]) as places:
        if warm:
            _imported(kind, places[0])
        (verdict,) = _in_process(kind, places)
        if not verdict.is_finding and read(places[0] / "input") != _as_written(files):
            return replace(verdict, what="changed its folder", detail=repr(sorted(read(places[0] / "input"))))
        return verdict


def judged_together(kind: Format, inputs: Sequence[Input]) -> list[Verdict]:
    """Open some inputs one after the other in one process; if anything happens, each in one of its own."""
    with _placed(inputs) as places:
        verdicts = _in_process(kind, places)
        good = len(verdicts) == len(inputs) and not any(verdict.is_finding for verdict in verdicts)
        good = good and all(
            read(place / "input") == _as_written(files) for place, files in zip(places, inputs, strict=True)
        )
    return verdicts if good else [judged(kind, files) for files in inputs]


@contextmanager
def _placed(inputs: Sequence[Input]) -> Iterator[list[Path]]:
    """Return folders with ``input`` and an empty ``scratch`` for each of some inputs."""
    root = Path(tempfile.mkdtemp(prefix="hostile-", dir=_PLACE))
    try:
        places = [root / str(number) for number in range(len(inputs))]
        for place, files in zip(places, inputs, strict=True):
            (place / "scratch").mkdir(parents=True)
            write(place / "input", files)
        yield places
    finally:
        shutil.rmtree(root, ignore_errors=True)


def write(folder: Path, files: Input) -> None:
    """Write an input: what the file system takes of its names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        place = folder / os.fsdecode(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            place.write_bytes(content)


def _as_written(files: Input) -> dict[bytes, bytes]:
    return {os.fsencode(name): content for name, content in files.items()}


def read(folder: Path) -> dict[bytes, bytes]:
    """Return the files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {os.fsencode(path.relative_to(folder)): path.read_bytes() for path in files}


def _in_process(kind: Format, places: Sequence[Path]) -> list[Verdict]:
    """Open inputs in a new process; if it hangs, dies, prints or takes memory, that is the one verdict."""
    start = time.monotonic()
    said = tempfile.TemporaryFile(dir=_PLACE)  # noqa: SIM115 - closed below, when both processes are done
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(ours)
        _judge(kind, places, theirs, said.fileno())
    os.close(theirs)
    answer = _answer(ours, start + SECONDS)
    if answer is None:
        os.kill(process, signal.SIGKILL)
    _, status, used = os.wait4(process, 0)
    seconds, peak = time.monotonic() - start, used.ru_maxrss * 1024
    said.seek(0)
    printed = said.read(4000).decode("utf-8", "replace").strip()
    said.close()
    if answer is None:
        return [Verdict("hung", printed, seconds, peak)]
    if os.WIFSIGNALED(status) or not answer:
        return [Verdict("died", f"signal {status & 127}: {printed}", seconds, peak)]
    verdicts = [Verdict(*json.loads(line), peak) for line in answer.splitlines()]
    if not any(verdict.is_finding for verdict in verdicts) and (printed or peak > MEMORY):
        what = ("printed", printed) if printed else ("took memory", f"{peak / 1e9:.2f} GB")
        return [Verdict(*what, seconds, peak)]
    return verdicts


def _answer(pipe: int, deadline: float) -> str | None:
    """Return what a process says until it ends; None if it does not end in time."""
    parts = []
    with os.fdopen(pipe, "rb", buffering=0) as stream:
        while True:
            ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            part = stream.read(65536)
            if not part:
                return b"".join(parts).decode("utf-8", "replace")
            parts.append(part)


def _judge(kind: Format, places: Sequence[Path], answer: int, said: int) -> None:
    """Open the inputs, in the process that is there for them; it does not come back."""
    try:
        with os.fdopen(answer, "w", encoding="ascii") as stream:
            os.dup2(said, 1)
            os.dup2(said, 2)
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (MEMORY, MEMORY))
            for place in places:
                start = time.monotonic()
                try:
                    what, detail = _opened_here(kind, place)
                except BaseException:
                    what, detail = "escaped", traceback.format_exc()
                print(json.dumps([what, detail, time.monotonic() - start]), file=stream)
            sys.stdout.flush()
            sys.stderr.flush()
    # Whatever fails here, no second copy of the process may go on.
    finally:
        os._exit(0)


def _opened_here(kind: Format, place: Path) -> tuple[str, str]:
    from ellimaps.core.errors import EllimapsError

    scratch = str(place / "scratch")
    for name in ("TMPDIR", "ELLIMAPS_CACHE", "ELLIMAPS_STATE", "ELLIMAPS_EVENTS", "HOME"):
        os.environ[name] = scratch
    tempfile.tempdir = scratch
    os.chdir(scratch)
    _watched[:] = [scratch]
    try:
        kind.opened(place / "input")
    except EllimapsError as error:
        return _refusal(str(error))
    except _BreachError as error:
        return "breached", str(error)
    finally:
        _watched.clear()
        os.chdir(_PLACE)
        tempfile.tempdir = _PLACE
    return "opened", ""


def _imported(kind: Format, place: Path) -> None:
    """Open a good input here and now, so that the copies of this process need import nothing."""
    from ellimaps.core.errors import EllimapsError

    os.environ["ELLIMAPS_CACHE"] = str(place / "scratch")
    with suppress(EllimapsError), redirect_stdout(io.StringIO()):
        kind.opened(place / "input")


def _refusal(sentence: str) -> tuple[str, str]:
    """A refusal is one line that a terminal can show, and ends as a sentence does."""
    is_one = sentence.isprintable() and sentence.endswith((".", "?")) and len(sentence) < 1000
    return "refused" if is_one else "refused without a sentence", repr(sentence)


class _BreachError(BaseException):
    """An input made us do what no input may."""


@cache
def _begin_to_watch() -> None:
    """Have Python tell of what is opened and started; it cannot be taken back."""
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if not _watched:
        return
    if event.startswith(_FORBIDDEN) or (event in _CHANGING and not _is_ours(arguments[0])):
        raise _BreachError(f"{event} {arguments!r:.200}")
    if event == "open":
        path, _, flags = arguments
        changes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if changes and not _is_ours(path):
            raise _BreachError(f"open {path!r:.200}")


def _is_ours(path: object) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return True
    # Not resolved: nothing is to be looked up on the disk by who watches.
    full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
    return full.startswith((*_watched, "/dev/null"))
