"""The server as its clients meet it: the real command and model, over sockets."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import sys
import time
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
import schemathesis
import tifffile
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance
from support.server_calls import JSON, call, encoded, free_port, is_sentence, posix, said, serving, wait_until

from ellimaps.classify import load_model, read_image
from ellimaps.cli import main
from ellimaps.core.errors import MissingExtraError, SettingError
from ellimaps.server import create_app, require_extra


@pytest.fixture(scope="module")
def served(model_file, tmp_path_factory):
    with serving(model_file, tmp_path_factory.mktemp("served"), "--workers", "1") as running:
        yield running


@pytest.fixture(scope="module")
def url(served):
    return served[0]


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
    assert call(url + "/healthz")[:2] == (200, {"status": "ok", "ready": 1, "workers": 1})
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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
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
