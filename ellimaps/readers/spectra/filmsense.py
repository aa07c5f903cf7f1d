"""Text of a Film Sense multi-wavelength ellipsometer: N, C, S and the degree of polarization."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.readers.spectra.quantities import psi_and_delta
from ellimaps.readers.spectra.text import SpectrumText, numbers_in

# The third number of the second line, without its sign: a real file of native oxide on silicon has an MSE of
# 0.96 with it, and of 61 and more two degrees off; what cannot be an angle of incidence is none.
_ANGLES_DEG = (30.0, 85.0)
# Per lamp of dynamic data: N, C, S, degree of polarization and intensity.
_OF_A_LAMP = ("_N", "_C", "_S", "_P")
_COLUMNS = ["wavelength_nm", "N", "C", "S", "polarization"]
_STATIC, _DYNAMIC = "Film_Sense_Data", "Film_Sense_Dyn_Data"


def is_of(text: SpectrumText) -> bool:
    """Whether the first line names the program."""
    return text.first.strip() in (_STATIC, _DYNAMIC)


def table_in(text: SpectrumText) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the spectrum, or one for each time of dynamic data.

    The second line begins with the number of wavelengths; as many lines follow with the wavelength first.
    Then as many have N, C, S, degree of polarization and intensity; or after a line of titles each has a
    time and these five of one lamp after another.

    Raises
    ------
    ReadError
        If it is damaged.
    """
    head = numbers_in(text.lines[1], None) if len(text.lines) > 1 else None
    count = int(head[0]) if head and 0 < head[0] <= 1000 else 0
    lamps = [numbers_in(line, None) for line in text.lines[2 : 2 + count]]
    waves = [lamp[0] for lamp in lamps if lamp]
    after = text.lines[2 + count :]
    table = _dynamic(waves, after) if text.first.strip() == _DYNAMIC else _static(waves, after)
    if table.empty or len(waves) != count:
        raise ReadError(f"{text.name} does not hold the wavelengths it announces: export it again.")
    warnings: tuple[str, ...] = ()
    angle = abs(head[2]) if head and len(head) > 2 else 0.0
    if _ANGLES_DEG[0] <= angle <= _ANGLES_DEG[1]:
        table = table.assign(aoi_deg=angle)
        said = f"the angle of incidence is taken from its second line, {angle:g}°"
        warnings = (f"{text.name} names no angle: {said}; aoi_deg in the model says another.",)
    found, more = psi_and_delta(table, text.name)
    return found, warnings + more


def _static(waves: list[float], lines: list[str]) -> pd.DataFrame:
    values = [numbers_in(line, None) for line in lines[: len(waves)]]
    rows = [
        (wave, *value[:4]) for wave, value in zip(waves, values, strict=False) if value and len(value) >= 4
    ]
    whole = rows if len(rows) == len(waves) else []
    return pd.DataFrame(np.array(whole).reshape(-1, 5), columns=_COLUMNS)


def _dynamic(waves: list[float], lines: list[str]) -> pd.DataFrame:
    titles = lines[0].split("\t") if lines else []
    columns = [[i for i, title in enumerate(titles) if title.endswith(end)] for end in _OF_A_LAMP]
    numbers = [numbers_in(line, "\t") for line in lines[1:]]
    times = [row for row in numbers if row and len(row) == len(titles)]
    if not titles or titles[0] != "Time" or any(len(one) != len(waves) for one in columns):
        times = []
    parts = [
        pd.DataFrame(
            {"spectrum": number, "time_s": row[0], "wavelength_nm": waves}
            | {name: [row[i] for i in own] for name, own in zip(_COLUMNS[1:], columns, strict=True)}
        )
        for number, row in enumerate(times)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
