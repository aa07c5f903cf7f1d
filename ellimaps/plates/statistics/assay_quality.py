"""How far controls scatter on each plate, and how well a positive control stands out from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.treatments import FEWEST_CONTROLS, control_wells


def assay_quality(wells: pd.DataFrame, values: Floats, positive: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the spread of the controls of every plate and the Z' factor of a positive control.

    ``Z' = 1 - 3 (sd_positive + sd_control) / |mean_positive - mean_control|``; source: Zhang, Chung and
    Oldenburg 1999, doi:10.1177/108705719900400206. Above 0.5 an assay is called excellent there, below 0 the
    two overlap. A positive control that was chosen by this very feature makes it look better than it is.

    Parameters
    ----------
    wells : DataFrame
        With ``plate`` and ``control``.
    values : ndarray, shape (well,)
        Of one feature; NaN where a well has none.
    positive : ndarray of bool, shape (well,)
        Wells of the positive control.

    Returns
    -------
    DataFrame
        A row per plate: ``plate, n_controls, mean, sd, cv`` (sd over mean, NaN for a mean of 0),
        ``n_positive, z_prime`` (NaN where either side has fewer than three wells: the spread is not known).
    """
    plates, control = wells["plate"].astype(str).to_numpy(), control_wells(wells)
    known = np.isfinite(values)
    rows = []
    for plate in pd.unique(plates):
        here = (plates == plate) & known
        low, high = values[here & control], values[here & positive & ~control]
        mean, sd = _moments(low)
        other_mean, other_sd = _moments(high)
        apart = abs(other_mean - mean)
        rows.append(
            {
                **{"plate": plate, "n_controls": len(low), "mean": mean, "sd": sd},
                "cv": sd / abs(mean) if mean else np.nan,
                "n_positive": len(high),
                "z_prime": 1 - 3 * (sd + other_sd) / apart if apart > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _moments(values: Floats) -> tuple[float, float]:
    """Return mean and standard deviation; of fewer wells than tell a spread it is not known."""
    if len(values) < FEWEST_CONTROLS:
        return (float(values.mean()) if len(values) else np.nan), np.nan
    return float(values.mean()), float(values.std(ddof=1))
