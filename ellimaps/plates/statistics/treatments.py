"""Which wells got the same compound at the same dose, and which are controls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.plate import POSITIVE

FEWEST_CONTROLS = 3
"""The spread of two is one difference, and says nothing of itself."""


@dataclass(frozen=True)
class Treatment:
    """A compound at a dose.

    Attributes
    ----------
    compound, unit : str
        What, and the unit of its concentration.
    concentration : float
        NaN where the layout does not say.
    rows : ndarray of int, shape (well,)
        Its wells: positions in the table of wells.
    """

    compound: str
    concentration: float
    unit: str
    rows: NDArray[np.intp]


def treatments(wells: pd.DataFrame) -> list[Treatment]:
    """Return every compound and dose by compound, then ascending dose; wells without a compound are left out.

    Parameters
    ----------
    wells : DataFrame
        With ``compound, concentration, concentration_unit, control``.
    """
    compound = wells["compound"].fillna("").astype(str).to_numpy()
    unit = wells["concentration_unit"].fillna("").astype(str).to_numpy()
    dose = pd.to_numeric(wells["concentration"]).to_numpy(dtype=np.float64)
    chosen = np.flatnonzero(~control_wells(wells) & (compound != ""))
    rows: dict[tuple[str, str, float], list[int]] = {}
    for row in chosen:
        # NaN is no key: it does not equal itself.
        rows.setdefault((compound[row], unit[row], dose[row] if dose[row] >= 0 else -1.0), []).append(
            int(row)
        )
    return [
        Treatment(name, amount if amount >= 0 else float("nan"), of, np.asarray(rows[name, of, amount]))
        for name, of, amount in sorted(rows)
    ]


def control_wells(wells: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which wells are controls, shape (well,)."""
    return wells["control"].fillna(False).to_numpy(dtype=bool)


def positive_wells(wells: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which wells the layout calls positive controls, shape (well,)."""
    if POSITIVE not in wells:
        return np.zeros(len(wells), dtype=bool)
    return wells[POSITIVE].fillna(False).to_numpy(dtype=bool)


def checked_controls(wells: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which wells are controls, shape (well,).

    Raises
    ------
    SettingError
        If fewer than three are.
    """
    is_control = control_wells(wells)
    if is_control.sum() < FEWEST_CONTROLS:
        raise SettingError(
            f"The layout marks {is_control.sum()} wells as controls: mark {FEWEST_CONTROLS} or more, "
            "as everything is compared with them."
        )
    return is_control
