"""Commands that write, under kills and in want: ``make chaos KILLS=50 SEED=1``.

Every command has results of other settings in its output folder, is killed at a random moment (in turn at a
random time, and before a random step of writing), is looked at with the eyes of a reader, and is run again.
It must then have written the bytes of an undisturbed run and left nothing else. After that it gets a full
disk, an output it may not write, 64 file handles, a twin with the same output, and no home and no cache.

Runs are forks of a process that has loaded the libraries: a kill costs what the work takes.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
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

from support.cell_pictures import labelled_folder

from ellimaps.batch.assemble import TABLES
from ellimaps.batch.marks import PROVENANCE
from ellimaps.batch.results import read_results
from ellimaps.core.errors import ReadError
from ellimaps.core.swap import STAGING, current
from ellimaps.plates.measuring.profiles import read_profiles
from ellimaps.plates.measuring.thumbnails import read_thumbnails
from ellimaps.samples import sample_cells, sample_ep4, sample_plate, sample_sensors

STEPS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link")
LOADED = (
    "batch.cells batch.engines batch.maps batch.plates batch.recipes batch.runner classify.training "
    "classify.model_file cli maps.films.files plates.outputs plates.report sensors.analysis.whole_logs "
    "readers.spectra sensors.report_page sensors.store.logs sensors.analysis.figures sensors.figures"
)
LIBRARIES = (
    "contourpy duckdb matplotlib.backends.backend_agg matplotlib.figure multiprocessing.popen_spawn_posix "
    "PIL.JpegImagePlugin pyarrow.dataset pyarrow.parquet pydantic.main pydantic.type_adapter scipy.optimize "
    "sklearn.linear_model skops.io"
)

Contents = dict[str, bytes]
Sets = dict[str, Contents]


class Broken(Exception):
    """What a command did that it should not; the message says what."""


# What a reader sees.


def content_of(path: Path) -> bytes:
    """Return what a file holds, without the seconds that a run took."""
    content = path.read_bytes()
    if path.name.endswith("_estimate.csv"):
        # Its last column.
        return b"\n".join(line.rpartition(b",")[0] for line in content.splitlines())
    if path.suffix == ".json" and (b'"timings_s"' in content or path.name.endswith("_estimate.json")):
        facts = json.loads(content)
        facts.pop("timings_s", None)
        if path.name.endswith("_estimate.json"):
            facts["files_sha256"] = ""
            for row in facts["table"]:
                row.pop("seconds")
        return json.dumps(facts).encode()
    return content


def files_of(out: Path) -> Contents:
    """Return all files that are not hidden, as a reader finds them."""
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    manifest = out / STAGING / "manifest.json"
    if manifest.is_file():
        facts = json.loads(manifest.read_text())
        names = (names | {*facts["files"]}) - {*facts["stale"]}
    shown = sorted(name for name in names if not name.startswith("."))
    return {name: content_of(current(out, name)) for name in shown}


def one_set(out: Path) -> Sets:
    """Return all files as one set."""
    return {"files": files_of(out)}


def batch_sets(out: Path) -> Sets:
    """Return the tables, and the pictures that are shown beside them."""
    tables = {name: content for name, content in files_of(out).items() if name in (*TABLES, PROVENANCE)}
    found = {"tables": tables}
    if tables:
        results = read_results(out)
        shown = [results.picture(image) for _, image in results.images.iterrows()]
        found |= {str(path.relative_to(out)): {"": path.read_bytes()} for path in shown if path is not None}
    return found


def plate_sets(out: Path) -> Sets:
    """Return the profiles, and the thumbnails that are shown beside them."""
    files = files_of(out)
    thumbnails = {name: files.pop(name) for name in list(files) if name.startswith("thumbnails")}
    found = {"profiles": files}
    if files and read_thumbnails(out, read_profiles(out, cells=True).fields) is not None:
        found["thumbnails"] = thumbnails
    return found


# Runs.


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


# Trials of one command.


@dataclass(frozen=True)
class Command:
    """A command that writes.

    Attributes
    ----------
    name : str
        What it is called here.
    arguments : tuple of str
        Of the command line; OUT stands for its output folder.
    other : tuple of str
        Options that give other results in the same folder; none where that must be empty.
    sets : callable
        ``sets(out)`` returns what a reader sees: files that belong together, by what they are.
    before : Path, optional
        What lies in the folder before all that.
    caches : bool
        Whether it cannot do without a cache.
    """

    name: str
    arguments: tuple[str, ...]
    other: tuple[str, ...] = ()
    sets: Callable[[Path], Sets] = one_set
    before: Path | None = None
    caches: bool = False


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


# The commands.


def commands(runner: Runner, names: tuple[str, ...] = ()) -> list[Command]:
    """Make the inputs of commands, and return these; all where none is named."""
    made = runner.home / "inputs"
    made.mkdir()
    kinds = (_map_commands, _cell_commands, _plate_commands, _sensor_commands, _sample_commands)
    wanted = [kind for kind in kinds if not names or any(name in kind.__doc__ for name in names)]
    found = [command for kind in wanted for command in kind(runner, made)]
    return [command for command in found if not names or command.name in names]


def _map_commands(_: Runner, made: Path) -> Iterator[Command]:
    """Make: segment, estimate, fit, batch maps."""
    for number in range(3):
        sample_ep4(made / "maps" / f"m{number}", seed=number, size=(32, 40), bands=6, kinds=3)
    (made / "recipe.toml").write_text("k = 3\n")
    one, model = str(made / "maps" / "m0"), ("--model", str(made / "maps" / "m0" / "model.toml"))
    yield Command("segment", ("segment", one, "--out", "OUT", "-k", "3"), ("-k", "4"))
    yield Command("estimate", ("estimate", one, "--out", "OUT"), ("--k-max", "4"))
    yield Command("fit", ("fit", one, *model, "--out", "OUT", "-k", "3"), ("-k", "2"))
    batch = ("batch", str(made / "recipe.toml"), str(made / "maps"), "--out", "OUT", "--workers", "1")
    yield Command("batch maps", batch, model, batch_sets)


def _cell_commands(runner: Runner, made: Path) -> Iterator[Command]:
    """Make: cells detect, cells measure, cells train."""
    counts = {"dates": 1, "subjects": 1, "experiments": 2, "fovs": 2, "count": (2, 3)}
    images = str(sample_cells(made / "images", **counts, size=(96, 96), radius=(8, 16)))
    detect = ("cells", "detect", images, "--workers", "1", "--radius", "8", "25")
    yield Command("cells detect", (*detect, "--out", "OUT"), ("--kind", "nuclei"), batch_sets)
    runner.run((*detect, "--out", str(made / "found"))).check(0)
    masks = str(made / "found" / "labels")
    measure = ("cells", "measure", images, "--labels", masks, "--out", "OUT", "--workers", "1")
    yield Command("cells measure", measure, ("--names", "cellprofiler"), batch_sets)
    pictures, labels = map(str, labelled_folder(made / "cells", count=6))
    train = ("cells", "train", pictures, "--labels", labels, "--out", "OUT/a.ellimodel", "--repeats", "1")
    yield Command("cells train", train, ("--seed", "3"))


def _plate_commands(runner: Runner, made: Path) -> Iterator[Command]:
    """Make: plates profile, plates embed, plates report."""
    plate = sample_plate(made / "plate", wells=48, fields=1, size=128)
    options = ("--layout", str(plate / "layout.csv"), "--workers", "1", "--radius", "2", "8")
    few = shutil.copytree(plate / "images", made / "few", ignore=lambda _, files: sorted(files)[12:])
    profile = ("plates", "profile", str(few), *options, "--out", "OUT")
    yield Command("plates profile", profile, ("--radius", "3", "7"), plate_sets)
    profiles = made / "profiles"
    runner.run(("plates", "profile", str(plate / "images"), *options, "--out", str(profiles))).check(0)
    embed = ("plates", "embed", "OUT", "--method", "tsne")
    yield Command("plates embed", embed, ("--seed", "3"), before=profiles)
    report = ("plates", "report", str(profiles), "--out", "OUT/plate.html")
    yield Command("plates report", report, ("--correct", "polish"))


def _sensor_commands(_: Runner, made: Path) -> Iterator[Command]:
    """Make: sensors summary, sensors stability, sensors anomalies, sensors explain, sensors report."""
    log = sample_sensors(made / "log", days=12, every=60) / "log.csv"
    os.utime(log, (time.time() - 7200,) * 2)
    for name in ("summary", "stability", "anomalies", "explain"):
        arguments = ("sensors", name, str(log), "--out", "OUT")
        yield Command(f"sensors {name}", arguments, ("--end", "2025-01-15"), caches=True)
    report = ("sensors", "report", str(log), "--out", "OUT/log.html")
    yield Command("sensors report", report, ("--limit", "2"), caches=True)


def _sample_commands(_: Runner, made: Path) -> Iterator[Command]:  # noqa: ARG001
    """Make: sample ep4, sample cells, sample plate, sample sensors."""
    yield Command("sample ep4", ("sample", "ep4", "OUT", "--size", "32", "40", "--bands", "2"))
    small = ("--fovs", "1", "--size", "64", "64", "--radius", "4", "9")
    yield Command("sample cells", ("sample", "cells", "OUT", *small))
    yield Command(
        "sample plate", ("sample", "plate", "OUT", "--wells", "48", "--fields", "1", "--size", "128")
    )
    yield Command("sample sensors", ("sample", "sensors", "OUT", "--days", "3", "--every", "60"))


# All of it.


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
