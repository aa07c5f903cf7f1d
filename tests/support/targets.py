"""Targets of a watch, and a watch that is killed again and again while its log grows."""

from __future__ import annotations

import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ELLIMAPS = [sys.executable, "-c", "from ellimaps.cli import main; main()"]
"""The command of this very installation."""


class Target:
    """A server that takes what is posted to it.

    Attributes
    ----------
    url : str
        Where.
    answer : int
        The status it answers; below 300 it has taken what was posted.
    taken : list of (headers, body)
        What it has taken.
    """

    def __init__(self) -> None:
        self.answer, self.taken = 200, []
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if target.answer < 300:
                    target.taken.append((dict(self.headers), body))
                self.send_response(target.answer)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alarm"

    def __enter__(self) -> Target:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class MailServer:
    """A server that takes mail, without encryption or users."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        messages = self.messages

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    word = line[:4].upper().strip()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        text = b""
                        while (part := self.rfile.readline()) != b".\r\n":
                            text += part
                        messages.append(text.decode())
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                    if word == b"QUIT":
                        return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> MailServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class KilledWatch:
    """A watch killed at random times while its log grows by a reading a minute of its own time.

    The room changes between 21 and 22 deg C every three hours of the log, so every change is a crossing.
    Every line is written in two pieces, the second a moment after the first.

    Parameters
    ----------
    folder : Path
        For the log and the journal.
    seed : int
        Of the times of the kills.
    """

    _EVERY = 180

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._rng = folder, np.random.default_rng(seed)
        self._log = folder / "growing.csv"
        self._written = 0
        self._stopped = threading.Event()

    def run(self, kills: int, pause_s: float = 0.01) -> dict[str, Any]:
        """Kill the watch so often, let it end its work, and count.

        Returns
        -------
        dict
            ``kills, readings, crossings`` (that there were), ``lost, repeated, false`` (deliveries).
        """
        self._log.write_text("time,room_temperature [degC]\n")
        self._write(600, 0)
        with Target() as target:
            self._watch(target.url, "--once").wait()
            writer = threading.Thread(target=self._grow, args=(pause_s,))
            writer.start()
            for _ in range(kills):
                process = self._watch(target.url, "--every", "0.2s")
                # From its first moments to some looks; a start takes about a second.
                time.sleep(float(self._rng.uniform(0.2, 4.0)))
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            self._stopped.set()
            writer.join()
            self._watch(target.url, "--once").wait()
            told = Counter(body["start"] for _, body in target.taken)
        expected = {
            (_START + pd.Timedelta(minutes=n)).isoformat()
            for n in range(600, self._written)
            if n % self._EVERY == 0
        }
        return {
            "kills": kills,
            "readings": self._written,
            "crossings": len(expected),
            "lost": len(expected - set(told)),
            "repeated": sum(told.values()) - len(told),
            "false": len(set(told) - expected),
        }

    def _watch(self, url: str, *options: str) -> subprocess.Popen[bytes]:
        command = [*ELLIMAPS, "sensors", "watch", str(self._log), "--limit", "0.5"]
        command += ["--notify", url, "--out", str(self._folder / "watch"), *options]
        with (self._folder / "said.txt").open("ab") as said:
            return subprocess.Popen(command, stdout=said, stderr=said)

    def _grow(self, pause_s: float) -> None:
        while not self._stopped.is_set():
            self._write(1, pause_s)

    def _write(self, n: int, pause_s: float) -> None:
        with self._log.open("a") as file:
            for minute in range(self._written, self._written + n):
                value = 21 + (minute // self._EVERY) % 2
                line = f"{_START + pd.Timedelta(minutes=minute)},{value}.5\n"
                for piece in (line[:-4], line[-4:]) if pause_s else (line,):
                    file.write(piece)
                    file.flush()
                    time.sleep(pause_s)
        self._written += n


_START = pd.Timestamp("2025-03-01")
