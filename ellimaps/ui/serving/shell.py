"""What stands between Streamlit and the browser: headers, addresses, and who may open a connection.

Streamlit sets none of these headers. Its page asks for the address of the server below its own, and is blank
at an address of two parts.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit import config
from streamlit.file_util import get_static_dir

# What Streamlit answers itself; a page has none of these names.
_NOT_PAGES = frozenset({"_stcore", "app", "auth", "component", "media", "oauth2callback", "static"})
_POLICY_VIOLATION = 1008
_MISDIRECTED = PlainTextResponse(
    "This workbench answers to the names of its own machine only: behind a proxy, start it with "
    "--allow-anonymous or configure a sign-in.",
    status_code=421,
)


class Shell:
    """The workbench as the browser meets it.

    Parameters
    ----------
    app : ASGI application
        Streamlit's.
    names : set of str, optional
        Names and addresses it answers to; all by default. Without a sign-in a page of anybody could read
        what is here, if its name were given this machine's own address after it has been loaded.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self._app, self._names = app, names
        self._base = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
        self._static = Path(get_static_dir())
        self._index = _index(self._static, self._base)
        self._headers = {
            "Content-Security-Policy": content_policy(self._index),
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            # The address holds the token of a user's work.
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let Streamlit answer it."""
        headers = Headers(scope=scope) if scope["type"] in ("http", "websocket") else Headers()
        is_named = not self._names or _name(headers) in self._names
        if scope["type"] == "websocket" and not (is_named and _is_own(headers)):
            await WebSocketClose(_POLICY_VIOLATION)(scope, receive, send)
            return
        if scope["type"] == "http" and not is_named:
            await _MISDIRECTED(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        answer = self._page(scope) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send_with_headers)

    def _page(self, scope: Scope) -> ASGIApp | None:
        """Return what shows a page, or leads from below a page to it; None for all else."""
        path = str(scope["path"])
        below = path.removeprefix(self._base).lstrip("/")
        page, *deeper = below.split("/")
        is_asked = scope["method"] in ("GET", "HEAD") and path.startswith(self._base)
        if not is_asked or path.startswith("//") or page in _NOT_PAGES or "_stcore" in deeper:
            return None
        if deeper:
            target = f"{self._base.rstrip('/')}/{quote(page)}"
            query = scope["query_string"].decode("latin-1")
            return RedirectResponse(f"{target}?{query}" if query else target)
        if below not in ("", "index.html") and "." in below:
            return None
        return HTMLResponse(self._index, headers={"Cache-Control": "no-cache"})


def content_policy(page: str) -> str:
    """Return the Content-Security-Policy of a page: all comes from the server, and its own scripts run.

    Parameters
    ----------
    page : str
        HTML, whose scripts in the text are allowed by their hashes.
    """
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    return "; ".join(
        [
            "default-src 'self'",
            # Plotly compiles how it draws many points.
            f"script-src 'self' {hashes} 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def _index(static: Path, base: str) -> str:
    """Return Streamlit's page with our script in it, which knows this process from the next."""
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    script = script.replace("{base}", base).replace("{process}", secrets.token_hex(8))
    page = (static / "index.html").read_text(encoding="utf-8")
    return page.replace("<head>", f"<head><script>{script}</script>", 1)


def _name(headers: Headers) -> str:
    return urlsplit(f"//{headers.get('host', '')}").hostname or ""


def _is_own(headers: Headers) -> bool:
    """Return whether a connection comes from a page of this server, or from one that the configuration names.

    Streamlit lets pages of every other port of the machine in, and asks a host outside for its own address.
    """
    origin = headers.get("origin")
    allowed = config.get_option("server.corsAllowedOrigins") or []
    return origin is None or urlsplit(origin).netloc == headers.get("host") or origin in allowed
