"""Texts of data on a page whose labels are Markdown: names as they are, and nothing that fetches or links."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.message import Message  # type: ignore[import-untyped]
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext

_JOINER = "\u2060"
"""Unicode's word joiner, which nobody sees. Streamlit and GitHub's dialect look for icons, arrows and
addresses in what is text already, where no backslash helps; they do not find them across it."""
_FOUND_IN_TEXT = re.compile(
    r":(?=[a-z_]|//|[+-]1:)|(?<!\d):(?=\d+:)|(?<=\bwww)(?=\.)|@(?=\w)|(?<!\S)[-<>~](?=[->=]+(?!\S))",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[\\`*{}\[\]<>|$#~!&]|(?<![^\W_])_|_(?![^\W_])")
_BEGINS_A_LIST = re.compile(r"^(\s*\d*)([-+=.)])(?=[-=\s]|$)")
_FETCHES = re.compile(r"(\\[!-/:-@\[-`{-~]|:[\w-]+\[)|([\[<$])")
_ADDRESS = re.compile(r":(?=//)|(?<=\bwww)(?=\.)|(?<=\w)@(?=\w)", re.IGNORECASE)
_FIELDS = {"label", "help", "body", "text", "title", "caption", "captions", "delta", "content", "options"}
"""Fields that a browser takes as Markdown; options of boxes are plain."""
_PLAIN = {"Html", "Text", "Json", "Code", "Selectbox", "MultiSelect"}
_send = ScriptRunContext.enqueue


def escaped(text: object) -> str:
    """Return a text of the data so that Markdown shows it as it is, in one line."""
    line = " ".join(str(text).split("\n"))
    line = _FOUND_IN_TEXT.sub(rf"\g<0>{_JOINER}", line)
    line = _SIGNS.sub(r"\\\g<0>", line)
    return _BEGINS_A_LIST.sub(r"\1\\\2", line)


def harmless(text: str) -> str:
    """Return Markdown without pictures, links, HTML and formulas: no page writes them, but data might.

    What is escaped stays as it is, and so does Streamlit's color of a text.
    """
    without_addresses = _ADDRESS.sub(rf"\g<0>{_JOINER}", text)
    return _FETCHES.sub(lambda found: found[1] or f"\\{found[2]}", without_addresses)


def guard_messages() -> None:
    """Make harmless whatever pages send from now on, also names that a page forgot to escape."""
    ScriptRunContext.enqueue = _send_harmless  # type: ignore[method-assign]


def _send_harmless(self: ScriptRunContext, msg: Any) -> None:
    if msg.WhichOneof("type") == "delta":
        _make_harmless(msg.delta)
    _send(self, msg)


def _make_harmless(message: Message) -> None:
    kind = message.DESCRIPTOR.name
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                # Entries of a map are no messages of their own.
                if isinstance(part, Message):
                    _make_harmless(part)
        elif field.name in _FIELDS and field.type == field.TYPE_STRING and kind not in _PLAIN:
            if field.is_repeated:
                value[:] = map(harmless, value)
            elif kind not in _PLAIN:
                setattr(message, field.name, harmless(value))
