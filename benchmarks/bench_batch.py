"""Many images: workers against one, memory over time, Dask, killed workers, a killed runner.

    python benchmarks/bench_batch.py [--images 2000] [--size 256] [--kills 10]

Images are small (256 x 256 by default) so that 2,000 of them take minutes; larger ones scale better, as
reading and writing weigh less. Every part compares its tables, byte by byte, with the first one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from ellimaps.samples import sample_cells

ELLIMAPS = [sys.executable, "-c", "from ellimaps.cli import main; main()"]
SAID: list[str] = []
TABLES = ("experiments.csv", "experiments.parquet", "images.csv", "failures.csv")


def main() -> None:
    """Run all parts and print what they gave."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write what was printed to this file")
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench_batch-") as scratch:
        folder = Path(scratch)
        root = _phantoms(folder / "acquisitions", choices.images, choices.size)
        one = _timed("--workers 1", root, folder / "one", ["--workers", "1"])
        two = _timed("--workers 2", root, folder / "two", ["--workers", "2"])
        four = _timed("--workers 4", root, folder / "four", ["--workers", "4"])
        for workers, seconds in ((2, two), (4, four)):
            say(f"--workers {workers} is {one / seconds:.2f} times as fast as --workers 1")
        say(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}")
        truth = _tables(folder / "one")
        _same("--workers 2", folder / "two", truth)
        _same("--workers 4", folder / "four", truth)
        _again(root, folder / "two")
        _worker_killed(root, folder / "worker_killed", two, truth)
        _dask(root, folder, two, truth)
        _runner_killed(root, folder / "runner_killed", two, choices.kills, truth)
    if choices.json:
        lines = {f"{number:02}": line for number, line in enumerate(SAID)}
        choices.json.write_text(json.dumps({"many images": lines}, indent=2) + "\n", encoding="utf-8")


def say(text: str) -> None:
    """Print a line, and keep it for the file."""
    print(text, flush=True)
    SAID.append(text)


def _phantoms(folder: Path, images: int, size: int) -> Path:
    fovs = max(1, images // 20)
    sample_cells(
        folder, dates=2, subjects=5, experiments=2, fovs=fovs, size=(size, size), count=(3, 8), radius=(8, 25)
    )
    say(f"{20 * fovs} phantom images of {size} x {size} pixels")
    return folder


def _command(root: Path, out: Path, options: list[str]) -> list[str]:
    return [
        *ELLIMAPS,
        "cells",
        "detect",
        str(root),
        "--out",
        str(out),
        "--radius",
        "8",
        "25",
        "--json",
        *options,
    ]


def _timed(name: str, root: Path, out: Path, options: list[str]) -> float:
    process = subprocess.Popen(
        _command(root, out, options), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    memory = _Memory(process.pid)
    text, _ = process.communicate()
    memory.stop()
    facts = json.loads(text)
    rate = facts["done"] / facts["seconds"]
    say(f"{name}: {facts['seconds']:.1f} s, {rate:.1f} images/s, {facts['objects']} objects; {memory}")
    return float(facts["seconds"])


class _Memory:
    """Resident memory of a process and its children, watched in a thread."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._runner: list[int] = []
        self._family: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            try:
                own = self._process.memory_info().rss
                children = [child.memory_info().rss for child in self._process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            self._runner.append(own)
            self._family.append(own + sum(children))

    def __str__(self) -> str:
        def quarters(values: list[int]) -> str:
            step = max(1, len(values) // 4)
            parts = [values[start : start + step] for start in range(0, 4 * step, step)]
            return " ".join(f"{max(part) / 1e6:.0f}" for part in parts if part)

        own, family = quarters(self._runner), quarters(self._family)
        return f"MB by quarter of the run: runner {own}, with workers {family}"


def _tables(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in TABLES}


def _same(name: str, out: Path, truth: dict[str, bytes]) -> None:
    different = [table for table, content in _tables(out).items() if content != truth[table]]
    say(f"{name}: tables {'DIFFER: ' + ', '.join(different) if different else 'identical, byte by byte'}")
    if different:
        sys.exit(1)


def _again(root: Path, out: Path) -> None:
    done = subprocess.run(_command(root, out, ["--workers", "2"]), capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout)
    say(f"run again: {facts['skipped']} skipped in {facts['seconds']:.1f} s")


def _worker_killed(root: Path, out: Path, seconds: float, truth: dict[str, bytes]) -> None:
    process = subprocess.Popen(
        _command(root, out, ["--workers", "2"]), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    time.sleep(seconds / 2)
    workers = [c for c in psutil.Process(process.pid).children() if "spawn_main" in " ".join(c.cmdline())]
    workers[0].send_signal(signal.SIGKILL)
    text, _ = process.communicate()
    say(f"one of {len(workers)} local workers killed half way: exit {process.returncode}, {_counts(text)}")
    _same("local worker killed", out, truth)


def _counts(text: str) -> str:
    facts: dict[str, Any] = json.loads(text)
    return ", ".join(f"{facts[name]} {name}" for name in ("done", "skipped", "failed"))


def _dask(root: Path, folder: Path, local: float, truth: dict[str, bytes]) -> None:
    address = "tcp://127.0.0.1:28786"
    started = [
        _dask_part("scheduler", ["--host", "127.0.0.1", "--port", "28786", "--dashboard-address", ":0"])
    ]
    options = [address, "--nthreads", "1", "--dashboard-address", ":0"]
    started += [_dask_part("worker", options) for _ in range(2)]
    try:
        seconds = _timed("--scheduler, 2 worker processes", root, folder / "dask", ["--scheduler", address])
        say(f"2 Dask workers, each with its nanny, take {seconds / local:.2f} times as long as --workers 2")
        _same("Dask", folder / "dask", truth)
        out = folder / "dask_killed"
        process = subprocess.Popen(
            _command(root, out, ["--scheduler", address]),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        time.sleep(seconds / 2)
        _kill(started[1])
        text, _ = process.communicate()
        say(f"one of 2 Dask workers killed half way: exit {process.returncode}, {_counts(text)}")
        _same("Dask worker killed", out, truth)
    finally:
        for one in started:
            _kill(one)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process, and the worker that is a nanny's child."""
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    for child in children:
        child.kill()
    process.wait()


def _dask_part(kind: str, options: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", kind, *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _runner_killed(root: Path, out: Path, seconds: float, kills: int, truth: dict[str, bytes]) -> None:
    moments = random.Random(1)
    for number in range(kills):
        process = subprocess.Popen(
            _command(root, out, ["--workers", "2"]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Each run does a part of what is left, so that the last ones are killed while they write tables.
        moment = moments.uniform(0.5, 2 + 2 * seconds / kills)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        done = sum(1 for _ in (out / ".ellimaps" / "records").rglob("*.json"))
        say(f"  kill -9 {number + 1} after {moment:.1f} s (exit {process.returncode}): {done} images done")
    last = subprocess.run(_command(root, out, ["--workers", "2"]), capture_output=True, text=True, check=True)
    say(f"runner killed {kills} times, then run to its end: {_counts(last.stdout)}")
    _same("runner killed", out, truth)


if __name__ == "__main__":
    main()
