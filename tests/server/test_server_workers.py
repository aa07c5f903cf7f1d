"""The server's processes by themselves: they hang, die, and are replaced."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from support import stalling

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
