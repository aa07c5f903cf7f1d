"""The server as its clients meet it: over sockets, with a real model, well-behaved or not."""

from __future__ import annotations

import base64
import http.client
import io
import json
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import numpy as np
import psutil
import pytest
import schemathesis
import tifffile
import uvicorn
from conftest import ROOT
from hypothesis import given, settings
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance
from scipy import ndimage

from ellimaps.cells.classify import load_model, read_image, read_labels, save_model, train
from ellimaps.cli import main
from ellimaps.errors import MissingExtraError, SettingError
from ellimaps.server import create_app, require_extra
from ellimaps.server.routes import Limits

SECONDS = 2.0
BODY_BYTES = 200_000
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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as place:
        return place.getsockname()[1]


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


@pytest.fixture(scope="module")
def images():
    return [cell(number) for number in range(10)]


@pytest.fixture(scope="module")
def model_file(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    for number, values in enumerate(images):
        tifffile.imwrite(folder / f"{number}.tif", values)
    labels = folder / "labels.csv"
    labels.write_text("image_id,is_homogenous\n" + "".join(f"{i},{i % 2}\n" for i in range(len(images))))
    file = folder / "cells.ellimodel"
    save_model(train(folder, read_labels(labels, folder), repeats=1).model, file)
    return file


# The real command


@contextmanager
def serving(model, folder, *options):
    """Run ``ellimaps serve``; give its address, its process and the file it logs to."""
    port = free_port()
    command = [sys.executable, "-c", "from ellimaps.cli import main; main()", "serve", "--model", str(model)]
    log = folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port), *options], stdout=file, stderr=subprocess.STDOUT, cwd=ROOT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield url, process, log
    finally:
        process.kill()
        process.wait()


def answers(url):
    try:
        return call(url + "/healthz")[0] == 200
    except OSError:
        return False


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def served(model_file, tmp_path_factory):
    with serving(model_file, tmp_path_factory.mktemp("served"), "--workers", "1") as running:
        yield running


@pytest.fixture(scope="module")
def url(served):
    return served[0]


def encoded(values, kind):
    file = io.BytesIO()
    if kind == "tiff":
        tifffile.imwrite(file, values)
    else:
        Image.fromarray(values).save(file, "png")
    return file.getvalue()


@pytest.fixture(scope="module")
def image(images):
    return encoded(images[0], "png")


def test_a_client_written_from_the_description(url, images, model_file, tmp_path):
    """All that is known: base64 of a file in {"cell": ...}, POST to /predict, {"is_homogenous": 0 or 1}."""
    model = load_model(model_file)
    found = []
    for values in (*images[:2], *images[-2:]):
        file = tmp_path / "cell.tif"
        tifffile.imwrite(file, values)
        body = json.dumps({"cell": base64.b64encode(file.read_bytes()).decode("utf-8")})
        request = urllib.request.Request(
            url + "/predict", data=body.encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            answer = json.loads(response.read())
        assert answer == {"is_homogenous": int(model.predict(*read_image(file)).label)}
        found.append(answer["is_homogenous"])
    assert set(found) == {0, 1}


def test_one_that_says_nothing_of_json_is_understood(url, image):
    """As urllib and ``curl --data`` do unless told."""
    assert call(url + "/predict", said(image), {})[0] == 200


@pytest.mark.parametrize("kind", ["tiff", "png"])
@pytest.mark.parametrize("how", ["8 bit", "16 bit", "colour"])
def test_kinds_of_images(url, images, kind, how):
    values = images[0]
    if how == "8 bit":
        values = (values >> 8).astype(np.uint8)
    elif how == "colour":
        values = np.dstack([(values >> 8).astype(np.uint8)] * 3)
    status, answer, _ = call(url + "/predict", said(encoded(values, kind)))
    assert (status, list(answer)) == (200, ["is_homogenous"])


def test_details_under_v1(url, image, model_file):
    model = load_model(model_file)
    status, answer, _ = call(url + "/v1/predict", said(image))
    expected = model.predict(*read_image(image, name="image"))
    assert status == 200
    assert set(answer) == {"is_homogenous", "probability", "warnings", "seconds", "model"}
    assert answer["is_homogenous"] == expected.label
    assert answer["probability"] == pytest.approx(float(expected.probability), abs=1e-9)
    assert (answer["model"], answer["warnings"]) == (model.version, list(expected.warnings))
    assert 0 <= answer["seconds"] < 10


def test_data_uri_and_line_breaks_are_tolerated(url, image):
    text = "data:image/png;base64," + base64.encodebytes(image).decode()
    assert call(url + "/predict", json.dumps({"cell": text, "name": "x"}).encode())[0] == 200


def test_pages_that_tell(url):
    assert call(url + "/")[:2] == (200, {"message": "The endpoint is running: POST images to /predict."})
    first = call(url + "/api")[1]
    time.sleep(0.01)
    second = call(url + "/api")[1]
    assert first["service"] == "ellimaps"
    assert 0 < first["uptime"] < second["uptime"]
    assert call(url + "/healthz")[:2] == (200, {"status": "ok"})
    status, answer, headers = call(url + "/predict")
    assert (status, headers["Allow"], is_sentence(answer)) == (405, "POST", True)
    status, answer, _ = call(url + "/predict/", b"{}")
    assert (status, is_sentence(answer)) == (404, True)


def bomb():
    """A PNG of a few hundred bytes that says it is 60,000 x 60,000 pixels."""

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    size = (60_000).to_bytes(4, "big")
    head = size + size + bytes([16, 0, 0, 0, 0])
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


NOT_IMAGES = {
    "text": b"this is not an image",
    "null bytes": bytes(1000),
    "bomb": bomb(),
    "cut PNG": encoded(np.arange(10_000, dtype=np.uint16).reshape(100, 100), "png")[:200],
    "cut TIFF": encoded(np.arange(10_000, dtype=np.uint16).reshape(100, 100), "tiff")[:200],
}


@pytest.mark.parametrize("name", NOT_IMAGES)
def test_what_is_no_image_is_refused(url, name):
    start = time.monotonic()
    status, answer, _ = call(url + "/predict", said(NOT_IMAGES[name]))
    assert (status, is_sentence(answer)) == (422, True), answer
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"", JSON, 400),
        (b"\0\0\0", JSON, 400),
        (b"{", JSON, 400),
        (b"\xff\xfe{", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"9" * 10_000, JSON, 400),
        (b"null", JSON, 422),
        (b"[]", JSON, 422),
        (b"{}", JSON, 422),
        (b'{"cell": 1}', JSON, 422),
        (b'{"cell": null}', JSON, 422),
        (b'{"cell": ["aGVsbG8="]}', JSON, 422),
        (b'{"cell": ""}', JSON, 422),
        (b'{"cell": "a"}', JSON, 422),
        (b'{"cell": "aGVsbG8"}', JSON, 422),
        (b'{"cell": "\\u0000\\u0000"}', JSON, 422),
        (b'{"cell": "\\ud800"}', JSON, 422),
        (b'{"cell": "data:image/png;base64,"}', JSON, 422),
        (b"cell=aGVsbG8%3D", {}, 415),
        (b'{"cell": "aGVsbG8="}', {"Content-Type": "text/plain"}, 415),
        (b'{"cell": "aGVsbG8="}', {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b'{"cell": "aGVsbG8="}', {"Content-Type": "\xff/\xfe"}, 415),
        (b'{"cell": "aGVsbG8="}', {"Content-Type": "application/json; charset=x"}, 422),
        (b'{"cell": "aGVsbG8="}', {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 422),
    ],
)
@pytest.mark.parametrize("path", ["/predict"])
def test_malformed_bodies_are_refused_with_a_sentence(url, path, body, headers, expected):
    status, answer, _ = call(url + path, body, headers)
    assert (status, is_sentence(answer)) == (expected, True), answer


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("path", ["/predict", "/v1/predict"])
def test_the_openapi_document_is_true_and_no_body_makes_a_fault(url, path, mode):
    """Bodies of schemathesis that fit the document and that do not; every answer is one it declares."""
    schema = schemathesis.openapi.from_url(url + "/openapi.json")
    statuses = set()

    @given(case=schema[path]["POST"].as_strategy(generation_mode=mode))
    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    def probe(case):
        # A text that is no image fits the document and is refused with 422.
        answer = case.call_and_validate(excluded_checks=[positive_data_acceptance])
        statuses.add(answer.status_code)

    probe()
    assert 422 in statuses
    assert statuses <= {400, 415, 422}


@pytest.mark.parametrize("path", ["/", "/api", "/healthz"])
def test_the_openapi_document_is_true_of_the_other_addresses(url, path):
    schema = schemathesis.openapi.from_url(url + "/openapi.json")
    schema[path]["GET"].Case().call_and_validate()


def test_the_log_has_a_line_per_request_and_nothing_of_the_image(served, image):
    url, _, log = served
    before = len(log.read_text().splitlines())
    call(url + "/predict", said(image))
    call(url + "/%0A2026%20INFO%20forged" + "x" * 1000)
    wait_until(lambda: len(log.read_text().splitlines()) >= before + 2)
    first, second = log.read_text().splitlines()[before:]
    assert re.search(rf"INFO 127\.0\.0\.1 POST /predict 200 {len(said(image))} bytes \d+ ms$", first)
    assert re.search(r"GET /%0A2026%20INFO%20forgedx+ 404 0 bytes \d+ ms$", second)
    assert len(second) < 200
    assert said(image)[30:60].decode() not in log.read_text()


# Bounds, in a server of this process whose limits are small


@contextmanager
def running(model_file):
    """Run the application on a socket; give its port."""
    limits = Limits(body_bytes=BODY_BYTES, seconds=SECONDS, waiting=1)
    app = create_app(model_file, workers=1, limits=limits)
    place = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
    thread.start()
    try:
        port = place.getsockname()[1]
        wait_until(lambda: server.started or not thread.is_alive())
        yield port
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def bounded(model_file):
    with running(model_file) as port:
        yield port


@pytest.fixture
def ready(bounded):
    """Address of the bounded server, once its process is ready."""
    url = f"http://127.0.0.1:{bounded}"
    wait_until(lambda: answers(url))
    return url


@contextmanager
def stopped_worker():
    """The only or first worker of this process, made to hang."""
    worker = next(one for one in multiprocessing.active_children() if one.name == "ellimaps")
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield worker
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGCONT)


def address(url):
    place = urllib.parse.urlsplit(url)
    return place.hostname, place.port


def raw(url, sent):
    """Status of the answer to bytes sent as they are."""
    with socket.create_connection(address(url), timeout=10) as line:
        line.sendall(sent)
        answer = line.makefile("rb").readline()
    return int(answer.split()[1])


HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_a_large_body_is_refused_by_its_head(ready):
    status = raw(ready, HEAD + b"Content-Length: %d\r\n\r\n" % (BODY_BYTES + 1))
    assert status == 413
    assert raw(ready, HEAD + b"Content-Length: %d\r\n\r\n" % 10**30) in (400, 413)


def test_a_client_that_sends_a_large_body_reads_the_reason(ready):
    status, answer, _ = call(ready + "/predict", bytes(50 * BODY_BYTES))
    assert (status, is_sentence(answer)) == (413, True)


def test_a_large_body_in_chunks_is_refused_while_it_arrives(ready):
    connection = http.client.HTTPConnection(*address(ready), timeout=10)
    chunks = (b'{"cell": "' if first else b"A" * 10_000 for first in [True] + [False] * 1000)
    connection.request("POST", "/predict", body=chunks, headers=JSON, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, is_sentence(json.load(answer))) == (413, True)
    connection.close()


def test_a_lying_length_harms_nobody(ready, image):
    body = said(image)
    assert raw(ready, HEAD + b"Content-Length: 5\r\n\r\n" + body) == 400
    with socket.create_connection(address(ready)) as line:
        line.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" + body)
    assert raw(ready, HEAD + b"Content-Length: x\r\n\r\n") == 400
    assert call(ready + "/predict", body)[0] == 200


def test_a_body_that_never_ends_is_given_up(ready):
    start = time.monotonic()
    assert raw(ready, HEAD + b"Content-Length: 1000\r\n\r\n{") == 408
    assert time.monotonic() - start < SECONDS + 1


@posix
def test_who_cannot_wait_is_told_to_come_again(ready, image):
    """One at work, one waiting: the third is sent away at once; health and service still answer."""
    with ThreadPoolExecutor(2) as threads:
        with stopped_worker():
            asked = [threads.submit(call, ready + "/predict", said(image)) for _ in range(2)]
            time.sleep(0.5)
            start = time.monotonic()
            status, answer, headers = call(ready + "/predict", said(image))
            assert (status, is_sentence(answer), headers["Retry-After"]) == (503, True, "1")
            assert call(ready + "/api")[0] == 200
            assert time.monotonic() - start < 1
        assert [one.result()[0] for one in asked] == [200, 200]


@posix
def test_a_process_that_hangs_is_killed_and_replaced(ready, image):
    with stopped_worker() as worker, ThreadPoolExecutor(2) as threads:
        start = time.monotonic()
        asked = [threads.submit(call, ready + "/predict", said(image)) for _ in range(2)]
        found = sorted((one.result()[:2] for one in asked), key=lambda answer: answer[0])
        assert [status for status, _ in found] == [503, 504]
        assert all(is_sentence(answer) for _, answer in found)
        assert SECONDS - 0.1 < time.monotonic() - start < SECONDS + 1
    wait_until(lambda: answers(ready))
    assert call(ready + "/predict", said(image))[0] == 200
    assert not worker.is_alive()


@posix
def test_a_process_that_dies_at_work_is_told_of(ready, image):
    with stopped_worker() as worker, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(call, ready + "/predict", said(image))
        time.sleep(0.5)
        worker.kill()
        status, answer, headers = asked.result()
        assert (status, is_sentence(answer), headers["Retry-After"]) == (503, True, "1")
        assert call(ready + "/healthz")[0] == 503


# The command line's errors


def leave(monkeypatch, capsys, *arguments):
    """Exit code and message of a command."""
    monkeypatch.setattr(sys, "argv", ["ellimaps", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code, capsys.readouterr().err


def test_a_missing_or_damaged_model_is_named(monkeypatch, capsys, tmp_path, model_file):
    damaged = tmp_path / "damaged.ellimodel"
    damaged.write_bytes(model_file.read_bytes()[:-100])
    for file in (tmp_path / "none.ellimodel", damaged, tmp_path):
        code, said = leave(monkeypatch, capsys, "serve", "--model", file, "--port", free_port())
        assert code == 2
        assert file.name in said
        assert said.count("\n") == 1


def test_a_port_in_use_is_named(monkeypatch, capsys, model_file):
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
        code, said = leave(monkeypatch, capsys, "serve", "--model", model_file, "--port", port)
    assert code == 2
    assert f"Port {port} of 127.0.0.1" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("library", ["fastapi", "uvicorn"])
def test_a_missing_extra_is_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r'pip install "ellimaps\[server\]"'):
        require_extra()


def test_no_workers_are_refused(model_file):
    with pytest.raises(SettingError, match="workers must be 1 or more"):
        create_app(model_file, workers=0)


# Last, as it stops the server of the tests above


@posix
def test_a_stop_is_graceful(served, image):
    """What is at work is answered, then all processes end, with exit code 0."""
    url, process, log = served
    [worker] = [
        one for one in psutil.Process(process.pid).children() if "spawn_main" in " ".join(one.cmdline())
    ]
    worker.suspend()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(call, url + "/predict", said(image))
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        worker.resume()
        assert asked.result()[0] == 200
    assert process.wait(20) == 0
    assert not worker.is_running()
    assert log.read_text().splitlines()[-1].endswith("INFO stopped")
