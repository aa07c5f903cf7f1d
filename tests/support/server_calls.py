"""What tests of the server share: images, calls, and the real command running."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
JSON = {"Content-Type": "application/json"}
posix = pytest.mark.skipif(os.name != "posix", reason="stops a process by a signal")


def call(url, body=None, headers=JSON, timeout=30):
    """Status, JSON and headers of an answer."""
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers


def said(image):
    return json.dumps({"cell": base64.b64encode(image).decode()}).encode()


def is_sentence(answer):
    """Whether it is one short sentence and nothing else."""
    assert set(answer) == {"detail"}
    text = answer["detail"]
    return text.endswith(".") and len(text) < 250 and "\n" not in text and "Traceback" not in text


def workers_of(process):
    """The processes of a server that classify."""
    return [one for one in psutil.Process(process.pid).children() if "spawn_main" in " ".join(one.cmdline())]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def answers(url):
    try:
        return call(url + "/healthz")[0] == 200
    except OSError:
        return False


def cell(number, size=96):
    """A cell of 16 bit: an even one and a patchy one in turns."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[:size, :size] - size / 2
    angle = np.arctan2(y, x)
    even = number % 2
    radius = size * random.uniform(0.3, 0.35) * (1 + (0.03 if even else 0.15) * np.cos(5 * angle + number))
    patches = ndimage.gaussian_filter(random.normal(size=(size, size)), 2 if even else 4)
    inside = (np.hypot(y, x) < radius) * (1 + (0.1 if even else 0.6) * patches / patches.std())
    noise = random.normal(0, 0.02, (size, size))
    return (2000 + 20_000 * (ndimage.gaussian_filter(inside, 1) + noise)).clip(0, 65535).astype(np.uint16)


def encoded(values, kind, **packing):
    file = io.BytesIO()
    if kind == "tiff" and not packing:
        tifffile.imwrite(file, values)
    else:
        Image.fromarray(values).save(file, kind, **packing)
    return file.getvalue()


@contextmanager
def serving(model, folder, *options, **environment):
    """Run ``ellimaps serve``; give its address, its process and the file it logs to."""
    port = free_port()
    command = [sys.executable, "-c", "from ellimaps.cli import main; main()", "serve", "--model", str(model)]
    log = folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port), *options],
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os.environ | environment,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield url, process, log
    finally:
        process.kill()
        process.wait()
