"""Connections: who opens one and says nothing is not waited for, and what is no HTTP is told so as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ellimaps.server.answer_headers import HEADERS

# From the connection, or the last answer, to the end of the next request's head: one or two packets.
_HEAD_S = 10.0
# So many may be without a request; with one more the oldest is closed. A quarter of the files that a process
# may usually have open (1024).
_MOST_WAITING = 256
_NO_HTTP = {"detail": "This is no HTTP request: send one of HTTP/1.1."}

logger = logging.getLogger("ellimaps.server")


class Connection(H11Protocol):
    """A client's connection, which is closed where no request comes."""

    # In the order they began to wait.
    _without_request: ClassVar[dict[Connection, asyncio.TimerHandle]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait_for_request()

    def handle_events(self) -> None:
        """Take what has arrived."""
        super().handle_events()
        if self._has_request():
            self._wait_no_longer()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._wait_for_request()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what cannot be understood."""
        logger.info("%s sent no HTTP request", (self.client or ("-",))[0])
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._say_what_is_wrong()
        if self._has_request():
            # Its own answer would come second.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _say_what_is_wrong(self) -> None:
        body = json.dumps(_NO_HTTP, separators=(",", ":")).encode()
        headers: list[Any] = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
            *HEADERS.items(),
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")

    def _has_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_request(self) -> None:
        self._wait_no_longer()
        if len(self._without_request) >= _MOST_WAITING:
            oldest = next(iter(self._without_request))
            oldest._wait_no_longer()
            oldest.transport.close()
        self._without_request[self] = self.loop.call_later(_HEAD_S, self.transport.close)

    def _wait_no_longer(self) -> None:
        if timer := self._without_request.pop(self, None):
            timer.cancel()
