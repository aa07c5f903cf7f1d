"""What the server answers under each address, and how it says so in its OpenAPI document."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ellimaps.server import documents
from ellimaps.server.answer_headers import HEADERS
from ellimaps.server.bodies import image_bytes, read_body
from ellimaps.server.budget import Budget, BudgetSpentError
from ellimaps.server.classifier import ModelFacts
from ellimaps.server.documents import About, Health, Message
from ellimaps.server.workers import Answer, NoWorkerFree, TookTooLong, WorkerDied, Workers

_RETRY = {"Retry-After": "1"}

logger = logging.getLogger("ellimaps.server")


@dataclass(frozen=True)
class RequestLimits:
    """Bounds of a request.

    Attributes
    ----------
    body_bytes : int
        Size of a body. What an image may have in pixels is up to the reader of images.
    seconds : float
        From the head of a request to its answer; 4/5 of it may be spent waiting for a process, and the rest
        does for an image of the usual size (``benchmarks/bench_server.py``: 1000 x 1000 pixels).
    waiting : int
        Requests that may wait, for each process that works: so many images of the usual size as it does in
        the time they may wait, on a busy machine (0.36 s each, ``benchmarks/load_server.py``).
    arriving : int
        Bodies that may arrive at the same time. They are not among those that wait, so that clients who send
        slowly keep nobody from the processes. A quarter of the files a process may usually have open (1024).
    memory_bytes : int
        Bodies and images in memory at the same time, from their arrival to the answer.
    small_bytes : int
        Larger bodies together may have half of that memory. An image of the usual size, 1000 x 1000 pixels of
        16 bit, has a body of 2.7 MB.
    """

    body_bytes: int = 32 * 2**20
    seconds: float = 10.0
    waiting: int = 24
    arriving: int = 256
    memory_bytes: int = 256 * 2**20
    small_bytes: int = 4 * 2**20


class _Slots:
    """A number of slots, each for one request."""

    def __init__(self, count: int) -> None:
        self._free = count

    @contextmanager
    def one(self) -> Iterator[None]:
        """Return a context that holds a slot, or send the request away."""
        if not self._free:
            raise _busy()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class Service:
    """Answers requests with the help of worker processes.

    Parameters
    ----------
    facts : ModelFacts
        Of the model the processes have.
    workers : Workers
        The processes.
    limits : RequestLimits
        Bounds of a request.
    """

    def __init__(self, facts: ModelFacts, workers: Workers, limits: RequestLimits) -> None:
        self.facts = facts
        self.limits = limits
        self._workers = workers
        self._arriving = _Slots(limits.arriving)
        self._budget = Budget(limits.memory_bytes, limits.small_bytes)
        self._decoding = asyncio.Lock()
        self._slots = _Slots(workers.processes * (1 + limits.waiting))
        self._started = time.monotonic()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Return a context in which the processes run."""
        await self._workers.start()
        self._started = time.monotonic()
        logger.info("ready: model %s, %d processes", self.facts.version, self._workers.processes)
        try:
            yield
        finally:
            await self._workers.stop()
            logger.info("stopped")

    async def root(self, _: Request) -> Message:
        """Say that the endpoint is running."""
        return Message(message="The endpoint is running: POST images to /predict.")

    async def about(self, _: Request) -> About:
        """Name the service and say for how many seconds it has been up."""
        uptime = round(time.monotonic() - self._started, 3)
        return About(
            service="ellimaps",
            uptime=uptime,
            model=self.facts.version,
            label=self.facts.label_name,
            classes=list(self.facts.classes),
            class_names=dict(self.facts.class_names),
        )

    async def health(self, _: Request) -> Health:
        """Say whether images can be classified."""
        ready, workers = self._workers.ready, self._workers.processes
        if not ready:
            raise HTTPException(503, f"0 of {workers} worker processes are ready: wait a moment.", _RETRY)
        return Health(status="ok", ready=ready, workers=workers)

    async def predict(self, request: Request) -> Answer:
        """Answer with the class of an image and nothing else."""
        answer = await self._classified(request)
        return {self.facts.label_name: answer["label"]}

    async def predict_v1(self, request: Request) -> Answer:
        """Answer with the class of an image, how sure that is, and by which model."""
        answer = await self._classified(request)
        return {self.facts.label_name: answer.pop("label"), **answer, "model": self.facts.version}

    async def _classified(self, request: Request) -> Answer:
        begun = asyncio.get_running_loop().time()
        with self._budget.share() as share:
            try:
                with self._arriving.one():
                    body = await read_body(
                        request, self.limits.body_bytes, begun + self.limits.seconds, share
                    )
            except BudgetSpentError:
                raise _busy() from None
            with self._slots.one():
                image = await self._decoded(body)
                share.resize(len(image))
                answer = await _unless_gone(request, self._asked(image, begun))
        if "refused" in answer:
            raise HTTPException(422, answer["refused"])
        return answer

    async def _decoded(self, body: bytearray) -> bytes:
        # One after the other, as each is in memory several times for a moment; and in a thread, as megabytes
        # of base64 would hold up the other requests here.
        async with self._decoding:
            return await asyncio.to_thread(image_bytes, body)

    async def _asked(self, image: bytes, begun: float) -> Answer:
        seconds = self.limits.seconds
        try:
            return await self._workers.ask(image, begun + 0.8 * seconds, begun + seconds)
        except NoWorkerFree:
            raise _busy() from None
        except TookTooLong:
            reason = f"The image was not classified within {self.limits.seconds:g} s: send a smaller one."
            raise HTTPException(504, reason) from None
        except WorkerDied:
            reason = "The process at work on the image ended: it may need more memory than there is."
            raise HTTPException(503, reason, _RETRY) from None


async def _unless_gone(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what work gives; leave off when the client of a request hangs up.

    Raises
    ------
    ClientDisconnect
        If it does.
    """
    asked = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    await asyncio.wait([asked, gone], return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not asked.done():
        asked.cancel()
        raise ClientDisconnect
    return asked.result()


def _busy() -> HTTPException:
    return HTTPException(503, "Too many requests are waiting: try again in a moment.", _RETRY)


def routes_of(service: Service) -> list[dict[str, Any]]:
    """Return what `FastAPI.add_api_route` needs for each address."""
    refusals = documents.refusals(service.limits.body_bytes, service.limits.seconds)
    asked = {"methods": ["POST"], "openapi_extra": documents.BODY, "responses": refusals}
    label, details = documents.label_of(service.facts), documents.details_of(service.facts)
    return [
        {"path": "/", "endpoint": service.root, "response_model": Message},
        {"path": "/api", "endpoint": service.about, "response_model": About},
        {
            "path": "/healthz",
            "endpoint": service.health,
            "response_model": Health,
            "responses": documents.NOT_READY,
        },
        {"path": "/predict", "endpoint": service.predict, "response_model": label, **asked},
        {"path": "/v1/predict", "endpoint": service.predict_v1, "response_model": details, **asked},
    ]


async def _no_such_address(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "There is nothing at this address: see /docs."}, 404)


async def _no_such_method(_: Request, error: Exception) -> Response:
    headers = getattr(error, "headers", None)
    return JSONResponse({"detail": "This address has another method: see /docs."}, 405, headers)


async def _fault(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "The server made a mistake: its log has more."}, 500, HEADERS)


# By status, or by the exception that leads to it.
ERROR_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    404: _no_such_address,
    405: _no_such_method,
    500: _fault,
}
