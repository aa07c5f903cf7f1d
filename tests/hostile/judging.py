"""One input, one process: whether it was opened or refused in a sentence, and nothing else happened.

The process is a copy of this one, which has imported everything, so that it costs milliseconds. It has 2 GB
more than it begins with and 10 s; it may write below its own folder alone, and opens no socket and starts no
process.
"""

from __future__ import annotations

import gc
import io
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
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
    sys.addaudithook(_watch)
    for name, kind in formats.items():
        verdicts = [judged(kind, files, warm=True) for files in kind.variants]
        wrong = [verdict for verdict in verdicts if verdict.what != "opened"]
        # What ellimaps does not read it may well refuse; but nothing is learned from refusing everything.
        if any(verdict.is_finding for verdict in wrong) or len(wrong) > len(verdicts) / 2:
            raise AssertionError(f"a good input of {name}: {wrong[0].what}: {wrong[0].detail}")
    # Looking for garbage would copy the memory that a process shares with this one.
    gc.disable()
    gc.freeze()


def judged(kind: Format, files: Mapping[str | bytes, bytes], *, warm: bool = False) -> Verdict:
    """Open an input in a process of its own and say what came of it; ``warm`` opens it in this one first."""
    place = Path(tempfile.mkdtemp(prefix="hostile-", dir=_PLACE))
    try:
        folder, scratch = place / "input", place / "scratch"
        scratch.mkdir()
        written = write(folder, files)
        if warm:
            _imported(kind, folder, scratch)
        verdict = _in_process(kind, folder, scratch)
        if not verdict.is_finding and read(folder) != written:
            return Verdict(
                "changed its folder", ", ".join(map(repr, read(folder))), verdict.seconds, verdict.peak_bytes
            )
        return verdict
    finally:
        shutil.rmtree(place, ignore_errors=True)


def write(folder: Path, files: Mapping[str | bytes, bytes]) -> dict[bytes, bytes]:
    """Write an input; what the file system takes of its names is returned."""
    written = {}
    for name, content in files.items():
        place = folder / os.fsdecode(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.write_bytes(content)
        except OSError:
            continue
        written[os.fsencode(name)] = content
    folder.mkdir(exist_ok=True)
    return written


def read(folder: Path) -> dict[bytes, bytes]:
    """Return the files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {os.fsencode(path.relative_to(folder)): path.read_bytes() for path in files}


def _in_process(kind: Format, folder: Path, scratch: Path) -> Verdict:
    start = time.monotonic()
    said = tempfile.TemporaryFile(dir=_PLACE)  # noqa: SIM115 - closed below, when both processes are done
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(ours)
        _judge(kind, folder, scratch, theirs, said.fileno())
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
        return Verdict("hung", printed, seconds, peak)
    what, _, detail = answer.partition("\n")
    if os.WIFSIGNALED(status) or not what:
        return Verdict("died", f"signal {status & 127}: {printed}", seconds, peak)
    if what in ("opened", "refused") and printed:
        return Verdict("printed", printed, seconds, peak)
    if what in ("opened", "refused") and peak > MEMORY:
        return Verdict("took memory", f"{peak / 1e9:.2f} GB", seconds, peak)
    return Verdict(what, detail, seconds, peak)


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


def _judge(kind: Format, folder: Path, scratch: Path, answer: int, said: int) -> None:
    """Open the input, in the process that is there for it; it does not come back."""
    what = ""
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MEMORY, MEMORY))
        what = _opened_here(kind, folder, scratch)
    except BaseException:
        what = f"escaped\n{traceback.format_exc()}"
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        with os.fdopen(answer, "wb") as stream:
            stream.write(what.encode("utf-8", "backslashreplace"))
        os._exit(0)


def _opened_here(kind: Format, folder: Path, scratch: Path) -> str:
    from ellimaps.core.errors import EllimapsError

    for name in ("TMPDIR", "ELLIMAPS_CACHE", "ELLIMAPS_STATE", "ELLIMAPS_EVENTS", "HOME"):
        os.environ[name] = str(scratch)
    tempfile.tempdir = str(scratch)
    os.chdir(scratch)
    _watched[:] = [str(scratch)]
    try:
        kind.opened(folder)
    except EllimapsError as error:
        return _refusal(str(error))
    except _BreachError as error:
        return f"breached\n{error}"
    finally:
        _watched.clear()
        os.chdir(_PLACE)
        tempfile.tempdir = _PLACE
    return "opened"


def _imported(kind: Format, folder: Path, scratch: Path) -> None:
    """Open a good input here and now, so that the copies of this process need import nothing."""
    from ellimaps.core.errors import EllimapsError

    os.environ["ELLIMAPS_CACHE"] = str(scratch)
    with suppress(EllimapsError), redirect_stdout(io.StringIO()):
        kind.opened(folder)


def _refusal(sentence: str) -> str:
    """A refusal is one line that a terminal can show, and ends as a sentence does."""
    is_one = sentence.isprintable() and sentence.endswith((".", "?")) and len(sentence) < 1000
    return f"{'refused' if is_one else 'refused without a sentence'}\n{sentence!r}"


class _BreachError(BaseException):
    """An input made us do what no input may."""


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
