"""Hundreds of damaged EP4 folders: each gives a valid stack or an EllimapsError, at once."""

from __future__ import annotations

import random
import shutil
import struct
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.ep4_tools import (
    SIGNATURE,
    TAG,
    check_sentence,
    chunk_bytes,
    join_png,
    small_files,
    split_png,
    write,
)

from ellimaps.core.errors import EllimapsError
from ellimaps.core.stack import ImageStack
from ellimaps.readers import list_datasets, open_stack

CASES = 270
PART = 45

Files = dict[str, bytes]
Damage = Callable[[random.Random, Files], None]


def some_png(rng: random.Random, files: Files) -> str:
    return rng.choice(sorted(name for name in files if name.endswith(".png")))


def some_text(rng: random.Random, files: Files) -> str:
    return rng.choice(sorted(name for name in files if not name.endswith(".png")))


def odd_number(rng: random.Random) -> int:
    return rng.choice([0, 1, 2, 8, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1, rng.getrandbits(32)])


def cut(rng: random.Random, files: Files) -> None:
    name = rng.choice(sorted(files))
    start, end = sorted(rng.randrange(len(files[name]) + 1) for _ in range(2))
    data = files[name]
    files[name] = rng.choice([data[:start], data[end:], data[:start] + data[end:]])


def flip(rng: random.Random, files: Files) -> None:
    name = rng.choice(sorted(files))
    data = bytearray(files[name])
    for _ in range(rng.choice([1, 1, 4, 64])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    files[name] = bytes(data)


def insert(rng: random.Random, files: Files) -> None:
    name = rng.choice(sorted(files))
    position = rng.randrange(len(files[name]) + 1)
    files[name] = files[name][:position] + rng.randbytes(rng.choice([1, 4, 100])) + files[name][position:]


def reorder_chunks(rng: random.Random, files: Files) -> None:
    name = some_png(rng, files)
    chunks = split_png(files[name])
    rng.shuffle(chunks)
    if rng.random() < 0.3:
        chunks = chunks[: rng.randrange(len(chunks))]
    if chunks and rng.random() < 0.3:
        chunks.append(rng.choice(chunks))
    files[name] = join_png(chunks)


def forge_length(rng: random.Random, files: Files) -> None:
    name = some_png(rng, files)
    chunks = split_png(files[name])
    position, length = rng.randrange(len(chunks)), odd_number(rng)
    if rng.random() < 0.5:
        length = max(0, len(chunks[position][1]) + rng.randint(-9, 9))
    parts = [
        chunk_bytes(*chunk, length=length if number == position else None, good_sum=rng.random() < 0.9)
        for number, chunk in enumerate(chunks)
    ]
    files[name] = SIGNATURE + b"".join(parts)


def forge_payload(rng: random.Random, files: Files) -> None:
    """Wrong contents under a right checksum: sizes, map type, wavelength, angle, factors, values."""
    name = some_png(rng, files)
    chunks = split_png(files[name])
    position = rng.choice([0, 1, 1, 2, 3, 3])
    kind, payload = chunks[position]
    data = bytearray(payload)
    start = rng.choice([0, len(data) - 28, len(data) - 200, rng.randrange(len(data)), data.find(b"\0") + 1])
    odd = rng.choice(
        [
            struct.pack(">I", odd_number(rng)),
            struct.pack(">H", rng.getrandbits(16)),
            struct.pack(">d", rng.choice([0.0, -1.0, 1e308, 5e-324, float("nan"), float("inf"), 550.0])),
            struct.pack(">f", rng.choice([float("inf"), -1e38, 1e-40])) * 48,
            b"",
        ]
    )
    start = max(0, start)
    data[start : start + len(odd)] = odd
    chunks[position] = kind, bytes(data[: rng.choice([len(data), len(data), len(data) - rng.randrange(30)])])
    files[name] = join_png(chunks)


def shuffle_files(rng: random.Random, files: Files) -> None:
    one, other = some_png(rng, files), some_png(rng, files)
    if rng.random() < 0.5:
        files[one], files[other] = files[other], files[one]
    elif rng.random() < 0.5:
        files[one] = files[other]
    else:
        del files[one]


def damage_cells(rng: random.Random, files: Files) -> None:
    name = next((name for name in files if name.endswith(".ds.dat")), "")
    if not name:
        return
    rows = [line.split("\t") for line in files[name].decode("latin-1").split("\n")]
    row = rng.choice(rows)
    odd = [
        "",
        "NaN",
        "-",
        "1e999",
        "-5",
        "0",
        "550,0",
        "1,000.5",
        "..",
        "a\\b",
        "\0",
        "\x85",
        "\u00b5m",
        "#",
        "9" * 400,
    ]
    match rng.randrange(5):
        case 0:
            row[rng.randrange(len(row))] = rng.choice(
                [*odd, f"{TAG}_00{rng.randint(0, 9)}.png", "Delta", "x" * 999]
            )
        case 1:
            del row[rng.randrange(len(row))]
        case 2:
            rows.append(list(row))
        case 3:
            rows.remove(row)
        case _:
            rng.shuffle(rows)
    files[name] = "\n".join("\t".join(row) for row in rows).encode("latin-1")


def damage_text(rng: random.Random, files: Files) -> None:
    name = some_text(rng, files)
    text = files[name].decode("latin-1")
    old, new = rng.choice(
        [("\n", "\r"), ("\t", " "), ("#", ""), ("<", "<<"), ("</", "<"), (">", ">&e;"), ("0", "\u00b2"),
         (".", ","), ("comment>", "\0>"), ("<DS", "<!DOCTYPE a><DS"), ("png", "PNG"), ("a", "\ud7ff")],
    )  # fmt: skip
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7"])
    files[name] = text.replace(old, new, rng.choice([1, -1])).encode(encoding)


DAMAGES: list[Damage] = [
    cut,
    flip,
    insert,
    reorder_chunks,
    forge_length,
    forge_payload,
    shuffle_files,
    damage_cells,
    damage_text,
]


def damaged(seed: int) -> tuple[Files, str]:
    rng = random.Random(seed)
    files = small_files()
    if rng.random() < 0.3:
        del files[f"{TAG}.ds.dat"]
    damage = DAMAGES[seed % len(DAMAGES)]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        damage(rng, files)
    return files, damage.__name__


def check_stack(stack: ImageStack) -> None:
    assert stack.n_bands in (2, 4, 6)
    assert stack.shape == (6, 8)
    assert len(stack.pairs()) == stack.n_bands // 2
    assert (stack.bands["wavelength_nm"] > 0).all()
    assert np.isfinite(stack.values[~np.isnan(stack.values)]).all()
    assert (stack.missing_fraction < 1).all()
    assert 0.01 < stack.pixel_aspect < 100
    assert all("\n" not in warning for warning in stack.warnings)


def open_damaged(folder: Path, paths: list[Path]) -> list[str]:
    """Open paths of a folder; return 'stack' or 'error' for each."""
    results = []
    for path in paths:
        start = time.process_time()
        try:
            check_stack(open_stack(path))
            results.append("stack")
        except EllimapsError as error:
            check_sentence(str(error))
            results.append("error")
        assert time.process_time() - start < 1
    try:
        list_datasets(folder)
    except EllimapsError as error:
        check_sentence(str(error))
    return results


@pytest.mark.parametrize("first", range(0, CASES, PART))
def test_damaged_folder(tmp_path: Path, first: int) -> None:
    folder = tmp_path / "film"
    for seed in range(first, first + PART):
        files, damage = damaged(seed)
        write(folder, files)
        try:
            inside = sorted([*folder.glob("*_001.png"), *folder.glob("*.ds.dat")])
            open_damaged(folder, [folder, *inside[seed % 2 : seed % 2 + 1]])
        except BaseException as error:
            error.add_note(f"seed {seed}, {damage}")
            raise
        shutil.rmtree(folder)


def test_damage_is_neither_harmless_nor_always_fatal(tmp_path: Path) -> None:
    """The damages above reach both the errors and the tolerance of the reader."""
    counts: Counter[tuple[str, str]] = Counter()
    for seed in range(90):
        files, damage = damaged(seed)
        folder = write(tmp_path / str(seed), files)
        counts[damage, *open_damaged(folder, [folder])] += 1
    for damage in DAMAGES:
        assert counts[damage.__name__, "error"] >= 2, damage
    assert sum(number for (_, result), number in counts.items() if result == "stack") >= 10


@pytest.mark.parametrize("name", [f"{TAG}_001.png", f"{TAG}.ds.dat", f"{TAG}.dsinfo.xml"])
def test_every_truncation(tmp_path: Path, name: str) -> None:
    files = small_files()
    folder = write(tmp_path / "film", files)
    whole = files[name]
    for end in range(0, len(whole), max(1, len(whole) // 60)):
        (folder / name).write_bytes(whole[:end])
        (result,) = open_damaged(folder, [folder])
        if name.endswith(".png"):
            assert result == "error", end
        if name.endswith(".xml"):
            assert result == "stack", end


def test_undamaged_folder_opens(tmp_path: Path) -> None:
    check_stack(open_stack(write(tmp_path / "film", small_files())))
