"""Who may ask: a secret that clients show, and no page of a browser."""

from __future__ import annotations

import hmac
import os
import re
import stat
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ellimaps.core.errors import SettingError, unreadable

_FREE = "/healthz"
# RFC 6750, section 2.1; 16 of its characters are 96 bits.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,4096}=*")


class Gate:
    """Middleware that turns away who may not ask, before anything of a body is read.

    Parameters
    ----------
    app : ASGI application
        What is behind it.
    token : str, optional
        What a request must show, but for the one about health; without it everybody may ask.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on or turn it away."""
        refused = scope["type"] == "http" and self._refusal(Headers(scope=scope), scope["path"])
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers, path: str) -> JSONResponse | None:
        # Browsers say so of every POST of a page, and we serve none. A name that a foreign page had
        # pointed at this machine would be its own origin, so no origin is a good one.
        if "origin" in headers:
            return JSONResponse({"detail": "Pages of browsers may not ask: send no Origin header."}, 403)
        if self._token is not None and path != _FREE and not self._shown(headers):
            reason = 'A token is needed: send the header "Authorization: Bearer <token>".'
            return JSONResponse({"detail": reason}, 401, {"WWW-Authenticate": 'Bearer realm="ellimaps"'})
        return None

    def _shown(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(given.strip().encode("latin-1"), str(self._token).encode())
        return known and scheme.lower() == "bearer"


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
