"""The server as its clients meet it: the real command and model, over sockets."""

from __future__ import annotations

import base64
import hashlib
import html
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import psutil
import pytest
import schemathesis
import tifffile
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance
from support.server_calls import (
    JSON,
    answers,
    call,
    encoded,
    free_port,
    is_sentence,
    posix,
    said,
    serving,
    wait_until,
    workers_of,
)

from ellimaps.classify import PopulationModel, load_model, read_image
from ellimaps.cli import main
from ellimaps.core.errors import MissingExtraError, ReadError, SettingError
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


@pytest.mark.parametrize(
    "declared",
    ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "image/png"],
)
def test_what_a_form_of_a_foreign_page_can_send_is_refused(url, image, declared):
    """A browser sends these types for any page without asking the server first."""
    status, answer, _ = call(url + "/predict", said(image), {"Content-Type": declared})
    assert (status, is_sentence(answer)) == (415, True)
    assert "application/json" in answer["detail"]


@pytest.mark.parametrize(
    "declared", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"]
)
def test_types_that_are_json(url, image, declared):
    assert call(url + "/predict", said(image), {"Content-Type": declared})[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://[::1"])
def test_pages_of_other_sites_are_turned_away(url, image, origin):
    status, answer, _ = call(url + "/predict", said(image), {**JSON, "Origin": origin})
    assert (status, is_sentence(answer)) == (403, True)


def test_a_page_whose_name_was_pointed_at_this_machine_is_turned_away(url, image):
    """To the browser it is the server's own: both say the name."""
    port = url.rpartition(":")[2]
    host = f"evil.example:{port}"
    status, answer, _ = call(
        url + "/predict", said(image), {**JSON, "Host": host, "Origin": f"http://{host}"}
    )
    assert (status, is_sentence(answer)) == (403, True)


def test_the_page_of_the_server_itself_may_ask(url, image):
    assert call(url + "/predict", said(image), {**JSON, "Origin": url})[0] == 200


def test_the_page_for_people_asks_no_other_host(url):
    with urllib.request.urlopen(url + "/docs") as answer:
        page, headers = answer.read().decode(), answer.headers
    assert headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "connect-src 'self'" in headers["Content-Security-Policy"]
    for address in ("POST /predict", "POST /v1/predict", "GET /api", "GET /healthz"):
        assert address in page
    assert "curl" in page
    assert set(re.findall(r"https?://[\w.:]+", page)) == {"http://127.0.0.1:4321"}
    for kind in ("style", "script"):
        text = re.search(rf"<{kind}>(.*?)</{kind}>", page, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in headers["Content-Security-Policy"]


def test_the_curl_of_the_page_is_answered(url, images, tmp_path):
    with urllib.request.urlopen(url + "/docs") as answer:
        page = answer.read().decode()
    command = html.unescape(re.sub("<[^>]+>", "", re.search(r"printf .*?/predict", page, re.S)[0]))
    tifffile.imwrite(tmp_path / "cell.tif", images[0])
    command = command.replace("http://127.0.0.1:4321", url)
    ran = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(ran.stdout) == {"is_homogenous": 0}


def test_its_address_is_told_once_it_can_be_asked(model_file):
    port = free_port()
    command = [
        sys.executable,
        "-c",
        "from ellimaps.cli import main; main()",
        "serve",
        "--model",
        str(model_file),
    ]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "1"], stdout=subprocess.PIPE, text=True
    )
    try:
        told = process.stdout.readline()
        assert told.startswith(f"ellimaps server: http://127.0.0.1:{port}")
        assert call(f"http://127.0.0.1:{port}/healthz")[0] == 200
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("path", ["/predict", "/v1/predict"])
def test_no_cell_is_no_answer(url, path):
    """A gradient of colors: nothing is measured, so nothing is answered."""
    across = np.tile(np.linspace(10, 200, 96), (96, 1))
    field = np.dstack([across, across.T, np.full((96, 96), 90)]).astype(np.uint8)
    status, answer, _ = call(url + path, said(encoded(field, "png")))
    assert (status, is_sentence(answer)) == (422, True)
    assert "No cell" in answer["detail"]


def test_a_browser_that_asks_first_is_told_no(url):
    """Without these headers it does not send another page's JSON."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    request = urllib.request.Request(url + "/predict", headers={"Origin": "http://evil.example", **asked})
    request.method = "OPTIONS"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 403
    assert not [name for name in refused.value.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/", None, {}),
        ("/healthz", None, {}),
        ("/openapi.json", None, {}),
        ("/nowhere", None, {}),
        ("/predict", None, {}),
        ("/predict", b"{", JSON),
        ("/predict", b"{}", {}),
        ("/predict", b"{}", {**JSON, "Origin": "null"}),
    ],
)
def test_every_answer_has_the_headers(url, path, body, headers):
    found = call(url + path, body, headers)[2]
    assert found["X-Content-Type-Options"] == "nosniff"
    assert found["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in found["Content-Security-Policy"]


def test_what_is_no_http_is_answered_like_all_else(url):
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as line:
        line.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        head, _, body = line.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"nosniff" in head
    assert is_sentence(json.loads(body))


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
    assert first["label"] == "is_homogenous"
    assert first["class_names"] == {"0": "heterogeneous", "1": "homogeneous"}
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
        (b'{"cell": "aGVsbG8="}', {"Content-Type": ""}, 415),
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


@posix
def test_nothing_of_an_image_is_on_the_disk(model_file, images, tmp_path):
    """Neither while a process works on it nor after that, or the server itself, was killed."""
    kinds = {"png": {}, "tiff": {}, "TIFF": {"compression": "tiff_lzw"}}
    sent = [said(encoded(images[0], kind, **packing)) for kind, packing in kinds.items()] + [said(b"none")]
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def left():
        return [file for file in scratch.rglob("*") if file.is_file()]

    with (
        serving(model_file, tmp_path, "--workers", "1", TMPDIR=str(scratch)) as (url, process, _),
        ThreadPoolExecutor(1) as threads,
    ):
        assert [call(url + "/predict", body)[0] for body in sent] == [200, 200, 200, 422]
        assert not left()
        for kill in ("worker", "server"):
            wait_until(lambda: answers(url))
            [worker] = workers_of(process)
            worker.suspend()
            asked = threads.submit(call, url + "/predict", sent[0])
            time.sleep(0.5)
            assert not asked.done()
            assert not left()
            assert not [
                one
                for one in (*worker.open_files(), *psutil.Process(process.pid).open_files())
                if one.path.startswith(str(scratch))
            ]
            (worker if kill == "worker" else process).kill()
            with suppress(OSError, http.client.HTTPException):
                assert asked.result()[0] == 503
            assert not left()
        worker.resume()
        assert not psutil.wait_procs([worker], timeout=5)[1]


# The token


TOKEN = "0123456789abcdef-secret"


@pytest.fixture(scope="module")
def guarded(model_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    file = folder / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    # Other machines could reach it, and need not.
    with serving(
        model_file, folder, "--workers", "1", "--host", "0.0.0.0", "--token-file", str(file)
    ) as running:
        yield running


def test_who_shows_the_token_is_answered(guarded, image):
    url, _, _ = guarded
    for shown in (f"Bearer {TOKEN}", f"bearer  {TOKEN}"):
        assert call(url + "/predict", said(image), {**JSON, "Authorization": shown})[0] == 200


@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer \xe9",
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/v1/predict", "/", "/api", "/openapi.json", "/nowhere"])
def test_who_does_not_is_refused(guarded, image, path, shown):
    url, _, _ = guarded
    headers = JSON if shown is None else {**JSON, "Authorization": shown}
    status, answer, headers = call(url + path, said(image) if "predict" in path else None, headers)
    assert (status, is_sentence(answer)) == (401, True)
    assert headers["WWW-Authenticate"].startswith("Bearer")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_health_needs_no_token(guarded):
    url, _, _ = guarded
    assert call(url + "/healthz")[0] == 200


def test_the_token_is_not_logged(guarded):
    url, _, log = guarded
    call(url + f"/{TOKEN[:8]}?token=x", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "secret" not in log.read_text()


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (TOKEN, 0o644, "read by everybody"),
        ("", 0o600, "must hold one token"),
        ("short", 0o600, "must hold one token"),
        ("two tokens of many letters", 0o600, "must hold one token"),
        ("0123456789abcdef\u00e9", 0o600, "must hold one token"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(
    monkeypatch, capsys, model_file, tmp_path, content, mode, reason
):
    if mode == 0o644 and sys.platform == "win32":
        pytest.skip("its files have no such mode")
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content, encoding="utf-8")
        file.chmod(mode)
    arguments = ["serve", "--model", model_file, "--port", free_port(), "--token-file", file]
    code, said = leave(monkeypatch, capsys, *arguments)
    assert (code, said.count("\n"), reason in said) == (2, 1, True), said
    assert not content or content not in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_machines_need_a_token_or_a_word(monkeypatch, capsys, model_file, host):
    arguments = ["serve", "--model", model_file, "--port", free_port(), "--host", host]
    code, said = leave(monkeypatch, capsys, *arguments)
    assert (code, said.count("\n")) == (2, 1)
    assert "--token-file" in said
    assert "--allow-anonymous" in said


def test_a_token_and_nobody_asked_for_one_is_refused(monkeypatch, capsys, model_file, tmp_path):
    arguments = ["serve", "--model", model_file, "--port", free_port(), "--token-file", tmp_path / "token"]
    code, said = leave(monkeypatch, capsys, *arguments, "--allow-anonymous")
    assert (code, "leave out --allow-anonymous" in said) == (2, True)


def test_all_may_ask_where_that_is_said(model_file, tmp_path):
    options = ("--workers", "1", "--host", "0.0.0.0", "--allow-anonymous")
    with serving(model_file, tmp_path, *options) as (url, _, _):
        assert call(url + "/api")[0] == 200


def test_libraries_say_nothing_of_an_image_in_the_log(served, images):
    """As libtiff does, straight to standard error, where a picture's LZW is torn."""
    url, _, log = served
    torn = bytearray(encoded(images[0], "TIFF", compression="tiff_lzw"))
    torn[9000:9010] = b"\xff" * 10
    before = len(log.read_text().splitlines())
    assert call(url + "/predict", said(bytes(torn)))[0] == 422
    wait_until(lambda: len(log.read_text().splitlines()) > before)
    assert " POST /predict 422 " in log.read_text().splitlines()[before]


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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"measurements": ["no_such"]}, "no_such"),
        ({"label_name": "warnings"}, "label"),
        ({"classes": [0]}, "classes"),
    ],
)
def test_a_model_that_cannot_answer_is_refused_at_the_start(
    monkeypatch, capsys, tmp_path, model_file, change, reason
):
    with zipfile.ZipFile(model_file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["model.json"] = json.dumps(json.loads(parts["model.json"]) | change).encode()
    changed = tmp_path / "changed.ellimodel"
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    code, said = leave(monkeypatch, capsys, "serve", "--model", changed, "--port", free_port())
    assert (code, said.count("\n")) == (2, 1)
    assert changed.name in said
    assert reason in said


def test_a_model_that_loads_and_refuses_every_image_is_not_served(monkeypatch, model_file):
    def refused(*_):
        raise KeyError("solidity")

    monkeypatch.setattr(PopulationModel, "predict", refused)
    with pytest.raises(ReadError, match=r"cells\.ellimodel classifies no image \(.*KeyError"):
        create_app(model_file)


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


@posix
def test_killed_processes_are_replaced_before_anybody_asks(served, image):
    url, process, log = served
    for _ in range(2):
        for worker in workers_of(process):
            worker.kill()
        wait_until(lambda: call(url + "/healthz")[0] == 503, seconds=2)
        wait_until(lambda: answers(url))
        assert call(url + "/predict", said(image))[0] == 200
    assert log.read_text().count("a worker process ended") == 2


# Last, as it stops the server of the tests above


@posix
def test_a_stop_is_graceful(served, image):
    """What is at work is answered, then all processes end, with exit code 0."""
    url, process, log = served
    [worker] = workers_of(process)
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
