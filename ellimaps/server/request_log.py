"""One line per request, without anything of the image."""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What nginx logs where the client has closed the connection.
_CLIENT_LEFT = 499

logger = logging.getLogger("ellimaps.server")


class RequestLog:
    """Middleware that logs client, method, path, status, bytes received and milliseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, received, status = time.monotonic(), 0, 500

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except ClientDisconnect:
            status = _CLIENT_LEFT
        finally:
            client = (scope.get("client") or ("-",))[0]
            milliseconds = 1000 * (time.monotonic() - start)
            path = quote(scope["path"])[:80]
            text = "%s %s %s %d %d bytes %.0f ms"
            logger.info(text, client, scope["method"], path, status, received, milliseconds)
