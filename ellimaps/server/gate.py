"""Who may ask: a secret that clients show, and of pages in browsers only the server's own."""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
import stat
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ellimaps.core.errors import SettingError, unreadable

# Whoever knows no token can see that the server is there, and where to type one.
_FREE = ("/healthz", "/docs")
# RFC 6750, section 2.1; 16 of its characters are 96 bits.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,4096}=*")


class Gate:
    """Middleware that turns away who may not ask, before anything of a body is read.

    Parameters
    ----------
    app : ASGI application
        What is behind it.
    token : str, optional
        What a request must show, but for those about health and for the page of documentation; without it
        everybody may ask.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on or turn it away."""
        refused = scope["type"] == "http" and self._refusal(Headers(scope=scope), scope["path"])
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers, path: str) -> JSONResponse | None:
        if "origin" in headers and not self._is_own(headers):
            return JSONResponse({"detail": "Pages of other sites may not ask: send no Origin header."}, 403)
        if self._token is not None and path not in _FREE and not self._shown(headers):
            reason = 'A token is needed: send the header "Authorization: Bearer <token>".'
            return JSONResponse({"detail": reason}, 401, {"WWW-Authenticate": 'Bearer realm="ellimaps"'})
        return None

    def _is_own(self, headers: Headers) -> bool:
        """Return whether the page that asks is from this server.

        A name that a foreign page had pointed at this machine would be its own origin; but no such page has
        an address of numbers for its origin, nor knows the token.
        """
        host = headers.get("host", "")
        own = headers["origin"] in (f"http://{host}", f"https://{host}")
        return own and (self._token is not None or _is_address(host))

    def _shown(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(given.strip().encode("latin-1"), str(self._token).encode())
        return known and scheme.lower() == "bearer"


def _is_address(host: str) -> bool:
    """Return whether a host, with its port, is numbers or this machine, and no name to be pointed at it."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def read_token(file: Path) -> str:
    """Return the token in a file; white space around it does not count.

    Raises
    ------
    ReadError
        If the file cannot be read.
    SettingError
        If it holds no token, or everybody on this machine can read it.
    """
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            token = stream.read(8192).decode("latin-1").strip()
    except OSError as error:
        raise unreadable(file, error) from error
    # Elsewhere the mode says nothing of who may read.
    if os.name == "posix" and mode & stat.S_IROTH:
        raise SettingError(f"{file} can be read by everybody on this machine: chmod 600 {file}.")
    if not _TOKEN.fullmatch(token):
        raise SettingError(
            f"{file} must hold one token of 16 or more letters, digits and . _ ~ + / -, "
            "such as openssl rand -hex 32 prints."
        )
    return token
