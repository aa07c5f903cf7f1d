"""The server's bounds: large, slow and lying clients, processes that hang and die.

The limits are small, and the processes answer at once without a model.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import signal
import socket
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest
import uvicorn
from support import stalling
from support.server_calls import JSON, answers, call, is_sentence, posix, said, wait_until

from ellimaps.server import application, connections
from ellimaps.server.budget import Budget, BudgetSpentError
from ellimaps.server.classifier import ModelFacts
from ellimaps.server.connections import Connection
from ellimaps.server.routes import RequestLimits, Service
from ellimaps.server.workers import Workers

SECONDS = 3.0
BODY_BYTES = 200_000
SMALL_BYTES = 50_000
# Four large bodies, or that and as many small ones.
MEMORY_BYTES = 1_600_000
IMAGE = b"x" * 30_000


@contextmanager
def running():
    """Run the application on a socket; give its port."""
    limits = RequestLimits(
        body_bytes=BODY_BYTES,
        seconds=SECONDS,
        waiting=1,
        memory_bytes=MEMORY_BYTES,
        small_bytes=SMALL_BYTES,
    )
    workers = Workers(stalling.load_classifier, 1, SECONDS)
    app = application(Service(ModelFacts("is_homogenous", (0, 1), "stub"), workers, limits))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=Connection, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        port = listener.getsockname()[1]
        wait_until(lambda: server.started or not thread.is_alive())
        yield port
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def bounded():
    with running() as port:
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
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


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


def test_a_body_that_is_no_http_is_answered_once(ready, caplog):
    """Its head was, and has been refused meanwhile, without waiting for what "Expect" announces."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nExpect: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert raw(ready, head + b"no length\r\n") == 400
    assert call(ready + "/api")[0] == 200
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


def test_a_lying_length_harms_nobody(ready):
    body = said(IMAGE)
    assert raw(ready, HEAD + b"Content-Length: 5\r\n\r\n" + body) == 400
    with socket.create_connection(address(ready)) as line:
        line.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" + body)
    assert raw(ready, HEAD + b"Content-Length: x\r\n\r\n") == 400
    assert call(ready + "/predict", body)[0] == 200


def test_a_body_that_never_ends_is_given_up(ready):
    start = time.monotonic()
    assert raw(ready, HEAD + b"Content-Length: 1000\r\n\r\n{") == 408
    assert time.monotonic() - start < SECONDS + 1


def test_a_body_that_dribbles_is_given_up_before_its_time_is_over(ready):
    start = time.monotonic()
    with socket.create_connection(address(ready), timeout=10) as line:
        line.sendall(HEAD + b"Content-Length: 100000\r\n\r\n{")
        line.settimeout(0.1)
        answer = b""
        while not answer:
            line.sendall(b" ")
            with suppress(TimeoutError):
                answer = line.recv(100)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - start < SECONDS - 0.2


def test_a_slow_body_is_waited_for(ready):
    """At three times the slowest speed, for longer than a body may begin."""
    body = said(b"x" * 90_000)
    with socket.create_connection(address(ready), timeout=10) as line:
        line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 5000):
            line.sendall(body[start : start + 5000])
            time.sleep(0.1)
        assert line.makefile("rb").readline().startswith(b"HTTP/1.1 200 ")


def test_large_bodies_share_half_of_the_memory_and_small_ones_have_the_rest(ready):
    """Four fill their half without an end; the fifth is sent away at once, a small one is answered."""
    almost = said(b"x" * 140_000)[:-1]
    with ExitStack() as lines:
        for _ in range(4):
            line = lines.enter_context(socket.create_connection(address(ready)))
            line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (len(almost) + 1) + almost)
        time.sleep(0.3)
        start = time.monotonic()
        status, answer, headers = call(ready + "/predict", said(b"x" * 140_000))
        assert (status, is_sentence(answer), headers["Retry-After"]) == (503, True, "1")
        assert call(ready + "/predict", said(IMAGE))[0] == 200
        assert time.monotonic() - start < 1.5
    assert [call(ready + "/predict", said(b"x" * 140_000))[0] for _ in range(20)] == [200] * 20


def test_what_was_borrowed_is_given_back_whatever_happens():
    budget = Budget(100, small=10)
    with budget.share() as first, budget.share() as second:
        first.resize(50)
        second.resize(10)
        with pytest.raises(BudgetSpentError):
            second.resize(11)
        assert budget.used == 60
    assert budget.used == 0
    with budget.share() as first, budget.share() as second:
        first.resize(50)
        first.resize(20)
        second.resize(30)
        assert budget.used == 50


def silent_until_closed(line):
    """Seconds until the other side closes a connection on which it says nothing."""
    start = time.monotonic()
    assert line.recv(100) == b""
    return time.monotonic() - start


@pytest.mark.parametrize("head", [b"", b"POST /predict HT", HEAD])
def test_a_head_that_never_ends_is_given_up(ready, monkeypatch, head):
    monkeypatch.setattr(connections, "_HEAD_S", 1.0)
    with socket.create_connection(address(ready), timeout=10) as line:
        line.sendall(head)
        assert 0.5 < silent_until_closed(line) < 3


def test_a_second_head_that_dribbles_is_given_up(ready, monkeypatch):
    monkeypatch.setattr(connections, "_HEAD_S", 1.0)
    with socket.create_connection(address(ready), timeout=0.1) as line:
        line.sendall(b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: b"uptime" in line.recv(1000))
        start = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - start < 5:
                line.sendall(b"G")
                with suppress(TimeoutError):
                    if not line.recv(100):
                        break
        assert 0.5 < time.monotonic() - start < 3


def test_of_many_who_say_nothing_the_oldest_is_given_up(ready, monkeypatch):
    monkeypatch.setattr(connections, "_MOST_WAITING", 5)
    with ExitStack() as lines:
        opened = [lines.enter_context(socket.create_connection(address(ready), timeout=2)) for _ in range(10)]
        assert [silent_until_closed(line) < 1 for line in opened[:4]] == [True] * 4
        assert call(ready + "/api")[0] == 200
        opened[-1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            opened[-1].recv(100)


def test_slow_clients_keep_nobody_from_the_processes(ready):
    """More of them than may be at work and wait."""
    with ExitStack() as lines:
        for _ in range(4):
            line = lines.enter_context(socket.create_connection(address(ready)))
            line.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        time.sleep(0.3)
        assert call(ready + "/predict", said(IMAGE))[0] == 200


@posix
def test_who_cannot_wait_is_told_to_come_again(ready):
    """One at work, one waiting: the third is sent away at once; health and service still answer."""
    with ThreadPoolExecutor(2) as threads:
        with stopped_worker():
            asked = [threads.submit(call, ready + "/predict", said(IMAGE)) for _ in range(2)]
            time.sleep(0.5)
            start = time.monotonic()
            status, answer, headers = call(ready + "/predict", said(IMAGE))
            assert (status, is_sentence(answer), headers["Retry-After"]) == (503, True, "1")
            assert call(ready + "/api")[0] == 200
            assert time.monotonic() - start < 1
        assert [one.result()[0] for one in asked] == [200, 200]


@posix
def test_who_has_gone_is_not_waited_for(ready):
    """One at work, one waiting, which hangs up: there is room for another one."""
    body = said(IMAGE)
    with ThreadPoolExecutor(2) as threads:
        with stopped_worker():
            asked = [threads.submit(call, ready + "/predict", body)]
            time.sleep(0.3)
            with socket.create_connection(address(ready)) as line:
                line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                time.sleep(0.3)
                assert call(ready + "/predict", body)[0] == 503
            time.sleep(0.3)
            asked.append(threads.submit(call, ready + "/predict", body))
            time.sleep(0.3)
            assert not asked[1].done()
        assert [one.result()[0] for one in asked] == [200, 200]


def test_a_process_that_hangs_is_killed_and_replaced(ready):
    """One is at work until the limit; the other waits in vain, or hangs the process that replaces it."""
    [worker] = (one for one in multiprocessing.active_children() if one.name == "ellimaps")
    with ThreadPoolExecutor(2) as threads:
        start = time.monotonic()
        asked = [threads.submit(call, ready + "/predict", said(b"hang")) for _ in range(2)]
        found = [one.result()[:2] for one in asked]
        # Generous, as the machine may be busy; the process itself would hang for a minute.
        assert SECONDS - 0.1 < time.monotonic() - start < 5 * SECONDS
    assert 504 in {status for status, _ in found} <= {503, 504}
    assert all(is_sentence(answer) for _, answer in found)
    wait_until(lambda: answers(ready))
    assert call(ready + "/predict", said(IMAGE))[0] == 200
    assert not worker.is_alive()


@posix
def test_a_process_that_dies_at_work_is_told_of(ready):
    with stopped_worker() as worker, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(call, ready + "/predict", said(IMAGE))
        time.sleep(0.5)
        worker.kill()
        status, answer, headers = asked.result()
        assert (status, is_sentence(answer), headers["Retry-After"]) == (503, True, "1")
        status, answer, headers = call(ready + "/healthz")
        assert (status, headers["Retry-After"]) == (503, "1")
        assert answer == {"detail": "0 of 1 worker processes are ready: wait a moment."}


@posix
def test_health_tells_of_dead_processes_at_once_and_their_successors_answer(ready):
    for _ in range(3):
        [worker] = (one for one in multiprocessing.active_children() if one.name == "ellimaps")
        worker.kill()
        wait_until(lambda: call(ready + "/healthz")[0] == 503, seconds=1)
        wait_until(lambda: answers(ready))
        assert call(ready + "/predict", said(IMAGE))[0] == 200
        assert call(ready + "/healthz")[1] == {"status": "ok", "ready": 1, "workers": 1}
