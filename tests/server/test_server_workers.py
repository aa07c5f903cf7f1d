"""The server's processes by themselves: they hang, die, and are replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import psutil
import pytest
from support import stalling
from support.server_calls import ROOT, posix, wait_until

from ellimaps.core.errors import EllimapsError
from ellimaps.server.workers import NoWorkerFree, TookTooLong, WorkerDied, Workers


def with_workers(test, load=stalling.load, processes=2):
    """Run a test in an event loop, with processes that do what an image says."""

    async def run():
        workers = Workers(load, processes, 1.5)
        await workers.start()
        try:
            await test(workers, asyncio.get_running_loop().time)
        finally:
            await workers.stop()

    asyncio.run(run())


def test_a_hanging_process_does_not_hold_up_the_others():
    async def test(workers, now):
        hanging = asyncio.create_task(workers.ask(b"hang", now() + 1, now() + 2))
        await asyncio.sleep(0.1)
        found = [await workers.ask(b"x" * 1_000_000, now() + 10, now() + 10) for _ in range(5)]
        assert not hanging.done()
        assert [one["bytes"] for one in found] == [1_000_000] * 5
        assert len({one["process"] for one in found}) == 1
        with pytest.raises(TookTooLong):
            await hanging
        assert workers.ready == 1
        while workers.ready < 2:
            await asyncio.sleep(0.05)
        assert len({(await workers.ask(b"x", now() + 10, now() + 10))["process"] for _ in range(4)}) == 2

    with_workers(test)


def test_processes_that_die_are_replaced():
    async def test(workers, now):
        for _ in range(3):
            with pytest.raises(WorkerDied):
                await workers.ask(b"die", now() + 10, now() + 10)
        first = await workers.ask(b"x", now() + 10, now() + 10)
        os.kill(first["process"], signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        await asyncio.sleep(0.1)
        # Nobody's image was lost with it, so nobody is told.
        second = await workers.ask(b"x", now() + 10, now() + 10)
        assert second["process"] != first["process"]

    with_workers(test, processes=1)


@pytest.mark.parametrize("asked_meanwhile", [False, True])
def test_idle_processes_that_die_are_replaced_though_nobody_asks(asked_meanwhile):
    """All of them at once; who asks before there is a new one waits for it."""

    async def test(workers, now):
        before = {(await workers.ask(b"x", now() + 10, now() + 10))["process"] for _ in range(4)}
        assert len(before) == 2
        for process in before:
            os.kill(process, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        async with asyncio.timeout(2):
            while workers.ready:
                await asyncio.sleep(0.01)
        if asked_meanwhile:
            assert (await workers.ask(b"x", now() + 30, now() + 30))["process"] not in before
        async with asyncio.timeout(30):
            while workers.ready < 2:
                await asyncio.sleep(0.01)
        after = {(await workers.ask(b"x", now() + 10, now() + 10))["process"] for _ in range(4)}
        assert (len(after), len(after & before)) == (2, 0)

    with_workers(test)


HANGING = """
import asyncio
from support import stalling
from ellimaps.server.workers import Workers

async def main():
    workers = Workers(stalling.load, 1, 60.0)
    await workers.start()
    now = asyncio.get_running_loop().time()
    print((await workers.ask(b"x", now + 60, now + 60))["process"], flush=True)
    await workers.ask(b"hang", now + 60, now + 60)

if __name__ == "__main__":
    asyncio.run(main())
"""


@posix
def test_a_hanging_process_does_not_outlive_a_killed_server(tmp_path):
    script = tmp_path / "hanging.py"
    script.write_text(HANGING)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as server:
        worker = psutil.Process(int(server.stdout.readline()))
        wait_until(lambda: worker.status() == psutil.STATUS_SLEEPING)
        server.kill()
    assert not psutil.wait_procs([worker], timeout=5)[1]


def test_who_waits_in_vain_is_told():
    async def test(workers, now):
        hanging = asyncio.create_task(workers.ask(b"hang", now() + 1, now() + 2))
        await asyncio.sleep(0.1)
        with pytest.raises(NoWorkerFree):
            await workers.ask(b"x", now() + 0.2, now() + 0.2)
        with pytest.raises(TookTooLong):
            await hanging

    with_workers(test, processes=1)


def test_who_came_late_does_not_cost_a_process():
    """The answer is too late for the client, but the process has not worked for long."""

    async def test(workers, now):
        first = await workers.ask(b"x", now() + 10, now() + 10)
        with pytest.raises(TookTooLong):
            await workers.ask(b"slow", now() + 10, now() + 0.1)
        assert await workers.ask(b"x", now() + 10, now() + 10) == first
        assert workers.ready == 1

    with_workers(test, processes=1)


def test_processes_that_cannot_start_are_told_of():
    async def test(*_):
        raise AssertionError("started")

    with pytest.raises(EllimapsError, match="could not load the model"):
        with_workers(test, stalling.load_nothing)
