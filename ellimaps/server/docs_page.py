"""The page of the server for people: how to ask, and a form to try an image; it asks no other host."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup
from starlette.responses import HTMLResponse

from ellimaps.core.html import render

_FOLDER = Path(__file__).parent / "templates"
_METHODS = ("get", "post")


def docs_page(described: Mapping[str, Any], body_bytes: int, *, token_needed: bool) -> HTMLResponse:
    """Return the page; it tells nothing of the model, for who may not ask can read it.

    Parameters
    ----------
    described : mapping
        The OpenAPI document.
    body_bytes : int
        Size a body may have.
    token_needed : bool
        Whether who asks must show one.
    """
    style, script = ((_FOLDER / f"docs.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    page = render(
        "server/templates/docs.html",
        # Files of the package itself.
        style=Markup(style),  # nosec B704
        script=Markup(script),  # nosec B704
        addresses=list(_addresses(described)),
        # In base64 four bytes are three of the file.
        megabytes=body_bytes * 3 // 4 // 1_000_000,
        token_needed=token_needed,
        token_option='-H "Authorization: Bearer $(cat server.token)" ' if token_needed else "",
        token_header=', "Authorization": "Bearer ..."' if token_needed else "",
    )
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _addresses(described: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"{method.upper()} {path}", ways[method].get("description", ""))
        for path, ways in described["paths"].items()
        for method in _METHODS
        if method in ways
    ]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
