"""What `ellimaps serve` does under load: many clients, slow ones, large bodies; answers, times and memory.

Run ``python benchmarks/load_server.py [--workers 2] [--json FILE]``. Every client sends a cell of its own,
and an answer counts as right if its class and probability are those of that cell in this process. Who is told
to come again (503), or that there was no time for it (504), does. Left with 1 if an answer was wrong or
missing, or memory went beyond its bound.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import io
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any

import numpy as np
import psutil
import tifffile
from bench_server import cell, family, serving, trained
from tools import machine, report

from ellimaps.classify import PopulationModel, load_model

CLIENTS, REQUESTS = 50, 20
SLOW = 100
LARGE, LARGE_BYTES = 30, 32 * 2**20
JSON = {"Content-Type": "application/json"}
# What bodies and images share (256 MiB), five copies of one body while it is decoded, and as much again that
# the C library keeps of what was given back.
MOST_MORE_MB = 600


@dataclass(frozen=True)
class Asked:
    """An image's body, and the truth of it."""

    body: bytes
    label: int
    probability: float

    def is_right(self, said: dict[str, Any]) -> bool:
        """Whether an answer is that of this image and of no other."""
        return said["is_homogenous"] == self.label and abs(said["probability"] - self.probability) < 1e-9


@dataclass(frozen=True)
class Outcome:
    """What came of a request in the end, after how many seconds and refusals."""

    what: str
    seconds: float
    refused: Counter[int]


def asked(model: PopulationModel, number: int, padding: int = 0) -> Asked:
    """Return the body of a cell of its own, and what the model says of it here."""
    values = cell(1000 + number)
    file = io.BytesIO()
    tifffile.imwrite(file, values)
    text = {"cell": base64.b64encode(file.getvalue()).decode()}
    if padding:
        text["padding"] = "x" * (padding - len(text["cell"]) - 100)
    found = model.predict(values)
    return Asked(json.dumps(text).encode(), int(found.label), float(found.probability))


def outcome(port: int, one: Asked, patience_s: float = 120) -> Outcome:
    """Ask until there is an answer, as a client does that is told to come again."""
    start, refused = time.perf_counter(), Counter[int]()
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", "/v1/predict", one.body, JSON)
            answer = connection.getresponse()
            said, status = json.load(answer), answer.status
            connection.close()
        except OSError as error:
            return Outcome(type(error).__name__, time.perf_counter() - start, refused)
        seconds = time.perf_counter() - start
        if status in (503, 504) and seconds < patience_s:
            refused[status] += 1
            time.sleep(int(answer.headers.get("Retry-After", 1)))
            continue
        if status != 200:
            return Outcome(f"status {status}", seconds, refused)
        return Outcome("right" if one.is_right(said) else "wrong", seconds, refused)


@contextmanager
def watched(server: psutil.Process) -> Iterator[dict[str, float]]:
    """Give the memory of the front process before, at most, and after."""
    seen, stop = {"before_mb": front_mb(server), "most_mb": 0.0}, threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            seen["most_mb"] = max(seen["most_mb"], front_mb(server))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()
    time.sleep(2)
    seen["after_mb"] = front_mb(server)


def front_mb(server: psutil.Process) -> float:
    """Memory of the process that takes requests."""
    return float(server.memory_info().rss / 2**20)


def figures(found: list[Outcome], memory: dict[str, float]) -> dict[str, Any]:
    """Return what is told of a load."""
    times = np.array([one.seconds for one in found])
    return {
        "requests": len(found),
        **Counter(one.what for one in found),
        "told to come again (503)": sum(one.refused[503] for one in found),
        "too late (504)": sum(one.refused[504] for one in found),
        "p50_s": float(np.percentile(times, 50)),
        "p95_s": float(np.percentile(times, 95)),
        "max_s": float(times.max()),
        **{f"front process {name}": value for name, value in memory.items()},
    }


def many(server: psutil.Process, port: int, sent: list[Asked], requests: int) -> dict[str, Any]:
    """Clients that each ask again and again, with one image of their own."""
    with watched(server) as memory, ThreadPoolExecutor(len(sent)) as threads:
        rows = list(threads.map(lambda one: [outcome(port, one) for _ in range(requests)], sent))
    return figures([one for row in rows for one in row], memory)


def slow(server: psutil.Process, port: int, sent: list[Asked]) -> dict[str, Any]:
    """Eight clients among many that say nothing, dribble a head, dribble a body, or stop within one."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = head + b"Content-Length: 33554432\r\n\r\n"
    stop = threading.Event()

    def dribble(number: int) -> None:
        kinds = [(b"", b""), (head[:10], b"x"), (body, b" "), (body + b" " * 3_000_000, b"")]
        begin, more = kinds[number % len(kinds)]
        while not stop.is_set():
            with suppress(OSError), create_connection(("127.0.0.1", port), timeout=30) as line:
                line.sendall(begin)
                while not stop.wait(0.2):
                    if more:
                        line.sendall(more)
                    line.settimeout(0.01)
                    with suppress(TimeoutError):
                        if not line.recv(1000):
                            break

    with ExitStack() as at_end, watched(server) as memory:
        at_end.callback(stop.set)
        slow_ones = [threading.Thread(target=dribble, args=(number,), daemon=True) for number in range(SLOW)]
        for one in slow_ones:
            one.start()
        time.sleep(1)
        with ThreadPoolExecutor(8) as threads:
            rows = list(threads.map(lambda one: [outcome(port, one) for _ in range(20)], sent[:8]))
    return figures([one for row in rows for one in row], memory)


def large(server: psutil.Process, port: int, sent: list[Asked]) -> dict[str, Any]:
    """Bodies of the largest size, all at once."""
    with watched(server) as memory, ThreadPoolExecutor(LARGE) as threads:
        found = list(threads.map(lambda number: outcome(port, sent[number % len(sent)]), range(LARGE)))
    return figures(found, memory)


def main() -> None:
    """Train, serve, load, and print what came of it; leave with 1 where something is lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of each of the many clients")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    choices = parser.parse_args()
    found: dict[str, dict[str, Any]] = {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="load_server-") as scratch:
        file = trained(Path(scratch))
        model = load_model(file)
        sent = [asked(model, number) for number in range(CLIENTS)]
        largest = [asked(model, number, LARGE_BYTES) for number in range(3)]
        with serving(file, choices.workers) as (url, server):
            port = int(url.rpartition(":")[2])
            processes = len(family(server))
            loads: dict[str, Callable[[], dict[str, Any]]] = {
                f"{CLIENTS} clients x {choices.requests} requests": lambda: many(
                    server, port, sent, choices.requests
                ),
                f"8 clients x 20 requests among {SLOW} slow ones": lambda: slow(server, port, sent),
                f"{LARGE} bodies of {LARGE_BYTES >> 20} MiB at once": lambda: large(server, port, largest),
            }
            for name, load in loads.items():
                found[f"server, {choices.workers} processes, {name}"] = load()
            lost = len(family(server)) != processes
    report(found, choices.json)
    for values in list(found.values())[1:]:
        lost |= values.get("right") != values["requests"]
        lost |= values["front process most_mb"] > values["front process before_mb"] + MOST_MORE_MB
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
