"""Text of a Film Sense multi-wavelength ellipsometer: N, C, S and the degree of polarization."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.readers.spectra.quantities import psi_and_delta
from ellimaps.readers.spectra.text import SpectrumText, numbers_in


def is_of(text: SpectrumText) -> bool:
    """Whether the first line names the program."""
    return text.first.strip() == "Film_Sense_Data"


def table_in(text: SpectrumText) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the spectrum; its file does not tell the angle of incidence.

    The second line begins with the number of wavelengths; as many lines follow with the wavelength first, and
    as many with N, C, S, degree of polarization and intensity.

    Raises
    ------
    ReadError
        If it is damaged.
    """
    head = numbers_in(text.lines[1], None) if len(text.lines) > 1 else None
    count = int(head[0]) if head and 0 < head[0] <= 1000 else 0
    lamps = [numbers_in(line, None) for line in text.lines[2 : 2 + count]]
    values = [numbers_in(line, None) for line in text.lines[2 + count : 2 + 2 * count]]
    rows = [
        (lamp[0], *value[:4])
        for lamp, value in zip(lamps, values, strict=False)
        if lamp and value and len(value) >= 4
    ]
    if not rows or len(rows) != count:
        raise ReadError(f"{text.name} does not hold the wavelengths it announces: export it again.")
    table = pd.DataFrame(np.array(rows), columns=["wavelength_nm", "N", "C", "S", "polarization"])
    return psi_and_delta(table, text.name)
