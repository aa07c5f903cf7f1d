"""File names as text: those that are no Unicode have one spelling that every file and screen takes."""

from __future__ import annotations

import re


def readable(name: str) -> str:
    """Return a file name as valid Unicode: a byte that is not UTF-8 as a URL writes it, ``caf%E9.tif``."""
    text = re.sub("[\udc80-\udcff]", lambda found: f"%{ord(found[0]) - 0xDC00:02X}", name)
    # Windows allows other halves of characters.
    return text.encode("utf-8", "replace").decode()
