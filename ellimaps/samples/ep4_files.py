"""The bytes of an Accurion EP4 map measurement: table, description and PNG images.

The instrument's software stores flattened LabVIEW data inside PNG text chunks: a type descriptor that
names and types the fields, then the fields themselves, all big-endian. A reader needs only the last bytes;
a writer has to build the descriptor too.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError

MAP_TYPES = ("Delta", "Psi", "Pmin", "Amin", "Cmin", "Image", "Image_float", "RT", "MM", "Other")
BINNINGS = ("none", "2x2", "3x3", "4x4", "5x5", "6x6", "7x7", "8x8")

# Types and flags of the description's format.
_SINGLE, _DOUBLE, _ENUM, _BOOLEAN, _ARRAY, _CLUSTER = 0x09, 0x0A, 0x16, 0x21, 0x40, 0x50
_LABELLED = 0x40
_MISSING_BITS = 0xFFFFFFFF

# label, type, format, tolerance, unit: the columns of a wavelength series of maps.
_COLUMNS = (
    ("lambda", "DBL", "%.1f", "0.1", "nm"),
    ("bandwidth", "DBL", "%.1f", "0", "nm"),
    ("AOI", "DBL", "%.3f", "0.005", "deg"),
    ("zone", "I32", "%d", "0", "-"),
    ("time", "DBL", "%f", "0.002", "s"),
    ("X_pos", "DBL", "%.3f", "0.005", "mm"),
    ("Y_pos", "DBL", "%.3f", "0.005", "mm"),
    ("Theta_pos", "DBL", "%.3f", "0.01", "deg"),
    ("Delta", "Path", "%s", "0", "deg"),
    ("Psi", "Path", "%s", "0", "deg"),
)


@dataclass(frozen=True)
class MapSeries:
    """What an EP4 wavelength series of Delta and Psi maps holds.

    Parameters
    ----------
    tag : str
        Name of the data set, ending in the acquisition time as ``yyyymmddHHMMSSfff``.
    comment : str
        The operator's words about the sample.
    wavelengths_nm : ndarray of float, shape (band,)
        Wavelengths in nm, with at most one decimal.
    aoi_deg : float
        Angle of incidence in degrees.
    delta_deg, psi_deg : ndarray, shape (band, y, x)
        The maps in degrees; NaN means not measured.
    exposure_s, stage_x_mm, stage_y_mm : float
        Exposure time and stage position.
    """

    tag: str
    comment: str
    wavelengths_nm: NDArray[np.float64]
    aoi_deg: float
    delta_deg: NDArray[np.floating]
    psi_deg: NDArray[np.floating]
    exposure_s: float = 0.185
    stage_x_mm: float = 0.0
    stage_y_mm: float = 0.0


def ep4_files(series: MapSeries) -> dict[str, bytes]:
    """Return the files of an EP4 map measurement.

    Parameters
    ----------
    series : MapSeries
        The maps and what is known about them.

    Returns
    -------
    dict of str to bytes
        Contents by file name: ``TAG.ds.dat``, ``TAG.dsinfo.xml`` and ``TAG_001.png`` ..., Delta and Psi
        of one wavelength after each other.

    Raises
    ------
    SettingError
        If the maps do not have the shape (band, y, x) that the wavelengths ask for.
    """
    shape = np.shape(series.delta_deg)
    if len(shape) != 3 or np.shape(series.psi_deg) != shape or len(series.wavelengths_nm) != shape[0]:
        raise SettingError(
            f"{len(series.wavelengths_nm)} wavelengths need Delta and Psi maps of shape (band, y, x), "
            f"got {shape} and {np.shape(series.psi_deg)}."
        )
    files = {f"{series.tag}.ds.dat": _table(series), f"{series.tag}.dsinfo.xml": _description(series)}
    for band, wavelength in enumerate(series.wavelengths_nm):
        delta_name, psi_name = _map_names(series.tag, band)
        for name, maps in ((delta_name, series.delta_deg), (psi_name, series.psi_deg)):
            quantity = "Delta" if name == delta_name else "Psi"
            files[name] = map_png(
                maps[band], quantity, float(wavelength), series.aoi_deg, exposure_s=series.exposure_s
            )
    return files


def map_png(
    values: NDArray[np.floating],
    quantity: str,
    wavelength_nm: float,
    aoi_deg: float,
    *,
    exposure_s: float = 0.0,
    binning: str = "none",
) -> bytes:
    """Return one map as an EP4 PNG: a grey preview with the measurement in text chunks.

    Parameters
    ----------
    values : ndarray, shape (y, x)
        The map in degrees; NaN means not measured.
    quantity : str
        One of :data:`MAP_TYPES`.
    wavelength_nm, aoi_deg, exposure_s : float
        Wavelength in nm, angle of incidence in degrees, exposure time in s.
    binning : str
        One of :data:`BINNINGS`.

    Returns
    -------
    bytes
        The PNG file.
    """
    height, width = values.shape
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"tEXt", b".ACCURION_RAWDATA\0" + _raw_data(values)),
        (b"tEXt", b"IMAGE_GEOCORR_FACTOR\0" + _geometric_correction(aoi_deg)),
        (b"tEXt", b"Map\0" + _map_data(quantity, wavelength_nm, aoi_deg, exposure_s, binning)),
        (b"IDAT", _scanlines(_preview(values))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, payload) for kind, payload in chunks)


def _table(series: MapSeries) -> bytes:
    lines = ["#" + "\t".join(column[0] for column in _COLUMNS)]
    lines.append("#" + "\t".join(column[4] for column in _COLUMNS))
    for band, wavelength in enumerate(series.wavelengths_nm):
        stage = f"{series.stage_x_mm:.3f}\t{series.stage_y_mm:.3f}\tNaN"
        row = f"{wavelength:.1f}\tNaN\t{series.aoi_deg:.3f}\t0\t{series.exposure_s:f}\t{stage}"
        lines.append("\t".join((row, *_map_names(series.tag, band))))
    return ("\n".join(lines) + "\n").encode("latin-1")


def _map_names(tag: str, band: int) -> tuple[str, str]:
    return f"{tag}_{2 * band + 1:03d}.png", f"{tag}_{2 * band + 2:03d}.png"


def _description(series: MapSeries) -> bytes:
    lines = ["<DS_info_out>", "  <version>1.3</version>", f"  <tag>{escape(series.tag)}</tag>"]
    lines += ["  <type>Delta|Psi::Map::Lambda_Spectrum</type>", "  <binary>false</binary>"]
    lines += [f"  <comment>Sample Description: {escape(series.comment)}", "", "Comment: </comment>"]
    for column in _COLUMNS:
        lines += _column_properties(*column)
    lines += ["  <GroupSort_cluster/>", "  <keys>sample_family_name</keys>", "  <keys>delta_wrapping</keys>"]
    family = series.tag.rpartition("_")[0] or series.tag
    lines += [f"  <values>{escape(family)}</values>", "  <values>0-360\u00b0</values>", "</DS_info_out>"]
    # The instrument's software writes Latin-1 and declares no encoding.
    return "\n".join(lines).encode("latin-1", errors="replace")


def _column_properties(label: str, data_type: str, form: str, tolerance: str, unit: str) -> list[str]:
    facts = {"label": label, "data_type": data_type, "format": form, "tolerance": tolerance, "unit": unit}
    facts |= {"min": "0", "max": "0", "col_width": "50"}
    fields = [f"    <{key}>{value}</{key}>" for key, value in facts.items()]
    return ["  <col_props>", *fields, "    <description/>", "  </col_props>"]


def _raw_data(values: NDArray[np.floating]) -> bytes:
    height, width = values.shape
    numbers = values.astype(">f4")
    numbers.view(">u4")[np.isnan(values)] = _MISSING_BITS
    element = struct.pack(">HBB", 4, 0, _SINGLE)
    kind = _descriptor(_ARRAY, struct.pack(">Hii", 2, -1, -1) + element, "Image Pixels (Float)")
    flattened = struct.pack(">II", height, width) + numbers.tobytes()
    return kind + struct.pack(">I", len(flattened)) + flattened


def _geometric_correction(aoi_deg: float) -> bytes:
    fields = (
        _descriptor(_DOUBLE, b"", "XFactor"),
        _descriptor(_DOUBLE, b"", "YFactor"),
        _descriptor(_BOOLEAN, b"", "IsResampled?"),
    )
    data = struct.pack(">dd?", 1.0, 1 / math.cos(math.radians(aoi_deg)), False)
    return _cluster("GeometricCorrectionData", fields, data)


def _map_data(quantity: str, wavelength_nm: float, aoi_deg: float, time_s: float, binning: str) -> bytes:
    fields = (
        _descriptor(_ENUM, _choices(MAP_TYPES), "MapType"),
        _descriptor(_DOUBLE, b"", "Lambda"),
        _descriptor(_DOUBLE, b"", "AOI"),
        _descriptor(_DOUBLE, b"", "Time"),
        _descriptor(_ENUM, _choices(BINNINGS), "Binning"),
    )
    numbers = (MAP_TYPES.index(quantity), wavelength_nm, aoi_deg, time_s, BINNINGS.index(binning))
    return _cluster("MapData", fields, struct.pack(">HdddH", *numbers))


def _cluster(label: str, fields: tuple[bytes, ...], data: bytes) -> bytes:
    kind = _descriptor(_CLUSTER, struct.pack(">H", len(fields)) + b"".join(fields), label)
    return kind + struct.pack(">I", len(data)) + data


def _descriptor(code: int, body: bytes, label: str) -> bytes:
    content = struct.pack(">BB", _LABELLED, code) + body + _even(_pascal(label))
    return struct.pack(">H", len(content) + 2) + content


def _choices(names: tuple[str, ...]) -> bytes:
    return struct.pack(">H", len(names)) + _even(b"".join(_pascal(name) for name in names))


def _pascal(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("ascii")


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def _preview(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    scaled = (np.nan_to_num(values, nan=float(low)) - low) / max(float(high - low), 1e-12)
    gray: NDArray[np.uint8] = np.round(255 * scaled).astype(np.uint8)
    return gray


def _scanlines(gray: NDArray[np.uint8]) -> bytes:
    # Each PNG line starts with its filter type; 0 is none.
    return zlib.compress(np.pad(gray, ((0, 0), (1, 0))).tobytes(), 6)


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
