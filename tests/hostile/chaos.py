"""Commands that write, under kills and in want: ``make chaos KILLS=50 SEED=1``.

Every command has results of other settings in its output folder, is killed at a random moment (in turn at a
random time, and before a random step of writing), is looked at with the eyes of a reader, and is run again.
It must then have written the bytes of an undisturbed run and left nothing else. After that it gets a full
disk, an output it may not write, 64 file handles, a twin with the same output, and no home and no cache.

Runs are forks of a process that has loaded the libraries: a kill costs what the work takes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from ellimaps.core.errors import ReadError
from ellimaps.core.swap import STAGING
from hostile.forks import Broken, Ended, Runner
from hostile.seen import Contents, content_of
from hostile.writing import Command, commands

LOADED = (
    "batch.cells batch.engines batch.maps batch.plates batch.recipes batch.runner classify.training "
    "classify.model_file cli maps.films.files maps.nexus plates.ome_zarr plates.outputs plates.report "
    "sensors.analysis.whole_logs readers.spectra sensors.report_page sensors.store.logs "
    "sensors.analysis.figures sensors.figures writers.images"
)
LIBRARIES = (
    "contourpy duckdb matplotlib.backends.backend_agg matplotlib.figure multiprocessing.popen_spawn_posix "
    "PIL.JpegImagePlugin pyarrow.dataset pyarrow.parquet pydantic.main pydantic.type_adapter scipy.optimize "
    "sklearn.linear_model skops.io"
)


@dataclass
class Trial:
    """A command, and what has become of it.

    Attributes
    ----------
    found : Counter of str
        How often what happened.
    wrong : list of str
        What should not have happened.
    """

    runner: Runner
    command: Command
    chance: random.Random
    found: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.out, self.old = self.runner.home / "out", self.runner.home / "old"
        self.arguments = tuple(one.replace("OUT", str(self.out)) for one in self.command.arguments)

    def __call__(self, kills: int) -> None:
        """Do everything, and go on where something is wrong."""
        trials = [("undisturbed", self.undisturbed)]
        trials += [(f"kill {number}", lambda number=number: self.kill(number)) for number in range(kills)]
        want = (self.full_disk, self.small_disk, self.few_handles, self.read_only, self.twins, self.homeless)
        trials += [(trial.__name__, trial) for trial in want]
        for what, trial in trials:
            try:
                trial()
                self.found["trials"] += 1
            except Exception as error:
                told = str(error) if isinstance(error, Broken | ReadError) else traceback.format_exc()
                self.wrong.append(f"{self.command.name}, {what}: {told}")
                if what == "undisturbed":
                    return

    def undisturbed(self) -> None:
        """Learn the bytes of other settings, and then of the command itself."""
        self._clear()
        if self.command.before:
            shutil.copytree(self.command.before, self.out)
        if self.command.other:
            self.runner.run((*self.arguments, *self.command.other)).check(0)
        if self.out.is_dir():
            shutil.copytree(self.out, self.old)
        self.old_sets = self.command.sets(self.out) if self.command.other else {}
        run = self.runner.run(self.arguments)
        run.check(0)
        self.seconds, self.steps = run.seconds, run.steps
        self.new_sets, self.final = self.command.sets(self.out), self._all_files()
        if self.old_sets == self.new_sets or not self.steps:
            raise Broken("its other settings give the same results")

    def kill(self, number: int) -> None:
        """Kill it at a random moment, look at what is there, and run it again."""
        self._reset()
        if number % 2:
            run = self.runner.run(self.arguments, last_step=self.chance.randint(1, self.steps))
        else:
            process, ended = self.runner.begin(self.arguments)
            time.sleep(self.chance.uniform(0, self.seconds))
            os.kill(process, signal.SIGKILL)
            run = ended()
        self.found["kills" if run.code == -signal.SIGKILL else "kills too late"] += 1
        if run.code != -signal.SIGKILL:
            run.check(0)
        self.found["kills that left something staged"] += (self.out / STAGING).exists()
        self.found[f"kills that left {self._reader()}"] += 1
        self._resume()

    def full_disk(self) -> None:
        """Let files have a few bytes only, which needs no rights."""
        largest = max(map(len, self.final.values()))
        for most in (0, 700, *(self.chance.randint(1, largest) for _ in range(2))):
            self._in_want("full disk", lambda most=most: _limit(resource.RLIMIT_FSIZE, most))

    def small_disk(self) -> None:
        """Give it a disk that is full in earnest."""
        size = sum(map(len, self.final.values()))
        for share in (0.0, 0.3, 0.8):
            self._reset()
            with _small_disk(self.out, _bytes_on_disk(self.old) + int(share * size)) as possible:
                if not possible:
                    self.found["small disk: skipped, this user may mount none"] += 1
                    return
                if self.old.is_dir():
                    shutil.copytree(self.old, self.out, dirs_exist_ok=True)
                run = self.runner.run(self.arguments)
                run.check(0, 1, 2, 3)
                self._reader()
                self.found[f"small disk: {'done' if run.code == 0 else 'told'}"] += 1

    def few_handles(self) -> None:
        """Let it open 64 files."""
        self._in_want("64 handles", lambda: _limit(resource.RLIMIT_NOFILE, 64))

    def read_only(self) -> None:
        """Let it write nothing into its output."""
        self._reset()
        self.out.mkdir(exist_ok=True)
        with _read_only(self.out) as possible:
            if not possible:
                self.found["read-only output: skipped, this user may write everywhere and mount nothing"] += 1
                return
            self.runner.run(self.arguments).check(1, 2, 3)
            self._reader()
        self.found["read-only output: told"] += 1
        self._resume()

    def twins(self) -> None:
        """Run it twice at once into one folder."""
        self._reset()
        _, first = self.runner.begin(self.arguments)
        time.sleep(self.chance.uniform(0, 0.3 * self.seconds))
        runs = [self.runner.run(self.arguments), first()]
        for run in runs:
            run.check(0, 1, 3)
        if all(run.code for run in runs):
            raise Broken("neither of two did it")
        self.found[f"twins: {sum(not run.code for run in runs)} of 2 did it"] += 1
        self._resume()

    def homeless(self) -> None:
        """Start it as a new process that can write into its output alone."""
        self._reset()
        nowhere = dict.fromkeys(("HOME", "ELLIMAPS_CACHE", "ELLIMAPS_STATE"), "/dev/null/nowhere")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL"))}
        start = [sys.executable, "-c", "from ellimaps.cli import main; main()", *self.arguments]
        done = subprocess.run(start, capture_output=True, text=True, check=False, env=kept | nowhere)
        Ended(done.returncode, done.stderr).check(1 if self.command.caches else 0)
        self._reader()
        self.found[f"no home and no cache: {'told' if done.returncode else 'done'}"] += 1

    def _in_want(self, what: str, limit: Callable[[], object]) -> None:
        """It does its work or says why not; what was there is whole, and without the want it is done."""
        self._reset()
        run = self.runner.run(self.arguments, prepare=limit)
        run.check(0, 1, 2, 3)
        self.found[f"{what}: {'told' if run.code else 'done'}"] += 1
        self._reader()
        if not run.code:
            self._check_final()
        self._resume()

    def _clear(self) -> None:
        for folder in (self.out, self.runner.cache):
            shutil.rmtree(folder, ignore_errors=True)
        self.runner.cache.mkdir()

    def _reset(self) -> None:
        self._clear()
        if self.old.is_dir():
            shutil.copytree(self.old, self.out)

    def _reader(self) -> str:
        """Raise unless a reader sees old or new results and no others; return which."""
        seen = self.command.sets(self.out) if self.out.is_dir() else {}
        states = set()
        for name, files in seen.items():
            of_old, of_new = files == self.old_sets.get(name, {}), files == self.new_sets.get(name, {})
            if not of_old and not of_new:
                raise Broken(f"mixed files: {name} has {sorted(files)}")
            states |= {"new results"} if not of_old else {"old results"} if not of_new else set()
        if len(states) > 1:
            raise Broken(f"old and new results beside each other: {sorted(seen)}")
        return states.pop() if states else "no results"

    def _resume(self) -> None:
        run = self.runner.run(self.arguments)
        run.check(1 if "is not empty" in run.said and not self.command.other else 0)
        self._check_final()

    def _check_final(self) -> None:
        now = self._all_files()
        if now != self.final:
            differing = sorted(name for name in {*now, *self.final} if now.get(name) != self.final.get(name))
            raise Broken(f"other files at the end: {differing[:6]}")

    def _all_files(self) -> Contents:
        """Return all files of the output, hidden ones too, and what lies in the cache beside its stores."""
        paths = [path for path in self.out.rglob("*") if path.is_file()]
        found = {path.relative_to(self.out).as_posix(): content_of(path) for path in paths}
        # It says who has it.
        found.pop(".ellimaps/lock", None)
        cached = [path.name for path in self.runner.cache.glob("*/*")]
        left = [f"cache: {name}" for name in cached if name.startswith(".")]
        return found | dict.fromkeys(left, b"") | {"stores": str(len(cached) - len(left)).encode()}


def _limit(what: int, value: int) -> None:
    resource.setrlimit(what, (value, resource.getrlimit(what)[1]))


def _bytes_on_disk(folder: Path) -> int:
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


@contextmanager
def _read_only(folder: Path) -> Iterator[bool]:
    """Return a context in which nothing can be written into a folder, and whether there is such a thing."""
    if os.geteuid():
        folder.chmod(0o500)
        yield True
        folder.chmod(0o700)
        return
    with _mounted("--bind", str(folder), str(folder)) as bound:
        remount = ["mount", "-o", "remount,ro,bind", str(folder)]
        yield bound and not subprocess.run(remount, capture_output=True, check=False).returncode


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[bool]:
    """Return a context in which a folder is a disk of some bytes, and whether there is such a thing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with _mounted("-t", "tmpfs", "-o", f"size={size + 4096}", "none", str(folder)) as possible:
        yield possible


@contextmanager
def _mounted(*arguments: str) -> Iterator[bool]:
    possible = not os.geteuid() and not subprocess.run(["mount", *arguments], capture_output=True).returncode
    try:
        yield possible
    finally:
        if possible:
            subprocess.run(["umount", arguments[-1]], check=True)


def chaos(home: Path, kills: int, seed: int, jobs: int = 1, names: tuple[str, ...] = ()) -> list[str]:
    """Try commands, in some processes at once; print what happened and return what was wrong.

    Parameters
    ----------
    home : Path
        An empty folder to work in.
    kills : int
        Of each command.
    seed : int
        Of the moments.
    jobs : int
        Processes.
    names : tuple of str
        Which commands; all where none is named.
    """
    for module in (*(f"ellimaps.{name}" for name in LOADED.split()), *LIBRARIES.split()):
        import_module(module)
    found = commands(Runner(home), names)
    waiting, giving = os.pipe()
    os.write(giving, bytes(range(len(found))))
    os.close(giving)
    children = []
    for _ in range(jobs):
        children.append(os.fork())
        if not children[-1]:
            for number in iter(lambda: os.read(waiting, 1), b""):
                _try(home / f"trial {number[0]}", found[number[0]], kills, seed)
            os._exit(0)
    os.close(waiting)
    for child in children:
        os.waitpid(child, 0)
    reports = [home / f"trial {number}" / "wrong.json" for number in range(len(found))]
    return [
        line
        for report, command in zip(reports, found, strict=True)
        for line in (json.loads(report.read_text()) if report.is_file() else [f"{command.name}: broke down"])
    ]


def _try(home: Path, command: Command, kills: int, seed: int) -> None:
    start = time.monotonic()
    trial = Trial(Runner(home), command, random.Random(f"{seed} {command.name}"))
    trial(kills)
    told = "; ".join(f"{count} {what}" for what, count in sorted(trial.found.items()) if count)
    times = os.times()
    worked = times.user + times.system + times.children_user + times.children_system
    took = f"{time.monotonic() - start:.0f} s, {worked:.0f} s of processor time in this process by now"
    print(f"{command.name}: {told}; {len(trial.wrong)} wrong; {took}", flush=True)
    for line in trial.wrong:
        print(f"  WRONG {line}", flush=True)
    (home / "wrong.json").write_text(json.dumps(trial.wrong))


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=50, help="of each command")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("names", nargs="*", help="commands, as 'batch maps' (default: all)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ellimaps-chaos-") as folder:
        wrong = chaos(Path(folder), given.kills, given.seed, given.jobs, tuple(given.names))
    print(f"{len(wrong)} wrong, seed {given.seed}, {given.kills} kills of each command")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
