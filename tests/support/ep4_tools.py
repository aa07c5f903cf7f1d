"""Small EP4 folders for tests of the reader, and ways to take their PNGs apart and put them together."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ellimaps.samples.ep4_files import MapSeries, ep4_files, map_png

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RAW_KEY = b".ACCURION_RAWDATA\0"
TAG = "film_20240229081530250"

Chunk = tuple[bytes, bytes]
Change = Callable[[bytes], bytes]


def angles(seed: int, shape: tuple[int, int, int] = (3, 6, 8)) -> tuple[np.ndarray, np.ndarray]:
    """Random Delta and Psi maps with some values missing."""
    rng = np.random.default_rng(seed)
    delta, psi = rng.uniform(0, 360, shape), rng.uniform(0, 90, shape)
    delta[:, 0, :2] = psi[:, 0, :2] = np.nan
    return delta.astype(np.float32), psi.astype(np.float32)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def small_files(
    tag: str = TAG, seed: int = 0, wavelengths: Sequence[float] = (500, 600, 700)
) -> dict[str, bytes]:
    """Files of a wavelength series of 6 x 8 pixels."""
    delta, psi = angles(seed, (len(wavelengths), 6, 8))
    return ep4_files(MapSeries(tag, "a note", np.array(wavelengths, dtype=float), 50.0, delta, psi))


def write_small(folder: Path, tag: str = TAG, seed: int = 0) -> Path:
    return write(folder, small_files(tag, seed))


def write_angle_series(folder: Path, name: str = "Si3N4_W02") -> tuple[Path, list[tuple[float, float]]]:
    """Write the other layout: rows by angle then wavelength, one counter for Delta and one for Psi."""
    delta, psi = angles(7, (6, 6, 8))
    settings = [(angle, wavelength) for angle in (45.0, 50.0) for wavelength in (450.0, 550.5, 650.0)]
    rows = ["#AOI\tLambda\tBandwidth\tExposureTime\tDelta\tPsi", "#deg\tnm\tnm\tus\tdeg\tdeg"]
    files = {}
    for number, (angle, wavelength) in enumerate(settings, start=1):
        names = f"{name}_Delta_{number:04d}.png", f"{name}_Psi_{number:04d}.png"
        rows.append(f"{angle:.3f}\t{wavelength:.1f}\t6.1\t115908\t{names[0]}\t{names[1]}")
        for file, quantity, maps in zip(names, ("Delta", "Psi"), (delta, psi), strict=True):
            # The goniometer's reading, not the number in the table.
            files[file] = map_png(maps[number - 1], quantity, wavelength, angle - 1.1e-5 * number)
    files[f"{name}.ds.dat"] = ("\n".join(rows) + "\n").encode("ascii")
    return write(folder, files), settings


def table_of(folder: Path) -> Path:
    (table,) = folder.glob("*.ds.dat")
    return table


def info_of(folder: Path) -> Path:
    (info,) = folder.glob("*.dsinfo.xml")
    return info


def pngs_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def edit(path: Path, *pairs: tuple[str, str]) -> None:
    """Replace text in a file; each old text must be there."""
    text = path.read_bytes().decode("latin-1")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_bytes(text.encode("latin-1"))


def split_png(data: bytes) -> list[Chunk]:
    chunks, position = [], len(SIGNATURE)
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        chunks.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return chunks


def chunk_bytes(kind: bytes, payload: bytes, *, length: int | None = None, good_sum: bool = True) -> bytes:
    declared = struct.pack(">I", len(payload) if length is None else length)
    checksum = zlib.crc32(kind + payload) ^ (0 if good_sum else 1)
    return declared + kind + payload + struct.pack(">I", checksum)


def join_png(chunks: Sequence[Chunk]) -> bytes:
    return SIGNATURE + b"".join(chunk_bytes(kind, payload) for kind, payload in chunks)


def change_chunk(path: Path, start: bytes, change: Change) -> None:
    """Change the payload that follows the chunk type or keyword ``start``; its checksum is made right."""
    chunks = split_png(path.read_bytes())
    places = [n for n, (kind, payload) in enumerate(chunks) if kind == start or payload.startswith(start)]
    (place,) = places
    kind, payload = chunks[place]
    head = b"" if kind == start else start
    chunks[place] = kind, head + change(payload[len(head) :])
    path.write_bytes(join_png(chunks))


def drop_chunk(path: Path, start: bytes) -> None:
    chunks = split_png(path.read_bytes())
    kept = [(kind, payload) for kind, payload in chunks if not payload.startswith(start)]
    assert len(kept) == len(chunks) - 1
    path.write_bytes(join_png(kept))


def check_sentence(message: str) -> None:
    """An error is one readable sentence that ends in what to do."""
    assert message.endswith(".")
    assert ": " in message, "what to do follows a colon"
    assert "\n" not in message
    assert not re.search(r"\. [A-Z]", message), "one sentence"
    assert not re.search(r"Error|Traceback|<class|np\.|None|wavelength_nm|aoi_deg", message)
    assert len(message) < 500
