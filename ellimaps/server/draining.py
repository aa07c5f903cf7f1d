"""A refused body is received to its end, or its sender would meet a closed connection and not the reason."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A sender who pauses for longer reads already; over loopback or a network the rest of a body comes without.
_SILENCE_S = 0.5
# 32 MiB, the largest body, come in this time at 54 Mbit/s; who sends slower meets a closed connection.
_LONGEST_S = 5.0


class Draining:
    """Middleware that throws away what is left of a body before it answers, within bounds of time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A client that asks before it sends has sent nothing yet.
        at_end = "expect" in Headers(scope=scope)

        async def watched() -> Message:
            nonlocal at_end
            message = await receive()
            at_end = at_end or not message.get("more_body", False)
            return message

        async def after_the_rest(message: Message) -> None:
            nonlocal at_end
            too_slow = message.get("status") == 408
            if message["type"] == "http.response.start" and not at_end and not too_slow:
                at_end = True
                await _drain(receive)
            await send(message)

        await self._app(scope, watched, after_the_rest)


async def _drain(receive: Receive) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + _LONGEST_S
    more = True
    while more and loop.time() < end:
        try:
            async with asyncio.timeout(_SILENCE_S):
                more = (await receive()).get("more_body", False)
        except TimeoutError:
            return
