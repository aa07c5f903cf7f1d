"""What a client sends: read within bounds, and turned from JSON and base64 into an image file."""

from __future__ import annotations

import asyncio
import base64
import json
import re

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ellimaps.server.documents import ImageBody

_DATA_URI = re.compile(r"data:[\w.+/-]*(?:;[\w.+=-]+)*;base64,", re.I)
_WHITE = b" \t\r\n"
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json")
# What urllib and `curl --data` say of any body unless told otherwise.
_UNSAID = ("", "application/x-www-form-urlencoded")


async def read_body(request: Request, limit: int, deadline: float) -> bytes:
    """Return the body of a request; it is never longer than the limit in memory.

    Parameters
    ----------
    request : Request
        Nothing of its body has been read.
    limit : int
        Bytes the body may have, whatever its headers say of it.
    deadline : float
        Time of the running event loop by which the body must be there.

    Raises
    ------
    HTTPException
        415, 413 or 408.
    """
    declared = media_type(request)
    if not _JSON.fullmatch(declared) and declared not in _UNSAID:
        raise HTTPException(415, 'The body must be JSON: set the header "Content-Type: application/json".')
    length = request.headers.get("content-length", "")
    too_large = HTTPException(413, f"The body is larger than {limit / 2**20:g} MiB: send a smaller image.")
    if length.isdecimal() and (len(length) > 18 or int(length) > limit):
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, "The body did not arrive in time: send a smaller image.") from None
    return bytes(body)


def media_type(request: Request) -> str:
    """Return what the body is said to be, without parameters; nothing if nothing is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def image_bytes(body: bytes, declared: str) -> bytes:
    """Return the image file in a body.

    Parameters
    ----------
    body : bytes
        ``{"cell": "<base64 of an image file>"}``; further fields are ignored, a data URI's head and white
        space in the base64 as well.
    declared : str
        The media type the client gave, or nothing.

    Raises
    ------
    HTTPException
        400 for what is not JSON, 415 for what is not JSON and not said to be, 422 for other JSON.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        if not _JSON.fullmatch(declared):
            reason = 'The body is not JSON: send {"cell": "<base64>"} and "Content-Type: application/json".'
            raise HTTPException(415, reason) from None
        raise HTTPException(400, 'The body is not JSON: send {"cell": "<base64>"}.') from None
    try:
        text = ImageBody.model_validate(content).cell
    except ValidationError:
        reason = 'The body must be a JSON object whose field "cell" is a text: the image file in base64.'
        raise HTTPException(422, reason) from None
    if head := _DATA_URI.match(text):
        text = text[head.end() :]
    try:
        image = base64.b64decode(text.encode("ascii").translate(None, _WHITE), validate=True)
    except ValueError:
        raise HTTPException(
            422, 'The field "cell" is not base64: encode the bytes of the image file.'
        ) from None
    if not image:
        raise HTTPException(422, 'The field "cell" is empty: it must hold the image file in base64.')
    return image
