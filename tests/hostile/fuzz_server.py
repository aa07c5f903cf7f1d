"""Hostile requests to a real server: ``python -m hostile.fuzz_server --n 10000 --seed 1``, in tests/.

Damaged images, damaged JSON, damaged heads and bytes that are no HTTP. Each must get an answer that the
server's documentation names, in one sentence, with the headers of every answer; nothing may hang, and a good
image among them is still answered rightly. A seed and a number make the same request at any time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import select
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import psutil
import tifffile
from support.server_calls import cell, encoded, said, serving, workers_of

from ellimaps.classify import load_model, read_labels, save_model, train
from hostile.corpus import formats
from hostile.mutating import mutated

_IMAGES = ("png", "tiff", "ome and imagej tiff")
_ANSWERS = {200, 400, 401, 403, 404, 405, 408, 413, 415, 422, 503, 504}
_CHUNK = 1000
# The bound of a request is 10 s, and a body that is refused is received for 5 s more.
_PATIENCE_S = 20.0
# Between chunks; a process keeps what its largest image took, up to 40 million values.
_MOST_GROWTH_MB = 1200
# An answer to what is whole is there before.
_WAITS_FOR_MORE_S = 3.0
_CUT = ("head", "bytes")
_METHODS = b"POST GET PUT HEAD OPTIONS DELETE PATCH TRACE CONNECT post X ".split(b" ")
_PATHS = [
    *b"/predict /v1/predict / /api /healthz /openapi.json /predict/ //predict /predict?x=1".split(),
    *b"/%70redict /../predict /predict%00 * http://x/predict /predict#x \xff".split(),
    b"",
    b"/" + b"a" * 9000,
]
_HEADERS = [
    *b"""Content-Length: -1
Content-Length: 1e3
Content-Length: 99999999999999999999
Content-Length: +5
Content-Length: 5, 5
Content-Length: 7
Transfer-Encoding: chunked
Transfer-Encoding: gzip
Transfer-Encoding: chunked, chunked
Expect: 100-continue
Expect: x
Connection: keep-alive
Upgrade: h2c
Origin: null
Origin: http://x
Authorization: Bearer \xff
Content-Encoding: gzip
Content-Type: application/json; charset=utf-7
Content-Type: \xff
Content-Type: application/json, text/plain
Content-Type: text/html
Host: y
X : a
: a
Cookie: \0
Range: bytes=0-
Accept: nothing/at-all
\xc3\xa9: a""".split(b"\n"),
    b"Connection: upgrade\r\nUpgrade: websocket",
    b"X: a\r\n b",
    b"X: " + b"a" * 70_000,
    b"X" * 500 + b": a",
]
_JSON = [
    *b"""null
[]
{}
1e999
-
NaN
"cell"
{"cell":
\xff\xfe
\xef\xbb\xbf{}
{"cell": {"cell": "a"}}
{"cell": "\\ud800"}
{"cell": "\\u0000"}
{'cell': 'a'}
{"cell": "===="}
{"cell": "data:;base64,"}
{"cell": "data:image/png;base64,AAAA"}
{"cell": true}
{"cell": "QQ==", "cell": null}""".split(b"\n"),
    b"[" * 5000,
    b'{"a":' * 5000,
    b"9" * 5000,
    b"\0" * 100,
    b"",
]


@dataclass(frozen=True)
class Request:
    """Bytes to send, and whether they are the whole of what their head declares."""

    kind: str
    sent: bytes


@dataclass(frozen=True)
class Found:
    """What came of a request."""

    kind: str
    status: int
    seconds: float
    wrong: str = ""


def request_of(seed: int, number: int) -> Request:
    """Return a request of a run."""
    random = Random(f"{seed}/{number}")
    kind = random.choices(list(_KINDS), [45, 25, 20, 10])[0]
    return Request(kind, _KINDS[kind](random))


def _image(random: Random) -> bytes:
    """Return a request with a damaged image."""
    kind = formats()[random.choice(_IMAGES)]
    files = mutated(random, random.choice(kind.variants), kind.variants)
    content = next(iter(files.values()), b"")
    return _whole(b"POST", random.choice(_PATHS[:2]), [], said(content))


def _json(random: Random) -> bytes:
    """Return a request with damaged JSON."""
    good = said(encoded(np.full((8, 8), 7, np.uint8), "png"))
    body = random.choice(
        [random.choice(_JSON), _damaged(random, good), _damaged(random, random.choice(_JSON))]
    )
    return _whole(b"POST", b"/predict", [], body)


def _head(random: Random) -> bytes:
    """Return a request whose head is strange; its body may be, too, or shorter than declared."""
    body = random.choice([b"", b"{}", said(b"none"), b"5\r\n{}   \r\n0\r\n\r\n", b"ffffffffff\r\n", b"x\r\n"])
    headers = random.sample(_HEADERS, random.choice((1, 1, 2, 3)))
    method, path = (random.choice(each) if random.random() < 0.4 else each[0] for each in (_METHODS, _PATHS))
    sent = _whole(method, path, headers, body)
    return sent[: random.randrange(len(sent))] if random.random() < 0.1 else sent


def _no_http(random: Random) -> bytes:
    """Return bytes that are hardly a request."""
    good = _whole(b"POST", b"/predict", [], said(b"none"))
    return random.choice([random.randbytes(random.choice((1, 10, 1000, 100_000))), _damaged(random, good)])


_KINDS: dict[str, Callable[[Random], bytes]] = {
    "image": _image,
    "JSON": _json,
    "head": _head,
    "bytes": _no_http,
}


def _whole(method: bytes, path: bytes, headers: list[bytes], body: bytes) -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", *headers]
    names = {line.partition(b":")[0].lower() for line in headers}
    ours = {
        b"host": b"Host: x",
        b"content-type": b"Content-Type: application/json",
        b"connection": b"Connection: close",
        b"content-length": b"Content-Length: %d" % len(body),
    }
    if b"transfer-encoding" in names:
        del ours[b"content-length"]
    lines += [line for name, line in ours.items() if name not in names]
    return b"\r\n".join([*lines, b"", body])


def _damaged(random: Random, content: bytes) -> bytes:
    bad = bytearray(content or b"x")
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        place = random.randrange(len(bad))
        match random.randrange(3):
            case 0:
                bad[place] = random.randrange(256)
            case 1:
                del bad[place : place + random.choice((1, 10, 1000))]
            case _:
                bad[place:place] = random.randbytes(random.choice((1, 2, 8)))
        bad = bad or bytearray(b"x")
    return bytes(bad)


def answered(port: int, one: Request) -> Found:
    """Send a request and judge what comes back; hang up where the server waits for more of it."""
    start = time.monotonic()
    status, wrong = 0, ""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as line:
            with suppress(BrokenPipeError, ConnectionResetError):
                line.sendall(one.sent)
            if one.kind in _CUT and not select.select([line], [], [], _WAITS_FOR_MORE_S)[0]:
                line.shutdown(socket.SHUT_WR)
            status, wrong = _judged(line, one)
    except TimeoutError:
        wrong = "no answer and no end"
    except (ConnectionResetError, http.client.BadStatusLine):
        # Who hangs up within a request is owed no answer.
        status = -1
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    return Found(one.kind, status, time.monotonic() - start, wrong)


def _judged(line: socket.socket, one: Request) -> tuple[int, str]:
    answer = http.client.HTTPResponse(line, method=one.sent.partition(b" ")[0].decode("latin-1"))
    answer.begin()
    body = answer.read()
    if answer.status not in _ANSWERS:
        return answer.status, f"status {answer.status}"
    if answer.headers.get("X-Content-Type-Options") != "nosniff":
        return answer.status, "an answer without its headers"
    if answer.status == 200 or not body:
        return answer.status, ""
    said_: Any = json.loads(body)
    text = said_["detail"]
    good = set(said_) == {"detail"} and text.endswith(".") and len(text) < 300 and "\n" not in text
    return answer.status, "" if good else f"no sentence: {text[:200]!r}"


def trained(folder: Path) -> Path:
    """Return a model of a few generated cells."""
    for number in range(10):
        tifffile.imwrite(folder / f"{number}.tif", cell(number))
    labels = folder / "labels.csv"
    labels.write_text("image_id,is_homogenous\n" + "".join(f"{i},{i % 2}\n" for i in range(10)))
    save_model(train(folder, read_labels(labels, folder), repeats=1).model, folder / "cells.ellimodel")
    return folder / "cells.ellimodel"


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Send hostile requests to a server of its own.")
    parser.add_argument("--n", type=int, default=10_000, help="how many requests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=8, help="at the same time")
    parser.add_argument("--only", type=int, help="only the request of this number, which is shown")
    choices = parser.parse_args()
    numbers = range(choices.n) if choices.only is None else [choices.only]
    with tempfile.TemporaryDirectory(prefix="fuzz_server-") as scratch:
        folder = Path(scratch)
        model_file = trained(folder)
        with serving(model_file, folder, "--workers", "2") as (url, process, log):
            wrong = _all(
                int(url.rpartition(":")[2]),
                process.pid,
                model_file,
                choices.seed,
                list(numbers),
                choices.clients,
            )
            if choices.only is not None:
                print(request_of(choices.seed, choices.only), log.read_text(), sep="\n")
        return int(wrong | log_is_strange(log))


def _all(port: int, pid: int, model_file: Path, seed: int, numbers: list[int], clients: int) -> bool:
    front = psutil.Process(pid)
    model, image = load_model(model_file), cell(1)
    truth = float(model.predict(image).probability)
    before, start, wrong = _memory(front), time.monotonic(), False
    found: list[Found] = []
    for first in range(0, len(numbers), _CHUNK):
        chunk = numbers[first : first + _CHUNK]
        with ThreadPoolExecutor(clients) as threads:
            these = list(threads.map(lambda number: answered(port, request_of(seed, number)), chunk))
        for number, one in zip(chunk, these, strict=True):
            if one.wrong:
                wrong = True
                print(f"request {number} ({one.kind}): {one.wrong}", flush=True)
        found += these
        wrong |= not _good_is_answered(port, image, truth)
        wrong |= len(workers_of(front)) != 2
    after = _memory(front)
    wrong |= any(b > a + _MOST_GROWTH_MB for a, b in zip(before, after, strict=False))
    _tell(found, seed, time.monotonic() - start)
    print(f"memory in MB, the front process and its workers: {before} before, {after} after")
    return wrong


def _good_is_answered(port: int, image: Any, truth: float) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(
        "POST", "/v1/predict", said(encoded(image, "tiff")), {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    good = answer.status == 200 and abs(json.load(answer)["probability"] - truth) < 1e-9
    if not good:
        print("a good image had no right answer", flush=True)
    return good


def _memory(front: psutil.Process) -> list[int]:
    return [one.memory_info().rss >> 20 for one in (front, *workers_of(front))]


def _tell(found: list[Found], seed: int, seconds: float) -> None:
    for kind in _KINDS:
        these = [one for one in found if one.kind == kind]
        counts = Counter(one.status for one in these)
        slowest = max((one.seconds for one in these), default=0.0)
        told = ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))
        print(f"{kind:8}{len(these):7} requests, the slowest {slowest:.1f} s; {told}")
    print(
        f"{len(found)} requests of seed {seed} in {seconds:.0f} s: "
        f"{sum(bool(one.wrong) for one in found)} findings."
    )


def log_is_strange(log: Path) -> bool:
    """Tell of lines that are not the server's own: tracebacks, warnings of libraries."""
    strange = [
        line
        for line in log.read_text().splitlines()
        if " INFO " not in line and not line.startswith("ellimaps server")
    ]
    for line in strange[:20]:
        print(f"in the log: {line[:200]}")
    return bool(strange)


if __name__ == "__main__":
    sys.exit(main())
