"""What a client sends: read within bounds, and turned from JSON and base64 into an image file."""

from __future__ import annotations

import asyncio
import base64
import json
import re

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ellimaps.server.budget import Share
from ellimaps.server.documents import ImageBody

_DATA_URI = re.compile(r"data:[\w.+/-]*(?:;[\w.+=-]+)*;base64,", re.I)
_WHITE = b" \t\r\n"
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json")
# A body may be so long in coming, and then comes at 131 kbit/s or more: less than the slowest mobile networks
# have (EDGE, about 200). Who sends a byte now and then to keep others out is sent away.
_BEGIN_S = 2.0
_SLOWEST_BYTES_PER_S = 16_384


async def read_body(request: Request, limit: int, deadline: float, share: Share) -> bytearray:
    """Return the body of a request; it is never longer than the limit in memory.

    Parameters
    ----------
    request : Request
        Nothing of its body has been read.
    limit : int
        Bytes the body may have, whatever its headers say of it.
    deadline : float
        Time of the running event loop by which the body must be there.
    share : Share
        Of the memory for bodies; it grows with the body.

    Raises
    ------
    HTTPException
        415, 413 or 408.
    BudgetSpentError
        If there is no memory for it now.
    """
    # A form of a foreign page can send other types without asking, and this one not.
    if not _JSON.fullmatch(media_type(request)):
        raise HTTPException(415, 'The body must be JSON: set the header "Content-Type: application/json".')
    length = request.headers.get("content-length", "")
    too_large = HTTPException(413, f"The body is larger than {limit / 2**20:g} MiB: send a smaller image.")
    if length.isdecimal() and (len(length) > 18 or int(length) > limit):
        raise too_large
    body = bytearray()
    begun = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(min(deadline, begun + _BEGIN_S)) as clock:
            async for chunk in request.stream():
                if len(body) + len(chunk) > limit:
                    raise too_large
                share.resize(len(body) + len(chunk))
                body += chunk
                clock.reschedule(min(deadline, begun + _BEGIN_S + len(body) / _SLOWEST_BYTES_PER_S))
    except TimeoutError:
        reason = "The body did not arrive in time: send a smaller image."
        raise HTTPException(408, reason, {"Connection": "close"}) from None
    return body


def media_type(request: Request) -> str:
    """Return what the body is said to be, without parameters; nothing if nothing is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def image_bytes(body: bytearray) -> bytes:
    """Return the image file in a body.

    Parameters
    ----------
    body : bytearray
        ``{"cell": "<base64 of an image file>"}``; further fields are ignored, a data URI's head and white
        space in the base64 as well. It is empty afterwards.

    Raises
    ------
    HTTPException
        400 for what is not JSON, 422 for other JSON.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, 'The body is not JSON: send {"cell": "<base64>"}.') from None
    finally:
        body.clear()
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
