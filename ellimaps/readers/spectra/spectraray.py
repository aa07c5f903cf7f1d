"""Text of SpectraRay (Sentech): wavelengths, then Psi and Delta of one angle of incidence after another."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from ellimaps.readers.spectra.text import SpectrumText


def is_of(text: SpectrumText) -> bool:
    """Whether one line of titles gives as many angles as there are pairs of Psi and Delta."""
    return bool(_angles(text))


def table_in(text: SpectrumText) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the spectrum of all angles."""
    values, angles = np.array(text.rows.cells), _angles(text)
    parts = [
        pd.DataFrame(
            {
                "wavelength_nm": values[:, 0],
                "aoi_deg": angle,
                "Psi": values[:, 1 + 2 * number],
                "Delta": values[:, 2 + 2 * number],
            }
        )
        for number, angle in enumerate(angles)
    ]
    return pd.concat(parts, ignore_index=True), ()


def _angles(text: SpectrumText) -> list[float]:
    rows = text.rows
    if len(rows.before) != 1 or len(rows.cells[0]) % 2 == 0:
        return []
    found = [
        float(number.replace(",", "."))
        for number in re.findall(r"(?<![\w.])\d+(?:[.,]\d+)?(?![\w.])", rows.before[0])
    ]
    pairs = len(rows.cells[0]) // 2
    # An angle stands before each pair, or once for Psi and once for Delta.
    angles = found[::2] if len(found) == 2 * pairs and found[::2] == found[1::2] else found
    fits = len(angles) == pairs and all(0 < angle < 90 for angle in angles)
    return angles if fits and re.search("[A-Za-z]", rows.before[0]) else []
