"""A workbench at work in every way when it is told to end: ``python busy_workbench.py FOLDER app ...``."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np

from ellimaps.cli import main
from ellimaps.core.workers import WorkerProcess
from ellimaps.ui.shared.jobs import Job
from ellimaps.ui.shared.worker import in_worker


def in_a_process(folder: str, _: object) -> None:
    """Work on a tree as Experiments does, with a process below that answers; it hears of no Stop."""
    below = WorkerProcess(listening, folder)
    write_down(folder)
    while below.is_alive():
        time.sleep(0.1)


def listening(line: object, folder: str) -> None:
    write_down(folder)
    line.recv()


def in_a_thread(_: object) -> None:
    """Compute without asking whether it is to go on."""
    values = np.random.default_rng(0).normal(size=(1500, 1500))
    while True:
        values = np.linalg.inv(values @ values.T + np.eye(1500))


def write_down(folder: str) -> None:
    (Path(folder) / str(os.getpid())).touch()


if __name__ == "__main__":
    folder, *sys.argv[1:] = sys.argv[1:]
    from support import busy_workbench

    jobs = [Job(in_worker(busy_workbench.in_a_process, folder)), Job(in_a_thread)]
    threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
    write_down(folder)
    main()
