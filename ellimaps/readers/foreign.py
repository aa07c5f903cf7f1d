"""Formats that ellimaps knows by name and does not read: what a file is, and how it can be converted."""

from __future__ import annotations

from pathlib import Path

_CONVERT = "save it as OME-TIFF in the microscope's software, in Fiji (Bio-Formats), or with bfconvert"
_WITH = 'install what reads it (pip install "ellimaps[{}]"), or '
_LOSSLESS = "save it as TIFF or PNG where it was recorded, as its values are not the measured ones any more"

# First bytes: those of Zeiss, Nikon and Leica are the vendors' own, the others those of the standards.
_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"ZISRAWFI", "Zeiss CZI file", _CONVERT),
    (b"\xda\xce\xbe\n", "Nikon ND2 file", _WITH.format("nd2") + _CONVERT),
    (b"\x70\0\0\0", "Leica LIF file", _WITH.format("lif") + _CONVERT),
    (b"\x89HDF\r\n\x1a\n", "HDF5 or Imaris file", _CONVERT),
    (b"\xd0\xcf\x11\xe0", "Olympus OIB or older Zeiss file", _CONVERT),
    (b"\0\0\0\x0cjP  ", "JPEG 2000 or older ND2 file", _CONVERT),
    (b"\xff\xd8\xff", "JPEG", _LOSSLESS),
    (b"GIF8", "GIF", _LOSSLESS),
    (b"BM", "BMP", "save it as TIFF or PNG"),
)
PLUGINS = {"Nikon ND2 file": "bioio_nd2", "Leica LIF file": "bioio_lif"}
"""Of bioio, MIT and BSD; the one for CZI is GPL, which a BSD program cannot bring along."""
_ENDINGS = {
    ".czi": "Zeiss CZI file", ".nd2": "Nikon ND2 file", ".lif": "Leica LIF file", ".lsm": "Zeiss LSM file",
    ".ims": "HDF5 or Imaris file", ".h5": "HDF5 or Imaris file", ".oib": "Olympus OIB or older Zeiss file",
    ".oif": "Olympus OIF file", ".vsi": "Olympus VSI file", ".zvi": "Olympus OIB or older Zeiss file",
    ".dv": "DeltaVision file", ".jpg": "JPEG", ".jpeg": "JPEG", ".jp2": "JPEG 2000 or older ND2 file",
    ".gif": "GIF", ".bmp": "BMP",
}  # fmt: skip


def foreign_format(first: bytes) -> tuple[str, str] | None:
    """Return what a file is by its first bytes and how it can be converted; None if that is not known."""
    return next(((name, remedy) for start, name, remedy in _BEGINNINGS if first.startswith(start)), None)


def format_by_name(name: str) -> str:
    """Return what a file is by its name, for a count of files that are not read: ``JPEG``, or its ending."""
    ending = Path(name).suffix.lower()
    return _ENDINGS.get(ending) or (f"{ending} file" if ending else "file without an ending")


def remedy_for(what: str) -> str:
    """Return how files that `format_by_name` names can be read; empty where that is not known."""
    known = {name: remedy for _, name, remedy in _BEGINNINGS}
    return known.get(what, _CONVERT if what in _ENDINGS.values() else "")
