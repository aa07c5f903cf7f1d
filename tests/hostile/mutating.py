"""What may happen to files: bytes that flip, lengths that lie, numbers that overflow, names that are none.

Not Hypothesis: it draws values of a known structure and shrinks them in one process, and here a hundred
thousand files are damaged below their structure, each opened in a process of its own. A seed and a number
tell one of them; they are small already.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from support.ep4_tools import SIGNATURE, chunk_bytes, join_png, split_png

from hostile.corpus import Files

_WHOLE = (
    0, 1, 2, 3, 7, 8, 15, 16, 255, 256, 4095, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1,
    2**63 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
_NUMBERS = (
    "0", "-0", "-1", "1e308", "-1e308", "1e999", "1" + "0" * 400, "5e-324", "9223372036854775808", "1e19",
    "nan", "inf", "-inf", "0x10", "1_000", "\u00b2", "\u0663", "1,5", "1.5.5", "", " ", "true", "1e", "+5",
    "99999999", "0.1", "1e-400",
)  # fmt: skip
_WORDS = (
    "", "\u00b2", "\u00b5m", "\u00e9", "\ud55c", "\U0001f52c", "=1+1", "../x", "..\\x", "/etc/passwd",
    "a" * 5000, "\0", "\x1b[31m", "\u202e", "nan", "None", "null", "{}", "[]", "<b>", "%s", "{0}", "CON",
    "![x](http://example.org/x)", "\u00df" * 300, "'", '"', "\\", "\t", "\r", "\u2028",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**400, 1e308, float("nan"), float("inf"), "", "\u00b2", "x" * 999, [], {},
    [None], [[]], {"a": 1}, 2**63, -(2**63) - 1,
)  # fmt: skip
_NAMES = (
    b"\xff\xfe.tif", b"\xe9t\xe9.png", b"log[1].csv", b"a\nb.tif", b"\x1b[31m.csv", b"\xc2\xb2.tif",
    b"\xe2\x80\xae.png", b" .tif", b"-rf.csv", b"%d.tif", b"x" * 240 + b".png", b"1" * 100 + b".tif",
    b"{well}.csv", b".hidden.png", b"A01_s99999999999999999999_w1.TIF", b"r99c99f1p1-ch1sk1fk1fl1.tiff",
)  # fmt: skip

Damage = Callable[[Random, bytes], bytes]


def mutated(random: Random, files: Files, others: Sequence[Files]) -> dict[str | bytes, bytes]:
    """Return an input that is damaged in one to four ways.

    Parameters
    ----------
    random : Random
        What decides.
    files : dict of str to bytes
        A good input.
    others : sequence of the same
        Good inputs of the same kind, whose parts may come into it.
    """
    found: dict[Any, bytes] = dict(files)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        if random.random() < 0.08:
            _mix_files(random, found, others)
        elif found:
            name = random.choice(sorted(found, key=str))
            found[name] = _damaged(random, str(name), found[name])
    return found


def _mix_files(random: Random, files: dict[Any, bytes], others: Sequence[Files]) -> None:
    names = sorted(files, key=str)
    if not names:
        return
    name, other = random.choice(names), random.choice(names)
    match random.randrange(6):
        case 0:
            del files[name]
        case 1:
            files[name], files[other] = files[other], files[name]
        case 2:
            files[name] = random.choice(list(random.choice(others).values()))
        case 3 | 4:
            new = random.choice(_NAMES)
            # The ending stays, or nobody would look into it.
            ending = str(name).rpartition(".")[2].encode("utf-8", "surrogateescape")
            place = str(name).rpartition("/")[0].encode("utf-8", "surrogateescape")
            renamed = (place + b"/" if place else b"") + (
                new if random.random() < 0.3 else new.rpartition(b".")[0] + b"." + ending
            )
            files[renamed] = files.pop(name)
        case _:
            files[name] = b""


def _damaged(random: Random, name: str, content: bytes) -> bytes:
    ways: list[Damage] = [*_BYTES]
    if content.startswith(SIGNATURE):
        ways += _PNG * 4
    elif content[:2] in (b"II", b"MM"):
        ways += [_tiff_entry] * 20
    elif content.startswith(b"PK"):
        ways += [_zip_member] * 24
    elif b"\0" not in content[:400]:
        ways += _TEXT * 4
        # Zarr 2 describes itself as JSON in hidden files.
        if name.endswith((".json", ".zarray", ".zattrs", ".zgroup")):
            ways += [_json_value] * 20
    return random.choice(ways)(random, content)


def _flip(random: Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def _cut(random: Random, content: bytes) -> bytes:
    start, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
    return random.choice((content[:start], content[end:], content[:start] + content[end:]))


def _insert(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content) + 1)
    return (
        content[:at]
        + random.choice((random.randbytes(random.choice((1, 4, 100))), b"\0" * 64, b"\xff" * 16))
        + content[at:]
    )


def _repeat(random: Random, content: bytes) -> bytes:
    start, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
    times = random.choice((2, 3, 100)) if end - start < 4000 else 2
    return content[:start] + content[start:end] * times + content[end:]


def _overwrite(random: Random, content: bytes) -> bytes:
    code = random.choice("<>") + random.choice("BHIQ")
    size = struct.calcsize(code)
    number = struct.pack(code, random.choice(_WHOLE) & (256**size - 1))
    if random.random() < 0.2:
        number = struct.pack(
            random.choice("<>") + random.choice("fd"), random.choice((float("nan"), float("inf"), -1e38, 0.0))
        )
    at = random.randrange(max(1, len(content) - len(number)))
    return content[:at] + number + content[at + len(number) :]


def _chunks_mixed(random: Random, content: bytes) -> bytes:
    chunks = _chunks(content)
    random.shuffle(chunks)
    if chunks and random.random() < 0.5:
        chunks.append(random.choice(chunks))
    return join_png(chunks[: random.randrange(len(chunks) + 1)] if random.random() < 0.3 else chunks)


def _chunk_damaged(random: Random, content: bytes) -> bytes:
    """Another payload with a right checksum."""
    chunks = _chunks(content)
    if not chunks:
        return content
    at = random.randrange(len(chunks))
    kind, payload = chunks[at]
    chunks[at] = kind, random.choice(_BYTES)(random, payload)
    return join_png(chunks)


def _chunk_strange(random: Random, content: bytes) -> bytes:
    """A chunk more or less, or of a length that is none."""
    chunks = _chunks(content)
    if not chunks:
        return content
    at = random.randrange(len(chunks))
    match random.randrange(3):
        case 0:
            del chunks[at]
        case 1:
            kind = random.choice(
                (
                    b"PLTE",
                    b"tRNS",
                    b"iCCP",
                    b"zTXt",
                    b"iTXt",
                    b"acTL",
                    b"fcTL",
                    b"eXIf",
                    b"gAMA",
                    b"pHYs",
                    b"tEXt",
                    b"cHRM",
                )
            )
            chunks.insert(at, (kind, random.randbytes(random.choice((0, 1, 9, 26, 300)))))
        case _:
            parts = [
                chunk_bytes(*chunk, length=random.choice(_WHOLE) & 0xFFFFFFFF if n == at else None)
                for n, chunk in enumerate(chunks)
            ]
            return SIGNATURE + b"".join(parts)
    return join_png(chunks)


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    try:
        return split_png(content)
    except (struct.error, ValueError, IndexError, AssertionError):
        return []


def _tiff_entry(random: Random, content: bytes) -> bytes:
    """Another tag, type, count or value in a directory, or another way from one to the next."""
    order = "<" if content[:2] == b"II" else ">"
    is_big = content[2:4] in (b"+\0", b"\0+")
    offset_code, count_code, entry = ("Q", "Q", 20) if is_big else ("I", "H", 12)
    try:
        (at,) = struct.unpack_from(order + offset_code, content, 8 if is_big else 4)
        directories = []
        while at and len(directories) < 50:
            (count,) = struct.unpack_from(order + count_code, content, at)
            start = at + struct.calcsize(count_code)
            directories.append((start, min(count, 60)))
            (at,) = struct.unpack_from(order + offset_code, content, start + count * entry)
        start, count = random.choice(directories)
    except (struct.error, IndexError, OverflowError):
        return _overwrite(random, content)
    data = bytearray(content)
    place = start + entry * random.randrange(count + 1)
    half = struct.calcsize(offset_code)
    places = [
        (place, "H"),
        (place + 2, "H"),
        (place + 4, offset_code),
        (place + 4 + half, random.choice(("H", offset_code))),
    ]
    where, code = random.choice((*places, places[3], places[3], (start + count * entry, offset_code)))
    number = random.choice((*_WHOLE, *range(254, 344, 3), 8, 5, 7, 32773, 34925, 50000, start, where))
    if code == "H" and where == place + 2:
        number = random.randrange(20)
    try:
        struct.pack_into(order + code, data, where, number & (256 ** struct.calcsize(code) - 1))
        if random.random() < 0.1:
            other = start + entry * random.randrange(max(count, 1))
            data[place : place + entry] = data[other : other + entry]
    except struct.error:
        return _cut(random, content)
    return bytes(data)


def _zip_member(random: Random, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    # It may be damaged already.
    except Exception:
        return _overwrite(random, content)
    if not members:
        return content
    at = random.randrange(len(members))
    name, inside = members[at]
    match random.randrange(8):
        case 0:
            del members[at]
        case 1:
            members.append((name, random.choice(members)[1]))
        case 2:
            members[at] = (
                random.choice((*_WORDS, "../../x.tif", "C:\\x.tif", "x/" * 400, "monday")) or "x",
                inside,
            )
        case _:
            members[at] = name, _damaged(random, name, inside)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", random.choice((0, 8, 8, 8, 8, 12, 14))) as archive:
        for name, inside in members:
            info = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
            info.filename, info.compress_type = name, archive.compression
            _written(archive, info, inside)
    return packed.getvalue()


def _written(archive: zipfile.ZipFile, info: zipfile.ZipInfo, inside: bytes) -> None:
    import warnings

    with warnings.catch_warnings():
        # Two files of one name are what this is about.
        warnings.simplefilter("ignore")
        archive.writestr(info, inside)


def _other_number(random: Random, content: bytes) -> bytes:
    found = list(re.finditer(rb"-?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?", content))
    return _replaced(random, content, found, _NUMBERS)


def _other_word(random: Random, content: bytes) -> bytes:
    found = list(re.finditer(rb"[A-Za-z_\xc0-\xff]+", content))
    return _replaced(random, content, found, random.choice((_WORDS, _NUMBERS)))


def _replaced(random: Random, content: bytes, found: list[re.Match[bytes]], by: Sequence[str]) -> bytes:
    for match in sorted(
        random.sample(found, min(len(found), random.choice((1, 1, 3)))), key=lambda m: -m.start()
    ):
        content = (
            content[: match.start()]
            + random.choice(by).encode(random.choice(("utf-8", "utf-8", "utf-16-le")))
            + content[match.end() :]
        )
    return content


def _lines_mixed(random: Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            lines.insert(random.randrange(len(lines)), lines[at])
        case 1:
            del lines[at]
        case 2:
            random.shuffle(lines)
        case 3:
            lines[at] *= random.choice((0, 2, 50))
        case _:
            lines = [*lines[:at], *[lines[at]] * 500, *lines[at:]]
    return b"\n".join(lines)


def _other_signs(random: Random, content: bytes) -> bytes:
    signs = (
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r",
        b"=",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"'",
        b"#",
        b".",
        b" ",
        b"[" * 3000,
        b"{" * 3000,
        b"<",
        b"&",
        b"",
    )
    return content.replace(random.choice(signs[:15]), random.choice(signs), random.choice((1, 1, -1)))[
        : 1 << 20
    ]


def _other_encoding(random: Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(
        random.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "utf-7")), "replace"
    )


def _json_value(random: Random, content: bytes) -> bytes:
    try:
        root = json.loads(content)
    except (ValueError, RecursionError):
        return _flip(random, content)
    places = list(_json_places(root))
    if not places:
        return json.dumps(random.choice(_VALUES)).encode()
    container, key = random.choice(places)
    if random.random() < 0.2:
        del container[key]
    else:
        container[key] = random.choice((*_VALUES, root if random.random() < 0.1 else 7))
    try:
        return json.dumps(root).encode()
    except (ValueError, RecursionError):
        return b"[" * 100_000


def _json_places(node: Any) -> Any:
    if isinstance(node, dict | list):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            yield node, key
            yield from _json_places(node[key])


_BYTES: list[Damage] = [_flip, _cut, _insert, _repeat, _overwrite]
_PNG: list[Damage] = [_chunks_mixed, _chunk_damaged, _chunk_damaged, _chunk_strange]
_TEXT: list[Damage] = [_other_number, _other_number, _other_word, _lines_mixed, _other_signs, _other_encoding]
