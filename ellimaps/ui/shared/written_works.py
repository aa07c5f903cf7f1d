"""What users come back to on another day: small files in a state folder, never beside a measurement."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit as st
from platformdirs import user_state_path

VARIABLE = "ELLIMAPS_STATE"
# Counted up when what is written changes its form; files of another version begin anew.
_VERSION = 1
# A recipe with a hundred hand-drawn regions is some 50 kB.
_MOST_BYTES = 1 << 20
# A season's bookmarks of a busy operator.
_MOST_FILES, _OLDEST_S = 500, 180 * 24 * 3600
_LOG = logging.getLogger(__name__)


def user() -> str:
    """Return what tells users apart where they sign in; the same for all where they do not."""
    # Without a sign-in configured, Streamlit's user has no such attribute.
    if getattr(st.user, "is_logged_in", False):
        # Only these two stay as they are from one sign-in to the next (OpenID Connect Core 1.0, 5.7).
        return sha256(repr((st.user["iss"], st.user["sub"])).encode()).hexdigest()[:24]
    return "anyone"


def write(name: str, facts: dict[str, Any]) -> None:
    """Write something down for this user, if it has changed; what cannot be written is only logged."""
    file = _folder() / f"{name}.json"
    text = json.dumps({"version": _VERSION, **facts}, default=_plain, allow_nan=False, sort_keys=True)
    if len(text) > _MOST_BYTES or _text_of(file) == text:
        return
    try:
        if not file.exists():
            _make_room(file.parent)
        _put(file, text.encode())
    except OSError as error:
        _LOG.info("%s cannot be written: %s", file, error)


def read(name: str) -> dict[str, Any]:
    """Return what was written down for this user; nothing where there is none or of another version."""
    try:
        facts = json.loads(_text_of(_folder() / f"{name}.json"))
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) and facts.get("version") == _VERSION else {}


def write_bytes(content: bytes) -> str:
    """Write down what is no JSON, for this user, and return its name; empty where it cannot be written."""
    name = sha256(content).hexdigest()[:32]
    file = _folder() / f"{name}.bin"
    try:
        if not file.exists():
            _make_room(file.parent)
            _put(file, content)
    except OSError as error:
        _LOG.info("%s cannot be written: %s", file, error)
        return ""
    return name


def read_bytes(name: str) -> bytes | None:
    """Return what was written down under a name that `write_bytes` gave; None where it has gone."""
    try:
        return (_folder() / f"{name}.bin").read_bytes() if re.fullmatch(r"[0-9a-f]{32}", name) else None
    except OSError:
        return None


def _put(file: Path, content: bytes) -> None:
    beside = file.with_suffix(f".{os.getpid()}.tmp")
    beside.write_bytes(content)
    beside.replace(file)


def _folder() -> Path:
    root = os.environ.get(VARIABLE)
    return (Path(root) if root else user_state_path("ellimaps")) / "works" / user()


def _make_room(folder: Path) -> None:
    """Make the folder, readable by nobody else, and take away what is old or too much."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    dated = sorted(((file.stat().st_mtime, file) for file in folder.iterdir()), reverse=True)
    for number, (modified, file) in enumerate(dated, start=1):
        if number >= _MOST_FILES or time.time() - modified > _OLDEST_S:
            file.unlink(missing_ok=True)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _plain(value: Any) -> None:
    """Leave out what JSON has no word for, such as a date: the control begins anew."""
