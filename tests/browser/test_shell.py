"""What is round the pages: headers, addresses, who may connect, and what is told when the server ends."""

from __future__ import annotations

import http.client
import re
import socket
import urllib.request
from urllib.parse import urlsplit

import pytest
from browser.conftest import free_port, idle, segment, serve, show
from browser.test_workbench import downloaded, open_example
from conftest import ROOT

HANDSHAKE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def watched(page):
    """What the browser says on its console, and every answer that is an error."""
    heard = []
    page.on("console", lambda message: heard.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on(
        "response",
        lambda answer: heard.append(f"{answer.status} {answer.url}") if answer.status > 399 else None,
    )
    return heard


@pytest.mark.parametrize("path", ["/", "/plates", "/_stcore/health", "/favicon.png", "/_stcore/host-config"])
def test_every_answer_has_the_headers(workbench, path):
    with urllib.request.urlopen(workbench.address + path) as answer:
        headers = answer.headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert "unsafe-inline" not in policy["script-src"]
    assert not re.search(r"https?:|\*", headers["Content-Security-Policy"])
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/plates/answers", "/plates"),
        ("/maps/fit?work=abc", "/maps?work=abc"),
        ("/experiments/", "/experiments"),
        ("/%5Cexample.org/x", "/%5Cexample.org"),
    ],
)
def test_addresses_below_a_page_lead_to_it(workbench, path, place):
    connection = http.client.HTTPConnection(urlsplit(workbench.address).netloc)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (307, place)
    connection.close()


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://{host}", 101), ("http://example.org", 403), ("http://localhost:1", 403), ("null", 403)],
)
def test_only_its_own_pages_may_connect(workbench, origin, status):
    host = urlsplit(workbench.address).netloc
    with socket.create_connection(host.split(":")) as line:
        line.sendall(HANDSHAKE.format(host=host, origin=origin.format(host=host)).encode())
        assert line.recv(4096).split()[1] == str(status).encode()


def test_files_are_taken_from_its_own_pages_alone(workbench):
    """Whoever has no cookie of a page cannot upload, whatever the place."""
    connection = http.client.HTTPConnection(urlsplit(workbench.address).netloc)
    connection.request("PUT", "/_stcore/upload_file/session/file", body=b"maps")
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize(("name", "status"), [("127.0.0.1", 200), ("localhost", 200), ("example.org", 421)])
def test_without_a_sign_in_it_answers_to_its_own_names(workbench, name, status):
    """A foreign page whose name has been given the address of this machine reads nothing."""
    place = urlsplit(workbench.address)
    connection = http.client.HTTPConnection(place.netloc)
    connection.request("GET", "/", headers={"Host": f"{name}:{place.port}"})
    assert connection.getresponse().status == status
    connection.close()
    with socket.create_connection((place.hostname, place.port)) as line:
        host = f"{name}:{place.port}"
        line.sendall(HANDSHAKE.format(host=host, origin=f"http://{host}").encode())
        assert line.recv(4096).split()[1] == (b"101" if status == 200 else b"403")


def test_the_pages_keep_to_the_policy(chromium, workbench, tmp_path):
    """Charts, maps, uploads and downloads work, and neither a page nor a probe of it is refused."""
    page = chromium.new_page()
    heard = watched(page)
    for address in ("/sensors", "/plates", "/classify", "/experiments", "/plates/answers", "/"):
        page.goto(workbench.address + address)
        page.get_by_test_id("stApp").wait_for()
        idle(page)
    note = tmp_path / "note.txt"
    note.write_text("no image")
    page.locator("input[type=file]").set_input_files(note)
    page.get_by_text("note.txt").wait_for()
    open_example(page)
    segment(page, 4)
    for view in ("Data", "How many?", "Explore", "Fit", "Compare", "Export"):
        show(page, view)
    assert downloaded(page, "Recipe (TOML)")
    assert heard == []


def test_foreign_pictures_are_not_fetched(chromium, workbench):
    """Even if a name of the data became a picture, the browser would ask nobody for it."""
    page = workbench.open_page(chromium)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        refused = page.evaluate(
            """(url) => new Promise((told) => {
                document.addEventListener("securitypolicyviolation", (one) => told(one.effectiveDirective));
                const picture = Object.assign(new Image(), { src: url, onerror: () => told("fetched") });
                document.body.append(picture);
            })""",
            f"http://127.0.0.1:{stranger.getsockname()[1]}/seen.png",
        )
        stranger.settimeout(1)
        with pytest.raises(TimeoutError):
            stranger.accept()
    assert refused == "img-src"


def test_the_page_tells_that_the_server_has_stopped_and_goes_on_with_the_next(chromium, tmp_path):
    port = free_port()
    with serve(ROOT / "data_example", tmp_path, port) as first:
        page = first.open_page(chromium)
        told = page.get_by_role("alert").filter(has_text="ellimaps has stopped")
        assert told.count() == 0
        page.evaluate("() => { window.isOld = true; }")
        first.process.terminate()
        assert first.process.wait(5) == 0
        told.wait_for()
        page.get_by_text("Connection error").wait_for(state="attached")
        assert not page.get_by_text("Connection error").is_visible()
        assert first.complaints() == []
    with serve(ROOT / "data_example", tmp_path, port):
        page.wait_for_function("() => !window.isOld")
        told.wait_for(state="detached")
        idle(page)
        page.get_by_role("button", name="terraces", exact=True).first.click()
        page.get_by_text("Angle of incidence").wait_for()
