"""What was computed for the users is let go of some time after the last of them has left."""

from __future__ import annotations

import asyncio
import gc

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime

from ellimaps.core.allocator import trim_memory
from ellimaps.ui.shared.cache import forget_all

ALONE_S = 130.0
"""Streamlit keeps a session that a page may come back to for 120 s (``server.disconnectedSessionTTL``)."""


class LeftAlone:
    """Counts the pages that are open, by their connections.

    Parameters
    ----------
    app : ASGI application
        Streamlit's.
    after_s : float, optional
        How long nobody must have been there.
    """

    def __init__(self, app: ASGIApp, after_s: float = ALONE_S) -> None:
        self._app, self._after_s = app, after_s
        self._open_pages = 0
        self._forgetting: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Streamlit answer."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        self._open_pages += 1
        if self._forgetting is not None:
            self._forgetting.cancel()
        try:
            await self._app(scope, receive, send)
        finally:
            self._open_pages -= 1
            if not self._open_pages:
                self._forgetting = asyncio.get_running_loop().call_later(self._after_s, forget)


def forget() -> None:
    """Empty all caches, and give the memory back to the system."""
    if runtime.exists():
        # Streamlit looks for expired sessions when the next one comes; their fragments hold what they draw.
        runtime.get_instance()._session_mgr._session_storage._cache.expire()  # type: ignore[attr-defined]
    forget_all()
    gc.collect()
    trim_memory()
