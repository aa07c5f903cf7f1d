"""Small text files that a user writes: recipes, models, tables of n and k. None is read beyond its limit."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.inputs import InputFile
from ellimaps.core.reach import refuse_foreign


def read_small(path: Path | InputFile, what: str, limit_bytes: int) -> bytes:
    """Return the content of a small file.

    Parameters
    ----------
    path : Path or InputFile
        The file.
    what : str
        What it should be, for the message.
    limit_bytes : int
        The most such a file may hold; whole MB.

    Raises
    ------
    ReadError
        If it cannot be read or is larger.
    """
    try:
        with path.open() if isinstance(path, InputFile) else path.open("rb") as file:
            if isinstance(path, Path):
                refuse_foreign(file, path)
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise ReadError(f"The {what} {path} cannot be read: {error.strerror or error}.") from error
    if len(content) > limit_bytes:
        raise ReadError(f"{path} is no {what}: it is larger than {limit_bytes >> 20} MB.")
    return content


def read_toml(path: Path, what: str, limit_bytes: int) -> dict[str, Any]:
    """Return the values of a small TOML file; see `read_small`.

    Raises
    ------
    ReadError
        If it cannot be read, is larger, or is not TOML.
    """
    content = read_small(path, what, limit_bytes)
    try:
        values = tomllib.loads(content.decode("utf-8-sig"))
        _check_numbers(values)
        return values
    except (ValueError, RecursionError) as error:
        reason = str(error).rstrip(".").replace("\n", " ")
        raise ReadError(f"The {what} {path} is not valid TOML: {reason:.200}.") from error


def _check_numbers(value: Any) -> None:
    """Refuse whole numbers beyond 64 bit, as TOML 1.0 does; Python reads them, and no float can be one."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_numbers(item)
    elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("a whole number has more than 64 bits")


def toml_value(value: Any) -> str:
    """Return a value as TOML in one line: JSON's texts, numbers and lists are TOML's, DEL (0x7f) excepted.

    Raises
    ------
    SettingError
        If a text holds what is no Unicode character.
    """
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {toml_value(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingError(f"{text:.80} cannot be written to a file: it is not valid Unicode.") from None
    return text


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
