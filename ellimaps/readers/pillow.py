"""What Pillow decodes: PNG, and pages of a TIFF that tifffile cannot, LZW above all.

Its plugins are called by name, as the kind of file is known: none of the fifty others gets to see it, and
Pillow's own bound, a warning on the terminal and then an error, gives way to that of the working set.
"""

from __future__ import annotations

import ctypes
import logging
import warnings
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError

# Pillow logs what it doubts; whatever matters here is raised.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_MODES = {"L": np.uint8, "I;16": np.uint16, "I;16B": np.uint16, "F": np.float32, "RGB": np.uint8}


def decoded_png(name: str, stream: BinaryIO) -> NDArray[Any]:
    """Decode a PNG, shape (y, x) or (y, x, color).

    Raises
    ------
    ReadError
        If it is damaged.
    """
    from PIL import PngImagePlugin

    _silence_doubts()
    try:
        with PngImagePlugin.PngImageFile(stream) as image:
            indirect = image.mode in ("P", "PA", "RGBA")
            return np.asarray(image.convert("RGBA"))[..., :3] if indirect else np.asarray(image)
    # Pillow raises whatever a chunk makes it stumble over, from struct.error to AttributeError.
    except Exception as error:
        # What fails with a number, the system told and not Pillow.
        if getattr(error, "errno", None) is not None:
            raise
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ReadError(f"{name} is damaged ({reason:.120}): copy it again.") from error


def decoded_tiff_page(name: str, stream: BinaryIO, page: Any) -> NDArray[Any]:
    """Decode a page of a TIFF, shape (y, x) or (y, x, color).

    Parameters
    ----------
    name : str
        Of the file, for the error.
    stream : file
        It.
    page : tifffile.TiffPage or TiffFrame
        What tifffile knows of the page.

    Raises
    ------
    ReadError
        If Pillow cannot decode it either, or sees another image.
    """
    from PIL import TiffImagePlugin

    kind = page.keyframe
    packed = f"{kind.dtype} values packed by {kind.compression.name}"
    refused = ReadError(
        f"{name} holds {packed}: install imagecodecs, or save it uncompressed or with Deflate (ZIP)."
    )
    _silence_doubts()
    _silence_libtiff()
    try:
        with TiffImagePlugin.TiffImageFile(stream) as image:
            image.seek(page.index)
            expected = _MODES.get(image.mode)
            if expected != kind.dtype or image.size != (kind.imagewidth, kind.imagelength):
                raise refused
            return np.asarray(image)
    except ReadError:
        raise
    # Pillow tells what it does not know from what is damaged no more than this.
    except Exception as error:
        raise refused from error


def _silence_doubts() -> None:
    """Keep Pillow from warning on the terminal of what it reads all the same, such as a tag too long."""
    # Only Pillow's, but for all threads: a context would give its filters back to those of another one.
    warnings.filterwarnings("ignore", module=r"PIL\.")


@cache
def _silence_libtiff() -> None:
    """Keep libtiff from printing on the terminal what Pillow says again as an error."""
    from PIL import _imaging

    # Where libtiff is a part of Pillow's own library, nobody can reach it, and it may print.
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(_imaging.__file__)
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)
