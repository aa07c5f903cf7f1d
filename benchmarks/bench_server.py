"""How fast `ellimaps serve` answers: 8 clients, 500 requests over loopback, 1000 x 1000 pixels in 16 bit.

Run ``python benchmarks/bench_server.py [--clients 8] [--requests 500] [--workers N] [--json FILE]``. The
model is trained on generated cells, cut out as closely as measured ones are; each request is a connection of
its own, sends one of them as TIFF and waits for the answer.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from tools import ROOT, machine, report

from ellimaps.classify import read_labels, save_model, train

SIZE = 1000
TRAINED_ON = 12
LIMIT_S = 2.0


def cell(number: int) -> NDArray[np.uint16]:
    """Return a cell that fills its image: an even one and a patchy one in turns."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    even = number % 2
    radius = 0.42 * SIZE * (1 + (0.03 if even else 0.15) * np.cos(5 * np.arctan2(y, x) + number))
    patches = ndimage.gaussian_filter(random.normal(size=(SIZE, SIZE)), 15 if even else 40)
    inside = (np.hypot(y, x) < radius) * (1 + (0.1 if even else 0.6) * patches / patches.std())
    noisy = ndimage.gaussian_filter(inside, 2) + random.normal(0, 0.02, (SIZE, SIZE))
    return (2000 + 20_000 * noisy).clip(0, 65535).astype(np.uint16)


def trained(folder: Path) -> Path:
    """Return a model of generated cells."""
    for number in range(TRAINED_ON):
        tifffile.imwrite(folder / f"{number}.tif", cell(number))
    labels = folder / "labels.csv"
    rows = [f"{number},{number % 2}" for number in range(TRAINED_ON)]
    labels.write_text("\n".join(["image_id,is_homogenous", *rows]) + "\n", encoding="utf-8")
    model = folder / "cells.ellimodel"
    save_model(train(folder, read_labels(labels, folder), repeats=1).model, model)
    return model


@contextmanager
def serving(model: Path, workers: int) -> Iterator[tuple[str, psutil.Process]]:
    """Run the server; give its address and process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-c", "from ellimaps.cli import main; main()", "serve", "--model", str(model)]
    options = ["--port", str(port), "--workers", str(workers)]
    log = model.with_suffix(".log")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen([*command, *options], stdout=file, stderr=subprocess.STDOUT, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        while not is_up(url):
            if process.poll() is not None:
                raise SystemExit(log.read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def is_up(url: str) -> bool:
    """Whether the server can classify."""
    try:
        with urllib.request.urlopen(url + "/healthz", timeout=5):
            return True
    except OSError:
        return False


def body_of(number: int) -> bytes:
    """Return what a client sends."""
    file = io.BytesIO()
    tifffile.imwrite(file, cell(number))
    return json.dumps({"cell": base64.b64encode(file.getvalue()).decode()}).encode()


def ask(url: str, body: bytes, expected: int) -> tuple[str, float]:
    """Return what came of a request, and its seconds."""
    request = urllib.request.Request(url + "/predict", body, {"Content-Type": "application/json"})
    start = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            said = json.load(answer)
    except urllib.error.HTTPError as error:
        return f"status {error.code}", time.perf_counter() - start
    except OSError as error:
        return type(error).__name__, time.perf_counter() - start
    good = said == {"is_homogenous": expected}
    return "right" if good else "another answer", time.perf_counter() - start


def measured(url: str, server: psutil.Process, clients: int, requests: int) -> dict[str, Any]:
    """Return how the server answers clients that each send one request after the other."""
    bodies = [body_of(100 + number) for number in range(4)]
    before, start = cpu_seconds(server), time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        found = list(threads.map(lambda number: ask(url, bodies[number % 4], number % 2), range(requests)))
    seconds = time.perf_counter() - start
    times = np.array([one[1] for one in found])
    outcomes = Counter(one[0] for one in found)
    return {
        "requests": requests,
        "clients": clients,
        "errors": requests - outcomes["right"] - outcomes["another answer"],
        **outcomes,
        "median_s": float(np.median(times)),
        "p95_s": float(np.percentile(times, 95)),
        "max_s": float(times.max()),
        "requests_per_s": requests / seconds,
        "server_cpu_s_per_request": (cpu_seconds(server) - before) / requests,
        "server_memory_mb": sum(one.memory_info().rss for one in family(server)) / 1e6,
    }


def family(server: psutil.Process) -> list[psutil.Process]:
    """Return the server and the processes that classify."""
    return [server, *server.children(recursive=True)]


def cpu_seconds(server: psutil.Process) -> float:
    """Return processor time of the server and its processes."""
    times = [one.cpu_times() for one in family(server)]
    return float(sum(one.user + one.system for one in times))


def main() -> None:
    """Train, serve, ask, and print what came of it; leave with 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench_server-") as scratch:
        model = trained(Path(scratch))
        with serving(model, choices.workers) as (url, server):
            figures = measured(url, server, choices.clients, choices.requests)
    name = f"server, {SIZE} x {SIZE} 16-bit, {choices.workers} processes"
    report({"machine": machine(), name: figures}, choices.json)
    if figures["errors"] or figures["p95_s"] >= LIMIT_S:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
